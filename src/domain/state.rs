//! States as the API shows and the store keeps them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is none of the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown state")]
pub struct UnknownState;

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;

            fn from_str(text: &str) -> Result<Self, UnknownState> {
                Self::ALL.iter().copied().find(|s| s.as_str() == text).ok_or(UnknownState)
            }
        }
    };
}

states!(
    /// Where a message stands as a whole.
    MessageState {
        /// Queued or handed out for at least one recipient.
        Admitted = "admitted",
        /// Kept back for a person to decide, for every recipient.
        Held = "held",
        /// Acknowledged by all.
        Received = "received",
        /// Withdrawn by its sender.
        Withdrawn = "withdrawn",
    }
);

states!(
    /// Where a message stands for one recipient.
    RecipientState {
        /// A release waits to be handed out.
        Queued = "queued",
        /// Kept back for an officer.
        Held = "held",
        /// The release was handed out.
        Collected = "collected",
        /// The recipient signed that a machine received it.
        Acknowledged = "acknowledged",
        /// The recipient signed that it could not take it.
        Rejected = "rejected",
        /// Policy or lifecycle allows no release.
        Refused = "refused",
        /// The projection equals the last one sent, so nothing goes.
        Unchanged = "unchanged",
        /// Not to be told until an officer has decided: see [`ReviewKind`].
        Suspended = "suspended",
        /// Taken back before it was handed out.
        Cancelled = "cancelled",
        /// Not collected before its retention ended.
        Expired = "expired",
    }
);

states!(
    /// Where a release stands.
    ReleaseState {
        /// Waits to be handed out.
        Queued = "queued",
        /// Handed out at least once.
        Collected = "collected",
        /// Acknowledged as received.
        Acknowledged = "acknowledged",
        /// Acknowledged as rejected.
        Rejected = "rejected",
        /// Taken back before it was handed out.
        Cancelled = "cancelled",
    }
);

states!(
    /// Why sharing is suspended until an officer has decided.
    ReviewKind {
        /// A message named a party that is not to be informed.
        Withheld = "withheld",
        /// Consent was withdrawn: nobody but who cares for the child is told anything more.
        ConsentWithdrawn = "consent_withdrawn",
        /// A case that was opened for a child may be that of an adult.
        Majority = "majority",
    }
);

states!(
    /// Lifecycle of a referral, between referrer and receiver.
    ThreadState {
        /// Admitted, not yet acknowledged.
        Submitted = "submitted",
        /// A machine of the receiver has it.
        Received = "received",
        /// The receiver takes the case.
        Accepted = "accepted",
        /// The receiving agency does not take the case.
        Declined = "declined",
        /// The receiver waits for information.
        InfoRequested = "info_requested",
        /// Being assessed.
        Assessment = "assessment",
        /// In service.
        InService = "in_service",
        /// Paused.
        OnHold = "on_hold",
        /// Moved to another unit or agency.
        Transferred = "transferred",
        /// Service ended.
        Completed = "completed",
        /// Closed.
        Closed = "closed",
        /// Taken back by the referrer.
        Withdrawn = "withdrawn",
        /// Sent by mistake.
        EnteredInError = "entered_in_error",
    }
);
