//! The signatures that a version rests on, verified each time the rules are built.
//!
//! INVARIANT: a version whose author and approver do not verify, under the keys and roles that those
//! officers had when they signed, is in force for nobody, whatever the database says of it.
//!
//! # What is judged when
//! How many officers a change takes, and whether these may decide about it under the floor, is
//! judged once, when the version is proposed and approved, and recorded with the step. Here only
//! what was then is verified: nothing depends on the floor, the agreements or the versions of
//! today, so that a stricter rule never voids what was decided before it.
//!
//! # What this cannot show
//! The first officers enter unsigned, and how many officers a version takes is in no officer's
//! word. Whoever can write the database could seed an officer, or record that a version takes one,
//! and so put anything in force, or take the newest version of a document away. What tells is the
//! governance ledger: each step is an entry of it from the first on, with what the version takes,
//! and whoever keeps its checkpoints sees a step that was never entered, or that is gone.

use serde_json::Value;

use super::document::Document;
use super::record;
use super::who::{self, MayNot};
use crate::config::{KeyStatus, Officer};
use crate::domain::{
    Act, Agreement, Approval, Digest, DocumentKind, KeyEndorsement, Needs, Phrase, SignerRole,
    Statement, json,
};
use crate::sign::passkey::{self, Asserted};
use crate::sign::{self, PublicKey};
use crate::store::{StepRow, VersionKey, VersionRow};

/// Why a version may not be in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.phrase())]
pub enum Unsigned {
    /// A signature that should be there is not.
    Missing(SignerRole),
    /// It is not recorded how many officers it takes.
    Needs,
    /// A signature does not verify under the officer's key.
    Signature(SignerRole),
    /// What was signed is not this version, or not from then on.
    Claims(SignerRole),
    /// The officer may not.
    MayNot(SignerRole, MayNot),
    /// A new key without the word of a previous one, and that no agreement prints.
    Key,
}

impl Unsigned {
    /// In words.
    pub fn phrase(&self) -> Phrase {
        let of = |key, role: SignerRole| {
            let role = match role {
                SignerRole::Author => "why-its-author",
                SignerRole::Approver => "why-its-approver",
            };
            Phrase::new(key).telling("role", Phrase::new(role))
        };
        match self {
            Self::Missing(role) => of("why-signature-missing", *role),
            Self::Needs => Phrase::new("why-needs-unrecorded"),
            Self::Signature(role) => of("why-signature-bad", *role),
            Self::Claims(role) => of("why-signed-other", *role),
            Self::MayNot(role, why) => {
                of("why-role-may-not", *role).telling("reason", why.phrase())
            }
            Self::Key => Phrase::new("why-key-unendorsed"),
        }
    }
}

/// When something was recorded: unix seconds, and the entry of the governance ledger, which tells
/// what came first within a second.
pub type Moment = (i64, u64);

/// Officers as they were over time.
#[derive(Debug, Default)]
pub struct Officers(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: String,
    version: u32,
    from: Moment,
    /// Nobody, where the version does not hold.
    officer: Option<Officer>,
}

impl Officers {
    /// Adds an approved version of an officer, in force from `begins` on; one that does not hold
    /// leaves nobody in its place.
    pub fn add(&mut self, row: &VersionRow, begins: i64, officer: Option<Officer>) {
        let entry = row.steps.last().map_or(0, |step| step.entry);
        let from = (begins, entry);
        let (name, version) = (row.key.id.clone(), row.key.version);
        self.0.push(Known { name, version, from, officer });
    }

    /// Leaves nobody of that name after `at`, as if a version had said so: one is missing.
    pub fn forget(&mut self, name: &str, version: u32, at: i64) {
        let (name, from) = (name.to_owned(), (at, u64::MAX - 1));
        self.0.push(Known { name, version, from, officer: None });
    }

    /// The officer of that name as it was for what was recorded at `moment`: a change of it counts
    /// for what was recorded after it only, within the same second too.
    pub fn at(&self, name: &str, moment: Moment) -> Option<&Officer> {
        let known = self.0.iter().filter(|known| known.name == name && known.from < moment);
        known.max_by_key(|known| known.version)?.officer.as_ref()
    }

    /// The officer of that name now.
    pub fn now(&self, name: &str, now: i64) -> Option<&Officer> {
        self.at(name, (now, u64::MAX))
    }
}

/// What signatures are verified by.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// `aud` of every word.
    pub gateway: &'a str,
    /// The officers.
    pub officers: &'a Officers,
}

/// Checks one signed word about a version: the officer's key at that moment, and every claim.
///
/// # Errors
/// [`Unsigned`].
pub fn check_word<'o>(
    judged: &Judged<'o>,
    row: (&VersionKey, Digest),
    role: SignerRole,
    jws: &str,
    moment: Moment,
) -> Result<(&'o Officer, Approval), Unsigned> {
    let (key, digest) = row;
    let bad = || Unsigned::Signature(role);
    let claims = sign::unverified_claims(jws).ok_or_else(bad)?;
    let name = claims.get("iss").and_then(Value::as_str).ok_or_else(bad)?;
    let officer = judged.officers.at(name, moment);
    let officer = officer.ok_or(Unsigned::MayNot(role, MayNot::Unknown))?;
    let claims = verified_claims(officer, jws, Approval::TYP).ok_or_else(bad)?;
    let claims = json::parse(&claims).map_err(|_form| Unsigned::Claims(role))?;
    let word: Approval = serde_json::from_value(claims).map_err(|_form| Unsigned::Claims(role))?;
    let is_this = word.iss == officer.name
        && word.aud == judged.gateway
        && word.kind == key.kind
        && word.id == key.id
        && word.version == key.version
        && word.digest == digest
        && word.role == role;
    if is_this { Ok((officer, word)) } else { Err(Unsigned::Claims(role)) }
}

