//! A recipient's signed word that a machine received a release (or could not take it).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::auth::Caller;
use crate::domain::state::{ReleaseState, ThreadState};
use crate::domain::{Address, Code, Digest, ReleaseId, json};
use crate::evidence::event;
use crate::sign::{self, Verified};
use crate::store::{
    AcknowledgedRow, Acknowledgement, Changes, CommitError, EntrySlot, ReleaseRow, Requirement,
    Write,
};
use crate::wire::Acknowledged;

use super::lifecycle::{self, By, Role};
use super::statement::{Receipt, ReceiptFor};
use super::{Failure, Gateway};

/// What a recipient may say is wrong with a release it rejects.
const PROBLEM_CODES: &[&str] = &[
    "schema",
    "signature",
    "expired",
    "replay",
    "unknown_code",
    "legal_missing",
    "policy_refused",
    "too_large",
    "busy",
];
const PROBLEMS_MAX: usize = 32;
const SKEW_S: i64 = 60;
/// How old a word may be: as long as a message lives.
const AGE_MAX_S: i64 = 7 * 24 * 3600;
const ATTEMPTS_MAX: u32 = 3;

/// Takes an acknowledgement. The same result again is answered with the recorded receipt.
///
/// # Errors
/// Plain problems only: `not-found` for a release that was not handed out to this caller,
/// `acknowledgement-mismatch`, `already-acknowledged`, and those of the signature.
pub async fn acknowledge(
    gateway: &Gateway,
    caller: &Caller,
    release: ReleaseId,
    object: &[u8],
) -> Result<Acknowledged, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let row = own_release(gateway, caller.address(), release).await?;
        let word = read(gateway, caller, &row, object).await?;
        if let Some(recorded) = gateway.store().acknowledgement(&release).await? {
            return repeated(gateway, &row, &recorded, word.received).await;
        }
        if let Some(answer) = record(gateway, caller, &row, &word, object).await? {
            return Ok(answer);
        }
        tracing::debug!("a precondition no longer holds; deciding again");
    }
    Err(Failure::Unavailable)
}

/// A release that was handed out to this party or unit; any other is as unknown as one that never
/// was.
pub(super) async fn own_release(
    gateway: &Gateway,
    reader: &Address,
    release: ReleaseId,
) -> Result<ReleaseRow, Failure> {
    let row = gateway.store().release(&release).await?;
    row.filter(|row| reader.covers(&row.recipient) && row.entry.is_some())
        .ok_or_else(|| Failure::problem(Code::NotFound))
}

/// The word itself, checked against the release.
struct Word {
    received: bool,
}

async fn read(
    gateway: &Gateway,
    caller: &Caller,
    row: &ReleaseRow,
    object: &[u8],
) -> Result<Word, Failure> {
    let rules = gateway.rules();
    let split = sign::split(object).map_err(signature)?;
    let key = rules
        .directory
        .signing_key(caller.address(), split.kid())
        .ok_or_else(|| Failure::problem(Code::UnknownKey))?;
    let verified = split.verify(key, &["titian-ack+jwt"]).map_err(signature)?;
    let claims = claims(&verified)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(caller.address().to_string().as_str()) {
        return Err(Failure::problem(Code::SenderMismatch));
    }
    if text("aud") != Some(gateway.id()) {
        return Err(Failure::problem(Code::Audience));
    }
    let iat = claims.get("iat").and_then(Value::as_i64);
    let has_id = text("jti").is_some_and(|jti| jti.parse::<crate::domain::Id>().is_ok());
    let fits = text("release_id") == Some(row.release_id.as_str())
        && text("digest").and_then(|d| d.parse::<Digest>().ok()) == Some(row.digest)
        && iat
            .is_some_and(|iat| (gateway.now() - AGE_MAX_S..=gateway.now() + SKEW_S).contains(&iat))
        && has_id
        && claims.keys().all(|name| KNOWN_CLAIMS.contains(&name.as_str()));
    let result = text("result");
    let problems_fit = match claims.get("problems") {
        None => true,
        Some(problems) => problems_fit(problems, result, &places(gateway, row).await?),
    };
    match result {
        Some("received") if fits && problems_fit => Ok(Word { received: true }),
        Some("rejected") if fits && problems_fit => Ok(Word { received: false }),
        _ => Err(Failure::problem(Code::AcknowledgementMismatch)),
    }
}

const KNOWN_CLAIMS: &[&str] =
    &["iss", "aud", "iat", "jti", "release_id", "result", "digest", "problems"];

/// `problems` only with `rejected`, none twice: closed codes, at places that the release's own
/// schema has. Whatever else stood there would be words to the sender that no policy has seen.
fn problems_fit(problems: &Value, result: Option<&str>, places: &BTreeSet<String>) -> bool {
    let Some(items) = problems.as_array() else { return false };
    let mut seen = BTreeSet::new();
    result == Some("rejected")
        && items.len() <= PROBLEMS_MAX
        && items.iter().all(|item| {
            let Some(item) = item.as_object() else { return false };
            let code = item.get("code").and_then(Value::as_str);
            let pointer = item.get("pointer").map_or(Some(""), Value::as_str);
            code.is_some_and(|code| PROBLEM_CODES.contains(&code))
                && pointer.is_some_and(|pointer| places.contains(pointer))
                && item.keys().all(|name| name == "code" || name == "pointer")
                && seen.insert((code, pointer))
        })
}

