//! An exception at work: one message, one recipient, named leaves above the policy.
//!
//! A message that comes after it is released under it at once. For one that was admitted before,
//! what the exception adds is made as soon as it is approved: what still waits is made anew, what
//! was handed out is supplemented, what was refused goes after all. What an officer holds or has
//! suspended stays with the officer, who may now let it go.

use serde_json::Value;

use crate::domain::state::{MessageState, RecipientState, ReleaseState, ReviewKind};
use crate::domain::{Code, Refused, ReleaseId};
use crate::policy::{Compiled, ExceptionSource, Withheld};
use crate::store::rows::PolicyPin;
use crate::store::{
    Changes, CommitError, MessageRow, RecipientRow, ReleaseRow, Requirement, Write,
};

use super::admit::{Admitted, Case, readmit};
use super::disclose::{
    Before, Decided, Verdict, When, disclose_later, ends_before_window, kind_of, pin, policy_for,
    protected_values,
};
use super::gateway::commit;
use super::group::{Carried, Weighed, weigh};
use super::project::project;
use super::record::{outcome_rows, recipient_row};
use super::release::{Relations, To, release, sign_release};
use super::renew::{released_leaves, renew};
use super::review::stopped;
use super::suspend::{self, Look};
use super::under::{irreconcilable, under};
use super::{Failure, Gateway, Rules};

/// What came of an exception for the message that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// What it adds is released, or waits for its window.
    Made,
    /// The message is not there yet.
    AwaitsMessage,
    /// The message is held or suspended: an officer lets it go.
    WithOfficer,
    /// Its last day comes before the recipient's next window.
    EndsBeforeWindow,
    /// The message was taken back, corrected or erased, or is another than the exception says.
    Nothing,
}

impl Applied {
    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::AwaitsMessage => "awaits_message",
            Self::WithOfficer => "with_officer",
            Self::EndsBeforeWindow => "ends_before_window",
            Self::Nothing => "nothing",
        }
    }
}

/// Makes what every exception in force adds, where that was not made yet: one that begins later
/// than it was approved, or that could not be applied then. A fault is logged, and tried again
/// with the next change of the rules and at the next start.
pub(super) async fn apply_all(gateway: &Gateway) {
    let rules = gateway.rules();
    for (source, _) in &rules.exceptions {
        apply_or_log(gateway, &source.id).await;
    }
}

/// As [`apply`]; a fault is logged, as the exception is in force all the same.
pub(super) async fn apply_or_log(gateway: &Gateway, id: &str) -> Option<Applied> {
    const ATTEMPTS_MAX: u32 = 3;
    let mut applied = Box::pin(apply(gateway, id)).await;
    for _ in 1..ATTEMPTS_MAX {
        // something else was committed in between: decided again on what there is then
        if !matches!(applied, Err(Failure::Unavailable)) {
            break;
        }
        applied = Box::pin(apply(gateway, id)).await;
    }
    match applied {
        Ok(applied) => Some(applied),
        Err(failure) => {
            metrics::counter!("titian_exceptions_not_applied_total").increment(1);
            tracing::error!(exception = id, cause = %failure, "what an exception adds is not made");
            None
        }
    }
}

