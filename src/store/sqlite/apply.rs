//! One `Changes` on the database: preconditions, rows, positions in the ledgers.
//!
//! Runs inside a transaction that the writer opened; whoever gets a [`Stop`] undoes it. Rows that
//! others refer to (exchange, message, release) are written before the rest, so that a use case
//! need not know how the tables join.

use std::fmt;

use rusqlite::{Connection, ErrorCode, OptionalExtension, ffi, named_params};

use super::super::{Acknowledgement, Changes, EntrySlot, Requirement, StoreError, Write};
use super::database;
use super::ledgers::Position;
use crate::domain::{Address, Id, MessageId, PartyId};

/// Why a `Changes` is not applied.
#[derive(Debug)]
pub(super) enum Stop {
    /// A precondition does not hold.
    Conflict(Requirement),
    /// This one cannot be applied; the rest of the batch can.
    Only(StoreError),
    /// The database failed: nothing of the batch is believed.
    Batch(StoreError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let only = match &error {
            E::SqliteFailure(code, _) => matches!(
                code.code,
                ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
            ),
            E::ToSqlConversionFailure(_)
            | E::FromSqlConversionFailure(..)
            | E::InvalidColumnType(..)
            | E::IntegralValueOutOfRange(..)
            | E::QueryReturnedNoRows => true,
            _ => false,
        };
        if only { Self::Only(database(error)) } else { Self::Batch(database(error)) }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Inconsistent { .. } => Self::Only(error),
            StoreError::Busy
            | StoreError::Database(_)
            | StoreError::Gone
            | StoreError::UnknownVersion { .. } => Self::Batch(error),
        }
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Only(database(error))
    }
}

/// What one `Changes` is applied with.
#[derive(Debug)]
pub(super) struct Apply<'a> {
    pub(super) db: &'a Connection,
    positions: &'a [Position],
    /// The exchange and the message last named: nearly always the only ones.
    exchange: Option<(Id, i64)>,
    message: Option<(PartyId, MessageId, i64)>,
}

impl<'a> Apply<'a> {
    /// For entries that came to stand at `positions`.
    pub(super) fn new(db: &'a Connection, positions: &'a [Position]) -> Self {
        Self { db, positions, exchange: None, message: None }
    }

