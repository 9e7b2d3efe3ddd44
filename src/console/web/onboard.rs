//! A partner's first day, as a checklist: what is there, what is missing, and what to do about it.
//!
//! What the gateway cannot know is said to be so: it never connects to a partner.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html};
use super::partners::{Term, agreements};
use super::session::Seat;
use crate::auth::ca_validity;
use crate::config::{CertificatePin, KeyStatus, PartyRecord};
use crate::domain::{Agreement, DocumentKind, MessageType, PartyId, VersionState};
use crate::exchange::echo::{self, Echo, Outcome};
use crate::exchange::partners::{self, Standing};
use crate::exchange::rules::{Document, Rules};
use crate::exchange::seen::{self, Contact};
use crate::exchange::sight::Sight;
use crate::exchange::versions;
use crate::schema::{EXAMPLES, Flavour};
use crate::sign::PublicKey;
use crate::wire::{VersionView, VersionsAsk};

/// Beyond this a party's assertions and messages are refused, in seconds.
const SKEW_S: i64 = 60;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/onboard/{party}", get(form).post(look))
        .route("/onboard/{party}/sample", get(sample))
}

/// A key as it is read over the telephone.
struct Key {
    status: &'static str,
    unit: String,
    groups: Vec<String>,
}

/// A pinned certificate.
struct Pin {
    unit: String,
    /// Of its key, in groups; empty where it is pinned by its CA.
    groups: Vec<String>,
    san: String,
    /// Until when its CA is valid, in words.
    ca: Option<(String, Term)>,
}

/// How an item of the list stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Done,
    Todo,
    Unknown,
}

impl Stand {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Todo => "todo",
            Self::Unknown => "unknown",
        }
    }

    fn of(is_done: bool) -> Self {
        if is_done { Self::Done } else { Self::Todo }
    }
}

#[derive(Template)]
#[template(path = "onboard.html")]
struct Onboard {
    page: Page,
    record: PartyRecord,
    /// The versions that wait or are in force, the newest first.
    versions: Vec<VersionView>,
    in_force: bool,
    keys: Vec<Key>,
    pins: Vec<Pin>,
    agreements: Vec<(Agreement, Term)>,
    towards: Vec<Standing>,
    from: Vec<Standing>,
    contact: Contact,
    messages: Vec<&'static str>,
    pasted: String,
    echo: Option<Echo>,
}

impl Onboard {
    fn stands(&self, item: &str) -> &'static str {
        let tokens = &self.contact.tokens;
        let stand = match item {
            "record" => Stand::of(self.in_force),
            "pins" => Stand::of(!self.pins.is_empty()),
            "keys" => Stand::of(self.keys.iter().any(|key| key.status == "active")),
            "agreement" => Stand::of(
                self.agreements.iter().any(|(_, term)| matches!(term, Term::Lasts | Term::Soon(_))),
            ),
            "policies" => {
                let mut all = self.towards.iter().chain(&self.from);
                Stand::of(all.any(|standing| standing.state.passes()))
            }
            "clock" => match tokens.granted {
                _ if matches!(tokens.refused, Some((_, fault)) if fault.as_str() == "expired")
                    && tokens.granted.is_none() =>
                {
                    Stand::Todo
                }
                Some(granted) => Stand::of(granted.ahead_s.abs() <= SKEW_S / 2),
                None => Stand::Unknown,
            },
            "token" => match tokens.granted {
                Some(_) => Stand::Done,
                None if tokens.refused.is_some() => Stand::Todo,
                None => Stand::Unknown,
            },
            "traffic" => {
                let contact = &self.contact;
                let any = [contact.sent_at, contact.released_at, contact.acknowledged_at];
                if any.iter().any(Option::is_some) { Stand::Done } else { Stand::Unknown }
            }
            _ => Stand::Unknown,
        };
        stand.as_str()
    }

    /// By how much its clock differed, in words.
    fn clock(&self, ahead_s: impl Borrow<i64>) -> String {
        let ahead_s = *ahead_s.borrow();
        let seconds = ahead_s.unsigned_abs();
        if seconds <= 2 {
            self.page.t("clock-alike")
        } else if ahead_s > 0 {
            self.page.t1("clock-ahead", "seconds", seconds)
        } else {
            self.page.t1("clock-behind", "seconds", seconds)
        }
    }
}

