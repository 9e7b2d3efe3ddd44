//! Erasure as an act: payloads are destroyed, and whoever was ever handed any of them is told.
//!
//! What goes: the keys and the ciphertext of messages and of everything that was made of them,
//! what foreign parties know of the case (which goes on counting as a number without a name), what
//! waits, what is held and what is suspended. What stays is proof: receipts, statements, digests,
//! acknowledgements and the ledgers, so that evidence still verifies with its body `erased`. An
//! erasure of single messages leaves the count of the case as it is.
//!
//! Two ways lead here: an officer's decision ([`act`]) and a party's own `erasure-notice/1` about
//! what it sent ([`ask`]). Both end in one commit, with the notices in it.
//!
//! INVARIANT: exactly those are told that were handed a release, whatever ended or froze since; and
//! that commit fails if anything was sent, made or handed out in between.

pub mod act;
pub(super) mod ask;
pub(super) mod confirm;
pub mod list;
mod notice;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use time::{Date, Duration, Month};

use crate::domain::json::canonical;
use crate::domain::{Address, Id, PartyId, ReleaseId};
use crate::store::{Changes, Decision, ExchangeRow, MessageRow, NewErasure, Requirement, Write};

use super::admit::Admitted;
use super::chain::{GATEWAY, Link};
use super::collect::takes_back;
use super::disclose::is_foreign;
use super::submit::Stop;
use super::{Failure, Gateway, Rules};

/// Why something may be erased.
pub(super) const REASONS: [&str; 5] =
    ["retention_end", "consent_withdrawn", "unlawful", "right_holder_request", "error"];
/// How long backups of the database are kept at most.
const BACKUP_DAYS: i64 = 35;
/// How long after a month's end its key is destroyed at most.
const KEY_DAYS: i64 = 30;

/// What a message does beside what every message does.
#[derive(Debug)]
pub(super) enum Takes {
    /// A party asks that what it sent is erased.
    Asks(Vec<Scope>, Act),
    /// A party answers notices.
    Confirms(confirm::Answer),
    /// The gateway tells who was handed what.
    Tells(Vec<(Address, ReleaseId)>),
}

/// What is erased of one exchange.
#[derive(Debug)]
pub(super) struct Scope {
    exchange: ExchangeRow,
    /// Every message of a whole exchange, which nothing may be added to meanwhile.
    whole: Option<Vec<MessageRow>>,
    links: Vec<Link>,
}

/// Why something is erased, and by whom.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) reason: String,
    pub(super) erase_by: Date,
    pub(super) include_backups: bool,
    /// Whose officer decides, or which party asks.
    pub(super) party: Address,
    pub(super) officer: Option<String>,
}

/// What is committed beside a message, and who is told of it.
#[derive(Debug, Default)]
pub(super) struct More {
    pub(super) changes: Changes,
    pub(super) tell: Vec<PartyId>,
}

/// What a message does beside what every message does. Entries stand from `first` on among those
/// of the commit.
pub(super) async fn more(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    first: usize,
) -> Result<More, Stop> {
    match &admitted.case().takes {
        Some(Takes::Asks(scopes, act)) => erased(gateway, rules, (scopes, act), first).await,
        Some(Takes::Confirms(answer)) => {
            Ok(More { changes: answer.changes(admitted), ..More::default() })
        }
        Some(Takes::Tells(_)) | None => Ok(More::default()),
    }
}

impl Scope {
    /// All of an exchange but the notices of earlier erasures and what was answered to them.
    pub(super) async fn whole(gateway: &Gateway, exchange: ExchangeRow) -> Result<Self, Failure> {
        let all = gateway.store().messages_of(&exchange.id).await?;
        let mut links = Vec::new();
        for row in all.iter().filter(|row| is_erasable(row)) {
            links.push(Link::of(gateway, row).await?);
        }
        Ok(Self { exchange, whole: Some(all), links })
    }

    /// Whether nothing is left to erase.
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Who was handed what of it.
    fn told(&self) -> Vec<(Address, ReleaseId)> {
        let releases = self.links.iter().flat_map(|link| &link.releases);
        let told = releases.filter(|release| release.entry.is_some());
        told.map(|release| (release.recipient.clone(), release.release_id)).collect()
    }

    /// Until when an old backup of the database could give it back: while both the backup and the
    /// key of a payload's month are there.
    fn recoverable_until(&self, today: Date) -> Date {
        let keys = self.links.iter().filter_map(|link| key_ends(&link.month));
        keys.max().unwrap_or(today).min(today.saturating_add(Duration::days(BACKUP_DAYS)))
    }

    fn messages(&self) -> u32 {
        u32::try_from(self.links.len()).unwrap_or(u32::MAX)
    }
}