/// Checks every signature that an approved version rests on, by what was when they were made.
///
/// # Errors
/// [`Unsigned`].
pub fn check(judged: &Judged<'_>, row: &VersionRow) -> Result<(), Unsigned> {
    if row.steps.first().is_some_and(|step| is_root(row, step)) {
        return Ok(());
    }
    let last = row.steps.last().ok_or(Unsigned::Missing(SignerRole::Author))?;
    let needs = last.needs.ok_or(Unsigned::Needs)?;
    let effective = row.effective_at.unwrap_or(i64::MIN);
    let word = |role, act| {
        let step = row.steps.iter().rfind(|step| step.act == act);
        let step = step.ok_or(Unsigned::Missing(role))?;
        let jws = step.jws.as_deref().ok_or(Unsigned::Missing(role))?;
        let moment = (step.at, step.entry);
        let (officer, word) = check_word(judged, (&row.key, row.digest), role, jws, moment)?;
        // not earlier than its signers said, nor than they signed
        let is_later = effective >= step.at && word.from.is_none_or(|from| effective >= from);
        if officer.name == step.officer && is_later {
            Ok((officer, word.from))
        } else {
            Err(Unsigned::Claims(role))
        }
    };
    let (author, from) = word(SignerRole::Author, Act::Proposed)?;
    who::may_sign(author, row.key.kind, needs)
        .map_err(|why| Unsigned::MayNot(SignerRole::Author, why))?;
    if needs == Needs::One && last.act == Act::Proposed {
        return Ok(());
    }
    let (approver, approved_from) = word(SignerRole::Approver, Act::Approved)?;
    if approved_from != from {
        return Err(Unsigned::Claims(SignerRole::Approver));
    }
    who::may_countersign(approver, author, &touched(row), needs)
        .map_err(|why| Unsigned::MayNot(SignerRole::Approver, why))
}

/// Whoever wrote or proposed any text of this version.
pub fn touched(row: &VersionRow) -> Vec<&str> {
    let writes = |step: &&StepRow| matches!(step.act, Act::Drafted | Act::Proposed);
    row.steps.iter().filter(writes).map(|step| step.officer.as_str()).collect()
}

/// The first officers come with the home: somebody must be the first. The governance ledger holds
/// who they are from its first entries on.
fn is_root(row: &VersionRow, step: &StepRow) -> bool {
    row.key.kind == DocumentKind::Officer && row.key.version == 1 && step.act == Act::Seeded
}

/// Whether every key of `after` that `before` had not is endorsed by an active key of it, or
/// printed in an agreement.
///
/// # Errors
/// [`Unsigned::Key`].
pub fn check_keys(
    gateway: &str,
    before: Option<&Document>,
    after: &Document,
    agreements: &[Agreement],
) -> Result<(), Unsigned> {
    let (Some(Document::Party(before)), Document::Party(after)) = (before, after) else {
        // the first record rests on the two officers who compared its fingerprints
        return Ok(());
    };
    let known = record::thumbprints(before);
    for key in &after.keys {
        let Ok(public) = PublicKey::from_jwk(&key.jwk) else { return Err(Unsigned::Key) };
        let thumbprint = public.thumbprint();
        let is_printed = agreements.iter().any(|agreement| {
            agreement.fingerprints.get(&after.id).is_some_and(|all| all.contains(&thumbprint))
        });
        if known.contains(&thumbprint) || is_printed {
            continue;
        }
        let endorsed = key.endorsement.as_deref().is_some_and(|jws| {
            let active = before.keys.iter().filter(|k| k.status == KeyStatus::Active);
            let mut active = active.filter_map(|key| PublicKey::from_jwk(&key.jwk).ok());
            active.any(|previous| {
                let word = sign::split(jws.as_bytes())
                    .and_then(|split| split.verify(&previous, &[KeyEndorsement::TYP]));
                let claims = word.ok().and_then(|word| json::parse(word.payload()).ok());
                let word = claims.and_then(|c| serde_json::from_value::<KeyEndorsement>(c).ok());
                word.is_some_and(|word| {
                    word.iss == after.id.as_str()
                        && word.aud == gateway
                        && word.thumbprint == thumbprint
                })
            })
        });
        if !endorsed {
            return Err(Unsigned::Key);
        }
    }
    Ok(())
}

/// The claims of an officer's word, by its key file's key or by one of its passkeys, whichever it
/// was signed with.
pub fn verified_claims(officer: &Officer, word: &str, typ: &str) -> Option<Vec<u8>> {
    if passkey::is_one(word) {
        return asserted(officer, word, typ).map(|asserted| asserted.claims().to_vec());
    }
    let split = sign::split(word.as_bytes()).ok()?;
    let verified = split.verify(&public_key(officer)?, &[typ]).ok()?;
    Some(verified.payload().to_vec())
}

/// A word that one of the officer's passkeys signed.
pub fn asserted(officer: &Officer, word: &str, typ: &str) -> Option<Asserted> {
    let keys = officer.passkeys.iter().filter_map(|passkey| record::public(&passkey.key));
    keys.map(|key| passkey::verify(word, &key, typ)).find_map(Result::ok)
}

/// The key of an officer's key file.
pub fn public_key(officer: &Officer) -> Option<PublicKey> {
    record::ed25519(officer.key.as_ref()?)
}
