//! What officers may choose for each leaf: the operations that fit it and that the floor admits.
//!
//! Nothing here decides: what is chosen is compiled and judged like any other policy.

use serde_json::{Value, json};

use super::compile::{Compiled, looks_like_identifier};
use super::explain::how;
use super::floor::Floor;
use super::operation::{NAMES, Operation, named_tables};
use crate::domain::{Language, Leaf, LeafTable, PartyKind};

/// How many items of an array are told apart, where it is counted.
const CAP: u32 = 4;

/// One operation that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Names it in a form: its name, and its parameter.
    pub key: String,
    /// As it is written in a policy.
    pub written: Value,
    operation: Operation,
}

impl Choice {
    /// What is written, if it is an operation at all.
    pub fn of(written: &Value) -> Option<Self> {
        let operation = Operation::parse(written).ok()?;
        Some(Self { key: key_of(written), written: written.clone(), operation })
    }

    /// What the recipient has of it, in words; `None` where it has nothing.
    pub fn how(&self, leaf: Option<&Leaf>, language: Language) -> Option<String> {
        how(&self.operation, leaf, language)
    }

    /// Whether nothing is passed on.
    pub fn drops(&self) -> bool {
        self.operation == Operation::Drop
    }

    /// The name of its operation.
    pub fn name(&self) -> &'static str {
        self.operation.name()
    }
}

/// Names an operation in a form: its name, and what else is written of it.
pub fn key_of(written: &Value) -> String {
    let Some(members) = written.as_object() else {
        return written.as_str().unwrap_or_default().to_owned();
    };
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut key = members.get("op").map(words).unwrap_or_default();
    for (_, value) in members.iter().filter(|(name, _)| *name != "op") {
        key = format!("{key}:{}", words(value));
    }
    key
}

/// What may be chosen for a leaf.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    /// Which leaf.
    pub leaf: &'a Leaf,
    /// The operations, `drop` first.
    pub choices: Vec<Choice>,
    /// The law that admits no other.
    pub law: &'a str,
}

impl Offer<'_> {
    /// Whether the law leaves nothing to choose.
    pub fn is_fixed(&self) -> bool {
        self.choices.len() < 2
    }
}

/// What the floor lets a standing policy do with each leaf towards a recipient of that kind.
pub fn offers<'a>(floor: &'a Floor, table: &'a LeafTable, kind: PartyKind) -> Vec<Offer<'a>> {
    let choices = |leaf: &Leaf| {
        let mut choices = candidates(floor, leaf);
        choices.retain(|choice| {
            fits(leaf, &choice.operation) && floor.admits(kind, leaf, &choice.operation).is_ok()
        });
        choices
    };
    let law = floor.law(kind);
    table.leaves.iter().map(|leaf| Offer { leaf, choices: choices(leaf), law }).collect()
}

/// What the floor lets an exception add to `standing`: leaves that it drops, each with what may be
/// told instead. Leaves that nothing can be added to are left out.
pub fn offers_by_exception<'a>(
    floor: &'a Floor,
    table: &'a LeafTable,
    kind: PartyKind,
    standing: Option<&Compiled>,
) -> Vec<Offer<'a>> {
    let is_dropped = |leaf: &&Leaf| {
        let operation = standing.and_then(|policy| policy.operations().get(leaf.name.as_str()));
        operation.is_none_or(|operation| *operation == Operation::Drop)
    };
    let choices = |leaf: &Leaf| {
        let mut choices = candidates(floor, leaf);
        choices.retain(|choice| {
            !choice.drops()
                && fits(leaf, &choice.operation)
                && floor.admits_by_exception(kind, leaf, &choice.operation).is_ok()
        });
        choices
    };
    let law = floor.law(kind);
    let leaves = table.leaves.iter().filter(is_dropped);
    let offers = leaves.map(|leaf| Offer { leaf, choices: choices(leaf), law });
    offers.filter(|offer| !offer.choices.is_empty()).collect()
}

/// The arrays of objects that may be counted, instead of choosing for each leaf in them.
pub fn offers_of_arrays(
    floor: &Floor,
    table: &LeafTable,
    kind: PartyKind,
) -> Vec<(String, Choice)> {
    let Some(count) = Choice::of(&json!({"op": "count", "cap": CAP})) else { return Vec::new() };
    let may = |name: &&String| {
        let mut within = table.leaves.iter().filter(|leaf| leaf.name.is_within(name));
        within.all(|leaf| floor.admits(kind, leaf, &count.operation).is_ok())
    };
    table.arrays.keys().filter(may).map(|name| (name.clone(), count.clone())).collect()
}

fn fits(leaf: &Leaf, operation: &Operation) -> bool {
    let is_passed = *operation != Operation::Drop;
    operation.fits(leaf).is_ok()
        && !(is_passed && looks_like_identifier(leaf.name.as_str(), Some(leaf), operation))
}

/// Every operation that could be written for a leaf without inventing a parameter, and what the
/// floor itself writes for it; each once, in the order of [`NAMES`].
fn candidates(floor: &Floor, leaf: &Leaf) -> Vec<Choice> {
    let names = NAMES.iter().map(|name| Value::from(*name));
    let count = json!({"op": "count", "cap": CAP});
    let bucket = json!({"op": "bucket", "edges": [5, 10, 20, 50]});
    let all = names.chain(named_tables()).chain([count, bucket]);
    let all = all.chain(floor.written_for(leaf).iter().cloned());
    let mut choices: Vec<Choice> = Vec::new();
    for written in all.filter(|written| written.as_str() != Some("count")) {
        let Some(choice) = Choice::of(&written) else { continue };
        if !choices.iter().any(|known| known.operation == choice.operation) {
            choices.push(choice);
        }
    }
    let place = |choice: &Choice| NAMES.iter().position(|name| *name == choice.name());
    choices.sort_by_key(place);
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Class;
    use crate::schema::Schemas;

    #[test]
    fn only_what_the_floor_admits_is_offered_and_what_it_fixes_is_told() {
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        let schemas = Schemas::builtin().unwrap();
        for schema in schemas.iter() {
            let table = schema.leaves();
            for kind in [PartyKind::Foreign, PartyKind::CounterTerrorism, PartyKind::Social] {
                for offer in offers(&floor, table, kind) {
                    let names: Vec<_> = offer.choices.iter().map(Choice::name).collect();
                    assert_eq!(names.first(), Some(&"drop"), "{}", offer.leaf.name);
                    let is_closed = matches!(offer.leaf.class, Class::Direct | Class::Text);
                    assert!(kind == PartyKind::Social || !is_closed || offer.is_fixed());
                    for choice in &offer.choices {
                        assert_eq!(floor.admits(kind, offer.leaf, &choice.operation), Ok(()));
                        assert_eq!(Choice::of(&choice.written).unwrap(), *choice);
                    }
                }
                for offer in offers_by_exception(&floor, table, kind, None) {
                    let is_told = offer.leaf.class == Class::Direct;
                    assert!(kind != PartyKind::Foreign || !is_told, "{}", offer.leaf.name);
                }
            }
        }
        let referral = schemas.message(&"referral/1".parse().unwrap()).unwrap().leaves();
        let abroad = offers(&floor, referral, PartyKind::Foreign);
        let open: Vec<_> = abroad.iter().filter(|offer| !offer.is_fixed()).collect();
        let named: Vec<_> = open.iter().map(|offer| offer.leaf.name.as_str()).collect();
        let expected = [
            "/category/ampk",
            "/category/ppks",
            "/origin/pathway",
            "/subject/birth/date",
            "/subject/ref",
        ];
        assert_eq!(named, expected);
    }
}
