//! The policies in force, and the fixed plans of messages that need none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::{Compiled, Finding, compile_for};
use super::floor::Floor;
use super::source::Source;
use crate::domain::{Address, LeafTable, MessageType, PartyKind, Purpose};

type Key = (Address, Address, MessageType, Purpose);

/// Compiled policies by sender, recipient, message type and purpose.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: BTreeMap<Key, Arc<Compiled>>,
}

impl PolicySet {
    /// Adds a policy.
    ///
    /// # Errors
    /// The id of the policy that is for the same messages, or has the same id.
    pub fn insert(&mut self, policy: Compiled) -> Result<(), String> {
        let key = (
            policy.sender().clone(),
            policy.recipient().clone(),
            policy.message().clone(),
            policy.purpose(),
        );
        // a release and its evidence name the policy by id: it must stand for one
        let same_id = self.by_id(policy.id());
        if let Some(other) = self.policies.get(&key).or(same_id) {
            return Err(other.id().to_owned());
        }
        self.policies.insert(key, Arc::new(policy));
        Ok(())
    }

    /// The policy for a message: a unit's own before its party's.
    pub fn find(
        &self,
        sender: &Address,
        recipient: &Address,
        message: &MessageType,
        purpose: Purpose,
    ) -> Option<Arc<Compiled>> {
        let both = |address: &Address| [address.clone(), Address::party(address.party.clone())];
        for to in both(recipient) {
            for from in both(sender) {
                let key = (from, to.clone(), message.clone(), purpose);
                if let Some(policy) = self.policies.get(&key) {
                    return Some(Arc::clone(policy));
                }
            }
        }
        None
    }

    /// The policy of that id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Compiled>> {
        self.policies.values().find(|policy| policy.id() == id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Compiled>> {
        self.policies.values()
    }
}

/// The fixed plans of `withdrawal/1`, one domestic and one foreign: held to the floor like any
/// other, but approved with the schema and not by officers.
#[derive(Debug)]
pub struct Fixed {
    domestic: Arc<Compiled>,
    foreign: Arc<Compiled>,
}

impl Fixed {
    /// Compiles the fixed plans against the schema of `withdrawal/1`.
    ///
    /// # Errors
    /// Every finding, which a test rules out for the shipped floor.
    pub fn new(floor: &Floor, withdrawal: &LeafTable) -> Result<Self, Vec<Finding>> {
        let one = |text: &str, kind| {
            let source = Source::parse("fixed", text).map_err(|bad| {
                vec![Finding {
                    line: bad.line,
                    leaf: String::new(),
                    message: bad.reason,
                    accepted: Vec::new(),
                }]
            })?;
            compile_for(source, floor, withdrawal, kind).map(|plan| Arc::new(plan.at_once()))
        };
        Ok(Self {
            // held to the narrowest domestic floor, so it serves every domestic party
            domestic: one(
                include_str!("../../config/policies/fixed/withdrawal.domestic.toml"),
                PartyKind::CounterTerrorism,
            )?,
            foreign: one(
                include_str!("../../config/policies/fixed/withdrawal.foreign.toml"),
                PartyKind::Foreign,
            )?,
        })
    }

    /// The fixed plan for that message type, if it has one.
    pub fn find(&self, message: &MessageType, is_foreign: bool) -> Option<Arc<Compiled>> {
        let plan = if is_foreign { &self.foreign } else { &self.domestic };
        (plan.message() == message).then(|| Arc::clone(plan))
    }

    /// Both.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Compiled>> {
        [&self.domestic, &self.foreign].into_iter()
    }
}
