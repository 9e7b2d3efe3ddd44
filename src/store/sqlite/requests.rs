//! Information requests and what became of them.

use rusqlite::{Connection, Row, named_params};

use super::super::{RequestDecision, RequestRow, Requirement, StoreError};
use super::apply::{Apply, Stop, exactly_one};
use super::columns::{Columns, address};
use super::read::{many, one};
use super::sql_of;
use crate::domain::{Id, MessageId, PartyId};

const REQUEST: &str = "SELECT exchange, exchange, about, topic, asker, asked, message_id, purpose,
        respond_by, answer_at, opened_at, closed, outcome, answer, officer, reason, decided_at
    FROM requests ";

pub(super) fn request(db: &Connection, exchange: &Id) -> Result<Option<RequestRow>, StoreError> {
    one(db, &sql_of(&[REQUEST, "WHERE exchange = ?1"]), [exchange.as_str()], parse)
}

pub(super) fn answered_by(
    db: &Connection,
    sender: &PartyId,
    answer: &MessageId,
) -> Result<Option<RequestRow>, StoreError> {
    // a message id is its sender's own
    let of = "WHERE answer = ?1 AND substr(asked || '/', 1, length(?2) + 1) = ?2 || '/'";
    one(db, &sql_of(&[REQUEST, of]), (answer.as_str(), sender.as_str()), parse)
}

pub(super) fn requests(db: &Connection, closed_too: bool) -> Result<Vec<RequestRow>, StoreError> {
    let rest = if closed_too { "ORDER BY row" } else { "WHERE closed = 0 ORDER BY row" };
    many(db, &sql_of(&[REQUEST, rest]), [], parse)
}

pub(super) fn due(db: &Connection, now: i64) -> Result<Vec<RequestRow>, StoreError> {
    let sql = sql_of(&[REQUEST, "WHERE closed = 0 AND answer_at <= ?1 ORDER BY row"]);
    many(db, &sql, [now], parse)
}

pub(super) fn next_answer(
    db: &Connection,
    asker: &PartyId,
    now: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT 1, min(answer_at) FROM requests
        WHERE closed = 0 AND answer_at > ?1
            AND substr(asker || '/', 1, length(?2) + 1) = ?2 || '/'";
    let next = one(db, sql, (now, asker.as_str()), |row| {
        Columns::of("requests", row).raw::<Option<i64>>("answer_at")
    })?;
    Ok(next.flatten())
}

fn parse(row: &Row<'_>) -> Result<RequestRow, StoreError> {
    let columns = Columns::of("requests", row);
    Ok(RequestRow {
        exchange: columns.word("exchange")?,
        about: columns.word_or_null("about")?,
        is_topic: columns.raw("topic")?,
        asker: columns.word("asker")?,
        asked: columns.word("asked")?,
        message_id: columns.word("message_id")?,
        purpose: columns.purpose("purpose")?,
        respond_by: columns.date("respond_by")?,
        answer_at: columns.raw("answer_at")?,
        opened_at: columns.raw("opened_at")?,
        is_closed: columns.raw("closed")?,
        decision: if columns.skip_null() { None } else { Some(decision(&columns)?) },
    })
}

fn decision(columns: &Columns<'_, '_>) -> Result<RequestDecision, StoreError> {
    Ok(RequestDecision {
        outcome: columns.word("outcome")?,
        answer: columns.word_or_null("answer")?,
        officer: columns.raw("officer")?,
        reason: columns.raw("reason")?,
        at: columns.raw("decided_at")?,
    })
}

impl Apply<'_> {
    pub(super) fn is_undecided(&self, exchange: &Id) -> Result<bool, Stop> {
        let sql = "SELECT 1 FROM requests WHERE exchange = ?1 AND outcome IS NULL";
        self.exists(sql, &[exchange.as_str()])
    }

    pub(super) fn is_open(&self, exchange: &Id) -> Result<bool, Stop> {
        let sql = "SELECT 1 FROM requests WHERE exchange = ?1 AND closed = 0";
        self.exists(sql, &[exchange.as_str()])
    }

    pub(super) fn insert_request(&self, new: &RequestRow) -> Result<(), Stop> {
        self.db
            .prepare_cached(
                "INSERT INTO requests (exchange, about, topic, asker, asked, message_id, purpose,
                     respond_by, answer_at, opened_at, closed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute((
                new.exchange.as_str(),
                new.about.as_ref().map(Id::as_str),
                new.is_topic,
                address(&new.asker),
                address(&new.asked),
                new.message_id.as_str(),
                new.purpose.to_string(),
                new.respond_by.to_string(),
                new.answer_at,
                new.opened_at,
                new.is_closed,
            ))?;
        Ok(())
    }

    pub(super) fn decide_request(
        &self,
        exchange: Id,
        decision: &RequestDecision,
    ) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE requests SET outcome = :outcome, answer = :answer, officer = :officer,
                     reason = :reason, decided_at = :at
                 WHERE exchange = :exchange AND outcome IS NULL AND closed = 0",
            )?
            .execute(named_params! {
                ":exchange": exchange.as_str(),
                ":outcome": decision.outcome.as_str(),
                ":answer": decision.answer.as_ref().map(MessageId::as_str),
                ":officer": decision.officer,
                ":reason": decision.reason,
                ":at": decision.at,
            })?;
        exactly_one(changed, || Stop::Conflict(Requirement::RequestUndecided(exchange)))
    }

    pub(super) fn close_request(&self, exchange: Id) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached("UPDATE requests SET closed = 1 WHERE exchange = ?1 AND closed = 0")?
            .execute([exchange.as_str()])?;
        exactly_one(changed, || Stop::Conflict(Requirement::RequestOpen(exchange)))
    }
}
