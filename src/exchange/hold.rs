//! Holds: what is kept back for a person to decide.
//!
//! A text, or a leaf the net hits, towards a domestic social agency is held while the rest goes
//! at once; a message whose required leaf is hit is held whole. A named officer of the receiving
//! unit looks (recorded), then releases or discards with a reason (recorded). What is released
//! follows as a supplement, or as the first release where the whole message was held.
//!
//! A message held because too few people share what a foreign recipient would know belongs to the
//! sender's side: officers of the sending unit see the count and may discard it. Its record goes
//! into the sender's ledger, so that abroad nothing shows. It is let go once enough share it, which
//! is counted anew, or under an exception.

use serde_json::{Map, Value, json};

use crate::config::Role;
use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Address, Body, Code, Digest, Id, LeafName, Refused};
use crate::policy::{Disclosure, Withheld};
use crate::store::{
    Changes, CommitError, Decision, Entry, HoldRow, MemberRow, NewHold, RecipientRow, Requirement,
    Write,
};
use crate::wire::{DecisionView, GroupView, HoldAct, HoldView};

use super::admit::{Admitted, readmit};
use super::chain::GATEWAY;
use super::disclose::{Decided, When, ends_before_window, pin, stored_body};
use super::project::project;
use super::record::release_row;
use super::release::{To, relations, sign_release};
use super::renew::released_leaves;
use super::show::moment;
use super::under::{Under, irreconcilable, under};
use super::{Failure, Gateway, Rules, correct, disclose, group, requests, review, suspend};

const REASON_MAX: usize = 500;

/// Holds, oldest first; only undecided ones unless `decided_too`. Shows no value.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn list(gateway: &Gateway, decided_too: bool) -> Result<Vec<HoldView>, Failure> {
    let mut views = Vec::new();
    for row in gateway.store().holds(decided_too).await? {
        views.push(view(gateway, &row, None).await?);
    }
    Ok(views)
}

/// One hold, with its values while it is undecided. That an officer looked is recorded first.
///
/// # Errors
/// `not-found` for an unknown hold or an officer who is not of the receiving unit.
pub async fn show(gateway: &Gateway, id: Id, act: &HoldAct) -> Result<HoldView, Failure> {
    let row = open_to(gateway, id, act).await?;
    if row.decision.is_some() {
        // let go, it stands in the recipient's own release; kept back, it is for nobody any more
        return view(gateway, &row, None).await;
    }
    let entry = event(gateway, "hold-shown", &row, act)?;
    let changes = Changes { entries: vec![entry], ..Changes::default() };
    commit(gateway, changes).await?;
    let message = gateway.store().message(&row.hold.sender.party, &row.hold.message_id).await?;
    let body = match message {
        Some(message) => stored_body(gateway, &message)?,
        None => None,
    };
    let body = body.filter(|_| !row.hold.leaves.is_empty());
    let values = body.map(|body| values_at(&body, &row.hold.leaves));
    view(gateway, &row, values).await
}

/// One hold without its values, which is not recorded.
///
/// # Errors
/// As [`show`].
pub async fn look(gateway: &Gateway, id: Id, officer: &str) -> Result<HoldView, Failure> {
    let act = HoldAct { officer: officer.to_owned(), reason: String::new(), word: None };
    let row = open_to(gateway, id, &act).await?;
    view(gateway, &row, None).await
}

