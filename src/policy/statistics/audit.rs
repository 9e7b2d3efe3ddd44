//! What readers can derive: the smallest and the largest value that each suppressed cell can have,
//! given everything that a coalition was ever told.
//!
//! # Why the intervals are exact
//! Unknown are the numbers of persons: per cell, per period, and up to each day on which a period or a
//! published figure begins or ends. The latter are sums from the first day on, so that a period and a
//! figure are each the difference of two of them, and a bound on it is a bound on a difference: a
//! system of difference constraints, whose tightest bounds are shortest paths (Bellman; Floyd and
//! Warshall here, as the graph is small). The tables of a period hang together by the number of its
//! persons only, each a single sum, so that within a table the bounds of one cell are those of the sum
//! less those of the others. Every bound is whole, and every one is taken by some whole solution.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::count::Coalition;
use super::published::Figures;
use super::record::{Mark, Record};
use crate::domain::{CellId, Period, TableId};

/// What a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// At least.
    pub low: u32,
    /// At most; `None` where nothing bounds it.
    pub high: Option<u32>,
}

impl Interval {
    /// How many values it holds; `None` for no end of them.
    pub fn values(self) -> Option<u32> {
        self.high.map(|high| high.saturating_sub(self.low).saturating_add(1))
    }
}

/// What was published and what was reported cannot both be true: nothing can be checked against
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the published figures contradict what was counted")]
pub struct Contradiction;

/// Of every cell of every report that no party of the coalition is shown, what it can derive.
///
/// # Errors
/// [`Contradiction`].
pub fn intervals(
    reports: &[Record],
    figures: &Figures,
    coalition: &Coalition,
) -> Result<BTreeMap<(Period, CellId), Interval>, Contradiction> {
    let told: Vec<Told> = reports.iter().map(|report| Told::of(report, coalition)).collect();
    let persons = persons(&told, figures)?;
    let mut derived = BTreeMap::new();
    for (report, told) in reports.iter().zip(&told) {
        let Some(total) = persons.get(&report.period) else { continue };
        for (cell, interval) in &told.cells {
            if shown_to(report, coalition, cell).is_none() {
                let narrowed = told.narrowed(cell, *interval, *total);
                derived.insert((report.period, cell.clone()), narrowed);
            }
        }
    }
    Ok(derived)
}

/// The number that anyone of the coalition is shown.
fn shown_to(report: &Record, coalition: &Coalition, cell: &CellId) -> Option<u32> {
    coalition.iter().find_map(|party| report.mark(party, cell).and_then(Mark::shown))
}

/// A report as a coalition reads it.
struct Told {
    period: Period,
    cells: BTreeMap<CellId, Interval>,
}

impl Told {
    fn of(report: &Record, coalition: &Coalition) -> Self {
        let half = report.base / 2;
        let bounds = |cell: &CellId| {
            let known = report.known(coalition, cell);
            match shown_to(report, coalition, cell) {
                None => Interval { low: known, high: None },
                Some(n) => {
                    // whoever is shown it knows that so many more than its own stand in it
                    let readers = coalition
                        .iter()
                        .filter(|party| report.mark(party, cell).and_then(Mark::shown).is_some());
                    let alone = |party| Coalition::from([party]);
                    let at_least = readers.map(|party| {
                        report.known(&alone(party.clone()), cell).saturating_add(report.k)
                    });
                    let low = at_least.max().unwrap_or(0).max(n.saturating_sub(half)).max(known);
                    Interval { low, high: Some(n.saturating_add(half)) }
                }
            }
        };
        let cells = TableId::all_cells().into_iter().map(|cell| (bounds(&cell), cell));
        let cells = cells.map(|(bounds, cell)| (cell, bounds)).collect();
        Self { period: report.period, cells }
    }

