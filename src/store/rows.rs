//! The rows, as plain values. `New…` is what a use case hands over where the store adds something
//! (an entry's index); a `…Row` is what comes back.

use time::Date;

use super::{EntrySlot, Sealed};
use crate::domain::state::{
    MessageState, RecipientState, ReleaseState, RequestOutcome, ReviewKind, ThreadState, Urgency,
};
use crate::domain::{
    Act, Address, Digest, DocumentKind, ExchangeRef, Fault, Id, LeafName, MessageId, MessageType,
    Needs, PartyId, Purpose, ReleaseId, VersionState,
};

/// A message to record.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Who sent it.
    pub sender: Address,
    /// Under which id.
    pub message_id: MessageId,
    /// What it is.
    pub message_type: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
    /// Its state.
    pub state: MessageState,
    /// The exchange it belongs to.
    pub exchange: Id,
    /// The signed receipt.
    pub receipt: String,
    /// The receipt's entry in the sender's ledger.
    pub entry: EntrySlot,
    /// When it was admitted (unix seconds).
    pub admitted_at: i64,
    /// Until when it may be kept.
    pub retention_until: Date,
    /// The object as received.
    pub object: Sealed,
}

/// A recorded message.
#[derive(Debug, Clone)]
pub struct MessageRow {
    /// Who sent it.
    pub sender: Address,
    /// Under which id.
    pub message_id: MessageId,
    /// What it is.
    pub message_type: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
    /// Its state.
    pub state: MessageState,
    /// The exchange it belongs to.
    pub exchange: Id,
    /// The signed receipt.
    pub receipt: String,
    /// Index of the receipt's entry in the ledger of `sender.party`.
    pub entry: u64,
    /// When it was admitted (unix seconds).
    pub admitted_at: i64,
    /// Until when it may be kept.
    pub retention_until: Date,
    /// The object as received; `None` once erased.
    pub object: Option<Sealed>,
}

/// A recorded message with all that deciding about it again needs.
#[derive(Debug, Clone)]
pub struct KeptMessage {
    /// Its row: messages are in the order of admission.
    pub row: i64,
    /// The message.
    pub message: MessageRow,
    /// Whether it is the first of its exchange.
    pub opens: bool,
    /// The exchange it belongs to.
    pub exchange: ExchangeRow,
    /// Its recipients, in the order submitted.
    pub recipients: Vec<RecipientRow>,
}

/// A message as it concerns one recipient: written once, then changed by state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientRow {
    /// Who sent the message.
    pub sender: PartyId,
    /// Under which id.
    pub message_id: MessageId,
    /// Position in the message's `recipients`.
    pub position: u32,
    /// For whom.
    pub recipient: Address,
    /// Its state.
    pub state: RecipientState,
    /// Leaves that wait for an officer.
    pub pending: Vec<LeafName>,
    /// Why it was refused, where it was.
    pub code: Option<String>,
    /// Id, version and digest of the policy version the message is pinned to, where one applied.
    pub policy: Option<PolicyPin>,
}

/// The policy version that decided.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyPin {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Digest of its RFC 8785 form.
    pub digest: Digest,
}

/// One case as it passes between parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRow {
    /// Internal id; never leaves the gateway.
    pub id: Id,
    /// State of the thread between referrer and receiver.
    pub state: ThreadState,
    /// Who referred.
    pub referrer: Address,
    /// Who receives the case.
    pub receiver: Address,
    /// Whose data it is in the end (R6): the first referrer of the case.
    pub origin: PartyId,
    /// To whom the origin allows messages of this exchange to be passed on.
    pub onward: Vec<PartyId>,
    /// Who was ever named as not to be informed; what that still forbids, the reviews say.
    pub withheld: Vec<PartyId>,
    /// Internal id of the subject.
    pub subject: Id,
    /// The day from which ages are counted.
    pub reference_date: Date,
    /// When it began (unix seconds).
    pub opened_at: i64,
}

/// A party's own reference of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The reference.
    pub reference: ExchangeRef,
    /// The exchange.
    pub exchange: Id,
    /// The party.
    pub party: PartyId,
    /// What it knows the subject by: its own reference, or the pseudonym it was handed.
    pub subject_ref: Option<Id>,
}

/// Which exchanges a party looks for: those in which it sent a message, or was handed a release,
/// that fits all of this.
#[derive(Debug, Clone)]
pub struct ThreadsQuery {
    /// Whose exchanges; a unit sees those that it is itself a side of.
    pub reader: Address,
    /// To whom the message went, or from whom the release came.
    pub with: Option<PartyId>,
    /// What it is.
    pub message_type: Option<MessageType>,
    /// Its state for a recipient.
    pub state: Option<RecipientState>,
    /// Sent or made from this moment on (unix seconds).
    pub since: i64,
    /// And before this one.
    pub until: i64,
    /// Begun before the exchange that the reader knows by this reference.
    pub before: Option<ExchangeRef>,
}

