//! The shapes of the officers' socket, shared by `console` and `client`. None shows a value, but for
//! what an officer asked to see of a hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::state::ReviewKind;
use crate::domain::{Digest, Fault};

/// One release in the list of everything a party received. Shows no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasedView {
    /// Its id.
    pub release_id: String,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// For whom.
    pub recipient: String,
    /// From whom.
    pub from: String,
    /// Message type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// `queued` (not handed out yet), `collected`, `acknowledged` or `rejected`.
    pub state: String,
    /// The policy's id.
    pub policy: String,
    /// The policy's version.
    pub version: u32,
    /// SHA-256 of the policy's canonical form.
    pub policy_digest: String,
    /// SHA-256 of the whole release.
    pub digest: String,
    /// The leaves that the policy lets through.
    pub leaves: Vec<String>,
}

/// A page of that list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasedPage {
    /// In the order in which they were made.
    pub releases: Vec<ReleasedView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// What is asked of a replay.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayAsk {
    /// The proposed policy's id.
    pub id: String,
    /// The proposed policy, TOML.
    pub policy: String,
    /// Messages admitted from here on, unix seconds.
    pub since: i64,
    /// `next` of the page before; 0 at first.
    pub after: i64,
    /// Which officer asks: one of the policy's own parties.
    pub officer: String,
    /// Whether to show values that differ, which is recorded; for officers of the sender only.
    #[serde(default)]
    pub show_values: bool,
}

/// A page of a replay: how a proposed policy would have dealt with messages still in retention,
/// beside the one in force. Counts only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPage {
    /// Messages of this page that the policy is for, once for each of its recipients.
    pub messages: u64,
    /// Messages whose payload is erased and which therefore say nothing.
    pub erased: u64,
    /// Messages that nobody of the recipient's was to be told of: suspended under any policy, and
    /// in neither count below.
    #[serde(default)]
    pub suspended: u64,
    /// Of the messages, how many the recipient would receive exactly as before.
    pub alike: u64,
    /// Under the policy in force.
    pub before: ReplayOutcomes,
    /// Under the proposed one.
    pub after: ReplayOutcomes,
    /// Per leaf, in how many releases it changes.
    pub leaves: BTreeMap<String, ReplayLeaf>,
    /// Values that differ, the first of each page, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ReplayValues>,
    /// Where the page ended, and where the last message stands: how far the replay is.
    pub at: i64,
    /// See `at`.
    pub of: i64,
    /// `after` of the next page; absent on the last.
    pub next: Option<i64>,
}

/// What would become of messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayOutcomes {
    /// Released.
    pub released: u64,
    /// Held whole for an officer.
    pub held: u64,
    /// Refused for this recipient, or no policy at all.
    pub refused: u64,
}

/// What a leaf holds in one release, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayValues {
    /// Which leaf.
    pub leaf: String,
    /// Under the policy in force.
    pub before: Vec<Value>,
    /// Under the proposed one.
    pub after: Vec<Value>,
}

/// How often a leaf changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLeaf {
    /// It would be there and was not.
    pub starts: u64,
    /// It was there and would not be.
    pub stops: u64,
    /// It would have another value.
    pub differs: u64,
}

impl ReplayPage {
    /// Adds the page that follows.
    pub fn add(&mut self, other: Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.erased = self.erased.saturating_add(other.erased);
        self.suspended = self.suspended.saturating_add(other.suspended);
        self.alike = self.alike.saturating_add(other.alike);
        for (to, from) in [(&mut self.before, other.before), (&mut self.after, other.after)] {
            to.released = to.released.saturating_add(from.released);
            to.held = to.held.saturating_add(from.held);
            to.refused = to.refused.saturating_add(from.refused);
        }
        self.values.extend(other.values);
        for (leaf, from) in other.leaves {
            let to = self.leaves.entry(leaf).or_default();
            to.starts = to.starts.saturating_add(from.starts);
            to.stops = to.stops.saturating_add(from.stops);
            to.differs = to.differs.saturating_add(from.differs);
        }
        (self.at, self.of, self.next) = (other.at, other.of, other.next);
    }
}

/// A hold, as the duty officer sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldView {
    /// Its id.
    pub id: String,
    /// From whom.
    pub from: String,
    /// For whom.
    pub recipient: String,
    /// Message type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// The recipient's exchange reference, where it has one; the sender's where the hold is for
    /// the sender's officers.
    pub exchange: Option<String>,
    /// Leaves concerned.
    pub leaves: Vec<String>,
    /// What the net found: pointer and rule.
    pub findings: Vec<Fault>,
    /// How many share the combination that the recipient would know the case by, where the message
    /// is held because too few do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupView>,
    /// Whether the rest of the message has gone.
    pub rest_went: bool,
    /// RFC 3339.
    pub opened_at: String,
    /// The decision, if any.
    pub decision: Option<DecisionView>,
    /// The held values by leaf, only from `hold show` (a recorded act).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
}

