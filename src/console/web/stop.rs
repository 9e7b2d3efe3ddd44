//! What stops something, or takes it back: a party is frozen and freed, a policy goes back to what
//! it said before.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use time::OffsetDateTime;

use super::Site;
use super::edit::{Begin, kept, may_edit, refusal, versions_of};
use super::edit_form::{Fields, Posted};
use super::fault::Fault;
use super::page::{Page, html};
use super::preview::told;
use super::session::Seat;
use super::versions::{Named, REASON_BYTES_MAX, confirm, find};
use crate::config::{PartyRecord, Role};
use crate::domain::{DocumentKind, PartyKind, SignerRole, VersionState};
use crate::exchange::change::{self, ChangeFault};
use crate::wire::{DraftAsk, VersionView};

/// For how long one officer alone stops whoever cares for children.
const ALONE_H: i64 = 12;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/freeze/{party}", get(ask).post(freeze))
        .route("/edit/{kind}/{id}/{version}/roll-back", post(roll_back))
}

#[derive(Template)]
#[template(path = "freeze.html")]
struct Freeze {
    page: Page,
    party: String,
    name: String,
    is_frozen: bool,
    until: Option<String>,
    /// Whether a freeze by one officer lifts itself.
    lifts: bool,
    may: bool,
    reason: String,
    fault: Option<String>,
}

/// The record in force, what it says, and the other versions of it.
async fn record(
    seat: &Seat,
    party: &str,
) -> Result<(VersionView, PartyRecord, Vec<VersionView>), Fault> {
    let mut views = versions_of(seat, (DocumentKind::Party, party)).await?;
    let at = views.iter().position(|view| view.stands == "in_force").ok_or(Fault::Unknown)?;
    let view = views.remove(at);
    let rules = seat.gateway().rules();
    let record = rules.parties.iter().find(|record| record.id.as_str() == party).cloned();
    Ok((view, record.ok_or(Fault::Unknown)?, views))
}

fn now(seat: &Seat) -> OffsetDateTime {
    seat.gateway().clock().now()
}

fn page(seat: &Seat, record: &PartyRecord, (reason, fault): (String, Option<String>)) -> Response {
    let page = seat.page();
    let is_frozen = record.is_frozen(now(seat).unix_timestamp());
    let until = record.frozen_until.filter(|_| is_frozen);
    let status = if fault.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let roles = [Role::Editor, Role::Approver, Role::Operator];
    let may = roles.iter().any(|role| seat.officer.is(*role)) && !seat.officer.passkeys.is_empty();
    let freeze = Freeze {
        party: record.id.to_string(),
        name: record.name.clone(),
        is_frozen,
        until: until.map(|until| page.unix(until.unix_timestamp())),
        lifts: record.kind == PartyKind::Social,
        // to free a party widens: an editor proposes it
        may: may && (!is_frozen || seat.officer.is(Role::Editor)),
        page,
        reason,
        fault,
    };
    html(status, &freeze)
}

async fn ask(seat: Seat, Path(party): Path<String>) -> Response {
    match record(&seat, &party).await {
        Ok((_, record, _)) => page(&seat, &record, (String::new(), None)),
        Err(fault) => fault.shown(&seat.visit.page),
    }
}

/// The officer's own draft that does nothing but this, where one is open: asked twice, it is written
/// anew with the hour of now, and no second one is left behind.
fn own_draft(
    seat: &Seat,
    others: &[VersionView],
    (freezes, until): (bool, Option<OffsetDateTime>),
    text: &str,
) -> Option<u32> {
    let is_own = |view: &&VersionView| {
        view.state == VersionState::Draft
            && view.steps.iter().all(|step| step.officer == seat.officer.name)
            && change::frozen(&view.text, freezes, until).is_ok_and(|again| again == text)
    };
    others.iter().rfind(is_own).map(|view| view.version)
}

/// Writes the draft, and asks for the passkey's word that puts it forward: what narrows is in force
/// with it.
async fn freeze(seat: Seat, Path(party): Path<String>, posted: Posted) -> Result<Response, Fault> {
    let fields = match Fields::of(&seat, posted) {
        Ok(fields) => fields,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    let (view, record, others) = match record(&seat, &party).await {
        Ok(found) => found,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    let freezes = match fields.get("act") {
        "freeze" => true,
        "free" => false,
        _ => return Ok(Fault::Malformed.shown(&seat.visit.page)),
    };
    let until = (freezes && record.kind == PartyKind::Social)
        .then(|| now(&seat) + time::Duration::hours(ALONE_H));
    let text = change::frozen(&view.text, freezes, until).map_err(|_bad| Fault::Busy)?;
    let ask = DraftAsk {
        officer: seat.officer.name.clone(),
        kind: DocumentKind::Party,
        id: party,
        version: own_draft(&seat, &others, (freezes, until), &text),
        text,
    };
    let reason = fields.get("reason").to_owned();
    if reason.len() > REASON_BYTES_MAX {
        let said = seat.visit.page.t("reason-too-long");
        return Ok(page(&seat, &record, (reason, Some(said))));
    }
    match change::draft(seat.gateway(), &ask).await {
        Ok(draft) => {
            let visitor = seat.page();
            let told = told(seat.gateway(), &visitor, &draft, &view.text);
            let said = match (freezes, until) {
                (true, Some(until)) => {
                    visitor.t1("freeze-until", "at", visitor.unix(until.unix_timestamp()))
                }
                (true, None) => visitor.t("freeze-at-once"),
                (false, _) => visitor.t("free-by-two"),
            };
            confirm(&seat, (draft, told), SignerRole::Author, (reason, None), Some(said))
        }
        Err(ChangeFault::Failed(failure)) => Ok(Fault::from(failure).shown(&seat.visit.page)),
        Err(fault) => {
            let said = refusal(&seat.visit.page, &fault);
            Ok(page(&seat, &record, (reason, Some(said))))
        }
    }
}

/// An earlier version's text becomes a draft, with its number and nothing else changed.
async fn roll_back(
    seat: Seat,
    Path(named): Path<Named>,
    posted: Posted,
) -> Result<Response, Fault> {
    let shown = async {
        Fields::of(&seat, posted)?;
        may_edit(&seat)?;
        let view = find(&seat, &named).await?;
        let begin = Begin { text: view.text, ..Begin::default() };
        kept(&seat, (view.kind, &view.id), begin, false).await
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}
