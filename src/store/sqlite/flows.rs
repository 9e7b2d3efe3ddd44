//! Counting what flows: messages and releases by edge and day, never by whom they are about.

use rusqlite::{Connection, Row, named_params};

use super::super::{ContactRow, FlowRow, Flows, QueueRow, StoreError};
use super::columns::Columns;
use super::read::{many, one};
use crate::domain::PartyId;

const SENT: &str = "SELECT m.row, m.sender, m.unit, r.recipient,
        (m.admitted_at + 25200) / 86400 AS day, count(*)
    FROM messages m CROSS JOIN recipients r ON r.message = m.row
    WHERE m.row >= :first AND m.admitted_at >= :since
        AND (:party IS NULL OR +m.sender = :party) AND r.state <> 'refused'
    GROUP BY m.sender, m.unit, r.recipient, day";
const RECEIVED: &str = "SELECT r.row, r.sender, r.party, r.unit,
        (r.made_at + 25200) / 86400 AS day, count(*)
    FROM releases r CROSS JOIN release_states s ON s.release = r.row
    WHERE r.party = :party AND r.made_at >= :since AND r.supplements IS NULL
        AND s.state IN ('collected', 'acknowledged', 'rejected')
    GROUP BY r.sender, r.unit, day";
const QUEUES: &str = "SELECT min(release), substr(edge, 1, instr(edge, '>') - 1),
        substr(edge, instr(edge, '>') + 1), count(*), min(made_at)
    FROM release_states WHERE state = 'queued' GROUP BY edge";

pub(super) fn flows(
    db: &Connection,
    party: Option<&PartyId>,
    since: i64,
) -> Result<Flows, StoreError> {
    let first = first_since(db, since)?;
    let key = named_params! {
        ":party": party.map(PartyId::as_str), ":since": since, ":first": first
    };
    let sent = many(db, SENT, key, |row| {
        let columns = Columns::of("messages", row);
        Ok(FlowRow {
            sender: columns.address("sender")?,
            recipient: columns.word("recipient")?,
            day: columns.raw("day")?,
            count: columns.count("count")?,
        })
    })?;
    let Some(party) = party else { return Ok(Flows { sent, received: Vec::new() }) };
    let key = named_params! { ":party": party.as_str(), ":since": since };
    let received = many(db, RECEIVED, key, |row| {
        let columns = Columns::of("releases", row);
        Ok(FlowRow {
            sender: columns.word("sender")?,
            recipient: columns.address("party")?,
            day: columns.raw("day")?,
            count: columns.count("count")?,
        })
    })?;
    Ok(Flows { sent, received })
}

/// A row before which every message is older, found by halving: rows grow with time, but for
/// messages of one second and a clock that was set back by less than an hour.
fn first_since(db: &Connection, since: i64) -> Result<i64, StoreError> {
    const SET_BACK_S: i64 = 3600;
    let newest = "SELECT row, row FROM messages ORDER BY row DESC LIMIT 1";
    let newest: Option<i64> = one(db, newest, [], |row| Columns::of("messages", row).raw("row"))?;
    let (mut low, mut high) = (0, newest.unwrap_or(0));
    while low < high {
        let middle = low + (high - low) / 2;
        let next = "SELECT row, admitted_at FROM messages WHERE row > ?1 ORDER BY row LIMIT 1";
        let at: Option<i64> =
            one(db, next, [middle], |row| Columns::of("messages", row).raw("admitted_at"))?;
        if at.is_some_and(|at| at < since.saturating_sub(SET_BACK_S)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

pub(super) fn queues(db: &Connection) -> Result<Vec<QueueRow>, StoreError> {
    many(db, QUEUES, [], |row| {
        let columns = Columns::of("release_states", row);
        Ok(QueueRow {
            sender: columns.word("edge")?,
            recipient: columns.word("edge")?,
            count: columns.count("count")?,
            oldest_at: columns.raw("oldest")?,
        })
    })
}

const FEW: i64 = 200;
const HOW_MANY: &str = "SELECT 0, count(*) FROM (
    SELECT 1 FROM messages WHERE sender = :party LIMIT 200)";
const FEW_TO_ANYONE: &str = "SELECT row, max(admitted_at) FROM messages
    WHERE sender = :party AND :with IS NULL HAVING count(*) > 0";
const FEW_TO_ONE: &str = "SELECT r.row, max(r.made_at)
    FROM messages m CROSS JOIN releases r ON r.message = m.row
    CROSS JOIN release_states s ON s.release = r.row
    WHERE m.sender = :party AND r.party = :with
        AND s.state IN ('collected', 'acknowledged', 'rejected') HAVING count(*) > 0";
const SENT_TO_ANYONE: &str = "SELECT row, admitted_at FROM messages
    WHERE +sender = :party AND :with IS NULL ORDER BY row DESC LIMIT 1";
/// View by view, among what was handed out: what waits is not even looked at.
const SENT_TO_ONE: &str = "SELECT 0, max((
        SELECT r.made_at FROM handed_out h CROSS JOIN releases r ON r.row = h.release
        WHERE h.view = v.view
            AND substr(r.sender || '/', 1, length(:party) + 1) = :party || '/'
        ORDER BY h.seq DESC LIMIT 1)) AS at
    FROM seqs v WHERE v.view = :with OR v.view > :with || '/' AND v.view < :with || '0'
    HAVING at IS NOT NULL";
