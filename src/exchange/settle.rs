//! The refusal of an information request as the gateway writes it, and the moment at which an
//! answer abroad leaves.
//!
//! Inside Indonesia an officer's refusal leaves at once. Abroad every refusal is made here and
//! nowhere else, when its hour has come, out of nothing but the request: whether the party asked
//! has refused by its own message, by an officer, or not at all, and whether what it would have
//! told is held, suspended or no longer agreed. So two refusals differ in ids, references, dates
//! and signatures only, all of fixed length.
//!
//! INVARIANT: at its hour an answer either goes, or a refusal goes in its place; in one commit with
//! the refusal whatever there was of an answer is cancelled.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::domain::state::{MessageState, RecipientState, RequestOutcome};
use crate::domain::{Digest, Id, MessageId, PartyId};
use crate::evidence::event;
use crate::policy::Withheld;
use crate::store::{
    Changes, CommitError, EntrySlot, ExchangeRow, ReleaseRow, RequestDecision, RequestRow,
    Requirement, Write,
};

use super::admit::{Admitted, Case, originated};
use super::chain::GATEWAY;
use super::disclose::{Decided, is_foreign, kind_of, pin, still_goes};
use super::hold::close_hold;
use super::inquiry::{Answers, Inquiry};
use super::project::project;
use super::record::{message_row, recipient_row, release_row};
use super::release::{To, relations, sign_release};
use super::renew::{has_policy, renew};
use super::statement::{Originated, Receipt, ReceiptFor};
use super::suspend::forbids;
use super::{Failure, Gateway, Rules};

const RESPONSE: &str = "information-response/1";
/// What a refusal says inside the gateway where nobody has said more; abroad no code is told.
const NO_CODE: &str = "not_shareable";
const ATTEMPTS_MAX: u32 = 3;

/// Makes every answer to `asker` whose hour has come go, or a refusal in its place.
pub(super) async fn settle(
    gateway: &Gateway,
    rules: &Rules,
    asker: &PartyId,
) -> Result<(), Failure> {
    for request in gateway.store().requests_due(gateway.now()).await? {
        if request.asker.party == *asker {
            one(gateway, rules, &request).await?;
        }
    }
    Ok(())
}

