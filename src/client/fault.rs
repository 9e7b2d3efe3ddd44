//! Why the client did not get what it asked for.

use std::time::Duration;

use crate::config::FileError;
use crate::sign::SignFault;
use crate::wire::{Problem, TokenError};

/// Why a request had no success.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// A file of the kit cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The kit or what is to be sent cannot be used.
    #[error("{0}")]
    Unusable(&'static str),
    /// No answer: no connection, no trust, or out of time.
    #[error("the gateway at {gateway} cannot be reached: {reason}")]
    Unreachable {
        /// Where it was sought.
        gateway: String,
        /// In a few words.
        reason: &'static str,
        /// What was seen.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One side does not take the other's certificate.
    #[error("no trust between here and {gateway}: {reason}")]
    Tls {
        /// Where it was sought.
        gateway: String,
        /// In a few words.
        reason: &'static str,
        /// What was seen.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The gateway cannot take it now.
    #[error("the gateway cannot take it now ({status}); try again later")]
    Busy {
        /// HTTP status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// `instance` of the problem, for the operator.
        instance: Option<String>,
    },
    /// The gateway refused.
    #[error("refused: {}", titled(.0))]
    Refused(Box<Problem>),
    /// The gateway granted no token.
    #[error("no access token: {}{}", .0.error, .0.error_description.as_deref().map(|d| format!(", {d}")).unwrap_or_default())]
    NoToken(TokenError),
    /// The answer does not have the shape of the API.
    #[error("the gateway's answer is not what its API promises: {0}")]
    Unexpected(&'static str),
    /// Something signed does not verify under the pinned keys.
    #[error("{what} does not verify under the gateway's pinned keys")]
    Distrusted {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: SignFault,
    },
    /// Something signed is good but says something else than it must.
    #[error("{what} does not fit: {reason}")]
    Mismatch {
        /// What.
        what: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The system's random generator failed, or a key cannot sign.
    #[error("signing failed")]
    Signing,
}

impl ClientFault {
    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }
}

/// A problem's title with its code, which is the title of some.
fn titled(problem: &Problem) -> String {
    let (title, code) = (&problem.title, &problem.code);
    if title == code { title.clone() } else { format!("{title} ({code})") }
}
