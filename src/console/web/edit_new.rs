//! A policy that is not there yet: from a template, under what the floor admits.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::Site;
use super::edit::{About, Begin, may_edit, versions_of};
use super::fault::Fault;
use super::page::{Page, html, see};
use super::session::Seat;
use crate::config::Role;
use crate::domain::{Address, DocumentKind, MessageType};
use crate::exchange::Rules;
use crate::exchange::sight::Sight;
use crate::policy::{HeadEdit, Row, Source, Template as Beginning, rewritten};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/new", get(choose))
        .route("/new/policy", get(begin))
        .route("/new/document", get(document))
}

/// What a new policy is for, as it was chosen.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    id: String,
    template: String,
    sender: String,
    recipient: String,
    message: String,
    purpose: String,
    agreement: String,
}

#[derive(Template)]
#[template(path = "edit_new.html")]
struct New {
    page: Page,
    chosen: Chosen,
    templates: Vec<&'static str>,
    addresses: Vec<String>,
    messages: Vec<String>,
    purposes: Vec<String>,
    agreements: Vec<String>,
    fault: Option<String>,
    is_editor: bool,
}

fn page(seat: &Seat, chosen: Chosen, fault: Option<String>) -> Response {
    if let Err(fault) = may_edit(seat) {
        return fault.shown(&seat.visit.page);
    }
    let rules = seat.gateway().rules();
    let sight = match Sight::of(&rules, &seat.officer) {
        Ok(sight) => sight,
        Err(failure) => return Fault::from(failure).shown(&seat.visit.page),
    };
    let seen: Vec<_> =
        rules.agreements.iter().filter(|agreement| sight.agreement(agreement)).collect();
    let addresses = rules.parties.iter().flat_map(|party| {
        let units = party.units.iter().map(|unit| format!("{}/{unit}", party.id));
        std::iter::once(party.id.to_string()).chain(units)
    });
    let messages = rules.schemas.iter().map(|schema| schema.message_type().clone());
    let is_policys = |message: &MessageType| rules.fixed.find(message, true).is_none();
    let mut purposes: Vec<String> = seen
        .iter()
        .flat_map(|agreement| agreement.purposes.iter().map(ToString::to_string))
        .collect();
    purposes.sort();
    purposes.dedup();
    // a template whose message type is not there begins nothing
    let has_type = |template: &Beginning| {
        use crate::domain::PartyKind::Social;
        rules.schemas.iter().any(|schema| template.is_for(schema.message_type(), Social))
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let new = New {
        page: seat.page(),
        chosen,
        templates: Beginning::ALL.into_iter().filter(has_type).map(Beginning::as_str).collect(),
        addresses: addresses.collect(),
        messages: messages.filter(is_policys).map(|message| message.to_string()).collect(),
        purposes,
        agreements: seen.iter().map(|agreement| agreement.id.clone()).collect(),
        fault,
        is_editor: seat.officer.is(Role::Editor),
    };
    html(status, &new)
}

async fn choose(seat: Seat) -> Response {
    page(&seat, Chosen::default(), None)
}

async fn begin(seat: Seat, Query(chosen): Query<Chosen>) -> Result<Response, Fault> {
    if let Err(fault) = may_edit(&seat) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let id = chosen.id.trim().to_owned();
    if !versions_of(&seat, (DocumentKind::Policy, &id)).await?.is_empty() {
        let fault = seat.visit.page.t("new-is-there");
        return Ok(page(&seat, chosen, Some(fault)));
    }
    match text(&seat.gateway().rules(), &seat.visit.page, &chosen) {
        Ok(text) => {
            let about = About { kind: DocumentKind::Policy, id: &id, views: &[], as_text: false };
            let begin = Begin { text, ..Begin::default() };
            about.page(&seat, begin, (false, None), StatusCode::OK).await
        }
        Err(fault) => Ok(page(&seat, chosen, Some(fault))),
    }
}

/// The text that a template makes; else why it makes none.
fn text(rules: &Rules, page: &Page, chosen: &Chosen) -> Result<String, String> {
    let template: Beginning = chosen.template.parse().map_err(|_none| page.t("new-not-chosen"))?;
    let message: MessageType = chosen.message.parse().map_err(|_form| page.t("new-not-chosen"))?;
    let recipient: Address = chosen.recipient.parse().map_err(|_form| page.t("new-not-chosen"))?;
    let schema = rules.schemas.message(&message).ok_or_else(|| page.t("new-not-chosen"))?;
    let kind = rules.kind(&recipient.party);
    if !template.is_for(&message, kind) {
        return Err(page.t("new-not-for"));
    }
    let until = rules.agreements.iter().find(|known| known.id == chosen.agreement);
    let year = rules.day().saturating_add(time::Duration::days(365));
    let expires = until.map_or(year, |agreement| agreement.until.min(year));
    let mut document = toml_edit::DocumentMut::new();
    for (name, value) in [
        ("sender", chosen.sender.as_str()),
        ("recipient", &chosen.recipient),
        ("message", &chosen.message),
        ("purpose", &chosen.purpose),
        ("agreement", &chosen.agreement),
    ] {
        document.insert(name, toml_edit::value(value));
    }
    let head = HeadEdit { texts: vec![("why", String::new())], expires: Some(expires) };
    let rows = template.rows(&rules.floor, schema.leaves(), kind).into_iter();
    let rows: Vec<Row> = rows
        .map(|(leaf, written)| Row { leaf, written: Some(written), reason: String::new() })
        .collect();
    let text = rewritten(&document.to_string(), &head, &rows, schema.leaves())
        .map_err(|bad| page.say(&bad.reason))?;
    match Source::parse(chosen.id.trim(), &text) {
        Ok(_) => Ok(text),
        Err(bad) => Err(page.say(&bad.reason)),
    }
}

/// A document by its kind and name.
#[derive(Debug, Deserialize)]
struct Document {
    kind: DocumentKind,
    id: String,
}

async fn document(seat: Seat, Query(document): Query<Document>) -> Response {
    let id = document.id.trim();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=64).contains(&id.len()) && id.bytes().all(fits) {
        return see(&format!("/edit/{}/{id}", document.kind));
    }
    let fault = seat.visit.page.t("new-bad-name");
    page(&seat, Chosen::default(), Some(fault))
}
