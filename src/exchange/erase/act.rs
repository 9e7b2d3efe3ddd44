//! An officer decides that a case, or a message with what was said anew of it, is erased.
//!
//! It looks first and confirms what it saw: without `confirm` nothing is done, and what is erased
//! is exactly what was shown.

use std::collections::BTreeSet;

use serde_json::json;
use time::{Date, Duration};

use crate::config::{Officer, Role};
use crate::domain::json::canonical;
use crate::domain::{Code, Digest, ExchangeRef, MessageId, PartyKind, Refused};
use crate::store::CommitError;
use crate::wire::{ErasureAsk, ErasureView};

use super::super::chain::Chain;
use super::super::disclose::kind_of;
use super::super::reader::{self, Reader};
use super::super::review::stopped;
use super::super::show;
use super::super::{Failure, Gateway, Rules};
use super::{Act, REASONS, Scope, erased};

/// By when whoever was told is to have erased it, where the officer does not say.
const ERASE_DAYS: i64 = 30;
/// Fewest characters of what confirms: 132 bits.
const CONFIRM_CHARS_MIN: usize = 22;
const ATTEMPTS_MAX: u32 = 3;

/// Erases, or shows what would be erased where nothing is confirmed.
///
/// # Errors
/// `not-found` for an officer that may not, or what its party does not have; `already-erased`;
/// `bad-request` for another reason, day or confirmation than there is.
pub async fn erase(gateway: &Gateway, ask: &ErasureAsk) -> Result<ErasureView, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let rules = gateway.rules();
        let (officer, reader) = duty(gateway, &ask.officer)?;
        let act = act(gateway, &rules, ask, &officer)?;
        let scopes = scopes(gateway, &rules, ask, &reader).await?;
        let mut view = view(gateway, &rules, (&scopes, &act))?;
        let Some(confirm) = &ask.confirm else { return Ok(view) };
        if confirm.len() < CONFIRM_CHARS_MIN || !view.confirm.starts_with(confirm.as_str()) {
            return Err(Failure::Problem(Refused::at(Code::BadRequest, "/confirm", "confirm")));
        }
        let more = erased(gateway, &rules, (&scopes, &act), 0).await.map_err(stopped)?;
        match gateway.store().commit(more.changes).await {
            Ok(_) => {
                metrics::counter!("titian_erasures_total").increment(1);
                for party in &more.tell {
                    gateway.tell(party);
                }
                view.is_done = true;
                return Ok(view);
            }
            // what is there now may not be what was shown any more
            Err(CommitError::Conflict(_)) => gateway.catch_up().await?,
            Err(CommitError::Unavailable(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}

fn duty(gateway: &Gateway, name: &str) -> Result<(Officer, Reader), Failure> {
    let (officer, reader) = reader::officer(gateway, name)?;
    let is_duty = officer.is(Role::Operator);
    if is_duty { Ok((officer, reader)) } else { Err(Failure::problem(Code::NotFound)) }
}

fn act(
    gateway: &Gateway,
    rules: &Rules,
    ask: &ErasureAsk,
    officer: &Officer,
) -> Result<Act, Failure> {
    let bad = |place| Failure::Problem(Refused::at(Code::BadRequest, place, "enum"));
    if !REASONS.contains(&ask.reason.as_str()) {
        return Err(bad("/reason_code"));
    }
    let today = rules.today(gateway.clock());
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let erase_by = match &ask.erase_by {
        None => today.saturating_add(Duration::days(ERASE_DAYS)),
        Some(text) => Date::parse(text, format).map_err(|_form| bad("/erase_by"))?,
    };
    if erase_by < today {
        return Err(bad("/erase_by"));
    }
    Ok(Act {
        reason: ask.reason.clone(),
        erase_by,
        include_backups: ask.include_backups,
        party: officer.address(),
        officer: Some(officer.name.clone()),
    })
}

/// What the officer names: a whole case, wherever it was passed on to, if its social agency has it;
/// or a message that its party or unit sent.
async fn scopes(
    gateway: &Gateway,
    rules: &Rules,
    ask: &ErasureAsk,
    reader: &Reader,
) -> Result<Vec<Scope>, Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let store = gateway.store();
    match (&ask.exchange, &ask.message) {
        (Some(reference), None) => {
            let reference: ExchangeRef = reference.parse().map_err(|_form| unknown())?;
            let exchange = show::own_exchange(gateway, &reader.address, reference).await?;
            if kind_of(rules, &reader.address) != PartyKind::Social {
                return Err(unknown());
            }
            if store.is_erased(&exchange.id).await? {
                return Err(Failure::problem(Code::AlreadyErased));
            }
            let mut scopes = Vec::new();
            for id in store.family(&exchange.id).await? {
                let row = store.exchange(&id).await?.ok_or_else(unknown)?;
                if !store.is_erased(&id).await? {
                    scopes.push(Scope::whole(gateway, row).await?);
                }
            }
            Ok(scopes)
        }
        (None, Some(id)) => {
            let id: MessageId = id.parse().map_err(|_form| unknown())?;
            let row = show::own_message(gateway, &reader.address, id).await?;
            if !matches!(row.message_type.name(), "referral" | "status") {
                return Err(unknown());
            }
            if row.object.is_none() {
                return Err(Failure::problem(Code::AlreadyErased));
            }
            let exchange = store.exchange(&row.exchange).await?.ok_or_else(unknown)?;
            let links = Chain::of(gateway, &row, None).await?.into_links();
            Ok(vec![Scope { exchange, whole: None, links }])
        }
        _ => Err(Failure::problem(Code::BadRequest)),
    }
}

/// What would be erased, with a word that names just that.
fn view(
    gateway: &Gateway,
    rules: &Rules,
    (scopes, act): (&[Scope], &Act),
) -> Result<ErasureView, Failure> {
    let today = rules.today(gateway.clock());
    let (mut messages, mut releases) = (Vec::new(), Vec::new());
    let mut tells = BTreeSet::new();
    let mut unseen = 0_u64;
    for scope in scopes {
        messages.extend(scope.links.iter().map(|link| link.message_id));
        tells.extend(scope.told().into_iter().map(|(to, _)| to.to_string()));
        for link in &scope.links {
            releases.extend(link.releases.iter().map(|release| release.release_id));
            unseen += link.releases.iter().filter(|release| release.is_queued()).count() as u64;
        }
    }
    let recoverable = scopes.iter().map(|scope| scope.recoverable_until(today)).max();
    let named = json!({
        "messages": messages, "releases": releases, "tells": tells, "reason": act.reason,
        "erase_by": act.erase_by.to_string(), "include_backups": act.include_backups,
    });
    let named = canonical(&named).map_err(Failure::internal)?;
    Ok(ErasureView {
        is_done: false,
        exchanges: scopes.len() as u64,
        messages: messages.len() as u64,
        cancelled: unseen,
        tells: tells.into_iter().collect(),
        reason: act.reason.clone(),
        erase_by: act.erase_by.to_string(),
        include_backups: act.include_backups,
        recoverable_until: recoverable.unwrap_or(today).to_string(),
        confirm: Digest::of(&named).to_string(),
    })
}
