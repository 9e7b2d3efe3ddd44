//! The use cases, one per file. Each reads a snapshot, decides, and hands the store one
//! `Changes`; none knows HTTP, SQL or files.
//!
//! `submit.rs` is the place to start reading: it is the life of one message in order.

pub mod acknowledge;
mod admit;
pub mod approvals;
mod chain;
pub mod change;
pub mod collect;
mod correct;
mod disclose;
pub mod echo;
pub mod enrol;
pub mod erase;
mod except;
pub mod excepting;
mod gateway;
pub mod gather_evidence;
mod group;
pub mod hand_evidence;
pub mod hold;
mod inquiry;
mod ledgers;
mod lifecycle;
pub mod look;
mod majority;
pub mod overview;
pub mod partners;
pub mod pins;
mod project;
mod pseudonym;
pub mod reader;
mod record;
mod release;
pub mod released;
mod renew;
pub mod replay;
pub mod requests;
pub mod review;
pub mod rules;
mod seed;
pub mod seen;
mod settle;
pub mod show;
pub mod sight;
mod statement;
pub mod submit;
mod suspend;
pub mod threads;
pub mod ticket;
pub mod timeline;
pub mod token;
mod under;
pub mod versions;
pub mod waiting;
mod window;
pub mod would;

pub use gateway::{Failure, Gateway, Keys, Parts, StartFault};
pub use lifecycle::{By, Role, TRANSITIONS, Transition};
pub use rules::Rules;
pub use seed::{BadSeed, Seed, SeedFault, SeedSigners};
pub use statement::{Receipt, ReceiptFor, ReceiptRecipient, RefusalStatement};