const RELEASED: &str = "SELECT r.row, r.made_at
    FROM releases r CROSS JOIN release_states s ON s.release = r.row
    WHERE r.party = :party AND s.state <> 'cancelled'
        AND (:with IS NULL OR substr(r.sender || '/', 1, length(:with) + 1) = :with || '/')
    ORDER BY r.made_at DESC LIMIT 1";
const ACKNOWLEDGED: &str = "SELECT 0, max((
        SELECT a.at FROM handed_out h CROSS JOIN acknowledgements a ON a.release = h.release
            CROSS JOIN releases r ON r.row = h.release
        WHERE h.view = v.view AND h.acknowledged = 1
            AND (:with IS NULL OR substr(r.sender || '/', 1, length(:with) + 1) = :with || '/')
        ORDER BY h.seq DESC LIMIT 1)) AS at
    FROM seqs v WHERE v.view = :party OR v.view > :party || '/' AND v.view < :party || '0'
    HAVING at IS NOT NULL";

/// Who sent little is looked up by what it sent, who sent much from the newest on: neither way
/// reads everything.
pub(super) fn contact(
    db: &Connection,
    party: &PartyId,
    with: Option<&PartyId>,
) -> Result<ContactRow, StoreError> {
    let at = |sql| {
        let key = named_params! { ":party": party.as_str(), ":with": with.map(PartyId::as_str) };
        one(db, sql, key, |row: &Row<'_>| Columns::of("contact", row).raw("at"))
    };
    let key = named_params! { ":party": party.as_str() };
    let count = |row: &Row<'_>| Columns::of("messages", row).raw::<i64>("count");
    let is_few = one(db, HOW_MANY, key, count)?.is_none_or(|count| count < FEW);
    let sent = match (is_few, with) {
        (true, None) => FEW_TO_ANYONE,
        (true, Some(_)) => FEW_TO_ONE,
        (false, None) => SENT_TO_ANYONE,
        (false, Some(_)) => SENT_TO_ONE,
    };
    Ok(ContactRow {
        sent_at: at(sent)?,
        released_at: at(RELEASED)?,
        acknowledged_at: at(ACKNOWLEDGED)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        for sql in [
            include_str!("../migrations/sqlite/0001_begin.sql"),
            include_str!("../migrations/sqlite/0002_fewer_pages.sql"),
            include_str!("../migrations/sqlite/0004_budget.sql"),
            include_str!("../migrations/sqlite/0008_desk.sql"),
        ] {
            db.execute_batch(sql).unwrap();
        }
        db.execute_batch(
            "PRAGMA foreign_keys = OFF;
             WITH m (sender, unit, id, at) AS (VALUES
                 ('bnpt', NULL, 'a', 0), ('bnpt', NULL, 'b', 86400), ('kemensos', 'one', 'c', 90000))
             INSERT INTO messages (sender, unit, message_id, message_type, purpose, digest, state,
                 exchange, entry, admitted_at, retention_until, receipt)
             SELECT sender, unit, id, 'status/1', 'p', x'00', 'admitted', 1, 1, at, '', '' FROM m;
             INSERT INTO recipients (message, position, recipient, state) VALUES
                 (1, 0, 'kemensos', 'queued'), (2, 0, 'kemensos/one', 'queued'),
                 (2, 1, 'cuta-be', 'refused'), (3, 0, 'bnpt', 'suspended');
             WITH r (id, party, unit, message, sender, supplements, at) AS (VALUES
                 ('x', 'kemensos', 'one', 2, 'bnpt', NULL, 86400),
                 ('y', 'kemensos', 'one', 2, 'bnpt', 'x', 86401),
                 ('z', 'bnpt', NULL, 3, 'kemensos/one', NULL, 90000))
             INSERT INTO releases (release_id, party, unit, exchange, message, sender, message_id,
                 message_type, digest, policy_id, policy_version, policy_digest, release_schema,
                 origin_salt, supplements, urgent, made_at, statement)
             SELECT id, party, unit, 1, message, sender, 'b', 'status/1', x'00', 'p', 1, x'00', x'00',
                 '', supplements, 0, at, '' FROM r;
             INSERT INTO release_states (release, state, made_at, edge) VALUES
                 (1, 'acknowledged', 86400, 'bnpt>kemensos/one'),
                 (2, 'collected', 86401, 'bnpt>kemensos/one'),
                 (3, 'queued', 90000, 'kemensos/one>bnpt');
             INSERT INTO acknowledgements (release, received, jws, receipt, entry, at)
                 VALUES (1, 1, '', '', 1, 86500);
             INSERT INTO seqs (view, next) VALUES ('kemensos/one', 2);
             INSERT INTO handed_out (view, seq, release, acknowledged)
                 VALUES ('kemensos/one', 1, 1, 1), ('kemensos/one', 2, 2, 0);",
        )
        .unwrap();
        db
    }

    fn said(rows: &[FlowRow]) -> Vec<String> {
        let one =
            |row: &FlowRow| format!("{} {} {} {}", row.sender, row.recipient, row.day, row.count);
        rows.iter().map(one).collect()
    }

    #[test]
    fn a_party_counts_what_it_sent_and_was_handed_and_nothing_else() {
        let db = store();
        let of = |party: &str, since| {
            let flows = flows(&db, Some(&party.parse().unwrap()), since).unwrap();
            (said(&flows.sent), said(&flows.received))
        };
        let day_one = "bnpt kemensos/one 1 1".to_owned();
        let suspended = "kemensos/one bnpt 1 1".to_owned();
        assert_eq!(of("bnpt", 1), (vec![day_one.clone()], vec![]));
        // what waits or is suspended is not yet there for whom it is for
        assert_eq!(of("kemensos", 1), (vec![suspended], vec![day_one]));
        assert_eq!(flows(&db, None, 0).unwrap().sent.len(), 3);
        let queues = queues(&db).unwrap();
        assert_eq!((queues.len(), queues[0].count, queues[0].oldest_at), (1, 1, 90000));
    }

    #[test]
    fn the_first_message_of_a_span_is_found_by_halving() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE messages (row INTEGER PRIMARY KEY, admitted_at INTEGER)")
            .unwrap();
        assert_eq!(first_since(&db, 5).unwrap(), 0);
        for row in (1..200).filter(|row| row % 7 != 0) {
            let sql = "INSERT INTO messages VALUES (?1, ?2)";
            db.execute(sql, [row, row / 2 * 10_000]).unwrap();
        }
        for since in [0, 3_600, 10_000, 500_000, 993_599, 2_000_000] {
            let first = first_since(&db, since).unwrap();
            let lost = "SELECT count(*) FROM messages WHERE row < ?1 AND admitted_at >= ?2";
            let lost: i64 = db.query_row(lost, [first, since], |row| row.get(0)).unwrap();
            let older = "SELECT count(*) FROM messages WHERE row >= ?1 AND admitted_at < ?2 - 3600";
            let older: i64 = db.query_row(older, [first, since], |row| row.get(0)).unwrap();
            // at most the one row that the halving ended on
            assert!(lost == 0 && older <= 1, "{since}: {first}, {lost}, {older}");
        }
    }

    #[test]
    fn a_partner_was_last_heard_of_by_whom_it_wrote_to() {
        let db = store();
        let party = |text: &str| text.parse::<PartyId>().unwrap();
        let with = party("kemensos");
        let one = contact(&db, &party("bnpt"), Some(&with)).unwrap();
        assert_eq!(
            (one.sent_at, one.released_at, one.acknowledged_at),
            (Some(86401), Some(90000), None)
        );
        let other = contact(&db, &party("kemensos"), Some(&party("bnpt"))).unwrap();
        assert_eq!((other.sent_at, other.acknowledged_at), (None, Some(86500)));
        assert_eq!(contact(&db, &party("bnpt"), None).unwrap().sent_at, Some(86400));
        assert_eq!(contact(&db, &party("cuta-be"), Some(&with)).unwrap(), ContactRow::default());
    }

    #[test]
    fn who_sent_much_is_heard_of_as_who_sent_little() {
        let db = store();
        let party = |text: &str| text.parse::<PartyId>().unwrap();
        let with = party("kemensos");
        let few = contact(&db, &party("bnpt"), Some(&with)).unwrap();
        db.execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
             INSERT INTO messages (sender, message_id, message_type, purpose, digest, state,
                 exchange, entry, admitted_at, retention_until, receipt)
             SELECT 'bnpt', 'm' || n, 'status/1', 'p', x'00', 'admitted', 1, 1, n, '', '' FROM n;",
        )
        .unwrap();
        assert_eq!(contact(&db, &party("bnpt"), Some(&with)).unwrap(), few);
        assert_eq!(contact(&db, &party("bnpt"), None).unwrap().sent_at, Some(500));
    }
}
