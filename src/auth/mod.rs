//! Certificate + token + party directory → `Caller`. Pure.
pub mod caller;
pub mod directory;
pub use caller::{Caller, Scope, Scopes};
pub use directory::{Certificate, Directory, Party};
