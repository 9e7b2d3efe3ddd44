//! A policy compiled against a schema under the floor.
//!
//! No wildcard, no order, no first match: one operation per leaf, and a leaf with none is an
//! error. So a field that a schema gains stops every policy until someone has decided about it.

use std::collections::BTreeMap;

use jsonschema::Validator;
use time::Date;

use super::floor::Floor;
use super::net;
use super::operation::{Operation, Outcome};
use super::plan::Plan;
use super::release_schema;
use super::source::Source;
use crate::domain::{Address, Digest, LeafTable, MessageType, PartyKind, Purpose};

/// What is wrong with a policy, where, and what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line of the file, from 1; 0 where a line is missing.
    pub line: usize,
    /// The leaf concerned.
    pub leaf: String,
    /// What is wrong.
    pub message: String,
    /// What would be accepted.
    pub accepted: Vec<String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "`{}`: {}", self.leaf, self.message)?;
        if self.accepted.is_empty() {
            Ok(())
        } else {
            write!(f, "; accepted: {}", self.accepted.join(", "))
        }
    }
}

/// A policy that may be applied.
#[derive(Debug)]
pub struct Compiled {
    source: Source,
    text: String,
    digest: Digest,
    kind: PartyKind,
    plan: Plan,
    operations: BTreeMap<String, Operation>,
    table: LeafTable,
    release_schema: String,
    release_schema_digest: Digest,
    validator: Validator,
}

impl Compiled {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.source.id
    }

    /// Its version.
    pub fn version(&self) -> u32 {
        self.source.head.version
    }

    /// Digest of its RFC 8785 form.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its RFC 8785 form.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who sends under it.
    pub fn sender(&self) -> &Address {
        &self.source.head.sender
    }

    /// Who receives under it.
    pub fn recipient(&self) -> &Address {
        &self.source.head.recipient
    }

    /// Which message type it is for.
    pub fn message(&self) -> &MessageType {
        &self.source.head.message
    }

    /// For which purpose.
    pub fn purpose(&self) -> Purpose {
        self.source.head.purpose
    }

    /// Under which agreement.
    pub fn agreement(&self) -> &str {
        &self.source.head.agreement
    }

    /// Last day in force.
    pub fn expires(&self) -> Date {
        self.source.head.expires
    }

    /// What the recipient is to the floor.
    pub fn kind(&self) -> PartyKind {
        self.kind
    }

    /// Whether the recipient is foreign.
    pub fn foreign(&self) -> bool {
        self.kind == PartyKind::Foreign
    }

    /// What to build.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether any string of a release is free to vary, so that the net has something to look at.
    pub fn has_free_leaves(&self) -> bool {
        self.plan.has_free_leaves()
    }

    /// The closed schema of what this recipient can ever receive, RFC 8785 form.
    pub fn release_schema(&self) -> &str {
        &self.release_schema
    }

    /// Its digest.
    pub fn release_schema_digest(&self) -> Digest {
        self.release_schema_digest
    }

    pub(super) fn validator(&self) -> &Validator {
        &self.validator
    }

    pub(super) fn table(&self) -> &LeafTable {
        &self.table
    }

    /// The operation of every leaf, and of every array that is counted.
    pub(super) fn operations(&self) -> &BTreeMap<String, Operation> {
        &self.operations
    }
}

/// Compiles a policy.
///
/// # Errors
/// Every [`Finding`].
pub fn compile(
    source: Source,
    floor: &Floor,
    table: &LeafTable,
    recipient: PartyKind,
) -> Result<Compiled, Vec<Finding>> {
    let kind = floor.kind(&source.head.recipient.party, recipient);
    compile_for(source, floor, table, kind)
}

