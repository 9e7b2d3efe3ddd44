//! Reviews: what suspends sharing in an exchange, decided by a person.
//!
//! A named officer of the case's agency resumes or keeps, with a reason (recorded). To resume lifts
//! this one reason: what it kept back is disclosed as it would have been at first, under the policy
//! version it is pinned to, unless another reason keeps it back still. To keep cancels what waits;
//! what comes later stays suspended without another review, until a message asks anew.
//!
//! Who decides: the receiver of the case, which knows the child. Where that is a foreign party, or
//! the very party that is not to be informed, the referrer: nobody decides what is told to itself.
//!
//! INVARIANT: a decision's commit rests on the reviews that stand and on the messages that are
//! suspended. Whatever is named, withdrawn, sent or decided in between undoes it, and it is made
//! again on what there is then.

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::state::{MessageState, RecipientState, ReviewKind};
use crate::domain::{Address, Code, Digest, Id, PartyId, Refused};
use crate::store::{
    Changes, CommitError, Decision, Entry, ExchangeRow, HoldRow, MemberRow, MessageRow,
    RecipientRow, ReleaseRow, Requirement, ReviewRow, Write,
};
use crate::wire::{DecisionView, ReviewAct, ReviewView};

use super::admit::readmit;
use super::collect::takes_back;
use super::disclose::{disclose_later, is_foreign};
use super::hold::{has_reason, is_on_duty};
use super::record::{outcome_rows, recipient_row};
use super::release::release;
use super::show::moment;
use super::submit::Stop;
use super::suspend::{Look, forbids, open, suspension, unchanged};
use super::{Failure, Gateway, Rules, except};

/// Where a refusal says that the review was decided before.
pub(super) const DECIDED: &str = "/review";
/// How often a decision whose preconditions changed under it is made again.
const ATTEMPTS_MAX: u32 = 3;

/// What an officer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Sharing goes on.
    Resume,
    /// It stays suspended.
    Keep,
}

/// Reviews, oldest first; only undecided ones unless `decided_too`. Shows no value.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn list(gateway: &Gateway, decided_too: bool) -> Result<Vec<ReviewView>, Failure> {
    let rules = gateway.rules();
    let mut views = Vec::new();
    for row in gateway.store().reviews(decided_too).await? {
        let exchange = exchange_of(gateway, &row).await?;
        views.push(view(gateway, &rules, &row, &exchange).await?);
    }
    Ok(views)
}

/// One review. Shows no value.
///
/// # Errors
/// `not-found` for an unknown review or an officer who is not of the agency that decides.
pub async fn show(gateway: &Gateway, id: Id, act: &ReviewAct) -> Result<ReviewView, Failure> {
    let rules = gateway.rules();
    let (row, exchange) = open_to(gateway, &rules, id, act).await?;
    view(gateway, &rules, &row, &exchange).await
}

/// Decides.
///
/// # Errors
/// `not-found` as for [`show`]; `bad-request` without a reason or for a review already decided.
pub async fn decide(
    gateway: &Gateway,
    id: Id,
    verdict: Verdict,
    act: &ReviewAct,
) -> Result<ReviewView, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let rules = gateway.rules();
        let (row, exchange) = open_to(gateway, &rules, id, act).await?;
        if row.decision.is_some() {
            return Err(decided_before());
        }
        has_reason(&act.reason)?;
        let changes = changes(gateway, &rules, (&row, &exchange), verdict, act).await?;
        match gateway.store().commit(changes).await {
            Ok(_) => {
                if verdict == Verdict::Resume {
                    // what an exception adds waited for this
                    except::apply_all(gateway).await;
                }
                tell(gateway, &row).await?;
                return show(gateway, id, act).await;
            }
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Unavailable(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Unavailable)
}

/// Wakes whoever may have something to collect now.
async fn tell(gateway: &Gateway, row: &ReviewRow) -> Result<(), Failure> {
    for member in gateway.store().members(&row.review.exchange).await? {
        gateway.tell(&member.party);
    }
    Ok(())
}

fn decided_before() -> Failure {
    Failure::Problem(Refused::at(Code::BadRequest, DECIDED, "decided"))
}

