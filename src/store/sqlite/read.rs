//! Reading messages, exchanges, holds and rules.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::super::rows::PolicyPin;
use super::super::{
    Backlog, Decision, ExchangeRow, GroupSize, HoldRow, KeptMessage, MemberRow, MessageRow,
    NewHold, RecipientRow, StoreError,
};
use super::columns::Columns;
use super::{database, sql_of};
use crate::domain::{Digest, ExchangeRef, Id, MessageId, MessageType, PartyId};

pub(super) const MESSAGE: &str =
    "SELECT m.message_id, m.sender, m.unit, m.message_id, m.message_type,
        m.purpose, m.digest, m.state, e.id, m.receipt, m.entry, m.admitted_at, m.retention_until,
        o.month, o.wrapped_key, o.ciphertext";
const MESSAGE_JOINED: &str = " FROM messages m CROSS JOIN exchanges e ON e.row = m.exchange
    LEFT JOIN message_objects o ON o.message = m.row ";
pub(super) const EXCHANGE: &str =
    "e.id, e.state, e.referrer, e.receiver, e.origin, e.onward, e.withheld,
        e.subject, e.reference_date, e.opened_at";
const RECIPIENT: &str = "r.position, r.recipient, r.state, r.pending, r.code,
        r.policy_id, r.policy_version, r.policy_digest";
const MEMBER: &str = "SELECT e.id, m.reference, e.id, m.party, m.subject_ref
    FROM members m JOIN exchanges e ON e.row = m.exchange ";
const HOLD: &str = "SELECT id, id, sender, message_id, recipient, release, leaves, findings,
        opened_at, alike, needed, urgency, released, officer, reason, decided_at
    FROM holds ";

/// At most one row.
pub(super) fn one<T>(
    db: &Connection,
    sql: &str,
    key: impl Params,
    parse: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut select = db.prepare_cached(sql).map_err(database)?;
    let mut rows = select.query(key).map_err(database)?;
    rows.next().map_err(database)?.map(parse).transpose()
}

/// Every row, in order.
pub(super) fn many<T>(
    db: &Connection,
    sql: &str,
    key: impl Params,
    mut parse: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut select = db.prepare_cached(sql).map_err(database)?;
    let mut rows = select.query(key).map_err(database)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(database)? {
        out.push(parse(row)?);
    }
    Ok(out)
}

pub(super) fn generation(db: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT id, generation FROM rules WHERE id = 1";
    one(db, sql, [], |row| Columns::of("rules", row).count("generation"))?.ok_or_else(|| {
        StoreError::Inconsistent { table: "rules", column: "id", row: String::from("1") }
    })
}

pub(super) fn sealed_months(db: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT month, month FROM months ORDER BY month";
    many(db, sql, [], |row| Columns::of("months", row).raw("month"))
}

pub(super) fn message(
    db: &Connection,
    sender: &PartyId,
    id: &MessageId,
) -> Result<Option<MessageRow>, StoreError> {
    let sql = sql_of(&[MESSAGE, MESSAGE_JOINED, "WHERE m.sender = ?1 AND m.message_id = ?2"]);
    one(db, &sql, (sender.as_str(), id.as_str()), parse_message)
}

pub(super) fn messages_of(db: &Connection, exchange: &Id) -> Result<Vec<MessageRow>, StoreError> {
    let sql = sql_of(&[
        MESSAGE,
        " FROM exchanges e CROSS JOIN messages m ON m.exchange = e.row
          LEFT JOIN message_objects o ON o.message = m.row WHERE e.id = ?1 ORDER BY m.row",
    ]);
    many(db, &sql, [exchange.as_str()], parse_message)
}

