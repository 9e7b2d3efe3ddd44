//! What waits for an officer, counted and by the page: the desk never reads more than it shows.
//!
//! The store knows no officers. It counts by whose a hold or a review is, and answers those that it
//! is asked for.

use super::rows::{HoldRow, ReviewRow};
use crate::domain::{Address, PartyId};

/// Whose holds: what decides which officers may look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldsOf {
    /// Who sent the messages.
    pub sender: Address,
    /// For whom they are kept back.
    pub recipient: Address,
    /// Whether too few share what the recipient would know.
    pub is_group: bool,
}

/// Whose reviews: what decides which officers may look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewsOf {
    /// Who referred the case.
    pub referrer: Address,
    /// Who received it.
    pub receiver: Address,
    /// The one party concerned, where it is one.
    pub party: Option<PartyId>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeskCount {
    /// How many.
    pub count: u64,
    /// When the oldest was opened (unix seconds).
    pub oldest_at: Option<i64>,
    /// How many should have been decided by now.
    pub overdue: u64,
}

impl DeskCount {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.overdue = self.overdue.saturating_add(other.overdue);
        self.oldest_at = [self.oldest_at, other.oldest_at].into_iter().flatten().min();
    }
}

/// Everything undecided, by whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undecided {
    /// Holds.
    pub holds: Vec<(HoldsOf, DeskCount)>,
    /// Reviews.
    pub reviews: Vec<(ReviewsOf, DeskCount)>,
}

/// A part of what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskPage {
    /// Of these, undecided.
    pub holds: Vec<HoldsOf>,
    /// Of these, undecided.
    pub reviews: Vec<ReviewsOf>,
    /// Now (unix seconds): what was due before is overdue.
    pub now: i64,
    /// How many to pass over.
    pub from: u64,
    /// How many to answer at most.
    pub limit: u32,
}

/// What is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskRow {
    /// A hold.
    Hold(HoldRow),
    /// A review.
    Review(ReviewRow),
}
