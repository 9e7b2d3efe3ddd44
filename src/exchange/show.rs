//! What a caller may read: its own messages, its own thread, schemas and checkpoints. Everything
//! is built from what that caller sent and was already handed, never from live state.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::auth::Caller;
use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{
    Address, Code, Digest, ExchangeRef, MessageId, MessageType, PartyId, Refused, json,
};
use crate::sign::KeySet;
use crate::store::{ExchangeRow, MessageRow, RecipientRow, ReleaseRow};
use crate::wire::{
    ExchangeEvent, ExchangeView, GatewayFacts, MessageView, RecipientView, SchemaEntry, SchemaList,
    Submitted,
};

use super::admit::party_sees;
use super::reader::Reader;
use super::record::{shown_to, shows_nothing};
use super::{Failure, Gateway, collect, disclose};

/// The governance ledger's name.
pub const GOVERNANCE: &str = "governance";

/// The sender's own view of a message.
///
/// # Errors
/// `not-found` for a message that this caller did not send.
pub async fn message(
    gateway: &Gateway,
    caller: &Caller,
    id: MessageId,
) -> Result<MessageView, Failure> {
    let row = own_message(gateway, caller.address(), id).await?;
    let submitted = submitted(gateway, caller, &row).await?;
    let rows = gateway.store().recipients(&row.sender.party, &id).await?;
    let releases = gateway.store().releases_of(&row.sender.party, &id).await?;
    let mut recipients = submitted.recipients;
    for view in rows.iter().zip(&mut recipients) {
        if !shows_nothing(caller.is_foreign(), &row.message_type) {
            acknowledged(gateway, caller, &releases, view).await?;
        }
    }
    Ok(MessageView {
        message_id: submitted.message_id,
        message_type: row.message_type.to_string(),
        state: state_of(submitted.state, &rows),
        exchange: submitted.exchange,
        recipients,
        receipt: submitted.receipt,
        proof: submitted.proof,
    })
}

/// `received` once every recipient that was to get it has acknowledged it.
fn state_of(state: MessageState, rows: &[RecipientRow]) -> MessageState {
    let is_done = |row: &RecipientRow| {
        matches!(
            row.state,
            RecipientState::Acknowledged
                | RecipientState::Refused
                | RecipientState::Unchanged
                | RecipientState::Cancelled
        )
    };
    let any = rows.iter().any(|row| row.state == RecipientState::Acknowledged);
    if state == MessageState::Admitted && any && rows.iter().all(is_done) {
        MessageState::Received
    } else {
        state
    }
}

async fn acknowledged(
    gateway: &Gateway,
    caller: &Caller,
    releases: &[ReleaseRow],
    (row, view): (&RecipientRow, &mut RecipientView),
) -> Result<(), Failure> {
    let first = |r: &&ReleaseRow| r.recipient == row.recipient && r.supplements.is_none();
    let Some(release) = releases.iter().find(first) else { return Ok(()) };
    let word = gateway.store().acknowledgement(&release.release_id).await?;
    // abroad only that it was received is told: a rejection would tell what was done with it
    if let Some(word) = word.filter(|word| word.received || !caller.is_foreign()) {
        view.acknowledged_at = Some(moment(word.at, caller.is_foreign()));
        view.acknowledgement = Some(word.jws).filter(|_| !caller.is_foreign());
    }
    Ok(())
}

/// RFC 3339; towards a foreign party the day only.
pub(super) fn moment(unix: i64, is_foreign: bool) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    if is_foreign { at.date().to_string() } else { at.format(&Rfc3339).unwrap_or_default() }
}

/// A message that this party or unit sent; any other is as unknown as one that never was.
pub(super) async fn own_message(
    gateway: &Gateway,
    reader: &Address,
    id: MessageId,
) -> Result<MessageRow, Failure> {
    let row = gateway.store().message(&reader.party, &id).await?;
    row.filter(|row| reader.covers(&row.sender)).ok_or_else(|| Failure::problem(Code::NotFound))
}

/// The answer to a submission, from what was recorded: receipt and proof byte for byte.
pub(super) async fn submitted(
    gateway: &Gateway,
    caller: &Caller,
    row: &MessageRow,
) -> Result<Submitted, Failure> {
    let sender = &row.sender.party;
    let rows = gateway.store().recipients(sender, &row.message_id).await?;
    let shown = shown_to(caller.is_foreign(), (&row.message_type, row.state), &rows);
    let members = gateway.store().members(&row.exchange).await?;
    let own = members.iter().find(|member| member.party == *sender);
    Ok(Submitted {
        message_id: row.message_id.to_string(),
        state: shown.state,
        exchange: own.map(|member| member.reference.to_string()),
        recipients: shown.recipients,
        receipt: row.receipt.clone(),
        proof: gateway.recorded_proof(sender.as_str(), row.entry).await?,
    })
}

