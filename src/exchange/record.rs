//! Step 8, second half: everything decided becomes one `Changes`, and once it is durable, the
//! answer.

use crate::auth::Caller;
use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Address, Digest, Id, LeafName, MessageType, PartyId, Refused, ReleaseId};
use crate::evidence::event;
use crate::sign::signing::Signed;
use crate::store::rows::{NewHold, NewMessage, NewRelease, RecipientRow, Refusal};
use crate::store::{
    Changes, CommitError, Committed, Entry, EntrySlot, MemberRow, Requirement, Write,
};
use crate::wire::{RecipientView, Submitted};

use super::admit::Admitted;
use super::chain::Target;
use super::collect::takes_back;
use super::disclose::{Decided, Last, Verdict, message_key, message_place, release_place};
use super::group::Known;
use super::reader::Reader;
use super::release::{Released, SignedRelease, addressee};
use super::statement::{Receipt, ReceiptFor, ReceiptRecipient, RefusalStatement};
use super::submit::{Named, Outcome, Stop};
use super::waiting;
use super::{Failure, Gateway, Rules, correct, suspend};

/// What is to be committed and what is then answered. Minted here only.
#[derive(Debug)]
pub(super) struct Recorded {
    changes: Changes,
    answer: Answer,
}

impl Recorded {
    pub(super) fn into_parts(self) -> (Changes, Answer) {
        (self.changes, self.answer)
    }
}

/// An answer that may be given once its commit is durable.
#[derive(Debug)]
pub(super) struct Answer {
    submitted: SubmittedBeforeProof,
    entry: Entry,
    slot: EntrySlot,
    tell: Vec<PartyId>,
    is_held: bool,
}

#[derive(Debug)]
struct SubmittedBeforeProof {
    message_id: String,
    state: MessageState,
    exchange: Option<String>,
    recipients: Vec<RecipientView>,
    receipt: String,
}

impl Answer {
    /// Needs the commit, so nothing is answered that is not durable.
    pub(super) fn give(self, gateway: &Gateway, committed: &Committed) -> Result<Outcome, Failure> {
        let placed = committed.entries.get(self.slot.0).ok_or(Failure::Unavailable)?;
        let proof = gateway.proof(placed, &self.entry.salt, &self.entry.event)?;
        for party in &self.tell {
            gateway.tell(party);
        }
        let submitted = Submitted {
            message_id: self.submitted.message_id,
            state: self.submitted.state,
            exchange: self.submitted.exchange,
            recipients: self.submitted.recipients,
            receipt: self.submitted.receipt,
            proof,
        };
        Ok(if self.is_held { Outcome::Held(submitted) } else { Outcome::Admitted(submitted) })
    }
}