async fn changes(
    gateway: &Gateway,
    rules: &Rules,
    (row, exchange): (&ReviewRow, &ExchangeRow),
    verdict: Verdict,
    act: &ReviewAct,
) -> Result<Changes, Failure> {
    let id = row.review.id;
    // first what the commit checks again, then what rests on it
    let mut reviews = gateway.store().reviews_in(&[exchange.id]).await?;
    let suspended = gateway.store().suspended_in(&exchange.id).await?;
    let mut changes = Changes::default();
    let key = |row: &RecipientRow| (row.sender.clone(), row.message_id, row.recipient.clone());
    let all = suspended.iter().map(key).collect();
    changes.requires.push(Requirement::Generation(rules.generation));
    changes.requires.push(Requirement::ReviewOpen(id));
    changes.requires.push(unchanged(exchange.id, &reviews));
    changes.requires.push(Requirement::Suspended { exchange: exchange.id, all });
    let kind = match verdict {
        Verdict::Resume => {
            for lifted in reviews.iter_mut().filter(|other| other.review.id == id) {
                lifted.stands = false;
            }
            let mut resumed = Resumed::under(gateway, rules, reviews, changes);
            for row in suspended.iter().filter(|to| concerns(row, &to.recipient.party)) {
                resumed.one(row).await?;
            }
            changes = resumed.into_changes();
            "review-resumed"
        }
        Verdict::Keep => {
            let kept = (row, exchange);
            let cancelled = keep(gateway, rules, kept, &suspended, &mut changes).await?;
            close_holds(gateway, act, &cancelled, &mut changes).await?;
            "review-kept"
        }
    };
    changes.entries.push(event(gateway, kind, decider(rules, case((row, exchange))), (id, act))?);
    changes.writes.push(Write::DecideReview {
        review: id,
        decision: Decision {
            released: verdict == Verdict::Resume,
            officer: act.officer.clone(),
            reason: act.reason.trim().to_owned(),
            at: gateway.now(),
        },
    });
    Ok(changes)
}

fn concerns(row: &ReviewRow, party: &PartyId) -> bool {
    row.review.party.as_ref().is_none_or(|named| named == party)
}

/// What goes on once a review is lifted: message by message, oldest first, in one commit.
struct Resumed<'a> {
    gateway: &'a Gateway,
    rules: &'a Rules,
    /// Without the one that is lifted.
    reviews: Vec<ReviewRow>,
    members: Option<Vec<MemberRow>>,
    look: Look,
    opens: bool,
    changes: Changes,
}

impl<'a> Resumed<'a> {
    fn under(
        gateway: &'a Gateway,
        rules: &'a Rules,
        reviews: Vec<ReviewRow>,
        changes: Changes,
    ) -> Self {
        let look = Look::default();
        Self { gateway, rules, reviews, members: None, look, opens: false, changes }
    }

    async fn one(&mut self, row: &RecipientRow) -> Result<(), Failure> {
        let gateway = self.gateway;
        let message = gateway.store().message(&row.sender, &row.message_id).await?;
        let message = message.ok_or_else(|| Failure::problem(Code::NotFound))?;
        if message.object.is_none() {
            // nothing is left that could be disclosed
            self.changes.writes.push(state(row, RecipientState::Expired));
            return Ok(());
        }
        let admitted = readmit(gateway, self.rules, &message).await?;
        let members = match self.members.take() {
            Some(members) => members,
            None => admitted.case().members.clone(),
        };
        let admitted = admitted.under(self.reviews.clone(), members.clone());
        let to = (&row.recipient, row.policy.as_ref());
        let disclosed = disclose_later(gateway, self.rules, admitted, to, &mut self.look).await;
        let released = disclosed.and_then(|disclosed| release(gateway, self.rules, disclosed));
        let (admitted, outcomes, new_members) = released.map_err(stopped)?.into_parts();
        self.changes.writes.extend(new_members.iter().cloned().map(Write::Member));
        self.members = Some(members.into_iter().chain(new_members).collect());
        for (decided, signed) in outcomes {
            if suspension(&decided).is_some() {
                // for another reason, which may be found only now
                self.open(&message, suspension(&decided))?;
                continue;
            }
            let to = recipient_row(&admitted, 0, &decided);
            outcome_rows(gateway, &mut self.changes, &admitted, &decided, signed.as_ref())
                .map_err(stopped)?;
            if let (None, Some(policy)) = (&row.policy, to.policy) {
                self.changes.writes.push(Write::RecipientPolicy {
                    sender: row.sender.clone(),
                    message_id: row.message_id,
                    recipient: row.recipient.clone(),
                    policy,
                });
            }
            self.changes.writes.push(Write::RecipientState {
                sender: row.sender.clone(),
                message_id: row.message_id,
                recipient: row.recipient.clone(),
                state: to.state,
                pending: to.pending,
            });
            let goes = matches!(to.state, RecipientState::Queued | RecipientState::Unchanged);
            if goes && message.state == MessageState::Held {
                self.changes.writes.push(Write::MessageState {
                    sender: row.sender.clone(),
                    message_id: row.message_id,
                    state: MessageState::Admitted,
                });
            }
        }
        Ok(())
    }

