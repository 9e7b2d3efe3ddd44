//! Two versions of a policy at once: the one that a message is pinned to, and the one in force now.
//!
//! A leaf goes only if both do the very same with it. An exception stands above both: officers of
//! two agencies have decided about this very message. That there was one, and is none any more, is
//! told to nobody.

use std::sync::Arc;

use crate::domain::{Address, Code, DocumentKind, LeafName, Refused};
use crate::policy::{self, Compiled};
use crate::store::rows::PolicyPin;

use super::admit::Admitted;
use super::disclose::{When, policy_for};
use super::except::excepted_leaves;
use super::rules::Document;
use super::{Failure, Gateway, Rules};

/// The policy in force now, and what it must leave out for the sake of the one that a message is
/// pinned to.
#[derive(Debug)]
pub(super) struct Under {
    pub(super) policy: Arc<Compiled>,
    /// The version at admission, where it is another one.
    pub(super) before: Option<PolicyPin>,
    /// Leaves that do not go.
    pub(super) blank: Vec<LeafName>,
    /// Leaves over which the two versions cannot be reconciled.
    pub(super) conflicting: Vec<LeafName>,
}

impl Under {
    /// This version alone.
    pub(super) fn only(policy: Arc<Compiled>) -> Self {
        Self { policy, before: None, blank: Vec::new(), conflicting: Vec::new() }
    }
}

/// Rule id of a hold over what two versions cannot be reconciled about.
pub(super) const BOTH: &str = "both-versions";

/// What a message that is pinned to `pinned` goes under now; `None` while there is nothing in
/// force for it, or the version at admission cannot be read any more.
pub(super) async fn under(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, pinned): (&Address, &PolicyPin),
    when: When,
) -> Result<Option<Under>, Failure> {
    let now = policy_for(rules, admitted, recipient, when);
    let Some(now) = now else { return Ok(None) };
    // a correction goes under the version of what it corrects besides its own
    let original = admitted.case().corrects.as_ref().and_then(|chain| chain.pinned(recipient));
    let pins = [original, Some(pinned)].into_iter().flatten();
    let mut under = Under::only(now);
    for pin in pins {
        if pin.digest == under.policy.digest() {
            continue;
        }
        let Some(then) = version(gateway, rules, pin).await? else { return Ok(None) };
        let Some(both) = compared(&then, &under.policy) else { return Ok(None) };
        under.blank.extend(both.blank);
        under.conflicting.extend(both.conflicting);
        if under.before.is_none() {
            under.before = standing(gateway, pin).await?;
        }
    }
    for leaves in [&mut under.blank, &mut under.conflicting] {
        leaves.sort();
        leaves.dedup();
    }
    Ok(Some(under))
}

/// What two versions do not do alike; `None` where they are not for the same.
fn compared(then: &Compiled, now: &Compiled) -> Option<policy::Both> {
    let is_for_the_same = |policy: &Compiled| {
        (policy.sender().clone(), policy.recipient().clone(), policy.message().clone())
    };
    let is_excepted = now.exception().is_some();
    let is_same = is_for_the_same(then) == is_for_the_same(now);
    if !is_excepted && !is_same || then.purpose() != now.purpose() {
        return None;
    }
    let mut both = policy::both(then, now);
    // two officers of two agencies have decided about these leaves of this very message
    let named = now.excepted_leaves();
    both.blank.retain(|leaf| !named.iter().any(|named| named == leaf.as_str()));
    both.conflicting.retain(|leaf| !named.iter().any(|named| named == leaf.as_str()));
    Some(both)
}

/// What a statement may name beside the version it goes under: that there was an exception, and is
/// none any more, is told to nobody.
async fn standing(gateway: &Gateway, pinned: &PolicyPin) -> Result<Option<PolicyPin>, Failure> {
    let is_exception = is_exception(gateway, pinned).await?;
    Ok((!is_exception).then(|| pinned.clone()))
}

/// A policy version by its digest, as it was approved.
async fn version(
    gateway: &Gateway,
    rules: &Rules,
    pinned: &PolicyPin,
) -> Result<Option<Compiled>, Failure> {
    let rows = gateway.store().versions_of(DocumentKind::Policy, &pinned.id).await?;
    for row in rows.iter().filter(|row| row.digest == pinned.digest) {
        if let Ok(Document::Policy(source)) = Document::parse(row.key.kind, &row.key.id, &row.text)
        {
            return Ok(rules.judge().compile_source(*source).ok());
        }
    }
    // an exception that has ended, over whichever policy it was granted over
    for row in gateway.store().versions_of(DocumentKind::Exception, &pinned.id).await? {
        let document = Document::parse(row.key.kind, &row.key.id, &row.text);
        let Ok(Document::Exception(source)) = document else { continue };
        let mut over = vec![None];
        if let Some(standing) = rules.standing(&source) {
            for row in gateway.store().versions_of(DocumentKind::Policy, standing.id()).await? {
                let document = Document::parse(row.key.kind, &row.key.id, &row.text);
                if let Ok(Document::Policy(source)) = document {
                    over.push(Some(source));
                }
            }
        }
        let judge = rules.judge();
        for standing in &over {
            let compiled = judge.compile_exception(&source, row.key.version, standing.as_deref());
            if let Some(compiled) = compiled.ok().filter(|above| above.digest() == pinned.digest) {
                return Ok(Some(compiled));
            }
        }
    }
    Ok(None)
}

/// Whether a version is that of an exception, in force or ended.
pub(super) async fn is_exception(gateway: &Gateway, pin: &PolicyPin) -> Result<bool, Failure> {
    Ok(excepted_leaves(gateway, pin).await?.is_some())
}

/// The refusal of what cannot be reconciled.
pub(super) fn irreconcilable() -> Failure {
    Failure::Problem(Refused::because(Code::NoPolicy))
}
