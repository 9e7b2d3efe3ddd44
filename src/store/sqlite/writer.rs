//! The one thread that writes: group commit.
//!
//! It takes what is queued, waits for nothing, applies one `Changes` after the other, commits once,
//! then answers. Under load the commits grow; when idle each message has its own. Whatever stops
//! undoes its own `Changes` only: most stop at a precondition, before anything is written; where
//! one stops half-way the batch is started again with a savepoint for each. A failed commit fails
//! the whole batch, the conflicts in it too: they were decided against rows that never came to be.
//!
//! INVARIANT: nobody is answered before the commit is durable, in a file that still has its name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

use super::super::{Changes, CommitError, Committed, StoreError, Write};
use super::apply::{Apply, Stop, forget_expired, stamped_at};
use super::connect::Identity;
use super::database;
use super::ledgers::{Ledgers, Position};

/// Used assertions taken between two prunings.
const ASSERTIONS_BETWEEN_PRUNINGS: u32 = 256;

/// What is decided about one `Changes`.
type Outcome = Result<Committed, CommitError>;
/// The same before the commit: where its entries came to stand.
type Applied = Result<Vec<Position>, CommitError>;

/// One `Changes`, and who waits for its outcome.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) changes: Changes,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// The writing side of the database.
#[derive(Debug)]
pub(super) struct Writer {
    db: Connection,
    identity: Identity,
    ledgers: Ledgers,
    /// Whether the last batch was committed; read by `ready`.
    healthy: Arc<AtomicBool>,
    batch_max: usize,
    /// The moment the last row was stamped with: a clock that jumped and came back forgets nothing.
    stamped_at: i64,
    assertions: u32,
}

impl Writer {
    pub(super) fn new(
        db: Connection,
        identity: Identity,
        healthy: Arc<AtomicBool>,
        batch_max: usize,
    ) -> Self {
        let ledgers = Ledgers::default();
        Self { db, identity, ledgers, healthy, batch_max, stamped_at: 0, assertions: 0 }
    }

