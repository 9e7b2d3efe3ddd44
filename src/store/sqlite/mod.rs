//! The store in one SQLite file: one thread that writes, a few connections that read.
//!
//! WAL with `synchronous = FULL`: a commit that was answered survives a power cut, and readers
//! never wait for the writer. Point reads take microseconds and run where they are called; lists
//! without a limit run on the blocking pool.
//!
//! Why two backends are written twice: each is at its best in its own SQL (here small integer
//! keys and a single writer, there many rows per statement under the head lock), and one contract
//! suite over [`Store`] keeps them equal.

mod apply;
mod budget;
mod columns;
mod connect;
mod corrections;
mod desk;
mod erasures;
mod flows;
mod inbox;
mod ledgers;
mod read;
mod read_inbox;
mod record;
mod requests;
mod requires;
mod reviews;
mod threads;
mod tickets;
mod versions;
mod writer;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use self::connect::Identity;
use self::writer::{Job, Writer};
use super::desk::{DeskPage, DeskRow, Undecided};
use super::{
    AcknowledgedRow, Backlog, Changes, CommitError, Committed, ContactRow, EntryRow, ErasureRow,
    ExchangeRow, Flows, Head, HoldRow, KeptMessage, KnownRow, MemberRow, MessageRow, NoticeRow,
    Placed, QueueRow, RecipientRow, ReleaseRow, ReleasedCursor, ReleasedRow, RequestRow, ReviewRow,
    Store, StoreError, ThreadsFound, ThreadsQuery, VersionRow, WaitingCursor, WaitingRow,
};
use crate::domain::{
    Address, Digest, DocumentKind, ExchangeRef, Id, MessageId, MessageType, PartyId, ReleaseId,
};

/// Limits of the store.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `Changes` that may wait for the writer; beyond, a commit is [`StoreError::Busy`].
    pub queue_max: usize,
    /// `Changes` in one commit.
    pub batch_max: usize,
    /// Connections that read.
    pub readers: usize,
    /// How long to wait for another process that holds the database.
    pub busy_timeout: Duration,
    /// Pages (4 KiB) that the database may grow to; `None` leaves it to the disk.
    pub pages_max: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_max: 1024,
            batch_max: 128,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            pages_max: None,
        }
    }
}

/// The store in one SQLite file. Dropping it writes what is queued and tidies the file.
#[derive(Debug)]
pub struct Sqlite {
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    identity: Identity,
    healthy: Arc<AtomicBool>,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the database at `path`, making it (mode 0600) if it is not there and bringing it to
    /// the newest version.
    ///
    /// # Errors
    /// [`StoreError::UnknownVersion`] for a newer database or somebody else's;
    /// [`StoreError::Database`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let (db, identity) = connect::writer(path, &options)?;
        let readers = (0..options.readers.max(1))
            .map(|_| connect::reader(path, &options).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        let (queue, jobs) = mpsc::channel(options.queue_max.max(1));
        let healthy = Arc::new(AtomicBool::new(true));
        let writer =
            Writer::new(db, identity.clone(), Arc::clone(&healthy), options.batch_max.max(1));
        let thread = std::thread::Builder::new()
            .name(String::from("store-writer"))
            .spawn(move || writer.run(jobs))
            .map_err(database)?;
        Ok(Self {
            queue: Some(queue),
            writer: Some(thread),
            readers: Arc::new(Readers { pool: readers, next: AtomicUsize::new(0) }),
            identity,
            healthy,
            path: path.to_path_buf(),
        })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is queued, tidies the file and closes it.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the writer had failed.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), StoreError> {
        drop(self.queue.take());
        match self.writer.take().map(JoinHandle::join) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_panic)) => Err(database(WriterGone)),
        }
    }

    /// A read that takes microseconds.
    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.with(read)
    }

    /// A read that may be long.
    async fn read_long<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.with(read)).await.map_err(database)?
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(error = &error as &dyn Error, "the store did not close in order");
        }
    }
}

