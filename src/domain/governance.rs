//! Governed documents: what officers decide about, version by version.
//!
//! A document is a party's record, an agreement, an officer, a policy or an exception. A version
//! of one is proposed by one officer and approved by another, each by a signature over its digest.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Digest, Statement};

words!(
    /// What is governed.
    DocumentKind {
        /// The people who decide.
        Officer = "officer",
        /// An organisation with its keys and certificates.
        Party = "party",
        /// An instrument that allows an exchange.
        Agreement = "agreement",
        /// What one recipient receives of one message type.
        Policy = "policy",
        /// One message to one recipient, above its policy.
        Exception = "exception",
    }
);

words!(
    /// Where a version is in its life. Whether an approved one is in force, not yet, no more or
    /// overtaken follows from the clock and from the versions after it.
    VersionState {
        /// Being written.
        Draft = "draft",
        /// Waits for a second officer.
        Proposed = "proposed",
        /// In force from its moment on, until a later one is.
        Approved = "approved",
        /// Given up before it was approved.
        Withdrawn = "withdrawn",
    }
);

words!(
    /// One step in the life of a version.
    Act {
        /// It came with the home.
        Seeded = "seeded",
        /// Written, or written anew.
        Drafted = "drafted",
        /// Put forward, signed by its author.
        Proposed = "proposed",
        /// Approved, signed by a second officer.
        Approved = "approved",
        /// Given back to its author.
        Returned = "returned",
        /// Given up.
        Withdrawn = "withdrawn",
    }
);

words!(
    /// As what an officer signs.
    SignerRole {
        /// Whoever proposes.
        Author = "author",
        /// Whoever approves.
        Approver = "approver",
    }
);

words!(
    /// How many officers a version takes, from the least to the most.
    Needs {
        /// It narrows: its author is enough.
        One = "one",
        /// Two, of two units.
        TwoUnits = "two_units",
        /// Two, of two agencies.
        TwoAgencies = "two_agencies",
    }
);

/// An officer's word about one version (`titian-approval+jwt`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Which officer.
    pub iss: String,
    /// Which gateway.
    pub aud: String,
    /// When, unix seconds.
    pub iat: i64,
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// Which version, from 1.
    pub version: u32,
    /// SHA-256 of its canonical form (RFC 8785).
    pub digest: Digest,
    /// As what it signs.
    pub role: SignerRole,
    /// From when the version is to be in force, unix seconds; as soon as it is approved if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
}

impl Statement for Approval {
    const TYP: &'static str = "titian-approval+jwt";

    fn into_claims(self) -> Value {
        json!(self)
    }
}

/// A party's word that a key is to be its next one (`titian-key+jwt`), signed by a key it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEndorsement {
    /// Whose key.
    pub iss: String,
    /// Which gateway.
    pub aud: String,
    /// When, unix seconds.
    pub iat: i64,
    /// RFC 7638 thumbprint of the new key.
    pub thumbprint: Digest,
}

impl Statement for KeyEndorsement {
    const TYP: &'static str = "titian-key+jwt";

    fn into_claims(self) -> Value {
        json!(self)
    }
}