/// What is to be committed for a message. Its receipt's entry comes to stand at `slot` among those
/// of the commit.
pub(super) fn record(
    gateway: &Gateway,
    rules: &Rules,
    reader: &Reader,
    released: Released,
    (object, slot): (&[u8], EntrySlot),
) -> Result<Recorded, Stop> {
    let (admitted, outcomes, new_members) = released.into_parts();
    let message = admitted.message();
    let case = admitted.case();
    let own = case.member(&message.iss.party).map(|member| member.reference);
    let rows: Vec<RecipientRow> = outcomes
        .iter()
        .enumerate()
        .map(|(at, (decided, _))| recipient_row(&admitted, at, decided))
        .collect();
    let state = message_state(&rows);
    let shown = shown_to(reader.is_foreign, (&message.message_type, state), &rows);
    let receipt = gateway.keys().signing.sign(Receipt {
        iss: gateway.id().to_owned(),
        aud: message.iss.to_string(),
        iat: gateway.now(),
        jti: gateway.mint()?,
        subject: ReceiptFor::Message(message.message_id),
        digest: message.digest,
        state: shown.state.as_str(),
        exchange: own,
        recipients: receipt_recipients(reader.is_foreign, &shown, &rows),
    })?;
    let entry = gateway.entry(message.iss.party.as_str(), event::receipt(receipt.digest()))?;
    let mut changes = Changes { entries: vec![entry.clone()], ..Changes::default() };
    changes.requires.push(Requirement::Generation(rules.generation));
    changes.requires.push(Requirement::MessageUnseen {
        sender: message.iss.party.clone(),
        message_id: message.message_id,
    });
    case_rows(&mut changes, &admitted, new_members, gateway.now());
    suspend::record(gateway, &mut changes, case, outcomes.iter().map(|(each, _)| each))?;
    changes.writes.push(message_row(gateway, &admitted, (state, &receipt, slot), object)?);
    let decided = outcomes.iter().map(|(each, _)| each);
    correct::supersede(&mut changes, &admitted, decided, gateway.now());
    let mut tell = Vec::new();
    for (row, (decided, signed)) in rows.into_iter().zip(outcomes) {
        outcome_rows(gateway, &mut changes, &admitted, &decided, signed.as_ref())?;
        // who waits for a window is woken by its opening and by nothing else
        if signed.as_ref().is_some_and(|signed| !signed.waits) {
            tell.push(row.recipient.party.clone());
        }
        changes.writes.push(Write::Recipient(row));
    }
    take_back(&mut changes, &admitted, gateway.now());
    let answer = Answer {
        submitted: SubmittedBeforeProof {
            message_id: message.message_id.to_string(),
            state: shown.state,
            exchange: own.map(|reference| reference.to_string()),
            recipients: shown.recipients,
            receipt: receipt.compact().to_owned(),
        },
        entry,
        slot,
        tell,
        is_held: shown.state == MessageState::Held,
    };
    Ok(Recorded { changes, answer })
}

pub(super) fn message_row(
    gateway: &Gateway,
    admitted: &Admitted,
    (state, receipt, entry): (MessageState, &Signed<Receipt>, EntrySlot),
    object: &[u8],
) -> Result<Write, Failure> {
    let message = admitted.message();
    let row_key = message_key(&message.iss.party, &message.message_id);
    let (place, until) = (message_place(&row_key), admitted.retention_until());
    let sealed = gateway.parts.vault.seal(place, until, object);
    Ok(Write::Message(NewMessage {
        sender: message.iss.clone(),
        message_id: message.message_id,
        message_type: message.message_type.clone(),
        purpose: message.legal.purpose,
        digest: message.digest,
        state,
        exchange: admitted.case().exchange.id,
        receipt: receipt.compact().to_owned(),
        entry,
        admitted_at: gateway.now(),
        retention_until: until,
        object: sealed.map_err(Failure::internal)?,
    }))
}

/// What becomes of a message for one recipient, as its row.
pub(super) fn recipient_row(admitted: &Admitted, at: usize, decided: &Decided) -> RecipientRow {
    let (state, pending, code): (_, &[LeafName], _) = match &decided.verdict {
        Verdict::Goes { disclosure, .. } => (RecipientState::Queued, disclosure.pending(), None),
        Verdict::Unchanged { .. } | Verdict::AsWithout => (RecipientState::Unchanged, &[], None),
        Verdict::Held { leaves, .. } => (RecipientState::Held, leaves, None),
        Verdict::Suspended(_) => (RecipientState::Suspended, &[], None),
        Verdict::Refused(refused) => (RecipientState::Refused, &[], Some(refused.code)),
        Verdict::NeverTold => (RecipientState::Cancelled, &[], None),
        Verdict::Taken => (RecipientState::Acknowledged, &[], None),
    };
    RecipientRow {
        sender: admitted.message().iss.party.clone(),
        message_id: admitted.message().message_id,
        position: u32::try_from(at).unwrap_or(u32::MAX),
        recipient: decided.recipient.clone(),
        state,
        pending: pending.to_vec(),
        code: code.map(|code| code.as_str().to_owned()),
        policy: decided.policy.clone(),
    }
}

