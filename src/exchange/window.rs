//! When a release may leave towards a foreign party, and in which order.
//!
//! What is made for such a party waits until a window opens after its making; what takes data back
//! does not. Which window that is follows from the policy in force at hand-out, so a floor that
//! opens its windows more seldom holds for what waits already.
//!
//! INVARIANT: all that may leave is ordered before any of it does, and by nothing but window and
//! release id, which is random: no page, however small, shows the order of making.

use std::collections::BinaryHeap;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::auth::Caller;
use crate::clock::JAKARTA;
use crate::domain::{Address, MessageType, PartyId, ReleaseId};
use crate::policy::{Batch, Compiled};
use crate::store::{WaitingCursor, WaitingRow};

use super::collect::passes_freeze;
use super::disclose::still_goes;
use super::renew::has_policy;
use super::{Failure, Gateway, Rules};

/// Rows looked at in one read.
const LOOK: u32 = 1000;
/// Stale releases that are made anew in one go.
const STALE_MAX: usize = 100;

/// What leaves next.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// In the order of hand-out.
    pub(super) releases: Vec<ReleaseId>,
    /// What might leave now but for its policy version or agreement; at most one look of it.
    pub(super) stale: Vec<ReleaseId>,
}

/// Urgent first, then by the opening it waited for, then by its random id.
type Place = (bool, i64, ReleaseId);

/// The moment by which a foreign recipient may date a release made `now`: the opening that it
/// leaves at, or now where nothing waits.
pub(super) fn leaves_at(batch: Batch, now: OffsetDateTime) -> OffsetDateTime {
    batch.opening_after(now).unwrap_or(now)
}

/// Seconds until a window of `party` opens next; `None` where nothing waits for one. It says
/// nothing of whether anything waits.
pub(super) async fn opens_in(
    gateway: &Gateway,
    party: &PartyId,
) -> Result<Option<std::time::Duration>, Failure> {
    let rules = gateway.rules();
    let now = gateway.clock().now();
    // the party has said itself on which days it expects its answers
    let answer = gateway.store().next_answer(party, now.unix_timestamp()).await?;
    let answer = answer.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let next = batches(&rules, party).into_iter().filter_map(|batch| batch.opening_after(now));
    let next = next.chain(answer).min();
    Ok(next.and_then(|opening| (opening - now).try_into().ok()))
}

/// What may leave now towards a foreign `view`, at most `limit`, chosen among all that waits.
pub(super) async fn choose(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    (view, limit): (&Address, u32),
) -> Result<Chosen, Failure> {
    let now = gateway.clock().now();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let shut = shut_from(rules, &view.party, now);
    let today = rules.today(gateway.clock());
    let mut stale = Vec::new();
    // the best so far, the worst of them on top
    let mut best: BinaryHeap<Place> = BinaryHeap::new();
    // one row first: while nothing may leave, a look costs the same however much waits
    let (mut after, mut look) = (WaitingCursor::BEGIN, 1);
    loop {
        let rows = gateway.store().waiting_after(view, after, look).await?;
        let is_last = u32::try_from(rows.len()).is_ok_and(|found| found < look);
        let open = rows.iter().take_while(|row| !row.cursor.calm || row.made_at < shut);
        let mut seen = 0;
        for row in open {
            seen += 1;
            if !passes_freeze(rules, caller, (&row.sender.party, &row.message_type)) {
                continue;
            }
            match place(rules, row, now) {
                Ok(place) => best.extend(place),
                // what nothing can be done about must not stand in the way of the rest
                Err(Stale) if stale.len() < STALE_MAX && has_policy(rules, edge(row), today) => {
                    stale.push(row.release_id);
                }
                Err(Stale) => {}
            }
            if best.len() > limit {
                best.pop();
            }
        }
        let Some(last) = rows.last().filter(|_| !is_last && seen == rows.len()) else { break };
        after = last.cursor;
        look = LOOK;
    }
    let releases = best.into_sorted_vec().into_iter().map(|(.., id)| id).collect();
    Ok(Chosen { releases, stale })
}

