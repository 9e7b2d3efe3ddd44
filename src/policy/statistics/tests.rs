//! What can be derived is found here by linear programming, from what was told and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use proptest::prelude::*;
use time::Date;

use super::suppress::primary;
use super::*;
use crate::domain::aggregate::{BASE, K};
use crate::domain::{CellId, PartyId, Period, TableId};

fn party(name: &str) -> PartyId {
    name.parse().unwrap()
}

fn parties(names: &[&str]) -> BTreeSet<PartyId> {
    names.iter().map(|name| party(name)).collect()
}

/// A person by the places of its codes.
fn subject(places: [usize; 5], services: &[usize], known_to: &[&str]) -> Subject {
    let tables = [
        TableId::SexByAge,
        TableId::Pathway,
        TableId::Category,
        TableId::RegionGroup,
        TableId::Outcomes,
    ];
    let at = |table: TableId, place: usize| table.cells().into_iter().nth(place);
    let mut cells: Vec<CellId> =
        tables.iter().zip(places).filter_map(|(table, place)| at(*table, place)).collect();
    cells.extend(services.iter().filter_map(|place| at(TableId::Services, *place)));
    Subject { cells, known_to: parties(known_to) }
}

fn figure(total: usize, from: &str, until: &str) -> Figure {
    let period = |text: &str| text.parse::<Period>().unwrap();
    let (from, until) = (period(from).first_day(), period(until).next_day());
    let total = u32::try_from(total).unwrap();
    Figure { total, from, until: until.previous_day().unwrap(), source: "SYNTHETIC".to_owned() }
}

/// A period as it was told, with who really was in it.
struct Said<'a> {
    record: &'a Record,
    subjects: &'a [Subject],
}

/// A linear constraint: factors by variable, how they compare, to what.
type Row = (Vec<(usize, f64)>, ComparisonOp, f64);

/// The linear system of a coalition, solved towards one variable at a time.
struct Oracle {
    bounds: Vec<(f64, f64)>,
    cells: BTreeMap<(Period, CellId), usize>,
    rows: Vec<Row>,
}