    /// Writes until nobody can ask any more and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(self.batch_max);
        while queue.blocking_recv_many(&mut jobs, self.batch_max) > 0 {
            self.batch(jobs.drain(..));
        }
        self.finish();
    }

    fn batch(&mut self, jobs: impl Iterator<Item = Job>) {
        let (changes, answers): (Vec<_>, Vec<_>) =
            jobs.map(|job| (job.changes, job.answer)).unzip();
        match self.try_batch(&changes) {
            Ok(outcomes) => {
                self.healthy.store(true, Ordering::Release);
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    tell(answer, outcome);
                }
            }
            Err(error) => {
                self.healthy.store(false, Ordering::Release);
                self.roll_back();
                let error = Arc::new(error);
                for answer in answers {
                    tell(answer, Err(CommitError::Unavailable(for_each(&error))));
                }
            }
        }
    }

    fn try_batch(&mut self, batch: &[Changes]) -> Result<Vec<Outcome>, StoreError> {
        self.identity.check()?;
        for changes in batch {
            self.note(changes);
        }
        self.run_sql("BEGIN IMMEDIATE")?;
        let applied = match self.apply_all(batch)? {
            Some(applied) => applied,
            None => self.apply_each_apart(batch)?,
        };
        self.prune()?;
        self.ledgers.write(&self.db)?;
        if !self.healthy.load(Ordering::Acquire) {
            // after a failure a commit of nothing would prove nothing
            self.run_sql(
                "INSERT INTO room (id, bytes) VALUES (1, randomblob(262144))
                 ON CONFLICT (id) DO UPDATE SET bytes = randomblob(262144)",
            )?;
        }
        let mut outcomes = Vec::with_capacity(applied.len());
        for one in applied {
            outcomes.push(match one {
                Ok(positions) => Ok(Committed { entries: self.ledgers.prove(&positions)? }),
                Err(refused) => Err(refused),
            });
        }
        self.run_sql("COMMIT")?;
        self.identity.check()?;
        self.ledgers.settle();
        Ok(outcomes)
    }

    /// Applies one after the other without savepoints: their undo copies cost a tenth of a commit,
    /// and nearly every refusal is a precondition that stops before anything is written. `None`
    /// where one stopped half-way. The error fails the batch.
    fn apply_all(&mut self, batch: &[Changes]) -> Result<Option<Vec<Applied>>, StoreError> {
        let mut applied = Vec::with_capacity(batch.len());
        for changes in batch {
            applied.push(match self.apply(changes) {
                Ok(positions) => Ok(positions),
                Err(Stopped::BeforeWriting(stop)) => Err(refusal(stop)?),
                Err(Stopped::HalfWay(stop)) => {
                    refusal(stop)?;
                    return Ok(None);
                }
            });
        }
        Ok(Some(applied))
    }

    /// Starts the batch again, each `Changes` under a savepoint of its own.
    fn apply_each_apart(&mut self, batch: &[Changes]) -> Result<Vec<Applied>, StoreError> {
        self.run_sql("ROLLBACK")?;
        self.ledgers.restart();
        self.run_sql("BEGIN IMMEDIATE")?;
        let mut applied = Vec::with_capacity(batch.len());
        for changes in batch {
            self.run_sql("SAVEPOINT one")?;
            let one = match self.apply(changes) {
                Ok(positions) => Ok(positions),
                Err(Stopped::BeforeWriting(stop) | Stopped::HalfWay(stop)) => {
                    let refused = refusal(stop)?;
                    self.run_sql("ROLLBACK TO one")?;
                    Err(refused)
                }
            };
            self.run_sql("RELEASE one")?;
            applied.push(one);
        }
        Ok(applied)
    }

    /// Applies one `Changes`. If it stops, its entries are taken back; its rows are not.
    fn apply(&mut self, changes: &Changes) -> Result<Vec<Position>, Stopped> {
        Apply::new(&self.db, &[]).check_all(&changes.requires).map_err(Stopped::BeforeWriting)?;
        let (positions, undo) = self
            .ledgers
            .append(&self.db, &changes.entries)
            .map_err(|error| Stopped::BeforeWriting(Stop::from(error)))?;
        match Apply::new(&self.db, &positions).write_all(&changes.writes) {
            Ok(()) => Ok(positions),
            Err(stop) => {
                self.ledgers.undo(undo);
                Err(Stopped::HalfWay(stop))
            }
        }
    }

    fn note(&mut self, changes: &Changes) {
        if let Some(at) = stamped_at(changes) {
            self.stamped_at = at;
        }
        if changes.writes.iter().any(|write| matches!(write, Write::Assertion { .. })) {
            self.assertions += 1;
        }
    }

    /// Now and then forgets what can no longer be replayed.
    fn prune(&mut self) -> Result<(), StoreError> {
        if self.assertions >= ASSERTIONS_BETWEEN_PRUNINGS {
            self.assertions = 0;
            forget_expired(&self.db, self.stamped_at).map_err(database)?;
        }
        Ok(())
    }

    /// After a failure: the database alone knows what is true.
    fn roll_back(&mut self) {
        self.ledgers.forget();
        // SQLite may have undone the transaction by itself
        if !self.db.is_autocommit()
            && let Err(error) = self.run_sql("ROLLBACK")
        {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot roll back");
        }
    }

    fn run_sql(&self, sql: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(|_changed| ())
            .map_err(database)
    }

    /// Moves the write-ahead log into the database, unless its place was taken by another file:
    /// then SQLite must not touch what now has its names. A log whose name is gone is still open
    /// here, and what was answered stands in it alone: it is moved too.
    fn finish(self) {
        let move_log = |how: &str| {
            let sql = format!("PRAGMA wal_checkpoint({how})");
            self.db.query_row(&sql, [], |_row| Ok(()))
        };
        let keep_names = || {
            self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(|_was| ())
        };
        let outcome = if self.identity.check().is_ok() {
            move_log("TRUNCATE")
        } else if self.identity.lost_only_its_log() {
            keep_names().and_then(|()| move_log("PASSIVE"))
        } else {
            keep_names()
        };
        if let Err(error) = outcome {
            tracing::warn!(error = &error as &dyn std::error::Error, "database not tidied");
        }
    }
}

/// Where a `Changes` stopped.
#[derive(Debug)]
enum Stopped {
    /// Nothing of it was written.
    BeforeWriting(Stop),
    /// Some of its rows were.
    HalfWay(Stop),
}

/// What to answer the one that stopped; the error fails the batch.
fn refusal(stop: Stop) -> Result<CommitError, StoreError> {
    match stop {
        Stop::Conflict(requirement) => Ok(CommitError::Conflict(requirement)),
        Stop::Only(error) => Ok(CommitError::Unavailable(error)),
        Stop::Batch(error) => Err(error),
    }
}

/// The cause that a whole batch shares.
#[derive(Debug, thiserror::Error)]
#[error("the batch was not committed")]
struct Shared(#[source] Arc<StoreError>);

fn for_each(error: &Arc<StoreError>) -> StoreError {
    match error.as_ref() {
        StoreError::Gone => StoreError::Gone,
        StoreError::Busy => StoreError::Busy,
        StoreError::Database(_)
        | StoreError::Inconsistent { .. }
        | StoreError::UnknownVersion { .. } => database(Shared(Arc::clone(error))),
    }
}

fn tell(answer: oneshot::Sender<Outcome>, outcome: Outcome) {
    if answer.send(outcome).is_err() {
        // its caller went away; what was recorded is found again under its id
        tracing::debug!("nobody waits for this commit any more");
    }
}