/// Admitted if the message goes to anyone, held if it waits for a person.
fn message_state(rows: &[RecipientRow]) -> MessageState {
    let goes = rows.iter().any(|row| {
        matches!(
            row.state,
            RecipientState::Queued
                | RecipientState::Unchanged
                | RecipientState::Cancelled
                | RecipientState::Acknowledged
        )
    });
    if goes { MessageState::Admitted } else { MessageState::Held }
}

/// What a sender is shown. A foreign one sees its message as admitted and no more: what an
/// officer of another country holds back is not its business. Its information request is received
/// from the first answer on, whatever becomes of it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) state: MessageState,
    pub(super) recipients: Vec<RecipientView>,
}

pub(super) fn shown_to(
    is_foreign: bool,
    (message_type, state): (&MessageType, MessageState),
    rows: &[RecipientRow],
) -> Shown {
    let is_closed = shows_nothing(is_foreign, message_type);
    let view = |row: &RecipientRow| RecipientView {
        party: addressee(&row.recipient, is_foreign),
        state: match row.state {
            RecipientState::Acknowledged if !is_closed => RecipientState::Acknowledged,
            _ if is_foreign => RecipientState::Queued,
            state => state,
        },
        pending: if is_foreign {
            Vec::new()
        } else {
            row.pending.iter().map(ToString::to_string).collect()
        },
        acknowledged_at: None,
        acknowledgement: None,
    };
    Shown {
        state: match state {
            _ if is_closed => MessageState::Received,
            MessageState::Held if is_foreign => MessageState::Admitted,
            state => state,
        },
        recipients: rows.iter().map(view).collect(),
    }
}

/// Whether a sender is never shown what becomes of its message.
pub(super) fn shows_nothing(is_foreign: bool, message_type: &MessageType) -> bool {
    is_foreign && message_type.name() == "information-request"
}

fn receipt_recipients(
    is_foreign: bool,
    shown: &Shown,
    rows: &[RecipientRow],
) -> Vec<ReceiptRecipient> {
    let each = |(view, row): (&RecipientView, &RecipientRow)| ReceiptRecipient {
        party: view.party.clone(),
        state: view.state,
        policy: row.policy.clone().filter(|_| !is_foreign),
    };
    shown.recipients.iter().zip(rows).map(each).collect()
}

fn case_rows(changes: &mut Changes, admitted: &Admitted, new_members: Vec<MemberRow>, now: i64) {
    let case = admitted.case();
    let (exchange, named) = (case.exchange.id, &case.suspensions.named);
    if case.is_new {
        changes.writes.push(Write::Exchange(case.exchange.clone()));
        changes.writes.extend(case.members.iter().cloned().map(Write::Member));
        if let Some(exchange) = case.parent.filter(|_| !named.is_empty()) {
            changes.writes.push(Write::Withheld { exchange, parties: named.clone() });
        }
    } else if !named.is_empty() {
        changes.writes.push(Write::Withheld { exchange, parties: named.clone() });
    }
    changes.writes.extend(new_members.into_iter().map(Write::Member));
    case.inquiry.record(changes, admitted.message(), now);
    if !takes_back(&admitted.message().message_type) {
        let into = case.parent.or_else(|| (!case.is_new).then_some(exchange));
        changes.requires.extend(into.map(Requirement::Unerased));
    }
    if let Some((from, to)) = case.step {
        changes.requires.push(Requirement::Thread { exchange, state: from });
        if from != to {
            changes.writes.push(Write::Thread { exchange, state: to });
        }
    }
}

