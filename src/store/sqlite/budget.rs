//! What foreign parties know of each case, and how many cases are known by the same combination.

use std::sync::LazyLock;

use rusqlite::{Connection, named_params};

use super::super::{KnownRow, StoreError};
use super::apply::{Apply, Stop};
use super::columns::Columns;
use super::read::one;
use crate::domain::state::ThreadState;
use crate::domain::{Digest, Id, PartyId};

/// `IN (…)` with the states in which a case counts.
static TAKEN: LazyLock<String> = LazyLock::new(|| {
    let taken = ThreadState::ALL.iter().filter(|state| state.is_taken());
    let names: Vec<String> = taken.map(|state| format!("'{state}'")).collect();
    format!("IN ({})", names.join(", "))
});

/// The inner count stops at `:most`, so a large group costs no more than a small one.
static GROUP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT (SELECT count(*) FROM (
             SELECT 1 FROM known k INDEXED BY known_by_key
                 CROSS JOIN exchanges e ON e.row = k.exchange
             WHERE k.party = :party AND k.key = :key AND e.id <> :exchange AND e.state {}
             LIMIT :most))
         + coalesce((SELECT n FROM folded WHERE party = :party AND key = :key), 0)",
        *TAKEN
    )
});

static FOLD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO folded (party, key, n)
         SELECT k.party, k.key, 1 FROM known k JOIN exchanges e ON e.row = k.exchange
         WHERE k.exchange = ?1 AND e.state {}
         ON CONFLICT (party, key) DO UPDATE SET n = n + 1",
        *TAKEN
    )
});

pub(super) fn known(
    db: &Connection,
    exchange: &Id,
    party: &PartyId,
) -> Result<Option<KnownRow>, StoreError> {
    let sql = "SELECT e.id, k.profile, k.key, k.releases
        FROM exchanges e CROSS JOIN known k ON k.exchange = e.row
        WHERE e.id = ?1 AND k.party = ?2";
    one(db, sql, (exchange.as_str(), party.as_str()), |row| {
        let columns = Columns::of("known", row);
        Ok(KnownRow {
            exchange: *exchange,
            party: party.clone(),
            profile: columns.raw("profile")?,
            key: columns.digest("key")?,
            releases: columns.raw("releases")?,
        })
    })
}

pub(super) fn group(
    db: &Connection,
    party: &PartyId,
    key: &Digest,
    exchange: &Id,
    most: u32,
) -> rusqlite::Result<u64> {
    let count: i64 = db.prepare_cached(&GROUP)?.query_row(
        named_params! {
            ":party": party.as_str(), ":key": key.as_bytes(), ":exchange": exchange.as_str(),
            ":most": most,
        },
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(0))
}

impl Apply<'_> {
    pub(super) fn know(&mut self, row: &KnownRow) -> Result<(), Stop> {
        let exchange = self.exchange(row.exchange)?;
        self.db
            .prepare_cached(
                "INSERT INTO known (exchange, party, profile, key, releases)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (exchange, party)
                     DO UPDATE SET profile = ?3, key = ?4, releases = ?5",
            )?
            .execute((
                exchange,
                row.party.as_str(),
                &row.profile,
                row.key.as_bytes(),
                row.releases,
            ))?;
        Ok(())
    }

    pub(super) fn uncount(
        &mut self,
        exchange: Id,
        party: &PartyId,
        key: &Digest,
    ) -> Result<(), Stop> {
        let exchange = self.exchange(exchange)?;
        self.db
            .prepare_cached("UPDATE known SET key = ?3 WHERE exchange = ?1 AND party = ?2")?
            .execute((exchange, party.as_str(), key.as_bytes()))?;
        Ok(())
    }

    /// INVARIANT: a case is counted as a row or as a number, never as both.
    pub(super) fn fold(&mut self, exchange: Id) -> Result<(), Stop> {
        let exchange = self.exchange(exchange)?;
        self.db.prepare_cached(&FOLD)?.execute([exchange])?;
        self.db.prepare_cached("DELETE FROM known WHERE exchange = ?1")?.execute([exchange])?;
        Ok(())
    }
}
