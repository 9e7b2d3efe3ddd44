//! What the use cases share: the rules in force, the keys, the store and who waits for news.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::auth::{Directory, TokenCache};
use crate::clock::{Clock, Entropy, NoEntropy};
use crate::config::Officer;
use crate::domain::{Agreement, Code, Digest, Id, PartyId, Refused, RequestId};
use crate::evidence::event;
use crate::policy::{Baseline, Fixed, Floor, PolicySet, net};
use crate::schema::Schemas;
use crate::secret::SecretBytes;
use crate::sign::PublicKey;
use crate::sign::signing::{SignError, SigningKey};
use crate::store::{Backlog, Changes, CommitError, Entry, Store, StoreError, Vault, Write};

use super::ledgers::Checkpoints;
use super::show::GOVERNANCE;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A plain problem: nothing was recorded.
    #[error("{}", .0.code)]
    Problem(Refused),
    /// Refused, signed and recorded.
    #[error("{}", .refused.code)]
    Recorded {
        /// Why.
        refused: Refused,
        /// The signed refusal (`titian-refusal+jwt`).
        refusal: String,
    },
    /// The store cannot take it now: 503, nothing recorded.
    #[error("the gateway cannot take this now")]
    Unavailable,
    /// The gateway failed: 500, logged by its cause, told by request id only.
    #[error("the gateway failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// A plain problem without a place.
    pub fn problem(code: Code) -> Self {
        Self::Problem(Refused::because(code))
    }

    /// A failure of the gateway itself.
    pub(super) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(cause))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Inconsistent { .. } => Self::internal(error),
            StoreError::Busy
            | StoreError::Database(_)
            | StoreError::Gone
            | StoreError::UnknownVersion { .. } => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(cause, "the store does not answer");
                Self::Unavailable
            }
        }
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        Self::internal(error)
    }
}

impl From<NoEntropy> for Failure {
    fn from(error: NoEntropy) -> Self {
        Self::internal(error)
    }
}

/// The rules in force: swapped whole when one changes.
#[derive(Debug)]
pub struct Rules {
    /// Parties.
    pub directory: Directory,
    /// Agreements.
    pub agreements: Vec<Agreement>,
    /// Message schemas.
    pub schemas: Schemas,
    /// Compiled policies.
    pub policies: PolicySet,
    /// The limits that none of them may go below.
    pub floor: Floor,
    /// How many people share what a release abroad could tell of one; empty where there is none.
    pub baseline: Baseline,
    /// Fixed plans of messages that need no policy.
    pub fixed: Fixed,
    /// Officers who may decide about holds.
    pub officers: Vec<Officer>,
    /// Over all of the above and the floor.
    pub digest: Digest,
    /// Raised by every change of the rules; set by [`Gateway::install`].
    pub generation: u64,
}

/// The gateway's private keys.
#[derive(Debug)]
pub struct Keys {
    /// Receipts, refusals, releases.
    pub signing: SigningKey,
    /// Access tokens.
    pub token: SigningKey,
    /// Checkpoints; Ed25519.
    pub ledger: SigningKey,
    /// Root of every pseudonym: 32 random bytes.
    pub pseudonym: SecretBytes,
}

/// What a [`Gateway`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// `iss` of what it signs and `aud` of what it is sent, for example
    /// `https://titian.example.org`.
    pub id: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Ids and salts.
    pub entropy: Arc<dyn Entropy>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Seals payloads.
    pub vault: Arc<Vault>,
    /// Private keys.
    pub keys: Keys,
}

/// Everything the use cases need.
pub struct Gateway {
    pub(super) parts: Parts,
    pub(super) checkpoints: Checkpoints,
    pub(super) tokens: TokenCache,
    token_keys: Vec<PublicKey>,
    rules: ArcSwap<Rules>,
    news: Mutex<HashMap<PartyId, Arc<Notify>>>,
    closing: AtomicBool,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// A gateway under `rules`, which are recorded first.
    pub async fn start(parts: Parts, rules: Rules) -> Result<Self, Failure> {
        let rules = recorded(parts.store.as_ref(), parts.entropy.as_ref(), rules).await?;
        let token_keys = vec![parts.keys.token.public().clone()];
        Ok(Self {
            checkpoints: Checkpoints::new(&parts.id),
            tokens: TokenCache::default(),
            token_keys,
            rules: ArcSwap::from_pointee(rules),
            news: Mutex::default(),
            closing: AtomicBool::new(false),
            parts,
        })
    }