/// A page of them, begun last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadsFound {
    /// The exchanges, each with the reader's own reference.
    pub threads: Vec<(ExchangeRow, ExchangeRef)>,
    /// `before` of the next page, where there may be more.
    pub next: Option<ExchangeRef>,
}

/// A signed release to queue.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// Its id.
    pub release_id: ReleaseId,
    /// For whom.
    pub recipient: Address,
    /// In which exchange.
    pub exchange: Id,
    /// Who sent the message it was made from.
    pub sender: Address,
    /// That message.
    pub message_id: MessageId,
    /// What it is.
    pub message_type: MessageType,
    /// The issuer-signed JWS: the statement, without the body.
    pub statement: String,
    /// The disclosure that holds the body.
    pub disclosure: Sealed,
    /// SHA-256 of the whole SD-JWT.
    pub digest: Digest,
    /// The policy it was made under.
    pub policy: PolicyPin,
    /// Its release schema.
    pub release_schema: Digest,
    /// The salt of its `origin` commitment.
    pub origin_salt: String,
    /// The release it adds a held text to.
    pub supplements: Option<ReleaseId>,
    /// Whether it overtakes everything queued (withdrawals, erasure notices).
    pub urgent: bool,
    /// Whether it stands in no view until [`super::Write::Wait`].
    pub kept: bool,
    /// When it was made (unix seconds).
    pub made_at: i64,
}

/// A recorded release.
#[derive(Debug, Clone)]
pub struct ReleaseRow {
    /// Its id.
    pub release_id: ReleaseId,
    /// For whom.
    pub recipient: Address,
    /// In which exchange.
    pub exchange: Id,
    /// Who sent the message it was made from.
    pub sender: Address,
    /// That message.
    pub message_id: MessageId,
    /// What it is.
    pub message_type: MessageType,
    /// Its state.
    pub state: ReleaseState,
    /// The issuer-signed JWS.
    pub statement: String,
    /// The disclosure that holds the body; `None` once erased.
    pub disclosure: Option<Sealed>,
    /// SHA-256 of the whole SD-JWT.
    pub digest: Digest,
    /// The policy it was made under.
    pub policy: PolicyPin,
    /// Its release schema.
    pub release_schema: Digest,
    /// The salt of its `origin` commitment.
    pub origin_salt: String,
    /// The release it adds a held text to.
    pub supplements: Option<ReleaseId>,
    /// When it was made (unix seconds).
    pub made_at: i64,
    /// Index of its entry in the ledger of `recipient.party`, once handed out.
    pub entry: Option<u64>,
}

impl ReleaseRow {
    /// Whether it has neither been handed out nor taken back.
    pub fn is_queued(&self) -> bool {
        self.state == ReleaseState::Queued
    }
}

/// A recorded release without its text: what a list of everything a party received needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedRow {
    /// Its id.
    pub release_id: ReleaseId,
    /// For whom.
    pub recipient: Address,
    /// Who sent the message it was made from.
    pub sender: Address,
    /// What it is.
    pub message_type: MessageType,
    /// Its state.
    pub state: ReleaseState,
    /// The policy it was made under.
    pub policy: PolicyPin,
    /// SHA-256 of the whole SD-JWT.
    pub digest: Digest,
    /// When it was made (unix seconds).
    pub made_at: i64,
    /// Where the next page begins after this row.
    pub cursor: ReleasedCursor,
}

/// A release that waits, without its text: what choosing among ten thousand needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// Its id.
    pub release_id: ReleaseId,
    /// For whom.
    pub recipient: Address,
    /// Who sent the message it was made from.
    pub sender: Address,
    /// What it is.
    pub message_type: MessageType,
    /// The policy it was made under.
    pub policy: PolicyPin,
    /// When it was made (unix seconds).
    pub made_at: i64,
    /// Where the next look begins after this row.
    pub cursor: WaitingCursor,
}

/// A place among what waits in a view: what is urgent stands first, then by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitingCursor {
    /// Whether it is past what is urgent.
    pub calm: bool,
    /// Its row.
    pub row: i64,
}

impl WaitingCursor {
    /// Before everything.
    pub const BEGIN: Self = Self { calm: false, row: 0 };
}

/// A place in the list of a party's releases, which is ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleasedCursor {
    /// When the release was made (unix seconds).
    pub made_at: i64,
    /// Its row.
    pub row: i64,
}

