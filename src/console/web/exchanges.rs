//! Exchanges of the officer's party: looked for, told in order, and their evidence checked here or
//! taken as a file. Nothing here is found by a name or a number of a person.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::{Deserialize, Serialize};
use time::Date;

use super::Site;
use super::desk::type_words;
use super::fault::Fault;
use super::page::{Page, html};
use super::session::Seat;
use crate::config::Role;
use crate::domain::state::{RecipientState, ThreadState};
use crate::domain::{ExchangeRef, MessageId, PartyKind, ReleaseId};
use crate::evidence::{Check, Outcome, Report, Verdict};
use crate::exchange::hand_evidence::{self, Of};
use crate::exchange::threads::{self, ThreadsAsk, ThreadsPage};
use crate::exchange::timeline::{self, Timeline, What};
use crate::wire::ExchangeView;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/exchanges", get(search))
        .route("/exchanges/{reference}", get(show))
        .route("/exchanges/{reference}/{side}/{id}/check", get(check))
        .route("/exchanges/{reference}/{side}/{id}/evidence", post(take))
}

/// What is looked for, as it was typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    reference: String,
    with: String,
    #[serde(rename = "type")]
    message_type: String,
    state: String,
    from: String,
    to: String,
    #[serde(skip_serializing)]
    before: String,
}

impl Typed {
    /// What it asks for, or the field that cannot be read.
    fn ask(&self) -> Result<ThreadsAsk, &'static str> {
        fn word<T: std::str::FromStr>(
            text: &str,
            field: &'static str,
        ) -> Result<Option<T>, &'static str> {
            let text = text.trim();
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|_form| field)
        }
        Ok(ThreadsAsk {
            reference: word(&self.reference, "reference")?,
            with: word(&self.with, "with")?,
            message_type: word(&self.message_type, "type")?,
            state: word(&self.state, "state")?,
            since: day(&self.from, "from")?.map(begins),
            until: day(&self.to, "to")?.and_then(Date::next_day).map(begins),
            before: word(&self.before, "before")?,
        })
    }

    /// The address of the page that begins after `before`.
    fn page_after(&self, before: ExchangeRef) -> String {
        let typed = serde_urlencoded::to_string(self).unwrap_or_default();
        format!("/exchanges?{typed}&before={before}")
    }
}

fn day(text: &str, field: &'static str) -> Result<Option<Date>, &'static str> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Date::parse(text, format).map(Some).map_err(|_form| field)
}

/// When a day begins in Jakarta, unix seconds.
fn begins(day: Date) -> i64 {
    day.midnight().assume_offset(time::macros::offset!(+7)).unix_timestamp()
}

#[derive(Template)]
#[template(path = "exchanges.html")]
struct Exchanges {
    page: Page,
    typed: Typed,
    /// What can be chosen: id and words.
    parties: Vec<(String, String)>,
    types: Vec<(String, String)>,
    states: Vec<(String, String)>,
    bad: Option<&'static str>,
    found: Vec<ExchangeView>,
    next: Option<String>,
}

impl Exchanges {
    fn stands(&self, view: &ExchangeView) -> String {
        state_words(&self.page, &view.state)
    }
}

/// The state of a case in words; as it is written where a policy has put another code in its place.
fn state_words(page: &Page, state: &str) -> String {
    if state.parse::<ThreadState>().is_ok() {
        page.of("case-state", state)
    } else {
        state.to_owned()
    }
}

async fn search(
    seat: Seat,
    typed: Result<Query<Typed>, QueryRejection>,
) -> Result<Response, Fault> {
    let page = seat.page();
    let Ok(Query(typed)) = typed else { return Ok(Fault::Malformed.shown(&page)) };
    let (status, bad, found) = match typed.ask() {
        Ok(ask) => {
            let found = threads::search(seat.gateway(), &seat.officer.name, &ask).await;
            match found {
                Ok(found) => (StatusCode::OK, None, found),
                Err(failure) => return Ok(Fault::from(failure).shown(&page)),
            }
        }
        Err(field) => (StatusCode::UNPROCESSABLE_ENTITY, Some(field), ThreadsPage::default()),
    };
    let rules = seat.gateway().rules();
    let others = rules
        .parties
        .iter()
        .filter(|party| party.id != seat.officer.party && party.kind != PartyKind::Gateway);
    let known = rules.schemas.iter().map(|schema| schema.message_type().to_string());
    let exchanges = Exchanges {
        parties: others.map(|party| (party.id.to_string(), party.name.clone())).collect(),
        types: known.map(|name| (name.clone(), type_words(&page, &name))).collect(),
        states: RecipientState::ALL
            .iter()
            .map(|state| (state.to_string(), page.of("message-state", state)))
            .collect(),
        next: found.next.map(|next| typed.page_after(next)),
        found: found.threads,
        page,
        typed,
        bad,
    };
    Ok(html(status, &exchanges))
}

#[derive(Template)]
#[template(path = "exchange.html")]
struct Exchange {
    page: Page,
    timeline: Timeline,
    /// Whether the officer may look at the party's holds and reviews, as its duty officer.
    is_duty: bool,
}

impl Exchange {
    fn stands(&self) -> String {
        state_words(&self.page, &self.timeline.view.state)
    }

    fn type_of(&self, message_type: &str) -> String {
        type_words(&self.page, message_type)
    }
}

