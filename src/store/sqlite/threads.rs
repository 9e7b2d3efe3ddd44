//! Exchanges as a party looks for them.
//!
//! INVARIANT: an exchange is found by what its reader sent or was handed, and by nothing else: not
//! by what waits for the reader, nor by what others told one another.

use rusqlite::{Connection, named_params};

use super::super::{StoreError, ThreadsFound, ThreadsQuery};
use super::columns::Columns;
use super::read::{EXCHANGE, many, one, parse_exchange};
use super::sql_of;
use crate::domain::state::RecipientState;
use crate::domain::{ExchangeRef, MessageType, PartyId};

/// The indexes are named: SQLite would rather look through all that a party ever sent.
const FITTING: &str = " FROM members o CROSS JOIN exchanges e ON e.row = o.exchange
    WHERE o.party = :own AND o.exchange < :before AND o.exchange >= :from
    AND (:unit IS NULL OR CASE
        WHEN e.referrer = :own OR substr(e.referrer, 1, length(:own) + 1) = :own || '/'
        THEN e.referrer = :unit ELSE e.receiver = :unit END)
    AND (EXISTS (SELECT 1 FROM messages m INDEXED BY messages_by_thread
            WHERE m.exchange = e.row AND m.sender = :own
            AND (:type IS NULL OR m.message_type = :type)
            AND m.admitted_at >= :since AND m.admitted_at < :until
            AND ((:state IS NULL AND :with IS NULL) OR EXISTS (
                SELECT 1 FROM recipients r WHERE r.message = m.row
                AND (:state IS NULL OR r.state = :state)
                AND (:with IS NULL OR r.recipient = :with
                    OR substr(r.recipient, 1, length(:with) + 1) = :with || '/'))))
        OR EXISTS (SELECT 1 FROM releases l INDEXED BY releases_by_thread
            CROSS JOIN release_states s ON s.release = l.row
            WHERE l.exchange = e.row AND l.party = :own
            AND (:type IS NULL OR l.message_type = :type)
            AND l.made_at >= :since AND l.made_at < :until
            AND (:with IS NULL OR l.sender = :with
                OR substr(l.sender, 1, length(:with) + 1) = :with || '/')
            AND s.state NOT IN ('queued', 'cancelled') AND (:state IS NULL OR s.state = :state)))
    ORDER BY o.exchange DESC LIMIT :limit";

pub(super) fn threads(
    db: &Connection,
    query: &ThreadsQuery,
    look: u32,
    limit: u32,
) -> Result<ThreadsFound, StoreError> {
    let own = query.reader.party.as_str();
    let before = match &query.before {
        None => i64::MAX,
        Some(reference) => row_of(db, own, reference)?.unwrap_or(0),
    };
    let (from, is_more) = looked_at(db, own, before, look)?;
    let sql = sql_of(&["SELECT e.id, ", EXCHANGE, ", o.reference", FITTING]);
    let unit = query.reader.unit.as_ref().map(|_| query.reader.to_string());
    let key = named_params! {
        ":own": own,
        ":unit": unit,
        ":before": before,
        ":from": from,
        ":with": query.with.as_ref().map(PartyId::as_str),
        ":type": query.message_type.as_ref().map(MessageType::as_str),
        ":state": query.state.map(RecipientState::as_str),
        ":since": query.since,
        ":until": query.until,
        ":limit": limit.saturating_add(1),
    };
    let mut threads = many(db, &sql, key, |row| {
        let columns = Columns::of("exchanges", row);
        Ok((parse_exchange(&columns)?, columns.word("reference")?))
    })?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let goes_on = threads.len() > limit;
    threads.truncate(limit);
    let next = match threads.last() {
        Some((_, reference)) if goes_on => Some(*reference),
        _ if is_more => reference_of(db, own, from)?,
        _ => None,
    };
    Ok(ThreadsFound { threads, next })
}

/// The last row that is looked at, and whether the party has earlier ones.
fn looked_at(
    db: &Connection,
    own: &str,
    before: i64,
    look: u32,
) -> Result<(i64, bool), StoreError> {
    let sql = "SELECT 'look', exchange FROM members WHERE party = ?1 AND exchange < ?2
        ORDER BY exchange DESC LIMIT 2 OFFSET ?3";
    let rows: Vec<i64> = many(db, sql, (own, before, look.saturating_sub(1)), |row| {
        Columns::of("members", row).raw("exchange")
    })?;
    Ok((rows.first().copied().unwrap_or(0), rows.len() > 1))
}

fn row_of(db: &Connection, own: &str, reference: &ExchangeRef) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT reference, exchange FROM members WHERE reference = ?1 AND party = ?2";
    one(db, sql, (reference.as_str(), own), |row| Columns::of("members", row).raw("exchange"))
}

fn reference_of(db: &Connection, own: &str, row: i64) -> Result<Option<ExchangeRef>, StoreError> {
    let sql = "SELECT reference, reference FROM members WHERE exchange = ?1 AND party = ?2";
    one(db, sql, (row, own), |row| Columns::of("members", row).word("reference"))
}
