//! The schema profile: what a message schema may say, checked at load.
//!
//! Everything not allowed here fails the load, so that every location of every valid body is
//! known by name, bounded, and has exactly one class. The check also resolves the schema into a
//! tree of [`Node`]s, from which the leaf table and the pointers of refusals are made.
//!
//! INVARIANT: a schema that passes accepts no property, string, number or array that the tree
//! does not describe.

mod leaf;
mod pattern;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::leaf::Facts;
use crate::domain::leaf::ArrayBounds;

pub use self::rule::ProfileRule;

/// Start of every `$id`; the message type follows.
pub(in crate::schema) const ID_BASE: &str = "https://titian.example.org/schemas/";
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const LEAVES_MAX: usize = 512;
const LEVELS_MAX: usize = 12;

/// Words in a property's name that make it a score or rank of a person (R10), in English and
/// Bahasa Indonesia.
const SCORING: &[&str] = &[
    "score",
    "scores",
    "scoring",
    "risk",
    "risks",
    "threat",
    "threats",
    "rank",
    "ranks",
    "ranking",
    "rating",
    "ratings",
    "grade",
    "likelihood",
    "probability",
    "dangerousness",
    "skor",
    "risiko",
    "ancaman",
    "peringkat",
    "bahaya",
];

/// Keywords that describe and do not constrain; anything that begins with `x-` is one too.
const ANNOTATIONS: &[&str] = &["title", "description", "examples", "$comment"];

/// Annotations that mean something here: given once, on leaves.
const LEAF_ANNOTATIONS: &[&str] = &["x-class", "x-identifier", "x-reference", "x-format", "x-unit"];

/// What is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) enum Kind {
    /// The body of a message type.
    Body,
    /// The claims outside the body.
    Envelope,
}

/// A rule and where in the schema it is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::schema) struct Flaw {
    pub(in crate::schema) pointer: String,
    pub(in crate::schema) rule: ProfileRule,
}

impl Flaw {
    pub(in crate::schema) fn at(pointer: &str, rule: ProfileRule) -> Self {
        Self { pointer: pointer.to_owned(), rule }
    }
}

/// One location of a schema, references resolved.
#[derive(Debug)]
pub(in crate::schema) enum Node {
    /// A closed object.
    Object(BTreeMap<String, Member>),
    /// An array of objects.
    Objects(ArrayBounds, BTreeMap<String, Member>),
    /// A scalar, or an array of scalars.
    Leaf(Box<Facts>),
}

/// A property of an object.
#[derive(Debug)]
pub(in crate::schema) struct Member {
    pub(in crate::schema) required: bool,
    pub(in crate::schema) node: Node,
}

/// Checks a whole schema.
pub(in crate::schema) fn check(schema: &Value, kind: Kind) -> Result<Node, Flaw> {
    let root = schema.as_object().ok_or_else(|| Flaw::at("", ProfileRule::NotASchema))?;
    if root.get("$schema").and_then(Value::as_str) != Some(DIALECT) {
        return Err(Flaw::at("/$schema", ProfileRule::Dialect));
    }
    let definitions = match root.get("$defs") {
        None => None,
        Some(Value::Object(definitions)) => Some(definitions),
        Some(_) => return Err(Flaw::at("/$defs", ProfileRule::NotASchema)),
    };
    let mut walk = Walk { kind, definitions, used: BTreeSet::new(), open: Vec::new(), leaves: 0 };
    let mut body = root.clone();
    for head in ["$schema", "$id", "$defs"] {
        body.remove(head);
    }
    if body.get("type").and_then(Value::as_str) != Some("object") {
        return Err(Flaw::at("/type", ProfileRule::RootNotAnObject));
    }
    let node = walk.node(&Value::Object(body), "", 0)?;
    let unused = definitions.into_iter().flat_map(Map::keys).find(|d| !walk.used.contains(*d));
    match unused {
        None => Ok(node),
        Some(name) => Err(Flaw::at(&format!("/$defs/{name}"), ProfileRule::UnusedDefinition)),
    }
}

