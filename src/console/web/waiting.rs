//! What waits for a person: holds and reviews, each with why, where and since when; never a value
//! but by a recorded click.
//!
//! A decision takes a word of the officer's passkey of that very moment.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::Value;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html, see};
use super::session::Seat;
use super::sign_in::{self, Asked};
use crate::domain::{Code, Id};
use crate::exchange::review::Verdict;
use crate::exchange::{Failure, hold, review};
use crate::wire::{HoldAct, HoldView, ReviewAct, ReviewView};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/waiting", get(list))
        .route("/waiting/hold/{id}", get(hold_page))
        .route("/waiting/hold/{id}/show", post(hold_shown))
        .route("/waiting/hold/{id}/{verdict}", post(hold_decided))
        .route("/waiting/review/{id}", get(review_page))
        .route("/waiting/review/{id}/{verdict}", post(review_decided))
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    page: Page,
    /// Holds and reviews, what should be decided first on top.
    holds: Vec<HoldView>,
    reviews: Vec<ReviewView>,
}

async fn list(seat: Seat) -> Result<Response, Fault> {
    let officer = &seat.officer.name;
    let holds = hold::list_for(seat.gateway(), officer).await?;
    let mut reviews = review::list_for(seat.gateway(), officer).await?;
    reviews.sort_by(|one, other| one.due_at.cmp(&other.due_at));
    Ok(html(StatusCode::OK, &Waiting { page: seat.page(), holds, reviews }))
}

/// What may be decided, with the word that is asked for each.
type Acts = Vec<(&'static str, Asked)>;

#[derive(Template)]
#[template(path = "hold.html")]
struct Hold {
    page: Page,
    view: HoldView,
    /// The held values by leaf, once they are asked for.
    values: Vec<(String, String)>,
    shown: bool,
    acts: Acts,
    reason: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "review.html")]
struct Review {
    page: Page,
    view: ReviewView,
    acts: Acts,
    reason: String,
    fault: Option<String>,
}

/// What a decision is asked about, as the passkey signs it.
fn about(kind: &str, id: &str, verdict: &str) -> String {
    format!("{kind} {verdict} {id}")
}

