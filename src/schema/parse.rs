//! Verified bytes → claims, read strictly and only once.
//!
//! What is read here is what every later step sees: nobody parses the bytes again, so no two
//! readings can differ. Nothing of a value reaches a refusal.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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

    #[cfg(test)]
    pub(super) fn of_claims(claims: Value) -> Self {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Self { claims, digest: Digest::of(b"test") }
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
                .map_err(|_fault: SignFault| undisclosed(disclosures))?;
            if !claims.contains_key(BODY) {
                return Err(Refused::because(Code::Disclosure));
            }
        }
    }
    Ok(claims)
}

/// Says of a disclosure that does not fit whether it is that it cannot be read: the sender's
/// mistake is then in its body, not in its signature.
fn undisclosed(disclosures: &[String]) -> Refused {
    let unread = disclosures.iter().find_map(|encoded| {
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        json::parse(&bytes).err()
    });
    match unread {
        Some(fault) => Refused::at(Code::Json, "", fault.keyword()),
        None => Refused::because(Code::Disclosure),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Statement;
    use crate::sign::signing::SigningKey;
    use crate::sign::{Algorithm, recorded, split};

    const JWS: &str = "titian-message+jwt";
    const SD_JWT: &str = "titian-message+sd-jwt";

    struct Plain(Value);
    impl Statement for Plain {
        const TYP: &'static str = JWS;
        fn into_claims(self) -> Value {
            self.0
        }
    }

    struct Disclosing(Value);
    impl Statement for Disclosing {
        const TYP: &'static str = SD_JWT;
        fn into_claims(self) -> Value {
            self.0
        }
    }

    fn key() -> SigningKey {
        SigningKey::generate(Algorithm::EdDsa).unwrap()
    }

    fn read(object: &str, key: &SigningKey) -> Result<Parsed, Unparsed> {
        let split = split(object.as_bytes()).unwrap();
        parse(split.verify(key.public(), &[JWS, SD_JWT]).unwrap())
    }

    fn plain(claims: Value) -> Result<Parsed, Unparsed> {
        let key = key();
        let signed = key.sign(Plain(claims)).unwrap();
        read(signed.compact(), &key)
    }

    /// Signs `claims` with the digests of `texts`, whole disclosures before coding.
    fn disclosing(mut claims: Value, texts: &[&str]) -> Result<Parsed, Unparsed> {
        let encoded: Vec<String> = texts.iter().map(|text| URL_SAFE_NO_PAD.encode(text)).collect();
        claims["_sd"] = encoded.iter().map(|e| sd_jwt::digest(e).to_string()).collect();
        claims["_sd_alg"] = json!("sha-256");
        let key = key();
        let signed = key.sign(Disclosing(claims)).unwrap();
        let parts: Vec<&str> = encoded.iter().map(String::as_str).collect();
        read(&sd_jwt::assemble(signed.compact(), &parts), &key)
    }

    fn code(read: Result<Parsed, Unparsed>) -> (Code, Vec<crate::domain::Fault>) {
        let unparsed = read.unwrap_err();
        (unparsed.refused.code, unparsed.refused.errors)
    }

    #[test]
    fn a_body_is_read_alike_in_the_clear_and_disclosed() {
        let id = "a".repeat(26);
        let clear = plain(json!({"jti": id, "body": {"a": 1}})).unwrap();
        let disclosed =
            disclosing(json!({"jti": id}), &[r#"["c2FsdHNhbHQ","body",{"a":1}]"#]).unwrap();
        for parsed in [clear, disclosed] {
            assert_eq!(parsed.claim("body"), Some(&json!({"a": 1})));
            assert_eq!(parsed.message_id(), id.parse().ok());
            assert_eq!(parsed.claim("_sd"), None);
            assert_eq!(format!("{parsed:?}"), "Parsed");
        }
    }

    #[test]
    fn the_digest_is_of_the_object_as_received() {
        let key = key();
        let signed = key.sign(Plain(json!({"body": {}}))).unwrap();
        let parsed = read(signed.compact(), &key).unwrap();
        assert_eq!(parsed.digest(), Digest::of(signed.compact().as_bytes()));
        let unparsed = plain(json!([1])).unwrap_err();
        assert_ne!(unparsed.digest, Digest::of(b""));
    }

    #[test]
    fn claims_are_an_object() {
        for claims in [json!([]), json!("x"), json!(1), json!(null)] {
            let (code, errors) = code(plain(claims));
            assert_eq!((code, errors[0].keyword.as_str()), (Code::Json, "type"));
        }
    }

    #[test]
    fn payloads_and_disclosures_are_strict_json() {
        let float = plain(json!({"jti": "x", "body": {"a": 1.5}}));
        assert_eq!(code(float).1[0].keyword, "integer");
        let cases = [
            (r#"["c2FsdHNhbHQ","body",{"a":1,"a":2}]"#, "duplicate-key"),
            (r#"["c2FsdHNhbHQ","body",{"a":1.0}]"#, "integer"),
            ("[\"c2FsdHNhbHQ\",\"body\",{\"a\":\"e\u{301}\"}]", "nfc"),
            (r#"["c2FsdHNhbHQ","body",{"a":"\u0000"}]"#, "control-character"),
        ];
        for (disclosure, keyword) in cases {
            let (code, errors) = code(disclosing(json!({}), &[disclosure]));
            assert_eq!((code, errors[0].keyword.as_str()), (Code::Json, keyword));
        }
    }

    #[test]
    fn an_sd_jwt_has_one_disclosure_and_it_is_the_body() {
        let body = r#"["c2FsdHNhbHQ","body",{}]"#;
        let other = r#"["c2FsdHNhbHR","legal",{}]"#;
        let refused = [
            disclosing(json!({}), &[]),
            disclosing(json!({}), &[other]),
            disclosing(json!({}), &[body, other]),
            disclosing(json!({"body": {}}), &[body]),
            disclosing(json!({"body": {}}), &[other]),
            disclosing(json!({}), &[r#"["c2FsdHNhbHQ","body",{"_sd":["x"]}]"#]),
            disclosing(json!({}), &[r#"["c2FsdHNhbHQ",{}]"#]),
        ];
        for read in refused {
            assert_eq!(code(read), (Code::Disclosure, Vec::new()));
        }
    }

    #[test]
    fn a_plain_jws_discloses_nothing() {
        for claims in [
            json!({"body": {}, "_sd": []}),
            json!({"body": {}, "_sd_alg": "sha-256"}),
            json!({"_sd": ["x"]}),
        ] {
            assert_eq!(code(plain(claims)), (Code::Disclosure, Vec::new()));
        }
    }

    #[test]
    fn a_recorded_body_is_read_as_it_was() {
        let key = key();
        let signed = key.sign(Plain(json!({"body": {"a": "Zarqolin"}}))).unwrap();
        let body = reread(&recorded(signed.compact().as_bytes()).unwrap()).unwrap();
        assert_eq!(body.text("/a"), Some("Zarqolin"));

        let disclosure = sd_jwt::disclose(&[7; 16], "body", &json!({"a": "Zarqolin"}));
        let claims = json!({"_sd": [disclosure.digest.to_string()], "_sd_alg": "sha-256"});
        let signed = key.sign(Disclosing(claims)).unwrap();
        let object = sd_jwt::assemble(signed.compact(), &[&disclosure.encoded]);
        let body = reread(&recorded(object.as_bytes()).unwrap()).unwrap();
        assert_eq!(body.text("/a"), Some("Zarqolin"));

        let signed = key.sign(Plain(json!({}))).unwrap();
        let none = reread(&recorded(signed.compact().as_bytes()).unwrap()).unwrap_err();
        assert_eq!(none, Refused::at(Code::Schema, "/body", "required"));
    }
}