    /// What the tables alone say about the number of persons.
    fn total(&self) -> Interval {
        let mut total = Interval { low: 0, high: None };
        for table in TableId::ALL.iter().copied().filter(|table| table.is_partition()) {
            let Interval { low, high } = self.sum(table, None);
            total.low = total.low.max(low);
            total.high = match (total.high, high) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        // whoever asked for a service is a person
        let services = self.cells.iter().filter(|(cell, _)| cell.table == TableId::Services);
        total.low = services.map(|(_, each)| each.low).fold(total.low, u32::max);
        total
    }

    /// Of a table, or of all of it but one cell.
    fn sum(&self, table: TableId, but: Option<&CellId>) -> Interval {
        let of_table = |cell: &&CellId| cell.table == table && Some(*cell) != but;
        let cells = self.cells.iter().filter(|(cell, _)| of_table(cell)).map(|(_, each)| each);
        cells.fold(Interval { low: 0, high: Some(0) }, |sum, each| Interval {
            low: sum.low.saturating_add(each.low),
            high: sum.high.zip(each.high).map(|(one, other)| one.saturating_add(other)),
        })
    }

    fn narrowed(&self, cell: &CellId, own: Interval, total: Interval) -> Interval {
        let least = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if cell.table.is_partition() {
            let others = self.sum(cell.table, Some(cell));
            let low = others.high.map_or(0, |high| total.low.saturating_sub(high));
            let high = total.high.map(|high| high.saturating_sub(others.low));
            return Interval { low: own.low.max(low), high: least(own.high, high) };
        }
        if cell.table == TableId::Services {
            return Interval { high: least(own.high, total.high), ..own };
        }
        own
    }
}

/// Bounds on the number of persons of each period.
fn persons(told: &[Told], figures: &Figures) -> Result<BTreeMap<Period, Interval>, Contradiction> {
    let mut days = BTreeSet::new();
    for each in told {
        days.extend([each.period.first_day(), each.period.next_day()]);
    }
    let after = |day: Date| day.next_day().unwrap_or(Date::MAX);
    for figure in &figures.0 {
        days.extend([figure.from, after(figure.until)]);
    }
    let mut differences = Differences::over(days);
    for each in told {
        let (from, to) = (each.period.first_day(), each.period.next_day());
        differences.bound(from, to, each.total());
    }
    for figure in &figures.0 {
        let exact = Interval { low: figure.total, high: Some(figure.total) };
        differences.bound(figure.from, after(figure.until), exact);
    }
    differences.close()?;
    let of = |each: &Told| {
        let (from, to) = (each.period.first_day(), each.period.next_day());
        (each.period, differences.between(from, to))
    };
    Ok(told.iter().map(of).collect())
}

/// Upper bounds on the difference of the number of persons up to two days.
struct Differences {
    days: Vec<Date>,
    most: BTreeMap<(Date, Date), i64>,
}

impl Differences {
    fn over(days: BTreeSet<Date>) -> Self {
        let days: Vec<Date> = days.into_iter().collect();
        let mut most: BTreeMap<_, _> = days.iter().map(|day| ((*day, *day), 0)).collect();
        // nobody is ever counted back
        let steps = days.iter().zip(days.iter().skip(1));
        most.extend(steps.map(|(day, next)| ((*next, *day), 0)));
        Self { days, most }
    }

    fn bound(&mut self, from: Date, to: Date, by: Interval) {
        self.at_most(to, from, -i64::from(by.low));
        if let Some(high) = by.high {
            self.at_most(from, to, high.into());
        }
    }

    fn at_most(&mut self, from: Date, to: Date, most: i64) {
        let known = self.most.entry((from, to)).or_insert(most);
        *known = most.min(*known);
    }

    /// Floyd and Warshall.
    fn close(&mut self) -> Result<(), Contradiction> {
        let days = self.days.clone();
        for over in &days {
            for from in &days {
                let Some(first) = self.most.get(&(*from, *over)).copied() else { continue };
                for to in &days {
                    if let Some(second) = self.most.get(&(*over, *to)).copied() {
                        self.at_most(*from, *to, first + second);
                    }
                }
            }
        }
        let is_whole = days.iter().all(|day| self.most.get(&(*day, *day)) == Some(&0));
        if is_whole { Ok(()) } else { Err(Contradiction) }
    }

    fn between(&self, from: Date, to: Date) -> Interval {
        let most = |from, to| self.most.get(&(from, to)).copied();
        let whole = |n: i64| u32::try_from(n).unwrap_or(0);
        Interval {
            low: most(to, from).map_or(0, |most| whole(-most)),
            high: most(from, to).map(whole),
        }
    }
}
