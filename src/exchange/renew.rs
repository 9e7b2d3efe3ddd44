//! In flight: a message that was admitted under one policy version while another is in force now.
//!
//! Whether a release is stale is no mark but a comparison with the rules, made in the same look in
//! which it would be handed out; so nothing stale slips through between an approval and its
//! marking. A stale release is made anew under both versions: a leaf goes only if both do the very
//! same with it, and the statement names both digests. It keeps its id and its place in the queue,
//! because nobody has seen it yet; bytes once handed out never change.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::domain::{Address, Code, DocumentKind, Fault, LeafName, Refused};
use crate::policy::{self, Compiled, Disclosure, Withheld};
use crate::store::rows::PolicyPin;
use crate::store::{Changes, MessageRow, NewHold, ReleaseRow, Requirement, Write};

use super::admit::{Admitted, readmit};
use super::disclose::{
    Before, Decided, Last, Verdict, kind_of, pin, policy_for, project, protected_values,
};
use super::record::release_row;
use super::release::{Relations, To, sign_release};
use super::rules::Document;
use super::{Failure, Gateway, Rules};

/// The policy in force now, and what it must leave out for the sake of the one that a message is
/// pinned to.
#[derive(Debug)]
pub(super) struct Under {
    pub(super) policy: Arc<Compiled>,
    /// The version at admission, where it is another one.
    pub(super) before: Option<PolicyPin>,
    /// Leaves that do not go.
    pub(super) blank: Vec<LeafName>,
    /// Leaves over which the two versions cannot be reconciled.
    pub(super) conflicting: Vec<LeafName>,
}

/// What a message that is pinned to `pinned` goes under now; `None` while there is nothing in
/// force for it, or the version at admission cannot be read any more.
pub(super) async fn under(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, pinned): (&Address, &PolicyPin),
) -> Result<Option<Under>, Failure> {
    let today = rules.today(gateway.clock());
    let Some(now) = policy_for(rules, admitted, recipient, today) else { return Ok(None) };
    if now.digest() == pinned.digest {
        let (before, blank, conflicting) = (None, Vec::new(), Vec::new());
        return Ok(Some(Under { policy: now, before, blank, conflicting }));
    }
    // two officers of two agencies have decided about this very message
    if now.exception().is_some() {
        let (before, blank, conflicting) = (Some(pinned.clone()), Vec::new(), Vec::new());
        return Ok(Some(Under { policy: now, before, blank, conflicting }));
    }
    let Some(then) = version(gateway, rules, pinned).await? else { return Ok(None) };
    let is_for_the_same = |policy: &Compiled| {
        (policy.sender().clone(), policy.recipient().clone(), policy.message().clone())
    };
    if is_for_the_same(&then) != is_for_the_same(&now) || then.purpose() != now.purpose() {
        return Ok(None);
    }
    let policy::Both { blank, conflicting } = policy::both(&then, &now);
    Ok(Some(Under { policy: now, before: Some(pinned.clone()), blank, conflicting }))
}

/// A policy version by its digest, as it was approved.
async fn version(
    gateway: &Gateway,
    rules: &Rules,
    pinned: &PolicyPin,
) -> Result<Option<Compiled>, Failure> {
    let rows = gateway.store().versions_of(DocumentKind::Policy, &pinned.id).await?;
    for row in rows.iter().filter(|row| row.digest == pinned.digest) {
        if let Ok(Document::Policy(source)) = Document::parse(row.key.kind, &row.key.id, &row.text)
        {
            return Ok(rules.judge().compile_source(*source).ok());
        }
    }
    // an exception that has ended, over the policy that it was granted over
    for row in gateway.store().versions_of(DocumentKind::Exception, &pinned.id).await? {
        let document = Document::parse(row.key.kind, &row.key.id, &row.text);
        let Ok(Document::Exception(source)) = document else { continue };
        let standing = rules.standing(&source);
        let standing = standing.as_deref().map(Compiled::source);
        let compiled = rules.judge().compile_exception(&source, row.key.version, standing).ok();
        if let Some(compiled) = compiled.filter(|compiled| compiled.digest() == pinned.digest) {
            return Ok(Some(compiled));
        }
    }
    Ok(None)
}

