//! One exchange in order, as the officer's party knows it: what it sent and was handed, what became
//! of it, and what its own officers were and are asked to decide.
//!
//! INVARIANT: every event is one that the party has: its own messages with what their receipts and
//! views tell it, what it was handed, and the holds and reviews on its own side. What waits for it
//! and what others told one another stands nowhere here.

use crate::config::Officer;
use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Act, DocumentKind, ExchangeRef};
use crate::store::rows::PolicyPin;
use crate::store::{ExchangeRow, MessageRow, RecipientRow, ReleaseRow};
use crate::wire::{DecisionView, ExchangeView, HoldView, ReviewView};

use super::reader::Reader;
use super::rules::Rules;
use super::show::moment;
use super::{Failure, Gateway, hold, reader, review, show, versions};

/// The whole of it.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// What the party's machine is told of it.
    pub view: ExchangeView,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// What happened, and when.
#[derive(Debug, Clone)]
pub struct Event {
    /// RFC 3339.
    pub at: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// The party sent a message, and the gateway signed its receipt.
    Sent(Sent),
    /// The party was handed a release.
    Received(Received),
    /// A recipient's machine said that it has what the party sent, or cannot take it.
    Acknowledged(Acknowledged),
    /// The party's machine said so of a release.
    Confirmed(Acknowledged),
    /// Something was kept back for the party's officers.
    Held(Box<HoldView>),
    /// One of them decided.
    HoldDecided(DecisionView),
    /// Sharing was suspended until one of them decides.
    Suspended(Box<ReviewView>),
    /// One of them decided.
    ReviewDecided(DecisionView),
}

/// A message that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// What it is.
    pub message_type: String,
    /// Its state as a whole.
    pub state: MessageState,
    /// Whether the officer may have its evidence: it may be another unit's.
    pub has_evidence: bool,
    /// Whom it is for.
    pub recipients: Vec<Recipient>,
}

/// A recipient of it.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Who.
    pub party: String,
    /// Where the message stands for it.
    pub state: RecipientState,
    /// Leaves that wait for an officer.
    pub pending: Vec<String>,
    /// Under which policy.
    pub policy: Option<PolicyRef>,
}

/// A release that was handed out.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// What it is.
    pub message_type: String,
    /// From whom.
    pub from: String,
    /// Whether it adds a text that was held.
    pub is_supplement: bool,
    /// Whether the officer may have its evidence: it may be another unit's.
    pub has_evidence: bool,
    /// Under which policy.
    pub policy: PolicyRef,
}

/// A machine's word.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Whose.
    pub by: String,
    /// Of which message or release.
    pub of: String,
    /// Whether it has it.
    pub received: bool,
}

/// A policy version.
#[derive(Debug, Clone)]
pub struct PolicyRef {
    /// Where it is looked up, where the officer may: a policy or an exception.
    pub kind: Option<DocumentKind>,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Officers who approved it, where the officer may know.
    pub approved_by: Vec<String>,
}

/// The exchange that the officer's party knows by that reference.
///
/// # Errors
/// `not-found` for a reference that is not the party's, or another unit's.
pub async fn show(
    gateway: &Gateway,
    officer: &str,
    reference: ExchangeRef,
) -> Result<Timeline, Failure> {
    let (officer, reader) = reader::officer(gateway, officer)?;
    let exchange = show::own_exchange(gateway, &reader.address, reference).await?;
    let view = show::thread(gateway, &reader, &exchange, reference).await?;
    let rules = gateway.rules();
    let mut telling = Telling { gateway, rules: &rules, officer, reader, events: Vec::new() };
    telling.messages(&exchange).await?;
    telling.reviews(&exchange).await?;
    let mut events = telling.events;
    events.sort_by_key(|(at, _)| *at);
    let events = events.into_iter().map(|(at, what)| Event { at: moment(at, false), what });
    Ok(Timeline { view, events: events.collect() })
}

/// What is told so far, by moment.
struct Telling<'a> {
    gateway: &'a Gateway,
    rules: &'a Rules,
    officer: Officer,
    reader: Reader,
    events: Vec<(i64, What)>,
}