/// The thread as the caller knows it.
///
/// # Errors
/// `not-found` for a reference that is not this caller's.
pub async fn exchange(
    gateway: &Gateway,
    caller: &Caller,
    reference: ExchangeRef,
) -> Result<ExchangeView, Failure> {
    let reader = Reader::from(caller);
    let exchange = own_exchange(gateway, &reader.address, reference).await?;
    thread(gateway, &reader, &exchange, reference).await
}

/// The exchange that this party or unit knows by that reference.
pub(super) async fn own_exchange(
    gateway: &Gateway,
    reader: &Address,
    reference: ExchangeRef,
) -> Result<ExchangeRow, Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let member = gateway.store().member(&reference).await?.ok_or_else(unknown)?;
    let exchange = gateway.store().exchange(&member.exchange).await?.ok_or_else(unknown)?;
    let is_own = member.party == reader.party && party_sees(&exchange, reader);
    if is_own { Ok(exchange) } else { Err(unknown()) }
}

/// What its reader sent in an exchange and was handed.
///
/// # Errors
/// `not-found` where that is nothing.
pub(super) async fn thread(
    gateway: &Gateway,
    reader: &Reader,
    exchange: &ExchangeRow,
    reference: ExchangeRef,
) -> Result<ExchangeView, Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let own = &reader.address.party;
    // in the order in which the messages were admitted, which tells apart what a second cannot;
    // abroad by day first, so that what waited for a window does not stand where it was made
    let handed_out = gateway.store().handed_out(&exchange.id, own).await?;
    let mut seen: Vec<Seen> = Vec::new();
    for row in gateway.store().messages_of(&exchange.id).await? {
        if row.sender.party == *own {
            let mut sent = sent(gateway, reader, &row).await?;
            sent.answers = is_answer(&row.message_type) && exchange.referrer.party == *own;
            seen.push(sent);
        }
        let is_of = |release: &&ReleaseRow| {
            release.message_id == row.message_id && release.sender.party == row.sender.party
        };
        for release in handed_out.iter().filter(is_of) {
            let mut received = received(gateway, reader, release).await?;
            received.answers = is_answer(&row.message_type) && exchange.receiver.party == *own;
            seen.push(received);
        }
    }
    if reader.is_foreign {
        seen.sort_by(|one, other| one.event.at.cmp(&other.event.at));
    }
    let first = seen.first().ok_or_else(unknown)?;
    let rules = gateway.rules();
    let other =
        if exchange.referrer.party == *own { &exchange.receiver } else { &exchange.referrer };
    // whoever is neither referrer nor receiver knows only who wrote to it
    let other = if exchange.receiver.party == *own || exchange.referrer.party == *own {
        super::release::addressee(other, disclose::is_foreign(&rules, &reader.address))
    } else {
        first.from.clone()
    };
    Ok(ExchangeView {
        exchange: reference.to_string(),
        with: other,
        message_type: first.event.message_type.clone(),
        state: last_state(&seen),
        events: seen.into_iter().map(|seen| seen.event).collect(),
    })
}

/// One event as the caller knows it, with the state it told, if it told one.
struct Seen {
    from: String,
    state: Option<String>,
    /// Whether it is the referrer's answer to the receiver, which ends the wait for it.
    answers: bool,
    event: ExchangeEvent,
}

fn last_state(seen: &[Seen]) -> String {
    let mut state = "submitted";
    for seen in seen {
        match &seen.state {
            Some(told) => state = told,
            None if seen.answers && state == "info_requested" => state = "received",
            None => {}
        }
    }
    state.to_owned()
}

fn is_answer(message_type: &MessageType) -> bool {
    message_type.name() == "information-response"
}

async fn sent(gateway: &Gateway, reader: &Reader, row: &MessageRow) -> Result<Seen, Failure> {
    let told = if tells(&row.message_type) {
        let body = disclose::stored_body(gateway, row)?;
        body.and_then(|body| told_state(&row.message_type, body.value()))
    } else {
        None
    };
    let state = match told {
        Some(state) => Some(state),
        // the sender of a referral is told when a machine has it
        None if refers(gateway, row).await? && is_received(gateway, row).await? => {
            Some("received".to_owned())
        }
        None => None,
    };
    Ok(Seen {
        from: row.sender.to_string(),
        state,
        answers: false,
        event: ExchangeEvent {
            direction: "sent".to_owned(),
            message_type: row.message_type.to_string(),
            id: row.message_id.to_string(),
            at: moment(row.admitted_at, reader.is_foreign),
        },
    })
}

/// Whether it refers somebody, itself or as the correction of what did.
async fn refers(gateway: &Gateway, row: &MessageRow) -> Result<bool, Failure> {
    if row.message_type.name() != "correction" {
        return Ok(row.message_type.name() == "referral");
    }
    let releases = gateway.store().releases_of(&row.sender.party, &row.message_id).await?;
    Ok(releases.iter().any(|release| release.message_type.name() == "referral"))
}

async fn is_received(gateway: &Gateway, row: &MessageRow) -> Result<bool, Failure> {
    let rows = gateway.store().recipients(&row.sender.party, &row.message_id).await?;
    Ok(rows.iter().any(|row| row.state == RecipientState::Acknowledged))
}