fn acts(seat: &Seat, (kind, id): (&str, &str), verdicts: [&'static str; 2]) -> Result<Acts, Fault> {
    let ask = |verdict| Ok((verdict, sign_in::ask(seat, &about(kind, id, verdict))?));
    // who has no passkey cannot have signed in, but may have lost it since
    if seat.officer.passkeys.is_empty() {
        return Ok(Vec::new());
    }
    verdicts.into_iter().map(ask).collect()
}

async fn hold_page(seat: Seat, Path(id): Path<Id>) -> Result<Response, Fault> {
    match hold::look(seat.gateway(), id, &seat.officer.name).await {
        Ok(view) => held(&seat, view, StatusCode::OK, String::new(), None),
        Err(failure) => Ok(Fault::from(failure).shown(&seat.visit.page)),
    }
}

fn held(
    seat: &Seat,
    mut view: HoldView,
    status: StatusCode,
    reason: String,
    fault: Option<String>,
) -> Result<Response, Fault> {
    let shown = view.values.is_some();
    let values = match view.values.take() {
        Some(Value::Object(values)) => {
            values.into_iter().map(|(leaf, value)| (leaf, said(&value))).collect()
        }
        _ => Vec::new(),
    };
    let is_open = view.decision.is_none();
    let acts = acts(seat, ("hold", &view.id), ["release", "discard"])?;
    let acts = if is_open { acts } else { Vec::new() };
    // the page's own, also where it answers a form
    let page = Page { path: format!("/waiting/hold/{}", view.id), ..seat.page() };
    let page = Hold { page, view, values, shown, acts, reason, fault };
    Ok(html(status, &page))
}

/// A held value as text, not as JSON.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Shows the held values, once: that the officer looked is recorded first.
async fn hold_shown(
    seat: Seat,
    Path(id): Path<Id>,
    Form(form): Form<Token>,
) -> Result<Response, Fault> {
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let act = HoldAct { officer: seat.officer.name.clone(), reason: String::new() };
    match hold::show(seat.gateway(), id, &act).await {
        Ok(view) => held(&seat, view, StatusCode::OK, String::new(), None),
        Err(failure) => Ok(Fault::from(failure).shown(&seat.visit.page)),
    }
}

#[derive(Deserialize)]
struct Decision {
    token: String,
    word: String,
    #[serde(default)]
    reason: String,
}

async fn hold_decided(
    seat: Seat,
    Path((id, verdict)): Path<(Id, String)>,
    Form(form): Form<Decision>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    let is_own = seat
        .visit
        .check(&form.token)
        .and_then(|()| sign_in::check(&seat, &about("hold", id.as_str(), &verdict), &form.word));
    if let Err(fault) = is_own {
        return Ok(fault.shown(page));
    }
    let act = HoldAct { officer: seat.officer.name.clone(), reason: form.reason.clone() };
    let done = match verdict.as_str() {
        "release" => hold::release(seat.gateway(), id, &act).await,
        "discard" => hold::discard(seat.gateway(), id, &act).await,
        _ => return Ok(Fault::Unknown.shown(page)),
    };
    match done {
        Ok(view) => {
            let decision = view.decision.map(|decision| decision.decision).unwrap_or_default();
            seat.visit.notice(&decision).await?;
            Ok(see("/waiting"))
        }
        Err(failure) => {
            match (why(page, &failure), hold::look(seat.gateway(), id, &act.officer).await) {
                (Some(why), Ok(view)) => {
                    held(&seat, view, StatusCode::CONFLICT, form.reason, Some(why))
                }
                _ => Ok(Fault::from(failure).shown(page)),
            }
        }
    }
}

async fn review_page(seat: Seat, Path(id): Path<Id>) -> Result<Response, Fault> {
    let act = ReviewAct { officer: seat.officer.name.clone(), reason: String::new() };
    match review::show(seat.gateway(), id, &act).await {
        Ok(view) => suspended(&seat, view, StatusCode::OK, String::new(), None),
        Err(failure) => Ok(Fault::from(failure).shown(&seat.visit.page)),
    }
}

fn suspended(
    seat: &Seat,
    view: ReviewView,
    status: StatusCode,
    reason: String,
    fault: Option<String>,
) -> Result<Response, Fault> {
    let acts = acts(seat, ("review", &view.id), ["resume", "keep"])?;
    let acts = if view.decision.is_none() { acts } else { Vec::new() };
    let page = Page { path: format!("/waiting/review/{}", view.id), ..seat.page() };
    Ok(html(status, &Review { page, view, acts, reason, fault }))
}

async fn review_decided(
    seat: Seat,
    Path((id, verdict)): Path<(Id, String)>,
    Form(form): Form<Decision>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    let is_own = seat
        .visit
        .check(&form.token)
        .and_then(|()| sign_in::check(&seat, &about("review", id.as_str(), &verdict), &form.word));
    if let Err(fault) = is_own {
        return Ok(fault.shown(page));
    }
    let decided = match verdict.as_str() {
        "resume" => Verdict::Resume,
        "keep" => Verdict::Keep,
        _ => return Ok(Fault::Unknown.shown(page)),
    };
    let act = ReviewAct { officer: seat.officer.name.clone(), reason: form.reason.clone() };
    match review::decide(seat.gateway(), id, decided, &act).await {
        Ok(view) => {
            let is_kept = view.decision.is_some_and(|decision| decision.decision == "kept");
            seat.visit.notice(if is_kept { "stays-suspended" } else { "resumed" }).await?;
            Ok(see("/waiting"))
        }
        Err(failure) => match (why(page, &failure), review::show(seat.gateway(), id, &act).await) {
            (Some(why), Ok(view)) => {
                suspended(&seat, view, StatusCode::CONFLICT, form.reason, Some(why))
            }
            _ => Ok(Fault::from(failure).shown(page)),
        },
    }
}

/// Why a decision was not taken, in words; none where nothing is to be seen at all.
fn why(page: &Page, failure: &Failure) -> Option<String> {
    let Failure::Problem(refused) = failure else { return None };
    let at = |pointer: &str| refused.errors.iter().any(|error| error.pointer == pointer);
    let code = match refused.code {
        Code::NotFound => return None,
        Code::BadRequest if at("/reason") => "reason",
        Code::BadRequest if at("/decision") || at("/review") => "decided",
        Code::NoPolicy => "no-policy",
        Code::PolicyRefused if refused.errors.iter().any(|error| error.keyword == "group") => {
            "group"
        }
        Code::PolicyRefused => "suspended",
        Code::TargetUnknown => "withdrawn",
        _ => "other",
    };
    Some(page.of("undecided", code))
}
