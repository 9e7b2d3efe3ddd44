//! The life of a referral, as one table.
//!
//! It belongs to the thread between referrer and receiver; other recipients of a status get a
//! copy and no state. A step that is not in the table does not exist.

use crate::domain::state::ThreadState;

/// Who may make a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whoever referred.
    Referrer,
    /// Whoever receives the case.
    Receiver,
}

/// By what a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The receiver's signed acknowledgement.
    Acknowledgement,
    /// A `status/1`.
    Status,
    /// An `information-response/1` to a request of the receiver.
    Response,
    /// A `withdrawal/1` with another reason than `sent_in_error`.
    Withdrawal,
    /// A `withdrawal/1` with the reason `sent_in_error`.
    SentInError,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From which state.
    pub from: ThreadState,
    /// To which state.
    pub to: ThreadState,
    /// Who.
    pub role: Role,
    /// How.
    pub by: By,
}

const fn step(from: ThreadState, to: ThreadState, role: Role, by: By) -> Transition {
    Transition { from, to, role, by }
}

use By::{Acknowledgement, Response, SentInError, Status, Withdrawal};
use Role::{Receiver, Referrer};
use ThreadState as S;

/// Every step there is.
pub const TRANSITIONS: &[Transition] = &[
    step(S::Submitted, S::Received, Receiver, Acknowledgement),
    step(S::Received, S::Accepted, Receiver, Status),
    step(S::Received, S::Declined, Receiver, Status),
    step(S::Received, S::InfoRequested, Receiver, Status),
    // by its answer; or by a status, where it was asked in no request
    step(S::InfoRequested, S::Received, Referrer, Response),
    step(S::InfoRequested, S::Received, Referrer, Status),
    step(S::Accepted, S::Assessment, Receiver, Status),
    step(S::Assessment, S::InService, Receiver, Status),
    step(S::InService, S::OnHold, Receiver, Status),
    step(S::InService, S::Transferred, Receiver, Status),
    step(S::InService, S::Completed, Receiver, Status),
    step(S::OnHold, S::InService, Receiver, Status),
    step(S::Completed, S::Closed, Receiver, Status),
    step(S::Submitted, S::Withdrawn, Referrer, Withdrawal),
    step(S::Received, S::Withdrawn, Referrer, Withdrawal),
    step(S::InfoRequested, S::Withdrawn, Referrer, Withdrawal),
    step(S::Submitted, S::EnteredInError, Referrer, SentInError),
    step(S::Received, S::EnteredInError, Referrer, SentInError),
    step(S::Accepted, S::EnteredInError, Referrer, SentInError),
    step(S::Declined, S::EnteredInError, Referrer, SentInError),
    step(S::InfoRequested, S::EnteredInError, Referrer, SentInError),
    step(S::Assessment, S::EnteredInError, Referrer, SentInError),
    step(S::InService, S::EnteredInError, Referrer, SentInError),
    step(S::OnHold, S::EnteredInError, Referrer, SentInError),
    step(S::Transferred, S::EnteredInError, Referrer, SentInError),
    step(S::Completed, S::EnteredInError, Referrer, SentInError),
    step(S::Closed, S::EnteredInError, Referrer, SentInError),
    step(S::Withdrawn, S::EnteredInError, Referrer, SentInError),
];

/// Whether the table has this step.
pub(super) fn allows(from: ThreadState, to: ThreadState, role: Role, by: By) -> bool {
    TRANSITIONS.contains(&step(from, to, role, by))
}

/// States that no status leaves.
#[cfg(test)]
const TERMINAL: &[ThreadState] =
    &[S::Declined, S::Transferred, S::Closed, S::Withdrawn, S::EnteredInError];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_leaves_a_terminal_state() {
        for from in TERMINAL {
            for to in S::ALL {
                for role in [Referrer, Receiver] {
                    assert!(!allows(*from, *to, role, Status), "{from} to {to}");
                    assert!(!allows(*from, *to, role, Withdrawal), "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn every_state_but_the_first_is_reached() {
        for state in S::ALL.iter().filter(|s| **s != S::Submitted) {
            assert!(TRANSITIONS.iter().any(|t| t.to == *state), "{state}");
        }
    }

    #[test]
    fn a_referrer_only_answers_and_takes_back() {
        let by_status: Vec<_> =
            TRANSITIONS.iter().filter(|t| t.role == Referrer && t.by == Status).collect();
        assert_eq!(by_status.len(), 1);
    }

    #[test]
    fn the_table_has_no_step_twice() {
        for (at, one) in TRANSITIONS.iter().enumerate() {
            assert!(!TRANSITIONS.iter().skip(at + 1).any(|other| other == one), "{one:?}");
        }
    }
}