/// Connections that read, each used by one at a time.
#[derive(Debug)]
struct Readers {
    pool: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    /// Runs `read` on the first free connection, whose cache is the warmest, or waits for one if
    /// there is none.
    fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for connection in &self.pool {
            match connection.try_lock() {
                Ok(db) => return read(&db),
                // a reader that panicked left nothing behind: it cannot write
                Err(TryLockError::Poisoned(poisoned)) => return read(&poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.pool.len().max(1);
        let connection = self.pool.get(turn).ok_or(StoreError::Busy)?;
        read(&connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The writer ended before its time.
#[derive(Debug, thiserror::Error)]
#[error("the writer has ended")]
struct WriterGone;

/// A failure of the database or of the system below it.
fn database(cause: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Database(Box::new(cause))
}

/// A statement from its parts.
fn sql_of(parts: &[&str]) -> String {
    parts.concat()
}

#[async_trait]
impl Store for Sqlite {
    async fn commit(&self, changes: Changes) -> Result<Committed, CommitError> {
        let gone = || CommitError::Unavailable(database(WriterGone));
        let (answer, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.try_send(Job { changes, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => CommitError::Unavailable(StoreError::Busy),
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        outcome.await.map_err(|_closed| gone())?
    }

    async fn generation(&self) -> Result<u64, StoreError> {
        self.read(read::generation)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.identity.check()?;
        let queue = self.queue.as_ref().filter(|queue| !queue.is_closed());
        let queue = queue.ok_or_else(|| database(WriterGone))?;
        if queue.capacity() == 0 {
            return Err(StoreError::Busy);
        }
        if self.healthy.load(Ordering::Acquire) {
            return Ok(());
        }
        // the last commit failed: only another one can tell whether the next will
        match self.commit(Changes::default()).await {
            Ok(_) => Ok(()),
            Err(CommitError::Unavailable(error)) => Err(error),
            Err(CommitError::Conflict(_)) => Err(StoreError::Busy),
        }
    }

    async fn message(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Option<MessageRow>, StoreError> {
        self.read(|db| read::message(db, sender, id))
    }

    async fn recipients(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Vec<RecipientRow>, StoreError> {
        self.read(|db| read::recipients(db, sender, id))
    }

    async fn member(&self, reference: &ExchangeRef) -> Result<Option<MemberRow>, StoreError> {
        self.read(|db| read::member(db, reference))
    }

    async fn members(&self, exchange: &Id) -> Result<Vec<MemberRow>, StoreError> {
        self.read(|db| read::members(db, exchange))
    }

    async fn knows_subject_as(&self, party: &PartyId, reference: &Id) -> Result<bool, StoreError> {
        self.read(|db| read::was_handed(db, party, reference))
    }

    async fn exchange(&self, exchange: &Id) -> Result<Option<ExchangeRow>, StoreError> {
        self.read(|db| read::exchange(db, exchange))
    }

    async fn threads(
        &self,
        query: &ThreadsQuery,
        look: u32,
        limit: u32,
    ) -> Result<ThreadsFound, StoreError> {
        let query = query.clone();
        self.read_long(move |db| threads::threads(db, &query, look, limit)).await
    }

    async fn messages_of(&self, exchange: &Id) -> Result<Vec<MessageRow>, StoreError> {
        let exchange = *exchange;
        self.read_long(move |db| read::messages_of(db, &exchange)).await
    }

    async fn messages_from(
        &self,
        sender: &PartyId,
        message_type: &MessageType,
        since: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        let (sender, message_type) = (sender.clone(), message_type.clone());
        self.read_long(move |db| {
            read::messages_from(db, (&sender, &message_type), since, after, limit)
        })
        .await
    }

    async fn newest_message(&self) -> Result<i64, StoreError> {
        self.read(read::newest_message)
    }

    async fn last_projection(
        &self,
        exchange: &Id,
        party: &PartyId,
        message_type: &str,
    ) -> Result<Option<Digest>, StoreError> {
        self.read(|db| read::last_projection(db, exchange, party, message_type))
    }

    async fn release(&self, id: &ReleaseId) -> Result<Option<ReleaseRow>, StoreError> {
        self.read(|db| read_inbox::release(db, id))
    }

    async fn released_to(
        &self,
        party: &PartyId,
        after: ReleasedCursor,
        limit: u32,
    ) -> Result<Vec<ReleasedRow>, StoreError> {
        let party = party.clone();
        self.read_long(move |db| read_inbox::released_to(db, &party, after, limit)).await
    }

    async fn releases_of(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Vec<ReleaseRow>, StoreError> {
        self.read(|db| read_inbox::releases_of(db, sender, id))
    }

    async fn handed_out(
        &self,
        exchange: &Id,
        party: &PartyId,
    ) -> Result<Vec<ReleaseRow>, StoreError> {
        let (exchange, party) = (*exchange, party.clone());
        self.read_long(move |db| read_inbox::handed_out(db, &exchange, &party)).await
    }

    async fn waiting(&self, view: &Address, limit: u32) -> Result<Vec<ReleaseRow>, StoreError> {
        self.read(|db| read_inbox::waiting(db, view, limit))
    }

    async fn waiting_after(
        &self,
        view: &Address,
        after: WaitingCursor,
        limit: u32,
    ) -> Result<Vec<WaitingRow>, StoreError> {
        let view = view.clone();
        self.read_long(move |db| read_inbox::waiting_after(db, &view, after, limit)).await
    }

    async fn page(
        &self,
        view: &Address,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, ReleaseRow)>, StoreError> {
        self.read(|db| read_inbox::page(db, view, after, limit))
    }

    async fn oldest_unacknowledged(&self, view: &Address) -> Result<Option<i64>, StoreError> {
        self.read(|db| read_inbox::oldest_unacknowledged(db, view))
    }

    async fn newest_seq(&self, view: &Address) -> Result<i64, StoreError> {
        self.read(|db| read_inbox::newest_seq(db, view))
    }

    async fn acknowledgement(&self, id: &ReleaseId) -> Result<Option<AcknowledgedRow>, StoreError> {
        self.read(|db| read_inbox::acknowledgement(db, id))
    }

    async fn hold(&self, id: &Id) -> Result<Option<HoldRow>, StoreError> {
        self.read(|db| read::hold(db, id))
    }

    async fn holds(&self, decided_too: bool) -> Result<Vec<HoldRow>, StoreError> {
        self.read_long(move |db| read::holds(db, decided_too)).await
    }

    async fn undecided(&self, now: i64) -> Result<Undecided, StoreError> {
        self.read_long(move |db| desk::undecided(db, now)).await
    }

    async fn desk(&self, page: DeskPage) -> Result<Vec<DeskRow>, StoreError> {
        self.read_long(move |db| desk::page(db, &page)).await
    }

    async fn holds_of(&self, sender: &PartyId, id: &MessageId) -> Result<Vec<HoldRow>, StoreError> {
        self.read(|db| read::holds_of(db, sender, id))
    }

    async fn versions(&self) -> Result<Vec<VersionRow>, StoreError> {
        self.read_long(versions::all).await
    }

    async fn versions_of(
        &self,
        kind: DocumentKind,
        id: &str,
    ) -> Result<Vec<VersionRow>, StoreError> {
        self.read(|db| versions::of(db, kind, id))
    }

    async fn known(&self, exchange: &Id, party: &PartyId) -> Result<Option<KnownRow>, StoreError> {
        self.read(|db| budget::known(db, exchange, party))
    }

    async fn group(
        &self,
        party: &PartyId,
        key: &Digest,
        exchange: &Id,
        most: u32,
    ) -> Result<u64, StoreError> {
        self.read(|db| budget::group(db, party, key, exchange, most).map_err(database))
    }

    async fn ticket(&self, key: &str) -> Result<Option<(String, i64)>, StoreError> {
        self.read(|db| tickets::ticket(db, key))
    }

    async fn review(&self, id: &Id) -> Result<Option<ReviewRow>, StoreError> {
        self.read(|db| reviews::review(db, id))
    }

    async fn reviews(&self, decided_too: bool) -> Result<Vec<ReviewRow>, StoreError> {
        self.read_long(move |db| reviews::reviews(db, decided_too)).await
    }

    async fn reviews_in(&self, exchanges: &[Id]) -> Result<Vec<ReviewRow>, StoreError> {
        self.read(|db| reviews::reviews_in(db, exchanges))
    }

    async fn suspended_in(&self, exchange: &Id) -> Result<Vec<RecipientRow>, StoreError> {
        let exchange = *exchange;
        self.read_long(move |db| reviews::suspended_in(db, &exchange)).await
    }

    async fn queued_in(&self, exchange: &Id) -> Result<Vec<ReleaseRow>, StoreError> {
        let exchange = *exchange;
        self.read_long(move |db| read_inbox::queued_in(db, &exchange)).await
    }

    async fn corrections_of(
        &self,
        sender: &PartyId,
        target: &MessageId,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.read(|db| corrections::corrections_of(db, sender, target))
    }

    async fn erasures(&self) -> Result<Vec<ErasureRow>, StoreError> {
        self.read(erasures::erasures)
    }

    async fn notices(&self) -> Result<Vec<NoticeRow>, StoreError> {
        self.read(erasures::notices)
    }

    async fn notices_in(
        &self,
        exchange: &Id,
        party: &PartyId,
    ) -> Result<Vec<NoticeRow>, StoreError> {
        self.read(|db| erasures::notices_in(db, exchange, party))
    }

    async fn is_erased(&self, exchange: &Id) -> Result<bool, StoreError> {
        self.read(|db| erasures::is_erased(db, exchange).map_err(database))
    }

    async fn known_as(&self, party: &PartyId, reference: &Id) -> Result<Vec<Id>, StoreError> {
        self.read(|db| erasures::known_as(db, party, reference))
    }

    async fn family(&self, exchange: &Id) -> Result<Vec<Id>, StoreError> {
        self.read(|db| reviews::family(db, exchange))
    }

    async fn request(&self, exchange: &Id) -> Result<Option<RequestRow>, StoreError> {
        self.read(|db| requests::request(db, exchange))
    }

    async fn request_answered_by(
        &self,
        sender: &PartyId,
        answer: &MessageId,
    ) -> Result<Option<RequestRow>, StoreError> {
        self.read(|db| requests::answered_by(db, sender, answer))
    }

    async fn requests(&self, closed_too: bool) -> Result<Vec<RequestRow>, StoreError> {
        self.read_long(move |db| requests::requests(db, closed_too)).await
    }

    async fn requests_due(&self, now: i64) -> Result<Vec<RequestRow>, StoreError> {
        self.read(|db| requests::due(db, now))
    }

    async fn next_answer(&self, asker: &PartyId, now: i64) -> Result<Option<i64>, StoreError> {
        self.read(|db| requests::next_answer(db, asker, now))
    }

    async fn policy_text(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        self.read(|db| read::policy_text(db, digest))
    }

    async fn release_schema(
        &self,
        digest: &Digest,
        recipient: &PartyId,
    ) -> Result<Option<String>, StoreError> {
        self.read(|db| read::release_schema(db, digest, recipient))
    }

    async fn head(&self, ledger: &str) -> Result<Head, StoreError> {
        self.read(|db| ledgers::head(db, ledger))
    }

    async fn entry(&self, ledger: &str, index: u64) -> Result<Option<EntryRow>, StoreError> {
        self.read(|db| ledgers::entry(db, ledger, index))
    }

    async fn proof(
        &self,
        ledger: &str,
        index: u64,
        size: u64,
    ) -> Result<Option<Placed>, StoreError> {
        self.read(|db| ledgers::proof(db, ledger, index, size))
    }

    async fn sealed_months(&self) -> Result<Vec<String>, StoreError> {
        self.read(read::sealed_months)
    }

    async fn flows(&self, party: Option<&PartyId>, since: i64) -> Result<Flows, StoreError> {
        let party = party.cloned();
        self.read_long(move |db| flows::flows(db, party.as_ref(), since)).await
    }

    async fn queues(&self) -> Result<Vec<QueueRow>, StoreError> {
        self.read_long(flows::queues).await
    }

    async fn contact(
        &self,
        party: &PartyId,
        with: Option<&PartyId>,
    ) -> Result<ContactRow, StoreError> {
        let (party, with) = (party.clone(), with.cloned());
        self.read_long(move |db| flows::contact(db, &party, with.as_ref())).await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.read(read::backlog)
    }
}
