//! Information requests of other agencies: what is asked and until when, and the refusal of one.
//!
//! INVARIANT: a refusal is taken only with a passkey's word about the refusal of that very request.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::Value;

use super::Site;
use super::desk::{act, named, why};
use super::fault::Fault;
use super::page::{Page, html, see};
use super::preview::label;
use super::session::Seat;
use super::sign_in::{Asked, ask, check};
use crate::config::Role;
use crate::domain::state::RefusalCode;
use crate::domain::{Code, ExchangeRef};
use crate::exchange::{Failure, requests};
use crate::wire::{RequestAct, RequestView};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/requests", get(list))
        .route("/requests/{id}", get(show))
        .route("/requests/{id}/refuse", post(refuse))
}

/// What a passkey's word is about.
const REFUSE: &str = "request-refuse";

#[derive(Template)]
#[template(path = "requests.html")]
struct Requests {
    page: Page,
    is_duty: bool,
    views: Vec<RequestView>,
}

async fn list(seat: Seat) -> Result<Response, Fault> {
    let views = requests::waiting(seat.gateway(), &seat.officer.name).await?;
    let is_duty = seat.officer.is(Role::Operator);
    Ok(html(StatusCode::OK, &Requests { page: seat.page(), is_duty, views }))
}

#[derive(Template)]
#[template(path = "request.html")]
struct Request {
    page: Page,
    view: RequestView,
    /// The fields asked for, in words.
    fields: Vec<String>,
    onward: Vec<String>,
    fault: Option<String>,
    code: String,
    reason: String,
    refuse: Asked,
}

impl Request {
    /// A closed code of what is asked; empty where the party asked was not told it.
    fn asked(&self, pointer: &str) -> &str {
        let asks = self.view.asks.as_ref();
        asks.and_then(|asks| asks.pointer(pointer)?.as_str()).unwrap_or_default()
    }
}

/// What the last form came to.
#[derive(Default)]
struct Last {
    status: StatusCode,
    fault: Option<String>,
    code: String,
    reason: String,
}

fn request_page(seat: &Seat, view: RequestView, last: Last) -> Result<Response, Fault> {
    let mut page = seat.page();
    // a form's answer has no address of its own
    page.path = format!("/requests/{}", view.id);
    let rules = seat.gateway().rules();
    let referral = "referral/1".parse().ok().and_then(|name| rules.schemas.message(&name));
    let table = referral.map(crate::schema::MessageSchema::leaves);
    let words = |pointer: &str| {
        let listed = view.asks.as_ref().and_then(|asks| asks.pointer(pointer)?.as_array());
        let listed: Vec<String> =
            listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        listed
    };
    let fields =
        words("/requested_fields").iter().map(|field| label(&page, table, field)).collect();
    let onward = words("/intended_onward");
    let refuse = ask(seat, &act(REFUSE, &view.id))?;
    let Last { status, fault, code, reason } = last;
    Ok(html(status, &Request { page, view, fields, onward, fault, code, reason, refuse }))
}

fn said(seat: &Seat, code: Option<&str>, reason: &str) -> RequestAct {
    RequestAct {
        officer: seat.officer.name.clone(),
        code: code.map(str::to_owned),
        reason: reason.to_owned(),
    }
}

async fn look(seat: &Seat, id: &str) -> Result<RequestView, Fault> {
    let reference = ExchangeRef(named(id)?);
    Ok(requests::show(seat.gateway(), reference, &said(seat, None, "")).await?)
}

async fn show(seat: Seat, Path(id): Path<String>) -> Result<Response, Fault> {
    match look(&seat, &id).await {
        Ok(view) => request_page(&seat, view, Last::default()),
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

#[derive(Deserialize)]
struct Refusal {
    token: String,
    #[serde(default)]
    word: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    reason: String,
}

async fn refuse(
    seat: Seat,
    Path(id): Path<String>,
    Form(form): Form<Refusal>,
) -> Result<Response, Fault> {
    let page = &seat.visit.page;
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(page));
    }
    let again = async |status, fault| match look(&seat, &id).await {
        Ok(view) => {
            let (code, reason) = (form.code.clone(), form.reason.clone());
            request_page(&seat, view, Last { status, fault: Some(fault), code, reason })
        }
        Err(fault) => Ok(fault.shown(page)),
    };
    if check(&seat, &act(REFUSE, &id), &form.word).is_err() {
        return again(StatusCode::FORBIDDEN, page.t("desk-stale")).await;
    }
    let reference = match named(&id) {
        Ok(id) => ExchangeRef(id),
        Err(fault) => return Ok(fault.shown(page)),
    };
    let said = said(&seat, Some(&form.code), &form.reason);
    match requests::refuse(seat.gateway(), reference, &said).await {
        Ok(_) => {
            seat.visit.notice("request-refused").await?;
            Ok(see("/requests"))
        }
        Err(Failure::Problem(refused)) if refused.code != Code::NotFound => {
            again(StatusCode::CONFLICT, why(page, &refused)).await
        }
        Err(failure) => Ok(Fault::from(failure).shown(page)),
    }
}
