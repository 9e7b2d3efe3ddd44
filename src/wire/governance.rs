//! The shapes in which officers propose, approve and look at versions of governed documents.

use serde::{Deserialize, Serialize};

use crate::domain::{Act, DocumentKind, Phrase, VersionState};

/// A text to keep as a draft.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftAsk {
    /// Which officer writes it.
    pub officer: String,
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// TOML.
    pub text: String,
    /// The draft that it takes the place of; absent, it becomes a version of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A signed word about a version: it proposes or approves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordAsk {
    /// `titian-approval+jwt`; names officer, document, version, digest and role.
    pub word: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// An unsigned act: a version is given back to its author, or given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActAsk {
    /// Which officer.
    pub officer: String,
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// Which version.
    pub version: u32,
    /// Why.
    pub reason: String,
}

/// An officer is to add a passkey.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteAsk {
    /// Which editor invites.
    pub by: String,
    /// Whom.
    pub officer: String,
}

/// An invitation, told once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// Who is invited.
    pub officer: String,
    /// What the link ends with: whoever has it may take the invitation, once.
    pub code: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// Which versions to look at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionsAsk {
    /// Of which kind; absent, of every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DocumentKind>,
    /// Of which document; absent, of every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// As which officer; absent, as the operator of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
}

/// One version of a governed document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionView {
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// Which version, from 1.
    pub version: u32,
    /// SHA-256 of its canonical form: what officers sign.
    pub digest: String,
    /// Where it is in its life.
    pub state: VersionState,
    /// `draft`, `proposed`, `withdrawn`, `scheduled`, `in_force`, `ended`, `superseded` or
    /// `unusable`. What has `ended` was overtaken by nothing and its last day has passed: a
    /// policy's days of grace among it, an exception's, an agreement's.
    pub stands: String,
    /// Why it is in force for nobody, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<Phrase>,
    /// From when it is in force, RFC 3339, once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// How many officers it takes, `one`, `two_units` or `two_agencies`: of a proposal as recorded, of a
    /// draft as it would be found now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// What came of an exception that was approved just now: `made`, `awaits_message`,
    /// `with_officer`, `ends_before_window`, `nothing`, or `failed`, which is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// TOML as written.
    pub text: String,
    /// What was done with it, oldest first.
    pub steps: Vec<StepView>,
}

/// One step in the life of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepView {
    /// What was done.
    pub act: Act,
    /// By which officer.
    pub officer: String,
    /// RFC 3339.
    pub at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How many officers the version was found to take, where the step is signed: as in `needs`
    /// of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The officer's own word, where the act is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Index of its entry in the governance ledger.
    pub entry: u64,
}

/// What proposals are judged by: the floor and every document in force, as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RulesView {
    /// The gateway's id: `aud` of what officers sign.
    pub gateway: String,
    /// `floor.toml`.
    pub floor: String,
    /// `baseline.toml`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Raised by every change.
    pub generation: u64,
    /// Documents in force: kind, id, version, text.
    pub documents: Vec<(DocumentKind, String, u32, String)>,
    /// What is approved and yet in force for nobody: kind, id, version, why.
    pub unusable: Vec<(DocumentKind, String, u32, String)>,
}
