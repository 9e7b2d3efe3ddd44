//! What forbids telling a party anything more in an exchange until an officer has decided: the
//! reviews that stand there.
//!
//! - `withheld`: a message named the party. It is told nothing, in every exchange of the case.
//! - `consent_withdrawn`: nobody is told anything more, in every exchange of the case. A domestic
//!   social agency that has the case already is: who cares for a child must not be cut off from
//!   what concerns this child, and what it was told it knows. To have the case is to have referred
//!   it, or to be its receiver and have been handed something of it.
//! - `majority`: the case was opened for a child, and the person may be an adult. Foreign and
//!   counter-terrorism parties are told nothing.
//!
//! A withdrawal takes data back and always passes. What passes a case on takes over what stands;
//! the new exchange's reviews are then decided there, each by its own agency.
//!
//! INVARIANT: what is decided here is decided again in the commit ([`unchanged`]), for a message
//! as for a hand-out: a suspension that comes in between undoes either.

use std::collections::BTreeSet;

use crate::domain::state::ReviewKind;
use crate::domain::{Address, Digest, Id, MessageType, PartyId, PartyKind};
use crate::schema::Message;
use crate::store::{Changes, ExchangeRow, NewReview, ReleaseRow, Requirement, ReviewRow, Write};

use super::admit::{Admitted, Case};
use super::collect::takes_back;
use super::disclose::{Decided, Verdict, kind_of};
use super::group::Carried;
use super::{Failure, Gateway, Rules, majority};

/// How long an officer has.
const REVIEW_S: i64 = 14 * 24 * 3600;

/// Where a body names parties that must not be informed.
pub(super) const NOT_TO_INFORM: [&str; 4] = [
    "/safety/do_not_inform",
    "/consent/withhold",
    "/answers/safety/do_not_inform",
    "/answers/consent/withhold",
];

/// What suspends whom in an exchange, before a message and by it.
#[derive(Debug, Default)]
pub(super) struct Suspensions {
    /// Every review of the exchange, decided or not.
    pub(super) reviews: Vec<ReviewRow>,
    /// Parties that the message names as not to be informed.
    pub(super) named: Vec<PartyId>,
    /// Whether the message says that consent was withdrawn.
    withdraws_consent: bool,
    /// Every exchange of the case, where the message suspends something in all of them.
    family: Vec<Id>,
}

impl Suspensions {
    /// In `exchange`, which a message answers or whose case it passes on; none before a first
    /// referral.
    pub(super) async fn of(
        gateway: &Gateway,
        exchange: Option<Id>,
        message: &Message,
    ) -> Result<Self, Failure> {
        let named = NOT_TO_INFORM.iter().filter_map(|pointer| {
            message.body.value().pointer(pointer).and_then(serde_json::Value::as_array)
        });
        let named = named.flatten().filter_map(|party| party.as_str()?.parse().ok());
        let withdraws_consent = message.message_type.name() == "withdrawal"
            && message.body.text("/reason") == Some("consent_withdrawn");
        let mut found = Self { named: named.collect(), withdraws_consent, ..Self::default() };
        if let Some(exchange) = exchange {
            found.reviews = gateway.store().reviews_in(&[exchange]).await?;
            if !found.named.is_empty() || found.withdraws_consent {
                found.family = gateway.store().family(&exchange).await?;
            }
        }
        Ok(found)
    }

    /// By these reviews and no message.
    pub(super) fn under(reviews: Vec<ReviewRow>) -> Self {
        Self { reviews, ..Self::default() }
    }

    /// Parties that are not to be informed, by the reviews that stand.
    pub(super) fn withheld(&self) -> impl Iterator<Item = &PartyId> {
        let withheld = self.standing().filter(|row| row.review.kind == ReviewKind::Withheld);
        withheld.filter_map(|row| row.review.party.as_ref())
    }

    /// Whether the message, or an earlier one about which no officer has decided otherwise, asks
    /// that this party is not informed.
    pub(super) fn is_withheld(&self, party: &PartyId) -> bool {
        self.named.contains(party) || self.withheld().any(|named| named == party)
    }

    fn standing(&self) -> impl Iterator<Item = &ReviewRow> {
        self.reviews.iter().filter(|row| row.stands)
    }
}

/// What was found out while a message was decided, so that it is found out once, and what else is
/// decided in the same commit.
#[derive(Debug, Default)]
pub(super) struct Look {
    may_be_adult: Option<bool>,
    sent: Vec<(PartyId, MessageType, Digest)>,
    pub(super) carried: Carried,
}