    /// Writes every row.
    pub(super) fn write_all(&mut self, writes: &[Write]) -> Result<(), Stop> {
        for turn in 0..=LAST_TURN {
            for write in writes.iter().filter(|write| turn_of(write) == turn) {
                self.write(write)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, write: &Write) -> Result<(), Stop> {
        match write {
            Write::Message(new) => self.insert_message(new),
            Write::Correction { sender, message_id: id, target } => {
                self.correct(sender, id, target)
            }
            Write::Erase(new) => self.erase(new),
            Write::EraseMessage { sender, message_id } => self.erase_message(sender, message_id),
            Write::Notify { erasure, sender, notice, parties } => {
                self.notify(*erasure, (sender, notice), parties)
            }
            Write::Confirm(new) => self.confirm(new),
            Write::MessageState { sender, message_id, state } => {
                self.message_state(sender, message_id, *state)
            }
            Write::Recipient(row) => self.insert_recipient(row),
            Write::RecipientState { sender, message_id, recipient, state, pending } => {
                let message = self.message(sender, message_id)?;
                self.recipient_state(message, recipient, *state, pending)
            }
            Write::RecipientPending { sender, message_id, recipient, pending } => {
                let message = self.message(sender, message_id)?;
                self.recipient_pending(message, recipient, pending)
            }
            Write::RecipientPolicy { sender, message_id, recipient, policy } => {
                self.recipient_policy((sender, message_id), recipient, policy)
            }
            Write::Exchange(row) => self.insert_exchange(row),
            Write::PassedOn { exchange, parent } => self.passed_on(*exchange, *parent),
            Write::Thread { exchange, state } => self.thread_state(*exchange, *state),
            Write::Withheld { exchange, parties } => self.withhold(*exchange, parties),
            Write::Member(row) => self.insert_member(row),
            Write::MemberSubject { exchange, party, subject_ref } => {
                self.member_subject(*exchange, party, *subject_ref)
            }
            Write::LastProjection { exchange, party, message_type, digest } => {
                self.last_projection(*exchange, party, message_type, digest)
            }
            Write::Release(new) => self.queue(new),
            Write::Wait(release) => self.wait(*release),
            Write::Request(row) => self.insert_request(row),
            Write::DecideRequest { exchange, decision } => self.decide_request(*exchange, decision),
            Write::CloseRequest(exchange) => self.close_request(*exchange),
            Write::Remake(new) => self.remake(new),
            Write::CancelRelease(release) => self.cancel(*release),
            Write::HandOut { view, releases } => self.hand_out(view, releases),
            Write::Acknowledge(word) => self.acknowledge(word),
            Write::Hold(hold) => self.insert_hold(hold),
            Write::Decide { hold, decision } => self.decide(*hold, decision),
            Write::Version(new) => self.write_version(new),
            Write::VersionState { key, state, effective_at } => {
                self.version_state(key, *state, *effective_at)
            }
            Write::Step { key, step } => self.insert_step(key, step),
            Write::Known(row) => self.know(row),
            Write::Uncount { exchange, party, key } => self.uncount(*exchange, party, key),
            Write::Fold(exchange) => self.fold(*exchange),
            Write::OpenReview(review) => self.open_review(review),
            Write::DecideReview { review, decision } => self.decide_review(*review, decision),
            Write::Policy { digest, text } => self.keep_policy(digest, text),
            Write::ReleaseSchema { digest, recipient, text } => {
                self.keep_release_schema(digest, recipient, text)
            }
            Write::Assertion { party, jti, expires_at } => {
                self.insert_assertion(party, jti, *expires_at)
            }
            Write::Ticket { key, value, expires_at } => self.keep_ticket(key, value, *expires_at),
            Write::DropTicket(key) => self.drop_ticket(key),
            Write::Refusal(refusal) => self.insert_refusal(refusal),
            Write::Rules { digest } => self.raise_generation(digest),
        }
    }

    /// Index of the entry in `slot`, which must be one of `party`'s own ledger.
    pub(super) fn entry(&self, slot: EntrySlot, party: &PartyId) -> Result<i64, Stop> {
        self.entry_in(slot, party.as_str())
    }

    /// Index of the entry in `slot`, which must be one of `ledger`.
    pub(super) fn entry_in(&self, slot: EntrySlot, ledger: &str) -> Result<i64, Stop> {
        self.positions
            .get(slot.0)
            .filter(|position| position.ledger == ledger)
            .and_then(|position| i64::try_from(position.index).ok())
            .ok_or_else(|| inconsistent("ledger_entries", "ledger", ledger))
    }

    /// Row of an exchange, which must be there.
    pub(super) fn exchange(&mut self, id: Id) -> Result<i64, Stop> {
        if let Some((_, row)) = self.exchange.filter(|(known, _)| *known == id) {
            return Ok(row);
        }
        let row = exchange_row(self.db, id)?.ok_or_else(|| inconsistent("exchanges", "id", id))?;
        self.exchange = Some((id, row));
        Ok(row)
    }

    /// Row of a message, which must be there.
    pub(super) fn message(&mut self, sender: &PartyId, id: &MessageId) -> Result<i64, Stop> {
        if let Some((known, known_id, row)) = &self.message
            && known == sender
            && known_id == id
        {
            return Ok(*row);
        }
        let row = self
            .db
            .prepare_cached("SELECT row FROM messages WHERE sender = ?1 AND message_id = ?2")?
            .query_row((sender.as_str(), id.as_str()), |row| row.get(0))
            .optional()?
            .ok_or_else(|| inconsistent("messages", "message_id", id))?;
        self.message = Some((sender.clone(), *id, row));
        Ok(row)
    }

    /// Remembers the row of a message just written.
    pub(super) fn know_message(&mut self, sender: &PartyId, id: &MessageId, row: i64) {
        self.message = Some((sender.clone(), *id, row));
    }

    /// Remembers the row of an exchange just written.
    pub(super) fn know_exchange(&mut self, id: Id, row: i64) {
        self.exchange = Some((id, row));
    }
}

const LAST_TURN: u8 = 3;

/// Rows that others refer to go first.
fn turn_of(write: &Write) -> u8 {
    match write {
        Write::Exchange(_) => 0,
        Write::Message(_) | Write::Version(_) => 1,
        Write::Release(_) => 2,
        _ => LAST_TURN,
    }
}

/// Row of an exchange.
pub(super) fn exchange_row(db: &Connection, id: Id) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT row FROM exchanges WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
}

/// Says of a row that must be there that it is not, or of one that is that it should not be.
pub(super) fn inconsistent(
    table: &'static str,
    column: &'static str,
    key: impl fmt::Display,
) -> Stop {
    Stop::Only(StoreError::Inconsistent { table, column, row: key.to_string() })
}

/// An update must change exactly one row.
pub(super) fn exactly_one(changed: usize, otherwise: impl FnOnce() -> Stop) -> Result<(), Stop> {
    if changed == 1 { Ok(()) } else { Err(otherwise()) }
}

/// A row that is there already is the precondition that does not hold.
pub(super) fn unless_there<T>(
    outcome: rusqlite::Result<T>,
    requirement: impl FnOnce() -> Requirement,
) -> Result<T, Stop> {
    outcome.map_err(|error| match &error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.extended_code,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                    | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                    | ffi::SQLITE_CONSTRAINT_ROWID
            ) =>
        {
            Stop::Conflict(requirement())
        }
        _ => Stop::from(error),
    })
}

/// The latest moment that a row of `changes` was stamped with by the gateway's own clock.
pub(super) fn stamped_at(changes: &Changes) -> Option<i64> {
    changes
        .writes
        .iter()
        .filter_map(|write| match write {
            Write::Message(new) => Some(new.admitted_at),
            Write::Acknowledge(Acknowledgement { at, .. }) => Some(*at),
            Write::Hold(hold) => Some(hold.opened_at),
            Write::Step { step, .. } => Some(step.at),
            Write::DecideRequest { decision, .. } => Some(decision.at),
            Write::OpenReview(review) => Some(review.opened_at),
            Write::Decide { decision, .. } | Write::DecideReview { decision, .. } => {
                Some(decision.at)
            }
            Write::Refusal(refusal) => Some(refusal.at),
            _ => None,
        })
        .max()
}

/// Forgets assertions that expired more than a day before `now`, a bounded number at a time.
pub(super) fn forget_expired(db: &Connection, now: i64) -> rusqlite::Result<usize> {
    const DAY_SECONDS: i64 = 86_400;
    db.prepare_cached(
        "DELETE FROM assertions WHERE (party, jti) IN (
             SELECT party, jti FROM assertions WHERE expires_at < :before LIMIT 1000)",
    )?
    .execute(named_params! { ":before": now.saturating_sub(DAY_SECONDS) })
}

/// The views in which a release to `recipient` waits: the whole party's, and the unit's.
pub(super) fn views(recipient: &Address) -> impl Iterator<Item = Address> {
    let party = Address::party(recipient.party.clone());
    let unit = recipient.unit.is_some().then(|| recipient.clone());
    std::iter::once(party).chain(unit)
}