async fn form(seat: Seat, Path(party): Path<String>) -> Result<Response, Fault> {
    match page_of(&seat, &party).await {
        Ok((page, ..)) => Ok(html(StatusCode::OK, &page)),
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

#[derive(Deserialize)]
struct Pasted {
    token: String,
    message: String,
}

/// Looks at a pasted message. Nothing is done by it, so its page is the answer.
async fn look(
    seat: Seat,
    Path(party): Path<String>,
    pasted: Result<Form<Pasted>, FormRejection>,
) -> Result<Response, Fault> {
    let Ok(Form(pasted)) = pasted else {
        return Ok(Fault::Malformed.shown(&seat.visit.page));
    };
    if let Err(fault) = seat.visit.check(&pasted.token) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let (mut page, rules, sight) = match page_of(&seat, &party).await {
        Ok(found) => found,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    let (rules, gateway) = ((&*rules, &sight), seat.gateway());
    page.echo = Some(echo::echo(gateway, rules, &page.record.id, &pasted.message).await?);
    page.pasted = pasted.message;
    Ok(html(StatusCode::OK, &page))
}

async fn page_of(
    seat: &Seat,
    party: &str,
) -> Result<(Onboard, std::sync::Arc<Rules>, Sight), Fault> {
    let (rules, sight) = seat.gateway().seen_by(&seat.officer).await?;
    let party: PartyId = party.parse().map_err(|_form| Fault::Unknown)?;
    let ask = VersionsAsk {
        kind: Some(DocumentKind::Party),
        id: Some(party.to_string()),
        officer: Some(seat.officer.name.clone()),
    };
    let mut versions = versions::list(seat.gateway(), &ask).await?;
    versions.reverse();
    versions.retain(|view| {
        view.stands == "in_force"
            || matches!(view.state, VersionState::Draft | VersionState::Proposed)
    });
    let in_force = rules.parties.iter().find(|record| record.id == party);
    let drafted = || versions.iter().find_map(read);
    let record = in_force.cloned().or_else(drafted).ok_or(Fault::Unknown)?;
    let today = rules.today(seat.gateway().clock());
    let policies = partners::standing(&rules, &sight, today);
    let of = |is_of: &dyn Fn(&Standing) -> bool| -> Vec<Standing> {
        policies.iter().filter(|standing| is_of(standing)).cloned().collect()
    };
    let page = seat.page();
    let onboard = Onboard {
        in_force: in_force.is_some(),
        versions,
        keys: record.keys.iter().filter_map(key).collect(),
        pins: record.certificates.iter().map(|pin| pinned(&page, pin, today)).collect(),
        agreements: agreements(&rules, &sight, &party, today),
        towards: of(&|standing| standing.policy.recipient().party == party),
        from: of(&|standing| standing.policy.sender().party == party),
        contact: seen::contact(seat.gateway(), &sight, &party).await?,
        messages: sends(&rules, &party),
        pasted: String::new(),
        echo: None,
        record,
        page,
    };
    Ok((onboard, rules, sight))
}

fn read(view: &VersionView) -> Option<PartyRecord> {
    match Document::parse(view.kind, &view.id, &view.text) {
        Ok(Document::Party(record)) => Some(*record),
        _ => None,
    }
}

/// Fours, as they are read aloud.
fn groups(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect()).collect()
}

fn key(key: &crate::config::PartyKey) -> Option<Key> {
    let public = PublicKey::from_jwk(&key.jwk).ok()?;
    let status = match key.status {
        KeyStatus::Next => "next",
        KeyStatus::Active => "active",
        KeyStatus::Retired => "retired",
        KeyStatus::Revoked => "revoked",
    };
    let unit = key.unit.as_ref().map(ToString::to_string).unwrap_or_default();
    Some(Key { status, unit, groups: groups(&public.thumbprint().to_string()) })
}

fn pinned(page: &Page, pin: &CertificatePin, today: time::Date) -> Pin {
    let ca = pin.ca.as_deref().and_then(ca_validity).map(|(from, until)| {
        // a certificate without an end has the calendar's last second
        let day = |at: time::OffsetDateTime| {
            let at = at.checked_to_offset(time::macros::offset!(+7));
            at.map_or(time::Date::MAX, time::OffsetDateTime::date)
        };
        (page.day(day(until)), Term::of(Some(day(from)), day(until), today))
    });
    Pin {
        unit: pin.unit.as_ref().map(ToString::to_string).unwrap_or_default(),
        groups: pin.spki.map(|spki| groups(&spki.to_string())).unwrap_or_default(),
        san: pin.san.clone().unwrap_or_default(),
        ca,
    }
}

/// The message types that an agreement lets the party send, and the one that needs none.
fn sends(rules: &Rules, party: &PartyId) -> Vec<&'static str> {
    let bound = rules.agreements.iter().filter(|agreement| agreement.parties.contains(party));
    let agreed: Vec<&str> =
        bound.flat_map(|agreement| &agreement.messages).map(MessageType::as_str).collect();
    let typical = EXAMPLES.iter().filter(|example| example.flavour == Flavour::Typical);
    let types = typical.map(|example| example.message);
    types.filter(|name| agreed.contains(name) || name.starts_with("withdrawal/")).collect()
}

#[derive(Deserialize)]
struct Which {
    message: String,
}

/// The shipped synthetic example of a message type that the party may send.
async fn sample(
    seat: Seat,
    Path(party): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Fault> {
    let (page, ..) = match page_of(&seat, &party).await {
        Ok(found) => found,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    let wanted = page.messages.iter().find(|known| **known == which.message);
    let example = wanted.and_then(|wanted| {
        EXAMPLES.iter().find(|it| it.message == *wanted && it.flavour == Flavour::Typical)
    });
    let Some(example) = example else { return Ok(Fault::Unknown.shown(&seat.visit.page)) };
    let name = format!("attachment; filename=\"{}.json\"", example.message.replace('/', "."));
    let name = HeaderValue::try_from(name).map_err(|_form| Fault::Busy)?;
    let kind = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, example.claims).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    #[test]
    fn a_fingerprint_is_read_in_fours() {
        assert_eq!(groups("abcdefghij"), ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn every_code_that_a_message_is_refused_with_says_what_to_do() {
        for locale in ["en", "id"] {
            let file = format!("config/locales/{locale}/console-view.ftl");
            let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let words = std::fs::read_to_string(root.join(file)).unwrap();
            // those of a request and of an acknowledgement do not come up
            let others = [
                Code::BadRequest,
                Code::Unauthenticated,
                Code::InsufficientScope,
                Code::MethodNotAllowed,
                Code::UnsupportedMediaType,
                Code::Timeout,
                Code::RateLimited,
                Code::Busy,
                Code::Internal,
                Code::AcknowledgementMismatch,
                Code::AlreadyAcknowledged,
            ];
            for code in Code::ALL.iter().filter(|code| !others.contains(code)) {
                assert!(words.contains(&format!("\necho-why-{code} = ")), "{locale}: {code}");
            }
        }
    }
}