struct Walk<'a> {
    kind: Kind,
    definitions: Option<&'a Map<String, Value>>,
    used: BTreeSet<String>,
    /// Definitions being resolved now, to find cycles.
    open: Vec<String>,
    leaves: usize,
}

/// A schema with its references put in.
struct Resolved {
    keywords: Map<String, Value>,
    /// How many definitions were entered for it.
    entered: usize,
}

impl Walk<'_> {
    fn node(&mut self, schema: &Value, at: &str, level: usize) -> Result<Node, Flaw> {
        if level > LEVELS_MAX {
            return Err(Flaw::at(at, ProfileRule::TooLarge));
        }
        let resolved = self.resolve(schema, at)?;
        let node = self.typed(&resolved.keywords, at, level);
        self.open.truncate(self.open.len().saturating_sub(resolved.entered));
        node
    }

    /// Follows `$ref`; what stands beside it is added, a second `x-class` is a fault.
    fn resolve(&mut self, schema: &Value, at: &str) -> Result<Resolved, Flaw> {
        let own = schema.as_object().ok_or_else(|| Flaw::at(at, ProfileRule::NotASchema))?;
        let Some(reference) = own.get("$ref") else {
            return Ok(Resolved { keywords: own.clone(), entered: 0 });
        };
        let flaw = |rule| Flaw::at(&format!("{at}/$ref"), rule);
        let name = reference.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
        let name = name.ok_or_else(|| flaw(ProfileRule::NotLocal))?;
        let target = self.definitions.and_then(|all| all.get(name));
        let target = target.ok_or_else(|| flaw(ProfileRule::NotLocal))?;
        if self.open.iter().any(|open| open == name) {
            return Err(flaw(ProfileRule::Cycle));
        }
        self.open.push(name.to_owned());
        self.used.insert(name.to_owned());
        let mut resolved = self.resolve(target, &format!("/$defs/{name}"))?;
        resolved.entered += 1;
        for (key, value) in own.iter().filter(|(key, _)| *key != "$ref") {
            if !is_annotation(key) {
                return Err(Flaw::at(&format!("{at}/{key}"), ProfileRule::BesideRef));
            }
            let before = resolved.keywords.insert(key.clone(), value.clone());
            if before.is_some() && LEAF_ANNOTATIONS.contains(&key.as_str()) {
                let twice = key == "x-class";
                let rule = if twice { ProfileRule::TwoClasses } else { ProfileRule::Annotation };
                return Err(Flaw::at(&format!("{at}/{key}"), rule));
            }
        }
        Ok(resolved)
    }

    fn typed(&mut self, own: &Map<String, Value>, at: &str, level: usize) -> Result<Node, Flaw> {
        match own.get("type").and_then(Value::as_str) {
            Some("object") => {
                no_leaf_annotation(own, at)?;
                self.object(own, at, level).map(Node::Object)
            }
            Some("array") => self.array(own, at, level),
            Some("string" | "integer" | "boolean") => self.leaf(own, None, at),
            _ => Err(Flaw::at(&format!("{at}/type"), ProfileRule::Type)),
        }
    }

    fn object(
        &mut self,
        own: &Map<String, Value>,
        at: &str,
        level: usize,
    ) -> Result<BTreeMap<String, Member>, Flaw> {
        only(own, &["type", "properties", "required", "additionalProperties"], at)?;
        if own.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err(Flaw::at(at, ProfileRule::Open));
        }
        let properties = own.get("properties").and_then(Value::as_object);
        let properties = properties.filter(|all| !all.is_empty());
        let properties = properties.ok_or_else(|| Flaw::at(at, ProfileRule::NoProperties))?;
        let required = required(own, properties)
            .ok_or_else(|| Flaw::at(&format!("{at}/required"), ProfileRule::Required))?;
        let mut members = BTreeMap::new();
        for (name, schema) in properties {
            let at = format!("{at}/properties/{name}");
            check_name(name).map_err(|rule| Flaw::at(&at, rule))?;
            let node = self.node(schema, &at, level + 1)?;
            let required = required.contains(name.as_str());
            members.insert(name.clone(), Member { required, node });
        }
        Ok(members)
    }

    fn array(&mut self, own: &Map<String, Value>, at: &str, level: usize) -> Result<Node, Flaw> {
        only(own, &["type", "items", "minItems", "maxItems"], at)?;
        let bounds = leaf::array_bounds(own).ok_or_else(|| Flaw::at(at, ProfileRule::Unbounded))?;
        let items_at = format!("{at}/items");
        let items = own.get("items").ok_or_else(|| Flaw::at(at, ProfileRule::Items))?;
        let item = self.resolve(items, &items_at)?;
        let node = match item.keywords.get("type").and_then(Value::as_str) {
            Some("object") => {
                no_leaf_annotation(own, at)?;
                no_leaf_annotation(&item.keywords, &items_at)?;
                self.object(&item.keywords, &items_at, level + 1)
                    .map(|members| Node::Objects(bounds, members))
            }
            Some("array") => Err(Flaw::at(&items_at, ProfileRule::Items)),
            _ => self.scalars(own, item.keywords, bounds, at),
        };
        self.open.truncate(self.open.len().saturating_sub(item.entered));
        node
    }

    /// An array of scalars is one leaf: what the array says about itself and what its items say
    /// must not be said twice.
    fn scalars(
        &mut self,
        own: &Map<String, Value>,
        mut item: Map<String, Value>,
        bounds: ArrayBounds,
        at: &str,
    ) -> Result<Node, Flaw> {
        for (key, value) in own.iter().filter(|(key, _)| is_annotation(key)) {
            let before = item.insert(key.clone(), value.clone());
            if before.is_some() && LEAF_ANNOTATIONS.contains(&key.as_str()) {
                let twice = key == "x-class";
                let rule = if twice { ProfileRule::TwoClasses } else { ProfileRule::Annotation };
                return Err(Flaw::at(&format!("{at}/{key}"), rule));
            }
        }
        self.leaf(&item, Some(bounds), at)
    }

    fn leaf(
        &mut self,
        own: &Map<String, Value>,
        array: Option<ArrayBounds>,
        at: &str,
    ) -> Result<Node, Flaw> {
        self.leaves += 1;
        if self.leaves > LEAVES_MAX {
            return Err(Flaw::at(at, ProfileRule::TooLarge));
        }
        let facts = leaf::facts(own, array, self.kind, at)?;
        Ok(Node::Leaf(Box::new(facts)))
    }
}

