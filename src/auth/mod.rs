//! Certificate + token + party directory → [`Caller`]. Pure: no clock, no store, no socket.

pub mod assertion;
mod caller;
mod directory;
mod token;

pub use assertion::{Assertion, AssertionFault};
pub use caller::{Caller, Scope, Scopes, UnknownScope};
pub use directory::{
    BadCertificate, BadRecord, Certificate, Directory, Party, ca_validity, check_pin,
};
pub use token::{AccessToken, Judge, TokenCache, TokenFault};
