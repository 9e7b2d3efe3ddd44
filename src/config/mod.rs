//! Configuration as typed, plain data: what the files of a home say, before anything is decided.
//!
//! Unknown fields are refused everywhere, and a fault names its file and line. Nothing but
//! [`environment`] reads the environment.

pub mod agreements;
pub mod environment;
pub mod file;
pub mod gateway;
pub mod kit;
pub mod officers;
pub mod party;

pub use file::{Access, FileError};
pub use gateway::{GatewayConfig, Mode};
pub use kit::KitConfig;
pub use officers::{Officer, Role};
pub use party::{CertificatePin, KeyStatus, PartyKey, PartyRecord};
