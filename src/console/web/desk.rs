//! What waits for a person: holds and reviews, each decided on a page of its own.
//!
//! INVARIANT: a page shows the held text only in answer to the form that records it, and a decision
//! is taken only with a passkey's word about that very decision.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html, see};
use super::session::Seat;
use super::sign_in::{Asked, ask, check};
use crate::config::Role;
use crate::domain::{Code, Id, Refused};
use crate::exchange::review::Verdict;
use crate::exchange::waiting::{self, Matter, Urgency, Waits};
use crate::exchange::{Failure, hold, review};
use crate::wire::{HoldAct, HoldView, ReviewAct, ReviewView};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/waiting", get(list))
        .route("/waiting/hold/{id}", get(show_hold))
        .route("/waiting/hold/{id}/show", post(show_values))
        .route("/waiting/hold/{id}/{decision}", post(decide_hold))
        .route("/waiting/review/{id}", get(show_review))
        .route("/waiting/review/{id}/{decision}", post(decide_review))
}

/// Entries of one page.
const PAGE: usize = 50;
const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// Rules that a finding may name, each with its words.
const RULES: &[&str] = &[
    "oversize",
    "echo",
    "echo-birth",
    "nik",
    "kk",
    "npwp",
    "rrn",
    "eid",
    "passport",
    "birth-certificate",
    "case-number",
    "unhcr",
    "iban",
    "mrz",
    "phone",
    "email",
    "handle",
    "url",
    "network-address",
    "position",
    "address",
    "hidden",
    "digits",
    "group",
    "both-versions",
];

/// Message types that have words.
const TYPES: [&str; 6] =
    ["referral", "status", "withdrawal", "correction", "erasure-notice", "erasure-confirmation"];

