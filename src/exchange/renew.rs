//! In flight: a message that was admitted under one policy version while another is in force now.
//!
//! Whether a release is stale is no mark but a comparison with the rules, made in the same look in
//! which it would be handed out; so nothing stale slips through between an approval and its
//! marking. A stale release is made anew under both versions: a leaf goes only if both do the very
//! same with it, and the statement names both digests. It keeps its id and its place in the queue,
//! because nobody has seen it yet; bytes once handed out never change.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use time::{Date, OffsetDateTime};

use crate::domain::state::{MessageState, RecipientState, Urgency};
use crate::domain::{Address, Code, Digest, Fault, LeafName, MessageType, ReleaseId};
use crate::policy::{Compiled, Disclosure, Withheld};
use crate::store::{Changes, GroupSize, MessageRow, NewHold, ReleaseRow, Requirement, Write};

use super::admit::{Admitted, readmit};
use super::chain::GATEWAY;
use super::collect::body_of;
use super::disclose::{
    Before, Decided, Last, Verdict, When, is_foreign_referrer, kind_of, pin, protected_values,
    runs, stored_body,
};
use super::group::{self, Carried, Weighed, within_budget};
use super::hold::close_hold;
use super::project::{Leaves, Projecting, project};
use super::record::release_row;
use super::release::{Relations, To, relations, sign_release};
use super::released::leaves_of;
use super::suspend::Look;
use super::under::{BOTH, Under, is_exception, under};
use super::waiting;
use super::{Failure, Gateway, Rules, correct};

/// Makes stale releases anew, or holds or refuses them; answers what is to be committed, if
/// anything can be done about any of them now.
pub(super) async fn renew(
    gateway: &Gateway,
    rules: &Rules,
    stale: &[ReleaseRow],
) -> Result<Option<Changes>, Failure> {
    let mut renewed = Renewed::default();
    // what is in a second inbox and was handed out in the first one is never changed
    let today = rules.today(gateway.clock());
    let stale = stale.iter().filter(|row| row.is_queued() && is_renewable(rules, row, today));
    for row in stale {
        let changes = &renewed.changes;
        let (writes, requires) = (changes.writes.len(), changes.requires.len());
        // another row's fault must not keep this one from being looked at
        match one(gateway, rules, row, &mut renewed).await {
            Ok(()) => {}
            Err(Failure::Problem(_)) => {
                renewed.changes.writes.truncate(writes);
                renewed.changes.requires.truncate(requires);
            }
            Err(failure) => return Err(failure),
        }
        if renewed.changes.writes.len() > writes {
            renewed.changes.requires.push(Requirement::Queued(vec![row.release_id]));
        }
    }
    let mut changes = renewed.changes;
    if changes.writes.is_empty() {
        return Ok(None);
    }
    changes.requires.push(Requirement::Generation(rules.generation));
    Ok(Some(changes))
}

/// What has been made anew, in one commit.
#[derive(Default)]
struct Renewed {
    changes: Changes,
    /// Bodies of releases made anew.
    bodies: HashMap<ReleaseId, Value>,
    given_up: HashSet<ReleaseId>,
    carried: Carried,
}

/// Whether any policy in force is for what a release was made from: without one there is nothing to
/// open the message for.
pub(super) fn has_policy(
    rules: &Rules,
    (sender, recipient, message_type): (&Address, &Address, &MessageType),
    today: Date,
) -> bool {
    let is_for = |policy: &Compiled| {
        policy.message() == message_type
            && policy.sender().covers(sender)
            && policy.recipient().covers(recipient)
            && runs(rules, policy, (&sender.party, &recipient.party), today)
    };
    rules.policies.iter().any(|policy| is_for(policy))
        || rules.exceptions.iter().any(|(_, above)| is_for(above))
}

