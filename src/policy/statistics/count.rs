//! Subjects into cells. What is counted are persons, each once in a table but for services.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::super::operation::foreign_bands;
use super::super::plan::age_band;
use crate::domain::aggregate::region_group;
use crate::domain::{Body, CellId, PartyId, TableId};

/// Parties that put together what they know.
pub type Coalition = BTreeSet<PartyId>;

/// One person as the tables see it: no reference, no date, nothing that tells it from others alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// In which cells it stands.
    pub cells: Vec<CellId>,
    /// Who referred it or holds a release about it.
    pub known_to: BTreeSet<PartyId>,
}

/// How many persons stand in each cell; a cell that is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<CellId, u32>);

impl Counts {
    /// Of those that a filter lets pass.
    pub fn of(subjects: &[Subject], fits: impl Fn(&Subject) -> bool) -> Self {
        let mut counts = Self::default();
        for subject in subjects.iter().filter(|subject| fits(subject)) {
            for cell in &subject.cells {
                *counts.0.entry(cell.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// Of those that any party of a coalition knows of.
    pub fn known_to(subjects: &[Subject], coalition: &Coalition) -> Self {
        Self::of(subjects, |subject| !subject.known_to.is_disjoint(coalition))
    }

    /// How many stand in a cell.
    pub fn at(&self, cell: &CellId) -> u32 {
        self.0.get(cell).copied().unwrap_or(0)
    }

    /// How many stand in a table; for one in which each stands once, how many persons there are.
    pub fn sum(&self, table: TableId) -> u32 {
        self.0.iter().filter(|(cell, _)| cell.table == table).map(|(_, n)| n).sum()
    }

    pub(super) fn into_cells(self) -> BTreeMap<CellId, u32> {
        self.0
    }
}

/// Every coalition of these parties.
pub fn coalitions(parties: &BTreeSet<PartyId>) -> Vec<Coalition> {
    let mut all = vec![Coalition::new()];
    for party in parties {
        let mut with = all.clone();
        for coalition in &mut with {
            coalition.insert(party.clone());
        }
        all.extend(with);
    }
    all.retain(|coalition| !coalition.is_empty());
    all
}

/// The cells that the body of a referral puts its subject in: all tables but that of outcomes.
/// `None` if a dimension that every person has cannot be told.
pub fn referral_cells(body: &Body, reference: Date) -> Option<Vec<CellId>> {
    let sex = body.text("/subject/sex")?;
    let age = age_group(body.text("/subject/birth/date")?, reference);
    let region = region_group(body.text("/location/adm1")?)?;
    let mut cells = vec![
        CellId::of(TableId::SexByAge, &[sex, &age])?,
        CellId::of(TableId::Pathway, &[body.text("/origin/pathway")?])?,
        CellId::of(TableId::Category, &[body.text("/category/ampk")?])?,
        CellId::of(TableId::RegionGroup, &[region])?,
    ];
    let services = body.value().pointer("/services_requested");
    let services: BTreeSet<&str> = services
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    cells.extend(services.iter().filter_map(|code| CellId::of(TableId::Services, &[code])));
    Some(cells)
}

/// The cell of an outcome.
pub fn outcome_cell(code: &str) -> Option<CellId> {
    CellId::of(TableId::Outcomes, &[code])
}

/// As abroad: other edges would tell who is old enough to be recorded.
fn age_group(birth: &str, reference: Date) -> String {
    let band = age_band(birth, foreign_bands(), reference);
    let band = band.ok().and_then(|band| band.as_str().map(str::to_owned));
    band.unwrap_or_else(|| "unknown".to_owned())
}