/// An acknowledgement to record.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// Of which release.
    pub release_id: ReleaseId,
    /// `received` (true) or `rejected`.
    pub received: bool,
    /// The recipient's signed word.
    pub jws: String,
    /// The gateway's signed receipt for it.
    pub receipt: String,
    /// The receipt's entry in the recipient's ledger.
    pub entry: EntrySlot,
    /// When (unix seconds).
    pub at: i64,
}

/// A recorded acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgedRow {
    /// Of which release.
    pub release_id: ReleaseId,
    /// `received` (true) or `rejected`.
    pub received: bool,
    /// The recipient's signed word.
    pub jws: String,
    /// The gateway's signed receipt for it.
    pub receipt: String,
    /// Index of the receipt's entry in the ledger of the recipient's party.
    pub entry: u64,
    /// When (unix seconds).
    pub at: i64,
}

/// Something to keep back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Its id.
    pub id: Id,
    /// Who sent the message.
    pub sender: Address,
    /// Which message.
    pub message_id: MessageId,
    /// For whom it is kept back.
    pub recipient: Address,
    /// The release that went without it; `None` where the whole message is kept back.
    pub release: Option<ReleaseId>,
    /// The leaves concerned.
    pub leaves: Vec<LeafName>,
    /// What the net found: pointer and rule, never a value.
    pub findings: Vec<Fault>,
    /// How many share the combination that the recipient would know the case by, where too few do.
    pub group: Option<GroupSize>,
    /// How soon it is to be looked at, as far as its officers may know.
    pub urgency: Urgency,
    /// When (unix seconds).
    pub opened_at: i64,
}

/// How many share a combination, and how many have to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSize {
    /// How many do, the case itself among them.
    pub alike: u32,
    /// How many have to: the agreement's `k`.
    pub needed: u32,
}

/// What a foreign party knows of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRow {
    /// Which case.
    pub exchange: Id,
    /// Who knows it.
    pub party: PartyId,
    /// JSON, of values that were released to that party.
    pub profile: String,
    /// Of the combination by which the party knows the case, or would with what is held.
    pub key: Digest,
    /// How many releases it had.
    pub releases: u32,
}

/// A recorded hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// What was kept back.
    pub hold: NewHold,
    /// What an officer decided, if one has.
    pub decision: Option<Decision>,
}

/// An officer's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Of a hold: released (true) or discarded. Of a review: resumed (true) or kept.
    pub released: bool,
    /// Which officer.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// When (unix seconds).
    pub at: i64,
}

/// Something that suspends sharing until an officer has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// Its id.
    pub id: Id,
    /// In which exchange.
    pub exchange: Id,
    /// Why.
    pub kind: ReviewKind,
    /// Towards whom; `None` for everyone that its kind concerns.
    pub party: Option<PartyId>,
    /// When (unix seconds).
    pub opened_at: i64,
    /// By when an officer should have decided (unix seconds).
    pub due_at: i64,
}

/// A recorded review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    /// What suspends what.
    pub review: NewReview,
    /// Whether it does: while it is open, and for good once it was decided to keep, unless a later
    /// one of its kind and party took its place.
    pub stands: bool,
    /// What an officer decided, if one has.
    pub decision: Option<Decision>,
}

/// An information request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its own thread.
    pub exchange: Id,
    /// The case that it is about, where asker and asked both know it.
    pub about: Option<Id>,
    /// Whether it is about a topic.
    pub is_topic: bool,
    /// Who asks.
    pub asker: Address,
    /// Who is asked.
    pub asked: Address,
    /// The asker's message.
    pub message_id: MessageId,
    /// For which purpose.
    pub purpose: Purpose,
    /// By which day an answer is expected.
    pub respond_by: Date,
    /// When its one answer leaves, towards a foreign asker (unix seconds).
    pub answer_at: Option<i64>,
    /// When it was admitted (unix seconds).
    pub opened_at: i64,
    /// What was decided, if anything was.
    pub decision: Option<RequestDecision>,
    /// Whether its answer is made for good: abroad that is only once it leaves.
    pub is_closed: bool,
}

/// What became of an information request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDecision {
    /// How it is answered.
    pub outcome: RequestOutcome,
    /// The message of the party asked that answers it.
    pub answer: Option<MessageId>,
    /// Who decided, where no message did.
    pub officer: Option<String>,
    /// Why, where an officer did.
    pub reason: Option<String>,
    /// When (unix seconds).
    pub at: i64,
}

/// A signed refusal.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// `jti` of the refusal.
    pub id: Id,
    /// Whose submission was refused.
    pub sender: PartyId,
    /// Its message id, where the payload could be read.
    pub message_id: Option<MessageId>,
    /// SHA-256 of the object as received.
    pub digest: Digest,
    /// Why.
    pub code: String,
    /// The signed refusal.
    pub jws: String,
    /// Its entry in the sender's ledger.
    pub entry: EntrySlot,
    /// When (unix seconds).
    pub at: i64,
}

