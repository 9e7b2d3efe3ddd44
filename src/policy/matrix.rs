//! A policy as a column of a table: what becomes of each leaf, and which of it no policy can
//! change.

use super::compile::Compiled;
use super::explain::how;
use super::floor::Floor;
use super::operation::Operation;
use crate::domain::{Class, Language};

/// What becomes of one leaf for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its name.
    pub leaf: String,
    /// Its name in print.
    pub label: String,
    /// Its class; of a counted array, the strictest class of what lies in it.
    pub class: Class,
    /// The operation's name.
    pub operation: &'static str,
    /// What comes out, in words; `None` where nothing does.
    pub how: Option<String>,
    /// The law by which it is not passed on whatever a policy says, as the floor cites it.
    pub law: Option<String>,
}

/// Every leaf of the message type, and every array that is counted, by name.
pub fn cells(policy: &Compiled, floor: &Floor, language: Language) -> Vec<Cell> {
    let table = policy.table();
    let leaves = table.leaves.iter().map(|leaf| {
        let operation = policy.operations().get(leaf.name.as_str()).unwrap_or(&Operation::Drop);
        Cell {
            leaf: leaf.name.to_string(),
            label: language.label(leaf).to_owned(),
            class: leaf.class,
            operation: operation.name(),
            how: how(operation, Some(leaf), language),
            law: floor.fixes(policy.kind(), leaf).map(str::to_owned),
        }
    });
    let counted = policy.operations().iter().filter(|(name, _)| table.leaf(name).is_none());
    let arrays = counted.map(|(name, operation)| {
        let within = table.leaves.iter().filter(|leaf| leaf.name.is_within(name));
        Cell {
            leaf: name.clone(),
            label: name.clone(),
            class: within.map(|leaf| leaf.class).min().unwrap_or(Class::Direct),
            operation: operation.name(),
            how: how(operation, None, language),
            law: None,
        }
    });
    let mut cells: Vec<Cell> = leaves.chain(arrays).collect();
    cells.sort_by(|one, other| one.leaf.cmp(&other.leaf));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PartyKind;
    use crate::policy::{Source, compile, explain};
    use crate::schema::Schemas;

    fn shipped(text: &str, kind: PartyKind) -> (Compiled, Floor) {
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        let source = Source::parse("shipped", text).unwrap();
        let schemas = Schemas::builtin().unwrap();
        let table = schemas.message(&source.head.message).unwrap().leaves();
        (compile(source, &floor, table, kind).unwrap(), floor)
    }

    #[test]
    fn a_cell_says_something_for_each_leaf_that_a_sentence_names_and_for_no_other() {
        for (text, kind) in [
            (
                include_str!("../../config/policies/kemensos-cuta-be-referral.toml"),
                PartyKind::Foreign,
            ),
            (include_str!("../../config/policies/bnpt-kemensos-referral.toml"), PartyKind::Social),
        ] {
            let (policy, floor) = shipped(text, kind);
            let cells = cells(&policy, &floor, Language::En);
            let said = explain(&policy, Language::En).join("\n");
            for cell in &cells {
                let named = said.contains(&format!("({})", cell.leaf));
                assert_eq!(cell.how.is_some(), named, "{}", cell.leaf);
                assert!(cell.law.is_none() || cell.operation == "drop", "{}", cell.leaf);
            }
        }
    }

    #[test]
    fn abroad_the_floor_fixes_every_leaf_that_it_does_not_list() {
        let text = include_str!("../../config/policies/kemensos-cuta-be-status.toml");
        let (policy, floor) = shipped(text, PartyKind::Foreign);
        let cells = cells(&policy, &floor, Language::Id);
        let free = |cell: &&Cell| cell.law.is_none();
        let free: Vec<&str> = cells.iter().filter(free).map(|cell| cell.leaf.as_str()).collect();
        let listed = [
            "/category/ampk",
            "/category/ppks",
            "/effective_on",
            "/origin/pathway",
            "/subject/birth/date",
            "/subject/ref",
            "/to_state",
        ];
        assert_eq!(free, listed);
    }
}
