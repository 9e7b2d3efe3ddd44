//! Reading releases and inboxes.

use rusqlite::{Connection, Row};

use super::super::{
    AcknowledgedRow, ReleaseRow, ReleasedCursor, ReleasedRow, StoreError, WaitingCursor, WaitingRow,
};
use super::columns::{Columns, address};
use super::read::{many, one, parse_pin};
use super::sql_of;
use crate::domain::{Address, Id, MessageId, PartyId, ReleaseId};

/// The columns of a release.
const RELEASE: &str = "SELECT r.release_id, r.release_id, r.party, r.unit, e.id, r.sender,
    r.message_id, r.message_type, s.state, r.statement, r.month, r.wrapped_key, r.ciphertext,
    r.digest, r.policy_id, r.policy_version, r.policy_digest, r.release_schema, r.origin_salt,
    r.supplements, r.made_at, s.entry";
/// Where they come from, beside `releases r`.
const JOINED: &str = " JOIN exchanges e ON e.row = r.exchange
    JOIN release_states s ON s.release = r.row ";

fn parse_release(row: &Row<'_>) -> Result<ReleaseRow, StoreError> {
    parse_columns(&Columns::of("releases", row))
}

fn parse_columns(columns: &Columns<'_, '_>) -> Result<ReleaseRow, StoreError> {
    Ok(ReleaseRow {
        release_id: columns.word("release_id")?,
        recipient: columns.address("party")?,
        exchange: columns.word("exchange")?,
        sender: columns.word("sender")?,
        message_id: columns.word("message_id")?,
        message_type: columns.word("message_type")?,
        state: columns.word("state")?,
        statement: columns.raw("statement")?,
        disclosure: columns.sealed("disclosure")?,
        digest: columns.digest("digest")?,
        policy: parse_pin(columns)?,
        release_schema: columns.digest("release_schema")?,
        origin_salt: columns.raw("origin_salt")?,
        supplements: columns.word_or_null("supplements")?,
        made_at: columns.raw("made_at")?,
        entry: if columns.skip_null() { None } else { Some(columns.count("entry")?) },
    })
}

pub(super) fn release(db: &Connection, id: &ReleaseId) -> Result<Option<ReleaseRow>, StoreError> {
    let sql = sql_of(&[RELEASE, " FROM releases r", JOINED, "WHERE r.release_id = ?1"]);
    one(db, &sql, [id.as_str()], parse_release)
}

pub(super) fn releases_of(
    db: &Connection,
    sender: &PartyId,
    id: &MessageId,
) -> Result<Vec<ReleaseRow>, StoreError> {
    let sql = sql_of(&[
        RELEASE,
        " FROM messages m JOIN releases r ON r.message = m.row",
        JOINED,
        "WHERE m.sender = ?1 AND m.message_id = ?2 ORDER BY r.row",
    ]);
    many(db, &sql, (sender.as_str(), id.as_str()), parse_release)
}

pub(super) fn handed_out(
    db: &Connection,
    exchange: &Id,
    party: &PartyId,
) -> Result<Vec<ReleaseRow>, StoreError> {
    let sql = sql_of(&[
        RELEASE,
        " FROM releases r",
        JOINED,
        "WHERE e.id = ?1 AND r.party = ?2 AND s.state NOT IN ('queued', 'cancelled')
         ORDER BY r.row",
    ]);
    many(db, &sql, (exchange.as_str(), party.as_str()), parse_release)
}

pub(super) fn queued_in(db: &Connection, exchange: &Id) -> Result<Vec<ReleaseRow>, StoreError> {
    let sql = sql_of(&[
        RELEASE,
        " FROM exchanges e CROSS JOIN releases r ON r.exchange = e.row
          CROSS JOIN release_states s ON s.release = r.row
          WHERE e.id = ?1 AND s.state = 'queued' ORDER BY r.row",
    ]);
    many(db, &sql, [exchange.as_str()], parse_release)
}

pub(super) fn released_to(
    db: &Connection,
    party: &PartyId,
    after: ReleasedCursor,
    limit: u32,
) -> Result<Vec<ReleasedRow>, StoreError> {
    let sql = "SELECT r.release_id, r.release_id, r.party, r.unit, r.sender, r.message_type,
            s.state, r.policy_id, r.policy_version, r.policy_digest, r.digest, r.made_at, r.row
        FROM releases r CROSS JOIN release_states s ON s.release = r.row
        WHERE r.party = ?1 AND (r.made_at, r.row) > (?2, ?3) AND s.state <> 'cancelled'
        ORDER BY r.made_at, r.row LIMIT ?4";
    many(db, sql, (party.as_str(), after.made_at, after.row, limit), |row| {
        let columns = Columns::of("releases", row);
        let release_id = columns.word("release_id")?;
        let recipient = columns.address("party")?;
        let sender = columns.word("sender")?;
        let message_type = columns.word("message_type")?;
        let state = columns.word("state")?;
        let policy = parse_pin(&columns)?;
        let digest = columns.digest("digest")?;
        let made_at = columns.raw("made_at")?;
        let cursor = ReleasedCursor { made_at, row: columns.raw("row")? };
        Ok(ReleasedRow {
            release_id,
            recipient,
            sender,
            message_type,
            state,
            policy,
            digest,
            made_at,
            cursor,
        })
    })
}

