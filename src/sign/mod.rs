//! Signatures: bytes → [`Verified`], statements → `signing::Signed`.
//!
//! Nothing here reads what a payload says (but [`unverified_claims`], which believes none of it),
//! knows a party or reads a clock: a key is handed in, bytes come
//! out. Every object is a compact JWS (RFC 7515) or an SD-JWT (RFC 9901) with exactly one reading:
//! canonical base64url, a header of three known members, one algorithm per key.
pub mod jws;
pub mod keys;
pub mod passkey;
pub mod sd_jwt;
pub mod signing;

pub use jws::{
    Recorded, SignFault, Split, Verified, recorded, split, split_assertion, unverified_claims,
};
pub use keys::{Algorithm, KeySet, NotAKey, PublicKey};