/// Lets it go.
///
/// # Errors
/// `not-found`; `bad-request` without a reason or for a hold already decided; `no-policy` when
/// the policy the message is pinned to is no longer in force; `policy-refused` where too few share
/// what a foreign recipient would know still.
pub async fn release(gateway: &Gateway, id: Id, act: &HoldAct) -> Result<HoldView, Failure> {
    let row = undecided(gateway, id, act).await?;
    let rules = gateway.rules();
    let message = gateway.store().message(&row.hold.sender.party, &row.hold.message_id).await?;
    let message = message.ok_or_else(|| Failure::problem(Code::NotFound))?;
    if message.state == MessageState::Withdrawn {
        return Err(Failure::problem(Code::TargetUnknown));
    }
    let admitted = readmit(gateway, &rules, &message).await?;
    let recipient = recipient_row(gateway, &row).await?;
    let mut look = suspend::Look::default();
    let to = &recipient.recipient;
    if suspend::reason(gateway, &rules, &admitted, to, &mut look).await?.is_some() {
        // it has been suspended since
        return Err(Failure::problem(Code::PolicyRefused));
    }
    let pinned = recipient.policy.as_ref().ok_or_else(irreconcilable)?;
    let when = When::now(gateway, &rules).leaving(admitted.case().inquiry.leaves_at());
    let pin = (&recipient.recipient, pinned);
    let under = under(gateway, &rules, &admitted, pin, when).await?;
    let under = under.filter(|under| under.conflicting.is_empty()).ok_or_else(irreconcilable)?;
    let mut released = released_leaves(gateway, &message, &recipient.recipient).await?;
    released.extend(row.hold.leaves.iter().cloned());
    let leaves = (&[][..], released.as_slice(), under.blank.as_slice());
    let disclosure = project(gateway, &under.policy, &admitted, &recipient.recipient, leaves)
        .map_err(withheld)?;
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Generation(rules.generation));
    changes.requires.push(Requirement::HoldOpen(id));
    let (to, policy) = (&recipient.recipient, under.policy.as_ref());
    let part = correct::part(&admitted, to);
    let made_at = when.made_at;
    if let Some(refused) = ends_before_window(&rules, policy, &admitted, (to, made_at)) {
        return Err(Failure::Problem(refused));
    }
    let release = group::Weighed { recipient: to, policy, made_at, part: &part };
    let release = (release, &mut look.carried);
    if let Some(known) = group::weigh(gateway, &rules, &admitted, release, &disclosure).await? {
        if known.too_small().is_some() {
            return Err(Failure::Problem(Refused::at(Code::PolicyRefused, "", group::RULE)));
        }
        known.record(&mut changes);
    }
    let case = admitted.case();
    changes.requires.push(suspend::unchanged(case.exchange.id, &case.suspensions.reviews));
    let pending = disclosure.pending().to_vec();
    let is_last = correct::is_last_word(gateway, &admitted, &recipient.recipient).await?;
    let made = (&row, under, disclosure);
    let tells = queue(gateway, &rules, &mut changes, &admitted, made, is_last)?;
    if row.hold.release.is_none() && message.state == MessageState::Held {
        changes.writes.push(Write::MessageState {
            sender: message.sender.party.clone(),
            message_id: message.message_id,
            state: MessageState::Admitted,
        });
    }
    changes.writes.push(left(&row, &recipient, RecipientState::Queued, pending));
    decide(gateway, changes, &row, act, Outcome::Released).await?;
    if tells {
        gateway.tell(&row.hold.recipient.party);
    }
    decided_view(gateway, id).await
}

/// Keeps it back for good.
///
/// # Errors
/// As [`release`].
pub async fn discard(gateway: &Gateway, id: Id, act: &HoldAct) -> Result<HoldView, Failure> {
    let row = undecided(gateway, id, act).await?;
    let recipient = recipient_row(gateway, &row).await?;
    let others = recipient.pending.iter().filter(|leaf| !row.hold.leaves.contains(leaf));
    let pending = match row.hold.release {
        Some(_) => others.cloned().collect(),
        None => Vec::new(),
    };
    let mut changes = Changes::default();
    changes.requires.push(Requirement::HoldOpen(id));
    changes.writes.push(left(&row, &recipient, RecipientState::Cancelled, pending));
    decide(gateway, changes, &row, act, Outcome::Discarded).await?;
    decided_view(gateway, id).await
}

/// Closes a hold that no officer has decided and that nothing is left of.
pub(super) fn close_hold(changes: &mut Changes, hold: Id, reason: &str, at: i64) {
    changes.requires.push(Requirement::HoldOpen(hold));
    changes.writes.push(Write::Decide {
        hold,
        decision: Decision {
            released: false,
            officer: GATEWAY.to_owned(),
            reason: reason.to_owned(),
            at,
        },
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Released,
    Discarded,
}

async fn decide(
    gateway: &Gateway,
    mut changes: Changes,
    row: &HoldRow,
    act: &HoldAct,
    outcome: Outcome,
) -> Result<(), Failure> {
    let kind = match outcome {
        Outcome::Released => "hold-released",
        Outcome::Discarded => "hold-discarded",
    };
    changes.entries.push(event(gateway, kind, row, act)?);
    changes.writes.push(Write::Decide {
        hold: row.hold.id,
        decision: Decision {
            released: outcome == Outcome::Released,
            officer: act.officer.clone(),
            reason: act.reason.clone(),
            at: gateway.now(),
        },
    });
    commit(gateway, changes).await
}

async fn commit(gateway: &Gateway, changes: Changes) -> Result<(), Failure> {
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(Requirement::HoldOpen(_))) => Err(decided_before()),
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

fn decided_before() -> Failure {
    Failure::Problem(Refused::at(Code::BadRequest, "/decision", "decided"))
}

/// Why an officer was refused, in a sentence.
pub fn sentence(refused: &Refused) -> &'static str {
    match refused.code {
        Code::NotFound => {
            "there is none of that name, or the officer is not on duty for its recipient"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/decision") => {
            "the hold was decided before; `titian hold list --all` shows by whom"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == review::DECIDED) => {
            "the review was decided before; `titian review list --all` shows by whom"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == requests::DECIDED) => {
            "the request has its answer; `titian request list --all` shows which"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/reason") => {
            "a reason of 1 to 500 bytes is needed"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/confirm") => {
            "nothing was erased: what is there now is not what you confirm; look at it again"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/reason_code") => {
            "the reason is one of retention_end, consent_withdrawn, unlawful, \
             right_holder_request, error"
        }
        Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/erase_by") => {
            "the day is written YYYY-MM-DD and has not passed"
        }
        Code::AlreadyErased => "it was erased before; `titian erase list` shows by whom",
        Code::BadRequest => "what was asked is not as documented, or does not compile",
        Code::InsufficientScope => {
            "the officer is of none of the policy's parties and units, or its roles do not allow it"
        }
        Code::NoPolicy => {
            "the policy changed since the message was admitted; its sender sends it again"
        }
        Code::PolicyRefused if refused.errors.iter().any(|e| e.keyword == group::RULE) => {
            "fewer people than the agreement asks for share what the recipient would know; it is let \
             go once enough do, or by an exception"
        }
        _ => "the hold cannot be let go",
    }
}

