//! The floor: statutory limits that no policy can go below.
//!
//! It names the domestic parties by id; whoever is not listed is foreign, whatever a record says.
//!
//! Abroad it is a list of the very operations that a standing policy may use, leaf by leaf. A list
//! of allowed words is not enough: `open` and `closed` can carry any leaf that is mapped onto them,
//! and a month can be that of a birth.
//!
//! INVARIANT: a floor under which a direct identifier or a text could leave Indonesia, or reach
//! counter-terrorism or justice, does not load, whoever signed it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::batch::Batch;
use super::operation::{Operation, Outcome};
use crate::domain::{Class, Leaf, MessageType, PartyId, PartyKind, Purpose, Shape};
use crate::mutant::{self, Mutant};

/// A floor as its file says.
#[derive(Debug, Clone)]
pub struct Floor {
    written: Written,
    /// Per leaf, what a standing policy may do with it towards a foreign party.
    standing: BTreeMap<String, Vec<Operation>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    domestic: Vec<PartyId>,
    /// When individual releases to foreign parties leave.
    batch: Batch,
    aggregate_only: AggregateOnly,
    foreign: Foreign,
    counter_terrorism: Domestic,
    justice: Domestic,
    social: Domestic,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AggregateOnly {
    law: String,
    purposes: Vec<Purpose>,
    messages: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    law: String,
    drop_only: Vec<Class>,
    standing: BTreeMap<String, Vec<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Domestic {
    law: String,
    drop_only: Vec<Class>,
    mapped_only: Vec<Class>,
    held_only: Vec<Class>,
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
        let written: Written =
            toml::from_str(text).map_err(|error| BadFloor(error.message().to_owned()))?;
        for class in [Class::Direct, Class::Text] {
            let domestic = [&written.counter_terrorism, &written.justice];
            if !written.foreign.drop_only.contains(&class)
                || domestic.iter().any(|limits| !limits.drop_only.contains(&class))
            {
                return Err(BadFloor("direct identifiers and texts are dropped only".to_owned()));
            }
        }
        let mut standing = BTreeMap::new();
        for (leaf, operations) in &written.foreign.standing {
            let operations: Result<Vec<_>, _> = operations.iter().map(Operation::parse).collect();
            let operations = operations.map_err(|why| BadFloor(format!("`{leaf}`: {why}")))?;
            if operations.iter().any(|o| matches!(o, Operation::Keep | Operation::Hold)) {
                let why = "nothing leaves Indonesia as a sender wrote it";
                return Err(BadFloor(format!("`{leaf}`: {why}")));
            }
            standing.insert(leaf.clone(), operations);
        }
        Ok(Self { written, standing })
    }

    /// What `party`, of kind `kind` by its record, is to the floor.
    pub fn kind(&self, party: &PartyId, kind: PartyKind) -> PartyKind {
        if self.written.domestic.contains(party) { kind } else { PartyKind::Foreign }
    }

    /// The law that limits what goes to a recipient of that kind.
    pub(super) fn law(&self, kind: PartyKind) -> &str {
        match kind {
            PartyKind::Foreign | PartyKind::Gateway => &self.written.foreign.law,
            PartyKind::CounterTerrorism => &self.written.counter_terrorism.law,
            PartyKind::Justice => &self.written.justice.law,
            PartyKind::Social => &self.written.social.law,
        }
    }

    /// What a standing policy may do with a leaf abroad, as it is written.
    pub(super) fn written_for(&self, leaf: &Leaf) -> &[Value] {
        self.written.foreign.standing.get(leaf.name.as_str()).map_or(&[], Vec::as_slice)
    }

    /// When individual releases to foreign parties leave, where their policy does not say.
    pub fn batch(&self) -> Batch {
        self.written.batch
    }

    /// Whether releases to foreign parties may leave as `batch` says: never more often than the
    /// floor's own windows open. Another day or hour of the month is as seldom.
    pub(super) fn admits_batch(&self, batch: Batch) -> Result<(), Below> {
        match (self.written.batch, batch) {
            (Batch::AtOnce, _) | (_, Batch::Monthly(_)) => Ok(()),
            (floor @ Batch::Monthly(_), Batch::AtOnce) => Err(Below {
                law: self.written.foreign.law.clone(),
                accepted: vec![floor.to_string()],
            }),
        }
    }

    /// Whether individual messages of that type may go for that purpose.
    pub(super) fn admits_purpose(
        &self,
        purpose: Purpose,
        message: &MessageType,
    ) -> Result<(), Below> {
        let aggregates = &self.written.aggregate_only;
        let named = |name: &String| name.as_str() == message.name();
        if !aggregates.purposes.contains(&purpose) || aggregates.messages.iter().any(named) {
            return Ok(());
        }
        Err(Below { law: aggregates.law.clone(), accepted: aggregates.messages.clone() })
    }

    /// Whether the floor lets `operation` on `leaf`, or on an array that `leaf` lies in, reach a
    /// recipient of that kind.
    pub(super) fn admits(
        &self,
        kind: PartyKind,
        leaf: &Leaf,
        operation: &Operation,
    ) -> Result<(), Below> {
        if *operation == Operation::Drop || mutant::is(Mutant::FloorIgnored) {
            return Ok(());
        }
        match kind {
            PartyKind::Foreign | PartyKind::Gateway => self.admits_abroad(leaf, operation),
            PartyKind::CounterTerrorism => self.written.counter_terrorism.admits(leaf, operation),
            PartyKind::Justice => self.written.justice.admits(leaf, operation),
            PartyKind::Social => self.written.social.admits(leaf, operation),
        }
    }

    /// The law by which `leaf` is not passed on to a recipient of that kind, whatever a standing
    /// policy says; `None` where a policy decides.
    pub(super) fn fixes(&self, kind: PartyKind, leaf: &Leaf) -> Option<&str> {
        let (law, is_fixed) = match kind {
            PartyKind::Foreign | PartyKind::Gateway => {
                let foreign = &self.written.foreign;
                let listed = self.standing.get(leaf.name.as_str());
                let has_none = listed.is_none_or(|operations| {
                    operations.iter().all(|operation| self.admits(kind, leaf, operation).is_err())
                });
                (&foreign.law, has_none)
            }
            PartyKind::CounterTerrorism => self.written.counter_terrorism.fixes(leaf),
            PartyKind::Justice => self.written.justice.fixes(leaf),
            PartyKind::Social => self.written.social.fixes(leaf),
        };
        is_fixed.then_some(law.as_str())
    }

    /// Whether the floor lets `operation` on `leaf` reach a recipient of that kind by an exception:
    /// abroad more than a standing policy may, but never a direct identifier or a text, and no
    /// string that is not of a closed list, a date or minted here. At home the floor stays as it
    /// is.
    pub(super) fn admits_by_exception(
        &self,
        kind: PartyKind,
        leaf: &Leaf,
        operation: &Operation,
    ) -> Result<(), Below> {
        if !matches!(kind, PartyKind::Foreign | PartyKind::Gateway) {
            return self.admits(kind, leaf, operation);
        }
        let foreign = &self.written.foreign;
        let is_listed = match (operation, operation.outcome(Some(leaf))) {
            (Operation::Drop, _) => true,
            (Operation::Hold, _) => false,
            // a reference is only ever made anew
            (Operation::Pseudonym, outcome) => outcome == Outcome::Minted,
            _ if leaf.reference.is_some() => false,
            (_, Outcome::AsItIs) => matches!(leaf.shape, Shape::Codes(_) | Shape::Date),
            _ => true,
        };
        if *operation == Operation::Drop || (is_listed && !foreign.drop_only.contains(&leaf.class))
        {
            return Ok(());
        }
        Err(Below { law: foreign.law.clone(), accepted: vec!["drop".to_owned()] })
    }

    fn admits_abroad(&self, leaf: &Leaf, operation: &Operation) -> Result<(), Below> {
        let foreign = &self.written.foreign;
        let standing = match self.standing.get(leaf.name.as_str()) {
            Some(operations) if !foreign.drop_only.contains(&leaf.class) => operations.as_slice(),
            _ => &[],
        };
        // the second half holds for every floor that loads; it costs nothing to look again
        let is_as_sent = operation.outcome(Some(leaf)) == Outcome::AsItIs;
        if standing.contains(operation) && !is_as_sent {
            return Ok(());
        }
        let written = foreign.standing.get(leaf.name.as_str()).filter(|_| !standing.is_empty());
        let mut accepted = vec!["drop".to_owned()];
        accepted.extend(written.into_iter().flatten().map(|o| match o {
            Value::String(name) => name.clone(),
            operation => operation.to_string(),
        }));
        Err(Below { law: foreign.law.clone(), accepted })
    }
}

impl Domestic {
    fn fixes(&self, leaf: &Leaf) -> (&String, bool) {
        (&self.law, self.drop_only.contains(&leaf.class))
    }

