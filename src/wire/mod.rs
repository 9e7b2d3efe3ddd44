//! The shapes of the agencies' API, shared by `http` and `client`. Nothing here decides.

mod admin;
mod governance;
mod requests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Fault;
use crate::domain::state::{MessageState, RecipientState};

pub use admin::{
    DecisionView, ErasureAsk, ErasureListed, ErasureView, GroupView, HoldAct, HoldView, NoticeView,
    ReleasedPage, ReleasedView, ReplayAsk, ReplayLeaf, ReplayOutcomes, ReplayPage, ReplayValues,
    ReviewAct, ReviewView,
};
pub use governance::{
    ActAsk, DraftAsk, Invitation, InviteAsk, RulesView, StepView, VersionView, VersionsAsk, WordAsk,
};
pub use requests::{RequestAct, RequestDecided, RequestView};

/// Answer of `POST /v1/token` (RFC 6749, 5.1).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// The access token, bound to the client certificate (RFC 8705).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
    /// Granted scopes, space separated.
    pub scope: String,
}

/// Error of `POST /v1/token` (RFC 6749, 5.2).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenError {
    /// `invalid_client`, `invalid_request`, `invalid_scope`, `unsupported_grant_type`.
    pub error: String,
    /// A sentence; never a value from the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// One recipient of a message, as its sender sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecipientView {
    /// Address; party only towards a foreign sender.
    #[schema(value_type = String)]
    pub party: String,
    /// Where the message stands for it.
    #[schema(value_type = String)]
    pub state: RecipientState,
    /// Leaves that wait for an officer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// When it was acknowledged: RFC 3339, or a date for a foreign sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
    /// The recipient's signed acknowledgement; domestic senders only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<String>,
}

/// An entry's place in a ledger, with its inclusion proof (RFC 9162, 2.1.3) and checkpoint
/// (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// Which ledger.
    pub ledger: String,
    /// base64url of `0x01 ‖ SHA-256(salt ‖ event)`.
    pub entry: String,
    /// base64url.
    pub salt: String,
    /// Index of the entry, from 0.
    pub index: u64,
    /// Size of the tree the proof is for.
    pub size: u64,
    /// base64url digests, leaf to root.
    pub hashes: Vec<String>,
    /// The signed note.
    pub checkpoint: String,
}

/// Answer of `POST /v1/messages`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    /// The message's id.
    pub message_id: String,
    /// `admitted` or `held`.
    #[schema(value_type = String)]
    pub state: MessageState,
    /// The sender's own reference of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// Per recipient.
    pub recipients: Vec<RecipientView>,
    /// The gateway's signed word (`titian-receipt+jwt`).
    pub receipt: String,
    /// The receipt's place in the sender's ledger.
    pub proof: Proof,
}

/// Answer of `POST /v1/messages?dry_run=true`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WouldAdmit {
    /// The message's id.
    pub message_id: String,
    /// Always `would_admit`.
    pub state: String,
    /// For whom.
    pub recipients: Vec<DryRecipient>,
}

/// A recipient of a dry run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DryRecipient {
    /// Address.
    pub party: String,
}

/// Answer of `GET /v1/messages/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// The message's id.
    pub message_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// Where it stands as a whole.
    #[schema(value_type = String)]
    pub state: MessageState,
    /// The sender's own reference of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// Per recipient.
    pub recipients: Vec<RecipientView>,
    /// The gateway's signed word.
    pub receipt: String,
    /// The receipt's place in the sender's ledger.
    pub proof: Proof,
}

/// Answer of `GET /v1/inbox`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InboxPage {
    /// Releases in `seq` order.
    pub items: Vec<InboxItem>,
    /// Cursor for `after`.
    pub next: String,
}

/// One release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    /// The release's id.
    pub release_id: String,
    /// Position in this inbox; no gap shows.
    pub seq: i64,
    /// The recipient's own reference of the exchange.
    pub exchange: String,
    /// Message type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// The SD-JWT.
    pub release: String,
}

/// Answer of `POST /v1/inbox/{release_id}/acknowledgement`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Acknowledged {
    /// The gateway's signed receipt for it.
    pub receipt: String,
    /// Its place in the recipient's ledger.
    pub proof: Proof,
}

/// Answer of `GET /v1/exchanges/{ref}`: what the caller sent and was already handed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExchangeView {
    /// The caller's own reference.
    pub exchange: String,
    /// The other party.
    pub with: String,
    /// Type of the first message.
    #[serde(rename = "type")]
    pub message_type: String,
    /// State, as far as the caller was told: a lifecycle state, or towards a foreign party the
    /// code its policy maps it to.
    pub state: String,
    /// Oldest first.
    pub events: Vec<ExchangeEvent>,
}

/// One event of a thread.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExchangeEvent {
    /// `sent` or `received`.
    pub direction: String,
    /// Message type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// Own `message_id` if sent, `release_id` if received.
    pub id: String,
    /// RFC 3339; a date towards a foreign party.
    pub at: String,
}

/// `titian.json`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GatewayFacts {
    /// The `aud` of assertions, messages and acknowledgements.
    pub id: String,
    /// Versions of the API.
    pub versions: Vec<String>,
}

/// A list of message schemas.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaList {
    /// Each with its digest.
    pub schemas: Vec<SchemaEntry>,
}

/// One message schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaEntry {
    /// For example `referral/1`.
    #[serde(rename = "type")]
    pub message_type: String,
    /// Digest of its RFC 8785 form.
    pub digest: String,
}

/// RFC 9457. `code` is the last segment of `type`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `https://titian.example.org/problems/<code>`.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// A few words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What to do about it; never a value from the message.
    pub detail: String,
    /// `urn:titian:request:<id>`.
    pub instance: String,
    /// Stable code.
    pub code: String,
    /// Places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<Fault>,
    /// The gateway's signed refusal, where one was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}