/// The new release: a supplement, or the first one where the whole message was held. Answers
/// whether its recipient may learn of it at once.
fn queue(
    gateway: &Gateway,
    rules: &Rules,
    changes: &mut Changes,
    admitted: &Admitted,
    (row, under, disclosure): (&HoldRow, Under, Disclosure),
    is_last: bool,
) -> Result<bool, Failure> {
    let (policy, batch) = (pin(&under.policy), under.policy.batch());
    let recipient = &row.hold.recipient;
    let exchange = admitted.case().exchange.id;
    let member = admitted.case().member(&recipient.party);
    let member: &MemberRow = member.ok_or_else(|| Failure::problem(Code::NotFound))?;
    if let (None, Some(subject_ref)) = (member.subject_ref, disclosure.subject_pseudonym()) {
        let party = recipient.party.clone();
        changes.writes.push(Write::MemberSubject { exchange, party, subject_ref });
    }
    let to = To {
        recipient,
        kind: disclose::kind_of(rules, recipient),
        batch,
        made_at: admitted.case().inquiry.leaves_at(),
        exchange: member.reference,
        policy: &policy,
        before: under.before.as_ref(),
        retention_until: admitted.retention_until(),
    };
    if is_last && row.hold.group.is_some() && under.policy.exception().is_none() {
        // the next one is compared with it
        let (party, message_type) =
            (recipient.party.clone(), admitted.message().told_type.to_string());
        let digest = disclosure.body_digest();
        changes.writes.push(Write::LastProjection { exchange, party, message_type, digest });
    }
    let relations = relations(admitted, recipient).supplementing(row.hold.release);
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    let decided = Decided::goes(recipient, policy, disclosure);
    changes.writes.push(release_row(gateway, admitted, &decided, &signed)?);
    Ok(!signed.waits)
}

fn withheld(withheld: Withheld) -> Failure {
    match withheld {
        Withheld::Hold { .. } => Failure::problem(Code::PolicyRefused),
        Withheld::Refuse(refused) => Failure::Problem(refused),
    }
}

/// What is left to decide. Where the whole message waited the decision also sets the recipient's
/// state; where the rest has gone, that state follows what the recipient does with it meanwhile.
fn left(
    hold: &HoldRow,
    row: &RecipientRow,
    state: RecipientState,
    pending: Vec<LeafName>,
) -> Write {
    let (sender, message_id) = (row.sender.clone(), row.message_id);
    let recipient = row.recipient.clone();
    match hold.hold.release {
        None => Write::RecipientState { sender, message_id, recipient, state, pending },
        Some(_) => Write::RecipientPending { sender, message_id, recipient, pending },
    }
}

async fn recipient_row(gateway: &Gateway, row: &HoldRow) -> Result<RecipientRow, Failure> {
    let rows = gateway.store().recipients(&row.hold.sender.party, &row.hold.message_id).await?;
    rows.into_iter()
        .find(|recipient| recipient.recipient == row.hold.recipient)
        .ok_or_else(|| Failure::problem(Code::NotFound))
}

async fn undecided(gateway: &Gateway, id: Id, act: &HoldAct) -> Result<HoldRow, Failure> {
    let row = open_to(gateway, id, act).await?;
    if row.decision.is_some() {
        return Err(decided_before());
    }
    has_reason(&act.reason)?;
    Ok(row)
}

/// Every decision has its reason.
pub(super) fn has_reason(reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() || reason.trim().len() > REASON_MAX {
        return Err(Failure::Problem(Refused::at(Code::BadRequest, "/reason", "required")));
    }
    Ok(())
}