/// One statement for a page: a row per recipient, of which the message is read only once.
pub(super) fn messages_from(
    db: &Connection,
    (sender, message_type): (&PartyId, &MessageType),
    since: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<KeptMessage>, StoreError> {
    let sql = kept_sql();
    let mut select = db.prepare_cached(&sql).map_err(database)?;
    let key = (sender.as_str(), message_type.as_str(), since, after);
    let mut rows = select.query(key).map_err(database)?;
    let mut page: Vec<KeptMessage> = Vec::new();
    while let Some(row) = rows.next().map_err(database)? {
        let at: i64 = Columns::from("messages", row, ROW_AT).raw("row")?;
        if page.last().is_none_or(|kept| kept.row != at) {
            if u32::try_from(page.len()).is_ok_and(|length| length == limit) {
                break;
            }
            page.push(parse_kept(row)?);
        }
        if let Some(kept) = page.last_mut() {
            let columns = Columns::from("recipients", row, RECIPIENT_AT);
            kept.recipients.push(parse_recipient(&columns, sender, kept.message.message_id)?);
        }
    }
    Ok(page)
}

fn kept_sql() -> String {
    // the plus keeps SQLite off the index by sender: through it every message of the sender would
    // be read and sorted for every page
    sql_of(&[
        MESSAGE,
        ", m.row, NOT EXISTS (SELECT 1 FROM messages f
            WHERE f.exchange = m.exchange AND f.row < m.row), ",
        EXCHANGE,
        ", ",
        RECIPIENT,
        " FROM messages m CROSS JOIN exchanges e ON e.row = m.exchange
        CROSS JOIN recipients r ON r.message = m.row
        LEFT JOIN message_objects o ON o.message = m.row
        WHERE m.row > ?4 AND +m.sender = ?1 AND m.message_type = ?2 AND m.admitted_at >= ?3
        ORDER BY m.row, r.position",
    ])
}

/// Where in a row of [`kept_sql`] the message's row stands, and where its recipient begins.
const ROW_AT: usize = 16;
const RECIPIENT_AT: usize = 28;

fn parse_kept(row: &Row<'_>) -> Result<KeptMessage, StoreError> {
    let columns = Columns::of("messages", row);
    Ok(KeptMessage {
        message: parse_message_columns(&columns)?,
        row: columns.raw("row")?,
        opens: columns.raw("exchange")?,
        exchange: parse_exchange(&columns)?,
        recipients: Vec::with_capacity(1),
    })
}

pub(super) fn newest_message(db: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT 'newest', coalesce(max(row), 0) FROM messages";
    Ok(one(db, sql, [], |row| Columns::of("messages", row).raw("row"))?.unwrap_or(0))
}

pub(super) fn parse_message(row: &Row<'_>) -> Result<MessageRow, StoreError> {
    parse_message_columns(&Columns::of("messages", row))
}

fn parse_message_columns(columns: &Columns<'_, '_>) -> Result<MessageRow, StoreError> {
    Ok(MessageRow {
        sender: columns.address("sender")?,
        message_id: columns.word("message_id")?,
        message_type: columns.word("message_type")?,
        purpose: columns.purpose("purpose")?,
        digest: columns.digest("digest")?,
        state: columns.word("state")?,
        exchange: columns.word("exchange")?,
        receipt: columns.raw("receipt")?,
        entry: columns.count("entry")?,
        admitted_at: columns.raw("admitted_at")?,
        retention_until: columns.date("retention_until")?,
        object: columns.sealed("object")?,
    })
}

pub(super) fn recipients(
    db: &Connection,
    sender: &PartyId,
    id: &MessageId,
) -> Result<Vec<RecipientRow>, StoreError> {
    let sql = sql_of(&[
        "SELECT m.message_id, ",
        RECIPIENT,
        " FROM messages m JOIN recipients r ON r.message = m.row
        WHERE m.sender = ?1 AND m.message_id = ?2 ORDER BY r.position",
    ]);
    many(db, &sql, (sender.as_str(), id.as_str()), |row| {
        parse_recipient(&Columns::of("recipients", row), sender, *id)
    })
}

/// The next columns: a recipient, from its position on.
pub(super) fn parse_recipient(
    columns: &Columns<'_, '_>,
    sender: &PartyId,
    message_id: MessageId,
) -> Result<RecipientRow, StoreError> {
    Ok(RecipientRow {
        sender: sender.clone(),
        message_id,
        position: columns.raw("position")?,
        recipient: columns.word("recipient")?,
        state: columns.word("state")?,
        pending: columns.list("pending")?,
        code: columns.raw("code")?,
        policy: parse_pin_or_null(columns)?,
    })
}

