//! The use cases, one per file. Each reads a snapshot, decides, and hands the store one
//! `Changes`; none knows HTTP, SQL or files.
//!
//! `submit.rs` is the place to start reading: it is the life of one message in order.

pub mod acknowledge;
mod admit;
pub mod collect;
mod disclose;
mod gateway;
pub mod gather_evidence;
pub mod hold;
mod ledgers;
mod lifecycle;
mod majority;
mod pseudonym;
mod record;
mod release;
pub mod released;
pub mod replay;
pub mod review;
pub mod show;
mod statement;
pub mod submit;
mod suspend;
pub mod token;

pub use gateway::{Failure, Gateway, Keys, Parts, Rules};
pub use lifecycle::{By, Role, TRANSITIONS, Transition};
pub use statement::{Receipt, ReceiptFor, ReceiptRecipient, RefusalStatement};
