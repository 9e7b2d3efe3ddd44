//! What is received, as a table: leaves down, policies across, each cell a letter and a word, and
//! what the law fixes under a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::page::Page;
use crate::domain::{Class, LeafName};
use crate::exchange::Rules;
use crate::exchange::partners::Standing;
use crate::policy::{Cell, Compiled, cells};

/// The classes, the most sensitive first, by the names that they have in a form.
pub(super) const CLASSES: [(&str, Class); 6] = [
    ("direct", Class::Direct),
    ("text", Class::Text),
    ("sensitive", Class::Sensitive),
    ("quasi", Class::Quasi),
    ("operational", Class::Operational),
    ("legal", Class::Legal),
];

/// The operations in the order of the legend: name, letter, and how much of the value passes.
pub(super) const OPERATIONS: [(&str, char, &str); 14] = [
    ("drop", '–', "none"),
    ("keep", 'A', "whole"),
    ("hold", 'H', "held"),
    ("pseudonym", 'P', "coded"),
    ("constant", 'C', "coded"),
    ("code_map", 'M', "coded"),
    ("age_band", 'U', "coarse"),
    ("year", 'Y', "coarse"),
    ("half_year", 'S', "coarse"),
    ("month", 'B', "coarse"),
    ("country", 'N', "coarse"),
    ("adm1", 'R', "coarse"),
    ("bucket", 'K', "coarse"),
    ("count", '#', "coarse"),
];

/// One policy, or the fixed plan of a message that needs none.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) recipient: String,
    /// Empty where every sender's messages go so.
    pub(super) sender: String,
    pub(super) message: String,
    pub(super) purpose: String,
    /// `None` for a fixed plan.
    pub(super) standing: Option<Standing>,
    pub(super) policy: Arc<Compiled>,
}

impl Column {
    pub(super) fn of(standing: Standing) -> Self {
        let policy = Arc::clone(&standing.policy);
        Self {
            recipient: policy.recipient().to_string(),
            sender: policy.sender().to_string(),
            message: policy.message().to_string(),
            purpose: policy.purpose().to_string(),
            standing: Some(standing),
            policy,
        }
    }

    /// A fixed plan, for that recipient.
    pub(super) fn fixed(recipient: &str, plan: &Arc<Compiled>) -> Self {
        Self {
            recipient: recipient.to_owned(),
            sender: String::new(),
            message: plan.message().to_string(),
            purpose: String::new(),
            standing: None,
            policy: Arc::clone(plan),
        }
    }
}

/// What becomes of one leaf under one policy.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) operation: &'static str,
    pub(super) letter: char,
    pub(super) tone: &'static str,
    /// The number of the law in the table's list.
    pub(super) law: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) leaf: String,
    pub(super) label: String,
    /// One for each column; `None` where the message type has no such leaf.
    pub(super) marks: Vec<Option<Mark>>,
}

/// The table.
#[derive(Debug)]
pub(super) struct Matrix {
    pub(super) columns: Vec<Column>,
    /// Class by class.
    pub(super) groups: Vec<(&'static str, Vec<Row>)>,
    /// The operations that stand in it.
    pub(super) legend: Vec<(&'static str, char, &'static str)>,
    /// The laws that are cited, in the order of their numbers.
    pub(super) laws: Vec<String>,
}

impl Matrix {
    /// Of these columns, with the leaves of that class, or of all.
    pub(super) fn new(
        page: &Page,
        rules: &Rules,
        columns: Vec<Column>,
        only: Option<Class>,
    ) -> Self {
        let language = page.language;
        let mut rows: BTreeMap<(Class, LeafName), Row> = BTreeMap::new();
        let (mut laws, mut used) = (Vec::new(), BTreeSet::new());
        for (at, column) in columns.iter().enumerate() {
            for cell in cells(&column.policy, &rules.floor, language) {
                if only.is_some_and(|class| class != cell.class) {
                    continue;
                }
                let mark = mark(&cell, &mut laws);
                used.insert(mark.operation);
                // what answers a leaf of a referral stands beside it
                let leaf = LeafName::new(LeafName::new(&cell.leaf).answered());
                let row = rows.entry((cell.class, leaf.clone())).or_insert_with(|| Row {
                    leaf: leaf.to_string(),
                    label: cell.label,
                    marks: columns.iter().map(|_| None).collect(),
                });
                if let Some(place) = row.marks.get_mut(at) {
                    *place = Some(mark);
                }
            }
        }
        let mut groups: Vec<(&'static str, Vec<Row>)> =
            CLASSES.iter().map(|(name, _)| (*name, Vec::new())).collect();
        for ((class, _), row) in rows {
            let at = CLASSES.iter().position(|(_, known)| *known == class);
            if let Some((_, group)) = at.and_then(|at| groups.get_mut(at)) {
                group.push(row);
            }
        }
        groups.retain(|(_, rows)| !rows.is_empty());
        let legend = OPERATIONS.iter().filter(|(name, ..)| used.contains(name)).copied().collect();
        Self { columns, groups, legend, laws }
    }
}

fn mark(cell: &Cell, laws: &mut Vec<String>) -> Mark {
    let law = cell.law.as_ref().map(|law| {
        let at = laws.iter().position(|known| known == law).unwrap_or_else(|| {
            laws.push(law.clone());
            laws.len() - 1
        });
        at + 1
    });
    let shown = OPERATIONS.iter().find(|(name, ..)| *name == cell.operation);
    let (operation, letter, tone) = shown.copied().unwrap_or((cell.operation, '?', "whole"));
    Mark { operation, letter, tone, law }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_letter_of_its_own() {
        let letters: BTreeSet<char> = OPERATIONS.iter().map(|(_, letter, _)| *letter).collect();
        assert_eq!(letters.len(), OPERATIONS.len());
    }
}