/// As [`has_policy`], and says so where there is none.
fn is_renewable(rules: &Rules, row: &ReleaseRow, today: Date) -> bool {
    let has = has_policy(rules, (&row.sender, &row.recipient, &row.message_type), today);
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
    renewed: &mut Renewed,
) -> Result<(), Failure> {
    let (store, sender) = (gateway.store(), &row.sender.party);
    let Some(message) = store.message(sender, &row.message_id).await? else {
        return Ok(());
    };
    let recipients = store.recipients(sender, &row.message_id).await?;
    let to = recipients.into_iter().find(|to| to.recipient == row.recipient);
    // the version at admission, however often it was made anew since
    let pinned = to.and_then(|to| to.policy).unwrap_or_else(|| row.policy.clone());
    let admitted = readmit(gateway, rules, &message).await?;
    let when = When::of(gateway, rules, row);
    let pin = (&row.recipient, &pinned);
    let Some(under) = under(gateway, rules, &admitted, pin, when).await? else { return Ok(()) };
    let is_excepted = under.policy.exception().is_some();
    let was_excepted = is_exception(gateway, &row.policy).await?;
    let released = released_leaves(gateway, &message, &row.recipient).await?;
    if was_excepted && !is_excepted {
        // what went beside the first release has nothing to add any more
        if row.supplements.is_some() && released.is_empty() {
            return give_up(gateway, renewed, (row, RecipientState::Cancelled)).await;
        }
        if is_foreign_referrer(rules, &admitted, &row.recipient) {
            return give_up(gateway, renewed, (row, RecipientState::Refused)).await;
        }
    }
    if !under.conflicting.is_empty() {
        let why = Why::of_leaves(&under.conflicting);
        return hold(gateway, renewed, (row, &message), why).await;
    }
    let protected = if under.policy.has_free_leaves() {
        protected_values(gateway, rules, &row.exchange, Before::Message(&message)).await?
    } else {
        Vec::new()
    };
    let leaves = (protected.as_slice(), released.as_slice(), under.blank.as_slice());
    let disclosure = match project(gateway, &under.policy, &admitted, &row.recipient, leaves) {
        Ok(disclosure) => disclosure,
        // an exception takes nothing away: what waits goes as it was made
        Err(_) if is_excepted => return Ok(()),
        Err(Withheld::Hold { leaves, .. }) => {
            return hold(gateway, renewed, (row, &message), Why::of_leaves(&leaves)).await;
        }
        Err(Withheld::Refuse(_)) => {
            return give_up(gateway, renewed, (row, RecipientState::Refused)).await;
        }
    };
    let made = (&admitted, row, leaves);
    let verdict = compare(gateway, made, &under.policy, disclosure).await?;
    let first = || correct::part(&admitted, &row.recipient);
    let part = row.supplements.map_or_else(first, |_| row.release_id.to_string());
    let (recipient, policy, made_at) = (&row.recipient, under.policy.as_ref(), when.made_at);
    let release = Weighed { recipient, policy, made_at, part: &part };
    let release = (release, &mut renewed.carried);
    let (verdict, known) = within_budget(gateway, rules, &admitted, release, verdict).await?;
    if let Some(known) = &known {
        known.record(&mut renewed.changes);
        if let Some(size) = known.too_small() {
            let why = Why { leaves: Vec::new(), rule: group::RULE, group: Some(size) };
            return hold(gateway, renewed, (row, &message), why).await;
        }
    }
    let (disclosure, last) = match verdict {
        Verdict::Goes { disclosure, last } => (disclosure, last),
        Verdict::Unchanged { .. } => {
            return give_up(gateway, renewed, (row, RecipientState::Unchanged)).await;
        }
        _ => return Ok(()),
    };
    if let Last::Sent(_) = last {
        renewed.changes.writes.push(last_projection(row, disclosure.body_digest()));
    }
    remake(gateway, rules, renewed, &admitted, (row, under, disclosure)).await
}