async fn show(seat: Seat, Path(reference): Path<String>) -> Result<Response, Fault> {
    let told = async {
        let reference = named(&reference)?;
        Ok::<_, Fault>(timeline::show(seat.gateway(), &seat.officer.name, reference).await?)
    };
    match told.await {
        Ok(timeline) => {
            let is_duty = seat.officer.is(Role::Operator);
            Ok(html(StatusCode::OK, &Exchange { page: seat.page(), timeline, is_duty }))
        }
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

fn named(reference: &str) -> Result<ExchangeRef, Fault> {
    reference.parse().map_err(|_form| Fault::Unknown)
}

/// Reference, side and id, as the path says.
type Place = (String, String, String);

fn evidence_of((reference, side, id): &Place) -> Result<(ExchangeRef, Of), Fault> {
    let unknown = || Fault::Unknown;
    let of = match side.as_str() {
        "sent" => id.parse::<MessageId>().ok().map(Of::Message),
        "received" => id.parse::<ReleaseId>().ok().map(Of::Release),
        _ => None,
    };
    Ok((named(reference)?, of.ok_or_else(unknown)?))
}

/// One check, in words.
struct Told {
    /// Which of several it is about.
    number: Option<String>,
    words: String,
    result: Outcome,
    detail: String,
}

#[derive(Template)]
#[template(path = "evidence.html")]
struct Checked {
    page: Page,
    reference: String,
    side: String,
    id: String,
    verdict: Verdict,
    checks: Vec<Told>,
}

impl Checked {
    fn verdict(&self) -> &'static str {
        match self.verdict {
            Verdict::Verified => "verified",
            Verdict::Failed => "failed",
            Verdict::Incomplete => "incomplete",
            Verdict::Unusable => "unusable",
        }
    }
}

/// A check's name less its numbers is the name of its words.
fn told(page: &Page, check: &Check) -> Told {
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = check.name.split('.').collect();
    let numbers = parts.iter().copied().filter(is_number).filter_map(|n| n.parse::<u32>().ok());
    let numbers: Vec<String> = numbers.map(|n| n.saturating_add(1).to_string()).collect();
    let name: Vec<&str> = parts.iter().copied().filter(|part| !is_number(part)).collect();
    // the word of one officer, and that of all of them together
    let name = match (name.as_slice(), numbers.len()) {
        (["policies", "approvals"], 2) => "policies-approval".to_owned(),
        (name, _) => name.join("-"),
    };
    Told {
        number: (!numbers.is_empty()).then(|| numbers.join(".")),
        words: page.of("check", name),
        result: check.result,
        detail: page.say(&check.detail),
    }
}

async fn check(seat: Seat, Path(place): Path<Place>) -> Result<Response, Fault> {
    let checked = async {
        let (reference, of) = evidence_of(&place)?;
        let officer = &seat.officer.name;
        // whoever may not see the exchange learns nothing of what is in it
        timeline::show(seat.gateway(), officer, reference).await?;
        Ok::<Report, Fault>(hand_evidence::check(seat.gateway(), officer, of).await?)
    };
    let page = seat.page();
    match checked.await {
        Ok(report) => {
            let checks = report.checks.iter().map(|check| told(&page, check)).collect();
            let verdict = report.verdict();
            let (reference, side, id) = place;
            Ok(html(StatusCode::OK, &Checked { page, reference, side, id, verdict, checks }))
        }
        Err(fault) => Ok(fault.shown(&page)),
    }
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn take(
    seat: Seat,
    Path(place): Path<Place>,
    Form(form): Form<Token>,
) -> Result<Response, Fault> {
    let taken = async {
        seat.visit.check(&form.token)?;
        let (reference, of) = evidence_of(&place)?;
        let officer = &seat.officer.name;
        timeline::show(seat.gateway(), officer, reference).await?;
        Ok::<_, Fault>(hand_evidence::take(seat.gateway(), officer, of).await?)
    };
    match taken.await {
        Ok(file) => {
            let name = format!("attachment; filename=\"titian-{}-{}.json\"", place.1, place.2);
            let name = HeaderValue::from_str(&name).map_err(|_form| Fault::Unknown)?;
            let kind = HeaderValue::from_static("application/json");
            Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], file)
                .into_response())
        }
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::web::zone::Zone;
    use crate::domain::Language;
    use crate::evidence::{Pins, verify};

    #[test]
    fn why_a_check_failed_is_told_in_the_readers_language() {
        let page = |language| Page {
            language,
            zone: Zone::default(),
            officer: None,
            token: String::new(),
            path: "/".to_owned(),
            query: Vec::new(),
            notice: None,
        };
        let render = |language, bundle: &[u8]| {
            let (page, report) = (page(language), verify(bundle, &Pins::default()));
            let checks = report.checks.iter().map(|check| told(&page, check)).collect();
            let [reference, side, id] = ["r", "sent", "i"].map(str::to_owned);
            let verdict = report.verdict();
            Checked { page, reference, side, id, verdict, checks }.render().unwrap()
        };
        for (bundle, english, bahasa) in [
            (&b"{}"[..], "not an evidence bundle", "bukan berkas bukti"),
            (br#"{"format": "x"}"#, "not of version", "bukan versi"),
        ] {
            assert!(render(Language::En, bundle).contains(english));
            let page = render(Language::Id, bundle);
            assert!(page.contains(bahasa) && !page.contains(english), "{page}");
        }
    }
}
