//! What a version does, before anybody puts it in force: in sentences, on synthetic cases, and by
//! the proof over every field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::desk::rule_words;
use super::page::Page;
use crate::domain::{Class, Digest, DocumentKind, Fault, Leaf, LeafTable, Shape};
use crate::exchange::look::{Case, Seen, Surroundings};
use crate::exchange::rules::{BadDocument, Document};
use crate::exchange::{Gateway, Rules};
use crate::policy::{
    Compiled, DiffSentences, Finding, Preview, changed_lines, diff, explain, explain_diff, flat,
    prove,
};
use crate::schema::MessageSchema;
use crate::wire::VersionView;

/// Fields of a case that are shown beside a form, where not more of them change.
const ROWS_FEW: usize = 10;
/// Longest texts that are compared line by line, in lines of both.
const LINES_MAX: usize = 4000;
/// Longest value of a case that is shown, in characters.
const VALUE_CHARS_MAX: usize = 120;

/// What a version says and what it changes.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What the recipient receives under it, in sentences.
    pub(super) receives: Vec<String>,
    /// What it changes of the version in force, in sentences.
    pub(super) changes: Option<DiffSentences>,
    /// Thumbprints of the keys that it brings.
    pub(super) keys: Vec<Digest>,
    /// The same, line by line.
    pub(super) lines: Vec<String>,
    /// What speaks against it.
    pub(super) findings: Vec<Finding>,
}

/// All of that, and what it comes to.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) told: Told,
    /// What an approver should see although it compiles.
    pub(super) warnings: Vec<Finding>,
    /// Synthetic cases, before and after.
    pub(super) cases: Vec<Shown>,
    /// What can come out, field by field.
    pub(super) proof: Option<Proof>,
}

/// A synthetic case as a page shows it.
#[derive(Debug)]
pub(super) struct Shown {
    /// `typical`, `rare`, `hostile` or `hostile text`.
    pub(super) flavour: String,
    /// Why it goes to nobody, whatever the policy says.
    pub(super) refused: String,
    /// What becomes of it: before (where there is one) and after.
    pub(super) before: Option<Fate>,
    pub(super) after: Option<Fate>,
    /// Fields that the recipient has before or after.
    pub(super) rows: Vec<Row>,
    /// How many more it has, as today.
    pub(super) alike: usize,
    /// How many fields it has none of.
    pub(super) untold: usize,
}

/// What becomes of a case under one version.
#[derive(Debug)]
pub(super) struct Fate {
    /// `goes`, `held` or `refused`.
    pub(super) outcome: &'static str,
    /// Where, and by which rule.
    pub(super) places: String,
    /// What waits for an officer.
    pub(super) pending: String,
    /// Of how many people it could be, and how many there have to be.
    pub(super) group: Option<(u32, u32)>,
}

/// One field of a case.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: String,
    pub(super) sent: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// Whether it differs.
    pub(super) differs: bool,
}

/// The proof as a page shows it.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) recipient: String,
    pub(super) nothing_direct: bool,
    pub(super) all: usize,
    /// What passes: label, class, operation, what can come out.
    pub(super) rows: Vec<(String, &'static str, &'static str, String)>,
}

/// What a text says, once it compiles; an exception above the policy that it is above.
enum Compiles {
    Policy(Box<Compiled>),
    Exception { above: Box<Compiled>, standing: Option<Arc<Compiled>> },
    Other,
}

fn compiles(
    rules: &Rules,
    (kind, id): (DocumentKind, &str),
    text: &str,
) -> Result<Compiles, Vec<Finding>> {
    let judge = rules.judge();
    match Document::parse(kind, id, text) {
        Ok(Document::Policy(source)) => {
            Ok(Compiles::Policy(Box::new(judge.compile_source(*source)?)))
        }
        Ok(Document::Exception(source)) => {
            let standing = rules.standing(&source);
            let below = standing.as_deref().map(Compiled::source);
            let above = Box::new(judge.compile_exception(&source, 1, below)?);
            Ok(Compiles::Exception { above, standing })
        }
        Ok(_) => Ok(Compiles::Other),
        Err(BadDocument { line, reason: message }) => {
            let (leaf, accepted) = (String::new(), Vec::new());
            Err(vec![Finding { line, leaf, message, accepted }])
        }
    }
}

