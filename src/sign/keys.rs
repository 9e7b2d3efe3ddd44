//! Public keys.
use serde_json::Value;

/// EdDSA (Ed25519) or ES256 (P-256), fixed per key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `EdDSA`, Ed25519.
    EdDsa,
    /// `ES256`.
    Es256,
}

/// A public key that may verify.
#[derive(Debug, Clone)]
pub struct PublicKey {
    _kid: String,
}

/// The JWK is not one we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 or P-256 public JWK")]
pub struct NotAKey;

impl PublicKey {
    /// Reads a public JWK (RFC 7517; OKP Ed25519 or EC P-256). `kid` defaults to the RFC 7638 thumbprint.
    pub fn from_jwk(_jwk: &Value) -> Result<Self, NotAKey> {
        todo!()
    }
    /// The public JWK with `kid`, `alg`, `use`.
    pub fn to_jwk(&self) -> Value {
        todo!()
    }
    /// Its `kid`.
    pub fn kid(&self) -> &str {
        todo!()
    }
    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        todo!()
    }
    /// Whether `signature` over `message` is by this key.
    pub fn verifies(&self, _message: &[u8], _signature: &[u8]) -> bool {
        todo!()
    }
    /// Raw Ed25519 public key, for checkpoints.
    pub fn ed25519_bytes(&self) -> Option<[u8; 32]> {
        todo!()
    }
}

/// Keys by `kid`.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    _keys: Vec<PublicKey>,
}

impl KeySet {
    /// A set of keys; a repeated `kid` keeps the first.
    pub fn new(_keys: Vec<PublicKey>) -> Self {
        todo!()
    }
    /// The key of that `kid`.
    pub fn find(&self, _kid: &str) -> Option<&PublicKey> {
        todo!()
    }
    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self._keys.iter()
    }
    /// The JWK set (RFC 7517, 5).
    pub fn to_jwks(&self) -> Value {
        todo!()
    }
}
