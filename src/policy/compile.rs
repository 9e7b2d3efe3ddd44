//! A policy compiled against a schema under the floor.
//!
//! No wildcard, no order, no first match: one operation per leaf, and a leaf with none is an
//! error. So a field that a schema gains stops every policy until someone has decided about it.

use std::collections::BTreeMap;

use jsonschema::Validator;
use time::Date;

use super::batch::Batch;
use super::floor::Floor;
use super::net;
use super::operation::{Operation, Outcome};
use super::plan::Plan;
use super::release_schema;
use super::source::Source;
use crate::domain::{
    Address, Digest, Leaf, LeafName, LeafTable, MessageType, PartyKind, Phrase, Purpose, Shape,
};

/// What is wrong with a policy, where, and what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line of the file, from 1; 0 where a line is missing.
    pub line: usize,
    /// The leaf concerned.
    pub leaf: String,
    /// What is wrong.
    pub message: Phrase,
    /// What would be accepted.
    pub accepted: Vec<String>,
}

impl Finding {
    /// All of it as one phrase.
    pub fn phrase(&self) -> Phrase {
        let named = Phrase::new("why-at-leaf").with("leaf", &self.leaf);
        self.whole(named.telling("reason", self.message.clone()))
    }

    /// The same, less the leaf.
    pub fn told(&self) -> Phrase {
        self.whole(self.message.clone())
    }

    fn whole(&self, reason: Phrase) -> Phrase {
        let accepted = self.accepted.join(", ");
        let whole = match accepted.as_str() {
            "" => reason,
            some => Phrase::new("why-accepted").telling("reason", reason).with("accepted", some),
        };
        whole.on_line(self.line)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.phrase().fmt(f)
    }
}

/// A policy that may be applied.
#[derive(Debug)]
pub struct Compiled {
    source: Source,
    text: String,
    digest: Digest,
    kind: PartyKind,
    batch: Batch,
    plan: Plan,
    operations: BTreeMap<String, Operation>,
    table: LeafTable,
    release_schema: String,
    release_schema_digest: Digest,
    validator: Validator,
    warnings: Vec<Finding>,
}

impl Compiled {
    /// What an approver should see although the policy compiles.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The leaves that are not dropped.
    pub fn passing(&self) -> Vec<LeafName> {
        let passing = self.operations.iter().filter(|(_, op)| **op != Operation::Drop);
        passing.map(|(name, _)| LeafName::new(name)).collect()
    }

    /// Whether a leaf of this name is passed on in any form.
    pub fn passes(&self, leaf: &str) -> bool {
        self.operations.get(leaf).is_some_and(|operation| *operation != Operation::Drop)
    }

    /// Makes this policy ready to be run after `other` over the same messages
    /// ([`super::would_disclose`]). Answers the leaves that this one passes on and treats
    /// differently, or for which the net searches for other values.
    pub fn compare(&mut self, other: &Self) -> Vec<LeafName> {
        self.plan.compare(&other.plan)
    }

    /// Adds what only its surroundings can tell.
    pub fn warn(&mut self, finding: Finding) {
        self.warnings.push(finding);
    }

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

    /// Why it is as it is, in its author's words.
    pub fn why(&self) -> &str {
        &self.source.head.why
    }

    /// Whether the sender's own signature travels along.
    pub fn sender_proof(&self) -> bool {
        self.source.head.sender_proof
    }

    /// When releases under it leave: as it says itself, else as the floor says; at once inside
    /// Indonesia.
    pub fn batch(&self) -> Batch {
        self.batch
    }

