//! The officers' edge: the admin socket of the command line, and the pages of the console.

mod admin;
mod governance;
pub mod web;

pub use admin::router;