/// A message's type in words; as it is written where nobody has put it into words yet.
pub(super) fn type_words(page: &Page, message_type: &str) -> String {
    match message_type.split_once('/') {
        Some((name, _)) if TYPES.contains(&name) => page.of("message-type", name),
        _ => message_type.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    page: Page,
    is_duty: bool,
    waits: Vec<Waits>,
    count: usize,
    now: i64,
    /// Where the page before and the next one begin.
    earlier: Option<usize>,
    later: Option<usize>,
}

impl Waiting {
    fn since(&self, waits: &Waits) -> String {
        lasts(&self.page, self.now.saturating_sub(waits.since))
    }
}

/// How long something takes, in the largest unit that fits.
fn lasts(page: &Page, seconds: i64) -> String {
    if seconds < HOUR_S {
        page.t1("lasts-minutes", "n", seconds.max(0) / MINUTE_S)
    } else if seconds < 2 * DAY_S {
        page.t1("lasts-hours", "n", seconds / HOUR_S)
    } else {
        page.t1("lasts-days", "n", seconds / DAY_S)
    }
}

fn unix(moment: &str) -> i64 {
    OffsetDateTime::parse(moment, &Rfc3339).map_or(0, OffsetDateTime::unix_timestamp)
}

#[derive(Deserialize)]
struct Begins {
    #[serde(default)]
    from: usize,
}

async fn list(seat: Seat, at: Result<Query<Begins>, QueryRejection>) -> Result<Response, Fault> {
    let Ok(Query(at)) = at else { return Ok(Fault::Malformed.shown(&seat.visit.page)) };
    let mut waits = waiting::list(seat.gateway(), &seat.officer.name).await?;
    let count = waits.len();
    let from = at.from.min(count);
    let later = Some(from.saturating_add(PAGE)).filter(|next| *next < count);
    let earlier = (from > 0).then(|| from.saturating_sub(PAGE));
    waits.drain(..from);
    waits.truncate(PAGE);
    let is_duty = seat.officer.is(Role::Operator);
    let now = seat.gateway().clock().now().unix_timestamp();
    let page = Waiting { page: seat.page(), is_duty, waits, count, now, earlier, later };
    Ok(html(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "hold.html")]
struct Hold {
    page: Page,
    view: HoldView,
    lasts: String,
    /// Each held leaf with its texts, where they were asked for.
    values: Option<Vec<(String, Vec<String>)>>,
    fault: Option<String>,
    typed: Typed,
    release: Asked,
    discard: Asked,
}

impl Hold {
    fn rule(&self, keyword: &str) -> String {
        if RULES.contains(&keyword) {
            self.page.of("hold-rule", keyword)
        } else {
            self.page.t1("hold-other-rule", "rule", keyword)
        }
    }

    /// For whose officers it is: the sender's where nobody abroad may know.
    fn is_senders(&self) -> bool {
        self.view.group.is_some()
    }
}

/// The reason that was typed, and in which form.
#[derive(Debug, Default)]
struct Typed {
    form: &'static str,
    reason: String,
}

impl Typed {
    fn in_form(&self, form: &str) -> &str {
        if self.form == form { &self.reason } else { "" }
    }
}

/// What the last form came to.
#[derive(Default)]
struct Last {
    status: StatusCode,
    values: Option<Value>,
    fault: Option<String>,
    typed: Typed,
}

fn hold_page(seat: &Seat, mut view: HoldView, last: Last) -> Result<Response, Fault> {
    let mut page = seat.page();
    // a form's answer has no address of its own
    page.path = format!("/waiting/hold/{}", view.id);
    let now = seat.gateway().clock().now().unix_timestamp();
    view.values = None;
    let hold = Hold {
        lasts: lasts(&page, now.saturating_sub(unix(&view.opened_at))),
        values: last.values.map(texts),
        fault: last.fault,
        typed: last.typed,
        release: ask(seat, &act("hold-release", &view.id))?,
        discard: ask(seat, &act("hold-discard", &view.id))?,
        page,
        view,
    };
    Ok(html(last.status, &hold))
}

/// What a passkey's word is about.
fn act(what: &str, id: &str) -> String {
    format!("{what} {id}")
}

/// Values by leaf as a person reads them.
fn texts(values: Value) -> Vec<(String, Vec<String>)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let each = |value: Value| match value {
        Value::Array(items) => items.into_iter().map(text).collect(),
        one => vec![text(one)],
    };
    match values {
        Value::Object(leaves) => leaves.into_iter().map(|(name, it)| (name, each(it))).collect(),
        _ => Vec::new(),
    }
}

/// An id of the path; what is none names nothing.
fn named(id: &str) -> Result<Id, Fault> {
    id.parse().map_err(|_form| Fault::Unknown)
}

async fn show_hold(seat: Seat, Path(id): Path<String>) -> Result<Response, Fault> {
    match look(&seat, &id).await {
        Ok(view) => hold_page(&seat, view, Last::default()),
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

async fn look(seat: &Seat, id: &str) -> Result<HoldView, Fault> {
    Ok(hold::look(seat.gateway(), named(id)?, &seat.officer.name).await?)
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn show_values(
    seat: Seat,
    Path(id): Path<String>,
    Form(form): Form<Token>,
) -> Result<Response, Fault> {
    let shown = async {
        seat.visit.check(&form.token)?;
        let act = HoldAct { officer: seat.officer.name.clone(), reason: String::new() };
        Ok::<_, Fault>(hold::show(seat.gateway(), named(&id)?, &act).await?)
    };
    match shown.await {
        Ok(mut view) => {
            let values = view.values.take();
            hold_page(&seat, view, Last { values, ..Last::default() })
        }
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

#[derive(Deserialize)]
struct Decision {
    token: String,
    #[serde(default)]
    word: String,
    #[serde(default)]
    reason: String,
}

async fn decide_hold(
    seat: Seat,
    Path((id, decision)): Path<(String, String)>,
    Form(form): Form<Decision>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    let (what, done) = match decision.as_str() {
        "release" => ("hold-release", "hold-released"),
        "discard" => ("hold-discard", "hold-discarded"),
        _ => return Ok(Fault::Unknown.shown(page)),
    };
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(page));
    }
    let again = async |status, fault| match look(&seat, &id).await {
        Ok(view) => {
            let fault = Some(fault);
            let typed = Typed { form: what, reason: form.reason.clone() };
            let last = Last { status, fault, typed, ..Last::default() };
            hold_page(&seat, view, last)
        }
        Err(fault) => Ok(fault.shown(page)),
    };
    if check(&seat, &act(what, &id), &form.word).is_err() {
        return again(StatusCode::FORBIDDEN, page.t("desk-stale")).await;
    }
    let said = HoldAct { officer: seat.officer.name.clone(), reason: form.reason.clone() };
    let id_named = match named(&id) {
        Ok(id) => id,
        Err(fault) => return Ok(fault.shown(page)),
    };
    let decided = if what == "hold-release" {
        hold::release(seat.gateway(), id_named, &said).await
    } else {
        hold::discard(seat.gateway(), id_named, &said).await
    };
    match decided {
        Ok(_) => {
            seat.visit.notice(done).await?;
            Ok(see("/waiting"))
        }
        Err(Failure::Problem(refused)) if refused.code != Code::NotFound => {
            again(StatusCode::CONFLICT, why(page, &refused)).await
        }
        Err(failure) => Ok(Fault::from(failure).shown(page)),
    }
}

/// Why nothing was decided, in words.
fn why(page: &Page, refused: &Refused) -> String {
    let at = |pointer: &str| refused.errors.iter().any(|fault| fault.pointer == pointer);
    let code = match refused.code {
        Code::BadRequest if at("/decision") || at("/review") => "decided",
        Code::BadRequest if at("/reason") => "reason",
        Code::NoPolicy => "no-policy",
        Code::TargetUnknown => "withdrawn",
        Code::PolicyRefused if refused.errors.iter().any(|fault| fault.keyword == "group") => {
            "too-few"
        }
        Code::PolicyRefused => "suspended",
        _ => "other",
    };
    page.of("desk-refused", code)
}

#[derive(Template)]
#[template(path = "review.html")]
struct Review {
    page: Page,
    view: ReviewView,
    lasts: String,
    fault: Option<String>,
    typed: Typed,
    resume: Asked,
    keep: Asked,
}

fn review_page(seat: &Seat, view: ReviewView, last: Last) -> Result<Response, Fault> {
    let mut page = seat.page();
    page.path = format!("/waiting/review/{}", view.id);
    let now = seat.gateway().clock().now().unix_timestamp();
    let review = Review {
        lasts: lasts(&page, now.saturating_sub(unix(&view.opened_at))),
        fault: last.fault,
        typed: last.typed,
        resume: ask(seat, &act("review-resume", &view.id))?,
        keep: ask(seat, &act("review-keep", &view.id))?,
        page,
        view,
    };
    Ok(html(last.status, &review))
}

fn review_act(seat: &Seat, reason: &str) -> ReviewAct {
    ReviewAct { officer: seat.officer.name.clone(), reason: reason.to_owned() }
}

async fn look_at_review(seat: &Seat, id: &str) -> Result<ReviewView, Fault> {
    Ok(review::show(seat.gateway(), named(id)?, &review_act(seat, "")).await?)
}

async fn show_review(seat: Seat, Path(id): Path<String>) -> Result<Response, Fault> {
    match look_at_review(&seat, &id).await {
        Ok(view) => review_page(&seat, view, Last::default()),
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

async fn decide_review(
    seat: Seat,
    Path((id, decision)): Path<(String, String)>,
    Form(form): Form<Decision>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    let (what, verdict, done) = match decision.as_str() {
        "resume" => ("review-resume", Verdict::Resume, "review-resumed"),
        "keep" => ("review-keep", Verdict::Keep, "review-kept"),
        _ => return Ok(Fault::Unknown.shown(page)),
    };
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(page));
    }
    let again = async |status, fault| match look_at_review(&seat, &id).await {
        Ok(view) => {
            let fault = Some(fault);
            let typed = Typed { form: what, reason: form.reason.clone() };
            let last = Last { status, fault, typed, ..Last::default() };
            review_page(&seat, view, last)
        }
        Err(fault) => Ok(fault.shown(page)),
    };
    if check(&seat, &act(what, &id), &form.word).is_err() {
        return again(StatusCode::FORBIDDEN, page.t("desk-stale")).await;
    }
    let id_named = match named(&id) {
        Ok(id) => id,
        Err(fault) => return Ok(fault.shown(page)),
    };
    let said = review_act(&seat, &form.reason);
    match review::decide(seat.gateway(), id_named, verdict, &said).await {
        Ok(_) => {
            seat.visit.notice(done).await?;
            Ok(see("/waiting"))
        }
        Err(Failure::Problem(refused)) if refused.code != Code::NotFound => {
            again(StatusCode::CONFLICT, why(page, &refused)).await
        }
        Err(failure) => Ok(Fault::from(failure).shown(page)),
    }
}
