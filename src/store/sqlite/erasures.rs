//! Erasing payloads, and who was told to erase and said so.
//!
//! INVARIANT: of an erased payload neither its key nor its ciphertext is left in any row; every
//! proof of it is.

use rusqlite::{Connection, Row, named_params};

use super::super::rows::{Confirmed, ErasureRow, NewConfirmation, NewErasure, NoticeRow};
use super::super::{Requirement, StoreError};
use super::apply::{Apply, Stop, exactly_one, inconsistent, unless_there};
use super::columns::{Columns, address};
use super::read::many;
use super::sql_of;
use crate::domain::{Id, MessageId, PartyId};

const NOTICE: &str = "SELECT m.message_id, x.id, m.sender, m.message_id, n.party, n.result,
        n.legal_basis, n.erased_on, n.confirmed_at
    FROM erasure_notices n JOIN erasures x ON x.row = n.erasure
    JOIN messages m ON m.row = n.notice ";

pub(super) fn erasures(db: &Connection) -> Result<Vec<ErasureRow>, StoreError> {
    let sql = "SELECT id, id, exchange, whole, messages, reason, party, officer, erase_by,
            include_backups, recoverable_until, at
        FROM erasures ORDER BY row";
    many(db, sql, [], |row| {
        let columns = Columns::of("erasures", row);
        Ok(ErasureRow {
            id: columns.word("id")?,
            exchange: columns.word("exchange")?,
            whole: columns.raw("whole")?,
            messages: columns.raw("messages")?,
            reason: columns.raw("reason")?,
            party: columns.word("party")?,
            officer: columns.raw("officer")?,
            erase_by: columns.date("erase_by")?,
            include_backups: columns.raw("include_backups")?,
            recoverable_until: columns.date("recoverable_until")?,
            at: columns.raw("at")?,
        })
    })
}

pub(super) fn notices(db: &Connection) -> Result<Vec<NoticeRow>, StoreError> {
    many(db, &sql_of(&[NOTICE, "ORDER BY n.notice, n.party"]), [], parse_notice)
}

pub(super) fn notices_in(
    db: &Connection,
    exchange: &Id,
    party: &PartyId,
) -> Result<Vec<NoticeRow>, StoreError> {
    let rest = "WHERE x.exchange = ?1 AND n.party = ?2 ORDER BY n.notice";
    many(db, &sql_of(&[NOTICE, rest]), (exchange.as_str(), party.as_str()), parse_notice)
}

fn parse_notice(row: &Row<'_>) -> Result<NoticeRow, StoreError> {
    let columns = Columns::of("erasure_notices", row);
    let (erasure, sender) = (columns.word("id")?, columns.word("sender")?);
    let (message_id, party) = (columns.word("message_id")?, columns.word("party")?);
    if columns.skip_null() {
        return Ok(NoticeRow { erasure, sender, message_id, party, confirmed: None });
    }
    let confirmed = Confirmed {
        result: columns.raw("result")?,
        legal_basis: columns.raw("legal_basis")?,
        erased_on: columns.date("erased_on")?,
        at: columns.raw("confirmed_at")?,
    };
    Ok(NoticeRow { erasure, sender, message_id, party, confirmed: Some(confirmed) })
}

/// Whether an exchange was erased whole.
pub(super) fn is_erased(db: &Connection, exchange: &Id) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM erasures WHERE exchange = ?1 AND whole = 1")?
        .exists([exchange.as_str()])
}

/// Exchanges in which a party knows the subject by that reference.
pub(super) fn known_as(
    db: &Connection,
    party: &PartyId,
    reference: &Id,
) -> Result<Vec<Id>, StoreError> {
    let sql = "SELECT e.id, e.id FROM members m JOIN exchanges e ON e.row = m.exchange
        WHERE m.party = ?1 AND m.subject_ref = ?2 ORDER BY e.row";
    let key = (party.as_str(), reference.as_str());
    many(db, sql, key, |row| Columns::of("members", row).word("exchange"))
}

