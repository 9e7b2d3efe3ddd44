//! What partners receive: one at a time in sentences, and side by side as the sheet that an officer
//! prints and signs.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use time::Date;

use super::Site;
use super::fault::Fault;
use super::matrix::{CLASSES, Column, Matrix};
use super::page::{Page, html};
use super::session::Seat;
use crate::config::PartyRecord;
use crate::domain::{Agreement, DocumentKind, PartyId, PartyKind, VersionState};
use crate::exchange::Rules;
use crate::exchange::partners::{self, Standing};
use crate::exchange::sight::Sight;
use crate::exchange::versions;
use crate::policy::{Cell, Compiled, cells, explain};
use crate::wire::{VersionView, VersionsAsk};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/partners", get(all)).route("/partners/{party}", get(one))
}

/// What the form above the sheet asks for; what it does not know is as not asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    message: String,
    class: String,
    partner: String,
}

#[derive(Template)]
#[template(path = "partners.html")]
struct Partners {
    page: Page,
    parties: Vec<PartyRecord>,
    /// Ids of parties whose first record is not in force yet.
    prepared: Vec<String>,
    messages: Vec<String>,
    message: String,
    class: &'static str,
    partner: String,
    matrix: Matrix,
    unusable: Vec<VersionView>,
    gateway: String,
    rules: String,
    printed: String,
}

async fn all(seat: Seat, Query(ask): Query<Ask>) -> Result<Response, Fault> {
    let page = seat.page();
    let (rules, sight) = match seat.gateway().seen_by(&seat.officer).await {
        Ok(seen) => seen,
        Err(failure) => return Ok(Fault::from(failure).shown(&page)),
    };
    let today = rules.today(seat.gateway().clock());
    let needs_none = |plan: &&Arc<Compiled>| rules.fixed.find(plan.message(), true).is_some();
    let fixed = rules.fixed.iter().filter(needs_none).map(|plan| plan.message().to_string());
    let policies = partners::standing(&rules, &sight, today);
    let mut messages: Vec<String> =
        policies.iter().map(|at| at.policy.message().to_string()).chain(fixed).collect();
    messages.sort();
    messages.dedup();
    // a referral tells most
    let first = messages.iter().find(|known| known.starts_with("referral/"));
    let first = first.or(messages.first());
    let message = messages.iter().find(|known| **known == ask.message).or(first);
    let message = message.cloned().unwrap_or_default();
    let only = CLASSES.iter().find(|(name, _)| *name == ask.class);
    let partner = rules.parties.iter().find(|party| party.id.as_str() == ask.partner);
    let wanted = |party: &PartyId| partner.is_none_or(|only| only.id == *party);
    let columns = policies
        .into_iter()
        .filter(|at| at.policy.message().as_str() == message)
        .filter(|at| wanted(&at.policy.recipient().party))
        .filter(|at| at.state.passes())
        .map(Column::of);
    let plans = rules.parties.iter().filter(|party| wanted(&party.id));
    let plans = plans.filter_map(|party| fixed_plan(&rules, party));
    let plans = plans.filter(|column| column.message == message);
    let columns: Vec<Column> = columns.chain(plans).collect();
    let sheet = Partners {
        matrix: Matrix::new(&page, &rules, columns, only.map(|(_, class)| *class)),
        parties: rules.parties.clone(),
        prepared: prepared(&seat, &rules).await?,
        messages,
        message,
        class: only.map_or("", |(name, _)| *name),
        partner: partner.map(|party| party.id.to_string()).unwrap_or_default(),
        unusable: partners::unusable(seat.gateway(), &rules, &seat.officer).await?,
        gateway: seat.gateway().id().to_owned(),
        rules: rules.digest.to_string(),
        printed: page.unix(seat.gateway().clock().now().unix_timestamp()),
        page,
    };
    Ok(html(StatusCode::OK, &sheet))
}

/// Parties of which there is a draft or a proposal, and no record in force.
async fn prepared(seat: &Seat, rules: &Rules) -> Result<Vec<String>, Fault> {
    let (kind, officer) = (Some(DocumentKind::Party), Some(seat.officer.name.clone()));
    let ask = VersionsAsk { kind, id: None, officer };
    let views = versions::list(seat.gateway(), &ask).await?.into_iter();
    let waits = |view: &VersionView| {
        matches!(view.state, VersionState::Draft | VersionState::Proposed)
            && rules.parties.iter().all(|party| party.id.as_str() != view.id)
    };
    let mut ids: Vec<String> = views.filter(waits).map(|view| view.id).collect();
    ids.dedup();
    Ok(ids)
}

/// What is passed on to that party of a message that needs no policy.
fn fixed_plan(rules: &Rules, party: &PartyRecord) -> Option<Column> {
    let is_foreign = rules.floor.kind(&party.id, party.kind) == PartyKind::Foreign;
    let plan = rules.fixed.iter().find(|plan| plan.message().name() == "withdrawal")?;
    let plan = rules.fixed.find(plan.message(), is_foreign)?;
    Some(Column::fixed(party.id.as_str(), &plan))
}

