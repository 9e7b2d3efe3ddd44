//! What waits for a person: the holds and reviews that one officer may decide. Shows no value but
//! how urgent a message says it is, and that only where its recipient learns it anyway.

use crate::domain::{Code, LeafName};
use crate::store::HoldRow;
use crate::wire::{HoldView, ReviewView};

use super::disclose::stored_body;
use super::hold::{self, is_on_duty};
use super::released::leaves_of;
use super::review;
use super::{Failure, Gateway};

const URGENCY: &str = "/urgency";

/// How soon something is to be looked at, the soonest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The message says so.
    Immediate,
    /// Its time to be decided has passed.
    Overdue,
    /// The message says so.
    Urgent,
    /// In its turn.
    Routine,
}

impl Urgency {
    /// One word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Overdue => "overdue",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
        }
    }
}

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

/// What an officer may decide now: urgent first, then the oldest.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn list(gateway: &Gateway, officer: &str) -> Result<Vec<Waits>, Failure> {
    let rules = gateway.rules();
    let mut waits = Vec::new();
    for row in gateway.store().holds(false).await? {
        if is_on_duty(&rules, officer, hold::side(&rules, &row.hold)) {
            let urgency = urgency(gateway, &row).await?;
            let since = row.hold.opened_at;
            let matter = Matter::Hold(hold::view(gateway, &row, None).await?);
            waits.push(Waits { matter, urgency, since });
        }
    }
    for row in gateway.store().reviews(false).await? {
        let exchange = review::exchange_of(gateway, &row).await?;
        if review::may_decide(&rules, (&row, &exchange), officer) {
            let view = review::view(gateway, &rules, &row, &exchange).await?;
            let urgency = if view.is_overdue { Urgency::Overdue } else { Urgency::Routine };
            let since = row.review.opened_at;
            waits.push(Waits { matter: Matter::Review(view), urgency, since });
        }
    }
    waits.sort_by_key(|each| (each.urgency, each.since));
    Ok(waits)
}

/// What the message says, where the policy that it is pinned to passes that on, or where it is the
/// sender's own officer who decides.
async fn urgency(gateway: &Gateway, row: &HoldRow) -> Result<Urgency, Failure> {
    let hold = &row.hold;
    let message = gateway.store().message(&hold.sender.party, &hold.message_id).await?;
    let message = message.ok_or_else(|| Failure::problem(Code::NotFound))?;
    if message.message_type.name() != "referral" {
        return Ok(Urgency::Routine);
    }
    let rules = gateway.rules();
    let is_senders = hold::side(&rules, hold) == &hold.sender;
    if !is_senders && !passes_on(gateway, row).await? {
        return Ok(Urgency::Routine);
    }
    let body = stored_body(gateway, &message)?;
    let leaf = LeafName::new(URGENCY);
    let said = body.as_ref().and_then(|body| body.values(&leaf).first()?.as_str());
    Ok(match said {
        Some("immediate") => Urgency::Immediate,
        Some("urgent") => Urgency::Urgent,
        _ => Urgency::Routine,
    })
}

async fn passes_on(gateway: &Gateway, row: &HoldRow) -> Result<bool, Failure> {
    let rows = gateway.store().recipients(&row.hold.sender.party, &row.hold.message_id).await?;
    let recipient = rows.into_iter().find(|to| to.recipient == row.hold.recipient);
    let Some(policy) = recipient.and_then(|recipient| recipient.policy) else { return Ok(false) };
    Ok(leaves_of(gateway, &policy.digest).await?.iter().any(|leaf| leaf == URGENCY))
}