    fn open(&mut self, message: &MessageRow, reason: Option<ReviewKind>) -> Result<(), Failure> {
        let is_known = self.reviews.iter().any(|row| row.review.kind == ReviewKind::Majority);
        if reason == Some(ReviewKind::Majority) && !is_known && !self.opens {
            self.opens = true;
            let review = open(self.gateway, message.exchange, ReviewKind::Majority, None)?;
            self.changes.writes.push(review);
        }
        Ok(())
    }

    /// What was compared with an earlier message of the same commit needs no precondition of its
    /// own: the first comparison with what is recorded carries it.
    fn into_changes(self) -> Changes {
        let mut changes = self.changes;
        let mut seen = BTreeSet::new();
        changes.requires.retain(|requirement| match requirement {
            Requirement::LastProjection { party, message_type, .. } => {
                seen.insert((party.clone(), message_type.clone()))
            }
            _ => true,
        });
        changes
    }
}

pub(super) fn stopped(stop: Stop) -> Failure {
    match stop {
        Stop::Plain(refused) | Stop::Refuse(refused) => Failure::Problem(refused),
        Stop::Conflict => Failure::Unavailable,
        Stop::Failed(failure) => failure,
    }
}

/// Cancels what is suspended, and what was queued before it was; answers the releases.
async fn keep(
    gateway: &Gateway,
    rules: &Rules,
    (row, exchange): (&ReviewRow, &ExchangeRow),
    suspended: &[RecipientRow],
    changes: &mut Changes,
) -> Result<Vec<ReleaseRow>, Failure> {
    for to in suspended {
        if forbids(gateway, rules, (row, exchange), &to.recipient).await? {
            changes.writes.push(state(to, RecipientState::Cancelled));
        }
    }
    let mut cancelled = Vec::new();
    for release in gateway.store().queued_in(&exchange.id).await? {
        let stays = !takes_back(&release.message_type)
            && forbids(gateway, rules, (row, exchange), &release.recipient).await?;
        if stays {
            cancel(&release, changes);
            cancelled.push(release);
        }
    }
    let queued = cancelled.iter().map(|release| release.release_id).collect();
    changes.requires.push(Requirement::Queued(queued));
    Ok(cancelled)
}

/// What was held back of a release that is cancelled follows it nowhere.
async fn close_holds(
    gateway: &Gateway,
    act: &ReviewAct,
    cancelled: &[ReleaseRow],
    changes: &mut Changes,
) -> Result<(), Failure> {
    for release in cancelled {
        let (sender, id) = (&release.sender.party, &release.message_id);
        let holds = gateway.store().holds_of(sender, id).await?;
        let of_it = |row: &HoldRow| row.hold.release == Some(release.release_id);
        for row in holds.into_iter().filter(|row| row.decision.is_none() && of_it(row)) {
            changes.requires.push(Requirement::HoldOpen(row.hold.id));
            changes.writes.push(Write::Decide {
                hold: row.hold.id,
                decision: Decision {
                    released: false,
                    officer: act.officer.clone(),
                    reason: act.reason.trim().to_owned(),
                    at: gateway.now(),
                },
            });
        }
    }
    Ok(())
}

fn cancel(release: &ReleaseRow, changes: &mut Changes) {
    changes.writes.push(Write::CancelRelease(release.release_id));
    if release.supplements.is_none() {
        changes.writes.push(Write::RecipientState {
            sender: release.sender.party.clone(),
            message_id: release.message_id,
            recipient: release.recipient.clone(),
            state: RecipientState::Cancelled,
            pending: Vec::new(),
        });
    }
    // what nobody was told is not the last word: the same projection may go later
    changes.writes.push(Write::LastProjection {
        exchange: release.exchange,
        party: release.recipient.party.clone(),
        message_type: release.message_type.to_string(),
        digest: Digest::of(release.message_id.as_str().as_bytes()),
    });
}