/// What one policy passes on, in sentences.
struct Told {
    standing: Standing,
    head: Vec<String>,
    leaves: Vec<String>,
    count: String,
}

#[derive(Template)]
#[template(path = "partner.html")]
struct Partner {
    page: Page,
    party: PartyRecord,
    agreements: Vec<(Agreement, Term)>,
    told: Vec<Told>,
    /// What passes of a message that needs no policy.
    always: Vec<Cell>,
    exceptions: Vec<String>,
    unusable: Vec<VersionView>,
    matrix: Matrix,
    gateway: String,
    printed: String,
}

/// How long something still lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    Begins,
    Ended,
    /// Ends within [`SOON_DAYS`].
    Soon(i64),
    Lasts,
}

/// From how many days on it is said that something ends.
pub(super) const SOON_DAYS: i64 = 60;

impl Term {
    /// From its first day (if it has one) and its last.
    pub(super) fn of(from: Option<Date>, until: Date, today: Date) -> Self {
        let left = (until - today).whole_days();
        if from.is_some_and(|from| today < from) {
            Self::Begins
        } else if left < 0 {
            Self::Ended
        } else if left <= SOON_DAYS {
            Self::Soon(left)
        } else {
            Self::Lasts
        }
    }

    /// In words.
    pub(super) fn said(self, page: &Page) -> String {
        match self {
            Self::Begins => page.t("term-begins"),
            Self::Ended => page.t("term-ended"),
            Self::Soon(0) => page.t("term-today"),
            Self::Soon(1) => page.t("term-tomorrow"),
            Self::Soon(days) => page.t1("term-soon", "days", days),
            Self::Lasts => page.t("term-lasts"),
        }
    }

    /// As a class of the stylesheet.
    pub(super) fn tone(self) -> &'static str {
        match self {
            Self::Begins => "scheduled",
            Self::Ended => "ended",
            Self::Soon(_) => "proposed",
            Self::Lasts => "in_force",
        }
    }
}

/// The agreements that the officer sees and the party is bound by.
pub(super) fn agreements(
    rules: &Rules,
    sight: &Sight,
    party: &PartyId,
    today: Date,
) -> Vec<(Agreement, Term)> {
    let bound = rules.agreements.iter().filter(|it| it.parties.contains(party));
    let seen = bound.filter(|agreement| sight.agreement(agreement));
    seen.map(|it| (it.clone(), Term::of(Some(it.from), it.until, today))).collect()
}

async fn one(seat: Seat, Path(party): Path<String>) -> Result<Response, Fault> {
    let page = seat.page();
    let (rules, sight) = match seat.gateway().seen_by(&seat.officer).await {
        Ok(seen) => seen,
        Err(failure) => return Ok(Fault::from(failure).shown(&page)),
    };
    let Some(party) = rules.parties.iter().find(|it| it.id.as_str() == party) else {
        return Ok(Fault::Unknown.shown(&page));
    };
    let today = rules.today(seat.gateway().clock());
    let language = page.language;
    let (mut columns, mut told) = (Vec::new(), Vec::new());
    for standing in partners::standing(&rules, &sight, today) {
        if standing.policy.recipient().party != party.id {
            continue;
        }
        let mut head = explain(&standing.policy, language);
        let count = head.pop().unwrap_or_default();
        let first = 1 + usize::from(standing.policy.foreign());
        let leaves = head.split_off(first.min(head.len()));
        if standing.state.passes() {
            columns.push(Column::of(standing.clone()));
        }
        told.push(Told { standing, head, leaves, count });
    }
    let plan = fixed_plan(&rules, party);
    let always = plan.as_ref().map(|plan| cells(&plan.policy, &rules.floor, language));
    let always = always.into_iter().flatten().filter(|cell| cell.how.is_some()).collect();
    columns.extend(plan);
    let exceptions = rules.exceptions.iter().filter(|(source, policy)| {
        policy.recipient().party == party.id && source.expires() >= today && sight.policy(policy)
    });
    let shown = Partner {
        agreements: agreements(&rules, &sight, &party.id, today),
        told,
        always,
        exceptions: exceptions.map(|(source, _)| source.id.clone()).collect(),
        unusable: partners::unusable(seat.gateway(), &rules, &seat.officer).await?,
        matrix: Matrix::new(&page, &rules, columns, None),
        gateway: seat.gateway().id().to_owned(),
        printed: page.unix(seat.gateway().clock().now().unix_timestamp()),
        party: party.clone(),
        page,
    };
    Ok(html(StatusCode::OK, &shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn what_ends_within_sixty_days_is_told_of() {
        let today = date!(2026 - 11 - 24);
        let until = |until| Term::of(Some(date!(2026 - 01 - 01)), until, today);
        assert_eq!(until(date!(2026 - 11 - 23)), Term::Ended);
        assert_eq!(until(today), Term::Soon(0));
        assert_eq!(until(date!(2027 - 01 - 23)), Term::Soon(60));
        assert_eq!(until(date!(2027 - 01 - 24)), Term::Lasts);
        assert_eq!(Term::of(Some(date!(2026 - 11 - 25)), today, today), Term::Begins);
    }
}
