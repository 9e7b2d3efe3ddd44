//! An exception: one message to one recipient, with named fields above the policy. Offered is what
//! the policy drops and the law does not forbid outright.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::Site;
use super::edit::{Begin, kept, may_edit};
use super::edit_form::{Fields, Posted};
use super::fault::Fault;
use super::page::{Page, html};
use super::preview::{class_name, named};
use super::session::Seat;
use crate::domain::{Address, DocumentKind, MessageId};
use crate::exchange::Rules;
use crate::exchange::excepting::{Excepting, excepting};
use crate::policy::{EXCEPTION_DAYS_MAX, HeadEdit, Row, offers_by_exception, rewritten};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/exception", get(ask).post(answer))
}

#[derive(Template)]
#[template(path = "exception.html")]
struct Exception {
    page: Page,
    message_id: String,
    /// Once the message is found.
    found: Option<Found>,
    typed: Typed,
    fault: Option<String>,
}

/// What may be written for a message.
struct Found {
    sender: String,
    message: String,
    purpose: String,
    recipient: String,
    recipients: Vec<String>,
    agreements: Vec<String>,
    rows: Vec<Addable>,
    last: String,
}

/// A field that the policy drops.
struct Addable {
    class: &'static str,
    leaf: String,
    label: String,
    /// What may be told instead: key, words and whether it is chosen.
    choices: Vec<(String, String, bool)>,
}

/// What was typed.
#[derive(Default)]
struct Typed {
    id: String,
    instrument: String,
    why: String,
    expires: String,
    agreement: String,
    favourable: bool,
    no_known_risk: bool,
}

async fn ask(seat: Seat) -> Response {
    if let Err(fault) = may_edit(&seat) {
        return fault.shown(&seat.visit.page);
    }
    let (message_id, typed) = (String::new(), Typed::default());
    let page = Exception { page: seat.page(), message_id, found: None, typed, fault: None };
    html(StatusCode::OK, &page)
}

