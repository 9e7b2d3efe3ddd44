//! Information requests as the officers of the party asked see them: what is asked and until when,
//! and the refusal of one.
//!
//! An officer is shown a request as its policy passed it on to that party, so never more than its
//! own system received. To answer takes that system's own message, which names the request by the
//! reference shown here; to refuse takes an officer. A refusal is final, as an answer is: inside
//! Indonesia it leaves at once, abroad at the hour at which it would leave anyway.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::state::{RefusalCode, RequestOutcome};
use crate::domain::{Code, ExchangeRef, MessageType, Refused};
use crate::store::{Changes, CommitError, Entry, RequestDecision, RequestRow, Requirement, Write};
use crate::wire::{RequestAct, RequestDecided, RequestView};

use super::collect::body_of;
use super::hold::{has_reason, is_on_duty};
use super::inquiry::{self, decide, stops_the_clock};
use super::show::moment;
use super::{Failure, Gateway, Rules, settle};

/// Where a refusal says that the request was decided before.
pub(super) const DECIDED: &str = "/request";
const ATTEMPTS_MAX: u32 = 3;

/// Requests, oldest first; only those whose answer is not made for good unless `closed_too`. Shows
/// nothing of what is asked.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn list(gateway: &Gateway, closed_too: bool) -> Result<Vec<RequestView>, Failure> {
    let rules = gateway.rules();
    let mut views = Vec::new();
    for row in gateway.store().requests(closed_too).await? {
        views.extend(view(gateway, &rules, &row, None).await?);
    }
    Ok(views)
}

/// The requests that an officer may decide about, undecided ones only.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn waiting(gateway: &Gateway, officer: &str) -> Result<Vec<RequestView>, Failure> {
    let rules = gateway.rules();
    let mut views = Vec::new();
    for row in gateway.store().requests(false).await? {
        if inquiry::open(gateway, &row).is_ok() && is_on_duty(&rules, officer, &row.asked) {
            views.extend(view(gateway, &rules, &row, None).await?);
        }
    }
    Ok(views)
}

/// One request with what is asked.
///
/// # Errors
/// `not-found` for an unknown request or an officer who is not on duty for the party asked.
pub async fn show(
    gateway: &Gateway,
    reference: ExchangeRef,
    act: &RequestAct,
) -> Result<RequestView, Failure> {
    let rules = gateway.rules();
    let row = open_to(gateway, &rules, reference, act).await?;
    let asks = asks(gateway, &row).await?;
    let view = view(gateway, &rules, &row, asks).await?;
    view.ok_or_else(|| Failure::problem(Code::NotFound))
}