impl Apply<'_> {
    /// The messages of an exchange, oldest first.
    pub(super) fn messages_in(&self, exchange: &Id) -> Result<Vec<(PartyId, MessageId)>, Stop> {
        let sql = "SELECT m.message_id, m.sender, m.message_id
            FROM exchanges e JOIN messages m ON m.exchange = e.row
            WHERE e.id = ?1 ORDER BY m.row";
        Ok(many(self.db, sql, [exchange.as_str()], |row| {
            let columns = Columns::of("messages", row);
            Ok((columns.word("sender")?, columns.word("message_id")?))
        })?)
    }

    /// What a party answered last to a notice; `None` where it has not.
    pub(super) fn answered(
        &self,
        (sender, notice): (&PartyId, &MessageId),
        party: &PartyId,
    ) -> Result<Option<String>, Stop> {
        let sql = "SELECT n.result FROM erasure_notices n JOIN messages m ON m.row = n.notice
            WHERE m.sender = ?1 AND m.message_id = ?2 AND n.party = ?3";
        let key = (sender.as_str(), notice.as_str(), party.as_str());
        Ok(self.db.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
    }

    pub(super) fn erase(&mut self, new: &NewErasure) -> Result<(), Stop> {
        let exchange = self.exchange(new.exchange)?;
        let outcome = self
            .db
            .prepare_cached(
                "INSERT INTO erasures (id, exchange, whole, messages, reason, party, officer,
                     erase_by, include_backups, recoverable_until, at)
                 VALUES (:id, :exchange, :whole, :messages, :reason, :party, :officer, :erase_by,
                     :include_backups, :recoverable_until, :at)",
            )?
            .execute(named_params! {
                ":id": new.id.as_str(),
                ":exchange": new.exchange.as_str(),
                ":whole": new.whole,
                ":messages": new.messages,
                ":reason": new.reason,
                ":party": address(&new.party),
                ":officer": new.officer,
                ":erase_by": new.erase_by.to_string(),
                ":include_backups": new.include_backups,
                ":recoverable_until": new.recoverable_until.to_string(),
                ":at": new.at,
            });
        unless_there(outcome, || Requirement::Unerased(new.exchange))?;
        // a digest of few values could be guessed back into them
        self.db
            .prepare_cached("DELETE FROM last_projections WHERE exchange = ?1")?
            .execute([exchange])?;
        Ok(())
    }

    /// Destroys the payload of a message and of everything that was made of it. Nobody is waited
    /// for any more to acknowledge what cannot be read.
    pub(super) fn erase_message(&mut self, sender: &PartyId, id: &MessageId) -> Result<(), Stop> {
        let message = self.message(sender, id)?;
        let erased = self
            .db
            .prepare_cached("DELETE FROM message_objects WHERE message = ?1")?
            .execute([message])?;
        exactly_one(erased, || inconsistent("message_objects", "message", id))?;
        self.db
            .prepare_cached(
                "UPDATE releases SET month = NULL, wrapped_key = NULL, ciphertext = NULL
                 WHERE message = ?1",
            )?
            .execute([message])?;
        self.db
            .prepare_cached(
                "UPDATE handed_out SET acknowledged = 1
                 WHERE release IN (SELECT row FROM releases WHERE message = ?1)",
            )?
            .execute([message])?;
        Ok(())
    }

    pub(super) fn notify(
        &mut self,
        erasure: Id,
        (sender, notice): (&PartyId, &MessageId),
        parties: &[PartyId],
    ) -> Result<(), Stop> {
        let notice = self.message(sender, notice)?;
        let mut insert = self.db.prepare_cached(
            "INSERT INTO erasure_notices (erasure, notice, party)
             SELECT row, ?2, ?3 FROM erasures WHERE id = ?1",
        )?;
        for party in parties {
            let inserted = insert.execute((erasure.as_str(), notice, party.as_str()))?;
            exactly_one(inserted, || inconsistent("erasures", "id", erasure))?;
        }
        Ok(())
    }

    pub(super) fn confirm(&mut self, new: &NewConfirmation) -> Result<(), Stop> {
        let notice = self.message(&new.sender, &new.notice)?;
        let confirmed = &new.confirmed;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE erasure_notices SET result = :result, legal_basis = :legal_basis,
                     erased_on = :erased_on, confirmed_at = :at
                 WHERE notice = :notice AND party = :party",
            )?
            .execute(named_params! {
                ":notice": notice,
                ":party": new.party.as_str(),
                ":result": confirmed.result,
                ":legal_basis": confirmed.legal_basis,
                ":erased_on": confirmed.erased_on.to_string(),
                ":at": confirmed.at,
            })?;
        exactly_one(changed, || inconsistent("erasure_notices", "party", new.notice))
    }
}
