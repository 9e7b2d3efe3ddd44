//! A message and what its sender said anew of it: what a withdrawal takes back, and what a
//! correction takes the place of.
//!
//! INVARIANT: whoever decides by a chain rests its commit on it ([`Chain::unchanged`]): nothing was
//! made of any of its messages meanwhile, and nothing was added to it.

use std::collections::BTreeSet;

use time::Date;

use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Address, Code, MessageId, MessageType, PartyId, Purpose, Refused, ReleaseId};
use crate::schema::Message;
use crate::store::rows::PolicyPin;
use crate::store::{
    Changes, ExchangeRow, HoldRow, MemberRow, MessageRow, RecipientRow, ReleaseRow, Requirement,
    Write,
};

use super::admit::subject_ref;
use super::hold::close_hold;
use super::submit::Stop;
use super::{Failure, Gateway};

/// Who closes what no officer has decided.
pub(super) const GATEWAY: &str = "titian";

/// A message and its corrections, oldest first.
#[derive(Debug)]
pub(super) struct Chain {
    sender: PartyId,
    original: Link,
    corrections: Vec<Link>,
}

/// One message of a chain, with what was made of it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) sender: PartyId,
    pub(super) message_id: MessageId,
    pub(super) purpose: Purpose,
    /// Of the key that its payload is sealed under; empty once it is erased.
    pub(super) month: String,
    pub(super) state: MessageState,
    pub(super) recipients: Vec<RecipientRow>,
    pub(super) releases: Vec<ReleaseRow>,
    pub(super) holds: Vec<HoldRow>,
}

impl Link {
    pub(super) async fn of(gateway: &Gateway, row: &MessageRow) -> Result<Self, Failure> {
        let (store, sender) = (gateway.store(), &row.sender.party);
        Ok(Self {
            sender: sender.clone(),
            purpose: row.purpose,
            month: row.object.as_ref().map(|sealed| sealed.month.clone()).unwrap_or_default(),
            message_id: row.message_id,
            state: row.state,
            releases: store.releases_of(sender, &row.message_id).await?,
            holds: store.holds_of(sender, &row.message_id).await?,
            recipients: store.recipients(sender, &row.message_id).await?,
        })
    }

    /// Whether the recipient was handed anything of it.
    pub(super) fn was_told(&self, recipient: &Address) -> bool {
        self.releases.iter().any(|r| r.recipient == *recipient && r.entry.is_some())
    }

    /// What has to hold still when something is committed that was decided by it.
    pub(super) fn unchanged(&self, changes: &mut Changes) {
        changes.requires.push(Requirement::Message {
            sender: self.sender.clone(),
            message_id: self.message_id,
            state: self.state,
            releases: self.releases.iter().map(|release| release.release_id).collect(),
        });
    }

    /// Takes back what nobody was handed yet of it, and closes its holds: for these recipients.
    pub(super) fn cancel(
        &self,
        changes: &mut Changes,
        (reason, now): (&str, i64),
        concerns: impl Fn(&Address) -> bool,
    ) {
        let unseen = self.releases.iter().filter(|r| r.is_queued() && concerns(&r.recipient));
        let unseen: Vec<ReleaseId> = unseen.map(|release| release.release_id).collect();
        if !unseen.is_empty() {
            changes.requires.push(Requirement::Queued(unseen.clone()));
            changes.writes.extend(unseen.into_iter().map(Write::CancelRelease));
        }
        let open = self.holds.iter().filter(|hold| hold.decision.is_none());
        for hold in open.filter(|hold| concerns(&hold.hold.recipient)) {
            close_hold(changes, hold.hold.id, reason, now);
        }
        for row in self.recipients.iter().filter(|row| concerns(&row.recipient)) {
            let (sender, message_id) = (self.sender.clone(), self.message_id);
            let (recipient, pending) = (row.recipient.clone(), Vec::new());
            let is_told = self.was_told(&row.recipient);
            if is_told && !row.pending.is_empty() {
                changes.writes.push(Write::RecipientPending {
                    sender,
                    message_id,
                    recipient,
                    pending,
                });
            } else if !is_told && row.state != RecipientState::Refused {
                let state = RecipientState::Cancelled;
                changes.writes.push(Write::RecipientState {
                    sender,
                    message_id,
                    recipient,
                    state,
                    pending,
                });
            }
        }
    }
}

impl Chain {
    /// Of the message `original`, up to the correction `until` where one is named.
    pub(super) async fn of(
        gateway: &Gateway,
        original: &MessageRow,
        until: Option<&MessageId>,
    ) -> Result<Self, Failure> {
        let sender = original.sender.party.clone();
        let mut corrections = Vec::new();
        for row in gateway.store().corrections_of(&sender, &original.message_id).await? {
            if until == Some(&row.message_id) {
                break;
            }
            corrections.push(Link::of(gateway, &row).await?);
        }
        Ok(Self { sender, original: Link::of(gateway, original).await?, corrections })
    }