/// What else is written for one recipient.
pub(super) fn outcome_rows(
    gateway: &Gateway,
    changes: &mut Changes,
    admitted: &Admitted,
    decided: &Decided,
    signed: Option<&SignedRelease>,
) -> Result<(), Stop> {
    let exchange = admitted.case().exchange.id;
    let party = &decided.recipient.party;
    let message_type = admitted.message().told_type.to_string();
    let requires_last = |digest| Requirement::LastProjection {
        exchange,
        party: party.clone(),
        message_type: message_type.clone(),
        digest,
    };
    if let Some(known) = &decided.known {
        known.record(changes);
    }
    match &decided.verdict {
        Verdict::Goes { disclosure, last } => {
            let signed = signed.ok_or(Failure::Unavailable)?;
            if let Last::Sent(last) = last {
                changes.requires.push(requires_last(*last));
                changes.writes.push(Write::LastProjection {
                    exchange,
                    party: party.clone(),
                    message_type: message_type.clone(),
                    digest: disclosure.body_digest(),
                });
            }
            let known = admitted.case().member(party);
            if let (Some(subject_ref), Some(member)) = (disclosure.subject_pseudonym(), known)
                && member.subject_ref.is_none()
            {
                let party = party.clone();
                changes.writes.push(Write::MemberSubject { exchange, party, subject_ref });
            }
            changes.writes.push(release_row(gateway, admitted, decided, signed)?);
            for leaf in disclosure.pending() {
                let leaves = vec![leaf.clone()];
                let findings = findings_at(disclosure.findings(), leaf);
                let release = Some(signed.release_id);
                changes.writes.push(hold(gateway, admitted, decided, (release, leaves, findings))?);
            }
        }
        Verdict::Unchanged { last } => {
            changes.requires.extend(last.map(|last| requires_last(Some(last))));
        }
        Verdict::Held { leaves, findings } => {
            let what = (None, leaves.clone(), findings.clone());
            changes.writes.push(hold(gateway, admitted, decided, what)?);
        }
        Verdict::Suspended(_)
        | Verdict::Refused(_)
        | Verdict::NeverTold
        | Verdict::AsWithout
        | Verdict::Taken => {}
    }
    Ok(())
}

fn findings_at(findings: &[crate::domain::Fault], leaf: &LeafName) -> Vec<crate::domain::Fault> {
    findings.iter().filter(|fault| leaf.as_str() == fault.pointer).cloned().collect()
}

pub(super) fn release_row(
    gateway: &Gateway,
    admitted: &Admitted,
    decided: &Decided,
    signed: &SignedRelease,
) -> Result<Write, Failure> {
    let policy = decided.policy.clone().ok_or(Failure::Unavailable)?;
    let (message, case) = (admitted.message(), admitted.case());
    let place = release_place(&signed.release_id);
    let sealed =
        gateway.parts.vault.seal(place, admitted.retention_until(), signed.disclosure.as_bytes());
    Ok(Write::Release(NewRelease {
        release_id: signed.release_id,
        recipient: decided.recipient.clone(),
        exchange: case.exchange.id,
        sender: message.iss.clone(),
        message_id: message.message_id,
        message_type: message.told_type.clone(),
        statement: signed.statement.compact().to_owned(),
        disclosure: sealed.map_err(Failure::internal)?,
        digest: signed.digest,
        policy,
        release_schema: signed.release_schema,
        origin_salt: signed.origin_salt.clone(),
        supplements: signed.relations.supplements,
        // what has waited for a moment of its own waits for no window
        urgent: takes_back(&message.told_type) || case.inquiry.leaves_at().is_some(),
        kept: case.inquiry.is_kept(),
        made_at: signed.made_at,
    }))
}

fn hold(
    gateway: &Gateway,
    admitted: &Admitted,
    decided: &Decided,
    (release, leaves, findings): (Option<ReleaseId>, Vec<LeafName>, Vec<crate::domain::Fault>),
) -> Result<Write, Failure> {
    let (message, recipient) = (admitted.message(), decided.recipient.clone());
    let group = decided.known.as_ref().and_then(Known::too_small);
    let of = (&message.iss, &recipient, group.is_some());
    let rules = gateway.rules();
    let policy = decided.policy.as_ref();
    let policy = policy.and_then(|pin| {
        rules.policies.by_id(&pin.id).filter(|policy| policy.digest() == pin.digest)
    });
    let passes = policy.is_some_and(|policy| policy.passes(waiting::URGENCY));
    Ok(Write::Hold(NewHold {
        id: gateway.mint()?,
        sender: message.iss.clone(),
        message_id: message.message_id,
        urgency: waiting::urgency(&rules, of, (&message.body, passes)),
        recipient,
        release,
        leaves,
        findings,
        group,
        opened_at: gateway.now(),
    }))
}