/// Makes what the exception `id` adds to a message that was admitted before it, once.
async fn apply(gateway: &Gateway, id: &str) -> Result<Applied, Failure> {
    let rules = gateway.rules();
    let Some((source, above)) = rules.exceptions.iter().find(|(source, _)| source.id == id) else {
        return Ok(Applied::Nothing);
    };
    let store = gateway.store();
    let sender = &source.sender().party;
    let Some(message) = store.message(sender, &source.message_id()).await? else {
        return Ok(Applied::AwaitsMessage);
    };
    let target = message.message_id;
    let is_corrected = !store.corrections_of(sender, &target).await?.is_empty();
    if message.state == MessageState::Withdrawn || message.object.is_none() || is_corrected {
        return Ok(Applied::Nothing);
    }
    let rows = store.recipients(sender, &source.message_id()).await?;
    let row = rows.into_iter().find(|row| source.recipient().covers(&row.recipient));
    let Some(row) = row else { return Ok(Applied::Nothing) };
    let releases = store.releases_of(sender, &message.message_id).await?;
    let all: Vec<_> = releases.iter().map(|release| release.release_id).collect();
    let mut own = releases;
    own.retain(|r| r.recipient == row.recipient && r.state != ReleaseState::Cancelled);
    for release in &own {
        if tells(gateway, &release.policy, source).await? {
            return Ok(Applied::Made);
        }
    }
    let admitted = readmit(gateway, &rules, &message).await?;
    // an information request has one answer abroad: nothing is added to it
    let has_left = admitted.case().inquiry.leaves_at().is_some()
        && own.iter().any(|release| release.entry.is_some());
    if !is_of(source, &admitted) || has_left {
        return Ok(Applied::Nothing);
    }
    // nothing is made of the message meanwhile, and it is not taken back
    let (sender, message_id, state) = (sender.clone(), message.message_id, message.state);
    let unchanged = Requirement::Message { sender, message_id, state, releases: all };
    let to = (&row, &message);
    let mut changes = match made(gateway, &rules, admitted, above, to, own).await? {
        Ok(changes) => changes,
        Err(applied) => return Ok(applied),
    };
    changes.requires.push(unchanged);
    let sender = source.sender().party.clone();
    changes.requires.push(Requirement::Corrections { sender, target, all: Vec::new() });
    changes.requires.push(Requirement::Generation(rules.generation));
    match store.commit(changes).await {
        Ok(_) => {
            gateway.tell(&row.recipient.party);
            Ok(Applied::Made)
        }
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

/// What is to be committed, or why nothing is. `own` are the recipient's releases of the message.
async fn made(
    gateway: &Gateway,
    rules: &Rules,
    admitted: Admitted,
    above: &Compiled,
    (row, message): (&RecipientRow, &MessageRow),
    mut own: Vec<ReleaseRow>,
) -> Result<Result<Changes, Applied>, Failure> {
    let first = own.iter().find(|r| r.supplements.is_none() && r.entry.is_some());
    let first = first.map(|release| release.release_id);
    own.retain(ReleaseRow::is_queued);
    let when = match own.first() {
        Some(waits) => When::of(gateway, rules, waits),
        None => When::now(gateway, rules).leaving(admitted.case().inquiry.leaves_at()),
    };
    let now = policy_for(rules, &admitted, &row.recipient, when);
    if now.is_none_or(|now| now.digest() != above.digest()) {
        return Ok(Err(Applied::EndsBeforeWindow));
    }
    let mut look = Look::default();
    let reason = suspend::reason(gateway, rules, &admitted, &row.recipient, &mut look).await?;
    if let Some(reason) = reason {
        return with_officer(gateway, rules, admitted.case(), reason).await.map(Err);
    }
    let case = admitted.case();
    let standing = suspend::unchanged(case.exchange.id, &case.suspensions.reviews);
    let changes = match (row.state, first) {
        (RecipientState::Queued, None) => renew(gateway, rules, &own).await?,
        // a supplement that waits is made anew instead of sent beside
        (_, Some(_)) if !own.is_empty() => renew(gateway, rules, &own).await?,
        (
            RecipientState::Collected | RecipientState::Acknowledged | RecipientState::Rejected,
            Some(first),
        ) => {
            let made_at = when.made_at;
            let to = (&row.recipient, made_at);
            if ends_before_window(rules, above, &admitted, to).is_some() {
                return Ok(Err(Applied::EndsBeforeWindow));
            }
            let what = (above, first, when);
            Some(supplement(gateway, rules, admitted, (row, message), what).await?)
        }
        (RecipientState::Refused | RecipientState::Unchanged, _) => {
            Some(after_all(gateway, rules, admitted, (row, message), &mut look).await?)
        }
        (RecipientState::Held | RecipientState::Suspended, _) => {
            return Ok(Err(Applied::WithOfficer));
        }
        _ => None,
    };
    Ok(changes.ok_or(Applied::Nothing).map(|mut changes| {
        changes.requires.push(standing);
        changes
    }))
}

/// Whether what went under this policy version went under the exception, for every leaf that it
/// names; also where the policy that it stands above has changed since.
async fn tells(
    gateway: &Gateway,
    pin: &PolicyPin,
    source: &ExceptionSource,
) -> Result<bool, Failure> {
    if pin.id != source.id {
        return Ok(false);
    }
    let Some(leaves) = excepted_leaves(gateway, pin).await? else { return Ok(false) };
    Ok(source.leaves().all(|leaf| leaves.iter().any(|told| told == leaf)))
}

/// The leaves that a policy version passes by an exception; `None` where it is of none.
pub(super) async fn excepted_leaves(
    gateway: &Gateway,
    pin: &PolicyPin,
) -> Result<Option<Vec<String>>, Failure> {
    let text = gateway.store().policy_text(&pin.digest).await?;
    let policy: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let leaves =
        policy.and_then(|mut policy| Some(policy.pointer_mut("/exception/leaves")?.take()));
    Ok(leaves.and_then(|leaves| serde_json::from_value(leaves).ok()))
}

/// Whether the message is of the type and purpose that the exception says.
fn is_of(source: &ExceptionSource, admitted: &Admitted) -> bool {
    let message = admitted.message();
    *source.message() == message.told_type && source.purpose() == message.legal.purpose
}

/// What an officer has to decide first; where nobody was asked yet, somebody is now.
async fn with_officer(
    gateway: &Gateway,
    rules: &Rules,
    case: &Case,
    reason: ReviewKind,
) -> Result<Applied, Failure> {
    let reviews = &case.suspensions.reviews;
    let is_open = reviews.iter().any(|row| row.stands && row.review.kind == reason);
    if !is_open {
        let mut changes = Changes::default();
        changes.requires.push(Requirement::Generation(rules.generation));
        changes.requires.push(suspend::unchanged(case.exchange.id, reviews));
        changes.writes.push(suspend::open(gateway, case.exchange.id, reason, None)?);
        commit(gateway.store(), changes).await?;
    }
    Ok(Applied::WithOfficer)
}

/// A release beside the one that was handed out.
async fn supplement(
    gateway: &Gateway,
    rules: &Rules,
    admitted: Admitted,
    (row, message): (&RecipientRow, &MessageRow),
    (above, first, when): (&Compiled, ReleaseId, When),
) -> Result<Changes, Failure> {
    let before = Before::Message(message);
    let protected = protected_values(gateway, rules, &message.exchange, before).await?;
    let released = released_leaves(gateway, message, &row.recipient).await?;
    let under = match &row.policy {
        Some(pinned) => under(gateway, rules, &admitted, (&row.recipient, pinned), when).await?,
        None => None,
    };
    let under = under.filter(|under| under.conflicting.is_empty()).ok_or_else(irreconcilable)?;
    let leaves = (protected.as_slice(), released.as_slice(), under.blank.as_slice());
    let disclosure =
        project(gateway, above, &admitted, &row.recipient, leaves).map_err(|why| match why {
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
        before: under.before.as_ref(),
        retention_until: admitted.retention_until(),
    };
    let relations = Relations { supplements: Some(first), ..Relations::default() };
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    let (recipient, made_at) = (&row.recipient, when.made_at);
    let part = signed.release_id.to_string();
    let release = Weighed { recipient, policy: above, made_at, part: &part };
    let release = (release, &mut Carried::default());
    let known = weigh(gateway, rules, &admitted, release, &disclosure).await?;
    let pending = disclosure.pending().to_vec();
    let decided = Decided { known, ..Decided::goes(recipient, policy, disclosure) };
    let mut changes = Changes::default();
    outcome_rows(gateway, &mut changes, &admitted, &decided, Some(&signed)).map_err(stopped)?;
    if !pending.is_empty() {
        changes.writes.push(Write::RecipientPending {
            sender: row.sender.clone(),
            message_id: row.message_id,
            recipient: row.recipient.clone(),
            pending,
        });
    }
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
    let to = (&row.recipient, row.policy.as_ref());
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