    /// Oldest first.
    pub(super) fn links(&self) -> impl DoubleEndedIterator<Item = &Link> {
        std::iter::once(&self.original).chain(&self.corrections)
    }

    /// The message itself.
    pub(super) fn original(&self) -> &Link {
        &self.original
    }

    /// Whether the recipient was handed anything of it.
    pub(super) fn was_told(&self, recipient: &Address) -> bool {
        self.links().any(|link| link.was_told(recipient))
    }

    /// The release of it that the recipient was handed last, less what only added a text.
    pub(super) fn told(&self, recipient: &Address) -> Option<&ReleaseRow> {
        let mut releases = self.links().rev().flat_map(|link| link.releases.iter().rev());
        releases.find(|r| r.recipient == *recipient && r.entry.is_some() && r.supplements.is_none())
    }

    /// The policy version that the message is pinned to for a recipient.
    pub(super) fn pinned(&self, recipient: &Address) -> Option<&PolicyPin> {
        let row = self.original.recipients.iter().find(|row| row.recipient == *recipient);
        row.and_then(|row| row.policy.as_ref())
    }

    /// What has to hold still when something is committed that was decided by it.
    pub(super) fn unchanged(&self, changes: &mut Changes) {
        changes.requires.push(Requirement::Corrections {
            sender: self.sender.clone(),
            target: self.original.message_id,
            all: self.corrections.iter().map(|link| link.message_id).collect(),
        });
        for link in self.links() {
            link.unchanged(changes);
        }
    }

    /// As [`Link::cancel`], of all of it.
    pub(super) fn cancel(
        &self,
        changes: &mut Changes,
        why: (&str, i64),
        concerns: impl Fn(&Address) -> bool,
    ) {
        for link in self.links() {
            link.cancel(changes, why, &concerns);
        }
    }

    /// Its messages, oldest first.
    pub(super) fn into_links(self) -> Vec<Link> {
        std::iter::once(self.original).chain(self.corrections).collect()
    }
}

/// A message of the sender's own that another one of its messages names, and where it stands.
pub(super) struct Named {
    pub(super) row: MessageRow,
    pub(super) exchange: ExchangeRow,
    pub(super) members: Vec<MemberRow>,
}

impl Named {
    /// What was made of it and of its corrections, for whomever `message` names: exactly those that
    /// it was for.
    pub(super) async fn chain(&self, gateway: &Gateway, message: &Message) -> Result<Chain, Stop> {
        let chain = Chain::of(gateway, &self.row, None).await?;
        let recipients = &chain.original().recipients;
        let told: BTreeSet<&Address> = recipients.iter().map(|r| &r.recipient).collect();
        if told != message.recipients.iter().collect() {
            let place = "/recipients";
            return Err(Stop::Refuse(Refused::at(Code::UnknownRecipient, place, "recipient")));
        }
        Ok(chain)
    }
}

/// The message `target`, named by `message`: of the same sender, about the same person and in the
/// same exchange; neither taken back nor erased, and none that itself only says something of
/// another.
pub(super) async fn named(
    gateway: &Gateway,
    message: &Message,
    target: MessageId,
) -> Result<Named, Stop> {
    let unknown = || Stop::Refuse(Refused::at(Code::TargetUnknown, "/body/target", "target"));
    let store = gateway.store();
    let sender = &message.iss.party;
    let row = store.message(sender, &target).await?.ok_or_else(unknown)?;
    let is_said_first = matches!(row.message_type.name(), "referral" | "status");
    let is_there = row.state != MessageState::Withdrawn && row.object.is_some();
    if !is_there || !is_said_first || !message.iss.covers(&row.sender) {
        return Err(unknown());
    }
    let exchange = store.exchange(&row.exchange).await?.ok_or_else(unknown)?;
    let members = store.members(&exchange.id).await?;
    let own = members.iter().find(|m| m.party == *sender).ok_or_else(unknown)?;
    if message.in_reply_to.is_some_and(|reference| reference != own.reference) {
        return Err(Stop::Refuse(Refused::at(Code::UnknownExchange, "/in_reply_to", "exchange")));
    }
    if own.subject_ref != Some(subject_ref(message)?) {
        return Err(super::admit::subject_fault(message));
    }
    Ok(Named { row, exchange, members })
}

/// What a withdrawal takes back.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) message_type: MessageType,
    pub(super) retention_until: Date,
    pub(super) chain: Chain,
}
