//! The officers' edge: for now the admin socket of the command line.

mod admin;

pub use admin::router;
