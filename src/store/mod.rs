//! What is kept, and the one way to change it.
//!
//! **Writes are data.** A use case reads, decides, and hands over one [`Changes`]; the store checks
//! its preconditions, applies its rows and appends its ledger entries in one durable commit. No
//! row is written in any other way. SQL lives nowhere else, written natively for each backend over
//! the same values, kept equal by one contract suite.
//!
//! Payloads reach this module already sealed (see [`vault`]): no backend ever sees one in clear.

pub mod rows;
pub mod sqlite;
pub mod vault;

use async_trait::async_trait;
use std::fmt;

use crate::domain::state::{MessageState, RecipientState, ThreadState};
use crate::domain::{
    Address, Digest, ExchangeRef, Id, LeafName, MessageId, MessageType, PartyId, ReleaseId,
};

pub use rows::{
    AcknowledgedRow, Acknowledgement, Decision, EntryRow, ExchangeRow, HoldRow, KeptMessage,
    MemberRow, MessageRow, NewHold, NewMessage, NewRelease, RecipientRow, Refusal, ReleaseRow,
    ReleasedCursor, ReleasedRow,
};
pub use sqlite::Sqlite;
pub use vault::{Place, Sealed, Vault, VaultError};

/// One decision as data: applied whole or not at all.
#[derive(Debug, Default)]
pub struct Changes {
    /// What must still hold when this is applied.
    pub requires: Vec<Requirement>,
    /// Rows, applied in order.
    pub writes: Vec<Write>,
    /// Ledger entries, appended in order; rows name them by position ([`EntrySlot`]).
    pub entries: Vec<Entry>,
}

/// Position of an entry in [`Changes::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntrySlot(pub usize);

/// A precondition, checked inside the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The rules (policies, parties, agreements, floor) are still of this generation.
    Generation(u64),
    /// No message of this sender has been admitted under this id.
    MessageUnseen {
        /// Who sends.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
    },
    /// The thread is still in this state.
    Thread {
        /// Which exchange.
        exchange: Id,
        /// In which state.
        state: ThreadState,
    },
    /// Every one of these releases is still queued: not handed out, not cancelled.
    Queued(Vec<ReleaseId>),
    /// The release has no acknowledgement yet.
    Unacknowledged(ReleaseId),
    /// The hold is still undecided.
    HoldOpen(Id),
    /// This client assertion has not been used.
    AssertionUnseen {
        /// Whose assertion.
        party: PartyId,
        /// Its `jti`.
        jti: String,
    },
    /// The digest of the last projection of this type sent to this member is still this one.
    LastProjection {
        /// Which exchange.
        exchange: Id,
        /// Which party.
        party: PartyId,
        /// Which message type.
        message_type: String,
        /// The digest, or `None` if nothing was sent.
        digest: Option<Digest>,
    },
}

