//! JWS.
use super::keys::PublicKey;
use crate::domain::Digest;

/// Why a signed object was not taken. Plain problems; carries no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignFault {
    /// Not a compact JWS or SD-JWT.
    #[error("not a compact JWS or SD-JWT")]
    NotCompact,
    /// The header is not strict JSON or lacks `alg`, `typ` or `kid`.
    #[error("the protected header is not acceptable")]
    Header,
    /// `alg` is not the key's.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// `typ` is not the one expected here.
    #[error("the `typ` is not the one expected here")]
    Typ,
    /// `jwk`, `jku`, `x5u`, `x5c`, `crit` or another parameter that is never honoured.
    #[error("the header has a parameter that is never honoured")]
    Parameter,
    /// No active key of the party has this `kid`.
    #[error("no active key of the party has this `kid`")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// The disclosures do not fit the payload's digests.
    #[error("the disclosures do not fit")]
    Disclosure,
}

/// A compact JWS or SD-JWT taken apart; nothing of it is verified yet.
#[derive(Debug)]
pub struct Split<'a> {
    _object: &'a [u8],
}

/// Takes a compact JWS or an SD-JWT apart and reads its header strictly.
pub fn split(_object: &[u8]) -> Result<Split<'_>, SignFault> {
    todo!()
}

impl Split<'_> {
    /// `typ`.
    pub fn typ(&self) -> &str {
        todo!()
    }
    /// `kid`.
    pub fn kid(&self) -> &str {
        todo!()
    }
    /// Checks the signature under `key` and that `typ` is one of `typs`.
    pub fn verify(self, _key: &PublicKey, _typs: &[&str]) -> Result<Verified, SignFault> {
        todo!()
    }
}

/// A signed object whose signature was checked. Minted here only.
#[derive(Debug)]
pub struct Verified {
    typ: String,
    kid: String,
    payload: Vec<u8>,
    disclosures: Vec<String>,
    digest: Digest,
}

impl Verified {
    /// `typ` of the header.
    pub fn typ(&self) -> &str {
        &self.typ
    }
    /// `kid` of the header.
    pub fn kid(&self) -> &str {
        &self.kid
    }
    /// The payload's bytes (JSON, not yet parsed).
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
    /// The disclosures as encoded, in order; empty for a plain JWS.
    pub fn disclosures(&self) -> &[String] {
        &self.disclosures
    }
    /// SHA-256 of the whole object as received, disclosures included.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
