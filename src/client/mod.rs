//! The other side of the API: what a partner's own commands use, and the officers' socket.
//!
//! It trusts the pinned CA for where it sends, and the pinned keys for what it believes.

pub mod admin;
mod attacks;
mod connection;
pub mod fault;
pub mod kit;
pub mod officer;
mod requests;
mod session;
mod statements;
mod trust;

pub use connection::OnWait;
pub use fault::ClientFault;
pub use kit::{Kit, Location};
pub use requests::{Form, InboxQuery, Outgoing, Submission};
pub use session::Session;
pub use statements::{
    AcknowledgementClaims, ClientAssertion, DisclosedMessageClaims, MessageClaims, RejectCode,
    Sending, Verdict,
};
pub use trust::{About, Given, Pins, Release};

#[cfg(test)]
mod tests;