    /// Puts other rules in force. Whatever was decided under the old ones and is not committed
    /// yet is decided again, because the generation is a precondition of its commit.
    pub async fn install(&self, rules: Rules) -> Result<(), Failure> {
        let rules = recorded(self.store(), self.parts.entropy.as_ref(), rules).await?;
        self.rules.store(Arc::new(rules));
        self.tell_all();
        Ok(())
    }

    /// Ends every long poll with what there is, so that the process can stop.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.tell_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    fn tell_all(&self) {
        for waiting in self.news.lock().unwrap_or_else(PoisonError::into_inner).values() {
            waiting.notify_waiters();
        }
    }

    /// `iss` of what the gateway signs, `aud` of what it is sent.
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// Now, in unix seconds.
    pub(super) fn now(&self) -> i64 {
        self.clock().now().unix_timestamp()
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// The store.
    pub(super) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    /// Private keys.
    pub(super) fn keys(&self) -> &Keys {
        &self.parts.keys
    }

    /// Keys that access tokens verify under.
    pub(super) fn token_keys(&self) -> &[PublicKey] {
        &self.token_keys
    }

    /// Whether the store can write now (`/health/ready`).
    pub async fn ready(&self) -> Result<(), Failure> {
        Ok(self.store().ready().await?)
    }

    /// What waits (`/metrics`).
    pub async fn backlog(&self) -> Result<Backlog, Failure> {
        Ok(self.store().backlog().await?)
    }

    /// A fresh id for a request.
    pub fn request_id(&self) -> RequestId {
        RequestId(self.mint().unwrap_or(Id::from_bits([0; 16])))
    }

    /// A fresh id, drawn again while the net would take it for an identifier.
    pub(super) fn mint(&self) -> Result<Id, NoEntropy> {
        loop {
            let id = Id::from_bits(self.random()?);
            if net::scan_shapes(id.as_str()).is_none() {
                return Ok(id);
            }
        }
    }

    /// A fresh id that never leaves the gateway. It begins with the millisecond, so that the ids
    /// of a day lie together in the database's index instead of on a page each.
    pub(super) fn mint_internal(&self) -> Result<Id, NoEntropy> {
        const RANDOM_BITS: u32 = 80;
        let milliseconds = self.clock().now().unix_timestamp_nanos().unsigned_abs() / 1_000_000;
        let random = u128::from_be_bytes(self.random()?) & ((1 << RANDOM_BITS) - 1);
        Ok(Id::from_bits(((milliseconds << RANDOM_BITS) | random).to_be_bytes()))
    }

    /// 16 random bytes.
    pub(super) fn random(&self) -> Result<[u8; 16], NoEntropy> {
        let mut bits = [0u8; 16];
        self.parts.entropy.fill(&mut bits)?;
        Ok(bits)
    }

    /// Wakes whoever waits for releases to `party`.
    pub(super) fn tell(&self, party: &PartyId) {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = news.get(party) {
            waiting.notify_waiters();
        }
    }

    /// What [`Self::tell`] wakes.
    pub(super) fn news_for(&self, party: &PartyId) -> Arc<Notify> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(news.entry(party.clone()).or_default())
    }
}

/// Records the rules' digest and every text a message may pin, and learns their generation.
async fn recorded(
    store: &dyn Store,
    entropy: &dyn Entropy,
    mut rules: Rules,
) -> Result<Rules, Failure> {
    let mut writes = vec![Write::Rules { digest: rules.digest }];
    for policy in rules.policies.iter().chain(rules.fixed.iter()) {
        writes.push(Write::Policy { digest: policy.digest(), text: policy.text().to_owned() });
        writes.push(Write::ReleaseSchema {
            digest: policy.release_schema_digest(),
            recipient: policy.recipient().party.clone(),
            text: policy.release_schema().to_owned(),
        });
    }
    let before = store.generation().await?;
    commit(store, Changes { writes, ..Changes::default() }).await?;
    rules.generation = store.generation().await?;
    if rules.generation != before {
        // domestic parties can see that the rules changed, and prove to which
        let event = event::rules(rules.digest, rules.generation);
        let mut salt = [0u8; 16];
        entropy.fill(&mut salt)?;
        let entry = Entry { ledger: GOVERNANCE.to_owned(), salt, event };
        commit(store, Changes { entries: vec![entry], ..Changes::default() }).await?;
    }
    Ok(rules)
}

async fn commit(store: &dyn Store, changes: Changes) -> Result<(), Failure> {
    match store.commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}
