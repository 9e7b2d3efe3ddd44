//! An exception: one message to one recipient, with named leaves above its standing policy, never
//! above the floor's absolute part.
//!
//! It names a binding instrument and the answers on best interests and safety for this one child;
//! two officers of two agencies sign it, and it ends by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::Date;

use super::compile::{Compiled, Finding, compile};
use super::floor::Floor;
use super::operation::Operation;
use super::source::{BadSource, Head, Source, leaves_of, local_date, reading};
use crate::domain::{
    Address, Digest, LeafTable, MessageId, MessageType, PartyKind, Phrase, Purpose, json as forms,
};

/// An exception as its file says.
#[derive(Debug, Clone)]
pub struct ExceptionSource {
    /// Its id: the file's name without `.toml`.
    pub id: String,
    head: Written,
    leaves: Vec<(String, Value, usize)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    sender: Address,
    recipient: Address,
    message: MessageType,
    message_id: MessageId,
    purpose: Purpose,
    agreement: String,
    instrument: String,
    best_interests: BestInterests,
    safety_check: SafetyCheck,
    #[serde(deserialize_with = "local_date")]
    expires: Date,
    why: String,
    leaves: toml::Table,
}

/// Across a border nothing else is an answer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BestInterests {
    Favourable,
}

/// Across a border nothing else is an answer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SafetyCheck {
    NoKnownRisk,
}

/// Longest that an exception lasts, in days from its approval.
pub const EXCEPTION_DAYS_MAX: i64 = 30;

impl ExceptionSource {
    /// Reads an exception's file.
    ///
    /// # Errors
    /// [`BadSource`] with its line.
    pub fn parse(id: &str, text: &str) -> Result<Self, BadSource> {
        let head: Written = reading(text)?;
        let leaves = leaves_of(text, &head.leaves)?;
        let because = |reason| BadSource { line: 1, reason: Phrase::new(reason) };
        if !super::source::is_id(id) {
            return Err(because("why-exception-id"));
        }
        if leaves.is_empty() {
            return Err(because("why-exception-no-leaves"));
        }
        if head.instrument.trim().is_empty() || head.why.trim().is_empty() {
            return Err(because("why-exception-instrument"));
        }
        Ok(Self { id: id.to_owned(), head, leaves })
    }

    /// Who sends the message.
    pub fn sender(&self) -> &Address {
        &self.head.sender
    }

    /// Who receives it.
    pub fn recipient(&self) -> &Address {
        &self.head.recipient
    }

    /// Of which type it is.
    pub fn message(&self) -> &MessageType {
        &self.head.message
    }

    /// Whether a release could go under either.
    pub fn meets(&self, other: &Self) -> bool {
        let overlap = |one: &Address, other: &Address| one.covers(other) || other.covers(one);
        self.message_id() == other.message_id()
            && overlap(self.sender(), other.sender())
            && overlap(self.recipient(), other.recipient())
    }

    /// Which message.
    pub fn message_id(&self) -> MessageId {
        self.head.message_id
    }

    /// For which purpose.
    pub fn purpose(&self) -> Purpose {
        self.head.purpose
    }

    /// Under which agreement.
    pub fn agreement(&self) -> &str {
        &self.head.agreement
    }

    /// Last day on which it lasts.
    pub fn expires(&self) -> Date {
        self.head.expires
    }

    /// Why, in its author's words.
    pub fn why(&self) -> &str {
        &self.head.why
    }

    /// The leaves it is for.
    pub fn leaves(&self) -> impl Iterator<Item = &str> {
        self.leaves.iter().map(|(name, ..)| name.as_str())
    }

    /// SHA-256 of its RFC 8785 form.
    pub fn digest(&self) -> Digest {
        Digest::of(&forms::canonical(&self.value()).unwrap_or_default())
    }

    fn value(&self) -> Value {
        let head = &self.head;
        let leaves: serde_json::Map<String, Value> =
            self.leaves.iter().map(|(name, op, _)| (name.clone(), op.clone())).collect();
        json!({
            "id": self.id, "sender": head.sender, "recipient": head.recipient,
            "message": head.message, "message_id": head.message_id, "purpose": head.purpose,
            "agreement": head.agreement, "instrument": head.instrument,
            "best_interests": head.best_interests, "safety_check": head.safety_check,
            "expires": head.expires.to_string(), "why": head.why, "leaves": leaves,
        })
    }

    /// Whether it ends earlier than `before`, and nothing else differs: a row that goes could be one
    /// that holds the policy's own back.
    pub fn narrows(&self, before: &Self) -> bool {
        let mut same = self.clone();
        same.head.expires = before.head.expires;
        same.digest() == before.digest() && self.head.expires < before.head.expires
    }

    /// An exception only adds: what drops is no row of it.
    fn drops(&self) -> Vec<Finding> {
        let drops = |written| Operation::parse(written).is_ok_and(|op| op == Operation::Drop);
        let rows = self.leaves.iter().filter(|(_, written, _)| drops(written));
        rows.map(|(leaf, _, line)| Finding {
            line: *line,
            leaf: leaf.clone(),
            message: Phrase::new("why-exception-drops"),
            accepted: Vec::new(),
        })
        .collect()
    }

    /// Compiles it over `standing`, the policy that the message would go under; without one every
    /// leaf that it does not name is dropped. `version` is its own.
    ///
    /// # Errors
    /// Every [`Finding`].
    pub fn compile(
        &self,
        version: u32,
        standing: Option<&Source>,
        floor: &Floor,
        table: &LeafTable,
        recipient: PartyKind,
    ) -> Result<Compiled, Vec<Finding>> {
        let head = &self.head;
        let named = |name: &str| self.leaves.iter().any(|(leaf, ..)| leaf == name);
        let standing: Vec<_> = match standing {
            Some(source) => source.leaves.clone(),
            None => table.leaves.iter().map(|l| (l.name.to_string(), json!("drop"), 0)).collect(),
        };
        // a subtree dropped as a whole above a named leaf is dropped leaf by leaf instead
        let mut leaves = Vec::new();
        for (name, operation, line) in standing.into_iter().filter(|(name, ..)| !named(name)) {
            let below = format!("{name}/");
            if self.leaves.iter().any(|(leaf, ..)| leaf.starts_with(&below)) {
                let each = table.leaves.iter().map(|leaf| leaf.name.as_str());
                let each = each.filter(|leaf| leaf.starts_with(&below) && !named(leaf));
                leaves.extend(each.map(|leaf| (leaf.to_owned(), json!("drop"), line)));
            } else {
                leaves.push((name, operation, line));
            }
        }
        leaves.extend(self.leaves.iter().cloned());
        let source = Source {
            id: self.id.clone(),
            head: Head::of_exception(
                (head.sender.clone(), head.recipient.clone()),
                (head.message.clone(), head.purpose),
                (head.agreement.clone(), head.expires, head.why.clone()),
                version,
            ),
            leaves,
            head_lines: BTreeMap::new(),
            above: Some((self.digest(), self.leaves().map(str::to_owned).collect())),
        };
        match (self.drops(), compile(source, floor, table, recipient)) {
            (drops, compiled) if drops.is_empty() => compiled,
            (drops, compiled) => Err([drops, compiled.err().unwrap_or_default()].concat()),
        }
    }
}