impl Oracle {
    fn of(said: &[Said<'_>], figures: &[Figure], coalition: &Coalition) -> Self {
        let mut oracle = Self { bounds: Vec::new(), cells: BTreeMap::new(), rows: Vec::new() };
        let mut persons: Vec<(Date, Date, usize)> = Vec::new();
        for each in said {
            let period = each.record.period;
            let total = oracle.variable(0.0, f64::INFINITY);
            persons.push((period.first_day(), period.next_day(), total));
            for cell in TableId::all_cells() {
                let bounds = told(each, coalition, &cell);
                let at = oracle.variable(bounds.0, bounds.1);
                oracle.cells.insert((period, cell.clone()), at);
                if cell.table == TableId::Services {
                    oracle.rows.push((vec![(at, 1.0), (total, -1.0)], ComparisonOp::Le, 0.0));
                }
            }
            for table in TableId::ALL.iter().filter(|table| table.is_partition()) {
                let each = table.cells().into_iter().map(|cell| oracle.cells[&(period, cell)]);
                let mut row: Vec<(usize, f64)> = each.map(|at| (at, 1.0)).collect();
                row.push((total, -1.0));
                oracle.rows.push((row, ComparisonOp::Eq, 0.0));
            }
        }
        for figure in figures {
            let inside = |(from, next, _): &&(Date, Date, usize)| {
                figure.from <= *from && *next <= figure.until.next_day().unwrap()
            };
            let mut row: Vec<_> = persons.iter().filter(inside).map(|p| (p.2, 1.0)).collect();
            let months = |from: Date, to: Date| {
                (to.year() - from.year()) * 12 + i32::from(u8::from(to.month()))
                    - i32::from(u8::from(from.month()))
            };
            let covered: i32 = persons.iter().filter(inside).map(|p| months(p.0, p.1)).sum();
            if covered < months(figure.from, figure.until.next_day().unwrap()) {
                row.push((oracle.variable(0.0, f64::INFINITY), 1.0));
            }
            oracle.rows.push((row, ComparisonOp::Eq, figure.total.into()));
        }
        oracle
    }

    fn variable(&mut self, low: f64, high: f64) -> usize {
        self.bounds.push((low, high));
        self.bounds.len() - 1
    }

    fn towards(&self, at: usize, way: OptimizationDirection) -> Option<f64> {
        let mut problem = Problem::new(way);
        let variables: Vec<Variable> = self
            .bounds
            .iter()
            .enumerate()
            .map(|(i, bounds)| problem.add_var(if i == at { 1.0 } else { 0.0 }, *bounds))
            .collect();
        for (row, how, by) in &self.rows {
            let row: Vec<_> = row.iter().map(|(i, by)| (variables[*i], *by)).collect();
            problem.add_constraint(row.as_slice(), *how, *by);
        }
        match problem.solve() {
            Ok(microlp::SolveOutcome::Solution(found)) => Some(found[variables[at]]),
            Ok(microlp::SolveOutcome::Interrupted(_)) => panic!("no limit was set"),
            Err(microlp::Error::Unbounded) => None,
            Err(fault) => panic!("{fault}"),
        }
    }

    /// How many whole values the cell can have.
    fn values(&self, at: usize) -> Option<f64> {
        let high = self.towards(at, OptimizationDirection::Maximize)?;
        let low = self.towards(at, OptimizationDirection::Minimize)?;
        Some((high + 1e-6).floor() - (low - 1e-6).ceil() + 1.0)
    }
}

/// What a coalition is told of a cell directly, and knows by name.
fn told(said: &Said<'_>, coalition: &Coalition, cell: &CellId) -> (f64, f64) {
    let knows = |by: &dyn Fn(&Subject) -> bool| {
        let known = said.subjects.iter().filter(|s| s.cells.contains(cell) && by(s));
        u32::try_from(known.count()).unwrap()
    };
    let mut low = knows(&|subject| !subject.known_to.is_disjoint(coalition));
    let mut high = f64::INFINITY;
    for party in coalition {
        if let Some(Mark::Shown(n)) = said.record.mark(party, cell) {
            let own = knows(&|subject| subject.known_to.contains(party));
            low = low.max(n - BASE / 2).max(own + K);
            high = (n + BASE / 2).into();
        }
    }
    (low.into(), high)
}

/// The first cell of which a coalition can derive too much.
fn leak(said: &[Said<'_>], figures: &[Figure]) -> Option<String> {
    let everyone: BTreeSet<PartyId> =
        said.iter().flat_map(|each| each.record.marks.keys().cloned()).collect();
    for coalition in coalitions(&everyone) {
        let oracle = Oracle::of(said, figures, &coalition);
        for each in said {
            for cell in TableId::all_cells() {
                let marks: Vec<Mark> =
                    coalition.iter().filter_map(|p| each.record.mark(p, &cell)).collect();
                if marks.is_empty() || marks.iter().any(|mark| mark.shown().is_some()) {
                    continue;
                }
                let needed = if marks.contains(&Mark::Small) { K } else { BASE };
                let at = oracle.cells[&(each.record.period, cell.clone())];
                if oracle.values(at).is_some_and(|values| values < f64::from(needed)) {
                    return Some(format!("{coalition:?} {cell}"));
                }
            }
        }
    }
    None
}

/// Two cells of everything, and a third category with three persons.
fn sixty() -> Vec<Subject> {
    let one = |i: usize| {
        let category = if i < 40 { 0 } else { usize::from(i < 57) + usize::from(i >= 57) * 2 };
        subject([i % 2, i % 2, category, i % 2, 99], &[], &[])
    };
    (0..60).map(one).collect()
}

#[test]
fn what_is_shown_is_rounded_and_what_is_few_or_none_is_suppressed_alike() {
    let period = "2026-H1".parse().unwrap();
    let cuta = party("cuta-be");
    let record =
        suppress(period, &sixty(), &parties(&["cuta-be"]), (&[], &Figures::default())).unwrap();
    let category: Vec<_> = record.table(&cuta, TableId::Category);
    let numbers: Vec<_> = category.iter().map(|(_, n)| *n).collect();
    assert_eq!(numbers, [Some(40), Some(15), None]);
    for (cell, n) in TableId::ALL.iter().flat_map(|table| record.table(&cuta, *table)) {
        assert!(n.is_none_or(|n| n % BASE == 0 && n >= K), "{cell}");
    }
    assert_eq!(
        record.mark(&cuta, &CellId::of(TableId::Outcomes, &["other"]).unwrap()),
        Some(Mark::Small)
    );
}

#[test]
fn without_the_complementary_step_a_published_total_tells_the_small_cell() {
    let period: Period = "2026-H1".parse().unwrap();
    let (subjects, recipients) = (sixty(), parties(&["cuta-be"]));
    let figures = Figures(vec![figure(60, "2026-H1", "2026-H1")]);
    let bare = primary(period, &subjects, &recipients).unwrap();
    let said = [Said { record: &bare, subjects: &subjects }];
    assert!(leak(&said, &figures.0).is_some(), "the oracle sees nothing");
    let whole = suppress(period, &subjects, &recipients, (&[], &figures)).unwrap();
    assert_ne!(whole, bare);
    let said = [Said { record: &whole, subjects: &subjects }];
    assert_eq!(leak(&said, &figures.0), None);
}

#[test]
fn a_cell_is_shown_only_to_whom_enough_others_are_left_and_says_the_same_to_all() {
    let period: Period = "2026-H1".parse().unwrap();
    let known = |i: usize| if i < 50 { "bnpt" } else { "cuta-be" };
    let subjects: Vec<_> =
        (0..90).map(|i| subject([i % 2, i % 3, i % 3, i % 2, 99], &[0], &[known(i)])).collect();
    let all = parties(&["bnpt", "cuta-be", "kemensos"]);
    let record = suppress(period, &subjects, &all, (&[], &Figures::default())).unwrap();
    let mut shown_to_both = 0;
    for cell in TableId::all_cells() {
        let shown = |name: &str| record.mark(&party(name), &cell).and_then(Mark::shown);
        let n = |without: Option<&str>| {
            let has = subjects.iter().filter(|s| s.cells.contains(&cell));
            has.filter(|s| without.is_none_or(|name| !s.known_to.contains(&party(name)))).count()
        };
        for name in ["bnpt", "cuta-be"] {
            assert!(shown(name).is_none() || n(Some(name)) >= 10, "{name} {cell}");
        }
        if let (Some(one), Some(other)) = (shown("bnpt"), shown("cuta-be")) {
            assert_eq!(one, other, "{cell}");
            shown_to_both += 1;
        }
    }
    assert!(shown_to_both > 3, "{shown_to_both}");
}

#[test]
fn no_sensitive_value_fills_a_row() {
    let period: Period = "2026-H1".parse().unwrap();
    let all: Vec<_> = (0..50).map(|i| subject([i % 2, 0, i % 2, i % 2, 99], &[0], &[])).collect();
    let cuta = party("cuta-be");
    let record =
        suppress(period, &all, &parties(&["cuta-be"]), (&[], &Figures::default())).unwrap();
    for table in [TableId::Pathway, TableId::Services] {
        assert!(record.table(&cuta, table).iter().all(|(_, n)| n.is_none()), "{table}");
    }
    assert!(record.table(&cuta, TableId::Category).iter().any(|(_, n)| n.is_some()));
    // where everybody stays is no secret of anybody's
    assert!(record.table(&cuta, TableId::RegionGroup).iter().any(|(_, n)| n.is_some()));
}

#[test]
fn figures_that_contradict_or_tell_all_leave_no_report() {
    let period: Period = "2026-H1".parse().unwrap();
    let recipients = parties(&["cuta-be"]);
    let build = |subjects: &[Subject], figures: Vec<Figure>| {
        suppress(period, subjects, &recipients, (&[], &Figures(figures))).unwrap_err()
    };
    let too_few = build(&sixty(), vec![figure(20, "2016-H1", "2026-H2")]);
    assert_eq!(too_few, Unprotected::Contradiction(Contradiction));
    let few: Vec<_> = sixty().into_iter().take(4).collect();
    assert_eq!(build(&few, vec![figure(4, "2026-H1", "2026-H1")]), Unprotected::Exposed);
    let nobody = suppress(period, &sixty(), &BTreeSet::new(), (&[], &Figures::default()));
    assert_eq!(nobody.unwrap_err(), Unprotected::Recipients);
}

#[test]
fn the_difference_of_two_published_totals_is_seen() {
    let period: Period = "2026-H1".parse().unwrap();
    let (subjects, recipients) = (sixty(), parties(&["cuta-be"]));
    let figures = vec![figure(200, "2016-H1", "2025-H2"), figure(260, "2016-H1", "2026-H1")];
    let bare = primary(period, &subjects, &recipients).unwrap();
    let whole = suppress(period, &subjects, &recipients, (&[], &Figures(figures))).unwrap();
    assert_ne!(whole, bare);
}

#[test]
fn a_later_report_does_not_undo_an_earlier_one() {
    let recipients = parties(&["cuta-be"]);
    let (first, second): (Period, Period) =
        ("2026-H1".parse().unwrap(), "2026-H2".parse().unwrap());
    let subjects = sixty();
    let figures = Figures(vec![figure(120, "2026-H1", "2026-H2")]);
    let earlier = suppress(first, &subjects, &recipients, (&[], &figures)).unwrap();
    let later =
        suppress(second, &subjects, &recipients, (std::slice::from_ref(&earlier), &figures));
    let later = later.unwrap();
    let said = [&earlier, &later].map(|record| Said { record, subjects: &subjects });
    assert_eq!(leak(&said, &figures.0), None);
}

fn some_subjects() -> impl Strategy<Value = Vec<Subject>> {
    let skewed = |max: usize| prop_oneof![3 => 0..2usize, 1 => 0..max];
    let places = (skewed(9), skewed(4), skewed(3), skewed(6), skewed(30));
    let services = proptest::collection::vec(0..10usize, 0..3);
    let known = prop_oneof![
        4 => Just(&[][..]),
        2 => Just(&["aa"][..]),
        1 => Just(&["bb"][..]),
        1 => Just(&["aa", "bb"][..]),
    ];
    let one = (places, services, known)
        .prop_map(|((a, b, c, d, e), services, known)| subject([a, b, c, d, e], &services, known));
    proptest::collection::vec(one, 15..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_coalition_derives_a_suppressed_cell(
        first in some_subjects(),
        second in some_subjects(),
        exact in 0..4usize,
    ) {
        let recipients = parties(&["aa", "bb"]);
        let (one, two): (Period, Period) = ("2026-H1".parse().unwrap(), "2026-H2".parse().unwrap());
        let all = first.len() + second.len();
        let figures = match exact {
            0 => vec![],
            1 => vec![figure(first.len(), "2026-H1", "2026-H1")],
            2 => vec![figure(all, "2026-H1", "2026-H2")],
            _ => vec![figure(all + 7, "2016-H1", "2026-H2"), figure(7, "2016-H1", "2025-H2")],
        };
        let published = Figures(figures.clone());
        let earlier = match suppress(one, &first, &recipients, (&[], &published)) {
            Ok(earlier) => earlier,
            Err(why) => {
                prop_assert_eq!(why, Unprotected::Exposed);
                return Ok(());
            }
        };
        let mut said = vec![Said { record: &earlier, subjects: &first }];
        prop_assert_eq!(leak(&said, &figures), None);
        let later = suppress(two, &second, &recipients, (std::slice::from_ref(&earlier), &published));
        if let Ok(later) = &later {
            said.push(Said { record: later, subjects: &second });
            prop_assert_eq!(leak(&said, &figures), None);
        }
    }
}
