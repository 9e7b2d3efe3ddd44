//! Which messages say another one anew.

use rusqlite::Connection;

use super::super::{MessageRow, StoreError};
use super::apply::{Apply, Stop};
use super::columns::Columns;
use super::read::{MESSAGE, many, parse_message};
use super::sql_of;
use crate::domain::{MessageId, PartyId};

pub(super) fn corrections_of(
    db: &Connection,
    sender: &PartyId,
    target: &MessageId,
) -> Result<Vec<MessageRow>, StoreError> {
    let sql = sql_of(&[
        MESSAGE,
        " FROM messages t JOIN corrections c ON c.target = t.row
          JOIN messages m ON m.row = c.message
          JOIN exchanges e ON e.row = m.exchange
          LEFT JOIN message_objects o ON o.message = m.row
          WHERE t.sender = ?1 AND t.message_id = ?2 ORDER BY m.row",
    ]);
    many(db, &sql, (sender.as_str(), target.as_str()), parse_message)
}

impl Apply<'_> {
    /// Ids of the corrections of a message, oldest first.
    pub(super) fn corrected(
        &self,
        sender: &PartyId,
        target: &MessageId,
    ) -> Result<Vec<MessageId>, Stop> {
        let sql = "SELECT m.message_id, m.message_id
            FROM messages t JOIN corrections c ON c.target = t.row
            JOIN messages m ON m.row = c.message
            WHERE t.sender = ?1 AND t.message_id = ?2 ORDER BY m.row";
        let key = (sender.as_str(), target.as_str());
        Ok(many(self.db, sql, key, |row| Columns::of("messages", row).word("message_id"))?)
    }

    pub(super) fn correct(
        &mut self,
        sender: &PartyId,
        message: &MessageId,
        target: &MessageId,
    ) -> Result<(), Stop> {
        let target = self.message(sender, target)?;
        let message = self.message(sender, message)?;
        self.db
            .prepare_cached("INSERT INTO corrections (message, target) VALUES (?1, ?2)")?
            .execute((message, target))?;
        Ok(())
    }
}
