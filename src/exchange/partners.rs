//! What partners receive: the policies in force towards them, as far as an officer may know.

use std::sync::Arc;

use time::Date;

use super::rules::Rules;
use super::sight::Sight;
use super::versions;
use super::{Failure, Gateway};
use crate::config::Officer;
use crate::domain::{Code, DocumentKind, PartyId};
use crate::policy::Compiled;
use crate::store::VersionKey;
use crate::wire::{VersionView, VersionsAsk};

/// A policy, and whether anything is passed on under it today.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Which.
    pub policy: Arc<Compiled>,
    /// The version of the document, by which its history names it.
    pub version: u32,
    /// Whether it lets anything pass.
    pub state: State,
    /// Whether the officer may open its history.
    pub opens: bool,
}

/// Whether anything is passed on under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Flows,
    /// It has expired and runs on for its days of grace.
    Grace,
    /// It has ended.
    Ended,
    /// No agreement allows it today.
    NoAgreement,
    /// Sender or recipient is frozen, or not a party.
    Frozen,
}

impl State {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Grace => "grace",
            Self::Ended => "ended",
            Self::NoAgreement => "no-agreement",
            Self::Frozen => "frozen",
        }
    }

    /// Whether messages pass.
    pub fn passes(self) -> bool {
        matches!(self, Self::Flows | Self::Grace)
    }
}

/// Every policy that the officer sees, by recipient, message type, sender and purpose.
pub fn standing(rules: &Rules, sight: &Sight, today: Date) -> Vec<Standing> {
    let seen = rules.policies.iter().filter(|policy| sight.policy(policy));
    let mut all: Vec<Standing> = seen
        .map(|policy| {
            let key = key_of(rules, policy);
            Standing {
                version: key.map_or_else(|| policy.version(), |key| key.version),
                state: state(rules, policy, key.is_some_and(|k| rules.ended.contains(k)), today),
                opens: sight.opens(policy),
                policy: Arc::clone(policy),
            }
        })
        .collect();
    all.sort_by(|one, other| edge(&one.policy).cmp(&edge(&other.policy)));
    all
}

pub(super) fn key_of<'r>(rules: &'r Rules, policy: &Compiled) -> Option<&'r VersionKey> {
    let of_policies = rules.versions.iter().filter(|key| key.kind == DocumentKind::Policy);
    of_policies.into_iter().find(|key| key.id == policy.id())
}

fn edge(policy: &Compiled) -> (String, &str, String, String) {
    let (recipient, sender) = (policy.recipient().to_string(), policy.sender().to_string());
    (recipient, policy.message().as_str(), sender, policy.purpose().to_string())
}

pub(super) fn state(rules: &Rules, policy: &Compiled, has_ended: bool, today: Date) -> State {
    let agreed = rules.agreements.iter().any(|agreement| {
        agreement.binds(&policy.sender().party, &policy.recipient().party)
            && agreement.in_force(today)
            && agreement.messages.contains(policy.message())
            && agreement.purposes.contains(&policy.purpose())
    });
    let flows = |party: &PartyId| rules.directory.party(party).is_some_and(|p| !p.frozen);
    if has_ended {
        State::Ended
    } else if !flows(&policy.sender().party) || !flows(&policy.recipient().party) {
        State::Frozen
    } else if !agreed {
        State::NoAgreement
    } else if policy.expires() < today {
        State::Grace
    } else {
        State::Flows
    }
}

/// What is approved and yet in force for nobody, of the documents that the officer sees.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn unusable(
    gateway: &Gateway,
    rules: &Rules,
    officer: &Officer,
) -> Result<Vec<VersionView>, Failure> {
    let mut all = Vec::new();
    for out in &rules.unusable {
        let ask = VersionsAsk {
            kind: Some(out.key.kind),
            id: Some(out.key.id.clone()),
            officer: Some(officer.name.clone()),
        };
        let views = versions::list(gateway, &ask).await;
        let views = views.map_err(|_fault| Failure::problem(Code::NotFound))?;
        all.extend(views.into_iter().filter(|view| view.version == out.key.version));
    }
    Ok(all)
}