impl Look {
    /// The projection that is sent to a party by an earlier message of the same commit.
    pub(super) fn sent(&self, party: &PartyId, message_type: &MessageType) -> Option<Digest> {
        let mut sent = self.sent.iter().rev();
        sent.find(|(to, kind, _)| to == party && kind == message_type).map(|(_, _, digest)| *digest)
    }

    /// Remembers a projection that is sent.
    pub(super) fn sends(&mut self, party: &PartyId, message_type: &MessageType, digest: Digest) {
        self.sent.push((party.clone(), message_type.clone(), digest));
    }

    async fn may_be_adult(
        &mut self,
        gateway: &Gateway,
        admitted: &Admitted,
    ) -> Result<bool, Failure> {
        if let Some(known) = self.may_be_adult {
            return Ok(known);
        }
        // decrypts the thread: asked last, and only for who is not to be told of an adult
        let found = majority::may_be_adult(gateway, admitted).await?;
        self.may_be_adult = Some(found);
        Ok(found)
    }
}

/// Why a recipient is told nothing now.
pub(super) async fn reason(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    recipient: &Address,
    look: &mut Look,
) -> Result<Option<ReviewKind>, Failure> {
    let case = admitted.case();
    for row in case.suspensions.standing() {
        if forbids(gateway, rules, (row, &case.exchange), recipient).await? {
            return Ok(Some(row.review.kind));
        }
    }
    let is_asked = !knows_majority(case) && is_watched(rules, recipient);
    if is_asked && look.may_be_adult(gateway, admitted).await? {
        return Ok(Some(ReviewKind::Majority));
    }
    Ok(None)
}

/// Whether an officer is to decide, or has decided, in this exchange about an adult.
fn knows_majority(case: &Case) -> bool {
    let mut reviews = case.suspensions.reviews.iter();
    // what was resumed where the case came from was not decided for where it goes now
    reviews.any(|row| row.review.kind == ReviewKind::Majority && (row.stands || !case.is_new))
}

/// Whether a review that stands in an exchange forbids telling `recipient` anything there.
pub(super) async fn forbids(
    gateway: &Gateway,
    rules: &Rules,
    (row, exchange): (&ReviewRow, &ExchangeRow),
    recipient: &Address,
) -> Result<bool, Failure> {
    let review = &row.review;
    if review.party.as_ref().is_some_and(|party| *party != recipient.party) {
        return Ok(false);
    }
    Ok(match review.kind {
        ReviewKind::Withheld => true,
        ReviewKind::ConsentWithdrawn => !cares(gateway, rules, exchange, recipient).await?,
        ReviewKind::Majority => is_watched(rules, recipient),
    })
}

/// A domestic social agency that has the case.
async fn cares(
    gateway: &Gateway,
    rules: &Rules,
    exchange: &ExchangeRow,
    recipient: &Address,
) -> Result<bool, Failure> {
    let party = &recipient.party;
    if kind_of(rules, recipient) != PartyKind::Social {
        return Ok(false);
    }
    if exchange.referrer.party == *party {
        return Ok(true);
    }
    let is_receiver = exchange.receiver.party == *party;
    Ok(is_receiver && !gateway.store().handed_out(&exchange.id, party).await?.is_empty())
}

/// Who is told of a child only.
fn is_watched(rules: &Rules, recipient: &Address) -> bool {
    matches!(kind_of(rules, recipient), PartyKind::Foreign | PartyKind::CounterTerrorism)
}

/// The precondition that the same reviews stand still.
pub(super) fn unchanged(exchange: Id, reviews: &[ReviewRow]) -> Requirement {
    let standing = reviews.iter().filter(|row| row.stands && row.review.exchange == exchange);
    Requirement::Standing { exchange, reviews: standing.map(|row| row.review.id).collect() }
}

/// Why a recipient is suspended, if it is.
pub(super) fn suspension(decided: &Decided) -> Option<ReviewKind> {
    match decided.verdict {
        Verdict::Suspended(reason) => Some(reason),
        _ => None,
    }
}

