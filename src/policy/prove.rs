//! What can reach a recipient, leaf by leaf: because a plan is finite and total, this is a check
//! over every leaf and no assertion.

use std::fmt;

use super::compile::Compiled;
use super::operation::{Operation, Outcome};
use crate::domain::Class;

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
    pub comes_out: String,
}

/// Walks every leaf of the schema.
pub fn prove(policy: &Compiled) -> Proof {
    let mut nothing_direct = true;
    let rows = policy.table().leaves.iter().map(|leaf| {
        let operation = policy.operations().get(leaf.name.as_str()).unwrap_or(&Operation::Drop);
        let outcome = operation.outcome(Some(leaf));
        let lets_through = matches!(outcome, Outcome::AsItIs);
        if lets_through && matches!(leaf.class, Class::Direct | Class::Text) {
            nothing_direct = false;
        }
        ProofRow {
            leaf: leaf.name.to_string(),
            class: leaf.class,
            operation: operation.name(),
            comes_out: match outcome {
                Outcome::Nothing => "-".to_owned(),
                Outcome::Codes(codes) => codes.join("|"),
                Outcome::Minted => "a reference of the recipient's own".to_owned(),
                Outcome::Month => "a month".to_owned(),
                Outcome::Year => "a year".to_owned(),
                Outcome::HalfYear => "a half-year".to_owned(),
                Outcome::AsItIs if *operation == Operation::Hold => {
                    "the text, once an officer lets it go".to_owned()
                }
                Outcome::AsItIs => "the value as sent".to_owned(),
            },
        }
    });
    let rows = rows.collect();
    Proof {
        id: policy.id().to_owned(),
        recipient: policy.recipient().to_string(),
        rows,
        nothing_direct,
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
