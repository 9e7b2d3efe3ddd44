//! Entries, proofs and checkpoints, as the use cases need them.
//!
//! A checkpoint is a pure function of a committed head: it is signed only after the commit that
//! made the head durable, and signing it again gives the same bytes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::Digest;
use crate::ledger::{self, note};
use crate::sign::signing::SigningKey;
use crate::store::{Entry, Placed};
use crate::wire::Proof;

use super::{Failure, Gateway};

/// The latest checkpoint of each ledger, so that one is signed once per head and not per proof.
#[derive(Debug)]
pub(super) struct Checkpoints {
    host: String,
    /// Size, checkpoint, and when it was signed (unix seconds).
    latest: Mutex<HashMap<String, (u64, String, i64)>>,
}

impl Checkpoints {
    pub(super) fn new(gateway_id: &str) -> Self {
        let host = gateway_id.split_once("://").map_or(gateway_id, |(_, host)| host);
        Self { host: host.trim_end_matches('/').to_owned(), latest: Mutex::default() }
    }

    /// What stands before the ledger's name in every origin line.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The origin line (C2SP tlog-checkpoint) and key name of a ledger.
    pub(super) fn origin(&self, ledger: &str) -> String {
        format!("{}/{ledger}", self.host)
    }

    fn signed(
        &self,
        key: &SigningKey,
        ledger: &str,
        (size, root): (u64, Digest),
        now: i64,
    ) -> Result<String, Failure> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text, _)) = latest.get(ledger).filter(|(known, ..)| *known == size) {
            return Ok(text.clone());
        }
        let origin = self.origin(ledger);
        let public = key
            .public()
            .ed25519_bytes()
            .ok_or_else(|| Failure::internal(crate::sign::signing::SignError))?;
        let head = note::Checkpoint { origin: origin.clone(), size, root };
        let text = head
            .sign_with(&origin, public, |text| key.sign_note(text))
            .map_err(Failure::internal)?;
        latest.insert(ledger.to_owned(), (size, text.clone(), now));
        Ok(text)
    }

    /// Of which size the last checkpoint was, and when it was signed, since this process began.
    pub(super) fn last(&self, ledger: &str) -> Option<(u64, i64)> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(ledger).map(|(size, _, at)| (*size, *at))
    }
}

impl Gateway {
    /// A salted entry for `ledger`.
    pub(super) fn entry(&self, ledger: &str, event: Vec<u8>) -> Result<Entry, Failure> {
        Ok(Entry { ledger: ledger.to_owned(), salt: self.random()?, event })
    }

    /// The signed checkpoint of a committed head.
    pub(super) fn checkpoint(
        &self,
        ledger: &str,
        size: u64,
        root: Digest,
    ) -> Result<String, Failure> {
        self.checkpoints.signed(&self.keys().ledger, ledger, (size, root), self.now())
    }

    /// The proof as the API shows it.
    pub(super) fn proof(
        &self,
        placed: &Placed,
        salt: &[u8; 16],
        event: &[u8],
    ) -> Result<Proof, Failure> {
        Ok(Proof {
            ledger: placed.ledger.clone(),
            entry: URL_SAFE_NO_PAD.encode(ledger::entry_data(salt, event)),
            salt: URL_SAFE_NO_PAD.encode(salt),
            index: placed.index,
            size: placed.size,
            hashes: placed.hashes.iter().map(ToString::to_string).collect(),
            checkpoint: self.checkpoint(&placed.ledger, placed.size, placed.root)?,
        })
    }

    /// The proof of a recorded entry, at the size its own commit made durable.
    pub(super) async fn recorded_proof(&self, ledger: &str, index: u64) -> Result<Proof, Failure> {
        let entry = self.store().entry(ledger, index).await?.ok_or(Failure::Unavailable)?;
        let placed =
            self.store().proof(ledger, index, entry.size).await?.ok_or(Failure::Unavailable)?;
        self.proof(&placed, &entry.salt, &entry.event)
    }
}