    /// For what takes data back, which waits for no window.
    pub(super) fn at_once(self) -> Self {
        Self { batch: Batch::AtOnce, ..self }
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

    /// Digest of the exception it was made from, if it was.
    pub fn exception(&self) -> Option<Digest> {
        self.source.above.as_ref().map(|(digest, _)| *digest)
    }

    /// The leaves that an exception names; none of a standing policy.
    pub fn excepted_leaves(&self) -> &[String] {
        self.source.above.as_ref().map_or(&[], |(_, leaves)| leaves)
    }

    /// As it was written.
    pub fn source(&self) -> &Source {
        &self.source
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
    judge_head(&source, floor, kind, &mut findings);
    if kind == PartyKind::Foreign && leaves_at("/pad", table).next().is_some() {
        let message = Phrase::new("why-pad");
        findings.push(Finding { line: 0, leaf: "/pad".to_owned(), message, accepted: Vec::new() });
    }
    let operations = cover(&source, table, &mut findings);
    judge(&source, (floor, kind), table, &operations, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let foreign = kind == PartyKind::Foreign;
    let plan = Plan::new(table, &operations, foreign);
    let schema = release_schema::of(&plan, table);
    let no_schema = || {
        let message = Phrase::new("why-no-release-schema");
        vec![Finding { line: 0, leaf: String::new(), message, accepted: Vec::new() }]
    };
    let validator = release_schema::validator(&schema).map_err(|_fault| no_schema())?;
    let bytes = crate::domain::json::canonical(&schema).map_err(|_fault| no_schema())?;
    let text = source.canonical();
    let warnings = unmapped(&source, table, &operations);
    let batch = match source.head.batch {
        _ if !foreign || leaves_on_its_day(&source) => Batch::AtOnce,
        own => own.unwrap_or(floor.batch()),
    };
    Ok(Compiled {
        warnings,
        batch,
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

/// What holds of the policy as a whole.
fn judge_head(source: &Source, floor: &Floor, kind: PartyKind, findings: &mut Vec<Finding>) {
    let mut find = |line: usize, leaf: &str, message: Phrase, accepted: Vec<String>| {
        findings.push(Finding { line, leaf: leaf.to_owned(), message, accepted });
    };
    let head = &source.head;
    if let Err(below) = floor.admits_purpose(head.purpose, &head.message) {
        let message = Phrase::new("why-aggregate-only").with("purpose", head.purpose);
        let message = message.with("law", below.law);
        find(source.line("purpose"), "purpose", message, below.accepted);
    }
    if head.sender_proof && matches!(kind, PartyKind::Foreign | PartyKind::Gateway) {
        let message = Phrase::new("why-no-proof-abroad");
        find(source.line("sender_proof"), "sender_proof", message, vec!["false".to_owned()]);
    }
    let Some(batch) = head.batch else { return };
    if kind != PartyKind::Foreign {
        let message = Phrase::new("why-batch-at-home");
        find(source.line("batch"), "batch", message, Vec::new());
    } else if leaves_on_its_day(source) {
        let message = Phrase::new("why-batch-of-answer");
        find(source.line("batch"), "batch", message, Vec::new());
    } else if let Err(below) = floor.admits_batch(batch) {
        let message = Phrase::new("why-batch-below").with("batch", batch).with("law", below.law);
        find(source.line("batch"), "batch", message, below.accepted);
    }
}

/// Whether what goes under it waits for a day of its own, said by the request that it answers, and
/// for no window.
fn leaves_on_its_day(source: &Source) -> bool {
    source.head.message.name() == "information-response"
}

/// Of how many unknown leaves it is said what may have been meant.
const NEAREST_MAX: usize = 20;

/// The leaves at or below a name that a policy gives.
fn leaves_at<'t>(name: &str, table: &'t LeafTable) -> impl Iterator<Item = &'t Leaf> {
    let is_name = name.len() > 1 && name.starts_with('/');
    table.leaves.iter().filter(move |leaf| is_name && leaf.name.is_within(name))
}

/// Every row of the policy laid over the leaves: an operation per leaf, or findings.
fn cover(
    source: &Source,
    table: &LeafTable,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Operation> {
    let mut operations: BTreeMap<String, Operation> = BTreeMap::new();
    let mut counted: Vec<String> = Vec::new();
    let mut unknown = 0;
    for (name, written, line) in &source.leaves {
        let mut find = |message: Phrase, accepted: Vec<String>| {
            findings.push(Finding { line: *line, leaf: name.clone(), message, accepted });
        };
        let operation = match Operation::parse(written) {
            Ok(operation) => operation,
            Err(reason) => {
                find(reason, Vec::new());
                continue;
            }
        };
        let below: Vec<&str> = leaves_at(name, table).map(|leaf| leaf.name.as_str()).collect();
        if below.is_empty() {
            // what may have been meant is worth its while for a few
            unknown += 1;
            let near = if unknown <= NEAREST_MAX { nearest(name, table) } else { Vec::new() };
            find(Phrase::new("why-no-leaf"), near);
            continue;
        }
        let is_leaf = table.leaf(name).is_some();
        let is_array = table.arrays.contains_key(name.as_str());
        match &operation {
            Operation::Count(_) if is_array => counted.push(name.clone()),
            Operation::Drop => {}
            _ if is_leaf => {}
            _ => {
                find(Phrase::new("why-subtree"), vec!["drop".to_owned()]);
                continue;
            }
        }
        for leaf in below {
            let each = if is_leaf { operation.clone() } else { Operation::Drop };
            if operations.insert(leaf.to_owned(), each).is_some() {
                find(Phrase::new("why-covered-twice").with("leaf", leaf), Vec::new());
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
                message: Phrase::new("why-no-operation"),
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
        let mut find = |message: Phrase, accepted: Vec<String>| {
            findings.push(Finding { line: line_of(name), leaf: name.clone(), message, accepted });
        };
        let leaf = table.leaf(name);
        if let Some(Err(reason)) = leaf.map(|leaf| operation.fits(leaf)) {
            find(Phrase::new(reason), Vec::new());
            continue;
        }
        // the length of an array tells of every leaf in it
        let mut concerned = leaves_at(name, table);
        let is_above = source.above.as_ref().is_some_and(|(_, leaves)| leaves.contains(name));
        let admits = |leaf: &Leaf| {
            if is_above {
                floor.admits_by_exception(kind, leaf, operation)
            } else {
                floor.admits(kind, leaf, operation)
            }
        };
        let below = concerned.find_map(|leaf| admits(leaf).err());
        if let Some(below) = below {
            let message = Phrase::new("why-below").with("operation", operation.name());
            find(message.with("law", below.law), below.accepted);
        }
        if *operation != Operation::Drop && looks_like_identifier(name, leaf, operation) {
            find(Phrase::new("why-looks-like-identifier"), Vec::new());
        }
    }
}

/// Codes that a message may hold and a table does not map: each is refused, or held at home.
fn unmapped(
    source: &Source,
    table: &LeafTable,
    operations: &BTreeMap<String, Operation>,
) -> Vec<Finding> {
    let mut warnings = Vec::new();
    for (name, _, line) in &source.leaves {
        let (Some(Operation::CodeMap(map)), Some(leaf)) = (operations.get(name), table.leaf(name))
        else {
            continue;
        };
        let Shape::Codes(codes) = &leaf.shape else { continue };
        let missing: Vec<&str> =
            codes.iter().filter(|code| !map.contains_key(*code)).map(String::as_str).collect();
        if !missing.is_empty() {
            let message = Phrase::new("why-unmapped").naming("codes", &missing);
            warnings.push(Finding {
                line: *line,
                leaf: name.clone(),
                message,
                accepted: Vec::new(),
            });
        }
    }
    warnings
}

/// Whether the net would hit a code that can come out, or a name on the way to it.
pub(super) fn looks_like_identifier(
    name: &str,
    leaf: Option<&Leaf>,
    operation: &Operation,
) -> bool {
    let outcome = operation.outcome(leaf);
    let codes = match (&outcome, leaf.map(|leaf| &leaf.shape)) {
        (Outcome::Codes(codes), _) | (Outcome::AsItIs, Some(Shape::Codes(codes))) => codes,
        _ => &Vec::new(),
    };
    let mut words = codes.iter().map(String::as_str).chain(name.split('/'));
    words.any(|word| net::scan_shapes(word).is_some())
}

/// The leaves a name may have meant: nearest by edits first.
fn nearest(name: &str, table: &LeafTable) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = table
        .leaves
        .iter()
        .map(|leaf| (edits(name, leaf.name.as_str()), leaf.name.as_str()))
        .collect();
    near.sort_unstable();
    near.retain(|(edits, leaf)| edits * 2 <= leaf.len().max(name.len()));
    near.into_iter().take(3).map(|(_, leaf)| leaf.to_owned()).collect()
}

/// Levenshtein distance in characters.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, pair) in other.iter().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (one, other, count) in [("kitten", "sitting", 3), ("", "abc", 3), ("a", "a", 0)] {
            assert_eq!(edits(one, other), count, "{one} {other}");
        }
    }
}
