//! The signature of the floor: a JWS by the data protection officer's key, detached (RFC 7515,
//! appendix F), because what it signs can be made again from `floor.toml`.

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::domain::{Digest, Statement};
use crate::sign::signing::SigningKey;
use crate::sign::{PublicKey, split};

/// The word of the data protection officer: this file, byte for byte, is the floor.
#[derive(Debug, Clone, Copy)]
pub struct FloorStatement {
    /// SHA-256 of the bytes of `floor.toml`.
    pub digest: Digest,
}

impl Statement for FloorStatement {
    const TYP: &'static str = "titian-floor+jwt";

    fn into_claims(self) -> Value {
        json!({"iss": "dpo", "digest": self.digest})
    }
}

impl FloorStatement {
    /// The statement about the bytes of a `floor.toml`.
    pub fn about(floor: &[u8]) -> Self {
        Self { digest: Digest::of(floor) }
    }
}

/// Signs a floor: `header..signature`.
pub fn sign(key: &SigningKey, floor: &[u8]) -> anyhow::Result<String> {
    let signed = key.sign(FloorStatement::about(floor)).context("the floor was not signed")?;
    let mut parts = signed.compact().split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(_payload), Some(signature)) => Ok(format!("{header}..{signature}")),
        _ => Err(anyhow!("the floor was not signed")),
    }
}

/// Checks that `detached` is the signature of `dpo` over these very bytes.
pub fn verify(dpo: &PublicKey, floor: &[u8], detached: &str) -> anyhow::Result<()> {
    let Some((header, signature)) = detached.trim_end().split_once("..") else {
        bail!("the floor's signature is not a detached JWS");
    };
    let payload = URL_SAFE_NO_PAD.encode(FloorStatement::about(floor).into_claims().to_string());
    let compact = format!("{header}.{payload}.{signature}");
    split(compact.as_bytes())
        .and_then(|object| object.verify(dpo, &[FloorStatement::TYP]))
        .map(drop)
        .context("the floor does not verify under the pinned key of the data protection officer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Algorithm;

    #[test]
    fn a_floor_verifies_under_the_key_that_signed_it_and_byte_for_byte() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let detached = sign(&key, b"floor").unwrap();
        assert!(detached.contains(".."));
        assert!(verify(key.public(), b"floor", &detached).is_ok());
        assert!(verify(key.public(), b"floor", &format!("{detached}\n")).is_ok());
        assert!(verify(key.public(), b"floor\n", &detached).is_err());
        assert!(verify(other.public(), b"floor", &detached).is_err());
        assert!(verify(key.public(), b"floor", "").is_err());
        assert!(verify(key.public(), b"floor", &detached.replace("..", ".")).is_err());
    }
}
