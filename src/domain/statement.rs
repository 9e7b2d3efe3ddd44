//! What may be signed.

use serde_json::Value;

/// A set of claims with its own `typ`, so that no signature can be taken for another kind of
/// word. Only types that implement this can be signed; a test lists them against the table of
/// `typ` values.
pub trait Statement {
    /// The `typ` header (RFC 7515, 4.1.9), for example `titian-receipt+jwt`.
    const TYP: &'static str;

    /// The claims, as the payload will carry them.
    fn into_claims(self) -> Value;
}