fn edge(row: &WaitingRow) -> (&Address, &Address, &MessageType) {
    (&row.sender, &row.recipient, &row.message_type)
}

/// Its policy version or agreement is no longer in force.
struct Stale;

/// Where a release stands among those that may leave; `None` while its window is shut.
fn place(rules: &Rules, row: &WaitingRow, now: OffsetDateTime) -> Result<Option<Place>, Stale> {
    let today = now.to_offset(JAKARTA).date();
    let today = today.max(rules.day());
    let parties = (&row.sender.party, &row.recipient);
    let batch = still_goes(rules, &row.message_type, &row.policy, parties, today).ok_or(Stale)?;
    let calm = row.cursor.calm;
    let batch = if calm { batch } else { Batch::AtOnce };
    Ok(opened_at(batch, row.made_at, now).map(|opened_at| (calm, opened_at, row.release_id)))
}

/// The opening that a release waited for, once it has come (unix seconds); what waits for none
/// leaves with what there is now. A clock set back opens nothing.
fn opened_at(batch: Batch, made_at: i64, now: OffsetDateTime) -> Option<i64> {
    let made_at = OffsetDateTime::from_unix_timestamp(made_at).ok()?;
    let opening = batch.opening_after(made_at).unwrap_or(now);
    (opening <= now).then(|| opening.unix_timestamp())
}

/// From when on what was made cannot leave yet (unix seconds).
fn shut_from(rules: &Rules, party: &PartyId, now: OffsetDateTime) -> i64 {
    let last =
        |batch: Batch| batch.opening_until(now).map_or(i64::MAX, OffsetDateTime::unix_timestamp);
    batches(rules, party).into_iter().map(last).max().unwrap_or(i64::MAX)
}

/// Every batch under which something may be for `party`.
fn batches(rules: &Rules, party: &PartyId) -> Vec<Batch> {
    // an answer to an information request waits for a day of its own
    let waits = |policy: &&Arc<Compiled>| policy.message().name() != "information-response";
    let own = rules.policies.iter().filter(|policy| policy.recipient().party == *party);
    let own: Vec<Batch> = own.filter(waits).map(|policy| policy.batch()).collect();
    if own.is_empty() { vec![rules.floor.batch()] } else { own }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn monthly() -> Batch {
        let text = "batch = { day = 1, hour = \"09:00 Asia/Jakarta\" }";
        toml::from_str::<std::collections::BTreeMap<String, Batch>>(text).unwrap()["batch"]
    }

    #[test]
    fn a_release_leaves_at_the_opening_after_its_making_and_not_before() {
        let made = datetime!(2026-11-24 08:00 UTC);
        let opening = datetime!(2026-12-01 02:00 UTC);
        let at = |now| opened_at(monthly(), made.unix_timestamp(), now);
        assert_eq!(at(opening - time::Duration::SECOND), None);
        assert_eq!(at(opening), Some(opening.unix_timestamp()));
        assert_eq!(at(opening + time::Duration::days(70)), Some(opening.unix_timestamp()));
        // an opening that came before, or a clock set back before it was made
        assert_eq!(at(datetime!(2026-11-01 02:00 UTC)), None);
        assert_eq!(at(made), None);
        assert_eq!(opened_at(monthly(), i64::MAX, opening), None);
    }

    #[test]
    fn what_waits_for_nothing_leaves_with_what_there_is_now() {
        let now = datetime!(2026-11-24 08:00 UTC);
        let made = now.unix_timestamp() - 500;
        assert_eq!(opened_at(Batch::AtOnce, made, now), Some(now.unix_timestamp()));
        assert_eq!(leaves_at(Batch::AtOnce, now), now);
        assert_eq!(leaves_at(monthly(), now), datetime!(2026-12-01 02:00 UTC));
    }
}
