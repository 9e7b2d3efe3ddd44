//! The ledgers as the writer holds them: one frontier each in memory, appended to within a batch.
//!
//! Nothing of a batch is written before its end, because every entry is kept with the size that
//! its commit made durable: the size its first proof is for, and can be proven for ever after.
//!
//! INVARIANT: a head only moves from the size this writer knew (compare and swap), so two writers
//! can never fork a ledger. After a failed commit nothing in memory is believed any more.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::super::{Entry, EntryRow, Head, Placed, StoreError};
use super::columns::Columns;
use super::database;
use crate::domain::Digest;
use crate::ledger::{self, Batch, Frontier, entry_data, leaf_hash};

/// Ledgers kept in memory between batches; more than any installation has parties.
const KEPT_MAX: usize = 1024;

/// Ledgers touched since the process began, and what the present batch appended to them.
#[derive(Debug, Default)]
pub(super) struct Ledgers {
    open: HashMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    /// The durable frontier, or `None` where the ledger has no row yet.
    durable: Option<Frontier>,
    batch: Batch,
    entries: Vec<Appended>,
}

#[derive(Debug)]
struct Appended {
    index: u64,
    salt: [u8; 16],
    event: Vec<u8>,
}

/// Where an entry came to stand within the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) ledger: String,
    pub(super) index: u64,
}

/// A point to come back to, over the ledgers that one `Changes` touches.
#[derive(Debug)]
pub(super) struct Undo(Vec<(String, ledger::Mark, usize)>);

impl Ledgers {
    /// Appends the entries in order. On failure nothing was appended; [`Ledgers::undo`] takes all
    /// of it back.
    pub(super) fn append(
        &mut self,
        db: &Connection,
        entries: &[Entry],
    ) -> Result<(Vec<Position>, Undo), StoreError> {
        let mut undo: Vec<(String, ledger::Mark, usize)> = Vec::with_capacity(entries.len());
        for entry in entries {
            if !undo.iter().any(|(ledger, _, _)| *ledger == entry.ledger) {
                let open = self.open(db, &entry.ledger)?;
                undo.push((entry.ledger.clone(), open.batch.mark(), open.entries.len()));
            }
        }
        let mut positions = Vec::with_capacity(entries.len());
        for Entry { ledger, salt, event } in entries {
            let open = self.open(db, ledger)?;
            let index = open.batch.append(leaf_hash(&entry_data(salt, event)));
            open.entries.push(Appended { index, salt: *salt, event: event.clone() });
            positions.push(Position { ledger: ledger.clone(), index });
        }
        Ok((positions, Undo(undo)))
    }

    /// Takes back what was appended since `undo` was made.
    pub(super) fn undo(&mut self, undo: Undo) {
        for (ledger, mark, entries) in undo.0 {
            if let Some(open) = self.open.get_mut(&ledger) {
                open.batch.rollback_to(mark);
                open.entries.truncate(entries);
            }
        }
    }

    /// Writes what the batch appended and moves the heads.
    pub(super) fn write(&self, db: &Connection) -> Result<(), StoreError> {
        for (ledger, open) in self.open.iter().filter(|(_, open)| !open.entries.is_empty()) {
            open.write(db, ledger)?;
        }
        Ok(())
    }

    /// Proofs of entries of this batch at the size it reached.
    pub(super) fn prove(&self, positions: &[Position]) -> Result<Vec<Placed>, StoreError> {
        positions
            .iter()
            .map(|Position { ledger, index }| {
                let unproven = || inconsistent_entry(ledger, *index);
                let batch = &self.open.get(ledger).ok_or_else(unproven)?.batch;
                let frontier = batch.frontier();
                Ok(Placed {
                    ledger: ledger.clone(),
                    index: *index,
                    size: frontier.size(),
                    root: frontier.root(),
                    hashes: batch.inclusion(*index).ok_or_else(unproven)?,
                })
            })
            .collect()
    }

    /// The batch is durable: what it reached is where the next one starts.
    pub(super) fn settle(&mut self) {
        if self.open.len() > KEPT_MAX {
            self.open.clear();
        }
        for open in self.open.values_mut().filter(|open| !open.entries.is_empty()) {
            let reached = open.batch.frontier().clone();
            open.batch = Batch::new(reached.clone());
            open.durable = Some(reached);
            open.entries.clear();
        }
    }

    /// Takes back everything the batch appended.
    pub(super) fn restart(&mut self) {
        for open in self.open.values_mut() {
            open.batch = Batch::new(open.durable.clone().unwrap_or_default());
            open.entries.clear();
        }
    }

    /// The batch failed: the database alone knows where each ledger stands.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    fn open(&mut self, db: &Connection, ledger: &str) -> Result<&mut Open, StoreError> {
        if !self.open.contains_key(ledger) {
            let durable = load(db, ledger)?;
            let batch = Batch::new(durable.clone().unwrap_or_default());
            let open = Open { durable, batch, entries: Vec::new() };
            self.open.insert(ledger.to_owned(), open);
        }
        self.open.get_mut(ledger).ok_or_else(|| inconsistent_entry(ledger, 0))
    }
}

