//! What waits for a person: the holds and reviews that one officer may decide. Shows no value but
//! how urgent a message says it is, and that only where its recipient learns it anyway.

use crate::domain::state::Urgency;
use crate::domain::{Address, Body};
use crate::store::desk::{DeskCount, DeskPage, DeskRow, HoldsOf, ReviewsOf};
use crate::wire::{HoldView, ReviewView};

use super::hold::{self, is_on_duty};
use super::review;
use super::{Failure, Gateway, Rules};

/// What is to be decided.
#[derive(Debug, Clone)]
pub enum Matter {
    /// A hold.
    Hold(HoldView),
    /// A review.
    Review(ReviewView),
}

/// One thing that waits.
#[derive(Debug, Clone)]
pub struct Waits {
    /// What it is.
    pub matter: Matter,
    /// How soon.
    pub urgency: Urgency,
    /// Since when, unix seconds.
    pub since: i64,
}

/// What waits for the decision of one officer.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    holds: Vec<HoldsOf>,
    reviews: Vec<ReviewsOf>,
    /// How many holds, and since when.
    pub held: DeskCount,
    /// How many reviews, and since when.
    pub reviewed: DeskCount,
}

impl Desk {
    /// How much waits.
    pub fn count(&self) -> u64 {
        self.held.count.saturating_add(self.reviewed.count)
    }
}

/// How much an officer may decide now: to anyone else it is nothing.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn count(gateway: &Gateway, rules: &Rules, officer: &str) -> Result<Desk, Failure> {
    let undecided = gateway.store().undecided(gateway.now()).await?;
    let mut desk = Desk::default();
    for (of, count) in undecided.holds {
        if is_on_duty(
            rules,
            officer,
            hold::decider(rules, (&of.sender, &of.recipient, of.is_group)),
        ) {
            desk.held.add(count);
            desk.holds.push(of);
        }
    }
    for (of, count) in undecided.reviews {
        if review::side(rules, (&of.referrer, &of.receiver, of.party.as_ref()))
            .is_some_and(|at| is_on_duty(rules, officer, at))
        {
            desk.reviewed.add(count);
            desk.reviews.push(of);
        }
    }
    Ok(desk)
}

/// A page of it: urgent first, then the oldest.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn page(
    gateway: &Gateway,
    rules: &Rules,
    desk: &Desk,
    (from, limit): (u64, u32),
) -> Result<Vec<Waits>, Failure> {
    let now = gateway.now();
    let (holds, reviews) = (desk.holds.clone(), desk.reviews.clone());
    let rows = gateway.store().desk(DeskPage { holds, reviews, now, from, limit }).await?;
    let mut waits = Vec::with_capacity(rows.len());
    for row in rows {
        waits.push(match row {
            DeskRow::Hold(row) => {
                let (urgency, since) = (row.hold.urgency, row.hold.opened_at);
                let matter = Matter::Hold(hold::view(gateway, &row, None).await?);
                Waits { matter, urgency, since }
            }
            DeskRow::Review(row) => {
                let exchange = review::exchange_of(gateway, &row).await?;
                let view = review::view(gateway, rules, &row, &exchange).await?;
                let urgency = if view.is_overdue { Urgency::Overdue } else { Urgency::Routine };
                let since = row.review.opened_at;
                Waits { matter: Matter::Review(view), urgency, since }
            }
        });
    }
    Ok(waits)
}

/// The leaf that says how soon.
pub(super) const URGENCY: &str = "/urgency";

/// How soon a hold is to be looked at: what its message says, where its policy passes that on, or
/// where it is the sender's own officer who decides.
pub(super) fn urgency(
    rules: &Rules,
    of: (&Address, &Address, bool),
    (body, passes): (&Body, bool),
) -> Urgency {
    let is_senders = hold::decider(rules, of) == of.0;
    match body.text(URGENCY).filter(|_| passes || is_senders) {
        Some("immediate") => Urgency::Immediate,
        Some("urgent") => Urgency::Urgent,
        _ => Urgency::Routine,
    }
}