async fn one(gateway: &Gateway, rules: &Rules, request: &RequestRow) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let mut changes = Changes::default();
        changes.requires.push(Requirement::Generation(rules.generation));
        changes.requires.push(Requirement::RequestOpen(request.exchange));
        let releases = answer(gateway, request).await?;
        if releases.iter().any(|release| release.entry.is_some()) {
            changes.writes.push(Write::CloseRequest(request.exchange));
        } else if let Some(release) = goes(gateway, rules, &releases).await? {
            changes.requires.push(Requirement::Queued(vec![release]));
            changes.writes.push(Write::Wait(release));
        } else {
            take_back(gateway, request, &releases, &mut changes).await?;
            if request.decision.is_none() {
                let decision = nobodys(gateway.now());
                let exchange = request.exchange;
                changes.writes.push(Write::DecideRequest { exchange, decision });
            }
            refuse(gateway, rules, (request, NO_CODE), &mut changes).await?;
            changes.writes.push(Write::CloseRequest(request.exchange));
        }
        match gateway.store().commit(changes).await {
            // under other rules the next look decides
            Ok(_)
            | Err(CommitError::Conflict(
                Requirement::RequestOpen(_) | Requirement::Generation(_),
            )) => return Ok(()),
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Unavailable(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}

fn nobodys(at: i64) -> RequestDecision {
    RequestDecision {
        outcome: RequestOutcome::Refused,
        answer: None,
        officer: Some(GATEWAY.to_owned()),
        reason: Some("nobody decided before its hour".to_owned()),
        at,
    }
}

/// What was made of the message that answers it, if one does, and is not cancelled.
async fn answer(gateway: &Gateway, request: &RequestRow) -> Result<Vec<ReleaseRow>, Failure> {
    let answer = request.decision.as_ref().and_then(|decision| decision.answer);
    let Some(answer) = answer else { return Ok(Vec::new()) };
    let mut releases = gateway.store().releases_of(&request.asked.party, &answer).await?;
    releases.retain(|release| release.entry.is_some() || release.is_queued());
    Ok(releases)
}

/// The release that goes, if its policy and agreement are in force, or it could be made anew under
/// those that are, and nothing suspends it.
async fn goes(
    gateway: &Gateway,
    rules: &Rules,
    releases: &[ReleaseRow],
) -> Result<Option<crate::domain::ReleaseId>, Failure> {
    let Some(release) = releases.iter().find(|release| release.supplements.is_none()) else {
        return Ok(None);
    };
    let sender = rules.directory.party(&release.sender.party);
    if sender.is_none_or(|sender| sender.frozen) || release.disclosure.is_none() {
        return Ok(None);
    }
    let store = gateway.store();
    let Some(exchange) = store.exchange(&release.exchange).await? else { return Ok(None) };
    for row in store.reviews_in(&[exchange.id]).await?.iter().filter(|row| row.stands) {
        if forbids(gateway, rules, (row, &exchange), &release.recipient).await? {
            return Ok(None);
        }
    }
    if is_in_force(gateway, rules, release) {
        return Ok(Some(release.release_id));
    }
    let edge = (&release.sender, &release.recipient, &release.message_type);
    if !has_policy(rules, edge, rules.today(gateway.clock())) {
        return Ok(None);
    }
    if let Some(changes) = renew(gateway, rules, std::slice::from_ref(release)).await? {
        super::gateway::commit(store, changes).await?;
    }
    let renewed = store.release(&release.release_id).await?;
    let renewed = renewed.filter(|row| row.is_queued() && is_in_force(gateway, rules, row));
    Ok(renewed.map(|row| row.release_id))
}

fn is_in_force(gateway: &Gateway, rules: &Rules, release: &ReleaseRow) -> bool {
    let parties = (&release.sender.party, &release.recipient);
    let today = rules.today(gateway.clock());
    still_goes(rules, &release.message_type, &release.policy, parties, today).is_some()
}

/// What was to be answered is told to nobody any more.
async fn take_back(
    gateway: &Gateway,
    request: &RequestRow,
    releases: &[ReleaseRow],
    changes: &mut Changes,
) -> Result<(), Failure> {
    let answer = request.decision.as_ref().and_then(|decision| decision.answer);
    let Some(message_id) = answer else { return Ok(()) };
    let sender = request.asked.party.clone();
    let store = gateway.store();
    for release in releases {
        changes.requires.push(Requirement::Queued(vec![release.release_id]));
        changes.writes.push(Write::CancelRelease(release.release_id));
    }
    for hold in store.holds_of(&sender, &message_id).await? {
        if hold.decision.is_some() {
            continue;
        }
        let reason = "a refusal has left in its place";
        close_hold(changes, hold.hold.id, reason, gateway.now());
    }
    for row in store.recipients(&sender, &message_id).await? {
        if matches!(row.state, RecipientState::Unchanged | RecipientState::Refused) {
            continue;
        }
        changes.writes.push(Write::RecipientState {
            sender: sender.clone(),
            message_id,
            recipient: row.recipient,
            state: RecipientState::Cancelled,
            pending: Vec::new(),
        });
    }
    if let Some(exchange) = request.about {
        // what the party was not told counts for no other case
        let (party, key) =
            (request.asker.party.clone(), Digest::of(message_id.as_str().as_bytes()));
        changes.writes.push(Write::Uncount { exchange, party, key });
    }
    Ok(())
}

/// Adds the gateway's own refusal of a request: its message, and the one release of it.
pub(super) async fn refuse(
    gateway: &Gateway,
    rules: &Rules,
    (request, code): (&RequestRow, &str),
    changes: &mut Changes,
) -> Result<(), Failure> {
    let internal = || Failure::problem(crate::domain::Code::Internal);
    let store = gateway.store();
    let row = store.message(&request.asker.party, &request.message_id).await?;
    let retention_until = row.map_or(request.respond_by, |row| row.retention_until);
    let id = MessageId(gateway.mint()?);
    let claims = claims(gateway, request, (id, code), retention_until)?;
    let object = gateway.keys().signing.sign(Originated(claims))?.compact().to_owned();
    let case = case(gateway, rules, request).await?;
    let admitted = originated(rules, object.as_bytes(), case, retention_until)?;
    let is_foreign = is_foreign(rules, &request.asker);
    let plan = rules.fixed.refusal(is_foreign);
    let disclosure = project(gateway, plan, &admitted, &request.asker, (&[], &[], &[])).map_err(
        |why| match why {
            Withheld::Hold { .. } => internal(),
            Withheld::Refuse(refused) => Failure::Problem(refused),
        },
    )?;
    let member = admitted.case().member(&request.asker.party).ok_or_else(internal)?;
    let policy = pin(plan);
    let to = To {
        recipient: &request.asker,
        kind: kind_of(rules, &request.asker),
        batch: plan.batch(),
        made_at: request.answer_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        exchange: member.reference,
        policy: &policy,
        before: None,
        retention_until,
    };
    let relations = relations(&admitted, &request.asker);
    let signed = sign_release(gateway, admitted.message(), &to, &disclosure, relations)?;
    let decided = Decided::goes(&request.asker, policy, disclosure);
    message(gateway, &admitted, object.as_bytes(), changes)?;
    changes.writes.push(Write::Recipient(recipient_row(&admitted, 0, &decided)));
    changes.writes.push(release_row(gateway, &admitted, &decided, &signed)?);
    Ok(())
}

/// Abroad the thread of the request, so that nothing tells whether there is a case; at home the
/// case, if there is one.
async fn case(gateway: &Gateway, rules: &Rules, request: &RequestRow) -> Result<Case, Failure> {
    let about = request.about.filter(|_about| !is_foreign(rules, &request.asker));
    let id: Id = about.unwrap_or(request.exchange);
    let exchange: Option<ExchangeRow> = gateway.store().exchange(&id).await?;
    let exchange = exchange.ok_or_else(|| Failure::problem(crate::domain::Code::Internal))?;
    let members = gateway.store().members(&id).await?;
    let mut answers = Answers::to(request.clone(), RequestOutcome::Refused);
    answers.is_kept = false;
    let inquiry = Inquiry::Answers(Box::new(answers));
    Ok(Case { members, inquiry, ..Case::of(exchange) })
}

/// Nothing in it is of whoever was asked, or of the case.
fn claims(
    gateway: &Gateway,
    request: &RequestRow,
    (id, code): (MessageId, &str),
    retention_until: time::Date,
) -> Result<Value, Failure> {
    /// As long as a message may live.
    const LIFETIME_S: i64 = 7 * 24 * 3600;
    let purpose = serde_json::to_value(request.purpose).map_err(Failure::internal)?;
    let now = gateway.now();
    Ok(json!({
        "iss": GATEWAY,
        "aud": gateway.id(),
        "iat": now,
        "exp": now.saturating_add(LIFETIME_S),
        "jti": id,
        "type": RESPONSE,
        "recipients": [request.asker.to_string()],
        "subject_scope": "none",
        "legal": {
            "basis": "public_task",
            "instrument": "fixed",
            "purpose": purpose,
            "retention_until": retention_until.to_string(),
            "onward": [],
        },
        "marking": {
            "tlp": "TLP:AMBER+STRICT",
            "handling": ["named_caseworkers", "no_onward", "not_in_proceedings"],
            "caveats": [],
        },
        "attest": {"best_interests": "not_assessed", "safety_check": "not_assessed"},
        "body": {"result": "refused", "refusal_code": code},
    }))
}

/// The gateway's message as it is recorded, with a receipt of its own.
fn message(
    gateway: &Gateway,
    admitted: &Admitted,
    object: &[u8],
    changes: &mut Changes,
) -> Result<(), Failure> {
    let message = admitted.message();
    let receipt = gateway.keys().signing.sign(Receipt {
        iss: gateway.id().to_owned(),
        aud: message.iss.to_string(),
        iat: gateway.now(),
        jti: gateway.mint()?,
        subject: ReceiptFor::Message(message.message_id),
        digest: message.digest,
        state: MessageState::Admitted.as_str(),
        exchange: None,
        recipients: Vec::new(),
    })?;
    let entry = EntrySlot(changes.entries.len());
    changes.entries.push(gateway.entry(GATEWAY, event::receipt(receipt.digest()))?);
    let state = MessageState::Admitted;
    changes.writes.push(message_row(gateway, admitted, (state, &receipt, entry), object)?);
    Ok(())
}
