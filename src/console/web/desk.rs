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
use crate::domain::state::Urgency;
use crate::domain::{Code, Digest, Id, Refused};
use crate::exchange::review::Verdict;
use crate::exchange::waiting::{self, Matter, Waits};
use crate::exchange::{Failure, hold, review};
use crate::wire::{HoldAct, HoldView, ReviewAct, ReviewView};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/waiting", get(list))
        .route("/waiting/hold/{id}", get(show_hold))
        .route("/waiting/hold/{id}/show", post(show_values))
        .route("/waiting/review/{id}", get(show_review))
        .route("/waiting/{matter}/{id}/{decision}", post(decide))
}

/// Entries of one page.
const PAGE: u32 = 50;
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

/// Keywords of a schema that a value may fail, and the names of their words.
const KEYWORDS: &[(&str, &str)] = &[
    ("required", "missing"),
    ("additionalProperties", "unknown"),
    ("type", "kind"),
    ("enum", "not-listed"),
    ("const", "not-listed"),
    ("pattern", "form"),
    ("format", "form"),
    ("minLength", "too-small"),
    ("minItems", "too-small"),
    ("minimum", "too-small"),
    ("maxLength", "too-large"),
    ("maxItems", "too-large"),
    ("maximum", "too-large"),
];

/// What a finding's keyword means, with the keyword beside where it says more.
pub(super) fn rule_words(page: &Page, keyword: &str) -> String {
    if RULES.contains(&keyword) {
        return page.of("hold-rule", keyword);
    }
    match KEYWORDS.iter().find(|(known, _)| *known == keyword) {
        Some((_, words)) => page.of("keyword", words),
        None => page.t1("hold-other-rule", "rule", keyword),
    }
}

/// Message types that have words.
const TYPES: [&str; 8] = [
    "referral",
    "status",
    "withdrawal",
    "correction",
    "erasure-notice",
    "erasure-confirmation",
    "information-request",
    "information-response",
];

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
    count: u64,
    now: i64,
    /// Where the page before and the next one begin.
    earlier: Option<u64>,
    later: Option<u64>,
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
    from: u64,
}

async fn list(seat: Seat, at: Result<Query<Begins>, QueryRejection>) -> Result<Response, Fault> {
    let Ok(Query(at)) = at else { return Ok(Fault::Malformed.shown(&seat.visit.page)) };
    let (gateway, rules) = (seat.gateway(), seat.gateway().rules());
    let desk = waiting::count(gateway, &rules, &seat.officer.name).await?;
    let count = desk.count();
    let from = at.from.min(count);
    let waits = waiting::page(gateway, &rules, &desk, (from, PAGE)).await?;
    let later = Some(from.saturating_add(PAGE.into())).filter(|next| *next < count);
    let earlier = (from > 0).then(|| from.saturating_sub(PAGE.into()));
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
        rule_words(&self.page, keyword)
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
pub(super) fn act(what: &str, id: &str) -> String {
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
pub(super) fn named(id: &str) -> Result<Id, Fault> {
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
        let act = hold_act(&seat, "");
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

/// What may be decided about a hold or a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Release,
    Discard,
    Resume,
    Keep,
}

impl Way {
    /// As the path says it.
    fn of(matter: &str, decision: &str) -> Option<Self> {
        match (matter, decision) {
            ("hold", "release") => Some(Self::Release),
            ("hold", "discard") => Some(Self::Discard),
            ("review", "resume") => Some(Self::Resume),
            ("review", "keep") => Some(Self::Keep),
            _ => None,
        }
    }

    /// What the passkey's word is about, and the name of its form.
    const fn act(self) -> &'static str {
        match self {
            Self::Release => "hold-release",
            Self::Discard => "hold-discard",
            Self::Resume => "review-resume",
            Self::Keep => "review-keep",
        }
    }

    /// What is said once it is done.
    const fn done(self) -> &'static str {
        match self {
            Self::Release => "hold-released",
            Self::Discard => "hold-discarded",
            Self::Resume => "review-resumed",
            Self::Keep => "review-kept",
        }
    }

    async fn go(self, seat: &Seat, id: Id, reason: &str, word: Digest) -> Result<(), Failure> {
        let (gateway, word) = (seat.gateway(), Some(word));
        let said = HoldAct { word, ..hold_act(seat, reason) };
        match self {
            Self::Release => hold::release(gateway, id, &said).await.map(drop),
            Self::Discard => hold::discard(gateway, id, &said).await.map(drop),
            Self::Resume | Self::Keep => {
                let resumes = self == Self::Resume;
                let verdict = if resumes { Verdict::Resume } else { Verdict::Keep };
                let said = ReviewAct { word, ..review_act(seat, reason) };
                review::decide(gateway, id, verdict, &said).await.map(drop)
            }
        }
    }

    /// The page again, with what was typed.
    async fn again(self, seat: &Seat, id: &str, last: Last) -> Result<Response, Fault> {
        match self {
            Self::Release | Self::Discard => hold_page(seat, look(seat, id).await?, last),
            Self::Resume | Self::Keep => review_page(seat, look_at_review(seat, id).await?, last),
        }
    }
}

async fn decide(
    seat: Seat,
    Path((matter, id, decision)): Path<(String, String, String)>,
    Form(form): Form<Decision>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    let decided = async {
        let way = Way::of(&matter, &decision).ok_or(Fault::Unknown)?;
        seat.visit.check(&form.token)?;
        let named = named(&id)?;
        let (status, fault) = match check(&seat, &act(way.act(), &id), &form.word) {
            Err(_stale) => (StatusCode::FORBIDDEN, page.t("desk-stale")),
            Ok(word) => match way.go(&seat, named, &form.reason, word).await {
                Ok(()) => {
                    seat.visit.notice(way.done()).await?;
                    return Ok(see("/waiting"));
                }
                Err(Failure::Problem(refused)) if refused.code != Code::NotFound => {
                    (StatusCode::CONFLICT, why(page, &refused))
                }
                Err(failure) => return Err(failure.into()),
            },
        };
        let typed = Typed { form: way.act(), reason: form.reason.clone() };
        let last = Last { status, fault: Some(fault), typed, ..Last::default() };
        way.again(&seat, &id, last).await
    };
    decided.await.or_else(|fault: Fault| Ok(fault.shown(page)))
}

/// Why nothing was decided, in words.
pub(super) fn why(page: &Page, refused: &Refused) -> String {
    let at = |pointer: &str| refused.errors.iter().any(|fault| fault.pointer == pointer);
    let code = match refused.code {
        Code::BadRequest if at("/decision") || at("/review") || at("/request") => "decided",
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
    ReviewAct { officer: seat.officer.name.clone(), reason: reason.to_owned(), word: None }
}

fn hold_act(seat: &Seat, reason: &str) -> HoldAct {
    HoldAct { officer: seat.officer.name.clone(), reason: reason.to_owned(), word: None }
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
