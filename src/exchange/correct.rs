//! Corrections: a message said anew, whole, by whoever sent it.
//!
//! A correction has no policy of its own. Its body is of the type that it corrects, so that type's
//! policy says what of it goes to whom: the version that the message went out under and the one in
//! force now, a leaf only where both do the very same with it. A policy beside it would be a second
//! list of the same leaves, and the first slip between the two would pass by way of a correction
//! what is not passed otherwise. So its release is of the corrected type, fits that type's release
//! schema, and says `replaces`: the release that this recipient has. Why it was corrected stands in
//! the statement as `correction`, for social agencies at home as the sender said it, for everyone
//! else as the one word [`CORRECTED`].
//!
//! It changes no state: a corrected status names the states of the one it corrects. What nobody was
//! handed yet of the message is taken back; where nothing changes that a recipient may know,
//! nothing goes, because even an empty message tells that something hidden has changed.

use crate::domain::state::RecipientState;
use crate::domain::{Address, Body, Code, LeafName, PartyKind, Refused};
use crate::policy::Disclosure;
use crate::schema::{self, Message, Valid};
use crate::sign;
use crate::store::{Changes, MessageRow, ReleaseRow, Write};

use super::admit::{Admitted, Case, illegal, may_go_onward};
use super::chain::{Chain, Named, named};
use super::disclose::{Decided, Last, Verdict, stored_body, stored_object};
use super::project::Projecting;
use super::submit::Stop;
use super::suspend::{Look, Suspensions};
use super::{Failure, Gateway, Rules};

/// Why a message was corrected, for whoever is not told more.
pub(super) const CORRECTED: &str = "corrected";

pub(super) async fn correction(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
) -> Result<Case, Stop> {
    let refuse = |code, pointer: &str, rule: &str| Stop::Refuse(Refused::at(code, pointer, rule));
    let unknown = || refuse(Code::TargetUnknown, "/body/target", "target");
    let target = message.correction.as_ref().map(|correction| correction.target);
    let named = named(gateway, message, target.ok_or_else(unknown)?).await?;
    // before what is corrected is read: an officer who resumes in between changes it
    let suspensions = Suspensions::of(gateway, Some(named.exchange.id), message).await?;
    let chain = named.chain(gateway, message).await?;
    let Named { row, exchange, members } = named;
    if row.message_type != message.told_type {
        return Err(unknown());
    }
    if row.purpose != message.legal.purpose {
        return Err(refuse(Code::PurposeNotAgreed, "/legal/purpose", "target"));
    }
    may_go_onward(&exchange, message)?;
    let original = original(gateway, rules, &row)?.ok_or_else(unknown)?;
    for (at, party) in message.legal.onward.iter().enumerate() {
        if !original.legal.onward.contains(party) {
            return Err(refuse(Code::Onward, &format!("/legal/onward/{at}"), "target"));
        }
    }
    for pointer in ["/from_state", "/to_state"] {
        if message.body.text(pointer) != original.body.text(pointer) {
            return Err(illegal(&message.place(pointer)));
        }
    }
    let corrects = Some(chain);
    Ok(Case { members, corrects, suspensions, ..Case::of(exchange) })
}

/// The message that is corrected, as it was admitted; `None` once erased.
fn original(
    gateway: &Gateway,
    rules: &Rules,
    row: &MessageRow,
) -> Result<Option<Valid<Message>>, Stop> {
    let Some(object) = stored_object(gateway, row)? else { return Ok(None) };
    let recorded = sign::recorded(&object).map_err(Failure::internal)?;
    let parsed = schema::parse_recorded(&recorded, row.digest).map_err(Failure::Problem)?;
    Ok(Some(rules.schemas.validate(parsed).map_err(Failure::Problem)?))
}

/// What a correction corrects, read again with the correction itself.
pub(super) async fn corrected(
    gateway: &Gateway,
    message: &Message,
) -> Result<Option<Chain>, Failure> {
    let Some(correction) = &message.correction else { return Ok(None) };
    let row = gateway.store().message(&message.iss.party, &correction.target).await?;
    let row = row.ok_or_else(|| Failure::problem(Code::NotFound))?;
    Ok(Some(Chain::of(gateway, &row, Some(&message.message_id)).await?))
}

