//! Compact JWS and SD-JWT objects: taken apart strictly, then verified.
//!
//! INVARIANT: one object has one spelling. Base64url is canonical (no padding, no stray bits),
//! the header has exactly `alg`, `kid` and `typ`, and an object ends in `~` if and only if its
//! `typ` ends in `+sd-jwt`. So two objects that say the same thing under one signature differ in
//! nothing but their signatures' and disclosures' own bytes, and the digest tells them apart.
//! No payload is handed out before its signature was checked.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::keys::{Algorithm, PublicKey};
use crate::domain::{Digest, json};

/// Largest object, in bytes: a message and a release are both far below.
pub const OBJECT_BYTES_MAX: usize = 1024 * 1024;
/// Largest decoded header, in bytes.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;
/// Most disclosures of one object.
pub const DISCLOSURES_MAX: usize = 512;
/// Both algorithms sign with 64 bytes.
const SIGNATURE_BYTES: usize = 64;

/// Why a signed object was not taken. Plain problems; carries no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignFault {
    /// Not a compact JWS or SD-JWT.
    #[error("not a compact JWS or SD-JWT")]
    NotCompact,
    /// The header is not strict JSON or lacks `alg`, `typ` or `kid`.
    #[error("the protected header is not acceptable")]
    Header,
    /// `alg` is not the key's.
    #[error("the algorithm is not allowed")]
    Algorithm,
    /// `typ` is not the one expected here.
    #[error("the `typ` is not the one expected here")]
    Typ,
    /// `jwk`, `jku`, `x5u`, `x5c`, `crit` or another parameter that is never honoured.
    #[error("the header has a parameter that is never honoured")]
    Parameter,
    /// No active key of the party has this `kid`.
    #[error("no active key of the party has this `kid`")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// The disclosures do not fit the payload's digests.
    #[error("the disclosures do not fit")]
    Disclosure,
}

/// A compact JWS or SD-JWT taken apart; nothing of it is verified yet.
pub struct Split<'a> {
    object: &'a str,
    signing_input: &'a str,
    payload: &'a str,
    signature: [u8; SIGNATURE_BYTES],
    disclosures: Vec<&'a str>,
    header: Header,
}

impl fmt::Debug for Split<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Split")
    }
}

/// Takes a compact JWS or an SD-JWT apart and reads its header strictly.
///
/// # Errors
/// [`SignFault::NotCompact`], `Header`, `Algorithm`, `Parameter`, `Signature` (not 64 bytes) or
/// `Disclosure` (too many).
pub fn split(object: &[u8]) -> Result<Split<'_>, SignFault> {
    split_with(object, None)
}

/// As [`split`], for a client assertion: RFC 7523 asks for no `typ`, so an absent one is `JWT`.
///
/// # Errors
/// As [`split`].
pub fn split_assertion(object: &[u8]) -> Result<Split<'_>, SignFault> {
    split_with(object, Some("JWT"))
}

fn split_with<'a>(object: &'a [u8], typ: Option<&str>) -> Result<Split<'a>, SignFault> {
    if object.len() > OBJECT_BYTES_MAX || !object.is_ascii() {
        return Err(SignFault::NotCompact);
    }
    let object = std::str::from_utf8(object).map_err(|_not_ascii| SignFault::NotCompact)?;
    let (jws, tail) = match object.split_once('~') {
        None => (object, None),
        Some((jws, tail)) => (jws, Some(tail)),
    };
    let disclosures = tail.map_or(Ok(Vec::new()), split_disclosures)?;
    let (signing_input, signature) = jws.rsplit_once('.').ok_or(SignFault::NotCompact)?;
    let (header, payload) = signing_input.split_once('.').ok_or(SignFault::NotCompact)?;
    if payload.is_empty() || !is_base64url(payload) {
        return Err(SignFault::NotCompact);
    }
    let header = Header::read(header, typ)?;
    if header.typ.ends_with("+sd-jwt") != tail.is_some() {
        return Err(SignFault::NotCompact);
    }
    let signature = decode(signature)?;
    let signature = signature.as_slice().try_into().map_err(|_length| SignFault::Signature)?;
    Ok(Split { object, signing_input, payload, signature, disclosures, header })
}

