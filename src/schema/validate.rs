//! Parsed claims → a message that keeps its schema and the rules of its type.
//!
//! INVARIANT: a refusal holds pointers made of the schema's own names and indices, and keywords.
//! The validator's messages quote the instance, so they are never formatted; its pointers are
//! followed through the schema and cut where the schema knows no such name.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::message::{self, Message, Valid};
use super::parse::Parsed;
use super::profile::{Member, Node};
use super::{MessageSchema, Schemas, rules};
use crate::domain::{Code, Fault, MessageType, Refused};
use crate::mutant::{self, Mutant};

/// Most places that a refusal names.
pub const FAULTS_MAX: usize = 32;

impl Schemas {
    /// Checks the envelope, the body of its type, and the rules of that type.
    ///
    /// # Errors
    /// [`Code::UnknownType`]; [`Code::Schema`] with up to [`FAULTS_MAX`] places, pointers from the
    /// claims' root; [`Code::UnknownRecipient`] for a recipient named twice; [`Code::Rule`] with
    /// the ids of the rules broken.
    pub fn validate(&self, parsed: Parsed) -> Result<Valid<Message>, Refused> {
        let schema = match parsed.text("type").map(str::parse::<MessageType>) {
            None => None,
            Some(Err(_)) => return Err(Refused::at(Code::UnknownType, "/type", "type")),
            Some(Ok(named)) => match self.message(&named) {
                None => return Err(Refused::at(Code::UnknownType, "/type", "type")),
                known => known,
            },
        };
        let (claims, body, digest) = parsed.into_parts();
        let claims = Value::Object(claims);
        let mut faults = Vec::new();
        self.envelope.check(&claims, "", &mut faults);
        match (&body, schema) {
            (None, _) => faults.push(Fault::at("/body", "required")),
            (Some(body), Some(schema)) => schema.checked.check(body, "/body", &mut faults),
            // without a type the envelope has a fault already
            (Some(_), None) => {}
        }
        let (Some(body), Some(schema), true) = (body, schema, faults.is_empty()) else {
            return Err(refused(Code::Schema, faults));
        };
        each_recipient_once(&claims)?;
        let broken = schema.broken_rules(&body, "/body");
        if !broken.is_empty() {
            return Err(refused(Code::Rule, broken));
        }
        message::typed(&claims, (body, &schema.bodies), digest).map(Valid::new)
    }
}

impl MessageSchema {
    /// Why `body` does not keep this schema and the rules of its type, pointers from the body's
    /// root; empty where it does. For synthetic cases that came by no signature; what a gateway
    /// receives goes through [`Schemas::validate`].
    pub fn faults(&self, body: &Value) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.checked.check(body, "", &mut faults);
        if faults.is_empty() {
            faults = self.broken_rules(body, "");
        }
        refused(Code::Schema, faults).errors
    }

    fn broken_rules(&self, body: &Value, at: &str) -> Vec<Fault> {
        let mut broken = broken(&self.message_type, body, at);
        for (member, told) in &self.bodies {
            if let Some(inner) = body.get(member) {
                broken.extend(self::broken(told, inner, &format!("{at}/{member}")));
            }
        }
        broken
    }
}

fn broken(message: &MessageType, body: &Value, at: &str) -> Vec<Fault> {
    let rows = rules::rows(message).iter().filter(|row| !(row.holds)(body));
    rows.map(|row| Fault::at(format!("{at}{}", row.pointer), row.id)).collect()
}

/// Sorted, so that the same message is always refused in the same words.
fn refused(code: Code, mut errors: Vec<Fault>) -> Refused {
    errors
        .sort_by(|one, other| (&one.pointer, &one.keyword).cmp(&(&other.pointer, &other.keyword)));
    errors.dedup();
    errors.truncate(FAULTS_MAX);
    Refused { code, errors }
}

fn each_recipient_once(claims: &Value) -> Result<(), Refused> {
    let recipients = claims.pointer("/recipients").and_then(Value::as_array);
    let mut seen = BTreeSet::new();
    for (at, recipient) in recipients.into_iter().flatten().enumerate() {
        if !seen.insert(recipient.as_str()) {
            let pointer = format!("/recipients/{at}");
            return Err(Refused::at(Code::UnknownRecipient, &pointer, "unique"));
        }
    }
    Ok(())
}

/// A schema that passed the profile, compiled.
pub(super) struct Checked {
    pub(super) validator: Validator,
    pub(super) root: Node,
}

impl Checked {
    /// Adds what is wrong with `value` to `faults`; nothing where it is valid.
    fn check(&self, value: &Value, prefix: &str, faults: &mut Vec<Fault>) {
        if self.validator.is_valid(value) {
            return;
        }
        let before = faults.len();
        for error in self.validator.iter_errors(value).take(FAULTS_MAX) {
            let kind = error.kind();
            let mut pointer = known(&self.root, error.instance_path().as_str());
            if let ValidationErrorKind::Required { property: Value::String(name) } = kind {
                pointer = known(&self.root, &format!("{pointer}/{name}"));
            }
            if mutant::is(Mutant::SkipsKeys) && kind.keyword() == "additionalProperties" {
                continue;
            }
            pointer.push_str(&planted(&error));
            faults.push(Fault::at(format!("{prefix}{pointer}"), kind.keyword()));
        }
        // INVARIANT: what `is_valid` refuses never passes, even if no error is told.
        if faults.len() == before && !mutant::is(Mutant::SkipsKeys) {
            faults.push(Fault::at(prefix, "schema"));
        }
    }
}

/// What a planted bug adds to a pointer.
fn planted(error: &ValidationError<'_>) -> String {
    if mutant::is(Mutant::SchemaErrorEchoes) {
        return error.instance().to_string();
    }
    let is_longer = mutant::is(Mutant::RefusalDiffers);
    if is_longer { "_".repeat(error.instance().to_string().len()) } else { String::new() }
}

/// The part of an instance pointer that consists of the schema's names and of indices.
fn known(root: &Node, pointer: &str) -> String {
    let mut out = String::new();
    let mut here = Step::At(root);
    for segment in pointer.split('/').skip(1) {
        let next = match here {
            Step::At(Node::Object(members)) | Step::Element(members) => {
                members.get(segment).map(|member| Step::At(&member.node))
            }
            Step::At(Node::Objects(_, members)) => {
                is_index(segment).then_some(Step::Element(members))
            }
            Step::At(Node::Leaf(facts)) => {
                (facts.array.is_some() && is_index(segment)).then_some(Step::Scalar)
            }
            Step::Scalar => None,
        };
        let Some(next) = next else { break };
        here = next;
        out.push('/');
        out.push_str(segment);
    }
    out
}

/// Where a pointer has come to.
#[derive(Clone, Copy)]
enum Step<'a> {
    At(&'a Node),
    /// An element of an array of objects.
    Element(&'a std::collections::BTreeMap<String, Member>),
    /// An element of an array of scalars.
    Scalar,
}

/// Up to six digits: an index into an array, too short to carry anything.
fn is_index(segment: &str) -> bool {
    (1..=6).contains(&segment.len()) && segment.bytes().all(|b| b.is_ascii_digit())
}