    fn admits(&self, leaf: &Leaf, operation: &Operation) -> Result<(), Below> {
        let is_held = self.held_only.contains(&leaf.class);
        let (passes, accepted): (bool, &[&str]) = if self.drop_only.contains(&leaf.class) {
            (false, &["drop"])
        } else if is_held || *operation == Operation::Hold {
            (is_held && *operation == Operation::Hold, &["drop", "hold"])
        } else if self.mapped_only.contains(&leaf.class) {
            let is_mapped = matches!(operation, Operation::Constant(_) | Operation::CodeMap(_));
            (is_mapped, &["drop", "constant", "code_map"])
        } else if leaf.class == Class::Legal {
            (*operation == Operation::Keep, &["drop", "keep"])
        } else {
            (true, &[])
        };
        if passes {
            return Ok(());
        }
        let accepted = accepted.iter().map(|name| (*name).to_owned()).collect();
        Err(Below { law: self.law.clone(), accepted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/floor.development.toml");

    #[test]
    fn a_floor_that_lets_identifiers_out_does_not_load() {
        assert!(Floor::parse(SHIPPED).is_ok());
        for (from, to) in [
            ("drop_only = [\"direct\", \"text\"]", "drop_only = [\"direct\"]"),
            ("[\"month\"]", "[\"keep\"]"),
            ("[\"month\"]", "[\"moth\"]"),
            ("[foreign]", "[foreign]\nexcept = true"),
            ("[social]", "[asocial]"),
            ("batch = \"at_once\"", ""),
            ("batch = \"at_once\"", "batch = \"weekly\""),
            ("batch = \"at_once\"", "batch = { day = 29, hour = \"09:00 Asia/Jakarta\" }"),
            ("batch = \"at_once\"", "batch = { day = 1, hour = \"09:00 Europe/Brussels\" }"),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            assert!(Floor::parse(&SHIPPED.replacen(from, to, 1)).is_err(), "{from} → {to}");
        }
    }

    #[test]
    fn whoever_is_not_listed_is_foreign() {
        let floor = Floor::parse(SHIPPED).unwrap();
        let party = |text: &str| text.parse::<PartyId>().unwrap();
        assert_eq!(floor.kind(&party("kemensos"), PartyKind::Social), PartyKind::Social);
        assert_eq!(floor.kind(&party("dinas"), PartyKind::Social), PartyKind::Foreign);
        assert_eq!(floor.kind(&party("kemensos"), PartyKind::Foreign), PartyKind::Foreign);
    }
}
