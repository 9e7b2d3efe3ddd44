//! A policy as its file says, before anything of it is judged.

use serde::Deserialize;
use serde_json::{Value, json};
use time::Date;

use crate::domain::{Address, Digest, MessageType, Purpose, json};

/// A policy file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its id: the file's name without `.toml`.
    pub id: String,
    /// Its head.
    pub head: Head,
    /// Leaf, operation as written, and line.
    pub leaves: Vec<(String, Value, usize)>,
}

/// What stands above `[leaves]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Who sends.
    pub sender: Address,
    /// Who receives.
    pub recipient: Address,
    /// Which message type.
    pub message: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
    /// Under which agreement.
    pub agreement: String,
    /// Last day in force.
    #[serde(deserialize_with = "local_date")]
    pub expires: Date,
    /// Why it is as it is.
    pub why: String,
    /// Counts up with every change.
    #[serde(default = "first")]
    pub version: u32,
    /// Whether the sender's own signature travels along; inside Indonesia only.
    #[serde(default)]
    pub sender_proof: bool,
    leaves: toml::Table,
}

/// A TOML local date.
fn local_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?;
    let date = match (written.date, written.time, written.offset) {
        (Some(date), None, None) => {
            let month = time::Month::try_from(date.month).ok();
            month.and_then(|m| Date::from_calendar_date(i32::from(date.year), m, date.day).ok())
        }
        _ => None,
    };
    date.ok_or_else(|| serde::de::Error::custom("a date is written YYYY-MM-DD, without quotes"))
}

fn first() -> u32 {
    1
}

/// A policy file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadSource {
    /// Line, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Source {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`BadSource`] with its line.
    pub fn parse(id: &str, text: &str) -> Result<Self, BadSource> {
        let head: Head = toml::from_str(text).map_err(|error| BadSource {
            line: error.span().map_or(1, |span| line_at(text, span.start)),
            reason: error.message().to_owned(),
        })?;
        let mut leaves = Vec::with_capacity(head.leaves.len());
        for (name, operation) in &head.leaves {
            let line = line_of(text, name);
            let operation = serde_json::to_value(operation)
                .map_err(|error| BadSource { line, reason: error.to_string() })?;
            leaves.push((name.clone(), operation, line));
        }
        Ok(Self { id: id.to_owned(), head, leaves })
    }

    /// The RFC 8785 form, in which comments and layout do not count.
    pub(super) fn canonical(&self) -> String {
        let leaves: serde_json::Map<String, Value> =
            self.leaves.iter().map(|(name, op, _)| (name.clone(), op.clone())).collect();
        let value = json!({
            "id": self.id,
            "version": self.head.version,
            "sender": self.head.sender,
            "recipient": self.head.recipient,
            "message": self.head.message,
            "purpose": self.head.purpose,
            "agreement": self.head.agreement,
            "expires": self.head.expires.to_string(),
            "why": self.head.why,
            "sender_proof": self.head.sender_proof,
            "leaves": leaves,
        });
        let bytes = json::canonical(&value).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Digest of the RFC 8785 form.
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical().as_bytes())
    }
}

fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn line_of(text: &str, key: &str) -> usize {
    let quoted = format!("\"{key}\"");
    let is_it = |line: &str| line.trim_start().starts_with(&quoted);
    text.lines().position(is_it).map_or(1, |index| index + 1)
}
