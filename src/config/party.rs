//! `parties/<id>/record.toml`: the public half of a party, all that the gateway reads of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::domain::{Digest, PartyId, PartyKind, UnitId};

/// A party as its record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRecord {
    /// Its id, also the name of its directory.
    pub id: PartyId,
    /// Its name in print.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// What it is.
    pub kind: PartyKind,
    /// Its units.
    #[serde(default)]
    pub units: Vec<UnitId>,
    /// Whether it may only send and be handed withdrawals, erasures and acknowledgements.
    #[serde(default)]
    pub frozen: bool,
    /// When a freeze lifts itself (RFC 3339); without it only an unfreezing does.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub frozen_until: Option<OffsetDateTime>,
    /// Keys it signs with.
    #[serde(default)]
    pub keys: Vec<PartyKey>,
    /// Certificates it connects with.
    #[serde(default)]
    pub certificates: Vec<CertificatePin>,
}

impl PartyRecord {
    /// Whether it is frozen at `now` (unix seconds).
    pub fn is_frozen(&self, now: i64) -> bool {
        self.frozen && self.frozen_until.is_none_or(|until| now < until.unix_timestamp())
    }
}

/// A signing key of a party.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyKey {
    /// Whether it may be used.
    pub status: KeyStatus,
    /// The unit it is bound to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// The public JWK (RFC 7517).
    pub jwk: Value,
    /// The word of a key that the party had before (`titian-key+jwt`); a key that the agreement
    /// prints, and those of the first record, need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsement: Option<String>,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// Published, not yet used.
    Next,
    /// In use.
    Active,
    /// No longer used; old signatures still verify.
    Retired,
    /// Not trusted any more.
    Revoked,
}

/// A pinned client certificate: by its key, or by its CA and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatePin {
    /// The unit it is bound to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// SHA-256 of the `SubjectPublicKeyInfo` (RFC 7469, 2.4), base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spki: Option<Digest>,
    /// PEM of the CA that must have issued it; then `san` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// DNS name it must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san: Option<String>,
}
