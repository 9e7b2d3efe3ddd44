//! A home whose store holds many messages: written through the library as a commit writes them, but
//! without connections and without the senders' steps.

use std::path::Path;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use time::{Date, Duration, OffsetDateTime};
use titian::app::{self, Home, keys};
use titian::domain::state::{MessageState, RecipientState, ThreadState};
use titian::domain::{Address, Digest, ExchangeRef, Id, MessageId, PartyId, Purpose, ReleaseId};
use titian::store::rows::PolicyPin;
use titian::store::sqlite::{Options, Sqlite};
use titian::store::{
    Changes, Entry, EntrySlot, ExchangeRow, MemberRow, NewMessage, NewRelease, Place, RecipientRow,
    Store as _, Vault, Write,
};

use crate::party::Party;
use serde_json::Value;

/// Commits that are under way at a time.
const BATCH: usize = 512;
/// What a policy from Kemensos to CUTA made of a message: about as long as a foreign body is.
const FOREIGN_BODY_BYTES: usize = 700;
const SENDER: &str = "bnpt";
const RECIPIENT: &str = "kemensos/sentra-handayani";
/// The foreign party that was released something of every exchange.
pub(crate) const ABROAD: &str = "cuta-be";
const POLICY_ABROAD: &str = "kemensos-cuta-be-status";
const POLICY: &str = "bnpt-kemensos-referral";

/// Who writes what into which store.
struct Stock {
    store: Sqlite,
    vault: Vault,
    sender: Address,
    recipient: Address,
    abroad: Address,
    policy: PolicyPin,
    policy_abroad: PolicyPin,
    release_schema: Digest,
    today: Date,
    now: i64,
}

/// Fills the home with `count` admitted messages, each in an exchange of its own and with a release
/// abroad.
pub(crate) async fn fill(root: &Path, party: &Party, claims: &Value, count: usize) -> Result<()> {
    let stock = Stock::open(root).await?;
    let mut written = 0;
    while written < count {
        let batch = BATCH.min(count - written);
        let messages = party.messages(claims, "https://titian.example.org", batch)?;
        let changes: Result<Vec<Changes>> =
            messages.iter().map(|object| stock.admitted(object.as_bytes())).collect();
        try_join_all(changes?.into_iter().map(|changes| stock.store.commit(changes))).await?;
        written += batch;
    }
    stock.store.close()?;
    Ok(())
}

impl Stock {
    async fn open(root: &Path) -> Result<Self> {
        let home = Home::at(root);
        let lock = home.lock()?.context("the home is in use")?;
        let opened = app::open(&home, lock).await?;
        let rules = opened.gateway().rules();
        let pinned = |id: &str| {
            let policy = rules.policies.by_id(id).with_context(|| format!("no policy {id}"))?;
            let (id, version) = (policy.id().to_owned(), policy.version());
            Ok::<_, anyhow::Error>(PolicyPin { id, version, digest: policy.digest() })
        };
        let (policy, policy_abroad) = (pinned(POLICY)?, pinned(POLICY_ABROAD)?);
        let abroad = rules.policies.by_id(POLICY_ABROAD).context("no policy abroad")?;
        let release_schema = abroad.release_schema_digest();
        drop(opened);
        let options = Options { queue_max: 2 * BATCH, batch_max: BATCH, ..Options::default() };
        let now = OffsetDateTime::now_utc();
        Ok(Self {
            store: Sqlite::open(home.database(&home.config()?), options)?,
            vault: Vault::open(&keys::kek_directory(&home))?,
            sender: SENDER.parse()?,
            recipient: RECIPIENT.parse()?,
            abroad: ABROAD.parse()?,
            policy,
            policy_abroad,
            release_schema,
            today: now.date(),
            now: now.unix_timestamp(),
        })
    }

    /// What the commit of one message writes.
    fn admitted(&self, object: &[u8]) -> Result<Changes> {
        let (message_id, exchange) = (MessageId(random()?), random()?);
        let retention_until = self.today + Duration::days(180);
        let row = format!("{}/{message_id}", self.sender.party);
        let place = Place { table: "messages", row: &row, column: "object" };
        let member = |party: &PartyId, subject_ref| {
            let reference = ExchangeRef(random()?);
            let party = party.clone();
            Ok::<_, anyhow::Error>(Write::Member(MemberRow {
                reference,
                exchange,
                party,
                subject_ref,
            }))
        };
        let mut salt = [0; 16];
        aws_lc_rs::rand::fill(&mut salt).ok().context("no randomness")?;
        let entry = |ledger: &str| Entry {
            ledger: ledger.to_owned(),
            salt,
            event: format!(r#"{{"event":"receipt","message":"{message_id}"}}"#).into_bytes(),
        };
        let message = NewMessage {
            sender: self.sender.clone(),
            message_id,
            message_type: "referral/1".parse()?,
            purpose: Purpose::ChildProtection,
            digest: Digest::of(object),
            state: MessageState::Admitted,
            exchange,
            receipt: "r".repeat(700),
            entry: EntrySlot(0),
            admitted_at: self.now,
            retention_until,
            object: self.vault.seal(place, retention_until, object)?,
        };
        Ok(Changes {
            requires: Vec::new(),
            writes: vec![
                Write::Exchange(self.exchange(exchange)?),
                member(&self.sender.party, Some(random()?))?,
                member(&self.recipient.party, None)?,
                Write::Message(message),
                Write::Recipient(self.recipient_row(message_id)),
                Write::Release(self.release_abroad(message_id, exchange, retention_until)?),
            ],
            entries: vec![entry(SENDER)],
        })
    }

    fn exchange(&self, id: Id) -> Result<ExchangeRow> {
        Ok(ExchangeRow {
            id,
            state: ThreadState::Submitted,
            referrer: self.sender.clone(),
            receiver: self.recipient.clone(),
            origin: self.sender.party.clone(),
            onward: vec![self.abroad.party.clone()],
            withheld: Vec::new(),
            subject: random()?,
            reference_date: self.today,
            opened_at: self.now,
        })
    }

    fn recipient_row(&self, message_id: MessageId) -> RecipientRow {
        RecipientRow {
            sender: self.sender.party.clone(),
            message_id,
            position: 0,
            recipient: self.recipient.clone(),
            state: RecipientState::Queued,
            pending: Vec::new(),
            code: None,
            policy: Some(self.policy.clone()),
        }
    }

    fn release_abroad(
        &self,
        message_id: MessageId,
        exchange: Id,
        retention_until: Date,
    ) -> Result<NewRelease> {
        let release_id = ReleaseId(random()?);
        let place = Place { table: "releases", row: release_id.as_str(), column: "disclosure" };
        let body = "b".repeat(FOREIGN_BODY_BYTES);
        Ok(NewRelease {
            release_id,
            recipient: self.abroad.clone(),
            exchange,
            sender: self.sender.clone(),
            message_id,
            message_type: "status/1".parse()?,
            statement: "s".repeat(1_400),
            disclosure: self.vault.seal(place, retention_until, body.as_bytes())?,
            digest: Digest::of(release_id.as_str().as_bytes()),
            policy: self.policy_abroad.clone(),
            release_schema: self.release_schema,
            origin_salt: "o".repeat(22),
            supplements: None,
            urgent: false,
            kept: false,
            made_at: self.now,
        })
    }
}

fn random() -> Result<Id> {
    let mut bits = [0; 16];
    aws_lc_rs::rand::fill(&mut bits).ok().context("no randomness")?;
    Ok(Id::from_bits(bits))
}
