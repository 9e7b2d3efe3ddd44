//! Tickets: what the console remembers for a while.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::apply::{Apply, Stop};
use super::database;

/// How many expired ones go with each that comes.
const SWEPT: i64 = 16;

pub(super) fn ticket(db: &Connection, key: &str) -> Result<Option<(String, i64)>, StoreError> {
    db.prepare_cached("SELECT value, expires_at FROM tickets WHERE key = ?1")
        .and_then(|mut select| {
            select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(database)
}

impl Apply<'_> {
    pub(super) fn keep_ticket(&self, key: &str, value: &str, expires_at: i64) -> Result<(), Stop> {
        self.db
            .prepare_cached(
                "DELETE FROM tickets WHERE key IN (SELECT key FROM tickets
                     WHERE expires_at < unixepoch() - 3600 ORDER BY expires_at LIMIT ?1)",
            )?
            .execute([SWEPT])?;
        self.db
            .prepare_cached(
                "INSERT INTO tickets (key, value, expires_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET value = ?2, expires_at = ?3",
            )?
            .execute(params![key, value, expires_at])?;
        Ok(())
    }

    pub(super) fn has_ticket(&self, key: &str) -> Result<bool, Stop> {
        Ok(self.db.prepare_cached("SELECT 1 FROM tickets WHERE key = ?1")?.exists([key])?)
    }

    pub(super) fn drop_ticket(&self, key: &str) -> Result<(), Stop> {
        self.db.prepare_cached("DELETE FROM tickets WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}