fn parse_pin_or_null(columns: &Columns<'_, '_>) -> Result<Option<PolicyPin>, StoreError> {
    if columns.skip_null() { Ok(None) } else { parse_pin(columns).map(Some) }
}

/// The next three columns: a policy's id, version and digest.
pub(super) fn parse_pin(columns: &Columns<'_, '_>) -> Result<PolicyPin, StoreError> {
    Ok(PolicyPin {
        id: columns.raw("policy_id")?,
        version: columns.raw("policy_version")?,
        digest: columns.digest("policy_digest")?,
    })
}

pub(super) fn exchange(db: &Connection, id: &Id) -> Result<Option<ExchangeRow>, StoreError> {
    let sql = sql_of(&["SELECT e.id, ", EXCHANGE, " FROM exchanges e WHERE e.id = ?1"]);
    one(db, &sql, [id.as_str()], |row| parse_exchange(&Columns::of("exchanges", row)))
}

pub(super) fn parse_exchange(columns: &Columns<'_, '_>) -> Result<ExchangeRow, StoreError> {
    Ok(ExchangeRow {
        id: columns.word("id")?,
        state: columns.word("state")?,
        referrer: columns.word("referrer")?,
        receiver: columns.word("receiver")?,
        origin: columns.word("origin")?,
        onward: columns.list("onward")?,
        withheld: columns.list("withheld")?,
        subject: columns.word("subject")?,
        reference_date: columns.date("reference_date")?,
        opened_at: columns.raw("opened_at")?,
    })
}

pub(super) fn member(
    db: &Connection,
    reference: &ExchangeRef,
) -> Result<Option<MemberRow>, StoreError> {
    let sql = sql_of(&[MEMBER, "WHERE m.reference = ?1"]);
    one(db, &sql, [reference.as_str()], parse_member)
}

pub(super) fn members(db: &Connection, exchange: &Id) -> Result<Vec<MemberRow>, StoreError> {
    let sql = sql_of(&[MEMBER, "WHERE e.id = ?1 ORDER BY m.party"]);
    many(db, &sql, [exchange.as_str()], parse_member)
}

/// Whether `reference` was handed to `party`.
pub(super) fn was_handed(
    db: &Connection,
    party: &PartyId,
    reference: &Id,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM members
        WHERE subject_ref = ?2 AND party = ?1 AND handed = 1)";
    let row =
        one(db, sql, [party.as_str(), reference.as_str()], |row| row.get(0).map_err(database))?;
    Ok(row.unwrap_or(false))
}

fn parse_member(row: &Row<'_>) -> Result<MemberRow, StoreError> {
    let columns = Columns::of("members", row);
    Ok(MemberRow {
        reference: columns.word("reference")?,
        exchange: columns.word("exchange")?,
        party: columns.word("party")?,
        subject_ref: columns.word_or_null("subject_ref")?,
    })
}

pub(super) fn last_projection(
    db: &Connection,
    exchange: &Id,
    party: &PartyId,
    message_type: &str,
) -> Result<Option<Digest>, StoreError> {
    let sql = "SELECT e.id, p.digest FROM last_projections p
        JOIN exchanges e ON e.row = p.exchange
        WHERE e.id = ?1 AND p.party = ?2 AND p.message_type = ?3";
    one(db, sql, (exchange.as_str(), party.as_str(), message_type), |row| {
        Columns::of("last_projections", row).digest("digest")
    })
}

pub(super) fn hold(db: &Connection, id: &Id) -> Result<Option<HoldRow>, StoreError> {
    one(db, &sql_of(&[HOLD, "WHERE id = ?1"]), [id.as_str()], parse_hold)
}

pub(super) fn hold_at(db: &Connection, row: i64) -> Result<Option<HoldRow>, StoreError> {
    one(db, &sql_of(&[HOLD, "WHERE row = ?1"]), [row], parse_hold)
}

