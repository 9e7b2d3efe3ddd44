//! The officers' edge: for now the admin socket of the command line.

mod admin;
mod governance;

pub use admin::router;