/// Compiles for a recipient of that kind: for fixed plans, which name no recipient.
pub(super) fn compile_for(
    source: Source,
    floor: &Floor,
    table: &LeafTable,
    kind: PartyKind,
) -> Result<Compiled, Vec<Finding>> {
    let mut findings = Vec::new();
    let operations = cover(&source, table, &mut findings);
    judge(&source, (floor, kind), table, &operations, &mut findings);
    if source.head.sender_proof && matches!(kind, PartyKind::Foreign | PartyKind::Gateway) {
        findings.push(Finding {
            line: 1,
            leaf: "sender_proof".to_owned(),
            message: "no byte that a sender chose leaves Indonesia".to_owned(),
            accepted: vec!["false".to_owned()],
        });
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let foreign = kind == PartyKind::Foreign;
    let plan = Plan::new(table, &operations, foreign);
    let schema = release_schema::of(&plan, table);
    let no_schema = |reason: String| {
        vec![Finding { line: 0, leaf: String::new(), message: reason, accepted: Vec::new() }]
    };
    let validator = release_schema::validator(&schema).map_err(|e| no_schema(e.to_string()))?;
    let bytes = crate::domain::json::canonical(&schema).map_err(|e| no_schema(e.to_string()))?;
    let text = source.canonical();
    Ok(Compiled {
        digest: Digest::of(text.as_bytes()),
        text,
        source,
        kind,
        plan,
        operations,
        table: table.clone(),
        release_schema_digest: Digest::of(&bytes),
        release_schema: String::from_utf8(bytes).unwrap_or_default(),
        validator,
    })
}

/// Every row of the policy laid over the leaves: an operation per leaf, or findings.
fn cover(
    source: &Source,
    table: &LeafTable,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Operation> {
    let mut operations: BTreeMap<String, Operation> = BTreeMap::new();
    let mut counted: Vec<String> = Vec::new();
    for (name, written, line) in &source.leaves {
        let mut find = |message: String, accepted: Vec<String>| {
            findings.push(Finding { line: *line, leaf: name.clone(), message, accepted });
        };
        let operation = match Operation::parse(written) {
            Ok(operation) => operation,
            Err(reason) => {
                find(reason, Vec::new());
                continue;
            }
        };
        let below: Vec<&str> = table
            .leaves
            .iter()
            .map(|leaf| leaf.name.as_str())
            .filter(|leaf| crate::domain::LeafName::new(leaf).is_within(name))
            .collect();
        if below.is_empty() {
            let near = nearest(name, table);
            find("the message type has no such leaf".to_owned(), near);
            continue;
        }
        let is_leaf = table.leaf(name).is_some();
        let is_array = table.arrays.contains_key(name.as_str());
        match &operation {
            Operation::Count(_) if is_array => counted.push(name.clone()),
            Operation::Drop => {}
            _ if is_leaf => {}
            _ => {
                find(
                    "a whole subtree may be dropped, never passed on".to_owned(),
                    vec!["drop".to_owned()],
                );
                continue;
            }
        }
        for leaf in below {
            let each = if is_leaf { operation.clone() } else { Operation::Drop };
            if operations.insert(leaf.to_owned(), each).is_some() {
                find(format!("`{leaf}` is covered twice"), Vec::new());
            }
        }
        if counted.last() == Some(name) {
            operations.insert(name.clone(), operation);
        }
    }
    for leaf in &table.leaves {
        if !operations.contains_key(leaf.name.as_str()) {
            findings.push(Finding {
                line: 0,
                leaf: leaf.name.to_string(),
                message: "has no operation".to_owned(),
                accepted: vec!["drop".to_owned()],
            });
        }
    }
    operations
}

/// Whether each operation fits its leaf, the floor admits it, and the net lets its codes pass.
fn judge(
    source: &Source,
    (floor, kind): (&Floor, PartyKind),
    table: &LeafTable,
    operations: &BTreeMap<String, Operation>,
    findings: &mut Vec<Finding>,
) {
    let line_of = |name: &str| {
        let row = source.leaves.iter().find(|(leaf, ..)| leaf == name);
        row.map_or(0, |(.., line)| *line)
    };
    for (name, operation) in operations {
        let mut find = |message: String, accepted: Vec<String>| {
            findings.push(Finding { line: line_of(name), leaf: name.clone(), message, accepted });
        };
        let leaf = table.leaf(name);
        match leaf {
            Some(leaf) => {
                if let Err(reason) = operation.fits(leaf) {
                    find(reason.to_owned(), Vec::new());
                } else if let Err(below) = floor.admits(kind, leaf, operation) {
                    let message =
                        format!("`{}` goes below the floor ({})", operation.name(), below.law);
                    find(message, below.accepted);
                }
            }
            None if kind == PartyKind::Foreign => {
                find("the length of an array identifies".to_owned(), vec!["drop".to_owned()]);
            }
            None => {}
        }
        if let Outcome::Codes(codes) = operation.outcome(leaf)
            && codes.iter().any(|code| net::scan_shapes(code).is_some())
        {
            find("a value that would be passed on looks like an identifier".to_owned(), Vec::new());
        }
    }
}

fn nearest(name: &str, table: &LeafTable) -> Vec<String> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let near = table.leaves.iter().filter(|leaf| leaf.name.as_str().ends_with(last));
    near.take(3).map(|leaf| leaf.name.to_string()).collect()
}
