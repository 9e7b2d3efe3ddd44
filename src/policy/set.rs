//! The policies in force, and the fixed plans of messages that need none.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::compile::{Compiled, Finding, compile_for};
use super::floor::Floor;
use super::source::Source;
use crate::domain::{Address, Digest, LeafTable, MessageType, PartyKind, Phrase, Purpose};

/// What a policy is for. It is read from a policy's text whatever else the text holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Edge {
    /// Who sends.
    pub sender: Address,
    /// Who receives.
    pub recipient: Address,
    /// Which message type.
    pub message: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
}

/// Compiled policies by sender, recipient, message type and purpose.
///
/// INVARIANT: what would be in force and is unusable keeps its place: the messages that it is for go
/// to nobody, and never under a wider policy.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: BTreeMap<Edge, Slot>,
    /// The id of a policy of which it cannot even be read what it is for: then nothing goes.
    unreadable: Option<String>,
}

#[derive(Debug)]
enum Slot {
    Usable(Arc<Compiled>),
    /// By the policy of that id.
    Blocked(String),
}

impl Slot {
    fn usable(&self) -> Option<&Arc<Compiled>> {
        match self {
            Self::Usable(policy) => Some(policy),
            Self::Blocked(_) => None,
        }
    }
}

impl PolicySet {
    /// Adds a policy.
    ///
    /// # Errors
    /// The id of the policy that is for the same messages, usable or not, or has the same id.
    pub fn insert(&mut self, policy: Compiled) -> Result<(), String> {
        let edge = policy.source().edge();
        // a release and its evidence name the policy by id: it must stand for one
        if let Some(other) = self.by_id(policy.id()) {
            return Err(other.id().to_owned());
        }
        match self.policies.get(&edge) {
            Some(Slot::Usable(other)) => Err(other.id().to_owned()),
            Some(Slot::Blocked(other)) => Err(other.clone()),
            None => {
                self.policies.insert(edge, Slot::Usable(Arc::new(policy)));
                Ok(())
            }
        }
    }

    /// Keeps the place of the unusable policy `id`; whatever usable one is there already stays.
    pub fn block(&mut self, edge: Edge, id: &str) {
        self.policies.entry(edge).or_insert_with(|| Slot::Blocked(id.to_owned()));
    }

    /// Lets nothing go, because of the policy `id` nothing can be read.
    pub fn block_all(&mut self, id: &str) {
        self.unreadable = Some(id.to_owned());
    }

    /// The policy for a message: a unit's own before its party's. `None` where there is none, or
    /// where the one that goes first is unusable.
    pub fn find(
        &self,
        sender: &Address,
        recipient: &Address,
        message: &MessageType,
        purpose: Purpose,
    ) -> Option<Arc<Compiled>> {
        if self.unreadable.is_some() {
            return None;
        }
        let both = |address: &Address| [address.clone(), Address::party(address.party.clone())];
        for recipient in both(recipient) {
            for sender in both(sender) {
                let recipient = recipient.clone();
                let edge = Edge { sender, recipient, message: message.clone(), purpose };
                if let Some(slot) = self.policies.get(&edge) {
                    return slot.usable().map(Arc::clone);
                }
            }
        }
        None
    }

    /// The policy of that id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Compiled>> {
        self.iter().find(|policy| policy.id() == id)
    }

    /// All that are usable.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Compiled>> {
        self.policies.values().filter_map(Slot::usable)
    }
}

/// The fixed plans: of every message type that takes data back one domestic and one foreign, and
/// those of the refusals of information requests that the gateway itself writes. Held to the floor
/// like any other, but approved with the schema and not by officers.
#[derive(Debug)]
pub struct Fixed {
    taking: Vec<Plans>,
    refusal: Plans,
}

/// One for every domestic party, one for every foreign one.
#[derive(Debug)]
struct Plans {
    domestic: Arc<Compiled>,
    foreign: Arc<Compiled>,
}