/// Whether anything goes to a recipient: what of the correction it may know, beside what it may
/// know of the message that it was told last, both under the same versions of the policy.
pub(super) async fn compare(
    gateway: &Gateway,
    (admitted, chain): (&Admitted, &Chain),
    projecting: &Projecting<'_>,
    disclosure: Disclosure,
    look: &Look,
) -> Result<Verdict, Failure> {
    let (message, recipient) = (admitted.message(), projecting.recipient);
    if let Some(before) = told_before(gateway, message, (chain, recipient)).await?
        && let Ok(was) = projecting.project(gateway, &before)
        && was.body() == disclosure.body()
        && waits_alike((&was, &before), (&disclosure, &message.body))
    {
        return Ok(Verdict::Unchanged { last: None });
    }
    let disclosure = Box::new(disclosure);
    let last = if is_last_word(gateway, admitted, recipient).await? {
        super::disclose::last_sent(gateway, admitted, recipient, look).await.map(Last::Sent)?
    } else {
        Last::NotCompared
    };
    Ok(Verdict::Goes { disclosure, last })
}

/// The body of what the recipient has, or is to have, of the message: as it was said last. A status
/// that was not sent again, because it told no more than the one before, counts as sent.
async fn told_before(
    gateway: &Gateway,
    message: &Message,
    (chain, recipient): (&Chain, &Address),
) -> Result<Option<Body>, Failure> {
    let is_of = |r: &ReleaseRow| {
        r.recipient == *recipient && (r.is_queued() || r.entry.is_some()) && r.supplements.is_none()
    };
    let is_told = |row: &crate::store::RecipientRow| {
        row.recipient == *recipient && row.state == RecipientState::Unchanged
    };
    let mut links = chain.links().rev();
    let last =
        links.find(|link| link.releases.iter().any(is_of) || link.recipients.iter().any(is_told));
    let Some(last) = last else { return Ok(None) };
    let row = gateway.store().message(&message.iss.party, &last.message_id).await?;
    row.map_or(Ok(None), |row| stored_body(gateway, &row))
}

/// Whether the same texts wait for an officer, with the same words.
fn waits_alike(one: (&Disclosure, &Body), other: (&Disclosure, &Body)) -> bool {
    let words = |(disclosure, body): (&Disclosure, &Body)| -> Vec<(LeafName, Vec<_>)> {
        let leaves = disclosure.pending().iter();
        leaves
            .map(|leaf| (leaf.clone(), body.values(leaf).into_iter().cloned().collect()))
            .collect()
    };
    words(one) == words(other)
}

/// Whether the next status is compared with this one: none that is later than what it corrects told
/// the recipient anything.
pub(super) async fn is_last_word(
    gateway: &Gateway,
    admitted: &Admitted,
    recipient: &Address,
) -> Result<bool, Failure> {
    let message = admitted.message();
    if message.told_type.name() != "status" {
        return Ok(false);
    }
    let Some(chain) = &admitted.case().corrects else { return Ok(true) };
    let store = gateway.store();
    for row in store.messages_of(&admitted.case().exchange.id).await?.iter().rev() {
        if row.message_type != message.told_type {
            continue;
        }
        if row.sender.party == message.iss.party && row.message_id == chain.original().message_id {
            return Ok(true);
        }
        let rows = store.recipients(&row.sender.party, &row.message_id).await?;
        let is_told = |to: &crate::store::RecipientRow| {
            to.recipient == *recipient
                && !matches!(
                    to.state,
                    RecipientState::Refused
                        | RecipientState::Cancelled
                        | RecipientState::Held
                        | RecipientState::Suspended
                )
        };
        if rows.iter().any(is_told) {
            return Ok(false);
        }
    }
    Ok(false)
}

/// The part of a profile that its release is: that of the message while nobody was handed anything
/// of it, because then there is no other.
pub(super) fn part(admitted: &Admitted, recipient: &Address) -> String {
    let message = admitted.message();
    let id = match &admitted.case().corrects {
        Some(chain) if !chain.was_told(recipient) => chain.original().message_id,
        _ => message.message_id,
    };
    super::group::part_of(&message.iss.party, &id)
}

/// What a correction does to the message: for whomever it changes anything, what nobody was handed
/// yet is taken back.
pub(super) fn supersede<'a>(
    changes: &mut Changes,
    admitted: &Admitted,
    decided: impl Iterator<Item = &'a Decided>,
    now: i64,
) {
    let Some(chain) = &admitted.case().corrects else { return };
    chain.unchanged(changes);
    let message = admitted.message();
    changes.writes.push(Write::Correction {
        sender: message.iss.party.clone(),
        message_id: message.message_id,
        target: chain.original().message_id,
    });
    let told: Vec<&Address> = decided
        .filter(|each| !matches!(each.verdict, Verdict::Unchanged { .. }))
        .map(|each| &each.recipient)
        .collect();
    let why = ("corrected by its sender", now);
    chain.cancel(changes, why, |recipient| told.contains(&recipient));
}

/// Why it was corrected, as that recipient is told; nothing where it had nothing before.
pub(super) fn reason(message: &Message, kind: PartyKind) -> Option<&str> {
    let correction = message.correction.as_ref()?;
    Some(if kind == PartyKind::Social { &correction.reason } else { CORRECTED })
}