async fn answer(seat: Seat, posted: Posted) -> Result<Response, Fault> {
    let shown = async {
        let fields = Fields::of(&seat, posted)?;
        may_edit(&seat)?;
        let message_id = fields.get("message_id").trim().to_owned();
        let typed = Typed {
            id: fields.get("id").trim().to_owned(),
            instrument: fields.get("instrument").to_owned(),
            why: fields.get("why").to_owned(),
            expires: fields.get("expires").to_owned(),
            agreement: fields.get("agreement").to_owned(),
            favourable: fields.has("best_interests"),
            no_known_risk: fields.has("safety_check"),
        };
        let say = |key: &str| Some(seat.visit.page.t(key));
        let about = match message_id.parse::<MessageId>() {
            Ok(id) => excepting(seat.gateway(), &seat.officer, id).await.map_err(Fault::from),
            Err(_form) => Err(Fault::Unknown),
        };
        let about = match about {
            Ok(about) => about,
            Err(Fault::Unknown) => {
                let fault = say("exception-no-message");
                let page = Exception { page: seat.page(), message_id, found: None, typed, fault };
                return Ok(html(StatusCode::NOT_FOUND, &page));
            }
            Err(fault) => return Err(fault),
        };
        let rules = seat.gateway().rules();
        let found = found(&seat, &rules, &about, &fields);
        if !fields.has("keep") {
            let page =
                Exception { page: seat.page(), message_id, found: Some(found), typed, fault: None };
            return Ok(html(StatusCode::OK, &page));
        }
        let unanswered = match () {
            () if !typed.favourable || !typed.no_known_risk => say("exception-unanswered"),
            () if !chosen(&found).any(|_| true) => say("exception-nothing"),
            () if is_too_long(&seat, &typed.expires) => say("exception-too-long"),
            () => None,
        };
        if unanswered.is_some() {
            let (found, fault) = (Some(found), unanswered);
            let page = Exception { page: seat.page(), message_id, found, typed, fault };
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        let text = text(&rules, &about, &found, (&message_id, &typed))?;
        let begin = Begin { text, ..Begin::default() };
        kept(&seat, (DocumentKind::Exception, &typed.id), begin, true).await
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}

fn chosen(found: &Found) -> impl Iterator<Item = (&str, &str)> {
    found.rows.iter().filter_map(|row| {
        let (key, ..) = row.choices.iter().find(|(_, _, is_chosen)| *is_chosen)?;
        Some((row.leaf.as_str(), key.as_str()))
    })
}

fn last_day(seat: &Seat) -> time::Date {
    let rules = seat.gateway().rules();
    let today = rules.today(seat.gateway().clock());
    today.saturating_add(time::Duration::days(EXCEPTION_DAYS_MAX))
}

fn day(text: &str) -> Option<time::Date> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(text.trim(), format).ok()
}

fn is_too_long(seat: &Seat, expires: &str) -> bool {
    day(expires).is_none_or(|expires| expires > last_day(seat))
}

/// The recipient that was chosen, the only one or the first.
fn recipient(about: &Excepting, fields: &Fields) -> Option<Address> {
    let named = about.recipients.iter().find(|to| to.to_string() == fields.get("recipient"));
    named.or(about.recipients.first()).cloned()
}

fn found(seat: &Seat, rules: &Rules, about: &Excepting, fields: &Fields) -> Found {
    let language = seat.visit.page.language;
    let recipient = recipient(about, fields);
    let mut rows = Vec::new();
    if let (Some(to), Some(schema)) = (&recipient, rules.schemas.message(&about.message)) {
        let standing = rules.policies.find(&about.sender, to, &about.message, about.purpose);
        let kind = rules.kind(&to.party);
        let table = schema.leaves();
        for offer in offers_by_exception(&rules.floor, table, kind, standing.as_deref()) {
            let leaf = offer.leaf;
            let key = fields.get(&format!("op.{}", leaf.name));
            let choices = offer.choices.iter().map(|choice| {
                let words = choice.how(Some(leaf), language).unwrap_or_default();
                (choice.key.clone(), words, choice.key == key)
            });
            let label = named(&seat.visit.page, table, leaf);
            rows.push(Addable {
                class: class_name(leaf.class),
                leaf: leaf.name.to_string(),
                label,
                choices: choices.collect(),
            });
        }
    }
    let party = recipient.as_ref().map(|to| to.party.clone());
    let agreements = rules.agreements.iter().filter(|agreement| {
        party.as_ref().is_some_and(|party| agreement.binds(&about.sender.party, party))
    });
    Found {
        sender: about.sender.to_string(),
        message: about.message.to_string(),
        purpose: about.purpose.to_string(),
        recipient: recipient.map(|to| to.to_string()).unwrap_or_default(),
        recipients: about.recipients.iter().map(ToString::to_string).collect(),
        agreements: agreements.map(|agreement| agreement.id.clone()).collect(),
        rows,
        last: last_day(seat).to_string(),
    }
}

fn text(
    rules: &Rules,
    about: &Excepting,
    found: &Found,
    (message_id, typed): (&str, &Typed),
) -> Result<String, Fault> {
    let mut document = toml_edit::DocumentMut::new();
    for (name, value) in [
        ("sender", found.sender.as_str()),
        ("recipient", &found.recipient),
        ("message", &found.message),
        ("message_id", message_id),
        ("purpose", &found.purpose),
        ("agreement", &typed.agreement),
        ("instrument", typed.instrument.trim()),
        ("best_interests", "favourable"),
        ("safety_check", "no_known_risk"),
    ] {
        document.insert(name, toml_edit::value(value));
    }
    let schema = rules.schemas.message(&about.message).ok_or(Fault::Unknown)?;
    let kind =
        rules.kind(&found.recipient.parse::<Address>().map_err(|_form| Fault::Malformed)?.party);
    let offers = offers_by_exception(&rules.floor, schema.leaves(), kind, None);
    let rows = chosen(found).filter_map(|(leaf, key)| {
        let offer = offers.iter().find(|offer| offer.leaf.name.as_str() == leaf)?;
        let choice = offer.choices.iter().find(|choice| choice.key == key)?;
        let (leaf, written) = (leaf.to_owned(), Some(choice.written.clone()));
        Some(Row { leaf, written, reason: String::new() })
    });
    let rows: Vec<Row> = rows.collect();
    let why = typed.why.replace('\n', " ").trim().to_owned();
    let head = HeadEdit { texts: vec![("why", why)], expires: day(&typed.expires) };
    let text = rewritten(&document.to_string(), &head, &rows, schema.leaves());
    text.map_err(|_bad| Fault::Malformed)
}
