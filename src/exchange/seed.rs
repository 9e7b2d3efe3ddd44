//! What a store begins with: the documents that come with a home.
//!
//! They are read once, into an empty store. In a development home two throw-away officers sign
//! them; in production they enter as drafts and officers decide. The first officers are the root of
//! all later signatures, so they enter as they are, and the governance ledger begins with them.

use crate::domain::{Act, Approval, Digest, DocumentKind, Needs, SignerRole, VersionState};
use crate::evidence::event;
use crate::sign::signing::SigningKey;
use crate::store::{Changes, EntrySlot, NewStep, NewVersion, Requirement, VersionKey, Write};

use super::rules::{BadDocument, Document};
use super::show::GOVERNANCE;
use super::{Failure, Parts};

/// A document that comes with a home.
#[derive(Debug, Clone)]
pub struct Seed {
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// TOML.
    pub text: String,
}

/// The two throw-away officers of a development home.
#[derive(Debug)]
pub struct SeedSigners {
    /// Proposes: name and key.
    pub author: (String, SigningKey),
    /// Approves: name and key.
    pub approver: (String, SigningKey),
}

/// A seed that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the {kind} `{id}`")]
pub struct BadSeed {
    kind: DocumentKind,
    id: String,
    #[source]
    why: BadDocument,
}

/// Why a store was not given its beginning.
#[derive(Debug, thiserror::Error)]
pub enum SeedFault {
    /// One of the documents.
    #[error(transparent)]
    Bad(#[from] BadSeed),
    /// The store or the system.
    #[error("the store cannot be given its first documents")]
    Failed(#[from] Failure),
}

/// Records `seeds` if the store knows no document yet.
pub(super) async fn seed(
    parts: &Parts,
    seeds: &[Seed],
    signers: Option<&SeedSigners>,
) -> Result<(), SeedFault> {
    if !parts.store.versions().await.map_err(Failure::from)?.is_empty() {
        return Ok(());
    }
    let now = parts.clock.now().unix_timestamp();
    let mut changes = Changes::default();
    for seed in seeds {
        one(parts, &mut changes, seed, signers, now)?;
    }
    match parts.store.commit(changes).await {
        Ok(_) => Ok(()),
        Err(crate::store::CommitError::Conflict(_)) => Err(Failure::Unavailable.into()),
        Err(crate::store::CommitError::Unavailable(error)) => Err(Failure::from(error).into()),
    }
}

fn one(
    parts: &Parts,
    changes: &mut Changes,
    seed: &Seed,
    signers: Option<&SeedSigners>,
    now: i64,
) -> Result<(), SeedFault> {
    let document = Document::parse(seed.kind, &seed.id, &seed.text).map_err(|why| BadSeed {
        kind: seed.kind,
        id: seed.id.clone(),
        why,
    })?;
    let version = match &document {
        Document::Policy(source) => source.head.version,
        _ => 1,
    };
    let key = VersionKey { kind: seed.kind, id: seed.id.clone(), version };
    let digest = document.digest();
    let mut steps: Vec<(Act, String, Option<Signed>)> =
        vec![(Act::Seeded, "titian".to_owned(), None)];
    let signers = signers.filter(|_| seed.kind != DocumentKind::Officer);
    for (act, role, (name, signer)) in signers.into_iter().flat_map(|signers| {
        [
            (Act::Proposed, SignerRole::Author, &signers.author),
            (Act::Approved, SignerRole::Approver, &signers.approver),
        ]
    }) {
        let word = Approval {
            iss: name.clone(),
            aud: parts.id.clone(),
            iat: now,
            kind: key.kind,
            id: key.id.clone(),
            version,
            digest,
            role,
            from: None,
        };
        let signed = signer.sign(word).map_err(Failure::from)?;
        let jws = signed.compact().to_owned();
        steps.push((act, name.clone(), Some(Signed { jws, needs: Needs::TwoUnits })));
    }
    let is_approved = signers.is_some() || seed.kind == DocumentKind::Officer;
    changes.requires.push(Requirement::Version { key: key.clone(), at: None });
    changes.writes.push(Write::Version(NewVersion {
        key: key.clone(),
        text: seed.text.clone(),
        digest,
        state: if is_approved { VersionState::Approved } else { VersionState::Draft },
        effective_at: is_approved.then_some(now),
    }));
    for (act, officer, signed) in steps {
        push_step(parts, changes, (&key, digest), (act, &officer, signed, ""), now)?;
    }
    Ok(())
}

/// An officer's word, and how many officers the version was found to take when it was given.
pub(super) struct Signed {
    pub(super) jws: String,
    pub(super) needs: Needs,
}

/// Adds a step and its entry in the governance ledger.
pub(super) fn push_step(
    parts: &Parts,
    changes: &mut Changes,
    (key, digest): (&VersionKey, Digest),
    (act, officer, signed, reason): (Act, &str, Option<Signed>, &str),
    at: i64,
) -> Result<(), Failure> {
    let word = signed.as_ref().map(|signed| Digest::of(signed.jws.as_bytes()));
    let needs = signed.as_ref().map(|signed| signed.needs);
    let version = (key.kind, key.id.as_str(), key.version);
    let event = event::step(version, digest, (act, officer), (word, needs));
    let event = event.map_err(Failure::internal)?;
    let mut salt = [0u8; 16];
    parts.entropy.fill(&mut salt)?;
    changes.entries.push(crate::store::Entry { ledger: GOVERNANCE.to_owned(), salt, event });
    let step = NewStep {
        act,
        officer: officer.to_owned(),
        reason: reason.to_owned(),
        needs,
        jws: signed.map(|signed| signed.jws),
        entry: EntrySlot(changes.entries.len() - 1),
        at,
    };
    changes.writes.push(Write::Step { key: key.clone(), step });
    Ok(())
}
