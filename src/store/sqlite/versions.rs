//! Versions of governed documents and the steps of their lives.
//!
//! INVARIANT: the text of a version changes only while it is a draft; a step is never changed.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::super::{NewStep, NewVersion, Requirement, StepRow, StoreError, VersionKey, VersionRow};
use super::apply::{Apply, Stop, exactly_one, inconsistent};
use super::columns::Columns;
use super::read::many;
use super::sql_of;
use crate::domain::{DocumentKind, Needs, VersionState};

/// The ledger that holds every step.
const LEDGER: &str = "governance";
const VERSION: &str = "SELECT row, kind, id, version, text, digest, state, effective_at, row
    FROM versions ";
const IN_ORDER: &str = " ORDER BY kind, id, version";

impl Apply<'_> {
    pub(super) fn write_version(&self, new: &NewVersion) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "INSERT INTO versions (kind, id, version, text, digest, state, effective_at)
                 VALUES (:kind, :id, :version, :text, :digest, :state, :effective_at)
                 ON CONFLICT (kind, id, version) DO UPDATE
                     SET text = :text, digest = :digest WHERE state = :draft AND :state = :draft",
            )?
            .execute(named_params! {
                ":kind": new.key.kind.as_str(),
                ":id": new.key.id,
                ":version": new.key.version,
                ":text": new.text,
                ":digest": new.digest.as_bytes(),
                ":state": new.state.as_str(),
                ":effective_at": new.effective_at,
                ":draft": VersionState::Draft.as_str(),
            })?;
        exactly_one(changed, || conflict(&new.key, Some((VersionState::Draft, 0))))
    }

    pub(super) fn version_state(
        &self,
        key: &VersionKey,
        state: VersionState,
        effective_at: Option<i64>,
    ) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE versions SET state = :state, effective_at = :effective_at
                 WHERE kind = :kind AND id = :id AND version = :version AND state <> :approved",
            )?
            .execute(named_params! {
                ":kind": key.kind.as_str(),
                ":id": key.id,
                ":version": key.version,
                ":state": state.as_str(),
                ":effective_at": effective_at,
                ":approved": VersionState::Approved.as_str(),
            })?;
        exactly_one(changed, || conflict(key, None))
    }

    pub(super) fn insert_step(&self, key: &VersionKey, step: &NewStep) -> Result<(), Stop> {
        let entry = self.entry_in(step.entry, LEDGER)?;
        let row = self.version_row(key)?.ok_or_else(|| inconsistent("versions", "id", &key.id))?;
        self.db
            .prepare_cached(
                "INSERT INTO version_steps (version, step, act, officer, reason, needs, jws, entry, at)
                 SELECT :version, 1 + count(*), :act, :officer, :reason, :needs, :jws, :entry,
                     :at
                 FROM version_steps WHERE version = :version",
            )?
            .execute(named_params! {
                ":version": row,
                ":act": step.act.as_str(),
                ":officer": step.officer,
                ":reason": step.reason,
                ":needs": step.needs.map(Needs::as_str),
                ":jws": step.jws,
                ":entry": entry,
                ":at": step.at,
            })?;
        Ok(())
    }

    /// State and number of steps of a version.
    pub(super) fn version_at(&self, key: &VersionKey) -> Result<Option<(VersionState, u32)>, Stop> {
        let found: Option<(String, u32)> = self
            .db
            .prepare_cached(
                "SELECT state, (SELECT count(*) FROM version_steps s WHERE s.version = v.row)
                 FROM versions v WHERE kind = ?1 AND id = ?2 AND version = ?3",
            )?
            .query_row((key.kind.as_str(), &key.id, key.version), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        found
            .map(|(state, steps)| match state.parse() {
                Ok(state) => Ok((state, steps)),
                Err(_unknown) => Err(inconsistent("versions", "state", &key.id)),
            })
            .transpose()
    }

    fn version_row(&self, key: &VersionKey) -> Result<Option<i64>, Stop> {
        let sql = "SELECT row FROM versions WHERE kind = ?1 AND id = ?2 AND version = ?3";
        let mut select = self.db.prepare_cached(sql)?;
        let key = (key.kind.as_str(), &key.id, key.version);
        Ok(select.query_row(key, |row| row.get(0)).optional()?)
    }
}

fn conflict(key: &VersionKey, at: Option<(VersionState, u32)>) -> Stop {
    Stop::Conflict(Requirement::Version { key: key.clone(), at })
}

pub(super) fn all(db: &Connection) -> Result<Vec<VersionRow>, StoreError> {
    let rows = many(db, &sql_of(&[VERSION, IN_ORDER]), [], parse_version)?;
    with_steps(db, rows)
}

pub(super) fn of(
    db: &Connection,
    kind: DocumentKind,
    id: &str,
) -> Result<Vec<VersionRow>, StoreError> {
    let sql = sql_of(&[VERSION, "WHERE kind = ?1 AND id = ?2", IN_ORDER]);
    let rows = many(db, &sql, (kind.as_str(), id), parse_version)?;
    with_steps(db, rows)
}

fn with_steps(
    db: &Connection,
    rows: Vec<(i64, VersionRow)>,
) -> Result<Vec<VersionRow>, StoreError> {
    let sql = "SELECT version, act, officer, reason, needs, jws, entry, at FROM version_steps
        WHERE version = ?1 ORDER BY step";
    rows.into_iter()
        .map(|(row, version)| {
            let steps = many(db, sql, [row], parse_step)?;
            Ok(VersionRow { steps, ..version })
        })
        .collect()
}

fn parse_version(row: &Row<'_>) -> Result<(i64, VersionRow), StoreError> {
    let columns = Columns::of("versions", row);
    let key = VersionKey {
        kind: columns.word("kind")?,
        id: columns.raw("id")?,
        version: columns.raw("version")?,
    };
    let version = VersionRow {
        key,
        text: columns.raw("text")?,
        digest: columns.digest("digest")?,
        state: columns.word("state")?,
        effective_at: columns.raw("effective_at")?,
        steps: Vec::new(),
    };
    Ok((columns.raw("row")?, version))
}

fn parse_step(row: &Row<'_>) -> Result<StepRow, StoreError> {
    let columns = Columns::of("version_steps", row);
    Ok(StepRow {
        act: columns.word("act")?,
        officer: columns.raw("officer")?,
        reason: columns.raw("reason")?,
        needs: columns.word_or_null("needs")?,
        jws: columns.raw("jws")?,
        entry: columns.count("entry")?,
        at: columns.raw("at")?,
    })
}
