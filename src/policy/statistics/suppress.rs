//! Which cells which party is shown: primary and complementary suppression.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::{Contradiction, Interval, intervals};
use super::count::{Coalition, Counts, Subject, coalitions};
use super::published::Figures;
use super::record::{Mark, Record};
use crate::domain::aggregate::{BASE, K, METHOD};
use crate::domain::{CellId, PartyId, Period, TableId};

/// Most recipients of one report: every coalition of them is looked at.
pub const RECIPIENTS_MAX: usize = 5;

/// Most recipients of all reports together.
const PARTIES_MAX: usize = 8;

/// Why there is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unprotected {
    /// See [`Contradiction`].
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// What is known already tells too much, whatever is left out here.
    #[error("what is known already tells too much, whatever is left out")]
    Exposed,
    /// None, or more than can be looked at together.
    #[error("a report has 1 to 5 recipients, and all reports together at most 8")]
    Recipients,
}

/// What each recipient is shown of a period.
///
/// # Errors
/// [`Unprotected`]; then nothing may be told.
pub fn suppress(
    period: Period,
    subjects: &[Subject],
    recipients: &BTreeSet<PartyId>,
    (earlier, figures): (&[Record], &Figures),
) -> Result<Record, Unprotected> {
    let record = primary(period, subjects, recipients)?;
    complete(record, subjects, (earlier, figures))
}

/// Primary suppression and rounding.
pub(super) fn primary(
    period: Period,
    subjects: &[Subject],
    recipients: &BTreeSet<PartyId>,
) -> Result<Record, Unprotected> {
    if !(1..=RECIPIENTS_MAX).contains(&recipients.len()) {
        return Err(Unprotected::Recipients);
    }
    let mut record = Record {
        period,
        k: K,
        base: BASE,
        method: METHOD.to_owned(),
        marks: BTreeMap::new(),
        known: BTreeMap::new(),
    };
    let counts = Counts::of(subjects, |_all| true);
    for party in recipients {
        let others = Counts::of(subjects, |subject| !subject.known_to.contains(party));
        let marks = TableId::ALL.iter().flat_map(|table| marks(*table, &counts, &others));
        record.marks.insert(party.clone(), marks.collect());
    }
    for coalition in coalitions(recipients) {
        record.know(&coalition, Counts::known_to(subjects, &coalition));
    }
    Ok(record)
}

/// The nearest multiple of the base.
const fn rounded(n: u32) -> u32 {
    (n + BASE / 2) / BASE * BASE
}

/// A table as a party is shown it, before it is looked at beside others; `others` are the persons
/// that the party does not know of.
fn marks(table: TableId, counts: &Counts, others: &Counts) -> Vec<(CellId, Mark)> {
    let row = match table {
        // of a service: whoever did not ask for it
        TableId::Services => others.sum(TableId::Pathway),
        _ => others.sum(table),
    };
    let is_large = |cell: &CellId| others.at(cell) >= K;
    let fills = |cell: &CellId| {
        table.is_sensitive() && is_large(cell) && row.saturating_sub(others.at(cell)) < K
    };
    let cells = table.cells();
    let is_filled = table != TableId::Services && cells.iter().any(fills);
    let mark = |cell: &CellId| {
        if !is_large(cell) {
            Mark::Small
        } else if is_filled || fills(cell) {
            Mark::Protecting
        } else {
            Mark::Shown(rounded(counts.at(cell)))
        }
    };
    cells.iter().map(|cell| (cell.clone(), mark(cell))).collect()
}

/// Leaves out more until no coalition can derive what is left out, here or in an earlier report.
fn complete(
    mut record: Record,
    subjects: &[Subject],
    (earlier, figures): (&[Record], &Figures),
) -> Result<Record, Unprotected> {
    let counts = Counts::of(subjects, |_all| true);
    let mut parties: BTreeSet<PartyId> = record.marks.keys().cloned().collect();
    parties.extend(earlier.iter().flat_map(|report| report.marks.keys().cloned()));
    if parties.len() > PARTIES_MAX {
        return Err(Unprotected::Recipients);
    }
    let coalitions = coalitions(&parties);
    let mut reports = earlier.to_vec();
    loop {
        reports.truncate(earlier.len());
        reports.push(record.clone());
        let mut exposed = None;
        for coalition in &coalitions {
            if let Some(cell) = first_exposed(&reports, figures, coalition)? {
                exposed = Some((coalition, cell));
                break;
            }
        }
        let Some((coalition, (at, cell))) = exposed else { return Ok(record) };
        let near = (at == record.period).then_some(cell.table);
        let victim = victim(&record, &counts, coalition, near).ok_or(Unprotected::Exposed)?;
        for marks in record.marks.values_mut() {
            if let Some(mark) = marks.get_mut(&victim).filter(|mark| mark.shown().is_some()) {
                *mark = Mark::Protecting;
            }
        }
    }
}

/// The smallest shown cell of the table that is to be protected, else of any.
fn victim(
    record: &Record,
    counts: &Counts,
    coalition: &Coalition,
    near: Option<TableId>,
) -> Option<CellId> {
    let is_shown = |cell: &CellId| {
        coalition.iter().any(|party| record.mark(party, cell).and_then(Mark::shown).is_some())
    };
    let shown = TableId::all_cells().into_iter().filter(is_shown);
    shown.min_by_key(|cell| (Some(cell.table) != near, counts.at(cell)))
}

/// The first cell about which a coalition can derive too much.
fn first_exposed(
    reports: &[Record],
    figures: &Figures,
    coalition: &Coalition,
) -> Result<Option<(Period, CellId)>, Contradiction> {
    let derived = intervals(reports, figures, coalition)?;
    let report = |period: Period| reports.iter().find(|report| report.period == period);
    let is_exposed = |((period, cell), interval): &(&(Period, CellId), &Interval)| {
        let Some(report) = report(*period) else { return true };
        // nothing was withheld from whoever was no recipient
        let marks: Vec<Mark> =
            coalition.iter().filter_map(|party| report.mark(party, cell)).collect();
        let needed = if marks.contains(&Mark::Small) { report.k } else { report.base };
        !marks.is_empty() && interval.values().is_some_and(|values| values < needed)
    };
    Ok(derived.iter().find(is_exposed).map(|(at, _)| at.clone()))
}
