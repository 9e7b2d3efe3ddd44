//! The shapes of information requests on the officers' socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::state::RequestOutcome;

/// An information request, as the party asked knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestView {
    /// That party's own reference of it: what an answer names in `in_reply_to`.
    pub id: String,
    /// Who asks.
    pub from: String,
    /// Who is asked.
    pub asked: String,
    /// `exchange`, `topic`, or `unknown` for an exchange that the two do not share.
    pub about: String,
    /// For which purpose; an answer goes for the same.
    pub purpose: String,
    /// The agreement that an answer would go under, where a policy is there for it.
    pub agreement: Option<String>,
    /// When it came, RFC 3339.
    pub opened_at: String,
    /// By which day an answer is expected.
    pub respond_by: String,
    /// When its one answer leaves, RFC 3339; towards a foreign asker.
    pub leaves_at: Option<String>,
    /// Whether it may be answered or refused still.
    pub is_open: bool,
    /// Whether that day has passed without a decision.
    pub is_overdue: bool,
    /// What was decided.
    pub decision: Option<RequestDecided>,
    /// What is asked, where an officer asked to see it: about what, which fields, why, and to whom
    /// the answer is meant to go on, which allows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<Value>,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestDecided {
    /// How.
    pub outcome: RequestOutcome,
    /// By which officer; `None` where a message of the party asked did.
    pub officer: Option<String>,
    /// Why, where an officer did.
    pub reason: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

/// What an officer asks of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestAct {
    /// Name of an officer in `officers.toml`.
    pub officer: String,
    /// Code of the refusal; required to refuse.
    #[serde(default)]
    pub code: Option<String>,
    /// Why, in words beside the code.
    #[serde(default)]
    pub reason: String,
}
