//! The shape of an evidence bundle, version `titian-evidence/1`.
//!
//! Written canonically (RFC 8785), so that the same facts are the same bytes. Read without
//! leniency: an unknown or repeated member is no bundle.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{Address, Digest, MessageId, ReleaseId, json};
use crate::wire::Proof;

/// `format` of every bundle this code writes and reads.
pub const FORMAT: &str = "titian-evidence/1";

/// Largest bundle read, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A bundle in one of its two forms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one bundle is in memory at a time")]
pub enum Bundle {
    /// About one message, for its sender.
    Sender(SenderBundle),
    /// About one release, for its recipient.
    Recipient(RecipientBundle),
}

/// The bundle cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the bundle cannot be written")]
pub struct NotWritten(#[source] serde_json::Error);

impl Bundle {
    /// As a JSON value.
    ///
    /// # Errors
    /// [`NotWritten`], which no value of these types causes.
    pub fn to_value(&self) -> Result<Value, NotWritten> {
        serde_json::to_value(self).map_err(NotWritten)
    }

    /// The RFC 8785 form.
    ///
    /// # Errors
    /// [`NotWritten`], which no value of these types causes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotWritten> {
        json::canonical(&self.to_value()?).map_err(NotWritten)
    }
}

/// What the sender of a message can show.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderBundle {
    /// [`FORMAT`].
    pub format: String,
    /// `iss` of what the gateway signs.
    pub gateway: String,
    /// Which message.
    pub message_id: MessageId,
    /// The whole object as received; `None` (`null`) once erased.
    pub message: Option<String>,
    /// What `receipt` is.
    pub event: EventKind,
    /// The receipt, or the refusal.
    pub receipt: String,
    /// The receipt's place in the sender's ledger.
    pub proof: Proof,
    /// Signed words of the recipients; domestic senders only.
    pub acknowledgements: Vec<AcknowledgementEvidence>,
    /// The policies that decided, where the sender may see them.
    pub policies: Vec<PolicyEvidence>,
    /// Keys under which the gateway's objects in this bundle are signed. Never trusted.
    pub keys: Keys,
}

/// What the gateway signed for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The message was admitted or held.
    Receipt,
    /// The message was refused.
    Refusal,
}

/// A recipient's acknowledgement, as the sender is shown it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgementEvidence {
    /// Whose.
    pub party: Address,
    /// The acknowledgement.
    pub jws: String,
    /// The gateway's receipt for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// A policy that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyEvidence {
    /// For which recipient.
    pub party: Address,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Digest of its RFC 8785 form.
    pub digest: Digest,
    /// Its RFC 8785 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The words of the officers who proposed and approved it (`titian-approval+jwt`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
}

/// What the recipient of a release can show.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientBundle {
    /// [`FORMAT`].
    pub format: String,
    /// `iss` of what the gateway signs.
    pub gateway: String,
    /// Which release.
    pub release_id: ReleaseId,
    /// The statement: the issuer-signed JWS, without the body and without a `~`.
    pub release: String,
    /// SHA-256 of the whole SD-JWT as handed out. The ledger's entry binds it when the body is
    /// gone.
    pub release_digest: Digest,
    /// The body.
    pub body: BodyEvidence,
    /// The policy it was made under.
    pub policy: PolicyReference,
    /// What this recipient can ever receive under it.
    pub release_schema: SchemaEvidence,
    /// The release's place in the recipient's ledger.
    pub proof: Proof,
    /// The recipient's own acknowledgement, once given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<ProvenAcknowledgement>,
    /// Keys under which the gateway's objects in this bundle are signed. Never trusted.
    pub keys: Keys,
}

/// Where the body of a release is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum BodyEvidence {
    /// Here.
    Present {
        /// The disclosure, as it stands between the tildes.
        disclosure: String,
    },
    /// Erased at the end of its retention.
    Erased,
    /// Should be here and is not.
    Missing,
}

/// A policy by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyReference {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Digest of its RFC 8785 form.
    pub digest: Digest,
}

/// A release schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaEvidence {
    /// Digest of its RFC 8785 form.
    pub digest: Digest,
    /// The schema.
    pub schema: Value,
}

/// The recipient's acknowledgement with its place in the ledger.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenAcknowledgement {
    /// The acknowledgement.
    pub jws: String,
    /// The gateway's receipt for it.
    pub receipt: String,
    /// The receipt's place in the recipient's ledger.
    pub proof: Proof,
}

/// The gateway's public keys, for whoever wants to compare them with the pinned ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// JWK set (RFC 7517, 5).
    pub jwks: Value,
    /// The key of the ledger's checkpoints.
    pub ledger: LedgerKey,
}

/// An Ed25519 key that signs checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerKey {
    /// Its name in the notes it signs.
    pub name: String,
    /// base64url of its 32 bytes.
    pub public_key: String,
}

macro_rules! debug_by_name {
    ($($name:ident),*) => {$(
        /// The name only: these hold objects with bodies.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

debug_by_name!(
    SenderBundle,
    RecipientBundle,
    AcknowledgementEvidence,
    ProvenAcknowledgement,
    BodyEvidence
);
