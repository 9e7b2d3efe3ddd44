//! The inbox: what waits is handed out, what was handed out can be read again.
//!
//! `seq` is assigned in a commit of its own before a page is answered, so no gap ever shows. That
//! commit carries the generation of the rules under which the caller was looked up: a freeze, a
//! removed certificate or another policy stops the next hand-out, also of a long poll that
//! already waits.
//!
//! Towards a foreign party releases leave in windows: until one opens, a page and a long poll are
//! the same whether or not anything waits, and its opening, not the making of a release, ends a
//! poll.

use std::time::Duration;

use serde_json::Value;

use crate::auth::Caller;
use crate::domain::{Address, Code, Digest, MessageType, PartyId, ReleaseId};
use crate::evidence::event;
use crate::mutant::{self, Mutant};
use crate::sign::{self, sd_jwt};
use crate::store::{Changes, CommitError, EntrySlot, ReleaseRow, Requirement, Write};
use crate::wire::{InboxItem, InboxPage};

use super::disclose::{is_foreign, release_place, still_goes};
use super::renew::renew;
use super::{Failure, Gateway, Rules, settle, suspend, window};

/// What is asked of an inbox.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Cursor of the previous page; without it, from the oldest unacknowledged release on. What a
    /// freeze left out of earlier pages is found without it, once the freeze is lifted.
    pub after: Option<i64>,
    /// 1-100.
    pub limit: u32,
    /// 0-30 s.
    pub wait: Duration,
}

/// Looks the caller up again, under the rules in force at that moment.
pub type Still<'a> = dyn Fn() -> Result<Caller, Failure> + Send + Sync + 'a;

/// Answers a page, waiting up to `ask.wait` for the first release. `still` is asked again before
/// anything is handed out.
///
/// # Errors
/// What `still` answers; [`Failure::Unavailable`] when the hand-out cannot be recorded.
pub async fn collect(
    gateway: &Gateway,
    caller: &Caller,
    ask: Ask,
    still: &Still<'_>,
) -> Result<InboxPage, Failure> {
    let view = caller.address().clone();
    let news = gateway.news_for(&view.party);
    let deadline = tokio::time::Instant::now() + ask.wait;
    loop {
        // registered before the look, so that nothing committed in between is missed
        let mut told = std::pin::pin!(news.notified());
        told.as_mut().enable();
        // likewise: a window that opens after the look ends the wait
        let opens_in = window::opens_in(gateway, &view.party).await?;
        let opens_at = opens_in.map(|wait| tokio::time::Instant::now() + wait);
        let page = page(gateway, &view, ask, still).await?;
        let is_over = gateway.is_closing() || tokio::time::Instant::now() >= deadline;
        if is_over || !page.items.is_empty() {
            return Ok(page);
        }
        let until = opens_at.map_or(deadline, |opens_at| opens_at.min(deadline));
        if tokio::time::timeout_at(until, told).await.is_err() && until == deadline {
            return Ok(page);
        }
    }
}

