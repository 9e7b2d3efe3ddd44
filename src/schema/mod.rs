//! Message schemas: `Verified` → `Parsed` → `Valid<Message>`.
//!
//! A message type is one file in `schemas/`, JSON Schema 2020-12 within the profile of
//! [`profile`]: closed, bounded, every leaf with exactly one class. Schemas are compiled once, at
//! start, and no reference ever leads to the network or to another file. What a schema cannot say,
//! a rule over two fields, stands in [`rules`].
//!
//! This module must not know a policy, a party or the time; it says only whether a message is what
//! its type allows. No value of a message is in any of its errors.

mod embed;
mod examples;
mod message;
mod parse;
mod profile;
mod rules;
mod table;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

use self::embed::Bodies;
use self::profile::Kind;
use self::validate::Checked;
use crate::domain::json::{self, JsonFault};
use crate::domain::{Digest, LeafTable, MessageType};

pub use self::examples::{EXAMPLES, Example, Flavour};
pub use self::message::{Attest, Correction, Legal, Marking, Message, Valid};
pub use self::parse::{Parsed, Unparsed, parse, parse_recorded, reread};
pub use self::profile::ProfileRule;
pub use self::validate::FAULTS_MAX;

/// The message schemas that ship with Titian: file name and text.
pub const BUILTIN: &[(&str, &str)] = &[
    ("correction.1.json", include_str!("../../schemas/correction.1.json")),
    ("erasure-confirmation.1.json", include_str!("../../schemas/erasure-confirmation.1.json")),
    ("erasure-notice.1.json", include_str!("../../schemas/erasure-notice.1.json")),
    ("information-request.1.json", include_str!("../../schemas/information-request.1.json")),
    ("information-response.1.json", include_str!("../../schemas/information-response.1.json")),
    ("referral.1.json", include_str!("../../schemas/referral.1.json")),
    ("status.1.json", include_str!("../../schemas/status.1.json")),
    ("withdrawal.1.json", include_str!("../../schemas/withdrawal.1.json")),
];

const ENVELOPE: (&str, &str) = ("envelope.json", include_str!("../../schemas/envelope.json"));

/// Why the schemas do not load. Names the file, the place and the rule.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is not strict JSON.
    #[error("`{file}` is not strict JSON")]
    Json {
        /// The file.
        file: String,
        /// What is wrong with it.
        #[source]
        fault: JsonFault,
    },
    /// The file breaks a rule of the schema profile.
    #[error("`{file}` at `{pointer}`: {rule}")]
    Profile {
        /// The file.
        file: String,
        /// JSON pointer into the file.
        pointer: String,
        /// The rule.
        rule: ProfileRule,
    },
    /// Two files describe one message type.
    #[error("`{file}` describes `{message}`, which another file describes too")]
    Twice {
        /// The second file.
        file: String,
        /// The type.
        message: MessageType,
    },
    /// The file does not compile.
    #[error("`{file}` does not compile")]
    Compile {
        /// The file.
        file: String,
        /// What the compiler says.
        #[source]
        source: Box<jsonschema::ValidationError<'static>>,
    },
    /// The file has no canonical form.
    #[error("`{file}` has no canonical form")]
    Canonical {
        /// The file.
        file: String,
        /// What the writer says.
        #[source]
        source: serde_json::Error,
    },
}

/// Every message schema, compiled.
pub struct Schemas {
    envelope: Checked,
    messages: BTreeMap<MessageType, MessageSchema>,
}

/// The schema of one message type.
pub struct MessageSchema {
    message_type: MessageType,
    text: Value,
    digest: Digest,
    leaves: LeafTable,
    checked: Checked,
    /// Members that hold the body of another type.
    bodies: Bodies,
}

impl Schemas {
    /// The schemas that ship with Titian.
    ///
    /// # Errors
    /// Never with the files as shipped; a test loads them.
    pub fn builtin() -> Result<Self, SchemaError> {
        Self::from_texts(BUILTIN.iter().copied())
    }