/// Whose officers decide: the recipient's, or the sender's where a foreign recipient must not
/// know that anything is held.
pub(super) fn decider<'a>(
    rules: &Rules,
    (sender, recipient, is_group): (&'a Address, &'a Address, bool),
) -> &'a Address {
    if is_group || disclose::is_foreign(rules, recipient) { sender } else { recipient }
}

/// As [`decider`], of one hold.
pub(super) fn side<'h>(rules: &Rules, hold: &'h NewHold) -> &'h Address {
    decider(rules, (&hold.sender, &hold.recipient, hold.group.is_some()))
}

/// A hold, for a duty officer of the party and unit whose side it is. To anyone else there is none.
async fn open_to(gateway: &Gateway, id: Id, act: &HoldAct) -> Result<HoldRow, Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let row = gateway.store().hold(&id).await?.ok_or_else(unknown)?;
    let rules = gateway.rules();
    let is_duty = is_on_duty(&rules, &act.officer, side(&rules, &row.hold));
    if is_duty { Ok(row) } else { Err(unknown()) }
}

/// Whether somebody is a duty officer of this party and unit.
pub(super) fn is_on_duty(rules: &Rules, name: &str, of: &Address) -> bool {
    rules.officers.iter().any(|officer| {
        officer.name == name && officer.is(Role::Operator) && officer.address().covers(of)
    })
}

/// Who did what to which hold: ids only, in the ledger of the party whose side it is. Where a
/// passkey has said so, with the SHA-256 of its word: whoever keeps the word can show it later.
fn event(gateway: &Gateway, kind: &str, row: &HoldRow, act: &HoldAct) -> Result<Entry, Failure> {
    let mut event = json!({
        "kind": kind,
        "hold": row.hold.id,
        "officer": act.officer,
        "at": gateway.now(),
    });
    with_word(&mut event, act.word);
    let bytes = crate::domain::json::canonical(&event).map_err(Failure::internal)?;
    gateway.entry(side(&gateway.rules(), &row.hold).party.as_str(), bytes)
}

/// Adds a passkey's word to an event, where there is one.
pub(super) fn with_word(event: &mut Value, word: Option<Digest>) {
    if let (Some(word), Value::Object(members)) = (word, event) {
        members.insert("word".to_owned(), json!(word));
    }
}

async fn decided_view(gateway: &Gateway, id: Id) -> Result<HoldView, Failure> {
    let row = gateway.store().hold(&id).await?.ok_or_else(|| Failure::problem(Code::NotFound))?;
    view(gateway, &row, None).await
}

pub(super) async fn view(
    gateway: &Gateway,
    row: &HoldRow,
    values: Option<Value>,
) -> Result<HoldView, Failure> {
    let hold = &row.hold;
    let message = gateway.store().message(&hold.sender.party, &hold.message_id).await?;
    let message = message.ok_or_else(|| Failure::problem(Code::NotFound))?;
    let members = gateway.store().members(&message.exchange).await?;
    let side = side(&gateway.rules(), hold);
    let own = members.iter().find(|member| member.party == side.party);
    Ok(HoldView {
        id: hold.id.to_string(),
        from: hold.sender.to_string(),
        recipient: hold.recipient.to_string(),
        message_type: message.message_type.to_string(),
        exchange: own.map(|member| member.reference.to_string()),
        leaves: hold.leaves.iter().map(ToString::to_string).collect(),
        findings: hold.findings.clone(),
        group: hold.group.map(|group| GroupView { alike: group.alike, needed: group.needed }),
        rest_went: hold.release.is_some(),
        opened_at: moment(hold.opened_at, false),
        decision: row.decision.as_ref().map(|decision| DecisionView {
            decision: if decision.released { "released" } else { "discarded" }.to_owned(),
            officer: decision.officer.clone(),
            reason: decision.reason.clone(),
            at: moment(decision.at, false),
        }),
        values,
    })
}

/// The held values by leaf; for a leaf below an array, every element's.
fn values_at(body: &Body, leaves: &[LeafName]) -> Value {
    let values = leaves.iter().map(|leaf| {
        let found: Vec<Value> = body.values(leaf).into_iter().cloned().collect();
        let value = match found.as_slice() {
            [one] if !leaf.as_str().contains('*') => one.clone(),
            _ => Value::Array(found),
        };
        (leaf.to_string(), value)
    });
    Value::Object(values.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officer_sees_exactly_the_held_leaves() {
        let body = Body::new(json!({
            "summary": "text", "household": [{"note": "a"}, {"note": "b"}], "other": "no",
        }));
        let leaves = [LeafName::new("/summary"), LeafName::new("/household/*/note")];
        let expected = json!({"/summary": "text", "/household/*/note": ["a", "b"]});
        assert_eq!(values_at(&body, &leaves), expected);
    }
}
