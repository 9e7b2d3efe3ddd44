//! What was said about a period, to whom: later reports are checked against it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::count::{Coalition, Counts};
use crate::domain::{CellId, PartyId, Period, TableId};

/// What a party is shown of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The rounded number.
    Shown(u32),
    /// Nothing: too few remain. Never told apart from the next in anything that leaves.
    Small,
    /// Nothing: it would tell of another cell, or of everyone in its row.
    Protecting,
}

impl Mark {
    /// The number shown, if one is.
    pub const fn shown(self) -> Option<u32> {
        if let Self::Shown(n) = self { Some(n) } else { None }
    }
}

/// One period as it was reported. Holds no number that was not released to somebody, and beside
/// these only how many persons each party knows of anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The period.
    pub period: Period,
    /// Fewest subjects in a cell that is shown.
    pub k: u32,
    /// What every number is a multiple of.
    pub base: u32,
    /// The version of the method.
    pub method: String,
    /// What each party was shown of each cell.
    pub marks: BTreeMap<PartyId, BTreeMap<CellId, Mark>>,
    /// How many persons in each cell each coalition knows of; the parties joined by `+`.
    pub known: BTreeMap<String, BTreeMap<CellId, u32>>,
}

impl Record {
    /// What a party was shown of a cell; nothing if it was no recipient.
    pub fn mark(&self, party: &PartyId, cell: &CellId) -> Option<Mark> {
        self.marks.get(party)?.get(cell).copied()
    }

    /// How many of a cell a coalition knows of, by those of its parties that were recipients.
    pub fn known(&self, coalition: &Coalition, cell: &CellId) -> u32 {
        let here = coalition.iter().filter(|party| self.marks.contains_key(*party));
        let known = self.known.get(&name(here));
        known.and_then(|known| known.get(cell)).copied().unwrap_or(0)
    }

    pub(super) fn know(&mut self, coalition: &Coalition, counts: Counts) {
        self.known.insert(name(coalition.iter()), counts.into_cells());
    }

    /// The cells of a table as one party was shown them, in the order of the menu.
    pub fn table(&self, party: &PartyId, table: TableId) -> Vec<(CellId, Option<u32>)> {
        let shown = |cell: CellId| {
            let n = self.mark(party, &cell).and_then(Mark::shown);
            (cell, n)
        };
        table.cells().into_iter().map(shown).collect()
    }
}

fn name<'a>(parties: impl Iterator<Item = &'a PartyId>) -> String {
    parties.map(PartyId::as_str).collect::<Vec<_>>().join("+")
}
