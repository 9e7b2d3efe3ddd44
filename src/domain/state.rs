//! States as the API shows and the store keeps them.

words!(
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

words!(
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

words!(
    /// How an information request is answered.
    RequestOutcome {
        /// In full.
        Answered = "answered",
        /// In part.
        Partial = "partial",
        /// Not at all.
        Refused = "refused",
    }
);

words!(
    /// Why an information request is refused; told inside Indonesia only.
    RefusalCode {
        /// Nothing allows it to be answered.
        NoBasis = "no_basis",
        /// An answer would not be in the child's best interests.
        NotInBestInterests = "not_in_best_interests",
        /// What is asked is not shared.
        NotShareable = "not_shareable",
        /// There is no such exchange.
        UnknownExchange = "unknown_exchange",
        /// Whose information it is does not agree.
        OriginatorRefused = "originator_refused",
    }
);

words!(
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

words!(
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

words!(
    /// How soon something is to be looked at, the soonest first.
    Urgency {
        /// The message says so.
        Immediate = "immediate",
        /// Its time to be decided has passed.
        Overdue = "overdue",
        /// The message says so.
        Urgent = "urgent",
        /// In its turn.
        Routine = "routine",
    }
);

words!(
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

impl ThreadState {
    /// Whether the receiver took the case and it stands: no duplicate, no error, not taken back.
    pub const fn is_taken(self) -> bool {
        match self {
            Self::Accepted
            | Self::Assessment
            | Self::InService
            | Self::OnHold
            | Self::Transferred
            | Self::Completed
            | Self::Closed => true,
            Self::Submitted
            | Self::Received
            | Self::Declined
            | Self::InfoRequested
            | Self::Withdrawn
            | Self::EnteredInError => false,
        }
    }
}
