//! The signatures that a version rests on, verified each time the rules are built.
//!
//! INVARIANT: a version whose author and approver do not verify, under keys that those officers had
//! when they signed, is in force for nobody, whatever the database says of it.

use serde_json::Value;

use super::document::Document;
use super::record;
use super::who::{MayNot, Needs, may_approve, may_author};
use crate::config::Officer;
use crate::domain::{
    Act, Agreement, Approval, DocumentKind, KeyEndorsement, SignerRole, Statement, json,
};
use crate::policy::Floor;
use crate::sign::{self, PublicKey};
use crate::store::{StepRow, VersionKey, VersionRow};

/// Why a version may not be in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// A signature that should be there is not.
    #[error("the signature of its {0} is missing")]
    Missing(SignerRole),
    /// A signature does not verify under the officer's key.
    #[error("the signature of its {0} does not verify")]
    Signature(SignerRole),
    /// What was signed is not this version, or not from then on.
    #[error("its {0} signed something else")]
    Claims(SignerRole),
    /// The officer may not.
    #[error("its {0}: {1}")]
    MayNot(SignerRole, MayNot),
    /// A new key without the word of a previous one, and that no agreement prints.
    #[error("a new key carries no word of the party's previous key, and no agreement prints it")]
    Key,
}

/// Officers as they were over time.
#[derive(Debug, Default)]
pub struct Officers(Vec<(i64, Officer)>);

impl Officers {
    /// Adds a version of an officer, in force from `at` on (unix seconds).
    pub fn add(&mut self, at: i64, officer: Officer) {
        self.0.push((at, officer));
    }

    /// The officer of that name at that moment.
    pub fn at(&self, name: &str, at: i64) -> Option<&Officer> {
        let known = self.0.iter().filter(|(from, officer)| *from <= at && officer.name == name);
        known.map(|(_, officer)| officer).next_back()
    }
}

/// What signatures are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// `aud` of every word.
    pub gateway: &'a str,
    /// The officers.
    pub officers: &'a Officers,
    /// Which parties are domestic.
    pub floor: &'a Floor,
}

/// Checks one signed word about a version: the officer's key at that moment, and every claim.
///
/// # Errors
/// [`Unsigned`].
pub fn check_word<'o>(
    judged: &Judged<'o>,
    row: (&VersionKey, crate::domain::Digest),
    role: SignerRole,
    jws: &str,
    at: i64,
) -> Result<(&'o Officer, Approval), Unsigned> {
    let (key, digest) = row;
    let bad = || Unsigned::Signature(role);
    let split = sign::split(jws.as_bytes()).map_err(|_fault| bad())?;
    let claims = sign::unverified_claims(jws).ok_or_else(bad)?;
    let name = claims.get("iss").and_then(Value::as_str).ok_or_else(bad)?;
    let officer = judged.officers.at(name, at);
    let officer = officer.ok_or(Unsigned::MayNot(role, MayNot::Unknown))?;
    let public = public_key(officer).ok_or_else(bad)?;
    let verified = split.verify(&public, &[Approval::TYP]).map_err(|_fault| bad())?;
    let claims = json::parse(verified.payload()).map_err(|_form| Unsigned::Claims(role))?;
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

/// Checks every signature that an approved version rests on.
///
/// # Errors
/// [`Unsigned`].
pub fn check(
    judged: &Judged<'_>,
    row: &VersionRow,
    document: &Document,
    needs: Needs,
) -> Result<(), Unsigned> {
    if row.steps.first().is_some_and(|step| is_root(row, step)) {
        return Ok(());
    }
    let effective = row.effective_at.unwrap_or(i64::MIN);
    let word = |role, act| {
        let step = row.steps.iter().rfind(|step| step.act == act);
        let step = step.ok_or(Unsigned::Missing(role))?;
        let jws = step.jws.as_deref().ok_or(Unsigned::Missing(role))?;
        let (officer, word) = check_word(judged, (&row.key, row.digest), role, jws, step.at)?;
        // not earlier than its signers said, nor than they signed
        let is_later = effective >= step.at && word.from.is_none_or(|from| effective >= from);
        if officer.name == step.officer && is_later {
            Ok((officer, word))
        } else {
            Err(Unsigned::Claims(role))
        }
    };
    let (author, _) = word(SignerRole::Author, Act::Proposed)?;
    may_author(author, document, needs, judged.floor)
        .map_err(|why| Unsigned::MayNot(SignerRole::Author, why))?;
    if needs == Needs::One {
        return Ok(());
    }
    let (approver, _) = word(SignerRole::Approver, Act::Approved)?;
    may_approve(approver, author, &touched(row), needs, judged.floor)
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
            let active =
                before.keys.iter().filter(|k| k.status == crate::config::KeyStatus::Active);
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

/// The key an officer signs with.
pub fn public_key(officer: &Officer) -> Option<PublicKey> {
    record::ed25519(officer.key.as_ref()?)
}