fn is_annotation(key: &str) -> bool {
    key.starts_with("x-") || ANNOTATIONS.contains(&key)
}

/// Refuses every keyword but the listed ones and annotations.
fn only(own: &Map<String, Value>, allowed: &[&str], at: &str) -> Result<(), Flaw> {
    match own.keys().find(|key| !is_annotation(key) && !allowed.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Flaw::at(&format!("{at}/{key}"), ProfileRule::Keyword)),
    }
}

fn no_leaf_annotation(own: &Map<String, Value>, at: &str) -> Result<(), Flaw> {
    match LEAF_ANNOTATIONS.iter().find(|key| own.contains_key(**key)) {
        None => Ok(()),
        Some(key) => Err(Flaw::at(&format!("{at}/{key}"), ProfileRule::ClassOnContainer)),
    }
}

fn required<'a>(
    own: &'a Map<String, Value>,
    properties: &Map<String, Value>,
) -> Option<BTreeSet<&'a str>> {
    let mut names = BTreeSet::new();
    match own.get("required") {
        None => {}
        Some(Value::Array(listed)) => {
            for name in listed {
                let name = name.as_str().filter(|name| properties.contains_key(*name))?;
                names.insert(name).then_some(())?;
            }
        }
        Some(_) => return None,
    }
    Some(names)
}

fn check_name(name: &str) -> Result<(), ProfileRule> {
    let safe = (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !safe {
        return Err(ProfileRule::PropertyName);
    }
    let words = || name.split('_').map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit()));
    let scores = words().any(|word| SCORING.contains(&word));
    if scores { Err(ProfileRule::Scoring) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
