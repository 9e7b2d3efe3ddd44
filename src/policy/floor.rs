//! The floor: statutory limits that no policy can go below.
//!
//! It names the domestic parties by id; whoever is not listed is foreign, whatever a record says.

use serde::Deserialize;

use super::operation::{Operation, Outcome};
use crate::domain::{Class, Leaf, PartyId, PartyKind};

/// A floor as its file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    domestic: Vec<PartyId>,
    /// When individual releases to foreign parties leave.
    #[expect(dead_code, reason = "batch windows are not built yet; the floor already says them")]
    batch: toml::Value,
    foreign: Foreign,
    counter_terrorism: Domestic,
    justice: Domestic,
    social: Domestic,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    law: String,
    drop_only: Vec<Class>,
    codes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Domestic {
    law: String,
    drop_only: Vec<Class>,
    mapped_only: Vec<Class>,
}

/// A floor that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the floor cannot be read: {0}")]
pub struct BadFloor(String);

/// What the floor says against an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Below {
    pub(super) law: String,
    pub(super) accepted: Vec<String>,
}

impl Floor {
    /// Reads a floor. Its signature is checked before, over the same bytes.
    ///
    /// # Errors
    /// [`BadFloor`].
    pub fn parse(text: &str) -> Result<Self, BadFloor> {
        let floor: Self =
            toml::from_str(text).map_err(|error| BadFloor(error.message().to_owned()))?;
        for class in [Class::Direct, Class::Text] {
            let domestic = [&floor.counter_terrorism, &floor.justice];
            if !floor.foreign.drop_only.contains(&class)
                || domestic.iter().any(|limits| !limits.drop_only.contains(&class))
            {
                return Err(BadFloor("direct identifiers and texts are dropped only".to_owned()));
            }
        }
        Ok(floor)
    }

    /// What `party`, of kind `kind` by its record, is to the floor.
    pub fn kind(&self, party: &PartyId, kind: PartyKind) -> PartyKind {
        if self.domestic.contains(party) { kind } else { PartyKind::Foreign }
    }

    /// Whether the floor lets `operation` on `leaf` reach a recipient of that kind.
    pub(super) fn admits(
        &self,
        kind: PartyKind,
        leaf: &Leaf,
        operation: &Operation,
    ) -> Result<(), Below> {
        if *operation == Operation::Drop {
            return Ok(());
        }
        match kind {
            PartyKind::Foreign | PartyKind::Gateway => self.admits_abroad(leaf, operation),
            PartyKind::CounterTerrorism => {
                self.counter_terrorism.admits(leaf, operation, Holds::No)
            }
            PartyKind::Justice => self.justice.admits(leaf, operation, Holds::No),
            PartyKind::Social => self.social.admits(leaf, operation, Holds::Yes),
        }
    }

    /// Abroad goes a pairwise reference, a month, and codes of the floor's own list; nothing else.
    fn admits_abroad(&self, leaf: &Leaf, operation: &Operation) -> Result<(), Below> {
        let is_droppable_only = self.foreign.drop_only.contains(&leaf.class);
        let passes = match operation.outcome(Some(leaf)) {
            Outcome::Minted | Outcome::Month => true,
            Outcome::Codes(codes) => codes.iter().all(|code| self.foreign.codes.contains(code)),
            Outcome::Nothing | Outcome::Year | Outcome::HalfYear | Outcome::AsItIs => false,
        };
        if passes && !is_droppable_only {
            return Ok(());
        }
        let accepted = if is_droppable_only {
            vec!["drop".to_owned()]
        } else {
            let codes = self.foreign.codes.join("|");
            vec!["drop".to_owned(), "month".to_owned(), format!("codes of {codes}")]
        };
        Err(Below { law: self.foreign.law.clone(), accepted })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
}

impl Domestic {
    fn admits(&self, leaf: &Leaf, operation: &Operation, holds: Holds) -> Result<(), Below> {
        let accepted = if self.drop_only.contains(&leaf.class) {
            vec!["drop"]
        } else if self.mapped_only.contains(&leaf.class) {
            if matches!(operation, Operation::Constant(_) | Operation::CodeMap(_)) {
                return Ok(());
            }
            vec!["drop", "constant", "code_map"]
        } else if *operation == Operation::Hold && holds == Holds::No {
            vec!["drop"]
        } else if leaf.class == Class::Legal && *operation != Operation::Keep {
            vec!["drop", "keep"]
        } else {
            return Ok(());
        };
        let accepted = accepted.into_iter().map(str::to_owned).collect();
        Err(Below { law: self.law.clone(), accepted })
    }
}