async fn page(
    gateway: &Gateway,
    view: &Address,
    ask: Ask,
    still: &Still<'_>,
) -> Result<InboxPage, Failure> {
    // also for a poll that has waited: a freeze or another policy comes before what it answers
    gateway.catch_up().await?;
    let store = gateway.store();
    let start = match ask.after {
        Some(after) => after,
        None => match store.oldest_unacknowledged(view).await? {
            Some(oldest) => oldest - 1,
            None => store.newest_seq(view).await?,
        },
    };
    let mut rows = store.page(view, start, ask.limit).await?;
    let missing = ask.limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    if missing > 0 && hand_out(gateway, view, missing, still).await? {
        rows = store.page(view, start, ask.limit).await?;
    }
    let caller = still()?;
    let next = rows.last().map_or(start, |(seq, _)| *seq);
    let mut items = Vec::with_capacity(rows.len());
    for (seq, row) in rows {
        let is_stopped = caller.is_frozen() && !mutant::is(Mutant::StaleAfterFreeze);
        if is_stopped && !takes_back(&row.message_type) {
            continue;
        }
        match item(gateway, seq, &row).await {
            Ok(Some(item)) => items.push(item),
            Ok(None) => {}
            // it stays unacknowledged and is tried again; what follows must not wait for it
            Err(Failure::Internal(cause)) => {
                metrics::counter!("titian_unreadable_releases_total").increment(1);
                let cause = cause.as_ref() as &dyn std::error::Error;
                tracing::error!(release = %row.release_id, cause, "a release does not open");
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(InboxPage { items, next: next.to_string() })
}

/// Gives what waits its `seq`. Answers whether anything was handed out.
async fn hand_out(
    gateway: &Gateway,
    view: &Address,
    limit: u32,
    still: &Still<'_>,
) -> Result<bool, Failure> {
    const ATTEMPTS_MAX: u32 = 3;
    for _ in 0..ATTEMPTS_MAX {
        let rules = gateway.rules();
        let caller = still()?;
        if caller.is_foreign() && !caller.is_frozen() {
            settle::settle(gateway, &rules, &view.party).await?;
        }
        let ToHandOut { goes: waiting, stale, unsuspended } =
            to_hand_out(gateway, &rules, &caller, (view, limit)).await?;
        if let Some(changes) = renew(gateway, &rules, &stale).await? {
            match gateway.store().commit(changes).await {
                Ok(_) => continue,
                Err(CommitError::Conflict(_)) => {
                    gateway.catch_up().await?;
                    continue;
                }
                Err(CommitError::Unavailable(error)) => return Err(error.into()),
            }
        }
        if waiting.is_empty() {
            return Ok(false);
        }
        let mut changes = Changes::default();
        changes.requires.push(Requirement::Generation(rules.generation));
        changes.requires.extend(unsuspended);
        let mut releases = Vec::with_capacity(waiting.len());
        for row in &waiting {
            let slot = if row.is_queued() {
                let statement = Digest::of(row.statement.as_bytes());
                let event = event::release(row.digest, statement);
                changes.entries.push(gateway.entry(row.recipient.party.as_str(), event)?);
                Some(EntrySlot(changes.entries.len() - 1))
            } else {
                None
            };
            releases.push((row.release_id, slot));
        }
        changes.writes.push(Write::HandOut { view: view.clone(), releases });
        match gateway.store().commit(changes).await {
            Ok(_) => {
                // others who wait at this view have it above their cursor too
                gateway.tell(&view.party);
                return Ok(true);
            }
            Err(CommitError::Conflict(_)) => gateway.catch_up().await?,
            Err(CommitError::Unavailable(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}

/// What waits and may go, at most `limit`, and what is stale of what was looked at. What can be
/// neither handed out nor made anew stays where it is: nothing is lost, and it goes once a policy
/// for it is in force again, an officer has resumed, or its sender has taken it back.
async fn to_hand_out(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    (view, limit): (&Address, u32),
) -> Result<ToHandOut, Failure> {
    /// How far to look past what may not go.
    const LOOK_MAX: u32 = 1000;
    let mut stale = Vec::new();
    for look in [limit, LOOK_MAX] {
        let (mut goes, is_all);
        (goes, stale, is_all) = if is_foreign(rules, view) {
            look_abroad(gateway, rules, caller, (view, look)).await?
        } else {
            look_at(gateway, rules, caller, (view, look)).await?
        };
        let reviews = suspend::leave_out(gateway, rules, &mut goes).await?;
        goes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        if !goes.is_empty() || is_all {
            let unsuspended = suspend::all_unchanged(&goes, &reviews);
            return Ok(ToHandOut { goes, stale, unsuspended });
        }
    }
    Ok(ToHandOut { goes: Vec::new(), stale, unsuspended: Vec::new() })
}

/// What may be handed out, what would have to be made anew first, and what must still hold when it
/// is handed out.
struct ToHandOut {
    goes: Vec<ReleaseRow>,
    stale: Vec<ReleaseRow>,
    unsuspended: Vec<Requirement>,
}

/// What goes, what is stale, and whether that is all there is.
type Looked = (Vec<ReleaseRow>, Vec<ReleaseRow>, bool);

async fn look_at(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    (view, look): (&Address, u32),
) -> Result<Looked, Failure> {
    let today = rules.today(gateway.clock());
    let mut waiting = gateway.store().waiting(view, look).await?;
    let is_all = u32::try_from(waiting.len()).is_ok_and(|found| found < look);
    waiting.retain(|row| passes_freeze(rules, caller, (&row.sender.party, &row.message_type)));
    let (goes, stale) = waiting.into_iter().partition(|row| {
        let parties = (&row.sender.party, &row.recipient);
        still_goes(rules, &row.message_type, &row.policy, parties, today).is_some()
    });
    Ok((goes, stale, is_all))
}

/// As [`look_at`], of what a window lets out.
async fn look_abroad(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    (view, look): (&Address, u32),
) -> Result<Looked, Failure> {
    let chosen = window::choose(gateway, rules, caller, (view, look)).await?;
    let is_all = u32::try_from(chosen.releases.len()).is_ok_and(|found| found < look);
    let rows = async |ids: &[ReleaseId]| -> Result<Vec<ReleaseRow>, Failure> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(gateway.store().release(id).await?);
        }
        Ok(rows)
    };
    Ok((rows(&chosen.releases).await?, rows(&chosen.stale).await?, is_all))
}

/// Whether a freeze lets a release through that nobody has been handed yet: neither its recipient
/// nor the sender of its message is frozen, or it takes data back.
pub(super) fn passes_freeze(
    rules: &Rules,
    caller: &Caller,
    (sender, message_type): (&PartyId, &MessageType),
) -> bool {
    let sender_frozen = || rules.directory.party(sender).is_some_and(|party| party.frozen);
    takes_back(message_type)
        || mutant::is(Mutant::StaleAfterFreeze)
        || !(caller.is_frozen() || sender_frozen())
}

/// What takes data back: a party is handed it also while it is frozen or suspended.
pub(super) fn takes_back(message_type: &MessageType) -> bool {
    matches!(message_type.name(), "withdrawal" | "erasure-notice" | "erasure-confirmation")
}

async fn item(gateway: &Gateway, seq: i64, row: &ReleaseRow) -> Result<Option<InboxItem>, Failure> {
    let Some(mut release) = whole(gateway, row)? else { return Ok(None) };
    if mutant::is(Mutant::RetriesOriginal) {
        release = original(gateway, row).await?.unwrap_or(release);
    }
    let members = gateway.store().members(&row.exchange).await?;
    let own = members.iter().find(|member| member.party == row.recipient.party);
    let own = own.ok_or_else(|| Failure::problem(Code::Internal))?;
    Ok(Some(InboxItem {
        release_id: row.release_id.to_string(),
        seq,
        exchange: own.reference.to_string(),
        message_type: row.message_type.to_string(),
        release,
    }))
}

/// What a planted bug sends: the body as its sender wrote it.
async fn original(gateway: &Gateway, row: &ReleaseRow) -> Result<Option<String>, Failure> {
    let message = gateway.store().message(&row.sender.party, &row.message_id).await?;
    let Some(message) = message else { return Ok(None) };
    let body = super::disclose::stored_body(gateway, &message)?;
    let written = body.map(|body| serde_json::json!(["", "body", body.value()]).to_string());
    let engine = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let written = written.map(|text| base64::Engine::encode(engine, text));
    Ok(written.map(|disclosure| sd_jwt::assemble(&row.statement, &[&disclosure])))
}

/// The SD-JWT as it was first handed out: bytes once handed out never change. `None` once the
/// body is erased.
pub(super) fn whole(gateway: &Gateway, row: &ReleaseRow) -> Result<Option<String>, Failure> {
    Ok(disclosure(gateway, row)?.map(|body| sd_jwt::assemble(&row.statement, &[&body])))
}

/// A release's body; `None` once erased.
pub(super) fn body_of(gateway: &Gateway, row: &ReleaseRow) -> Result<Option<Value>, Failure> {
    let Some(disclosure) = disclosure(gateway, row)? else { return Ok(None) };
    let claims = sign::unverified_claims(&row.statement);
    let Some(Value::Object(mut claims)) = claims else {
        return Err(Failure::problem(Code::Internal));
    };
    sd_jwt::reveal(&mut claims, &[disclosure]).map_err(Failure::internal)?;
    Ok(claims.remove("body"))
}

/// The disclosure that holds a release's body; `None` once erased.
pub(super) fn disclosure(gateway: &Gateway, row: &ReleaseRow) -> Result<Option<String>, Failure> {
    let Some(sealed) = &row.disclosure else { return Ok(None) };
    let place = release_place(&row.release_id);
    let bytes = gateway.parts.vault.unseal(place, sealed).map_err(Failure::internal)?;
    String::from_utf8(bytes.to_vec())
        .map(Some)
        .map_err(|error| Failure::internal(error.utf8_error()))
}
