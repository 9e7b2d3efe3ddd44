//! Verified bytes → claims, read strictly and only once.
//!
//! What is read here is what every later step sees: nobody parses the bytes again, so no two
//! readings can differ. Nothing of a value reaches a refusal.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::json;
use crate::domain::{Body, Code, Digest, MessageId, Refused};
use crate::sign::{Recorded, SignFault, Verified, sd_jwt};

/// The one member that a message or release may hold back in a disclosure.
const BODY: &str = "body";

/// The claims of a signed object, with its disclosure put back. Minted here only.
pub struct Parsed {
    claims: Map<String, Value>,
    digest: Digest,
}

/// A signed object that cannot be read as claims. Nothing of it but its digest may be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .refused.code)]
pub struct Unparsed {
    /// Why.
    pub refused: Refused,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
}

/// Reads a verified object: the payload and every disclosure strictly; as an SD-JWT exactly one
/// disclosure, named `body`; as a plain JWS none.
///
/// # Errors
/// [`Code::Json`] with the fault's keyword, or [`Code::Disclosure`].
#[expect(clippy::needless_pass_by_value, reason = "a step consumes the one before it")]
pub fn parse(verified: Verified) -> Result<Parsed, Unparsed> {
    let digest = verified.digest();
    let form = Form::of_typ(verified.typ());
    match open(verified.payload(), verified.disclosures(), form) {
        Ok(claims) => Ok(Parsed { claims, digest }),
        Err(refused) => Err(Unparsed { refused, digest }),
    }
}

/// Reads the body of a message or release that was checked before it was sealed. The schema is
/// not applied again: it was, and a later version of it must not lose what was admitted.
///
/// # Errors
/// As [`parse`], and [`Code::Schema`] at `/body` where there is none.
pub fn reread(recorded: &Recorded) -> Result<Body, Refused> {
    let form = Form::of_typ(recorded.typ());
    let mut claims = open(recorded.payload(), recorded.disclosures(), form)?;
    let body = claims.remove(BODY);
    body.map(Body::new).ok_or_else(|| Refused::at(Code::Schema, "/body", "required"))
}

/// Reads a message that was checked before it was sealed, to be checked again as a whole.
///
/// # Errors
/// As [`parse`].
pub fn parse_recorded(recorded: &Recorded, digest: Digest) -> Result<Parsed, Refused> {
    let form = Form::of_typ(recorded.typ());
    let claims = open(recorded.payload(), recorded.disclosures(), form)?;
    Ok(Parsed { claims, digest })
}

impl Parsed {
    /// A claim by name.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claim(name).and_then(Value::as_str)
    }

    /// `jti`, if it is an id.
    pub fn message_id(&self) -> Option<MessageId> {
        self.text("jti").and_then(|jti| jti.parse().ok())
    }

    /// SHA-256 of the whole object as received.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The claims apart from `body`, and `body`.
    pub(super) fn into_parts(mut self) -> (Map<String, Value>, Option<Value>, Digest) {
        let body = self.claims.remove(BODY);
        (self.claims, body, self.digest)
    }
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parsed")
    }
}

/// How `body` is carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In the clear.
    Jws,
    /// As the one disclosure.
    SdJwt,
}

impl Form {
    fn of_typ(typ: &str) -> Self {
        if typ.ends_with("+sd-jwt") { Self::SdJwt } else { Self::Jws }
    }
}

fn open(payload: &[u8], disclosures: &[String], form: Form) -> Result<Map<String, Value>, Refused> {
    let payload =
        json::parse(payload).map_err(|fault| Refused::at(Code::Json, "", fault.keyword()))?;
    let Value::Object(mut claims) = payload else {
        return Err(Refused::at(Code::Json, "", "type"));
    };
    match form {
        Form::Jws => {
            let disclosed = claims.contains_key("_sd") || claims.contains_key("_sd_alg");
            if disclosed || !disclosures.is_empty() {
                return Err(Refused::because(Code::Disclosure));
            }
        }
        Form::SdJwt => {
            if disclosures.len() != 1 || claims.contains_key(BODY) {
                return Err(Refused::because(Code::Disclosure));
            }
            sd_jwt::reveal(&mut claims, disclosures)
                .map_err(|_fault: SignFault| Refused::because(Code::Disclosure))?;
            if !claims.contains_key(BODY) {
                return Err(Refused::because(Code::Disclosure));
            }
        }
    }
    Ok(claims)
}