/// One row to write.
#[derive(Debug)]
pub enum Write {
    /// A message that was admitted or held.
    Message(NewMessage),
    /// The state of a message as a whole.
    MessageState {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
        /// Its new state.
        state: MessageState,
    },
    /// One recipient of a message.
    Recipient(RecipientRow),
    /// The state of a message for one recipient.
    RecipientState {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
        /// For whom.
        recipient: Address,
        /// Its new state.
        state: RecipientState,
        /// Leaves that still wait for an officer.
        pending: Vec<LeafName>,
    },
    /// Leaves of a message that still wait for an officer, for one recipient whose state is left
    /// as it is.
    RecipientPending {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
        /// For whom.
        recipient: Address,
        /// Leaves that still wait for an officer.
        pending: Vec<LeafName>,
    },
    /// A new exchange.
    Exchange(ExchangeRow),
    /// The state of an exchange's thread.
    Thread {
        /// Which exchange.
        exchange: Id,
        /// Its new state.
        state: ThreadState,
    },
    /// Parties that must not be told anything in this exchange; added to those already named.
    Withheld {
        /// Which exchange.
        exchange: Id,
        /// Whom not to inform.
        parties: Vec<PartyId>,
    },
    /// A party's own reference of an exchange.
    Member(MemberRow),
    /// What a party knows the subject by, once a release told it.
    MemberSubject {
        /// Which exchange.
        exchange: Id,
        /// Which party.
        party: PartyId,
        /// The pseudonym.
        subject_ref: Id,
    },
    /// The digest of the last projection of a type sent to a member.
    LastProjection {
        /// Which exchange.
        exchange: Id,
        /// Which party.
        party: PartyId,
        /// Which message type.
        message_type: String,
        /// Digest of the canonical projected body.
        digest: Digest,
    },
    /// A signed release that waits to be handed out to its recipient (and, where it is addressed
    /// to a unit, also in the view of the whole party).
    Release(NewRelease),
    /// A queued release is taken back.
    CancelRelease(ReleaseId),
    /// Releases are handed out in this view, in this order; each gets the view's next `seq`.
    /// The first hand-out in any view makes a release, and the recipient's row, `collected`.
    HandOut {
        /// In whose inbox.
        view: Address,
        /// What, with the entry that records it where this is its first hand-out.
        releases: Vec<(ReleaseId, Option<EntrySlot>)>,
    },
    /// A signed acknowledgement of a release; sets the release's and the recipient's state.
    Acknowledge(Acknowledgement),
    /// Something kept back for an officer.
    Hold(NewHold),
    /// An officer's decision about a hold.
    Decide {
        /// Which hold.
        hold: Id,
        /// What was decided, by whom, why.
        decision: Decision,
    },
    /// A compiled policy's text, kept by digest; writing it again is no change.
    Policy {
        /// Digest of the canonical text.
        digest: Digest,
        /// RFC 8785 form.
        text: String,
    },
    /// A release schema, kept by digest; writing it again is no change.
    ReleaseSchema {
        /// Digest of the canonical text.
        digest: Digest,
        /// Whose.
        recipient: PartyId,
        /// RFC 8785 form.
        text: String,
    },
    /// A used client assertion; forgotten after `expires_at`.
    Assertion {
        /// Whose.
        party: PartyId,
        /// Its `jti`.
        jti: String,
        /// Unix seconds after which it can no longer be used anyway.
        expires_at: i64,
    },
    /// A signed refusal.
    Refusal(Refusal),
    /// The rules changed: raises the generation by one if `digest` differs from the recorded one.
    Rules {
        /// Digest over every policy, party record, agreement and the floor.
        digest: Digest,
    },
}

/// An event for one ledger. The leaf is `0x01 ‖ SHA-256(salt ‖ event)`: it shows no kind, party
/// or time.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which ledger: a party's id, or `governance`.
    pub ledger: String,
    /// Random.
    pub salt: [u8; 16],
    /// Canonical JSON of the event.
    pub event: Vec<u8>,
}

/// Where an entry came to stand, with its proof at the size that its commit made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which ledger.
    pub ledger: String,
    /// Index of the entry, from 0.
    pub index: u64,
    /// Size of the tree the proof is for.
    pub size: u64,
    /// Root of that tree.
    pub root: Digest,
    /// RFC 9162 inclusion proof, leaf to root.
    pub hashes: Vec<Digest>,
}

/// Head of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many entries.
    pub size: u64,
    /// RFC 9162 root; of an empty tree, SHA-256 of nothing.
    pub root: Digest,
}

/// A durable commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where each of [`Changes::entries`] came to stand, in order.
    pub entries: Vec<Placed>,
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition no longer holds: decide again.
    #[error("a precondition no longer holds")]
    Conflict(Requirement),
    /// The store cannot write now; the message is lost to nobody, its sender tries again.
    #[error("the store cannot write now")]
    Unavailable(#[source] StoreError),
}

/// Why the store cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue of writes is full.
    #[error("the queue of writes is full")]
    Busy,
    /// The database refuses, is full, locked or gone.
    #[error("the database does not answer")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database file was replaced or deleted while running.
    #[error("the database file was replaced or deleted")]
    Gone,
    /// A row that does not parse.
    #[error("row {row} of {table}.{column} does not parse")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Key of the row; ids only.
        row: String,
    },
    /// The database is of a version this binary does not know.
    #[error("the database has schema version {found}, this binary knows {known}")]
    UnknownVersion {
        /// Version found.
        found: i64,
        /// Version known.
        known: i64,
    },
}

/// What waits, for metrics and alarms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Releases not handed out.
    pub queued: u64,
    /// When the oldest of them was made (unix seconds).
    pub oldest_queued_at: Option<i64>,
    /// Open holds.
    pub holds_open: u64,
    /// When the oldest of them was opened (unix seconds).
    pub oldest_hold_at: Option<i64>,
}