/// Makes stale releases anew, or holds or refuses them; answers what is to be committed, if
/// anything can be done about any of them now.
pub(super) async fn renew(
    gateway: &Gateway,
    rules: &Rules,
    stale: &[ReleaseRow],
) -> Result<Option<Changes>, Failure> {
    let mut changes = Changes::default();
    // what is in a second inbox and was handed out in the first one is never changed
    let stale = stale.iter().filter(|row| row.is_queued() && has_policy(rules, row));
    for row in stale {
        // another row's fault must not keep this one from being looked at
        match one(gateway, rules, row, &mut changes).await {
            Ok(()) | Err(Failure::Problem(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    if changes.writes.is_empty() {
        return Ok(None);
    }
    changes.requires.push(Requirement::Generation(rules.generation));
    Ok(Some(changes))
}

/// Whether any policy in force is for what this was made from: without one there is nothing to open
/// the message for.
fn has_policy(rules: &Rules, row: &ReleaseRow) -> bool {
    let is_for = |policy: &Compiled| {
        *policy.message() == row.message_type
            && policy.sender().covers(&row.sender)
            && policy.recipient().covers(&row.recipient)
    };
    let has = rules.policies.iter().any(|policy| is_for(policy))
        || rules.exceptions.iter().any(|(_, above)| is_for(above));
    if !has {
        metrics::counter!("titian_stale_releases_kept_total").increment(1);
        tracing::warn!(policy = row.policy.id, "a release waits for which no policy is in force");
    }
    has
}

async fn one(
    gateway: &Gateway,
    rules: &Rules,
    row: &ReleaseRow,
    changes: &mut Changes,
) -> Result<(), Failure> {
    let store = gateway.store();
    let Some(message) = store.message(&row.sender.party, &row.message_id).await? else {
        return Ok(());
    };
    let admitted = readmit(gateway, rules, &message).await?;
    let pinned = (&row.recipient, &row.policy);
    let Some(under) = under(gateway, rules, &admitted, pinned).await? else { return Ok(()) };
    changes.requires.push(Requirement::Queued(vec![row.release_id]));
    if !under.conflicting.is_empty() {
        return hold(gateway, changes, (row, &message), &under.conflicting);
    }
    let protected = if under.policy.has_free_leaves() {
        protected_values(gateway, rules, &row.exchange, Before::Message(&message)).await?
    } else {
        Vec::new()
    };
    let released = released_leaves(gateway, &message, &row.recipient).await?;
    let leaves = (protected.as_slice(), released.as_slice(), under.blank.as_slice());
    match project(gateway, &under.policy, &admitted, &row.recipient, leaves) {
        Ok(disclosure) => remake(gateway, rules, changes, &admitted, (row, under, disclosure)),
        Err(Withheld::Hold { leaves, .. }) => hold(gateway, changes, (row, &message), &leaves),
        Err(Withheld::Refuse(_)) => {
            give_up(changes, row, crate::domain::state::RecipientState::Refused);
            Ok(())
        }
    }
}

fn remake(
    gateway: &Gateway,
    rules: &Rules,
    changes: &mut Changes,
    admitted: &Admitted,
    (row, under, disclosure): (&ReleaseRow, Under, Disclosure),
) -> Result<(), Failure> {
    let member = admitted.case().member(&row.recipient.party);
    let member = member.ok_or_else(|| Failure::problem(Code::NotFound))?;
    let policy = pin(&under.policy);
    let to = To {
        recipient: &row.recipient,
        kind: kind_of(rules, &row.recipient),
        batch: under.policy.batch(),
        // it keeps the window that it waits for
        made_at: OffsetDateTime::from_unix_timestamp(row.made_at).ok(),
        exchange: member.reference,
        policy: &policy,
        before: under.before.as_ref(),
        retention_until: admitted.retention_until(),
    };
    let relations = Relations {
        supplements: row.supplements,
        remakes: Some(row.release_id),
        ..Relations::default()
    };
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    if admitted.message().message_type.name() == "status" {
        changes.writes.push(Write::LastProjection {
            exchange: row.exchange,
            party: row.recipient.party.clone(),
            message_type: row.message_type.to_string(),
            digest: disclosure.body_digest(),
        });
    }
    let decided = Decided {
        recipient: row.recipient.clone(),
        policy: Some(policy),
        verdict: Verdict::Goes { disclosure: Box::new(disclosure), last: Last::NotCompared },
        // it tells no more than what was counted when it was first made
        known: None,
    };
    if let Write::Release(new) = release_row(gateway, admitted, &decided, &signed)? {
        changes.writes.push(Write::Remake(new));
        metrics::counter!("titian_releases_renewed_total").increment(1);
    }
    Ok(())
}

/// Takes the release back and keeps the message for a person to decide.
fn hold(
    gateway: &Gateway,
    changes: &mut Changes,
    (row, message): (&ReleaseRow, &MessageRow),
    leaves: &[LeafName],
) -> Result<(), Failure> {
    give_up(changes, row, crate::domain::state::RecipientState::Held);
    changes.writes.push(Write::Hold(NewHold {
        id: gateway.mint()?,
        sender: message.sender.clone(),
        message_id: message.message_id,
        recipient: row.recipient.clone(),
        release: None,
        leaves: leaves.to_vec(),
        findings: leaves.iter().map(|leaf| Fault::at(leaf.as_str(), "both-versions")).collect(),
        opened_at: gateway.now(),
        group: None,
    }));
    Ok(())
}

fn give_up(changes: &mut Changes, row: &ReleaseRow, state: crate::domain::state::RecipientState) {
    changes.writes.push(Write::CancelRelease(row.release_id));
    // what a supplement adds is lost to the recipient; what went before is not
    if row.supplements.is_none() {
        changes.writes.push(Write::RecipientState {
            sender: row.sender.party.clone(),
            message_id: row.message_id,
            recipient: row.recipient.clone(),
            state,
            pending: Vec::new(),
        });
    }
}

/// Leaves of a message that officers have released to a recipient.
pub(super) async fn released_leaves(
    gateway: &Gateway,
    message: &MessageRow,
    recipient: &Address,
) -> Result<Vec<LeafName>, Failure> {
    let all = gateway.store().holds_of(&message.sender.party, &message.message_id).await?;
    let released = all.into_iter().filter(|hold| {
        hold.hold.recipient == *recipient
            && hold.decision.as_ref().is_some_and(|decision| decision.released)
    });
    Ok(released.flat_map(|hold| hold.hold.leaves).collect())
}

/// The refusal of what cannot be reconciled.
pub(super) fn irreconcilable() -> Failure {
    Failure::Problem(Refused::because(Code::NoPolicy))
}
