//! The first page: what waits, what ends soon, who exchanges with whom, how the ledgers stand.

use std::borrow::Borrow;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::Site;
use super::chart::Chart;
use super::fault::Fault;
use super::page::{Page, html};
use super::partners::{Term, agreements};
use super::session::Seat;
use crate::config::{PartyRecord, Role};
use crate::domain::Agreement;
use crate::exchange::overview::{self, Overview};
use crate::exchange::partners::{self, Standing};
use crate::exchange::rules::Rules;
use crate::exchange::sight::Sight;
use crate::wire::VersionView;

/// Within how many days a policy's end is told of.
const REMINDERS: [i64; 4] = [7, 14, 30, 60];

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/", get(first))
}

/// A policy that ends soon, or has ended.
struct Expiring {
    standing: Standing,
    term: Term,
    /// Within 7, 14, 30 or 60 days; 0 where its last day has passed.
    within: i64,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct First {
    page: Page,
    decides: bool,
    seen: Overview,
    waiting: u64,
    /// Seconds that the oldest undelivered release has waited.
    age: Option<i64>,
    parties: Vec<(PartyRecord, Vec<(Agreement, Term)>)>,
    expiring: Vec<Expiring>,
    unusable: Vec<VersionView>,
    chart: Chart,
    now: i64,
}

async fn first(seat: Seat) -> Result<Response, Fault> {
    let page = seat.page();
    let gateway = seat.gateway();
    let (rules, sight) = match gateway.seen_by(&seat.officer).await {
        Ok(seen) => seen,
        Err(failure) => return Ok(Fault::from(failure).shown(&page)),
    };
    let seen = overview::overview(gateway, (&rules, &sight), &seat.officer).await?;
    let parties = rules
        .parties
        .iter()
        .map(|party| (party.clone(), agreements(&rules, &sight, &party.id, seen.today)));
    let now = gateway.clock().now().unix_timestamp();
    let oldest = seen.queues.first().map(|queue| queue.oldest_at);
    let first = First {
        decides: seat.officer.is(Role::Operator),
        waiting: seen.queues.iter().map(|queue| queue.count).sum(),
        age: oldest.map(|oldest| now.saturating_sub(oldest)),
        parties: parties.collect(),
        expiring: expiring(&rules, &sight, seen.today),
        unusable: partners::unusable(gateway, &rules, &seat.officer).await?,
        chart: Chart::new(&seen.flows, seen.since, seen.today),
        seen,
        now,
        page,
    };
    Ok(html(StatusCode::OK, &first))
}

/// The policies that the officer sees and that end within 60 days or have ended, the first first.
fn expiring(rules: &Rules, sight: &Sight, today: time::Date) -> Vec<Expiring> {
    let mut all: Vec<Expiring> = partners::standing(rules, sight, today)
        .into_iter()
        .filter_map(|standing| {
            let term = Term::of(None, standing.policy.expires(), today);
            let within = match term {
                Term::Ended => 0,
                Term::Soon(days) => *REMINDERS.iter().find(|within| days <= **within)?,
                Term::Begins | Term::Lasts => return None,
            };
            Some(Expiring { standing, term, within })
        })
        .collect();
    all.sort_by_key(|one| one.standing.policy.expires());
    all
}

impl First {
    /// How long ago, in words: minutes, hours or days.
    fn ago(&self, seconds: impl Borrow<i64>) -> String {
        let page = &self.page;
        match *seconds.borrow() {
            ..120 => page.t("age-now"),
            seconds @ 120..7_200 => page.t1("age-minutes", "count", seconds / 60),
            seconds @ 7_200..172_800 => page.t1("age-hours", "count", seconds / 3_600),
            seconds => page.t1("age-days", "count", seconds / 86_400),
        }
    }

    fn since(&self, at: impl Borrow<i64>) -> String {
        self.ago(self.now.saturating_sub(*at.borrow()))
    }
}