/// The one trait in storage.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Applies `changes` durably.
    async fn commit(&self, changes: Changes) -> Result<Committed, CommitError>;

    /// The generation of the rules.
    async fn generation(&self) -> Result<u64, StoreError>;

    /// Whether the store can write now.
    async fn ready(&self) -> Result<(), StoreError>;

    /// An admitted or held message.
    async fn message(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Option<MessageRow>, StoreError>;

    /// Its recipients, in the order submitted.
    async fn recipients(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Vec<RecipientRow>, StoreError>;

    /// Whose reference this is.
    async fn member(&self, reference: &ExchangeRef) -> Result<Option<MemberRow>, StoreError>;

    /// Everyone who has a reference of the exchange.
    async fn members(&self, exchange: &Id) -> Result<Vec<MemberRow>, StoreError>;

    /// Whether `reference` is what `party` was handed for somebody else's subject: it may stand
    /// only in that exchange.
    async fn knows_subject_as(&self, party: &PartyId, reference: &Id) -> Result<bool, StoreError>;

    /// An exchange.
    async fn exchange(&self, exchange: &Id) -> Result<Option<ExchangeRow>, StoreError>;

    /// Messages of an exchange, oldest first.
    async fn messages_of(&self, exchange: &Id) -> Result<Vec<MessageRow>, StoreError>;

    /// Messages of a sender and type admitted from `since` on (unix seconds), each with its
    /// exchange and recipients, in the order of admission and after row `after`.
    async fn messages_from(
        &self,
        sender: &PartyId,
        message_type: &MessageType,
        since: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError>;

    /// The row of the message admitted last; 0 if there is none.
    async fn newest_message(&self) -> Result<i64, StoreError>;

    /// Digest of the last projection of a type sent to a member.
    async fn last_projection(
        &self,
        exchange: &Id,
        party: &PartyId,
        message_type: &str,
    ) -> Result<Option<Digest>, StoreError>;

    /// A release.
    async fn release(&self, id: &ReleaseId) -> Result<Option<ReleaseRow>, StoreError>;

    /// Releases made from a message, oldest first.
    async fn releases_of(
        &self,
        sender: &PartyId,
        id: &MessageId,
    ) -> Result<Vec<ReleaseRow>, StoreError>;

    /// Releases of an exchange already handed out to a party (in any view), oldest first.
    async fn handed_out(
        &self,
        exchange: &Id,
        party: &PartyId,
    ) -> Result<Vec<ReleaseRow>, StoreError>;

    /// Every release made for a party, in any state but cancelled, after `after` and in the order
    /// in which they were made.
    async fn released_to(
        &self,
        party: &PartyId,
        after: ReleasedCursor,
        limit: u32,
    ) -> Result<Vec<ReleasedRow>, StoreError>;

    /// Releases that wait for a view, in the order in which they are to be handed out.
    async fn waiting(&self, view: &Address, limit: u32) -> Result<Vec<ReleaseRow>, StoreError>;

    /// Releases handed out in a view with `seq` above `after`, in order.
    async fn page(
        &self,
        view: &Address,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, ReleaseRow)>, StoreError>;

    /// The lowest `seq` of a view that is not acknowledged.
    async fn oldest_unacknowledged(&self, view: &Address) -> Result<Option<i64>, StoreError>;

    /// The highest `seq` handed out in a view; 0 if none.
    async fn newest_seq(&self, view: &Address) -> Result<i64, StoreError>;

    /// The acknowledgement of a release.
    async fn acknowledgement(&self, id: &ReleaseId) -> Result<Option<AcknowledgedRow>, StoreError>;

    /// A hold.
    async fn hold(&self, id: &Id) -> Result<Option<HoldRow>, StoreError>;

    /// Holds, oldest first; only undecided ones unless `decided_too`.
    async fn holds(&self, decided_too: bool) -> Result<Vec<HoldRow>, StoreError>;

    /// Holds of one message.
    async fn holds_of(&self, sender: &PartyId, id: &MessageId) -> Result<Vec<HoldRow>, StoreError>;

    /// A policy's text.
    async fn policy_text(&self, digest: &Digest) -> Result<Option<String>, StoreError>;

    /// A release schema and whose it is.
    async fn release_schema(
        &self,
        digest: &Digest,
        recipient: &PartyId,
    ) -> Result<Option<String>, StoreError>;

    /// Head of a ledger; an unknown ledger is empty.
    async fn head(&self, ledger: &str) -> Result<Head, StoreError>;

    /// An entry as recorded.
    async fn entry(&self, ledger: &str, index: u64) -> Result<Option<EntryRow>, StoreError>;

    /// The proof of an entry at `size`, computed from stored nodes.
    async fn proof(
        &self,
        ledger: &str,
        index: u64,
        size: u64,
    ) -> Result<Option<Placed>, StoreError>;

    /// Months `YYYY-MM` under whose keys something is sealed.
    async fn sealed_months(&self) -> Result<Vec<String>, StoreError>;

    /// What waits.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}