/// What a withdrawal does to the message it takes back, and to what was said anew of it: releases
/// nobody has seen are cancelled, holds are closed, and the messages themselves are marked.
fn take_back(changes: &mut Changes, admitted: &Admitted, now: i64) {
    let Some(Target { message_type, chain, .. }) = &admitted.case().target else { return };
    let sender = &admitted.message().iss.party;
    chain.unchanged(changes);
    chain.cancel(changes, ("withdrawn by its sender", now), |_everyone| true);
    let original = chain.original();
    let never = Digest::of(original.message_id.as_str().as_bytes());
    for row in &original.recipients {
        let (exchange, party) = (admitted.case().exchange.id, row.recipient.party.clone());
        if !chain.was_told(&row.recipient) {
            let party = party.clone();
            changes.writes.push(Write::Uncount { exchange, party, key: never });
        }
        // what was taken back is no longer the last word: the same projection may go again
        changes.writes.push(Write::LastProjection {
            exchange,
            party,
            message_type: message_type.to_string(),
            digest: never,
        });
    }
    changes.writes.extend(chain.links().map(|link| Write::MessageState {
        sender: sender.clone(),
        message_id: link.message_id,
        state: MessageState::Withdrawn,
    }));
}

/// Signs and records a refusal in the caller's ledger, and answers with it.
pub(super) async fn record_refusal(
    gateway: &Gateway,
    caller: &Caller,
    named: &Named,
    refused: Refused,
) -> Failure {
    let Some(digest) = named.digest else { return Failure::Problem(refused) };
    match refusal(gateway, caller.address(), named, digest, &refused).await {
        Ok(refusal) => Failure::Recorded { refused, refusal },
        Err(failure) => failure,
    }
}

async fn refusal(
    gateway: &Gateway,
    sender: &Address,
    named: &Named,
    digest: Digest,
    refused: &Refused,
) -> Result<String, Failure> {
    let id: Id = gateway.mint()?;
    let signed = gateway.keys().signing.sign(RefusalStatement {
        iss: gateway.id().to_owned(),
        aud: sender.to_string(),
        iat: gateway.now(),
        jti: id,
        message_id: named.message_id,
        digest,
        code: refused.code.as_str(),
        errors: refused.errors.clone(),
    })?;
    let entry = gateway.entry(sender.party.as_str(), event::refusal(signed.digest()))?;
    let jws = signed.compact().to_owned();
    let write = Write::Refusal(Refusal {
        id,
        sender: sender.party.clone(),
        message_id: named.message_id,
        digest,
        code: refused.code.as_str().to_owned(),
        jws: jws.clone(),
        entry: EntrySlot(0),
        at: gateway.now(),
    });
    let changes = Changes { entries: vec![entry], writes: vec![write], ..Changes::default() };
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(jws),
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    fn row(state: RecipientState) -> RecipientRow {
        RecipientRow {
            sender: "bnpt".parse().unwrap(),
            message_id: "a".repeat(26).parse().unwrap(),
            position: 0,
            recipient: "kemensos".parse().unwrap(),
            state,
            pending: Vec::new(),
            code: Some(Code::NoPolicy.as_str().to_owned()),
            policy: None,
        }
    }

    #[test]
    fn a_message_is_held_only_if_it_goes_to_nobody() {
        let held = row(RecipientState::Held);
        let refused = row(RecipientState::Refused);
        let queued = row(RecipientState::Queued);
        assert_eq!(message_state(&[held.clone(), refused.clone()]), MessageState::Held);
        assert_eq!(message_state(&[held, queued, refused]), MessageState::Admitted);
    }
}