pub(super) fn holds(db: &Connection, decided_too: bool) -> Result<Vec<HoldRow>, StoreError> {
    let rest = if decided_too {
        "ORDER BY opened_at, row"
    } else {
        "WHERE released IS NULL ORDER BY opened_at, row"
    };
    many(db, &sql_of(&[HOLD, rest]), [], parse_hold)
}

pub(super) fn holds_of(
    db: &Connection,
    sender: &PartyId,
    id: &MessageId,
) -> Result<Vec<HoldRow>, StoreError> {
    let rest = "WHERE message = (SELECT row FROM messages WHERE sender = ?1 AND message_id = ?2)
        ORDER BY opened_at, row";
    many(db, &sql_of(&[HOLD, rest]), (sender.as_str(), id.as_str()), parse_hold)
}

fn parse_hold(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    let columns = Columns::of("holds", row);
    let hold = NewHold {
        id: columns.word("id")?,
        sender: columns.word("sender")?,
        message_id: columns.word("message_id")?,
        recipient: columns.word("recipient")?,
        release: columns.word_or_null("release")?,
        leaves: columns.list("leaves")?,
        findings: columns.list("findings")?,
        opened_at: columns.raw("opened_at")?,
        group: match (columns.raw("alike")?, columns.raw("needed")?) {
            (Some(alike), Some(needed)) => Some(GroupSize { alike, needed }),
            _ => None,
        },
        urgency: columns.word("urgency")?,
    };
    if columns.skip_null() {
        return Ok(HoldRow { hold, decision: None });
    }
    let decision = Decision {
        released: columns.raw("released")?,
        officer: columns.raw("officer")?,
        reason: columns.raw("reason")?,
        at: columns.raw("decided_at")?,
    };
    Ok(HoldRow { hold, decision: Some(decision) })
}

pub(super) fn policy_text(db: &Connection, digest: &Digest) -> Result<Option<String>, StoreError> {
    db.prepare_cached("SELECT text FROM policies WHERE digest = ?1")
        .and_then(|mut s| s.query_row([digest.as_bytes()], |row| row.get(0)).optional())
        .map_err(database)
}

pub(super) fn release_schema(
    db: &Connection,
    digest: &Digest,
    recipient: &PartyId,
) -> Result<Option<String>, StoreError> {
    db.prepare_cached("SELECT text FROM release_schemas WHERE digest = ?1 AND recipient = ?2")
        .and_then(|mut s| {
            s.query_row((digest.as_bytes(), recipient.as_str()), |row| row.get(0)).optional()
        })
        .map_err(database)
}

pub(super) fn backlog(db: &Connection) -> Result<Backlog, StoreError> {
    let tally = |sql| {
        one(db, sql, [], |row| {
            let columns = Columns::of("backlog", row);
            Ok((columns.count("count")?, columns.raw::<Option<i64>>("oldest")?))
        })
        .map(Option::unwrap_or_default)
    };
    let (queued, oldest_queued_at) =
        tally("SELECT 1, count(*), min(made_at) FROM release_states WHERE state = 'queued'")?;
    let (holds_open, oldest_hold_at) =
        tally("SELECT 1, count(*), min(opened_at) FROM holds WHERE released IS NULL")?;
    let (reviews_open, _) =
        tally("SELECT 1, count(*), min(opened_at) FROM reviews WHERE resumed IS NULL")?;
    Ok(Backlog { queued, oldest_queued_at, holds_open, oldest_hold_at, reviews_open })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_messages_reads_only_its_own_rows_and_sorts_nothing() {
        let db = Connection::open_in_memory().unwrap();
        for sql in [
            include_str!("../migrations/sqlite/0001_begin.sql"),
            include_str!("../migrations/sqlite/0002_fewer_pages.sql"),
        ] {
            db.execute_batch(sql).unwrap();
        }
        let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", kept_sql())).unwrap();
        let plan = explain.query_map(("bnpt", "referral/1", 0, 0), |row| row.get("detail"));
        let plan: Vec<String> = plan.unwrap().map(Result::unwrap).collect();
        let first = "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)";
        assert_eq!(plan.first().map(String::as_str), Some(first), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
    }
}