/// How many share a combination; never who.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// How many do, the case itself among them.
    pub alike: u32,
    /// How many have to: the agreement's `k`.
    pub needed: u32,
}

/// A decision about a hold.
/// A decision about a hold or a review.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecisionView {
    /// Of a hold `released` or `discarded`, of a review `resumed` or `kept`.
    pub decision: String,
    /// Which officer.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    pub at: String,
}

/// What an officer asks of a hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldAct {
    /// Name of an officer in `officers.toml`.
    pub officer: String,
    /// Why; required to release or discard.
    #[serde(default)]
    pub reason: String,
    /// SHA-256 of the word that the officer's passkey said, where the console has checked one;
    /// nobody who asks from elsewhere can claim one.
    #[serde(skip)]
    pub word: Option<Digest>,
}

/// A review, as the officer who decides sees it. Shows no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReviewView {
    /// Its id.
    pub id: String,
    /// Why sharing is suspended.
    pub kind: ReviewKind,
    /// Towards whom; absent where its kind concerns more than one.
    pub party: Option<String>,
    /// Whose officers decide.
    pub decided_by: String,
    /// The exchange reference of whoever decides, where it has one.
    pub exchange: Option<String>,
    /// How many messages wait for the decision, once for each recipient.
    pub suspended: u64,
    /// RFC 3339.
    pub opened_at: String,
    /// By when it should be decided, RFC 3339.
    pub due_at: String,
    /// Whether that has passed without a decision.
    pub is_overdue: bool,
    /// The decision, if any.
    pub decision: Option<DecisionView>,
}

/// What an officer asks of a review.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReviewAct {
    /// Name of an officer in `officers.toml`.
    pub officer: String,
    /// Why; required to decide.
    #[serde(default)]
    pub reason: String,
    /// As a hold's.
    #[serde(skip)]
    pub word: Option<Digest>,
}

/// What an officer asks to erase: either a case or a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureAsk {
    /// The case, by the reference that the officer's party knows an exchange of it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// A message of the officer's party, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `retention_end`, `consent_withdrawn`, `unlawful`, `right_holder_request` or `error`.
    pub reason: String,
    /// Name of an officer.
    pub officer: String,
    /// `YYYY-MM-DD`; thirty days from now where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_by: Option<String>,
    /// Whether whoever was told is to erase it in backups too.
    pub include_backups: bool,
    /// What [`ErasureView::confirm`] showed; nothing is erased without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

/// What is erased, or would be. Shows no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErasureView {
    /// Whether it was done.
    pub is_done: bool,
    /// How many exchanges.
    pub exchanges: u64,
    /// How many messages.
    pub messages: u64,
    /// How many releases nobody was handed yet are taken back.
    pub cancelled: u64,
    /// Who is told to erase.
    pub tells: Vec<String>,
    /// Why.
    pub reason: String,
    /// By when.
    pub erase_by: String,
    /// Whether in backups too.
    pub include_backups: bool,
    /// Until when an old backup of the database could still give it back.
    pub recoverable_until: String,
    /// Names exactly this.
    pub confirm: String,
}

/// An erasure that was done. Shows no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErasureListed {
    /// Its id.
    pub id: String,
    /// RFC 3339.
    pub at: String,
    /// Whose officer decided, or which party asked.
    pub party: String,
    /// Which officer; absent where a party's own message asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Whether it was a whole exchange.
    pub is_whole: bool,
    /// How many messages.
    pub messages: u32,
    /// Why.
    pub reason: String,
    /// By when whoever was told is to have erased it.
    pub erase_by: String,
    /// Whether in backups too.
    pub include_backups: bool,
    /// Until when an old backup of the database could still give it back.
    pub recoverable_until: String,
    /// Who was told.
    pub notices: Vec<NoticeView>,
}

/// A party that was told to erase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoticeView {
    /// Which.
    pub party: String,
    /// Whether it was handed the notice: `queued`, `collected`, `acknowledged`, `rejected`.
    pub state: String,
    /// What it says became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// On which basis it is retained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// On which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_on: Option<String>,
    /// When it said so, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
    /// Whether the day has passed without an answer.
    pub is_overdue: bool,
}