/// The last day on which a month's key is there.
fn key_ends(month: &str) -> Option<Date> {
    let (year, month) = month.split_once('-')?;
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let year: i32 = year.parse().ok()?;
    let last = Date::from_calendar_date(year, month, month.length(year)).ok()?;
    Some(last.saturating_add(Duration::days(KEY_DAYS)))
}

/// Whether it has a payload that says anything of a person.
fn is_erasable(row: &MessageRow) -> bool {
    let is_of_erasure = takes_back(&row.message_type) && row.message_type.name() != "withdrawal";
    row.object.is_some() && !is_of_erasure
}

/// What is to be committed to erase.
async fn erased(
    gateway: &Gateway,
    rules: &Rules,
    (scopes, act): (&[Scope], &Act),
    first: usize,
) -> Result<More, Stop> {
    let mut more = More::default();
    more.changes.requires.push(Requirement::Generation(rules.generation));
    for scope in scopes {
        let id = destroy(gateway, rules, (scope, act), &mut more.changes).await?;
        let mut by_recipient: BTreeMap<Address, Vec<ReleaseId>> = BTreeMap::new();
        for (recipient, release) in scope.told() {
            by_recipient.entry(recipient).or_default().push(release);
        }
        notice::tell(gateway, rules, (scope, act, id), by_recipient, (first, &mut more)).await?;
    }
    Ok(more)
}

/// Destroys what a scope holds.
async fn destroy(
    gateway: &Gateway,
    rules: &Rules,
    (scope, act): (&Scope, &Act),
    changes: &mut Changes,
) -> Result<Id, Stop> {
    let (id, exchange, now) = (gateway.mint()?, scope.exchange.id, gateway.now());
    changes.writes.push(Write::Erase(NewErasure {
        id,
        exchange,
        whole: scope.whole.is_some(),
        messages: scope.messages(),
        reason: act.reason.clone(),
        party: act.party.clone(),
        officer: act.officer.clone(),
        erase_by: act.erase_by,
        include_backups: act.include_backups,
        recoverable_until: scope.recoverable_until(rules.today(gateway.clock())),
        at: now,
    }));
    if let Some(all) = &scope.whole {
        let all = all.iter().map(|row| (row.sender.party.clone(), row.message_id)).collect();
        changes.requires.push(Requirement::Unerased(exchange));
        changes.requires.push(Requirement::Messages { exchange, all });
        changes.writes.push(Write::Fold(exchange));
        close_reviews(gateway, exchange, changes).await?;
    }
    for link in &scope.links {
        link.unchanged(changes);
        link.cancel(changes, ("the message was erased", now), |_everyone| true);
        let (sender, message_id) = (link.sender.clone(), link.message_id);
        changes.writes.push(Write::EraseMessage { sender, message_id });
    }
    // whoever sent it can prove that it is gone; abroad nothing of the gateway's doing shows
    let senders: BTreeSet<&PartyId> = scope.links.iter().map(|link| &link.sender).collect();
    let home = senders.into_iter().filter(|sender| {
        !is_foreign(rules, &Address::party((*sender).clone())) && sender.as_str() != GATEWAY
    });
    for ledger in home.map(PartyId::as_str).chain([GATEWAY]) {
        let own = scope.links.iter().filter(|l| ledger == GATEWAY || l.sender.as_str() == ledger);
        let event = json!({
            "kind": "erased",
            "erasure": id,
            "messages": own.map(|link| link.message_id).collect::<Vec<_>>(),
            "reason": act.reason,
            "officer": act.officer,
            "at": now,
        });
        let event = canonical(&event).map_err(Failure::internal)?;
        changes.entries.push(gateway.entry(ledger, event)?);
    }
    Ok(id)
}

async fn close_reviews(
    gateway: &Gateway,
    exchange: Id,
    changes: &mut Changes,
) -> Result<(), Failure> {
    for row in gateway.store().reviews_in(&[exchange]).await? {
        if row.decision.is_some() {
            continue;
        }
        changes.requires.push(Requirement::ReviewOpen(row.review.id));
        changes.writes.push(Write::DecideReview {
            review: row.review.id,
            decision: Decision {
                released: false,
                officer: GATEWAY.to_owned(),
                reason: "the case was erased".to_owned(),
                at: gateway.now(),
            },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::key_ends;

    #[test]
    fn a_months_key_is_there_for_thirty_days_after_its_end() {
        assert_eq!(key_ends("2028-12"), Some(date!(2029 - 01 - 30)));
        assert_eq!(key_ends("2028-02"), Some(date!(2028 - 03 - 30)));
        for bad in ["", "2028", "2028-13", "x-01"] {
            assert_eq!(key_ends(bad), None, "{bad}");
        }
    }
}
