//! Reviews: what suspends sharing in an exchange, and the exchanges that a case passed through.
//!
//! INVARIANT: of one exchange, kind and party at most one review stands (an index says so too).

use rusqlite::{Connection, Row, named_params};

use super::super::rows::PolicyPin;
use super::super::{Decision, NewReview, RecipientRow, Requirement, ReviewRow, StoreError};
use super::apply::{Apply, Stop, exactly_one, inconsistent};
use super::columns::{Columns, address};
use super::read::{many, one, parse_recipient};
use super::sql_of;
use crate::domain::{Address, Id, MessageId, PartyId};

const REVIEW: &str = "SELECT id, id, exchange, kind, party, opened_at, due_at, stands, resumed,
        officer, reason, decided_at
    FROM reviews ";

pub(super) fn review(db: &Connection, id: &Id) -> Result<Option<ReviewRow>, StoreError> {
    one(db, &sql_of(&[REVIEW, "WHERE id = ?1"]), [id.as_str()], parse_review)
}

pub(super) fn review_at(db: &Connection, row: i64) -> Result<Option<ReviewRow>, StoreError> {
    one(db, &sql_of(&[REVIEW, "WHERE row = ?1"]), [row], parse_review)
}

pub(super) fn reviews(db: &Connection, decided_too: bool) -> Result<Vec<ReviewRow>, StoreError> {
    let rest = if decided_too {
        "ORDER BY opened_at, row"
    } else {
        "WHERE resumed IS NULL ORDER BY opened_at, row"
    };
    many(db, &sql_of(&[REVIEW, rest]), [], parse_review)
}

pub(super) fn reviews_in(db: &Connection, exchanges: &[Id]) -> Result<Vec<ReviewRow>, StoreError> {
    let sql = sql_of(&[REVIEW, "WHERE exchange = ?1 ORDER BY row"]);
    let mut found = Vec::new();
    for exchange in exchanges {
        found.extend(many(db, &sql, [exchange.as_str()], parse_review)?);
    }
    Ok(found)
}

fn parse_review(row: &Row<'_>) -> Result<ReviewRow, StoreError> {
    let columns = Columns::of("reviews", row);
    let review = NewReview {
        id: columns.word("id")?,
        exchange: columns.word("exchange")?,
        kind: columns.word("kind")?,
        party: columns.word_or_null("party")?,
        opened_at: columns.raw("opened_at")?,
        due_at: columns.raw("due_at")?,
    };
    let stands = columns.raw("stands")?;
    if columns.skip_null() {
        return Ok(ReviewRow { review, stands, decision: None });
    }
    let decision = Decision {
        released: columns.raw("resumed")?,
        officer: columns.raw("officer")?,
        reason: columns.raw("reason")?,
        at: columns.raw("decided_at")?,
    };
    Ok(ReviewRow { review, stands, decision: Some(decision) })
}

pub(super) fn suspended_in(
    db: &Connection,
    exchange: &Id,
) -> Result<Vec<RecipientRow>, StoreError> {
    let sql = "SELECT m.message_id, m.sender, m.message_id, r.position, r.recipient, r.state,
            r.pending, r.code, r.policy_id, r.policy_version, r.policy_digest
        FROM exchanges e CROSS JOIN messages m ON m.exchange = e.row
        CROSS JOIN recipients r ON r.message = m.row
        WHERE e.id = ?1 AND r.state = 'suspended' ORDER BY m.row, r.position";
    many(db, sql, [exchange.as_str()], |row| {
        let columns = Columns::of("recipients", row);
        let (sender, message_id) = (columns.word("sender")?, columns.word("message_id")?);
        parse_recipient(&columns, &sender, message_id)
    })
}

pub(super) fn family(db: &Connection, exchange: &Id) -> Result<Vec<Id>, StoreError> {
    // up to where the case began, then down to everywhere it went
    let sql = "WITH RECURSIVE
            up (id) AS (VALUES (?1)
                UNION SELECT p.parent FROM up JOIN passed_on p ON p.exchange = up.id),
            down (id) AS (SELECT id FROM up
                UNION SELECT p.exchange FROM down JOIN passed_on p ON p.parent = down.id)
        SELECT id, id FROM down ORDER BY id";
    many(db, sql, [exchange.as_str()], |row| Columns::of("passed_on", row).word("exchange"))
}

impl Apply<'_> {
    /// The reviews that stand in an exchange, oldest first.
    pub(super) fn stands(&self, exchange: Id) -> Result<Vec<Id>, Stop> {
        let sql = "SELECT id, id FROM reviews WHERE exchange = ?1 AND stands = 1 ORDER BY row";
        let key = [exchange.as_str()];
        Ok(many(self.db, sql, key, |row| Columns::of("reviews", row).word("id"))?)
    }

    pub(super) fn open_review(&self, new: &NewReview) -> Result<(), Stop> {
        let same = named_params! {
            ":exchange": new.exchange.as_str(),
            ":kind": new.kind.as_str(),
            ":party": new.party.as_ref().map(PartyId::as_str),
        };
        let is_open = self
            .db
            .prepare_cached(
                "SELECT 1 FROM reviews WHERE exchange = :exchange AND kind = :kind
                     AND party IS :party AND stands = 1 AND resumed IS NULL",
            )?
            .exists(same)?;
        if is_open {
            return Ok(());
        }
        // one that was decided to keep: what is asked anew is decided anew
        self.db
            .prepare_cached(
                "UPDATE reviews SET stands = 0 WHERE exchange = :exchange AND kind = :kind
                     AND party IS :party AND stands = 1",
            )?
            .execute(same)?;
        self.db
            .prepare_cached(
                "INSERT INTO reviews (id, exchange, kind, party, opened_at, due_at, stands)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
            )?
            .execute((
                new.id.as_str(),
                new.exchange.as_str(),
                new.kind.as_str(),
                new.party.as_ref().map(PartyId::as_str),
                new.opened_at,
                new.due_at,
            ))?;
        Ok(())
    }

    pub(super) fn decide_review(&self, review: Id, decision: &Decision) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE reviews SET resumed = :resumed, stands = NOT :resumed, officer = :officer,
                     reason = :reason, decided_at = :at
                 WHERE id = :id AND resumed IS NULL",
            )?
            .execute(named_params! {
                ":id": review.as_str(),
                ":resumed": decision.released,
                ":officer": decision.officer,
                ":reason": decision.reason,
                ":at": decision.at,
            })?;
        exactly_one(changed, || Stop::Conflict(Requirement::ReviewOpen(review)))
    }

    pub(super) fn passed_on(&self, exchange: Id, parent: Id) -> Result<(), Stop> {
        self.db
            .prepare_cached("INSERT INTO passed_on (exchange, parent) VALUES (?1, ?2)")?
            .execute((exchange.as_str(), parent.as_str()))?;
        Ok(())
    }

    pub(super) fn recipient_policy(
        &mut self,
        (sender, message_id): (&PartyId, &MessageId),
        recipient: &Address,
        policy: &PolicyPin,
    ) -> Result<(), Stop> {
        let message = self.message(sender, message_id)?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE recipients SET policy_id = ?3, policy_version = ?4, policy_digest = ?5
                 WHERE message = ?1 AND recipient = ?2",
            )?
            .execute((
                message,
                address(recipient),
                &policy.id,
                policy.version,
                policy.digest.as_bytes(),
            ))?;
        exactly_one(changed, || inconsistent("recipients", "policy_id", message))
    }
}