impl Telling<'_> {
    async fn messages(&mut self, exchange: &ExchangeRow) -> Result<(), Failure> {
        let own = self.reader.address.party.clone();
        let handed_out = self.gateway.store().handed_out(&exchange.id, &own).await?;
        for row in self.gateway.store().messages_of(&exchange.id).await? {
            if row.sender.party == own {
                self.sent(&row).await?;
            }
            let is_of = |release: &&ReleaseRow| {
                release.message_id == row.message_id && release.sender.party == row.sender.party
            };
            for release in handed_out.iter().filter(is_of) {
                self.received(release).await?;
            }
            self.holds(&row).await?;
        }
        Ok(())
    }

    async fn sent(&mut self, row: &MessageRow) -> Result<(), Failure> {
        let store = self.gateway.store();
        let rows = store.recipients(&row.sender.party, &row.message_id).await?;
        let releases = store.releases_of(&row.sender.party, &row.message_id).await?;
        let mut recipients = Vec::with_capacity(rows.len());
        let mut words = Vec::new();
        for to in rows {
            let is_first = |r: &&ReleaseRow| r.recipient == to.recipient && r.supplements.is_none();
            if let Some(release) = releases.iter().find(is_first)
                && let Some(word) = store.acknowledgement(&release.release_id).await?
            {
                let (by, of) = (to.recipient.to_string(), row.message_id.to_string());
                let word_of = Acknowledged { by, of, received: word.received };
                words.push((word.at, What::Acknowledged(word_of)));
            }
            recipients.push(self.recipient(to).await?);
        }
        let sent = Sent {
            id: row.message_id.to_string(),
            message_type: row.message_type.to_string(),
            state: row.state,
            has_evidence: self.reader.address.covers(&row.sender),
            recipients,
        };
        // what became of it may be of the same second
        self.events.push((row.admitted_at, What::Sent(sent)));
        self.events.extend(words);
        Ok(())
    }

    async fn recipient(&self, row: RecipientRow) -> Result<Recipient, Failure> {
        let policy = match row.policy {
            Some(pin) => Some(self.policy(pin).await?),
            None => None,
        };
        Ok(Recipient {
            party: row.recipient.to_string(),
            state: row.state,
            pending: row.pending.iter().map(ToString::to_string).collect(),
            policy,
        })
    }

    async fn received(&mut self, row: &ReleaseRow) -> Result<(), Failure> {
        let received = Received {
            id: row.release_id.to_string(),
            message_type: row.message_type.to_string(),
            from: row.sender.to_string(),
            is_supplement: row.supplements.is_some(),
            has_evidence: self.reader.address.covers(&row.recipient),
            policy: self.policy(row.policy.clone()).await?,
        };
        self.events.push((row.made_at, What::Received(received)));
        if let Some(word) = self.gateway.store().acknowledgement(&row.release_id).await? {
            let (by, of) = (row.recipient.to_string(), row.release_id.to_string());
            let word_of = Acknowledged { by, of, received: word.received };
            self.events.push((word.at, What::Confirmed(word_of)));
        }
        Ok(())
    }

    async fn holds(&mut self, row: &MessageRow) -> Result<(), Failure> {
        for row in self.gateway.store().holds_of(&row.sender.party, &row.message_id).await? {
            if self.reader.address.covers(hold::side(self.rules, &row.hold)) {
                let view = hold::view(self.gateway, &row, None).await?;
                let decided = row.decision.as_ref().zip(view.decision.clone());
                self.events.push((row.hold.opened_at, What::Held(Box::new(view))));
                let decided = decided.map(|(row, view)| (row.at, What::HoldDecided(view)));
                self.events.extend(decided);
            }
        }
        Ok(())
    }

    async fn reviews(&mut self, exchange: &ExchangeRow) -> Result<(), Failure> {
        for row in self.gateway.store().reviews_in(&[exchange.id]).await? {
            let side = review::side(self.rules, review::case((&row, exchange)));
            if side.is_some_and(|side| self.reader.address.covers(side)) {
                let view = review::view(self.gateway, self.rules, &row, exchange).await?;
                let decided = row.decision.as_ref().zip(view.decision.clone());
                self.events.push((row.review.opened_at, What::Suspended(Box::new(view))));
                let decided = decided.map(|(row, view)| (row.at, What::ReviewDecided(view)));
                self.events.extend(decided);
            }
        }
        Ok(())
    }

    /// A version, with its approvers where the officer may look it up. A fixed plan is none.
    async fn policy(&self, pin: PolicyPin) -> Result<PolicyRef, Failure> {
        let mut policy =
            PolicyRef { kind: None, id: pin.id, version: pin.version, approved_by: Vec::new() };
        for kind in [DocumentKind::Policy, DocumentKind::Exception] {
            let rows = self.gateway.store().versions_of(kind, &policy.id).await?;
            let row = rows.into_iter().find(|row| row.key.version == policy.version);
            if let Some(row) = row.filter(|row| versions::sees(&self.officer, row)) {
                policy.kind = Some(kind);
                let approved = row.steps.into_iter().filter(|step| step.act == Act::Approved);
                policy.approved_by = approved.map(|step| step.officer).collect();
            }
        }
        Ok(policy)
    }
}
