//! What the use cases share: the rules in force, the keys, the store and who waits for news.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::auth::TokenCache;
use crate::clock::{Clock, Entropy, NoEntropy};
use crate::domain::{Code, Id, PartyId, Refused, RequestId};
use crate::evidence::event;
use crate::mutant::{self, Mutant};
use crate::policy::net;
use crate::secret::SecretBytes;
use crate::sign::PublicKey;
use crate::sign::signing::{SignError, SigningKey};
use crate::store::{Backlog, Changes, CommitError, Entry, Store, StoreError, Vault, Write};

use super::except;
use super::ledgers::Checkpoints;
use super::overview::Counted;
use super::rules::{BadRules, Files, Rules};
use super::seed::{self, Seed, SeedFault, SeedSigners};
use super::seen::Seen;
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
    pub(super) seen: Seen,
    pub(super) counted: Counted,
    token_keys: Vec<PublicKey>,
    rules: ArcSwap<Rules>,
    files: ArcSwap<Files>,
    changing: tokio::sync::Mutex<()>,
    news: Mutex<HashMap<PartyId, Arc<Notify>>>,
    closing: AtomicBool,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// A gateway under the rules that its store holds; a store that holds none begins with `seeds`.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn start(
        parts: Parts,
        files: Files,
        seeds: (&[Seed], Option<&SeedSigners>),
    ) -> Result<Self, StartFault> {
        seed::seed(&parts, seeds.0, seeds.1).await?;
        let rules = build(&parts, &files, parts.clock.now().unix_timestamp()).await?;
        let rules = recorded(&parts, rules).await?;
        announce(&rules);
        let token_keys = vec![parts.keys.token.public().clone()];
        let gateway = Self {
            checkpoints: Checkpoints::new(&parts.id),
            tokens: TokenCache::default(),
            seen: Seen::default(),
            counted: Counted::default(),
            token_keys,
            rules: ArcSwap::from_pointee(rules),
            files: ArcSwap::from_pointee(files),
            changing: tokio::sync::Mutex::new(()),
            news: Mutex::default(),
            closing: AtomicBool::new(false),
            parts,
        };
        except::apply_all(&gateway).await;
        Ok(gateway)
    }

    /// Puts what a home says beside its store in force: the floor, the longest retention.
    ///
    /// # Errors
    /// [`StartFault`]; then everything stays as it was.
    pub async fn install(&self, files: Files) -> Result<(), StartFault> {
        let _one = self.changing.lock().await;
        self.rebuild(&files, self.now()).await?;
        self.files.store(Arc::new(files));
        Ok(())
    }

    /// Builds the rules anew if the clock or another node has changed them since. Whatever was
    /// decided under the old ones and is not committed yet is decided again, because the
    /// generation is a precondition of its commit.
    pub async fn catch_up(&self) -> Result<(), Failure> {
        let is_due = |rules: &Rules, now| rules.until.is_some_and(|until| until <= now);
        let recorded = self.store().generation().await?;
        let rules = self.rules();
        if !is_due(&rules, self.now()) && rules.generation == recorded {
            return Ok(());
        }
        let one = self.changing.lock().await;
        let rules = self.rules();
        let recorded = self.store().generation().await?;
        if is_due(&rules, self.now()) || rules.generation != recorded {
            self.rebuild(&self.files.load_full(), self.now()).await.map_err(Failure::internal)?;
            drop(one);
            except::apply_all(self).await;
        }
        Ok(())
    }

    /// Whether the clock has changed the rules since they were built.
    pub fn is_due(&self) -> bool {
        self.rules.load().until.is_some_and(|until| until <= self.now())
    }

    async fn rebuild(&self, files: &Files, now: i64) -> Result<(), StartFault> {
        // what once was overtaken stays so, whatever the clock says now
        let now = now.max(self.rules().at);
        let rules = build(&self.parts, files, now).await?;
        self.swap(recorded(&self.parts, rules).await?);
        Ok(())
    }

    /// Holds everybody else off while rules change.
    pub(super) async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// What a home says beside its store.
    pub(super) fn files(&self) -> Arc<Files> {
        self.files.load_full()
    }

    /// Puts rules in force whose digest and texts are recorded.
    pub(super) fn swap(&self, rules: Rules) {
        announce(&rules);
        self.rules.store(Arc::new(rules));
        self.tell_all();
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
        if mutant::is(Mutant::TimeOrderedIds) {
            return self.mint_internal();
        }
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

/// Why a gateway does not start, or does not take other files.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The documents that come with the home.
    #[error(transparent)]
    Seed(#[from] SeedFault),
    /// The rules.
    #[error(transparent)]
    Rules(#[from] BadRules),
    /// The store or the system.
    #[error("the rules cannot be recorded")]
    Failed(#[from] Failure),
}

/// Says what is approved and yet in force for nobody.
fn announce(rules: &Rules) {
    for unusable in &rules.unusable {
        let (kind, id, version) = (unusable.key.kind, &unusable.key.id, unusable.key.version);
        let reason = &unusable.reason;
        tracing::error!(%kind, id, version, %reason, "approved, and in force for nobody");
    }
}

async fn build(parts: &Parts, files: &Files, now: i64) -> Result<Rules, StartFault> {
    let rows = parts.store.versions().await.map_err(Failure::from)?;
    Ok(Rules::build(&parts.id, files, &rows, now)?)
}

/// What must be recorded before rules are in force: their digest, and every text a message may
/// pin.
pub(super) fn rules_writes(rules: &Rules) -> Vec<Write> {
    let mut writes = vec![Write::Rules { digest: rules.digest }];
    let exceptions = rules.exceptions.iter().map(|(_, compiled)| compiled);
    for policy in rules.policies.iter().chain(rules.fixed.iter()).chain(exceptions) {
        writes.push(Write::Policy { digest: policy.digest(), text: policy.text().to_owned() });
        writes.push(Write::ReleaseSchema {
            digest: policy.release_schema_digest(),
            recipient: policy.recipient().party.clone(),
            text: policy.release_schema().to_owned(),
        });
    }
    writes
}

/// Records rules and learns their generation.
async fn recorded(parts: &Parts, mut rules: Rules) -> Result<Rules, Failure> {
    let store = parts.store.as_ref();
    let before = store.generation().await?;
    let changes = Changes { writes: rules_writes(&rules), ..Changes::default() };
    commit(store, changes).await?;
    rules.generation = store.generation().await?;
    if rules.generation != before {
        // domestic parties can see that the rules changed, and prove to which
        let event = event::rules(rules.digest, rules.generation);
        let mut salt = [0u8; 16];
        parts.entropy.fill(&mut salt)?;
        let entry = Entry { ledger: GOVERNANCE.to_owned(), salt, event };
        commit(store, Changes { entries: vec![entry], ..Changes::default() }).await?;
    }
    Ok(rules)
}

pub(super) async fn commit(store: &dyn Store, changes: Changes) -> Result<(), Failure> {
    match store.commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(Failure::Unavailable),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}