/// Reads a version's text beside the one in force.
pub(super) fn told(gateway: &Gateway, page: &Page, view: &VersionView, before: &str) -> Told {
    look(gateway, page, (view.kind, &view.id), (&view.text, before), Depth::Words).told
}

/// How closely a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What it says, and what it changes.
    Words,
    /// What becomes of synthetic cases too.
    Cases,
    /// The proof over every field too.
    Proof,
}

/// Looks at a text beside the one in force.
pub(super) fn look(
    gateway: &Gateway,
    page: &Page,
    named: (DocumentKind, &str),
    (text, before_text): (&str, &str),
    depth: Depth,
) -> Look {
    let rules = gateway.rules();
    let read = |text: &str| Document::parse(named.0, named.1, text).ok();
    let keys = read(text).map(|after| after.new_thumbprints(read(before_text).as_ref()));
    let (lines, keys) = (lines_between(before_text, text), keys.unwrap_or_default());
    let mut look = Look { told: Told { keys, lines, ..Told::default() }, ..Look::default() };
    let (after, standing) = match compiles(&rules, named, text) {
        Ok(Compiles::Policy(after)) => (after, None),
        Ok(Compiles::Exception { above, standing }) => (above, standing),
        Ok(Compiles::Other) => return look,
        Err(findings) => {
            look.told.findings = findings;
            return look;
        }
    };
    let own;
    let before = match standing.as_deref() {
        Some(standing) => Some(standing),
        None if named.0 == DocumentKind::Policy && !before_text.is_empty() => {
            own = compiles(&rules, named, before_text);
            match &own {
                Ok(Compiles::Policy(before)) => Some(&**before),
                _ => None,
            }
        }
        None => None,
    };
    let language = page.language;
    look.told.receives = explain(&after, language);
    if let Some(before) = before
        && let Ok(diff) = diff(before, &after)
    {
        look.told.changes = Some(explain_diff(&diff, before, &after, language));
    }
    look.warnings = after.warnings().to_vec();
    if depth != Depth::Words {
        let versions: Vec<&Compiled> = before.into_iter().chain([&*after]).collect();
        let today = rules.today(gateway.clock());
        let table = rules.schemas.message(after.message()).map(MessageSchema::leaves);
        let cases = Surroundings::of(&rules, today).cases(&versions);
        look.cases = cases.into_iter().map(|case| shown(page, table, case, depth)).collect();
        if depth == Depth::Proof {
            look.proof = Some(proof(page, table, &after));
        }
    }
    look
}

/// What changes line by line; an ellipsis for texts that are too long to be compared while somebody
/// waits.
pub(super) fn lines_between(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    if lines(before).saturating_add(lines(after)) > LINES_MAX {
        return vec!["…".to_owned()];
    }
    changed_lines(before, after)
}

/// What a person calls a place in a body; its pointer where it has no name.
pub(super) fn label(page: &Page, table: Option<&LeafTable>, pointer: &str) -> String {
    match table.and_then(|table| Some((table, leaf_at(table, pointer)?))) {
        Some((table, leaf)) => named(page, table, leaf),
        None if pointer.is_empty() => page.t("hold-whole"),
        None => pointer.to_owned(),
    }
}

fn leaf_at<'t>(table: &'t LeafTable, pointer: &str) -> Option<&'t Leaf> {
    let is_index = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = pointer.split('/').map(|part| if is_index(part) { "*" } else { part });
    let name = parts.collect::<Vec<_>>().join("/");
    // an item of a list of codes has no name of its own
    table.leaf(&name).or_else(|| table.leaf(name.strip_suffix("/*")?))
}

/// What a person calls a leaf; with its name where two are called the same.
pub(super) fn named(page: &Page, table: &LeafTable, leaf: &Leaf) -> String {
    let language = page.language;
    let label = language.label(leaf);
    let mut others = table.leaves.iter().filter(|other| other.name != leaf.name);
    if others.any(|other| language.label(other) == label) {
        format!("{label} ({})", leaf.name)
    } else {
        label.to_owned()
    }
}

fn places(page: &Page, table: Option<&LeafTable>, faults: &[Fault]) -> String {
    let each = faults.iter().map(|fault| {
        format!("{} ({})", label(page, table, &fault.pointer), rule_words(page, &fault.keyword))
    });
    each.collect::<Vec<_>>().join(", ")
}

fn short(value: &str) -> String {
    let mut short: String = value.chars().take(VALUE_CHARS_MAX).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}

