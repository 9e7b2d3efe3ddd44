//! Leaves: the value positions of a message schema, with the class each one has by law.
//!
//! A leaf's class is a property of the schema, reviewed by the data protection officer, never of
//! a policy. `schema` builds the table, `policy` reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Digest, MessageType};

/// How sensitive a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Identifies a person by itself.
    Direct,
    /// Free text.
    Text,
    /// Harms when known: pathway, category, health.
    Sensitive,
    /// Identifies in combination.
    Quasi,
    /// Says how to handle the case.
    Operational,
    /// Basis, purpose, retention.
    Legal,
}

/// Where an information response holds the leaves of a referral.
pub const ANSWERS: &str = "/answers";

/// Name of a leaf: a JSON pointer (RFC 6901) in which `*` stands for every index of an array of
/// objects, for example `/household/*/relation`. The `*` is part of the name, no wildcard.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafName(Arc<str>);

impl LeafName {
    /// A name; `text` starts with `/`.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// As written in a policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The leaf of a referral that this one answers: the part after `/answers`; itself, where it
    /// stands in no answer.
    pub fn answered(&self) -> &str {
        let rest = self.0.strip_prefix(ANSWERS).filter(|rest| rest.starts_with('/'));
        rest.unwrap_or(&self.0)
    }

    /// The segments between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(&self, other: &str) -> bool {
        self.0.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for LeafName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LeafName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LeafName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LeafName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('/') {
            Ok(Self(text.into()))
        } else {
            Err(serde::de::Error::custom("a leaf's name starts with `/`"))
        }
    }
}

/// What a scalar can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// `enum` or `const`: one of a closed list, in the schema's order.
    Codes(Vec<String>),
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339.
    DateTime,
    /// `YYYY-MM-DD`, `YYYY-MM` or `YYYY` (`x-format: partial-date`).
    PartialDate,
    /// A string that matches an anchored pattern.
    Pattern {
        /// The expression.
        pattern: String,
        /// Longest, in characters.
        length_max: u32,
    },
    /// Any string.
    Text {
        /// Longest, in characters.
        length_max: u32,
    },
    /// A bounded integer.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
}

/// `minItems` and `maxItems`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayBounds {
    /// Fewest items.
    pub min: u32,
    /// Most items.
    pub max: u32,
}

/// What a person calls a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// In Bahasa Indonesia (`x-title-id`).
    pub id: String,
    /// In English (`title`).
    pub en: String,
}

/// One value position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its name.
    pub name: LeafName,
    /// Its class (`x-class`).
    pub class: Class,
    /// What identifier it holds (`x-identifier`), for example `nik`.
    pub identifier: Option<String>,
    /// What kind of reference it is (`x-reference`): `subject`, `household`, `officer`, `bid`,
    /// `message`. Such a value is a 26-character id of its sender's and leaves only as a pseudonym.
    pub reference: Option<String>,
    /// What its value can be; for an array of scalars, what an item can be.
    pub shape: Shape,
    /// Bounds where the leaf is an array of scalars.
    pub array: Option<ArrayBounds>,
    /// Whether every valid body (or every element of the array it lies in) has it.
    pub required: bool,
    /// Its name in print.
    pub label: Label,
}

/// Every leaf of one message schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafTable {
    /// The message type.
    pub message: MessageType,
    /// Digest of the schema's RFC 8785 form.
    pub schema: Digest,
    /// The leaves, sorted by name.
    pub leaves: Vec<Leaf>,
    /// Bounds of every array of objects, by its pointer (`/household`).
    pub arrays: BTreeMap<String, ArrayBounds>,
}

impl LeafTable {
    /// The leaf of that name.
    pub fn leaf(&self, name: &str) -> Option<&Leaf> {
        self.leaves
            .binary_search_by(|leaf| leaf.name.as_str().cmp(name))
            .ok()
            .and_then(|at| self.leaves.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_as_the_leaf_that_it_answers() {
        for (name, answered) in [
            ("/answers/subject/sex", "/subject/sex"),
            ("/subject/sex", "/subject/sex"),
            ("/answers", "/answers"),
            ("/answersheet/sex", "/answersheet/sex"),
        ] {
            assert_eq!(LeafName::new(name).answered(), answered);
        }
    }
}
