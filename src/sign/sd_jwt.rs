//! SD-JWT (RFC 9901).
use serde_json::{Map, Value};

use super::jws::SignFault;
use crate::domain::Digest;

/// A disclosure of one object member: base64url of `[salt, name, value]`, and its digest.
#[derive(Debug, Clone)]
pub struct Disclosure {
    /// As it stands between the tildes.
    pub encoded: String,
    /// SHA-256 of `encoded`.
    pub digest: Digest,
}

/// Makes a disclosure. `salt` is 16 random bytes, base64url on the wire.
pub fn disclose(_salt: &[u8; 16], _name: &str, _value: &Value) -> Disclosure {
    todo!()
}

/// `jws~d1~d2~…~`.
pub fn assemble(_jws: &str, _disclosures: &[&str]) -> String {
    todo!()
}

/// Puts disclosed members back into `claims` and removes `_sd` and `_sd_alg`. Every disclosure is
/// parsed strictly, must match a digest exactly once; no digest twice; sha-256 only; a disclosed
/// name may not be `_sd`, `...` or collide with a member.
pub fn reveal(_claims: &mut Map<String, Value>, _disclosures: &[String]) -> Result<(), SignFault> {
    todo!()
}