async fn received(gateway: &Gateway, reader: &Reader, row: &ReleaseRow) -> Result<Seen, Failure> {
    let claims = stated(&row.statement).ok_or_else(|| Failure::problem(Code::Internal))?;
    let issued_at = claims.get("iat").and_then(Value::as_i64);
    // what takes the place of something told before tells no other state
    let tells = tells(&row.message_type)
        && (row.message_type.name() != "status" || !claims.contains_key("replaces"));
    let body = if tells { collect::body_of(gateway, row)? } else { None };
    let mut state = body.and_then(|body| told_state(&row.message_type, &body));
    if state.is_none() && row.message_type.name() == "referral" {
        let word = gateway.store().acknowledgement(&row.release_id).await?;
        state = word.filter(|word| word.received).map(|_| "received".to_owned());
    }
    let is_foreign = reader.is_foreign;
    // abroad the day that the statement itself bears, which is not the day it was made
    let at = if is_foreign { issued_at.unwrap_or_default() } else { row.made_at };
    Ok(Seen {
        from: super::release::addressee(&row.sender, is_foreign),
        state,
        answers: false,
        event: ExchangeEvent {
            direction: "received".to_owned(),
            message_type: row.message_type.to_string(),
            id: row.release_id.to_string(),
            at: moment(at, is_foreign),
        },
    })
}

/// The claims of a statement, without its disclosures.
fn stated(statement: &str) -> Option<Map<String, Value>> {
    let payload = crate::sign::recorded(format!("{statement}~").as_bytes()).ok()?;
    let Ok(Value::Object(claims)) = json::parse(payload.payload()) else { return None };
    Some(claims)
}

/// Whether a message of this type tells a state at all: no other is opened for it.
fn tells(message_type: &MessageType) -> bool {
    matches!(message_type.name(), "status" | "withdrawal")
}

/// The state that a message tells its reader.
fn told_state(message_type: &MessageType, body: &Value) -> Option<String> {
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    match message_type.name() {
        "status" => text("/to_state").map(str::to_owned),
        "withdrawal" => Some(match text("/reason") {
            Some("sent_in_error") => "entered_in_error".to_owned(),
            _ => "withdrawn".to_owned(),
        }),
        _ => None,
    }
}

/// The message schemas.
pub fn schemas(gateway: &Gateway) -> SchemaList {
    let rules = gateway.rules();
    let entry = |schema: &crate::schema::MessageSchema| SchemaEntry {
        message_type: schema.message_type().to_string(),
        digest: schema.digest().to_string(),
    };
    SchemaList { schemas: rules.schemas.iter().map(entry).collect() }
}

/// One message schema.
///
/// # Errors
/// `not-found`.
pub fn schema(gateway: &Gateway, message_type: &MessageType) -> Result<Value, Failure> {
    let rules = gateway.rules();
    let schema = rules.schemas.message(message_type);
    schema.map(|schema| schema.text().clone()).ok_or_else(|| Failure::problem(Code::NotFound))
}

/// A release schema of a party's, superseded ones too, as text.
///
/// # Errors
/// `not-found` for a digest that is not one of this party's.
pub async fn release_schema(
    gateway: &Gateway,
    party: &PartyId,
    digest: Digest,
) -> Result<String, Failure> {
    let rules = gateway.rules();
    if let Some(fixed) = rules.fixed.iter().find(|plan| plan.release_schema_digest() == digest) {
        return Ok(fixed.release_schema().to_owned());
    }
    let own = gateway.store().release_schema(&digest, party).await?;
    own.ok_or_else(|| Failure::problem(Code::NotFound))
}

/// The signed checkpoint of the caller's own ledger.
///
/// # Errors
/// [`Failure::Unavailable`] when the head cannot be read.
pub async fn checkpoint(gateway: &Gateway, caller: &Caller) -> Result<String, Failure> {
    head(gateway, caller.address().party.as_str()).await
}

/// The signed checkpoint of the governance ledger.
///
/// # Errors
/// `not-found` for a foreign party.
pub async fn governance_checkpoint(gateway: &Gateway, caller: &Caller) -> Result<String, Failure> {
    if caller.is_foreign() {
        return Err(Failure::Problem(Refused::because(Code::NotFound)));
    }
    head(gateway, GOVERNANCE).await
}

async fn head(gateway: &Gateway, ledger: &str) -> Result<String, Failure> {
    let head = gateway.store().head(ledger).await?;
    gateway.checkpoint(ledger, head.size, head.root)
}

/// The gateway's public keys (RFC 7517): what receipts, refusals, releases and tokens verify under.
pub fn jwks(gateway: &Gateway) -> Value {
    let keys = gateway.keys();
    KeySet::new(vec![
        keys.signing.public().clone(),
        keys.token.public().clone(),
        keys.ledger.public().clone(),
    ])
    .to_jwks()
}

/// `titian.json`.
pub fn facts(gateway: &Gateway) -> GatewayFacts {
    GatewayFacts { id: gateway.id().to_owned(), versions: vec!["1".to_owned()] }
}
