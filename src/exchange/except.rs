//! An exception at work: one message, one recipient, named leaves above the policy.
//!
//! A message that comes after it is released under it at once. For one that was admitted before,
//! what the exception adds is made as soon as it is approved: what still waits is made anew, what
//! was handed out is supplemented, what was refused goes after all. What an officer holds or has
//! suspended stays with the officer, who may now let it go.

use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Code, Refused, ReleaseId};
use crate::policy::{Compiled, ExceptionSource, Withheld};
use crate::store::{
    Changes, CommitError, MessageRow, RecipientRow, ReleaseRow, Requirement, Write,
};

use super::admit::{Admitted, readmit};
use super::disclose::{
    Before, Decided, Last, Verdict, disclose_later, kind_of, pin, policy_for, project,
    protected_values,
};
use super::record::{outcome_rows, recipient_row, release_row};
use super::release::{Relations, To, release, sign_release};
use super::renew::{released_leaves, renew};
use super::review::stopped;
use super::suspend::{self, Look};
use super::{Failure, Gateway, Rules};

/// Makes what the exception `id` adds to a message that was admitted before it. Nothing is made
/// for a message that is not there yet, or that its sender has taken back.
pub(super) async fn apply(gateway: &Gateway, id: &str) -> Result<(), Failure> {
    let rules = gateway.rules();
    let Some((source, above)) = rules.exceptions.iter().find(|(source, _)| source.id == id) else {
        return Ok(());
    };
    let store = gateway.store();
    let sender = &source.sender().party;
    let Some(message) = store.message(sender, &source.message_id()).await? else { return Ok(()) };
    if message.state == MessageState::Withdrawn || message.object.is_none() {
        return Ok(());
    }
    let rows = store.recipients(sender, &source.message_id()).await?;
    let row = rows.into_iter().find(|row| source.recipient().covers(&row.recipient));
    let Some(row) = row else { return Ok(()) };
    let admitted = readmit(gateway, &rules, &message).await?;
    if !is_for(source, &admitted, &rules, gateway, above, &row) {
        return Ok(());
    }
    let mut look = Look::default();
    let reason = suspend::reason(gateway, &rules, &admitted, &row.recipient, &mut look).await?;
    if reason.is_some() {
        return Ok(());
    }
    let releases = store.releases_of(sender, &message.message_id).await?;
    let mut own: Vec<ReleaseRow> =
        releases.into_iter().filter(|release| release.recipient == row.recipient).collect();
    let first = own.iter().find(|r| r.supplements.is_none() && r.entry.is_some());
    let first = first.map(|release| release.release_id);
    own.retain(ReleaseRow::is_queued);
    let changes = match (row.state, first) {
        (RecipientState::Queued, None) => renew(gateway, &rules, &own).await?,
        (
            RecipientState::Collected | RecipientState::Acknowledged | RecipientState::Rejected,
            Some(first),
        ) => Some(supplement(gateway, &rules, &admitted, (&row, &message), (above, first)).await?),
        (RecipientState::Refused | RecipientState::Unchanged, _) => {
            Some(after_all(gateway, &rules, admitted, (&row, &message), &mut look).await?)
        }
        _ => None,
    };
    let Some(mut changes) = changes else { return Ok(()) };
    let case = readmit(gateway, &rules, &message).await?;
    let case = case.case();
    changes.requires.push(suspend::unchanged(case.exchange.id, &case.suspensions.reviews));
    changes.requires.push(Requirement::Generation(rules.generation));
    match store.commit(changes).await {
        Ok(_) => {
            gateway.tell(&row.recipient.party);
            Ok(())
        }
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

/// Whether the message is of the type and purpose that the exception says, and it is in force.
fn is_for(
    source: &ExceptionSource,
    admitted: &Admitted,
    rules: &Rules,
    gateway: &Gateway,
    above: &Compiled,
    row: &RecipientRow,
) -> bool {
    let today = rules.today(gateway.clock());
    let now = policy_for(rules, admitted, &row.recipient, today);
    *source.message() == admitted.message().message_type
        && now.is_some_and(|now| now.digest() == above.digest())
}

/// A release beside the one that was handed out.
async fn supplement(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (row, message): (&RecipientRow, &MessageRow),
    (above, first): (&Compiled, ReleaseId),
) -> Result<Changes, Failure> {
    let before = Before::Message(message);
    let protected = protected_values(gateway, rules, &message.exchange, before).await?;
    let released = released_leaves(gateway, message, &row.recipient).await?;
    let leaves = (protected.as_slice(), released.as_slice(), &[][..]);
    let disclosure =
        project(gateway, above, admitted, &row.recipient, leaves).map_err(|why| match why {
            Withheld::Hold { .. } => Failure::problem(Code::PolicyRefused),
            Withheld::Refuse(refused) => Failure::Problem(refused),
        })?;
    let member = admitted.case().member(&row.recipient.party);
    let member = member.ok_or_else(|| Failure::problem(Code::NotFound))?;
    let policy = pin(above);
    let to = To {
        recipient: &row.recipient,
        kind: kind_of(rules, &row.recipient),
        batch: above.batch(),
        made_at: None,
        exchange: member.reference,
        policy: &policy,
        before: row.policy.as_ref(),
        retention_until: admitted.retention_until(),
    };
    let relations = Relations { supplements: Some(first), ..Relations::default() };
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    let decided = Decided {
        recipient: row.recipient.clone(),
        policy: Some(policy),
        verdict: Verdict::Goes { disclosure: Box::new(disclosure), last: Last::NotCompared },
        known: None,
    };
    let mut changes = Changes::default();
    changes.writes.push(release_row(gateway, admitted, &decided, &signed)?);
    Ok(changes)
}

/// What was refused, or not sent again, goes after all.
async fn after_all(
    gateway: &Gateway,
    rules: &Rules,
    admitted: Admitted,
    (row, message): (&RecipientRow, &MessageRow),
    look: &mut Look,
) -> Result<Changes, Failure> {
    let to = (&row.recipient, None);
    let disclosed = disclose_later(gateway, rules, admitted, to, look).await;
    let released = disclosed.and_then(|disclosed| release(gateway, rules, disclosed));
    let (admitted, outcomes, new_members) = released.map_err(stopped)?.into_parts();
    let mut changes = Changes::default();
    changes.writes.extend(new_members.into_iter().map(Write::Member));
    for (decided, signed) in outcomes {
        if let Verdict::Refused(refused) = &decided.verdict {
            return Err(Failure::Problem(Refused::because(refused.code)));
        }
        let to = recipient_row(&admitted, 0, &decided);
        outcome_rows(gateway, &mut changes, &admitted, &decided, signed.as_ref())
            .map_err(stopped)?;
        let (sender, message_id) = (row.sender.clone(), row.message_id);
        let recipient = row.recipient.clone();
        if let (None, Some(policy)) = (&row.policy, to.policy) {
            let (sender, recipient) = (sender.clone(), recipient.clone());
            changes.writes.push(Write::RecipientPolicy { sender, message_id, recipient, policy });
        }
        let goes = to.state == RecipientState::Queued;
        let (state, pending) = (to.state, to.pending);
        changes.writes.push(Write::RecipientState {
            sender: sender.clone(),
            message_id,
            recipient,
            state,
            pending,
        });
        if goes && message.state == MessageState::Held {
            let state = MessageState::Admitted;
            changes.writes.push(Write::MessageState { sender, message_id, state });
        }
    }
    Ok(changes)
}