/// What is made anew of a correction is compared anew.
async fn compare(
    gateway: &Gateway,
    (admitted, row, leaves): (&Admitted, &ReleaseRow, Leaves<'_>),
    policy: &Compiled,
    disclosure: Disclosure,
) -> Result<Verdict, Failure> {
    match &admitted.case().corrects {
        Some(chain) if row.supplements.is_none() && policy.exception().is_none() => {
            let projecting = Projecting { policy, admitted, recipient: &row.recipient, leaves };
            let what = (admitted, chain);
            correct::compare(gateway, what, &projecting, disclosure, &Look::default()).await
        }
        _ => Ok(Verdict::Goes { disclosure: Box::new(disclosure), last: Last::NotCompared }),
    }
}

async fn remake(
    gateway: &Gateway,
    rules: &Rules,
    renewed: &mut Renewed,
    admitted: &Admitted,
    (row, under, disclosure): (&ReleaseRow, Under, Box<Disclosure>),
) -> Result<(), Failure> {
    let member = admitted.case().member(&row.recipient.party);
    let member = member.ok_or_else(|| Failure::problem(Code::NotFound))?;
    let is_excepted = under.policy.exception().is_some();
    let is_compared = row.message_type.name() == "status" && admitted.case().corrects.is_none();
    if is_compared && row.supplements.is_none() && !is_excepted {
        let is_told = previous(gateway, renewed, row).await?.as_ref() == Some(disclosure.body());
        if is_told {
            give_up(gateway, renewed, (row, RecipientState::Unchanged)).await?;
        }
        // what goes under an exception says more than what the next one is compared with
        renewed.changes.writes.push(last_projection(row, disclosure.body_digest()));
        if is_told {
            return Ok(());
        }
        renewed.bodies.insert(row.release_id, disclosure.body().clone());
    }
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
    let relations = relations(admitted, &row.recipient).supplementing(row.supplements);
    let relations = Relations { remakes: Some(row.release_id), ..relations };
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    let decided = Decided::goes(&row.recipient, policy, disclosure);
    if let Write::Release(new) = release_row(gateway, admitted, &decided, &signed)? {
        renewed.changes.writes.push(Write::Remake(new));
        metrics::counter!("titian_releases_renewed_total").increment(1);
    }
    Ok(())
}

/// The body of the status that comes before this one to the same recipient, as far as it has gone
/// or is to go.
async fn previous(
    gateway: &Gateway,
    renewed: &Renewed,
    row: &ReleaseRow,
) -> Result<Option<Value>, Failure> {
    let store = gateway.store();
    let queued = store.queued_in(&row.exchange).await?;
    let before = queued.into_iter().take_while(|other| other.release_id != row.release_id);
    let gone = store.handed_out(&row.exchange, &row.recipient.party).await?;
    let is_like = |other: &ReleaseRow| {
        other.recipient == row.recipient
            && other.message_type == row.message_type
            && other.supplements.is_none()
            && !renewed.given_up.contains(&other.release_id)
    };
    let like: Vec<ReleaseRow> = gone.into_iter().chain(before).filter(is_like).collect();
    for last in like.iter().rev() {
        let message = store.message(&last.sender.party, &last.message_id).await?;
        // what was taken back since is no longer the last word
        if message.is_some_and(|message| message.state == MessageState::Withdrawn) {
            continue;
        }
        return match renewed.bodies.get(&last.release_id) {
            Some(body) => Ok(Some(body.clone())),
            None => body_of(gateway, last),
        };
    }
    Ok(None)
}

/// Why a message is kept for a person.
struct Why {
    leaves: Vec<LeafName>,
    rule: &'static str,
    group: Option<GroupSize>,
}

impl Why {
    fn of_leaves(leaves: &[LeafName]) -> Self {
        Self { leaves: leaves.to_vec(), rule: BOTH, group: None }
    }
}

/// Takes the release back and keeps what it held for a person to decide: the whole message, or
/// what a supplement added.
async fn hold(
    gateway: &Gateway,
    renewed: &mut Renewed,
    (row, message): (&ReleaseRow, &MessageRow),
    why: Why,
) -> Result<(), Failure> {
    let state = RecipientState::Held;
    let mut leaves = give_up_holds(gateway, renewed, (row, state)).await?;
    if row.supplements.is_some() {
        leaves.extend(released_leaves(gateway, message, &row.recipient).await?);
    }
    let at = |leaf: &LeafName| Fault::at(leaf.as_str(), why.rule);
    let findings = match why.group {
        Some(_) => vec![Fault::at("", why.rule)],
        None => why.leaves.iter().map(at).collect(),
    };
    if why.group.is_none() {
        leaves.extend(why.leaves);
    }
    leaves.sort();
    leaves.dedup();
    if row.supplements.is_some() {
        renewed.changes.writes.push(Write::RecipientPending {
            sender: row.sender.party.clone(),
            message_id: row.message_id,
            recipient: row.recipient.clone(),
            pending: leaves.clone(),
        });
    }
    let of = (&message.sender, &row.recipient, why.group.is_some());
    let passing = leaves_of(gateway, &row.policy.digest).await?;
    let passes = passing.iter().any(|leaf| leaf == waiting::URGENCY);
    let body = stored_body(gateway, message)?;
    let urgency = body.map(|body| waiting::urgency(&gateway.rules(), of, (&body, passes)));
    renewed.changes.writes.push(Write::Hold(NewHold {
        id: gateway.mint()?,
        sender: message.sender.clone(),
        message_id: message.message_id,
        recipient: row.recipient.clone(),
        release: row.supplements,
        leaves,
        findings,
        opened_at: gateway.now(),
        group: why.group,
        urgency: urgency.unwrap_or(Urgency::Routine),
    }));
    Ok(())
}

async fn give_up(
    gateway: &Gateway,
    renewed: &mut Renewed,
    what: (&ReleaseRow, RecipientState),
) -> Result<(), Failure> {
    give_up_holds(gateway, renewed, what).await.map(|_closed| ())
}

/// Takes a release back, and closes what an officer was to add to it; answers the leaves of that.
async fn give_up_holds(
    gateway: &Gateway,
    renewed: &mut Renewed,
    (row, state): (&ReleaseRow, RecipientState),
) -> Result<Vec<LeafName>, Failure> {
    renewed.given_up.insert(row.release_id);
    let writes = &mut renewed.changes.writes;
    writes.push(Write::CancelRelease(row.release_id));
    // what a supplement adds is lost to the recipient; what went before is not
    if row.supplements.is_some() {
        return Ok(Vec::new());
    }
    writes.push(Write::RecipientState {
        sender: row.sender.party.clone(),
        message_id: row.message_id,
        recipient: row.recipient.clone(),
        state,
        pending: Vec::new(),
    });
    if row.message_type.name() == "status" {
        writes.push(last_projection(row, Digest::of(row.message_id.as_str().as_bytes())));
    }
    let mut leaves = Vec::new();
    for open in gateway.store().holds_of(&row.sender.party, &row.message_id).await? {
        if open.decision.is_some() || open.hold.release != Some(row.release_id) {
            continue;
        }
        let reason = "the release it belongs to was taken back";
        close_hold(&mut renewed.changes, open.hold.id, reason, gateway.now());
        leaves.extend(open.hold.leaves);
    }
    Ok(leaves)
}

/// What the next status is compared with.
fn last_projection(row: &ReleaseRow, digest: Digest) -> Write {
    Write::LastProjection {
        exchange: row.exchange,
        party: row.recipient.party.clone(),
        message_type: row.message_type.to_string(),
        digest,
    }
}

/// Leaves of a message that officers have released to a recipient, where none has kept them back
/// since.
pub(super) async fn released_leaves(
    gateway: &Gateway,
    message: &MessageRow,
    recipient: &Address,
) -> Result<Vec<LeafName>, Failure> {
    let all = gateway.store().holds_of(&message.sender.party, &message.message_id).await?;
    let mut released: Vec<LeafName> = Vec::new();
    for row in all.into_iter().filter(|row| row.hold.recipient == *recipient) {
        match row.decision {
            Some(decision) if decision.released => released.extend(row.hold.leaves),
            Some(decision) if decision.officer != GATEWAY => {
                released.retain(|leaf| !row.hold.leaves.contains(leaf));
            }
            _ => {}
        }
    }
    Ok(released)
}