/// What stands after the first `~`: `d1~…~`, or nothing.
fn split_disclosures(tail: &str) -> Result<Vec<&str>, SignFault> {
    if tail.is_empty() {
        return Ok(Vec::new());
    }
    let tail = tail.strip_suffix('~').ok_or(SignFault::NotCompact)?;
    let mut disclosures = Vec::new();
    for encoded in tail.split('~') {
        if encoded.is_empty() || !is_base64url(encoded) {
            return Err(SignFault::NotCompact);
        }
        if disclosures.len() == DISCLOSURES_MAX {
            return Err(SignFault::Disclosure);
        }
        disclosures.push(encoded);
    }
    Ok(disclosures)
}

/// Gathers rather than stops at the first odd byte, so that the compiler can look at many at once.
fn is_base64url(text: &str) -> bool {
    let odd = |b: u8| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    text.bytes().fold(0u8, |seen, b| seen | u8::from(odd(b))) == 0
}

/// The claims of a compact JWS as they stand, before any signature is looked at: only to know whose
/// key to look for, or what a word is about that is then verified. Nothing of it is believed.
pub fn unverified_claims(object: &str) -> Option<Value> {
    let payload = decode(object.split('.').nth(1)?).ok()?;
    json::parse(&payload).ok()
}

/// Canonical base64url: no padding, no bits beyond the last byte.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, SignFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_coding| SignFault::NotCompact)
}

struct Header {
    algorithm: Algorithm,
    typ: String,
    kid: String,
}

impl Header {
    /// Exactly `alg`, `typ` and `kid`. Every other parameter is refused, known or unknown: none
    /// may choose a key, a certificate, an algorithm, or another reading of the payload.
    fn read(encoded: &str, absent_typ: Option<&str>) -> Result<Self, SignFault> {
        let bytes = decode(encoded)?;
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(SignFault::Header);
        }
        let header = json::parse(&bytes).map_err(|_fault| SignFault::Header)?;
        let Value::Object(mut members) = header else { return Err(SignFault::Header) };
        if let (Some(typ), false) = (absent_typ, members.contains_key("typ")) {
            members.insert("typ".to_owned(), typ.into());
        }
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(SignFault::Header),
        };
        let (alg, typ, kid) = (text("alg"), text("typ"), text("kid"));
        if !members.is_empty() {
            return Err(SignFault::Parameter);
        }
        let algorithm = Algorithm::of_header(&alg?).ok_or(SignFault::Algorithm)?;
        Ok(Self { algorithm, typ: typ?, kid: kid? })
    }
}

impl Split<'_> {
    /// `typ`.
    pub fn typ(&self) -> &str {
        &self.header.typ
    }

    /// `kid`.
    pub fn kid(&self) -> &str {
        &self.header.kid
    }

    /// `alg`, one of the two we know; whether it is the key's is checked by [`Split::verify`].
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// Checks the signature under `key` and that `typ` is one of `typs`.
    ///
    /// # Errors
    /// [`SignFault::Typ`], `UnknownKey` (the key handed in is not the one named), `Algorithm`,
    /// `Signature`, or `NotCompact` where the payload is no canonical base64url.
    pub fn verify(self, key: &PublicKey, typs: &[&str]) -> Result<Verified, SignFault> {
        if !typs.contains(&self.typ()) {
            return Err(SignFault::Typ);
        }
        if self.kid() != key.kid() {
            return Err(SignFault::UnknownKey);
        }
        if self.header.algorithm != key.algorithm() {
            return Err(SignFault::Algorithm);
        }
        if !key.verifies(self.signing_input.as_bytes(), &self.signature) {
            return Err(SignFault::Signature);
        }
        let digest = Digest::of(self.object.as_bytes());
        self.open().map(|parts| Verified(parts, digest))
    }

    fn open(self) -> Result<Parts, SignFault> {
        Ok(Parts {
            payload: decode(self.payload)?,
            disclosures: self.disclosures.iter().map(|&encoded| encoded.to_owned()).collect(),
            typ: self.header.typ,
            kid: self.header.kid,
        })
    }
}

struct Parts {
    typ: String,
    kid: String,
    payload: Vec<u8>,
    disclosures: Vec<String>,
}

