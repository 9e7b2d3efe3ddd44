//! Configuration as typed, plain data: what the files of a home say, before anything is decided.
pub mod party;
pub use party::{CertificatePin, KeyStatus, PartyKey, PartyRecord};