/// Refuses.
///
/// # Errors
/// `not-found` as for [`show`]; `bad-request` without a code, or for a request that has its answer.
pub async fn refuse(
    gateway: &Gateway,
    reference: ExchangeRef,
    act: &RequestAct,
) -> Result<RequestView, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let rules = gateway.rules();
        let row = open_to(gateway, &rules, reference, act).await?;
        if inquiry::open(gateway, &row).is_err() {
            return Err(decided_before());
        }
        let changes = refusal(gateway, &rules, &row, act).await?;
        match gateway.store().commit(changes).await {
            Ok(_) => {
                if row.answer_at.is_none() {
                    gateway.tell(&row.asker.party);
                }
                return show(gateway, reference, act).await;
            }
            Err(CommitError::Conflict(Requirement::RequestUndecided(_))) => {
                return Err(decided_before());
            }
            Err(CommitError::Conflict(_)) => gateway.catch_up().await?,
            Err(CommitError::Unavailable(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}

async fn refusal(
    gateway: &Gateway,
    rules: &Rules,
    row: &RequestRow,
    act: &RequestAct,
) -> Result<Changes, Failure> {
    let code = act.code.as_deref().and_then(|code| code.parse::<RefusalCode>().ok());
    let code =
        code.ok_or_else(|| Failure::Problem(Refused::at(Code::BadRequest, "/code", "enum")))?;
    let reason = match act.reason.trim() {
        "" => code.as_str().to_owned(),
        why => format!("{code}: {why}"),
    };
    has_reason(&reason)?;
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Generation(rules.generation));
    let decision = RequestDecision {
        outcome: RequestOutcome::Refused,
        answer: None,
        officer: Some(act.officer.clone()),
        reason: Some(reason),
        at: gateway.now(),
    };
    decide(&mut changes, row, decision);
    if row.answer_at.is_none() {
        settle::refuse(gateway, rules, (row, code.as_str()), &mut changes).await?;
        stop_the_clock(gateway, rules, row, &mut changes).await?;
    }
    changes.entries.push(event(gateway, row, act)?);
    Ok(changes)
}

/// As the answer of the referrer's own system does.
async fn stop_the_clock(
    gateway: &Gateway,
    rules: &Rules,
    row: &RequestRow,
    changes: &mut Changes,
) -> Result<(), Failure> {
    let Some(about) = row.about else { return Ok(()) };
    let Some(case) = gateway.store().exchange(&about).await? else { return Ok(()) };
    if let Some((from, to)) = stops_the_clock(rules, &case, &row.asked, row) {
        changes.requires.push(Requirement::Thread { exchange: about, state: from });
        changes.writes.push(Write::Thread { exchange: about, state: to });
    }
    Ok(())
}

fn decided_before() -> Failure {
    Failure::Problem(Refused::at(Code::BadRequest, DECIDED, "decided"))
}

/// Who refused which request: ids only, in the ledger of the party asked.
fn event(gateway: &Gateway, row: &RequestRow, act: &RequestAct) -> Result<Entry, Failure> {
    let event = json!({
        "kind": "request-refused",
        "request": row.exchange,
        "officer": act.officer,
        "at": gateway.now(),
    });
    let bytes = crate::domain::json::canonical(&event).map_err(Failure::internal)?;
    gateway.entry(row.asked.party.as_str(), bytes)
}

/// A request, for a duty officer of the party and unit asked. To anyone else there is none.
async fn open_to(
    gateway: &Gateway,
    rules: &Rules,
    reference: ExchangeRef,
    act: &RequestAct,
) -> Result<RequestRow, Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let store = gateway.store();
    let member = store.member(&reference).await?.ok_or_else(unknown)?;
    let row = store.request(&member.exchange).await?.ok_or_else(unknown)?;
    let is_own = member.party == row.asked.party && is_on_duty(rules, &act.officer, &row.asked);
    if is_own { Ok(row) } else { Err(unknown()) }
}

/// What is asked, as the party asked was released it; `None` where it was not or that is erased.
async fn asks(gateway: &Gateway, row: &RequestRow) -> Result<Option<Value>, Failure> {
    let releases = gateway.store().releases_of(&row.asker.party, &row.message_id).await?;
    match releases.iter().rev().find(|release| release.recipient == row.asked) {
        Some(release) => body_of(gateway, release),
        None => Ok(None),
    }
}

/// `None` where the party asked has no reference of it: nothing of it was passed on.
async fn view(
    gateway: &Gateway,
    rules: &Rules,
    row: &RequestRow,
    asks: Option<Value>,
) -> Result<Option<RequestView>, Failure> {
    let members = gateway.store().members(&row.exchange).await?;
    let Some(own) = members.iter().find(|member| member.party == row.asked.party) else {
        return Ok(None);
    };
    let about = match (&row.about, row.is_topic) {
        (_, true) => "topic",
        (Some(_), false) => "exchange",
        (None, false) => "unknown",
    };
    let is_open = inquiry::open(gateway, row).is_ok();
    let has_passed = rules.today(gateway.clock()) > row.respond_by;
    Ok(Some(RequestView {
        id: own.reference.to_string(),
        from: row.asker.to_string(),
        asked: row.asked.to_string(),
        about: about.to_owned(),
        purpose: row.purpose.to_string(),
        agreement: agreement(rules, row),
        opened_at: moment(row.opened_at, false),
        respond_by: row.respond_by.to_string(),
        leaves_at: row.answer_at.map(at),
        is_open,
        is_overdue: is_open && has_passed,
        decision: row.decision.as_ref().map(|decision| RequestDecided {
            outcome: decision.outcome,
            officer: decision.officer.clone(),
            reason: decision.reason.clone(),
            at: moment(decision.at, false),
        }),
        asks,
    }))
}

/// In Jakarta, as officers read it.
fn at(unix: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.to_offset(crate::clock::JAKARTA).format(&Rfc3339).unwrap_or_default()
}

/// The agreement of the policy that an answer would go under.
fn agreement(rules: &Rules, row: &RequestRow) -> Option<String> {
    let response: MessageType = "information-response/1".parse().ok()?;
    let policy = rules.policies.find(&row.asked, &row.asker, &response, row.purpose)?;
    Some(policy.agreement().to_owned())
}
