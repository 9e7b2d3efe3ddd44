//! A message whose envelope, body and rules hold, in typed form.
//!
//! INVARIANT: nothing here prints a value; every `Debug` is the type's name.

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde_json::Value;
use time::Date;
use time::macros::format_description;

use super::embed::Bodies;
use crate::domain::{
    Address, Body, Code, Digest, ExchangeRef, Id, MessageId, MessageType, PartyId, Purpose, Refused,
};

/// Something that was checked against its schema and rules. Minted by `schema` only.
#[derive(Clone)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
    pub(super) fn new(checked: T) -> Self {
        Self(checked)
    }

    /// What was checked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Valid<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Valid<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Valid")
    }
}

/// A message as its sender signed it.
#[derive(Clone)]
pub struct Message {
    /// `iss`: from whom.
    pub iss: Address,
    /// `jti`.
    pub message_id: MessageId,
    /// `iat`, seconds since 1970.
    pub iat: i64,
    /// `exp`, seconds since 1970.
    pub exp: i64,
    /// `type`.
    pub message_type: MessageType,
    /// The type that it is told as: of a correction that of what it corrects, else its own.
    pub told_type: MessageType,
    /// Which message it corrects, where it is a correction.
    pub correction: Option<Correction>,
    /// For whom; 1 to 8, each once.
    pub recipients: Vec<Address>,
    /// The sender's own reference of the exchange, where this answers one.
    pub in_reply_to: Option<ExchangeRef>,
    /// `individual`, `family`, `aggregate` or `none`.
    pub subject_scope: String,
    /// Why it may be sent.
    pub legal: Legal,
    /// How it is to be handled.
    pub marking: Marking,
    /// What the sender attests.
    pub attest: Attest,
    /// The body; of a correction the corrected one, which is of [`Self::told_type`].
    pub body: Body,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
}

/// What a correction says beside the corrected body.
#[derive(Clone)]
pub struct Correction {
    /// The message that is corrected.
    pub target: MessageId,
    /// Why: a code.
    pub reason: String,
    /// The member that holds the corrected body.
    member: String,
}

impl Message {
    /// A place in the body as the sender wrote it, from the claims' root.
    pub fn place(&self, pointer: &str) -> String {
        match &self.correction {
            Some(correction) => format!("/body/{}{pointer}", correction.member),
            None => format!("/body{pointer}"),
        }
    }
}

/// `legal`: basis, instrument, purpose, retention and onward rule (R1).
#[derive(Clone)]
pub struct Legal {
    /// Code of the legal basis.
    pub basis: String,
    /// The agreement the sender names.
    pub instrument: String,
    /// Why the data is passed on.
    pub purpose: Purpose,
    /// Last day on which it may be kept, in Jakarta.
    pub retention_until: Date,
    /// Parties beside the thread's own to whom later messages of the thread may go.
    pub onward: Vec<PartyId>,
}

/// `marking`: instructions, not protection.
#[derive(Clone)]
pub struct Marking {
    /// TLP 2.0.
    pub tlp: String,
    /// Codes of handling.
    pub handling: Vec<String>,
    /// Codes of caveats.
    pub caveats: Vec<String>,
}

/// `attest`: what the sender says it has checked.
#[derive(Clone)]
pub struct Attest {
    /// `favourable`, `unfavourable` or `not_assessed`.
    pub best_interests: String,
    /// `no_known_risk`, `risk_identified` or `not_assessed`.
    pub safety_check: String,
    /// Record of consent; never leaves.
    pub consent_record: Option<Id>,
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

opaque_debug!(Message, Correction, Legal, Marking, Attest);

/// The typed form of claims (less `body`) that passed the envelope schema.
pub(super) fn typed(
    claims: &Value,
    (mut body, bodies): (Value, &Bodies),
    digest: Digest,
) -> Result<Message, Refused> {
    let claims = Claims(claims);
    let message_type: MessageType = claims.take("/type")?;
    let (mut told_type, mut correction) = (message_type.clone(), None);
    if let Some((member, told)) = bodies.iter().find(|(member, _)| body.get(member).is_some()) {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let target = text("target").and_then(|text| text.parse().ok());
        correction = Some(Correction {
            target: target.ok_or_else(|| Refused::at(Code::Schema, "/body/target", "type"))?,
            reason: text("reason").unwrap_or_default().to_owned(),
            member: member.clone(),
        });
        told_type = told.clone();
        body = body.get_mut(member).map(Value::take).unwrap_or_default();
    }
    Ok(Message {
        iss: claims.take("/iss")?,
        message_id: claims.take("/jti")?,
        iat: claims.take("/iat")?,
        exp: claims.take("/exp")?,
        message_type,
        told_type,
        correction,
        recipients: claims.take("/recipients")?,
        in_reply_to: claims.take_if_there("/in_reply_to")?,
        subject_scope: claims.take("/subject_scope")?,
        legal: Legal {
            basis: claims.take("/legal/basis")?,
            instrument: claims.take("/legal/instrument")?,
            purpose: claims.take("/legal/purpose")?,
            retention_until: claims.date("/legal/retention_until")?,
            onward: claims.take("/legal/onward")?,
        },
        marking: Marking {
            tlp: claims.take("/marking/tlp")?,
            handling: claims.take("/marking/handling")?,
            caveats: claims.take("/marking/caveats")?,
        },
        attest: Attest {
            best_interests: claims.take("/attest/best_interests")?,
            safety_check: claims.take("/attest/safety_check")?,
            consent_record: claims.take_if_there("/attest/consent_record")?,
        },
        body: Body::new(body),
        digest,
    })
}

/// Claims read by pointer. What the schema let pass and a type does not take is refused, with the
/// pointer only: the reader's own words may quote a value.
struct Claims<'a>(&'a Value);

impl<'a> Claims<'a> {
    fn take<T: Deserialize<'a>>(&self, pointer: &str) -> Result<T, Refused> {
        let value = self.0.pointer(pointer);
        value
            .and_then(|value| T::deserialize(value).ok())
            .ok_or_else(|| Refused::at(Code::Schema, pointer, "type"))
    }

    fn take_if_there<T: Deserialize<'a>>(&self, pointer: &str) -> Result<Option<T>, Refused> {
        self.0.pointer(pointer).map(|_there| self.take(pointer)).transpose()
    }

    fn date(&self, pointer: &str) -> Result<Date, Refused> {
        let text = self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Date::parse(text, format_description!("[year]-[month]-[day]"))
            .map_err(|_shape| Refused::at(Code::Schema, pointer, "format"))
    }
}
