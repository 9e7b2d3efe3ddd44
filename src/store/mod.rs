//! What is kept, and the one way to change it.
//!
//! **Writes are data.** A use case reads, decides, and hands over one [`Changes`]; the store checks
//! its preconditions, applies its rows and appends its ledger entries in one durable commit. No
//! row is written in any other way. SQL lives nowhere else, written natively for each backend over
//! the same values, kept equal by one contract suite.
//!
//! Payloads reach this module already sealed (see [`vault`]): no backend ever sees one in clear.

pub mod desk;
pub mod rows;
pub mod sqlite;
pub mod vault;

use async_trait::async_trait;
use std::fmt;

use crate::domain::state::{MessageState, RecipientState, ThreadState};
use crate::domain::{
    Address, Digest, DocumentKind, ExchangeRef, Id, LeafName, MessageId, MessageType, PartyId,
    ReleaseId, VersionState,
};

use self::desk::{DeskPage, DeskRow, Undecided};
use self::rows::PolicyPin;
pub use rows::{
    AcknowledgedRow, Acknowledgement, Confirmed, ContactRow, Decision, EntryRow, ErasureRow,
    ExchangeRow, FlowRow, Flows, GroupSize, HoldRow, KeptMessage, KnownRow, MemberRow, MessageRow,
    NewConfirmation, NewErasure, NewHold, NewMessage, NewRelease, NewReview, NewStep, NewVersion,
    NoticeRow, QueueRow, RecipientRow, Refusal, ReleaseRow, ReleasedCursor, ReleasedRow,
    RequestDecision, RequestRow, ReviewRow, StepRow, ThreadsFound, ThreadsQuery, VersionKey,
    VersionRow, WaitingCursor, WaitingRow,
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

impl Changes {
    /// Adds what is applied with it; rows of `other` name their entries by where those come to
    /// stand.
    pub fn append(&mut self, other: Self) {
        self.requires.extend(other.requires);
        self.writes.extend(other.writes);
        self.entries.extend(other.entries);
    }
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
    /// The message is still in this state and not erased, and exactly these releases were made of
    /// it, oldest first.
    Message {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
        /// In which state.
        state: MessageState,
        /// Queued, handed out or cancelled.
        releases: Vec<ReleaseId>,
    },
    /// Exactly these corrections of a message were admitted, oldest first.
    Corrections {
        /// Who sent them, and the message.
        sender: PartyId,
        /// Which message is corrected.
        target: MessageId,
        /// By which ones.
        all: Vec<MessageId>,
    },
    /// The exchange was not erased whole.
    Unerased(Id),
    /// Exactly these messages were admitted in the exchange, oldest first.
    Messages {
        /// Which exchange.
        exchange: Id,
        /// Sender and id.
        all: Vec<(PartyId, MessageId)>,
    },
    /// What a party answered last to a notice of erasure is still this.
    Answered {
        /// Who sent the notice.
        sender: PartyId,
        /// The notice.
        notice: MessageId,
        /// Who answers.
        party: PartyId,
        /// `None` where it has not.
        result: Option<String>,
    },
    /// The ticket is still there.
    Ticket(String),
    /// No ticket is under that key.
    NoTicket(String),
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
    /// Nothing was decided about the information request with this thread.
    RequestUndecided(Id),
    /// The answer to the information request with this thread is not made for good.
    RequestOpen(Id),
    /// The version is in this state and has come this many steps; `None` if there is none yet.
    Version {
        /// Which version.
        key: VersionKey,
        /// Its state and number of steps.
        at: Option<(VersionState, u32)>,
    },
    /// The review is still undecided.
    ReviewOpen(Id),
    /// Exactly these reviews stand in the exchange, oldest first.
    Standing {
        /// Which exchange.
        exchange: Id,
        /// Which reviews.
        reviews: Vec<Id>,
    },
    /// Exactly these messages of the exchange are suspended for these recipients, oldest first.
    Suspended {
        /// Which exchange.
        exchange: Id,
        /// Sender and id of the message, and for whom.
        all: Vec<(PartyId, MessageId, Address)>,
    },
    /// The case has been passed on so far and no further: see [`Store::family`].
    Family {
        /// Which exchange.
        exchange: Id,
        /// All exchanges of the case.
        all: Vec<Id>,
    },
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
    /// What the party knows of the case is still the combination of this key.
    Known {
        /// Which exchange.
        exchange: Id,
        /// Which party.
        party: PartyId,
        /// The key, or `None` if it knows nothing.
        key: Option<Digest>,
    },
    /// At least so many other cases share the combination: see [`Store::group`].
    Group {
        /// Which party.
        party: PartyId,
        /// Key of the combination.
        key: Digest,
        /// The case that is not counted.
        exchange: Id,
        /// How many others.
        at_least: u32,
    },
}

/// One row to write.
#[derive(Debug)]
pub enum Write {
    /// A message that was admitted or held.
    Message(NewMessage),
    /// A message says another one of its sender's anew.
    Correction {
        /// Who sent both.
        sender: PartyId,
        /// The correction.
        message_id: MessageId,
        /// What it corrects.
        target: MessageId,
    },
    /// What was erased in an exchange, and by whom. What its parties were told last is forgotten.
    Erase(NewErasure),
    /// The payload of a message and of everything that was made of it is destroyed.
    EraseMessage {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
    },
    /// Parties are told to erase.
    Notify {
        /// By which erasure.
        erasure: Id,
        /// Who sends the notice.
        sender: PartyId,
        /// The notice.
        notice: MessageId,
        /// Whom.
        parties: Vec<PartyId>,
    },
    /// A party answers a notice of erasure; in place of what it answered before.
    Confirm(NewConfirmation),
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
    /// The policy version that a recipient's part of a message is pinned to, where it was pinned
    /// to none.
    RecipientPolicy {
        /// Who sent it.
        sender: PartyId,
        /// Under which id.
        message_id: MessageId,
        /// For whom.
        recipient: Address,
        /// The version.
        policy: PolicyPin,
    },
    /// A new exchange.
    Exchange(ExchangeRow),
    /// A new exchange passes on the case of another.
    PassedOn {
        /// The new one.
        exchange: Id,
        /// The other.
        parent: Id,
    },
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
    /// A release that was kept waits in its recipient's views from now on; no change where it does.
    Wait(ReleaseId),
    /// An information request.
    Request(Box<RequestRow>),
    /// What was decided about the information request with this thread, where nothing was.
    DecideRequest {
        /// Its thread.
        exchange: Id,
        /// What was decided.
        decision: RequestDecision,
    },
    /// The answer to the information request with this thread is made for good.
    CloseRequest(Id),
    /// A queued release made anew, in its place in the queue: its id, recipient, exchange and
    /// message stay.
    Remake(NewRelease),
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
    /// A version of a governed document, or another text of one that is still a draft.
    Version(NewVersion),
    /// A version's state; with the moment from which it is in force once it is approved.
    VersionState {
        /// Which version.
        key: VersionKey,
        /// Its new state.
        state: VersionState,
        /// Unix seconds, with [`VersionState::Approved`].
        effective_at: Option<i64>,
    },
    /// A step in the life of a version, recorded in the governance ledger.
    Step {
        /// Which version.
        key: VersionKey,
        /// What was done, by whom.
        step: NewStep,
    },
    /// What a foreign party knows of a case, in place of what it knew before.
    Known(KnownRow),
    /// What a foreign party would have known of a case was taken back: the case counts for no other
    /// one until the party is told of it again. No change where the party knows nothing.
    Uncount {
        /// Which exchange.
        exchange: Id,
        /// Which party.
        party: PartyId,
        /// A key that no other case has.
        key: Digest,
    },
    /// What foreign parties know of a case is forgotten; where the case counted, it goes on
    /// counting as a number without a name.
    Fold(
        /// Which exchange.
        Id,
    ),
    /// Sharing is suspended until an officer decides. No change while one of the same exchange,
    /// kind and party is open; takes the place of one that was decided to keep.
    OpenReview(NewReview),
    /// An officer's decision about a review.
    DecideReview {
        /// Which review.
        review: Id,
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
    /// What the console remembers for a while, in place of what stood under that key.
    Ticket {
        /// A hash of what the browser holds.
        key: String,
        /// JSON.
        value: String,
        /// Unix seconds after which it may be forgotten.
        expires_at: i64,
    },
    /// A ticket is given back.
    DropTicket(String),
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
    /// Open reviews.
    pub reviews_open: u64,
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

    /// Exchanges that a party looks for, at most `limit`. No more than `look` of the party's
    /// exchanges are looked at, whether they fit or not.
    async fn threads(
        &self,
        query: &ThreadsQuery,
        look: u32,
        limit: u32,
    ) -> Result<ThreadsFound, StoreError>;

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

    /// As [`Self::waiting`], from `after` on and without what is large.
    async fn waiting_after(
        &self,
        view: &Address,
        after: WaitingCursor,
        limit: u32,
    ) -> Result<Vec<WaitingRow>, StoreError>;

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

    /// What is undecided, counted by whose it is; at `now` (unix seconds).
    async fn undecided(&self, now: i64) -> Result<Undecided, StoreError>;

    /// A page of what is undecided: the most urgent first, then the oldest.
    async fn desk(&self, page: DeskPage) -> Result<Vec<DeskRow>, StoreError>;

    /// Holds of one message.
    async fn holds_of(&self, sender: &PartyId, id: &MessageId) -> Result<Vec<HoldRow>, StoreError>;

    /// Every version of every governed document with its steps, by kind, id and version.
    async fn versions(&self) -> Result<Vec<VersionRow>, StoreError>;

    /// The versions of one document.
    async fn versions_of(
        &self,
        kind: DocumentKind,
        id: &str,
    ) -> Result<Vec<VersionRow>, StoreError>;
    /// What a foreign party knows of a case.
    async fn known(&self, exchange: &Id, party: &PartyId) -> Result<Option<KnownRow>, StoreError>;

    /// How many cases but `exchange`, taken by their receiver or folded, `party` knows, or would
    /// with what is held, by the combination of `key`. Of those not folded no more than `most` are
    /// counted.
    async fn group(
        &self,
        party: &PartyId,
        key: &Digest,
        exchange: &Id,
        most: u32,
    ) -> Result<u64, StoreError>;
    /// A ticket and when it expires, expired or not.
    async fn ticket(&self, key: &str) -> Result<Option<(String, i64)>, StoreError>;

    /// A review.
    async fn review(&self, id: &Id) -> Result<Option<ReviewRow>, StoreError>;

    /// Reviews, oldest first; only undecided ones unless `decided_too`.
    async fn reviews(&self, decided_too: bool) -> Result<Vec<ReviewRow>, StoreError>;

    /// Every review of these exchanges, decided or not; those of one exchange oldest first.
    async fn reviews_in(&self, exchanges: &[Id]) -> Result<Vec<ReviewRow>, StoreError>;

    /// Recipients for whom messages of the exchange are suspended, oldest message first.
    async fn suspended_in(&self, exchange: &Id) -> Result<Vec<RecipientRow>, StoreError>;

    /// Releases of the exchange that nobody was handed yet, oldest first.
    async fn queued_in(&self, exchange: &Id) -> Result<Vec<ReleaseRow>, StoreError>;

    /// Corrections of a message, oldest first.
    async fn corrections_of(
        &self,
        sender: &PartyId,
        target: &MessageId,
    ) -> Result<Vec<MessageRow>, StoreError>;

    /// Every erasure, oldest first.
    async fn erasures(&self) -> Result<Vec<ErasureRow>, StoreError>;

    /// Everyone who was told to erase, oldest notice first.
    async fn notices(&self) -> Result<Vec<NoticeRow>, StoreError>;

    /// The notices of erasure that a party is told in an exchange, oldest first.
    async fn notices_in(
        &self,
        exchange: &Id,
        party: &PartyId,
    ) -> Result<Vec<NoticeRow>, StoreError>;

    /// Whether an exchange was erased whole.
    async fn is_erased(&self, exchange: &Id) -> Result<bool, StoreError>;

    /// Exchanges in which a party knows the subject by that reference, oldest first.
    async fn known_as(&self, party: &PartyId, reference: &Id) -> Result<Vec<Id>, StoreError>;

    /// The exchange, those its case came from and those it was passed on to, near and far; in the
    /// order of their ids.
    async fn family(&self, exchange: &Id) -> Result<Vec<Id>, StoreError>;

    /// The information request with this thread.
    async fn request(&self, exchange: &Id) -> Result<Option<RequestRow>, StoreError>;

    /// The information request that this message answers.
    async fn request_answered_by(
        &self,
        sender: &PartyId,
        answer: &MessageId,
    ) -> Result<Option<RequestRow>, StoreError>;

    /// Information requests, oldest first; only those whose answer is not made for good unless
    /// `closed_too`.
    async fn requests(&self, closed_too: bool) -> Result<Vec<RequestRow>, StoreError>;

    /// Information requests whose answer leaves at `now` or has left unnoticed (unix seconds).
    async fn requests_due(&self, now: i64) -> Result<Vec<RequestRow>, StoreError>;

    /// The next moment after `now` at which an answer to `asker` leaves (unix seconds).
    async fn next_answer(&self, asker: &PartyId, now: i64) -> Result<Option<i64>, StoreError>;

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

    /// What `party` sent and was handed since a moment (unix seconds), by edge and day; where none
    /// is named, what everybody sent.
    async fn flows(&self, party: Option<&PartyId>, since: i64) -> Result<Flows, StoreError>;

    /// Releases that nobody was handed yet, by edge.
    async fn queues(&self) -> Result<Vec<QueueRow>, StoreError>;

    /// When `party` last sent to `with`, was released something from it and acknowledged that; where
    /// `with` is not named, whoever was at the other end. What was sent to a named party counts
    /// once it was handed out to it.
    async fn contact(
        &self,
        party: &PartyId,
        with: Option<&PartyId>,
    ) -> Result<ContactRow, StoreError>;

    /// What waits.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}