impl Open {
    fn write(&self, db: &Connection, ledger: &str) -> Result<(), StoreError> {
        let frontier = self.batch.frontier();
        let size = int(frontier.size(), ledger)?;
        let mut entry = db
            .prepare_cached(
                "INSERT INTO ledger_entries (ledger, idx, size, salt, event)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(database)?;
        for appended in &self.entries {
            let index = int(appended.index, ledger)?;
            entry
                .execute((ledger, index, size, appended.salt, &appended.event))
                .map_err(database)?;
        }
        let mut node = db
            .prepare_cached(
                "INSERT INTO ledger_nodes (ledger, level, idx, hash) VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(database)?;
        for (level, index, hash) in self.batch.nodes() {
            node.execute((ledger, level, int(*index, ledger)?, hash.as_bytes()))
                .map_err(database)?;
        }
        self.move_head(db, ledger, size).map_err(database)
    }

    fn move_head(&self, db: &Connection, ledger: &str, size: i64) -> rusqlite::Result<()> {
        let frontier = self.batch.frontier();
        let root = frontier.root();
        let bytes = frontier.to_bytes();
        let moved = match &self.durable {
            None => db
                .prepare_cached(
                    "INSERT INTO ledger_heads (ledger, size, root, frontier)
                     VALUES (:ledger, :size, :root, :frontier)",
                )?
                .execute(named_params! {
                    ":ledger": ledger, ":size": size, ":root": root.as_bytes(),
                    ":frontier": bytes,
                })?,
            Some(durable) => db
                .prepare_cached(
                    "UPDATE ledger_heads SET size = :size, root = :root, frontier = :frontier
                     WHERE ledger = :ledger AND root = :before",
                )?
                .execute(named_params! {
                    ":ledger": ledger, ":size": size, ":root": root.as_bytes(),
                    ":frontier": bytes, ":before": durable.root().as_bytes(),
                })?,
        };
        if moved == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(moved)) }
    }
}

/// The frontier on disk, checked against the head beside it.
fn load(db: &Connection, ledger: &str) -> Result<Option<Frontier>, StoreError> {
    let mut select = db
        .prepare_cached("SELECT ledger, size, root, frontier FROM ledger_heads WHERE ledger = ?1")
        .map_err(database)?;
    let mut rows = select.query([ledger]).map_err(database)?;
    let Some(row) = rows.next().map_err(database)? else { return Ok(None) };
    let columns = Columns::of("ledger_heads", row);
    let size = columns.count("size")?;
    let root = columns.digest("root")?;
    let frontier = Frontier::from_bytes(&columns.raw::<Vec<u8>>("frontier")?)
        .filter(|frontier| frontier.size() == size && frontier.root() == root)
        .ok_or_else(|| columns.inconsistent("frontier"))?;
    Ok(Some(frontier))
}

/// Head of a ledger; an unknown ledger is empty.
pub(super) fn head(db: &Connection, ledger: &str) -> Result<Head, StoreError> {
    let frontier = load(db, ledger)?.unwrap_or_default();
    Ok(Head { size: frontier.size(), root: frontier.root() })
}

/// An entry as recorded.
pub(super) fn entry(
    db: &Connection,
    ledger: &str,
    index: u64,
) -> Result<Option<EntryRow>, StoreError> {
    let Ok(at) = i64::try_from(index) else { return Ok(None) };
    let mut select = db
        .prepare_cached(
            "SELECT row, size, salt, event FROM ledger_entries WHERE ledger = ?1 AND idx = ?2",
        )
        .map_err(database)?;
    let mut rows = select.query((ledger, at)).map_err(database)?;
    let Some(row) = rows.next().map_err(database)? else { return Ok(None) };
    let columns = Columns::of("ledger_entries", row);
    Ok(Some(EntryRow {
        index,
        size: columns.count("size")?,
        salt: columns.raw("salt")?,
        event: columns.raw("event")?,
    }))
}

/// The proof of an entry at `size`, or `None` where the ledger never was of that size or the
/// entry lies beyond it.
pub(super) fn proof(
    db: &Connection,
    ledger: &str,
    index: u64,
    size: u64,
) -> Result<Option<Placed>, StoreError> {
    if index >= size || size > head(db, ledger)?.size {
        return Ok(None);
    }
    let node = |level, at| stored_node(db, ledger, level, at);
    let root = ledger::root(size, node)?;
    let hashes = ledger::inclusion(index, size, node)?;
    Ok(Some(Placed { ledger: ledger.to_owned(), index, size, root, hashes }))
}

fn stored_node(db: &Connection, ledger: &str, level: u8, index: u64) -> Result<Digest, StoreError> {
    let hash: Option<[u8; 32]> = db
        .prepare_cached(
            "SELECT hash FROM ledger_nodes WHERE ledger = ?1 AND level = ?2 AND idx = ?3",
        )
        .and_then(|mut select| {
            let key = (ledger, level, i64::try_from(index).unwrap_or(i64::MAX));
            select.query_row(key, |row| row.get(0)).optional()
        })
        .map_err(database)?;
    hash.map(Digest::from_bytes).ok_or_else(|| StoreError::Inconsistent {
        table: "ledger_nodes",
        column: "hash",
        row: format!("{ledger} {level} {index}"),
    })
}

fn inconsistent_entry(ledger: &str, index: u64) -> StoreError {
    StoreError::Inconsistent {
        table: "ledger_entries",
        column: "idx",
        row: format!("{ledger} {index}"),
    }
}

fn int(count: u64, ledger: &str) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_range| inconsistent_entry(ledger, count))
}