/// An entry as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its index.
    pub index: u64,
    /// Size of the ledger its commit made durable: the size its first proof is for.
    pub size: u64,
    /// Random.
    pub salt: [u8; 16],
    /// Canonical JSON of the event.
    pub event: Vec<u8>,
}

/// How many messages went one way on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRow {
    /// From whom.
    pub sender: Address,
    /// To whom.
    pub recipient: Address,
    /// Days since 1970-01-01 in Jakarta.
    pub day: i64,
    /// How many.
    pub count: u64,
}

/// What one party sent and was handed. See [`super::Store::flows`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flows {
    /// Messages, once for each recipient that they were not refused for, by the day of admission.
    pub sent: Vec<FlowRow>,
    /// Releases handed out to the party, supplements left out, by the day that they were made.
    pub received: Vec<FlowRow>,
}

/// Releases that wait for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// From whom.
    pub sender: Address,
    /// For whom.
    pub recipient: Address,
    /// How many.
    pub count: u64,
    /// When the oldest was made (unix seconds).
    pub oldest_at: i64,
}

/// When a party was last heard of, in unix seconds. See [`super::Store::contact`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContactRow {
    /// Its last message.
    pub sent_at: Option<i64>,
    /// The last release made for it.
    pub released_at: Option<i64>,
    /// Its last acknowledgement.
    pub acknowledged_at: Option<i64>,
}

/// Names one version of one governed document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionKey {
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// Which version, from 1.
    pub version: u32,
}

/// A version to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// Which version.
    pub key: VersionKey,
    /// TOML as written.
    pub text: String,
    /// SHA-256 of its canonical form.
    pub digest: Digest,
    /// Its state.
    pub state: VersionState,
    /// From when it is in force (unix seconds), where it is approved.
    pub effective_at: Option<i64>,
}

/// A recorded version with its steps, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Which version.
    pub key: VersionKey,
    /// TOML as written.
    pub text: String,
    /// SHA-256 of its canonical form.
    pub digest: Digest,
    /// Its state.
    pub state: VersionState,
    /// From when it is in force (unix seconds), where it is approved.
    pub effective_at: Option<i64>,
    /// What was done with it.
    pub steps: Vec<StepRow>,
}

/// A step to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// What was done.
    pub act: Act,
    /// By which officer.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// How many officers the version was found to take, where it was judged.
    pub needs: Option<Needs>,
    /// The officer's own word, where the act is one.
    pub jws: Option<String>,
    /// Its entry in the governance ledger.
    pub entry: EntrySlot,
    /// When (unix seconds).
    pub at: i64,
}

/// A recorded step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// What was done.
    pub act: Act,
    /// By which officer.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// How many officers the version was found to take, where it was judged.
    pub needs: Option<Needs>,
    /// The officer's own word, where the act is one.
    pub jws: Option<String>,
    /// Index of its entry in the governance ledger.
    pub entry: u64,
    /// When (unix seconds).
    pub at: i64,
}

/// An erasure to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// Its id.
    pub id: Id,
    /// In which exchange.
    pub exchange: Id,
    /// Whether it is the whole exchange, and not only messages of it.
    pub whole: bool,
    /// How many messages.
    pub messages: u32,
    /// Why: a code.
    pub reason: String,
    /// Whose officer decided, or which party asked.
    pub party: Address,
    /// Which officer; `None` where a party's own message asked.
    pub officer: Option<String>,
    /// By when whoever was told is to have erased it.
    pub erase_by: Date,
    /// Whether in backups too.
    pub include_backups: bool,
    /// Until when an old backup of the database could still give back what was erased.
    pub recoverable_until: Date,
    /// When (unix seconds).
    pub at: i64,
}

/// A recorded erasure.
pub type ErasureRow = NewErasure;

/// One party that was told to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// By which erasure.
    pub erasure: Id,
    /// Who sent the notice.
    pub sender: PartyId,
    /// The notice.
    pub message_id: MessageId,
    /// Who was told.
    pub party: PartyId,
    /// What it answered last.
    pub confirmed: Option<Confirmed>,
}

/// What a party says became of what it was to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// `erased`, `not_held` or `retained`.
    pub result: String,
    /// On which basis it is retained.
    pub legal_basis: Option<String>,
    /// On which day.
    pub erased_on: Date,
    /// When it said so (unix seconds).
    pub at: i64,
}

/// A party's answer to a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConfirmation {
    /// Who sent the notice.
    pub sender: PartyId,
    /// The notice.
    pub notice: MessageId,
    /// Who answers.
    pub party: PartyId,
    /// What.
    pub confirmed: Confirmed,
}