/// Every place that a body of this release can have: leaf names and what lies above them, elements
/// of an array as `*`; `/` and the empty pointer stand for the whole.
async fn places(gateway: &Gateway, row: &ReleaseRow) -> Result<BTreeSet<String>, Failure> {
    let schema = gateway.store().release_schema(&row.release_schema, &row.recipient.party).await?;
    let schema: Value =
        schema.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let mut places = BTreeSet::from([String::new(), "/".to_owned()]);
    gather("", &schema, &mut places);
    Ok(places)
}

fn gather(at: &str, schema: &Value, places: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, below) in properties.into_iter().flatten() {
        let place = format!("{at}/{name}");
        gather(&place, below, places);
        places.insert(place);
    }
    if let Some(items) = schema.get("items") {
        let place = format!("{at}/*");
        gather(&place, items, places);
        places.insert(place);
    }
}

fn claims(verified: &Verified) -> Result<Map<String, Value>, Failure> {
    match json::parse(verified.payload()) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) | Err(_) => Err(Failure::problem(Code::Json)),
    }
}

fn signature(fault: sign::SignFault) -> Failure {
    Failure::problem(super::submit::code_of(fault))
}

async fn record(
    gateway: &Gateway,
    caller: &Caller,
    row: &ReleaseRow,
    word: &Word,
    object: &[u8],
) -> Result<Option<Acknowledged>, Failure> {
    let state = if word.received { ReleaseState::Acknowledged } else { ReleaseState::Rejected };
    let receipt = gateway.keys().signing.sign(Receipt {
        iss: gateway.id().to_owned(),
        aud: caller.address().to_string(),
        iat: gateway.now(),
        jti: gateway.mint()?,
        subject: ReceiptFor::Acknowledgement(row.release_id),
        digest: Digest::of(object),
        state: state.as_str(),
        exchange: None,
        recipients: Vec::new(),
    })?;
    let own = row.recipient.party.as_str();
    let entry = gateway.entry(own, event::acknowledgement(receipt.digest()))?;
    let mut changes = Changes { entries: vec![entry.clone()], ..Changes::default() };
    changes.requires.push(Requirement::Unacknowledged(row.release_id));
    let jws =
        String::from_utf8(object.to_vec()).map_err(|_cause| Failure::problem(Code::NotCompact))?;
    let rules = gateway.rules();
    if !super::disclose::is_foreign(&rules, &row.sender) {
        let event = event::acknowledged(Digest::of(object));
        changes.entries.push(gateway.entry(row.sender.party.as_str(), event)?);
    }
    changes.writes.push(Write::Acknowledge(Acknowledgement {
        release_id: row.release_id,
        received: word.received,
        jws,
        receipt: receipt.compact().to_owned(),
        entry: EntrySlot(0),
        at: gateway.now(),
    }));
    if word.received {
        receive(gateway, &mut changes, row).await?;
    }
    match gateway.store().commit(changes).await {
        Ok(committed) => {
            let placed = committed.entries.first().ok_or(Failure::Unavailable)?;
            let proof = gateway.proof(placed, &entry.salt, &entry.event)?;
            Ok(Some(Acknowledged { receipt: receipt.compact().to_owned(), proof }))
        }
        Err(CommitError::Conflict(_)) => Ok(None),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

/// The receiver's acknowledgement of the referral moves its thread to `received`.
async fn receive(
    gateway: &Gateway,
    changes: &mut Changes,
    row: &ReleaseRow,
) -> Result<(), Failure> {
    if row.message_type.name() != "referral" || row.supplements.is_some() {
        return Ok(());
    }
    let Some(exchange) = gateway.store().exchange(&row.exchange).await? else {
        return Ok(());
    };
    let to = ThreadState::Received;
    if exchange.receiver == row.recipient
        && lifecycle::allows(exchange.state, to, Role::Receiver, By::Acknowledgement)
    {
        let exchange_id = exchange.id;
        changes.requires.push(Requirement::Thread { exchange: exchange_id, state: exchange.state });
        changes.writes.push(Write::Thread { exchange: exchange_id, state: to });
    }
    Ok(())
}

async fn repeated(
    gateway: &Gateway,
    row: &ReleaseRow,
    recorded: &AcknowledgedRow,
    received: bool,
) -> Result<Acknowledged, Failure> {
    if recorded.received != received {
        return Err(Failure::problem(Code::AlreadyAcknowledged));
    }
    let proof = gateway.recorded_proof(row.recipient.party.as_str(), recorded.entry).await?;
    Ok(Acknowledged { receipt: recorded.receipt.clone(), proof })
}
