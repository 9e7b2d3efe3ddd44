//! What the data protection officer signs: the floor and the baseline, each a file with a JWS
//! beside it, detached (RFC 7515, appendix F), because what it signs can be made again from the
//! file.

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::domain::{Digest, Statement};
use crate::sign::signing::SigningKey;
use crate::sign::{PublicKey, split};

/// The word of the data protection officer about one file, byte for byte.
pub trait Word: Statement {
    /// What the file is.
    const FILE: &'static str;

    /// The statement about the bytes of a file.
    fn about(file: &[u8]) -> Self;
}

/// This file is the floor.
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

impl Word for FloorStatement {
    const FILE: &'static str = "floor";

    fn about(file: &[u8]) -> Self {
        Self { digest: Digest::of(file) }
    }
}

/// This file is the baseline.
#[derive(Debug, Clone, Copy)]
pub struct BaselineStatement {
    /// SHA-256 of the bytes of `baseline.toml`.
    pub digest: Digest,
}

impl Statement for BaselineStatement {
    const TYP: &'static str = "titian-baseline+jwt";

    fn into_claims(self) -> Value {
        json!({"iss": "dpo", "digest": self.digest})
    }
}

impl Word for BaselineStatement {
    const FILE: &'static str = "baseline";

    fn about(file: &[u8]) -> Self {
        Self { digest: Digest::of(file) }
    }
}

/// Signs a file: `header..signature`.
pub fn sign<W: Word>(key: &SigningKey, file: &[u8]) -> anyhow::Result<String> {
    let failed = || anyhow!("the {} was not signed", W::FILE);
    let signed = key.sign(W::about(file)).with_context(failed)?;
    let mut parts = signed.compact().split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(_payload), Some(signature)) => Ok(format!("{header}..{signature}")),
        _ => Err(failed()),
    }
}

/// Checks that `detached` is the signature of `dpo` over these very bytes.
pub fn verify<W: Word>(dpo: &PublicKey, file: &[u8], detached: &str) -> anyhow::Result<()> {
    let what = W::FILE;
    let Some((header, signature)) = detached.trim_end().split_once("..") else {
        bail!("the {what}'s signature is not a detached JWS");
    };
    let payload = URL_SAFE_NO_PAD.encode(W::about(file).into_claims().to_string());
    let compact = format!("{header}.{payload}.{signature}");
    split(compact.as_bytes())
        .and_then(|object| object.verify(dpo, &[W::TYP]))
        .map(drop)
        .with_context(|| {
            format!(
                "the {what} does not verify under the pinned key of the data protection officer"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Algorithm;

    #[test]
    fn a_floor_verifies_under_the_key_that_signed_it_and_byte_for_byte() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let detached = sign::<FloorStatement>(&key, b"floor").unwrap();
        let verify = verify::<FloorStatement>;
        assert!(detached.contains(".."));
        assert!(verify(key.public(), b"floor", &detached).is_ok());
        assert!(verify(key.public(), b"floor", &format!("{detached}\n")).is_ok());
        assert!(verify(key.public(), b"floor\n", &detached).is_err());
        assert!(verify(other.public(), b"floor", &detached).is_err());
        assert!(verify(key.public(), b"floor", "").is_err());
        assert!(verify(key.public(), b"floor", &detached.replace("..", ".")).is_err());
    }

    #[test]
    fn the_word_about_one_file_is_none_about_another() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let floor = sign::<FloorStatement>(&key, b"file").unwrap();
        let baseline = sign::<BaselineStatement>(&key, b"file").unwrap();
        assert!(verify::<BaselineStatement>(key.public(), b"file", &baseline).is_ok());
        assert!(verify::<BaselineStatement>(key.public(), b"file", &floor).is_err());
        assert!(verify::<FloorStatement>(key.public(), b"file", &baseline).is_err());
    }
}
