//! A proposed policy over the messages that are kept: part by part, so that one sees how far it is
//! and may stop it. Counts only.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;

use super::Site;
use super::edit_form::{Fields, Posted};
use super::fault::Fault;
use super::page::{Page, html};
use super::preview::label;
use super::session::Seat;
use super::versions::find;
use crate::config::{Officer, Role};
use crate::domain::DocumentKind;
use crate::exchange::replay::{Share, replay};
use crate::policy::Source;
use crate::schema::MessageSchema;
use crate::wire::{ReplayAsk, ReplayPage, VersionView};

const DAY_S: i64 = 24 * 3600;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/replay/{id}/{version}", post(part))
}

/// Whether the officer is of a side of the policy, and may count over its messages.
pub(super) fn is_open_to(officer: &Officer, view: &VersionView) -> bool {
    let roles = [Role::Editor, Role::Operator, Role::Auditor, Role::Approver];
    let at = officer.address();
    let source = Source::parse(&view.id, &view.text);
    let is_side = source
        .is_ok_and(|source| at.covers(&source.head.sender) || at.covers(&source.head.recipient));
    is_side && roles.iter().any(|role| officer.is(*role))
}

struct Replayed {
    page: Page,
    id: String,
    version: u32,
    days: String,
    sum: ReplayPage,
    /// The same, for the next part.
    so_far: String,
    /// Field, and in how many messages it starts, stops and differs.
    leaves: Vec<(String, u64, u64, u64)>,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct Whole {
    page: Page,
    it: Replayed,
}

#[derive(Template)]
#[template(path = "replay_part.html")]
struct Part {
    it: Replayed,
}

async fn part(
    seat: Seat,
    Path((id, version)): Path<(String, u32)>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, Fault> {
    let shown = async {
        let fields = Fields::of(&seat, posted)?;
        let view = find(&seat, &(DocumentKind::Policy, id, version)).await?;
        if !is_open_to(&seat.officer, &view) {
            return Err(Fault::MayNot);
        }
        let days: i64 = fields.get("days").parse().unwrap_or(90);
        let ask = ReplayAsk {
            id: view.id.clone(),
            policy: view.text.clone(),
            since: seat.gateway().clock().now().unix_timestamp() - days.clamp(1, 3650) * DAY_S,
            after: fields.get("after").parse().unwrap_or(0),
            officer: seat.officer.name.clone(),
            show_values: false,
        };
        let next = replay(&seat.visit.site.gateway, &ask, Share::BesideServing).await?;
        // counts that the page itself carries on: whoever changes them misleads only oneself
        let mut sum: ReplayPage = serde_json::from_str(fields.get("so_far")).unwrap_or_default();
        sum.add(next);
        let mut page = seat.page();
        page.path = format!("/rules/policy/{}/{version}", view.id);
        let rules = seat.gateway().rules();
        let source = Source::parse(&view.id, &view.text).ok();
        let schema = source.and_then(|source| rules.schemas.message(&source.head.message));
        let table = schema.map(MessageSchema::leaves);
        let leaves = sum.leaves.iter().map(|(leaf, change)| {
            (label(&page, table, leaf), change.starts, change.stops, change.differs)
        });
        let it = Replayed {
            leaves: leaves.collect(),
            so_far: serde_json::to_string(&sum).unwrap_or_default(),
            page: page.clone(),
            id: view.id,
            version,
            days: days.to_string(),
            sum,
        };
        Ok(if headers.contains_key("hx-request") {
            html(StatusCode::OK, &Part { it })
        } else {
            html(StatusCode::OK, &Whole { page, it })
        })
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}