/// Message type, and the texts of its domestic and its foreign plan.
type Texts = (&'static str, &'static str, &'static str);

/// Of every message of these types.
const TAKING: [Texts; 2] = [
    (
        "withdrawal/1",
        include_str!("../../config/policies/fixed/withdrawal.domestic.toml"),
        include_str!("../../config/policies/fixed/withdrawal.foreign.toml"),
    ),
    (
        "erasure-notice/1",
        include_str!("../../config/policies/fixed/erasure-notice.domestic.toml"),
        include_str!("../../config/policies/fixed/erasure-notice.foreign.toml"),
    ),
];

/// Of the answers that the gateway itself writes.
const REFUSAL: Texts = (
    "information-response/1",
    include_str!("../../config/policies/fixed/information-response.domestic.toml"),
    include_str!("../../config/policies/fixed/information-response.foreign.toml"),
);

impl Plans {
    fn new<'t>(
        (name, domestic, foreign): Texts,
        floor: &Floor,
        table: &impl Fn(&str) -> Option<&'t LeafTable>,
    ) -> Result<Self, Vec<Finding>> {
        let finding = |line, message| {
            vec![Finding { line, leaf: String::new(), message, accepted: Vec::new() }]
        };
        let one = |text: &str, kind| {
            let none = || finding(0, Phrase::new("why-no-message-type"));
            let table = table(name).ok_or_else(none)?;
            let source =
                Source::parse("fixed", text).map_err(|bad| finding(bad.line, bad.reason))?;
            compile_for(source, floor, table, kind).map(|plan| Arc::new(plan.at_once()))
        };
        // held to the narrowest domestic floor, so it serves every domestic party
        let domestic = one(domestic, PartyKind::CounterTerrorism)?;
        Ok(Self { domestic, foreign: one(foreign, PartyKind::Foreign)? })
    }

    fn towards(&self, is_foreign: bool) -> &Arc<Compiled> {
        if is_foreign { &self.foreign } else { &self.domestic }
    }
}

impl Fixed {
    /// Compiles the fixed plans against the schemas of their types.
    ///
    /// # Errors
    /// Every finding, which a test rules out for the shipped floor; a type without a schema is one.
    pub fn new<'t>(
        floor: &Floor,
        table: impl Fn(&str) -> Option<&'t LeafTable>,
    ) -> Result<Self, Vec<Finding>> {
        let taking = TAKING.into_iter().map(|texts| Plans::new(texts, floor, &table));
        let taking = taking.collect::<Result<_, _>>()?;
        Ok(Self { taking, refusal: Plans::new(REFUSAL, floor, &table)? })
    }

    /// The fixed plan for that message type, if every message of it goes under one.
    pub fn find(&self, message: &MessageType, is_foreign: bool) -> Option<Arc<Compiled>> {
        let plans = self.taking.iter().find(|plans| plans.domestic.message() == message)?;
        Some(Arc::clone(plans.towards(is_foreign)))
    }

    /// The plan of a refusal that the gateway itself writes.
    pub fn refusal(&self, is_foreign: bool) -> &Arc<Compiled> {
        self.refusal.towards(is_foreign)
    }

    /// The fixed plan of that digest.
    pub fn by_digest(&self, digest: &Digest) -> Option<&Arc<Compiled>> {
        self.iter().find(|plan| plan.digest() == *digest)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Compiled>> {
        let all = self.taking.iter().chain([&self.refusal]);
        all.flat_map(|plans| [&plans.domestic, &plans.foreign])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schemas;

    #[test]
    fn an_unusable_policy_of_a_unit_keeps_its_place_before_the_partys() {
        let text = include_str!("../../config/policies/kemensos-bnpt-status.toml");
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        let source = Source::parse("wide", text).unwrap();
        let schemas = Schemas::builtin().unwrap();
        let table = schemas.message(&source.head.message).unwrap().leaves();
        let wide = source.edge();
        let unit: Address = "kemensos/sentra-handayani".parse().unwrap();
        let compiled =
            || super::super::compile(source.clone(), &floor, table, PartyKind::CounterTerrorism);
        let mut set = PolicySet::default();
        set.insert(compiled().unwrap()).unwrap();
        let find = |set: &PolicySet, sender: &Address| {
            set.find(sender, &wide.recipient, &wide.message, wide.purpose).is_some()
        };
        assert!(find(&set, &unit));
        set.block(Edge { sender: unit.clone(), ..wide.clone() }, "own");
        assert!(!find(&set, &unit) && find(&set, &wide.sender));
        // a place that is blocked is nobody else's, one that is taken stays taken
        set.block(wide.clone(), "late");
        assert!(find(&set, &wide.sender));
        let mut blocked = PolicySet::default();
        blocked.block(wide.clone(), "first");
        assert_eq!(blocked.insert(compiled().unwrap()), Err("first".to_owned()));
        set.block_all("garbled");
        assert!(!find(&set, &wide.sender));
    }
}