/// A value as a page shows it: codes in words, and no more of a text than one takes in at a glance.
fn worded(page: &Page, table: Option<&LeafTable>, (pointer, value): (&str, &str)) -> String {
    let is_of_list = table.and_then(|table| leaf_at(table, pointer)).is_some_and(|leaf| {
        // of a date an age band comes out, and a code like any other
        !matches!(leaf.class, Class::Direct | Class::Text) || leaf.shape == Shape::Date
    });
    if is_of_list {
        let codes: Vec<String> = value.split(", ").map(str::to_owned).collect();
        short(&page.language.codes(&codes))
    } else {
        short(value)
    }
}

fn shown(page: &Page, table: Option<&LeafTable>, case: Case, depth: Depth) -> Shown {
    let sent = flat(case.sent.value());
    let has_before = case.seen.len() > 1;
    let mut fates: Vec<(Fate, BTreeMap<String, String>)> =
        case.seen.into_iter().map(|seen| fate(page, table, seen)).collect();
    let after = fates.pop();
    let before = fates.pop().filter(|_| has_before);
    let has = |side: &Option<(Fate, BTreeMap<String, String>)>, name: &String| {
        side.as_ref().and_then(|(_, body)| Some(worded(page, table, (name, body.get(name)?))))
    };
    let mut names: Vec<&String> = sent.keys().collect();
    // what a policy makes of its own, as a count, stands nowhere in what was sent
    let made = before.iter().chain(&after).flat_map(|(_, body)| body.keys());
    names.extend(made.filter(|name| !sent.contains_key(*name)));
    names.dedup();
    let rows = names.iter().map(|name| {
        let (was, is) = (has(&before, name), has(&after, name));
        Row {
            label: label(page, table, name),
            sent: sent
                .get(*name)
                .map(|value| worded(page, table, (name, value)))
                .unwrap_or_default(),
            differs: has_before && was != is,
            before: was,
            after: is,
        }
    });
    let (mut rows, untold): (Vec<Row>, Vec<Row>) =
        rows.partition(|row| row.before.is_some() || row.after.is_some());
    // what changes is read first
    rows.sort_by_key(|row| !row.differs);
    let few = if depth == Depth::Cases && has_before { ROWS_FEW } else { rows.len() };
    let changed = rows.iter().filter(|row| row.differs).count();
    let alike = rows.len().saturating_sub(few.max(changed));
    rows.truncate(few.max(changed));
    Shown {
        flavour: case.flavour.as_str().replace(' ', "-"),
        refused: places(page, table, &case.faults),
        before: before.map(|(fate, _)| fate),
        after: after.map(|(fate, _)| fate),
        rows,
        alike,
        untold: untold.len(),
    }
}

fn fate(page: &Page, table: Option<&LeafTable>, seen: Seen) -> (Fate, BTreeMap<String, String>) {
    let group = seen.group;
    let of = |outcome, places| Fate { outcome, places, pending: String::new(), group };
    match seen.preview {
        Preview::Goes { body, pending, findings } => {
            let pending = pending.iter().map(|leaf| label(page, table, leaf.as_str()));
            let pending = pending.collect::<Vec<_>>().join(", ");
            let fate = Fate { pending, ..of("goes", places(page, table, &findings)) };
            (fate, flat(&body))
        }
        Preview::Held(faults) => (of("held", places(page, table, &faults)), flat(&Value::Null)),
        Preview::Refused(faults) => {
            (of("refused", places(page, table, &faults)), flat(&Value::Null))
        }
    }
}

fn proof(page: &Page, table: Option<&LeafTable>, policy: &Compiled) -> Proof {
    let proof = prove(policy);
    let all = proof.rows.len();
    let passing = proof.rows.into_iter().filter(|row| row.operation != "drop");
    let rows = passing.map(|row| {
        let label = label(page, table, &row.leaf);
        let out = match row.codes.as_slice() {
            [] => page.say(&row.comes_out),
            codes => page.language.codes(codes),
        };
        (label, class_name(row.class), row.operation, out)
    });
    Proof {
        recipient: proof.recipient,
        nothing_direct: proof.nothing_direct,
        all,
        rows: rows.collect(),
    }
}

/// The name of a class.
pub(super) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Direct => "direct",
        Class::Quasi => "quasi",
        Class::Sensitive => "sensitive",
        Class::Text => "text",
        Class::Operational => "operational",
        Class::Legal => "legal",
    }
}