    /// Message schemas from files (name and text), under the built-in envelope. To add a type to
    /// those shipped, chain its file to [`BUILTIN`].
    ///
    /// # Errors
    /// The first file that does not load, and why.
    pub fn from_texts<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, SchemaError> {
        let (file, text) = ENVELOPE;
        let envelope = compile(file, &read(file, text)?, Kind::Envelope)?;
        let mut names = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for (file, text) in files {
            let text = read(file, text)?;
            let message_type = message_type(&text).ok_or_else(|| SchemaError::Profile {
                file: file.to_owned(),
                pointer: "/$id".to_owned(),
                rule: ProfileRule::Id,
            })?;
            if texts.insert(message_type.clone(), text).is_some() {
                return Err(SchemaError::Twice { file: file.to_owned(), message: message_type });
            }
            names.insert(message_type, file);
        }
        let mut messages = BTreeMap::new();
        for (message_type, file) in names {
            let schema = MessageSchema::load(file, message_type.clone(), &texts)?;
            messages.insert(message_type, schema);
        }
        Ok(Self { envelope, messages })
    }

    /// The type that a body is told as, and the body itself: for a correction what it corrects is
    /// said anew as, else the message's own.
    pub fn unfold(&self, message: &MessageType, mut body: Value) -> (MessageType, Value) {
        let bodies = self.messages.get(message).map(|schema| &schema.bodies);
        for (member, told) in bodies.into_iter().flatten() {
            if let Some(inner) = body.get_mut(member) {
                return (told.clone(), inner.take());
            }
        }
        (message.clone(), body)
    }

    /// The schema of a message type.
    pub fn message(&self, message: &MessageType) -> Option<&MessageSchema> {
        self.messages.get(message)
    }

    /// Every message schema, by type.
    pub fn iter(&self) -> impl Iterator<Item = &MessageSchema> {
        self.messages.values()
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.messages.keys()).finish()
    }
}

impl MessageSchema {
    fn load(
        file: &str,
        message_type: MessageType,
        texts: &BTreeMap<MessageType, Value>,
    ) -> Result<Self, SchemaError> {
        let mut text = texts.get(&message_type).cloned().unwrap_or_default();
        let bodies = embed::embed(&mut text, texts).map_err(|(pointer, rule)| {
            SchemaError::Profile { file: file.to_owned(), pointer, rule }
        })?;
        let checked = compile(file, &text, Kind::Body)?;
        let canonical = json::canonical(&text)
            .map_err(|source| SchemaError::Canonical { file: file.to_owned(), source })?;
        let digest = Digest::of(&canonical);
        let leaves = table::build(message_type.clone(), digest, &checked.root);
        Ok(Self { message_type, text, digest, leaves, checked, bodies })
    }

    /// The message type.
    pub fn message_type(&self) -> &MessageType {
        &self.message_type
    }

    /// The schema itself.
    pub fn text(&self) -> &Value {
        &self.text
    }

    /// Digest of its RFC 8785 form.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its leaves.
    pub fn leaves(&self) -> &LeafTable {
        &self.leaves
    }
}

impl fmt::Debug for MessageSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageSchema({})", self.message_type)
    }
}

fn read(file: &str, text: &str) -> Result<Value, SchemaError> {
    json::parse(text.trim_end().as_bytes())
        .map_err(|fault| SchemaError::Json { file: file.to_owned(), fault })
}

fn message_type(schema: &Value) -> Option<MessageType> {
    schema.get("$id")?.as_str()?.strip_prefix(profile::ID_BASE)?.parse().ok()
}

fn compile(file: &str, schema: &Value, kind: Kind) -> Result<Checked, SchemaError> {
    let root = profile::check(schema, kind).map_err(|flaw| SchemaError::Profile {
        file: file.to_owned(),
        pointer: flaw.pointer,
        rule: flaw.rule,
    })?;
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(schema)
        .map_err(|source| SchemaError::Compile {
            file: file.to_owned(),
            source: Box::new(source.to_owned()),
        })?;
    Ok(Checked { validator, root })
}

#[cfg(test)]
mod information;
#[cfg(test)]
mod tests;
