//! What officers see of governed documents: every version, where it stands, and what was done.

use crate::config::{Officer, Role};
use crate::domain::{Act, VersionState};
use crate::store::{VersionKey, VersionRow};
use crate::wire::{RulesView, StepView, VersionView, VersionsAsk};

use super::Gateway;
use super::change::{ChangeFault, find, parsed, snapshot};
use super::rules::Rules;
use super::rules::proposal::Proposal;
use super::rules::signatures::touched;
use super::rules::who::{self, MayNot};
use super::show::moment;

/// Versions as an officer may see them: the edges of the own party and unit, and, for an approver,
/// everything that may be approved.
///
/// # Errors
/// [`ChangeFault`].
pub async fn list(gateway: &Gateway, ask: &VersionsAsk) -> Result<Vec<VersionView>, ChangeFault> {
    let (rules, rows) = snapshot(gateway).await?;
    let named = |name| rules.history.now(name, rules.at).filter(|officer| !officer.disabled);
    let officer = match &ask.officer {
        Some(name) => Some(named(name).ok_or(ChangeFault::MayNot(MayNot::Unknown))?),
        None => None,
    };
    let asked = rows.iter().filter(|row| {
        ask.kind.is_none_or(|kind| row.key.kind == kind)
            && ask.id.as_ref().is_none_or(|id| row.key.id == *id)
    });
    let seen = asked.filter(|row| officer.is_none_or(|officer| sees(officer, row)));
    let looks_close = ask.id.is_some();
    let mut views = Vec::new();
    for row in seen {
        // to say what a draft takes it is compiled: for a list of everything that is not asked
        views.push(view(&rules, &rows, row, looks_close));
        tokio::task::yield_now().await;
    }
    Ok(views)
}

/// Whether an officer may see a version: of the edges of its own party and unit, or, as an
/// approver, any.
pub(super) fn sees(officer: &Officer, row: &VersionRow) -> bool {
    officer.is(Role::Approver)
        || parsed(row).is_ok_and(|document| who::is_concerned(officer, &document))
}

/// What proposals are judged by.
///
/// # Errors
/// [`ChangeFault::Failed`] when the store does not answer.
pub async fn in_force(gateway: &Gateway) -> Result<RulesView, ChangeFault> {
    let (rules, rows) = snapshot(gateway).await?;
    let documents = rules.versions.iter().filter_map(|key| {
        let row = rows.iter().find(|row| row.key == *key)?;
        Some((key.kind, key.id.clone(), key.version, row.text.clone()))
    });
    let unusable = rules.unusable.iter().map(|unusable| {
        let key = &unusable.key;
        (key.kind, key.id.clone(), key.version, unusable.reason.to_string())
    });
    Ok(RulesView {
        gateway: gateway.id().to_owned(),
        floor: rules.floor_text.clone(),
        baseline: rules.baseline_text.clone(),
        generation: rules.generation,
        documents: documents.collect(),
        unusable: unusable.collect(),
    })
}

pub(super) async fn view_of(
    gateway: &Gateway,
    key: &VersionKey,
) -> Result<VersionView, ChangeFault> {
    let (rules, rows) = snapshot(gateway).await?;
    Ok(view(&rules, &rows, find(&rows, key)?, true))
}

fn view(rules: &Rules, rows: &[VersionRow], row: &VersionRow, looks_close: bool) -> VersionView {
    let unusable = rules.unusable.iter().find(|out| out.key == row.key);
    let stands = match row.state {
        // by its history it was approved, whatever its row says
        state if state != VersionState::Approved && unusable.is_some() => "unusable",
        VersionState::Draft | VersionState::Proposed | VersionState::Withdrawn => {
            row.state.as_str()
        }
        VersionState::Approved if rules.ended.contains(&row.key) => "ended",
        VersionState::Approved if unusable.is_some() => "unusable",
        VersionState::Approved if rules.versions.contains(&row.key) => "in_force",
        VersionState::Approved if row.effective_at.is_some_and(|at| at > rules.at) => "scheduled",
        VersionState::Approved => "superseded",
    };
    let needs = match (row.state, parsed(row)) {
        // as it was found then, and recorded
        (VersionState::Proposed, _) => {
            let proposed = row.steps.iter().rfind(|step| step.act == Act::Proposed);
            proposed.and_then(|step| step.needs).map(|needs| needs.to_string())
        }
        (VersionState::Draft, Ok(document)) if looks_close => {
            let (document, now, effective) = (&document, rules.at, rules.at);
            let author = touched(row).last().and_then(|name| rules.history.now(name, now));
            let proposal = Proposal { rules, rows, row, document, author, now, effective };
            Some(proposal.effect().needs.to_string())
        }
        _ => None,
    };
    VersionView {
        kind: row.key.kind,
        id: row.key.id.clone(),
        version: row.key.version,
        digest: row.digest.to_string(),
        state: row.state,
        stands: stands.to_owned(),
        unusable: unusable.map(|out| out.reason.clone()),
        effective_at: row.effective_at.map(|at| moment(at, false)),
        needs,
        applied: None,
        text: row.text.clone(),
        steps: row
            .steps
            .iter()
            .map(|step| StepView {
                act: step.act,
                officer: step.officer.clone(),
                at: moment(step.at, false),
                reason: step.reason.clone(),
                needs: step.needs.map(|needs| needs.to_string()),
                word: step.jws.clone(),
                entry: step.entry,
            })
            .collect(),
    }
}
