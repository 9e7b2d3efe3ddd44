//! The body of a message, and what a projection needs to know besides.

use serde_json::Value;
use time::Date;

use super::{Id, LeafName};

/// The body of a message whose schema has been checked. Plain data: whoever holds one may read
/// all of it, so it never reaches an edge.
#[derive(Clone, PartialEq)]
pub struct Body(Value);

impl Body {
    /// Takes over a value.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The value, given away.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Every value of a leaf: one, or one per element of the arrays above it; items of an array of
    /// scalars one by one.
    pub fn values(&self, leaf: &LeafName) -> Vec<&Value> {
        let segments: Vec<&str> = leaf.segments().collect();
        let mut found = Vec::new();
        gather(&self.0, &segments, &mut found);
        found
    }

    /// The string at an RFC 6901 pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }
}

fn gather<'v>(value: &'v Value, segments: &[&str], found: &mut Vec<&'v Value>) {
    match (segments, value) {
        ([], Value::Array(items)) => found.extend(items),
        ([], value) => found.push(value),
        (["*", rest @ ..], Value::Array(items)) => {
            for item in items {
                gather(item, rest, found);
            }
        }
        ([name, rest @ ..], Value::Object(members)) => {
            if let Some(member) = members.get(*name) {
                gather(member, rest, found);
            }
        }
        _ => {}
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

/// Makes the pseudonyms of one recipient, purpose and exchange.
pub trait Pseudonyms: Send + Sync {
    /// The pseudonym for a reference of `kind` (`Leaf::reference`); `attempt` counts from 0 and
    /// is raised when the net would hit the previous one.
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id;
}

/// A direct value of an earlier message of the exchange, for the net's self-echo check.
#[derive(Clone)]
pub struct Protected {
    /// Which leaf it stood in.
    pub leaf: LeafName,
    /// The value as submitted.
    pub value: String,
}

impl std::fmt::Debug for Protected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Protected({})", self.leaf)
    }
}

/// What a projection needs beside the body.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The day from which ages are counted, frozen when the exchange began.
    pub reference_date: Date,
    /// Pseudonyms for this recipient.
    pub pseudonyms: &'a dyn Pseudonyms,
    /// Direct values of earlier messages of the exchange.
    pub protected: &'a [Protected],
    /// Leaves an officer has released from a hold: they pass once, whatever the net says.
    pub released: &'a [LeafName],
    /// Leaves that do not go although the plan passes them: another version of the policy, which
    /// counts as well, does not do the same with them.
    pub blank: &'a [LeafName],
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}
