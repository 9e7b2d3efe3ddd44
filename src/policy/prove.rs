//! What can reach a recipient, leaf by leaf: because a plan is finite and total, this is a check
//! over every leaf and no assertion.

use std::fmt;

use serde_json::Value;

use super::compile::Compiled;
use super::operation::{Operation, Outcome};
use super::plan::PAD;
use crate::domain::{Class, Phrase};

/// The proof of one policy.
#[derive(Debug)]
pub struct Proof {
    /// Which policy.
    pub id: String,
    /// For whom.
    pub recipient: String,
    /// Every leaf of the schema.
    pub rows: Vec<ProofRow>,
    /// Whether no direct identifier and no free text can reach the recipient.
    pub nothing_direct: bool,
}

/// One leaf.
#[derive(Debug)]
pub struct ProofRow {
    /// Its name.
    pub leaf: String,
    /// Its class.
    pub class: Class,
    /// What happens to it.
    pub operation: &'static str,
    /// What can come out.
    pub comes_out: Phrase,
    /// The same, where it is a closed list.
    pub codes: Vec<String>,
}

/// Walks every leaf of the schema, and every array that is counted.
///
/// The verdict is computed twice, from the operations and from the release schema, and both must
/// agree: a leaf that the schema lets out but no operation answers for spoils it.
pub fn prove(policy: &Compiled) -> Proof {
    let table = policy.table();
    let counted = policy.operations().iter().filter(|(name, _)| table.leaf(name).is_none());
    let mut nothing_direct = answers_for_all(policy);
    let mut rows = Vec::with_capacity(table.leaves.len());
    for leaf in &table.leaves {
        let operation = policy.operations().get(leaf.name.as_str()).unwrap_or(&Operation::Drop);
        let outcome = operation.outcome(Some(leaf));
        let is_told = tells(&outcome, operation);
        if is_told && matches!(leaf.class, Class::Direct | Class::Text) {
            nothing_direct = false;
        }
        rows.push(row(leaf.name.as_str(), leaf.class, operation, outcome));
    }
    for (name, operation) in counted {
        let within = table.leaves.iter().filter(|leaf| leaf.name.is_within(name));
        // the strictest class below: an array's length tells of all of them
        let class = within.map(|leaf| leaf.class).min().unwrap_or(Class::Direct);
        nothing_direct &= !matches!(class, Class::Direct | Class::Text);
        rows.push(row(name, class, operation, operation.outcome(None)));
    }
    rows.sort_by(|one, other| one.leaf.cmp(&other.leaf));
    Proof {
        id: policy.id().to_owned(),
        recipient: policy.recipient().to_string(),
        rows,
        nothing_direct,
    }
}

/// Whether the message decides anything of what comes out.
fn tells(outcome: &Outcome, operation: &Operation) -> bool {
    !matches!(operation, Operation::Constant(_)) && *outcome != Outcome::Nothing
}

fn row(leaf: &str, class: Class, operation: &Operation, outcome: Outcome) -> ProofRow {
    let comes_out = match &outcome {
        Outcome::Nothing => Phrase::new("why-out-nothing"),
        Outcome::Codes(codes) => Phrase::new("why-said").with("said", codes.join("|")),
        Outcome::Minted => Phrase::new("why-out-minted"),
        Outcome::Month => Phrase::new("why-out-month"),
        Outcome::Year => Phrase::new("why-out-year"),
        Outcome::HalfYear => Phrase::new("why-out-half-year"),
        Outcome::AsItIs if *operation == Operation::Hold => Phrase::new("why-out-held"),
        Outcome::AsItIs => Phrase::new("why-out-as-sent"),
    };
    let codes = match outcome {
        Outcome::Codes(codes) => codes,
        _ => Vec::new(),
    };
    ProofRow { leaf: leaf.to_owned(), class, operation: operation.name(), comes_out, codes }
}

/// Whether every place in the release schema is one that an operation other than `drop` answers
/// for, or the pad.
fn answers_for_all(policy: &Compiled) -> bool {
    let Ok(schema) = serde_json::from_str::<Value>(policy.release_schema()) else { return false };
    let mut places = Vec::new();
    let closed = gather("", &schema, &mut places);
    closed
        && places.iter().all(|place| {
            let operation = policy.operations().get(place);
            operation.is_some_and(|operation| *operation != Operation::Drop)
                || (policy.foreign() && *place == format!("/{PAD}"))
        })
}

/// Every leaf place of a release schema; `false` if an object in it is open.
fn gather(at: &str, schema: &Value, places: &mut Vec<String>) -> bool {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let each = properties.iter();
        return is_closed
            && each.fold(true, |so_far, (name, below)| {
                gather(&format!("{at}/{name}"), below, places) && so_far
            });
    }
    match schema.get("items") {
        Some(items) if items.get("properties").is_some() => {
            gather(&format!("{at}/*"), items, places)
        }
        _ => {
            places.push(at.to_owned());
            true
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.leaf.len()).max().unwrap_or(0);
        for row in &self.rows {
            let class = format!("{:?}", row.class).to_lowercase();
            writeln!(f, "{:width$}  {class:11}  {:9}  {}", row.leaf, row.operation, row.comes_out)?;
        }
        let passed = self.rows.iter().filter(|row| row.operation != "drop").count();
        writeln!(f)?;
        write!(f, "{} leaves, {passed} pass. ", self.rows.len())?;
        if self.nothing_direct {
            write!(f, "No direct identifier and no free text can reach {}.", self.recipient)
        } else {
            write!(f, "Direct identifiers or free text CAN reach {}.", self.recipient)
        }
    }
}
