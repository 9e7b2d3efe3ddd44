//! Sealed payloads.

use crate::secret::SecretBytes;

/// A sealed payload.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Retention month `YYYY-MM` whose key wraps this payload's key.
    pub month: String,
    /// The payload's own key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// Nonce ‖ ciphertext ‖ tag.
    pub ciphertext: Vec<u8>,
}

/// Seals and opens payloads.
#[derive(Debug)]
pub struct Vault {
    _kek: SecretBytes,
}
