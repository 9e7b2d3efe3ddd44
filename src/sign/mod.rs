//! Signatures: bytes → [`Verified`], statements → `signing::Signed`.
//!
//! Nothing here parses a payload, knows a party or reads a clock: a key is handed in, bytes come
//! out. Every object is a compact JWS (RFC 7515) or an SD-JWT (RFC 9901) with exactly one reading:
//! canonical base64url, a header of three known members, one algorithm per key.
pub mod jws;
pub mod keys;
pub mod sd_jwt;
pub mod signing;

pub use jws::{Recorded, SignFault, Split, Verified, recorded, split, split_assertion};
pub use keys::{Algorithm, KeySet, NotAKey, PublicKey};
