//! Signatures: bytes → `Verified`, statements → `Signed`.
pub mod jws;
pub mod keys;
pub mod sd_jwt;
pub mod signing;

pub use jws::{SignFault, Split, Verified, split};
pub use keys::{Algorithm, KeySet, PublicKey};
