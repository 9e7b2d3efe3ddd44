//! The signing half: only `exchange`, `client` and `app` may name it.
use serde_json::Value;

use super::keys::{Algorithm, NotAKey, PublicKey};
use crate::domain::{Digest, Statement};
use crate::secret::SecretBytes;

/// Signing failed.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError;

/// A private key, parsed once.
pub struct SigningKey {
    _public: PublicKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// A fresh key.
    pub fn generate(_algorithm: Algorithm) -> Result<Self, SignError> {
        todo!()
    }
    /// Reads a private JWK (with `d`).
    pub fn from_jwk(_jwk: &Value) -> Result<Self, NotAKey> {
        todo!()
    }
    /// The private JWK, for the one file that holds it.
    pub fn to_private_jwk(&self) -> Result<SecretBytes, SignError> {
        todo!()
    }
    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self._public
    }
    /// Signs a statement: compact JWS with `alg`, `kid`, `typ`.
    pub fn sign<S: Statement>(&self, _statement: S) -> Result<Signed<S>, SignError> {
        todo!()
    }
    /// Raw signature over bytes that are no JWS (checkpoint notes); Ed25519 keys only.
    pub fn sign_note(&self, _text: &[u8]) -> Result<[u8; 64], SignError> {
        todo!()
    }
}

/// A signed statement. Minted here only.
#[derive(Debug, Clone)]
pub struct Signed<S> {
    statement: S,
    compact: String,
}

impl<S> Signed<S> {
    /// What was signed.
    pub fn statement(&self) -> &S {
        &self.statement
    }
    /// The compact JWS.
    pub fn compact(&self) -> &str {
        &self.compact
    }
    /// SHA-256 of the compact JWS.
    pub fn digest(&self) -> Digest {
        Digest::of(self.compact.as_bytes())
    }
}
