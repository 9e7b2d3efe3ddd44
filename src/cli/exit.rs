//! How a command ends: exit codes, and which fault means which.

use std::process::ExitCode;

use crate::client::ClientFault;
use crate::config::FileError;

/// Printed below `titian --help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, or a check failed
  2  the command line, a file or the home cannot be used
  3  the gateway cannot be reached or cannot take it now; the same may succeed later";

/// Why a command did not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 1.
    Refused,
    /// 2.
    Unusable,
    /// 3.
    Temporary,
}

/// A command that did not succeed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) exit: Exit,
    pub(super) error: anyhow::Error,
}

/// How every command ends.
pub(super) type Done = Result<(), Failed>;

impl Failed {
    /// A fault of what was given: 2.
    pub(super) fn unusable(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Unusable, error: error.into() }
    }

    /// A fault of what was given, in words: 2.
    pub(super) fn because(words: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Unusable, error: anyhow::anyhow!("{words}") }
    }

    /// Refused, or a check failed: 1.
    pub(super) fn refused(words: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Refused, error: anyhow::anyhow!("{words}") }
    }

    /// The HTTP status that the gateway answered, where it could not take something.
    pub(super) fn status(&self) -> Option<u16> {
        match self.error.downcast_ref::<ClientFault>() {
            Some(ClientFault::Busy { status, .. }) => Some(*status),
            _ => None,
        }
    }

    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self.exit {
            Exit::Refused => 1,
            Exit::Unusable => 2,
            Exit::Temporary => 3,
        })
    }
}

impl From<anyhow::Error> for Failed {
    /// What `app` reports is a fault of the home or of a file.
    fn from(error: anyhow::Error) -> Self {
        Self::unusable(error)
    }
}

impl From<FileError> for Failed {
    fn from(error: FileError) -> Self {
        Self::unusable(error)
    }
}

impl From<ClientFault> for Failed {
    fn from(fault: ClientFault) -> Self {
        let exit = match &fault {
            ClientFault::File(_) | ClientFault::Unusable(_) | ClientFault::Signing => {
                Exit::Unusable
            }
            ClientFault::Unreachable { .. } | ClientFault::Busy { .. } => Exit::Temporary,
            ClientFault::Refused(_)
            | ClientFault::Tls { .. }
            | ClientFault::NoToken(_)
            | ClientFault::Unexpected(_)
            | ClientFault::Distrusted { .. }
            | ClientFault::Mismatch { .. } => Exit::Refused,
        };
        Self { exit, error: fault.into() }
    }
}