fn state(row: &RecipientRow, state: RecipientState) -> Write {
    Write::RecipientState {
        sender: row.sender.clone(),
        message_id: row.message_id,
        recipient: row.recipient.clone(),
        state,
        pending: Vec::new(),
    }
}

/// Whose officers decide.
fn decider<'a>(
    rules: &Rules,
    (referrer, receiver, party): (&'a Address, &'a Address, Option<&PartyId>),
) -> &'a Address {
    let may = |at: &Address| !is_foreign(rules, at) && party != Some(&at.party);
    if !may(receiver) && may(referrer) { referrer } else { receiver }
}

/// What decides whose officers decide.
pub(super) fn case<'a>(
    (row, exchange): (&'a ReviewRow, &'a ExchangeRow),
) -> (&'a Address, &'a Address, Option<&'a PartyId>) {
    (&exchange.referrer, &exchange.receiver, row.review.party.as_ref())
}

pub(super) async fn exchange_of(
    gateway: &Gateway,
    row: &ReviewRow,
) -> Result<ExchangeRow, Failure> {
    let exchange = gateway.store().exchange(&row.review.exchange).await?;
    exchange.ok_or_else(|| Failure::problem(Code::NotFound))
}

/// A review, for a duty officer of the agency that decides. To anyone else there is none.
async fn open_to(
    gateway: &Gateway,
    rules: &Rules,
    id: Id,
    act: &ReviewAct,
) -> Result<(ReviewRow, ExchangeRow), Failure> {
    let unknown = || Failure::problem(Code::NotFound);
    let row = gateway.store().review(&id).await?.ok_or_else(unknown)?;
    let exchange = exchange_of(gateway, &row).await?;
    if may_decide(rules, (&row, &exchange), &act.officer) {
        Ok((row, exchange))
    } else {
        Err(unknown())
    }
}

/// Whether somebody is a duty officer of the agency that decides.
pub(super) fn may_decide(
    rules: &Rules,
    (row, exchange): (&ReviewRow, &ExchangeRow),
    officer: &str,
) -> bool {
    side(rules, case((row, exchange))).is_some_and(|at| is_on_duty(rules, officer, at))
}

/// Whose review it is: nobody's who is not to know of it.
pub(super) fn side<'a>(
    rules: &Rules,
    of: (&'a Address, &'a Address, Option<&PartyId>),
) -> Option<&'a Address> {
    let at = decider(rules, of);
    let is_own = of.2 == Some(&at.party);
    (!is_own && !is_foreign(rules, at)).then_some(at)
}

/// Who decided what about which review: ids only, in the ledger of the party whose officer it is.
fn event(
    gateway: &Gateway,
    kind: &str,
    at: &Address,
    (review, act): (Id, &ReviewAct),
) -> Result<Entry, Failure> {
    let mut event = json!({
        "kind": kind,
        "review": review,
        "officer": act.officer,
        "at": gateway.now(),
    });
    super::hold::with_word(&mut event, act.word);
    let bytes = crate::domain::json::canonical(&event).map_err(Failure::internal)?;
    gateway.entry(at.party.as_str(), bytes)
}

pub(super) async fn view(
    gateway: &Gateway,
    rules: &Rules,
    row: &ReviewRow,
    exchange: &ExchangeRow,
) -> Result<ReviewView, Failure> {
    let review = &row.review;
    let at = decider(rules, case((row, exchange)));
    let members = gateway.store().members(&exchange.id).await?;
    let own = members.iter().find(|member| member.party == at.party);
    let suspended = gateway.store().suspended_in(&exchange.id).await?;
    let waits = suspended.iter().filter(|to| concerns(row, &to.recipient.party)).count();
    Ok(ReviewView {
        id: review.id.to_string(),
        kind: review.kind,
        party: review.party.as_ref().map(ToString::to_string),
        decided_by: at.to_string(),
        exchange: own.map(|member| member.reference.to_string()),
        suspended: u64::try_from(waits).unwrap_or(u64::MAX),
        opened_at: moment(review.opened_at, false),
        due_at: moment(review.due_at, false),
        is_overdue: row.decision.is_none() && gateway.now() > review.due_at,
        decision: row.decision.as_ref().map(|decision| DecisionView {
            decision: if decision.released { "resumed" } else { "kept" }.to_owned(),
            officer: decision.officer.clone(),
            reason: decision.reason.clone(),
            at: moment(decision.at, false),
        }),
    })
}