pub(super) fn waiting(
    db: &Connection,
    view: &Address,
    limit: u32,
) -> Result<Vec<ReleaseRow>, StoreError> {
    // CROSS JOIN: SQLite keeps the order of the loops, so a page costs what a page holds
    let sql = sql_of(&[
        RELEASE,
        " FROM waiting w CROSS JOIN releases r ON r.row = w.release",
        JOINED,
        "WHERE w.view = ?1 ORDER BY w.calm, w.release LIMIT ?2",
    ]);
    many(db, &sql, (address(view), limit), parse_release)
}

pub(super) fn waiting_after(
    db: &Connection,
    view: &Address,
    after: WaitingCursor,
    limit: u32,
) -> Result<Vec<WaitingRow>, StoreError> {
    // the columns named here stand before the statement: the pages that hold it are not read
    let sql = "SELECT r.release_id, r.release_id, r.party, r.unit, r.sender, r.message_type,
            r.policy_id, r.policy_version, r.policy_digest, r.made_at, w.calm, w.release
        FROM waiting w CROSS JOIN releases r ON r.row = w.release
        WHERE w.view = ?1 AND (w.calm, w.release) > (?2, ?3)
        ORDER BY w.calm, w.release LIMIT ?4";
    many(db, sql, (address(view), after.calm, after.row, limit), |row| {
        let columns = Columns::of("releases", row);
        let release_id = columns.word("release_id")?;
        let recipient = columns.address("party")?;
        let sender = columns.word("sender")?;
        let message_type = columns.word("message_type")?;
        let policy = parse_pin(&columns)?;
        let made_at = columns.raw("made_at")?;
        let cursor = WaitingCursor { calm: columns.raw("calm")?, row: columns.raw("release")? };
        Ok(WaitingRow { release_id, recipient, sender, message_type, policy, made_at, cursor })
    })
}

pub(super) fn page(
    db: &Connection,
    view: &Address,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, ReleaseRow)>, StoreError> {
    let sql = sql_of(&[
        RELEASE,
        ", h.seq FROM handed_out h CROSS JOIN releases r ON r.row = h.release",
        JOINED,
        "WHERE h.view = ?1 AND h.seq > ?2 ORDER BY h.seq LIMIT ?3",
    ]);
    many(db, &sql, (address(view), after, limit), |row| {
        let columns = Columns::of("handed_out", row);
        let release = parse_columns(&columns)?;
        Ok((columns.raw("seq")?, release))
    })
}

pub(super) fn oldest_unacknowledged(
    db: &Connection,
    view: &Address,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT view, min(seq) FROM handed_out WHERE view = ?1 AND acknowledged = 0";
    let oldest = one(db, sql, [address(view)], |row| {
        Columns::of("handed_out", row).raw::<Option<i64>>("seq")
    })?;
    Ok(oldest.flatten())
}

pub(super) fn newest_seq(db: &Connection, view: &Address) -> Result<i64, StoreError> {
    let sql = "SELECT view, next - 1 FROM seqs WHERE view = ?1";
    let newest = one(db, sql, [address(view)], |row| Columns::of("seqs", row).raw::<i64>("next"))?;
    Ok(newest.unwrap_or(0))
}

pub(super) fn acknowledgement(
    db: &Connection,
    id: &ReleaseId,
) -> Result<Option<AcknowledgedRow>, StoreError> {
    let sql = "SELECT r.release_id, a.received, a.jws, a.receipt, a.entry, a.at
        FROM releases r JOIN acknowledgements a ON a.release = r.row WHERE r.release_id = ?1";
    one(db, sql, [id.as_str()], |row| {
        let columns = Columns::of("acknowledgements", row);
        Ok(AcknowledgedRow {
            release_id: *id,
            received: columns.raw("received")?,
            jws: columns.raw("jws")?,
            receipt: columns.raw("receipt")?,
            entry: columns.count("entry")?,
            at: columns.raw("at")?,
        })
    })
}
