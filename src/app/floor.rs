//! What the data protection officer signs: the floor and the baseline, each a file with a JWS
//! beside it, detached (RFC 7515, appendix F), because what it signs can be made again from the
//! file.
//!
//! The throw-away officer of a development home signs another kind of word ([`ThrowAway`]), which
//! production does not take: where a file came from is signed with it.

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::config::Mode;
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

/// The word of a development home's throw-away officer about one file.
#[derive(Debug, Clone, Copy)]
struct ThrowAway {
    /// Which file: [`Word::FILE`].
    file: &'static str,
    /// SHA-256 of its bytes.
    digest: Digest,
}

impl Statement for ThrowAway {
    const TYP: &'static str = "titian-development+jwt";

    fn into_claims(self) -> Value {
        json!({"iss": "dpo", "file": self.file, "digest": self.digest})
    }
}

impl ThrowAway {
    fn about<W: Word>(file: &[u8]) -> Self {
        Self { file: W::FILE, digest: Digest::of(file) }
    }
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
    detach(key, W::about(file)).with_context(|| format!("the {} was not signed", W::FILE))
}

/// Signs a file as the throw-away officer of a development home, for development only.
pub(super) fn sign_away<W: Word>(key: &SigningKey, file: &[u8]) -> anyhow::Result<String> {
    let word = ThrowAway::about::<W>(file);
    detach(key, word).with_context(|| format!("the {} was not signed", W::FILE))
}

fn detach<S: Statement>(key: &SigningKey, word: S) -> anyhow::Result<String> {
    let signed = key.sign(word)?;
    let mut parts = signed.compact().split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(_payload), Some(signature)) => Ok(format!("{header}..{signature}")),
        _ => Err(anyhow!("the signature is no compact JWS")),
    }
}

/// Checks that `detached` is the signature of `dpo` over these very bytes. Only in development may
/// it be the word of a throw-away officer.
pub fn verify<W: Word>(
    (dpo, mode): (&PublicKey, Mode),
    file: &[u8],
    detached: &str,
) -> anyhow::Result<()> {
    let what = W::FILE;
    let Some((header, signature)) = detached.trim_end().split_once("..") else {
        bail!("the {what}'s signature is not a detached JWS");
    };
    let verifies = |typ: &str, claims: Value| {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let compact = format!("{header}.{payload}.{signature}");
        split(compact.as_bytes()).and_then(|object| object.verify(dpo, &[typ])).map(drop)
    };
    let thrown_away = ThrowAway::about::<W>(file).into_claims();
    match (verifies(ThrowAway::TYP, thrown_away), mode) {
        (Ok(()), Mode::Development) => return Ok(()),
        (Ok(()), Mode::Production) => bail!(
            "the {what} was signed by the throw-away key of a development home; in production the \
             data protection officer's own key signs it"
        ),
        (Err(_another_word), _) => {}
    }
    verifies(W::TYP, W::about(file).into_claims()).with_context(|| {
        format!("the {what} does not verify under the pinned key of the data protection officer")
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
        let verify = |key: &PublicKey, file: &[u8], detached: &str| {
            verify::<FloorStatement>((key, Mode::Production), file, detached)
        };
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
        let by = (key.public(), Mode::Production);
        assert!(verify::<BaselineStatement>(by, b"file", &baseline).is_ok());
        assert!(verify::<BaselineStatement>(by, b"file", &floor).is_err());
        assert!(verify::<FloorStatement>(by, b"file", &baseline).is_err());
    }

    #[test]
    fn the_word_of_a_throw_away_officer_counts_in_development_only() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let floor = sign_away::<FloorStatement>(&key, b"file").unwrap();
        let verify = |mode, file: &[u8]| {
            verify::<FloorStatement>((key.public(), mode), file, &floor)
                .map_err(|fault| fault.to_string())
        };
        assert_eq!(verify(Mode::Development, b"file"), Ok(()));
        assert!(verify(Mode::Development, b"fill").unwrap_err().contains("does not verify"));
        assert!(verify(Mode::Production, b"file").unwrap_err().contains("throw-away"));
        let in_development = (key.public(), Mode::Development);
        assert!(super::verify::<BaselineStatement>(in_development, b"file", &floor).is_err());
    }
}
