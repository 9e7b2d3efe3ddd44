//! Between columns and the words of the domain.
//!
//! Every `SELECT` begins with a key that may be shown (an id or a row number); a column that does
//! not parse is reported as table, column and that key, never with its value.

use std::cell::Cell;
use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use time::Date;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use super::super::{Sealed, StoreError};
use crate::domain::{Address, Digest, PartyId, Purpose};

const DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// The columns of one row, read from left to right after the key.
pub(super) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    table: &'static str,
    next: Cell<usize>,
}

impl<'r, 's> Columns<'r, 's> {
    /// Of a row whose first column is its key.
    pub(super) fn of(table: &'static str, row: &'r Row<'s>) -> Self {
        Self { row, table, next: Cell::new(1) }
    }

    /// As [`Self::of`], with the key where it is and the next column at `next`.
    pub(super) fn from(table: &'static str, row: &'r Row<'s>, next: usize) -> Self {
        Self { row, table, next: Cell::new(next) }
    }

    /// The next column as SQLite has it.
    pub(super) fn raw<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        let at = self.next.get();
        self.next.set(at + 1);
        self.row.get(at).map_err(|_mismatch| self.inconsistent(column))
    }

    /// The next column, a word of the domain.
    pub(super) fn word<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let at = self.next.get();
        self.next.set(at + 1);
        let text = self.row.get_ref(at).ok().and_then(|v| v.as_str().ok());
        text.and_then(|t| t.parse().ok()).ok_or_else(|| self.inconsistent(column))
    }

    /// The next column, a word of the domain or null.
    pub(super) fn word_or_null<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        if self.skip_null() { Ok(None) } else { self.word(column).map(Some) }
    }

    /// The next column, a count that is never negative.
    pub(super) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.raw::<i64>(column)?).map_err(|_negative| self.inconsistent(column))
    }

    /// The next column, a digest.
    pub(super) fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        self.raw::<[u8; 32]>(column).map(Digest::from_bytes)
    }

    /// The next column, a day.
    pub(super) fn date(&self, column: &'static str) -> Result<Date, StoreError> {
        let text = self.raw::<String>(column)?;
        Date::parse(&text, DATE).map_err(|_form| self.inconsistent(column))
    }

    /// The next column, a purpose.
    pub(super) fn purpose(&self, column: &'static str) -> Result<Purpose, StoreError> {
        let text = self.raw::<String>(column)?;
        serde::Deserialize::deserialize(text.as_str().into_deserializer())
            .map_err(|_form: serde::de::value::Error| self.inconsistent(column))
    }

    /// The next column, a JSON list; null is the empty one.
    pub(super) fn list<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        match self.raw::<Option<String>>(column)? {
            None => Ok(Vec::new()),
            Some(text) => serde_json::from_str(&text).map_err(|_form| self.inconsistent(column)),
        }
    }

    /// The next two columns: a party and a unit or null.
    pub(super) fn address(&self, column: &'static str) -> Result<Address, StoreError> {
        let party = self.word::<PartyId>(column)?;
        Ok(Address { party, unit: self.word_or_null(column)? })
    }

    /// The next three columns: a sealed payload, or nulls once it is erased.
    pub(super) fn sealed(&self, column: &'static str) -> Result<Option<Sealed>, StoreError> {
        let month = self.raw::<Option<String>>(column)?;
        let wrapped_key = self.raw::<Option<Vec<u8>>>(column)?;
        let ciphertext = self.raw::<Option<Vec<u8>>>(column)?;
        match (month, wrapped_key, ciphertext) {
            (Some(month), Some(wrapped_key), Some(ciphertext)) => {
                Ok(Some(Sealed { month, wrapped_key, ciphertext }))
            }
            (None, None, None) => Ok(None),
            _ => Err(self.inconsistent(column)),
        }
    }

    /// Moves past the next column if it is null.
    pub(super) fn skip_null(&self) -> bool {
        let null = matches!(self.row.get_ref(self.next.get()), Ok(ValueRef::Null));
        if null {
            self.next.set(self.next.get() + 1);
        }
        null
    }

    /// What to say of a column that does not parse.
    pub(super) fn inconsistent(&self, column: &'static str) -> StoreError {
        let row = match self.row.get_ref(0) {
            Ok(ValueRef::Integer(row)) => row.to_string(),
            Ok(ValueRef::Text(key)) => String::from_utf8_lossy(key).into_owned(),
            _ => String::new(),
        };
        StoreError::Inconsistent { table: self.table, column, row }
    }
}

/// A list as JSON; null if it is empty, as most are.
pub(super) fn list_or_null<T: Serialize>(list: &[T]) -> Result<Option<String>, serde_json::Error> {
    if list.is_empty() { Ok(None) } else { serde_json::to_string(list).map(Some) }
}

/// An address as one column.
pub(super) fn address(address: &Address) -> String {
    address.to_string()
}
