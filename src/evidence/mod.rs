//! Evidence: what a party keeps to prove, offline, what was recorded as sent, released, to whom
//! and under which rule.
//!
//! Pure: bytes and pinned keys in, a report out. A bundle's own keys are compared with the pinned
//! ones and never used. What evidence cannot show: that nothing else was sent; that a body the
//! bundle calls erased was; that an acknowledgement left out never existed; and, to a sender, which
//! of its recipients' releases came from which message (only the gateway's records link them).

pub mod bundle;
pub mod event;
pub mod pins;
mod recipient;
pub mod report;
mod sender;
pub mod verify;

pub use bundle::{
    AcknowledgementEvidence, BodyEvidence, Bundle, EventKind, Keys, LedgerKey, PolicyEvidence,
    PolicyReference, ProvenAcknowledgement, RecipientBundle, SchemaEvidence, SenderBundle,
};
pub use pins::{BadPins, Pins};
pub use report::{Check, Outcome, Report, Verdict};
pub use verify::verify;

/// `typ` of the objects that evidence holds.
pub mod typ {
    /// A message in the clear.
    pub const MESSAGE_JWT: &str = "titian-message+jwt";
    /// A message whose body is a disclosure.
    pub const MESSAGE_SD_JWT: &str = "titian-message+sd-jwt";
    /// A release.
    pub const RELEASE: &str = "titian-release+sd-jwt";
    /// A receipt for a message or an acknowledgement.
    pub const RECEIPT: &str = "titian-receipt+jwt";
    /// A refusal.
    pub const REFUSAL: &str = "titian-refusal+jwt";
    /// An acknowledgement.
    pub const ACKNOWLEDGEMENT: &str = "titian-ack+jwt";
    /// An officer's word about a policy version.
    pub const APPROVAL: &str = "titian-approval+jwt";
}
