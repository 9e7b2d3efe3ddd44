//! Where a version stands by what was done with it, against what its row says.
//!
//! The store keeps a version's state and moment, which are looked up, and its steps, which are
//! signed and entered in the governance ledger. A version of which they say different things is in
//! force for nobody.
//!
//! INVARIANT: such a version keeps its place from the earliest moment that either names, so that
//! whoever changes a row, or takes one away, brings no version back that was overtaken.

use std::collections::BTreeSet;

use crate::domain::{Act, Approval, DocumentKind, Needs, VersionState};
use crate::sign;
use crate::store::VersionRow;

/// Whether it was approved, by its row or by its history.
pub(super) fn is_approved(row: &VersionRow) -> bool {
    row.state == VersionState::Approved || state(row) == Some(VersionState::Approved)
}

/// From when on an approved version takes the place of those before it.
pub(super) fn begins(row: &VersionRow) -> i64 {
    let last = row.steps.last().map(|step| step.at);
    if row.state == VersionState::Approved && last.is_some() && row.effective_at == last {
        // nothing begins before its last step
        return row.effective_at.unwrap_or(i64::MIN);
    }
    let begins = effective_at(row);
    begins.map_or(i64::MIN, |begins| row.effective_at.map_or(begins, |at| at.min(begins)))
}

/// Whether the row of an approved version says what its history says.
///
/// # Errors
/// What differs, as a phrase.
pub(super) fn check(row: &VersionRow) -> Result<(), &'static str> {
    if state(row) != Some(row.state) {
        return Err("why-state-differs");
    }
    if row.effective_at.is_none() || row.effective_at != effective_at(row) {
        return Err("why-begins-otherwise");
    }
    Ok(())
}

/// The first number that is missing between a version and the newest of the document.
pub(super) fn missing(numbers: &BTreeSet<u32>, version: u32) -> Option<u32> {
    let above = numbers.range(version.saturating_add(1)..);
    let expected = version.saturating_add(1)..=u32::MAX;
    above.zip(expected).find(|(number, expected)| *number != expected).map(|(_, missing)| missing)
}

/// The state that the last step led to.
fn state(row: &VersionRow) -> Option<VersionState> {
    let last = row.steps.last()?;
    Some(match last.act {
        Act::Seeded if row.key.kind == DocumentKind::Officer => VersionState::Approved,
        Act::Seeded | Act::Drafted | Act::Returned => VersionState::Draft,
        Act::Proposed if last.needs == Some(Needs::One) => VersionState::Approved,
        Act::Proposed => VersionState::Proposed,
        Act::Approved => VersionState::Approved,
        Act::Withdrawn => VersionState::Withdrawn,
    })
}

/// When a version begins by its last signed word: at the moment that it names, or at once. The
/// signature is verified elsewhere.
fn effective_at(row: &VersionRow) -> Option<i64> {
    let signs = |act| matches!(act, Act::Seeded | Act::Proposed | Act::Approved);
    let last = row.steps.last().filter(|step| signs(step.act))?;
    let claims = last.jws.as_deref().and_then(sign::unverified_claims);
    let word = claims.and_then(|claims| serde_json::from_value::<Approval>(claims).ok());
    Some(word.and_then(|word| word.from).map_or(last.at, |from| from.max(last.at)))
}