macro_rules! parts {
    ($name:ident) => {
        impl $name {
            /// `typ` of the header.
            pub fn typ(&self) -> &str {
                &self.0.typ
            }
            /// `kid` of the header.
            pub fn kid(&self) -> &str {
                &self.0.kid
            }
            /// The payload's bytes (JSON, not yet parsed).
            pub fn payload(&self) -> &[u8] {
                &self.0.payload
            }
            /// The disclosures as encoded, in order; empty for a plain JWS.
            pub fn disclosures(&self) -> &[String] {
                &self.0.disclosures
            }
        }
    };
}

/// A signed object whose signature was checked. Minted here only.
pub struct Verified(Parts, Digest);

impl Verified {
    /// SHA-256 of the whole object as received, disclosures included.
    pub fn digest(&self) -> Digest {
        self.1
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({})", self.1)
    }
}

/// A signed object that this gateway verified and sealed earlier. Nothing was checked again.
/// Its digest stands in its row.
pub struct Recorded(Parts);

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

parts!(Verified);
parts!(Recorded);

/// Takes apart an object that this gateway itself verified earlier and whose bytes the vault's
/// authenticated encryption (or the gateway's own table of receipts) vouches for. **Never for
/// bytes from a socket**: no signature is checked. A [`Recorded`] is no [`Verified`] and cannot be
/// turned into one.
///
/// # Errors
/// As [`split`]: the bytes are not what was recorded.
pub fn recorded(object: &[u8]) -> Result<Recorded, SignFault> {
    split(object)?.open().map(Recorded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::sd_jwt::{assemble, disclose};
    use super::super::signing::SigningKey;
    use super::*;
    use crate::domain::Statement;

    const TYPS: &[&str] = &["test+jwt", "test+sd-jwt"];

    struct Plain(Value);
    impl Statement for Plain {
        const TYP: &'static str = "test+jwt";
        fn into_claims(self) -> Value {
            self.0
        }
    }

    struct Disclosing(Value);
    impl Statement for Disclosing {
        const TYP: &'static str = "test+sd-jwt";
        fn into_claims(self) -> Value {
            self.0
        }
    }

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(algorithm).unwrap()
    }

    fn plain(key: &SigningKey) -> String {
        key.sign(Plain(json!({"jti": "synthetic"}))).unwrap().compact().to_owned()
    }

    fn sd(key: &SigningKey) -> String {
        let body = disclose(&[7; 16], "body", &json!({"note": "Zarqolin"}));
        let claims = json!({"_sd": [body.digest], "_sd_alg": "sha-256"});
        let signed = key.sign(Disclosing(claims)).unwrap();
        assemble(signed.compact(), &[&body.encoded])
    }

    /// An object with this header. Its signature is another object's: `split` must refuse a header
    /// before any signature is looked at.
    fn with_header(key: &SigningKey, header: &str) -> String {
        let object = plain(key);
        let (_, signature) = object.rsplit_once('.').unwrap();
        format!("{}.e30.{signature}", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn an_object_verifies_and_opens() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let key = key(algorithm);
            let object = plain(&key);
            let split = split(object.as_bytes()).unwrap();
            assert_eq!((split.typ(), split.kid()), ("test+jwt", key.public().kid()));
            assert_eq!(split.algorithm(), algorithm);
            let verified = split.verify(key.public(), TYPS).unwrap();
            assert_eq!(verified.payload(), br#"{"jti":"synthetic"}"#);
            assert!(verified.disclosures().is_empty());
            assert_eq!(verified.digest(), Digest::of(object.as_bytes()));
        }
    }

    #[test]
    fn the_digest_covers_the_disclosures() {
        let key = key(Algorithm::EdDsa);
        let object = sd(&key);
        let verified = split(object.as_bytes()).unwrap().verify(key.public(), TYPS).unwrap();
        assert_eq!(verified.disclosures().len(), 1);
        assert_eq!(verified.digest(), Digest::of(object.as_bytes()));
        let recorded = recorded(object.as_bytes()).unwrap();
        assert_eq!(recorded.payload(), verified.payload());
        assert_eq!(recorded.disclosures(), verified.disclosures());
        assert_eq!((recorded.typ(), recorded.kid()), (verified.typ(), verified.kid()));
    }

    #[test]
    fn what_is_not_compact_is_refused() {
        let key = key(Algorithm::EdDsa);
        let (jws, sd) = (plain(&key), sd(&key));
        let (statement, _) = sd.split_once('~').unwrap();
        let parts: Vec<&str> = jws.split('.').collect();
        let cases = [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "~".to_owned(),
            parts[0].to_owned(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{jws}.{}", parts[2]),
            format!("{}..{}", parts[0], parts[2]),
            format!("{jws} "),
            format!("\n{jws}"),
            format!("{jws}="),
            format!("{}.{}=.{}", parts[0], parts[1], parts[2]),
            jws.replace('.', "\u{ff0e}"),
            // a plain JWS has no tilde, an SD-JWT always ends in one
            format!("{jws}~"),
            statement.to_owned(),
            sd.strip_suffix('~').unwrap().to_owned(),
            format!("{sd}~"),
            format!("{sd}a b~"),
            format!("{statement}~~"),
            format!("{sd}{jws}"),
            format!("{}{}", "a".repeat(OBJECT_BYTES_MAX), jws),
        ];
        for object in cases {
            let fault = split(object.as_bytes()).unwrap_err();
            assert_eq!(fault, SignFault::NotCompact, "{object}");
        }
        assert_eq!(split(b"\xff.\xff.\xff").unwrap_err(), SignFault::NotCompact);
    }

    #[test]
    fn stray_bits_are_another_spelling_and_refused() {
        let key = key(Algorithm::EdDsa);
        let object = plain(&key);
        // 64 bytes leave four bits of the last of 86 characters unused.
        let (head, last) = object.split_at(object.len() - 1);
        assert!("AQgw".contains(last));
        let next = char::from(last.as_bytes()[0] + 1);
        let fault = split(format!("{head}{next}").as_bytes()).unwrap_err();
        assert_eq!(fault, SignFault::NotCompact);
    }

    #[test]
    fn a_header_has_three_members_and_no_other() {
        let key = key(Algorithm::EdDsa);
        let good = r#""alg":"EdDSA","typ":"test+jwt","kid":"k""#;
        assert!(split(with_header(&key, &format!("{{{good}}}")).as_bytes()).is_ok());
        let forbidden = [
            "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "enc", "zip", "cty",
            "iss", "Alg", "nonce",
        ];
        for name in forbidden {
            for value in ["null", "[]", "{}", "true", "\"x\""] {
                let header = format!(r#"{{{good},"{name}":{value}}}"#);
                let fault = split(with_header(&key, &header).as_bytes()).unwrap_err();
                assert_eq!(fault, SignFault::Parameter, "{header}");
            }
        }
        let long = format!(r#"{{{good},"x":"{}"}}"#, "x".repeat(HEADER_BYTES_MAX));
        let cases = [
            "",
            "[]",
            "null",
            "{}",
            "{",
            "\u{feff}{}",
            r#"{"alg":"EdDSA","typ":"test+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"k"}"#,
            r#"{"typ":"test+jwt","kid":"k"}"#,
            r#"{"alg":["EdDSA"],"typ":"test+jwt","kid":"k"}"#,
            r#"{"alg":"EdDSA","typ":null,"kid":"k"}"#,
            r#"{"alg":"EdDSA","typ":"test+jwt","kid":7}"#,
            r#"{"alg":"EdDSA","alg":"EdDSA","typ":"test+jwt","kid":"k"}"#,
            r#"{"alg":"none","\u0061lg":"EdDSA","typ":"test+jwt","kid":"k"}"#,
            &long,
        ];
        for header in cases {
            let fault = split(with_header(&key, header).as_bytes()).unwrap_err();
            assert_eq!(fault, SignFault::Header, "{header}");
        }
    }

    #[test]
    fn an_algorithm_is_the_keys_and_never_the_headers() {
        for alg in ["none", "None", "HS256", "RS256", "ES384", "eddsa", "Ed25519", ""] {
            let key = key(Algorithm::EdDsa);
            let header = json!({"alg": alg, "typ": "test+jwt", "kid": key.public().kid()});
            for signature in ["", "AA"] {
                let object =
                    format!("{}.e30.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
                let fault = split(object.as_bytes()).unwrap_err();
                assert_eq!(fault, SignFault::Algorithm, "{alg}");
            }
        }
    }

    #[test]
    fn hmac_with_the_public_key_as_its_secret_is_refused() {
        let key = key(Algorithm::EdDsa);
        let header = json!({"alg": "HS256", "typ": "test+jwt", "kid": key.public().kid()});
        let input = format!("{}.e30", URL_SAFE_NO_PAD.encode(header.to_string()));
        let secret = aws_lc_rs::hmac::Key::new(
            aws_lc_rs::hmac::HMAC_SHA256,
            &key.public().ed25519_bytes().unwrap(),
        );
        let tag = aws_lc_rs::hmac::sign(&secret, input.as_bytes());
        let object = format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(split(object.as_bytes()).unwrap_err(), SignFault::Algorithm);
    }

    #[test]
    fn a_header_of_the_other_algorithm_is_refused() {
        let (ed, p256) = (key(Algorithm::EdDsa), key(Algorithm::Es256));
        for (alg, signer) in [("ES256", &ed), ("EdDSA", &p256)] {
            let header = json!({"alg": alg, "typ": "test+jwt", "kid": signer.public().kid()});
            let object = with_header(signer, &header.to_string());
            let fault = split(object.as_bytes()).unwrap().verify(signer.public(), TYPS);
            assert_eq!(fault.unwrap_err(), SignFault::Algorithm);
        }
    }

    #[test]
    fn another_typ_another_key_and_a_short_signature_are_refused() {
        let (key, other) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
        let object = plain(&key);
        let verify = |key: &PublicKey, typs: &[&str]| {
            split(object.as_bytes()).unwrap().verify(key, typs).unwrap_err()
        };
        assert_eq!(verify(key.public(), &["other+jwt"]), SignFault::Typ);
        assert_eq!(verify(key.public(), &[]), SignFault::Typ);
        assert_eq!(verify(other.public(), TYPS), SignFault::UnknownKey);
        let mut same_name = other.public().to_jwk();
        same_name["kid"] = json!(key.public().kid());
        let same_name = PublicKey::from_jwk(&same_name).unwrap();
        assert_eq!(verify(&same_name, TYPS), SignFault::Signature);
        let (input, _) = object.rsplit_once('.').unwrap();
        for signature in ["", "AA", &"A".repeat(84), &"A".repeat(88)] {
            let fault = split(format!("{input}.{signature}").as_bytes()).unwrap_err();
            assert_eq!(fault, SignFault::Signature);
        }
    }

    #[test]
    fn there_are_at_most_512_disclosures() {
        let key = key(Algorithm::EdDsa);
        let object = sd(&key);
        let (statement, _) = object.split_once('~').unwrap();
        let with = |count: usize| assemble(statement, &vec!["AAAA"; count]);
        assert!(split(with(DISCLOSURES_MAX).as_bytes()).is_ok());
        let fault = split(with(DISCLOSURES_MAX + 1).as_bytes()).unwrap_err();
        assert_eq!(fault, SignFault::Disclosure);
    }

    #[test]
    fn no_payload_shows_in_debug() {
        let key = key(Algorithm::EdDsa);
        let object = sd(&key);
        let split = split(object.as_bytes()).unwrap();
        assert_eq!(format!("{split:?}"), "Split");
        let verified = split.verify(key.public(), TYPS).unwrap();
        assert_eq!(format!("{verified:?}"), format!("Verified({})", verified.digest()));
    }

    fn opens(object: &[u8], key: &PublicKey) -> bool {
        let Ok(verified) = split(object).and_then(|split| split.verify(key, TYPS)) else {
            return false;
        };
        let Ok(Value::Object(mut claims)) = json::parse(verified.payload()) else { return false };
        super::super::sd_jwt::reveal(&mut claims, verified.disclosures()).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_one_changed_byte_is_noticed(at in 0usize..4096, to in 0u8..=255, ed: bool) {
            let key = key(if ed { Algorithm::EdDsa } else { Algorithm::Es256 });
            for object in [plain(&key), sd(&key)] {
                prop_assert!(opens(object.as_bytes(), key.public()));
                let mut changed = object.clone().into_bytes();
                let at = at % changed.len();
                prop_assume!(changed[at] != to);
                changed[at] = to;
                prop_assert!(!opens(&changed, key.public()));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(split(&bytes).is_err());
        }

        #[test]
        fn no_text_of_the_right_alphabet_is_taken(text in "[A-Za-z0-9_.~-]{0,200}") {
            prop_assert!(split(text.as_bytes()).is_err());
        }
    }
}