/// What a message does to the reviews of its case: the commit that first suspends opens them.
pub(super) fn record<'a>(
    gateway: &Gateway,
    changes: &mut Changes,
    case: &Case,
    decided: impl Iterator<Item = &'a Decided>,
) -> Result<(), Failure> {
    if case.takes.is_some() {
        // what takes data back passes, whatever stands
        return Ok(());
    }
    let reasons: Vec<ReviewKind> = decided.filter_map(suspension).collect();
    let (exchange, suspensions) = (case.exchange.id, &case.suspensions);
    if !case.is_new || case.parent.is_some() {
        changes.requires.push(unchanged(case.parent.unwrap_or(exchange), &suspensions.reviews));
    }
    if let Some(parent) = case.parent {
        changes.writes.push(Write::PassedOn { exchange, parent });
    }
    if !suspensions.family.is_empty() {
        let (exchange, all) = (case.parent.unwrap_or(exchange), suspensions.family.clone());
        changes.requires.push(Requirement::Family { exchange, all });
    }
    for (exchange, kind, party) in openings(case, &reasons) {
        changes.writes.push(open(gateway, exchange, kind, party)?);
    }
    Ok(())
}

type Opening = (Id, ReviewKind, Option<PartyId>);

fn openings(case: &Case, reasons: &[ReviewKind]) -> Vec<Opening> {
    let (exchange, suspensions) = (case.exchange.id, &case.suspensions);
    let mut opened: Vec<Opening> = Vec::new();
    let named = suspensions.named.iter().flat_map(|party| {
        let places = std::iter::once(exchange).chain(suspensions.family.iter().copied());
        places.map(|place| (place, ReviewKind::Withheld, Some(party.clone())))
    });
    opened.extend(named);
    if case.parent.is_some() {
        opened.extend(
            suspensions.standing().map(|r| (exchange, r.review.kind, r.review.party.clone())),
        );
    }
    let everywhere = suspensions.family.iter().filter(|_| suspensions.withdraws_consent);
    opened.extend(everywhere.map(|place| (*place, ReviewKind::ConsentWithdrawn, None)));
    if reasons.contains(&ReviewKind::Majority) && !knows_majority(case) {
        opened.push((exchange, ReviewKind::Majority, None));
    }
    let mut once: Vec<Opening> = Vec::with_capacity(opened.len());
    for opening in opened {
        if !once.contains(&opening) {
            once.push(opening);
        }
    }
    once
}

/// A new review. It says the kind and nothing of the message.
pub(super) fn open(
    gateway: &Gateway,
    exchange: Id,
    kind: ReviewKind,
    party: Option<PartyId>,
) -> Result<Write, Failure> {
    let opened_at = gateway.now();
    let due_at = opened_at.saturating_add(REVIEW_S);
    let id = gateway.mint()?;
    Ok(Write::OpenReview(NewReview { id, exchange, kind, party, opened_at, due_at }))
}

/// Leaves out of what waits whatever a review forbids, and answers every review that was looked
/// at. Where none stands this is one look at a small index per exchange.
pub(super) async fn leave_out(
    gateway: &Gateway,
    rules: &Rules,
    waiting: &mut Vec<ReleaseRow>,
) -> Result<Vec<ReviewRow>, Failure> {
    let exchanges: BTreeSet<Id> = exchanges_of(waiting);
    let exchanges: Vec<Id> = exchanges.into_iter().collect();
    let reviews = gateway.store().reviews_in(&exchanges).await?;
    let mut forbidden = BTreeSet::new();
    for review in reviews.iter().filter(|row| row.stands) {
        let Some(exchange) = gateway.store().exchange(&review.review.exchange).await? else {
            continue;
        };
        for row in waiting.iter().filter(|row| row.exchange == exchange.id) {
            let stays = may_be_stopped(row)
                && forbids(gateway, rules, (review, &exchange), &row.recipient).await?;
            if stays {
                forbidden.insert(row.release_id);
            }
        }
    }
    if !forbidden.is_empty() {
        metrics::counter!("titian_suspended_releases_kept_total").increment(1);
        waiting.retain(|row| !forbidden.contains(&row.release_id));
    }
    Ok(reviews)
}

/// The preconditions under which these may be handed out: nothing was suspended meanwhile.
pub(super) fn all_unchanged(waiting: &[ReleaseRow], reviews: &[ReviewRow]) -> Vec<Requirement> {
    exchanges_of(waiting).into_iter().map(|exchange| unchanged(exchange, reviews)).collect()
}

fn exchanges_of(waiting: &[ReleaseRow]) -> BTreeSet<Id> {
    waiting.iter().filter(|row| may_be_stopped(row)).map(|row| row.exchange).collect()
}

/// What takes data back passes, and what another view of the same party was handed already.
fn may_be_stopped(row: &ReleaseRow) -> bool {
    row.is_queued() && !takes_back(&row.message_type)
}
