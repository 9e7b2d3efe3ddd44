//! Selective disclosure (RFC 9901) of object members at the top level: what messages and releases
//! use. Array elements, nested digests and other hash functions are refused, not ignored.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::jws::{DISCLOSURES_MAX, SignFault, decode};
use crate::domain::{Digest, json};

/// The one hash function, as `_sd_alg` names it.
pub const SD_ALG: &str = "sha-256";

const DIGESTS: &str = "_sd";
const HASH: &str = "_sd_alg";
const ELEMENT: &str = "...";
const SALT_LENGTH_MAX: usize = 256;

/// A disclosure of one object member: base64url of `[salt, name, value]`, and its digest.
#[derive(Clone)]
pub struct Disclosure {
    /// As it stands between the tildes.
    pub encoded: String,
    /// SHA-256 of `encoded`.
    pub digest: Digest,
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({})", self.digest)
    }
}

/// Makes a disclosure. `salt` is 16 random bytes, base64url on the wire.
pub fn disclose(salt: &[u8; 16], name: &str, value: &Value) -> Disclosure {
    disclose_text(salt, name, &value.to_string())
}

/// As [`disclose`], of a value that is JSON text already.
pub fn disclose_text(salt: &[u8; 16], name: &str, json: &str) -> Disclosure {
    let salt = URL_SAFE_NO_PAD.encode(salt);
    let encoded = URL_SAFE_NO_PAD.encode(format!("[\"{salt}\",{},{json}]", Value::from(name)));
    Disclosure { digest: digest(&encoded), encoded }
}

/// The digest that stands for a disclosure in `_sd` (RFC 9901, 4.2.3).
pub fn digest(encoded: &str) -> Digest {
    Digest::of(encoded.as_bytes())
}

/// `jws~d1~d2~…~`.
pub fn assemble(jws: &str, disclosures: &[&str]) -> String {
    let length = disclosures.iter().fold(jws.len() + 1, |sum, next| sum + next.len() + 1);
    let mut object = String::with_capacity(length);
    object.push_str(jws);
    object.push('~');
    for encoded in disclosures {
        object.push_str(encoded);
        object.push('~');
    }
    object
}

/// Puts disclosed members back into `claims` and removes `_sd` and `_sd_alg`. Every disclosure is
/// parsed strictly, must match a digest exactly once; no digest twice; sha-256 only; a disclosed
/// name may not be `_sd`, `...` or collide with a member. A digest without a disclosure is
/// refused too.
pub fn reveal(claims: &mut Map<String, Value>, disclosures: &[String]) -> Result<(), SignFault> {
    match reveal_some(claims, disclosures)? {
        0 => Ok(()),
        _undisclosed => Err(SignFault::Disclosure),
    }
}

/// As [`reveal`], for an object some of whose disclosures are gone (a release after erasure):
/// says how many digests no disclosure stands for. What a digest hides stays unknown.
pub fn reveal_some(
    claims: &mut Map<String, Value>,
    disclosures: &[String],
) -> Result<usize, SignFault> {
    if claims.remove(HASH).is_some_and(|alg| alg != SD_ALG) {
        return Err(SignFault::Disclosure);
    }
    let mut digests = digests(claims.remove(DIGESTS))?;
    if !claims.iter().all(|(name, value)| is_clear(name) && has_clear_names(value)) {
        return Err(SignFault::Disclosure);
    }
    for encoded in disclosures {
        if !digests.remove(&digest(encoded)) {
            return Err(SignFault::Disclosure);
        }
        let (name, value) = open(encoded)?;
        if claims.contains_key(&name) {
            return Err(SignFault::Disclosure);
        }
        claims.insert(name, value);
    }
    Ok(digests.len())
}

/// The digests of `_sd`: a non-empty array, each in its one spelling, none twice.
fn digests(member: Option<Value>) -> Result<BTreeSet<Digest>, SignFault> {
    let items = match member {
        None => return Ok(BTreeSet::new()),
        Some(Value::Array(items)) if (1..=DISCLOSURES_MAX).contains(&items.len()) => items,
        Some(_) => return Err(SignFault::Disclosure),
    };
    let mut digests = BTreeSet::new();
    for item in &items {
        let digest = item.as_str().and_then(|text| text.parse::<Digest>().ok());
        if !digests.insert(digest.ok_or(SignFault::Disclosure)?) {
            return Err(SignFault::Disclosure);
        }
    }
    Ok(digests)
}

/// Name and value of a disclosure of an object member.
fn open(encoded: &str) -> Result<(String, Value), SignFault> {
    let bytes = decode(encoded).map_err(|_coding| SignFault::Disclosure)?;
    let Ok(Value::Array(parts)) = json::parse(&bytes) else { return Err(SignFault::Disclosure) };
    let Ok([Value::String(salt), Value::String(name), value]) = <[Value; 3]>::try_from(parts)
    else {
        return Err(SignFault::Disclosure);
    };
    let salt_fits = (1..=SALT_LENGTH_MAX).contains(&salt.len());
    if salt_fits && is_clear(&name) && has_clear_names(&value) {
        Ok((name, value))
    } else {
        Err(SignFault::Disclosure)
    }
}

/// Whether no object in `value` has a name that means something to RFC 9901.
fn has_clear_names(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(has_clear_names),
        Value::Object(members) => {
            members.iter().all(|(name, value)| is_clear(name) && has_clear_names(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn is_clear(name: &str) -> bool {
    name != DIGESTS && name != HASH && name != ELEMENT
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use sd_jwt_payload::{JwsSigner, SdJwt, SdJwtBuilder, Sha256Hasher};
    use serde_json::json;

    use super::super::keys::{Algorithm, PublicKey};
    use super::super::signing::SigningKey;
    use super::*;
    use crate::domain::Statement;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn members(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { panic!("an object") };
        members
    }

    fn hash(encoded: &str) -> String {
        digest(encoded).to_string()
    }

    #[test]
    fn digests_are_those_of_rfc_9901() {
        // RFC 9901, 4.2.3
        assert_eq!(
            hash("WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"),
            "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY",
        );
        assert_eq!(
            hash("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"),
            "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs",
        );
    }

    #[test]
    fn a_disclosure_of_rfc_9901_is_revealed() {
        let encoded = "WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0".to_owned();
        let mut claims = members(json!({
            "sub": "user_42", "_sd_alg": "sha-256",
            "_sd": ["uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY"],
        }));
        assert_eq!(reveal(&mut claims, &[encoded]), Ok(()));
        assert_eq!(Value::Object(claims), json!({"sub": "user_42", "family_name": "Möbius"}));
    }

    #[test]
    fn what_is_disclosed_is_revealed() {
        let body = json!({"subject": {"name": "Siti \"Z\" Zarqolin\\"}, "list": [1, null, true]});
        let made = disclose(&[9; 16], "body", &body);
        assert_eq!(made.digest, digest(&made.encoded));
        assert_ne!(made.digest, disclose(&[8; 16], "body", &body).digest);
        let mut claims = members(json!({"jti": "x", "_sd": [made.digest], "_sd_alg": "sha-256"}));
        assert_eq!(reveal(&mut claims, &[made.encoded]), Ok(()));
        assert_eq!(Value::Object(claims), json!({"jti": "x", "body": body}));
    }

    struct Carrying(Value);
    impl Statement for Carrying {
        const TYP: &'static str = "test+sd-jwt";
        fn into_claims(self) -> Value {
            self.0
        }
    }

    #[test]
    fn an_independent_reader_reads_the_same() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let body = json!({"subject": {"name": "Zarqolin é"}, "n": -3});
        let made = disclose(&[3; 16], "body", &body);
        let claims = json!({"jti": "x", "_sd": [made.digest], "_sd_alg": "sha-256"});
        let signed = key.sign(Carrying(claims.clone())).unwrap();
        let object = assemble(signed.compact(), &[&made.encoded]);
        let theirs = SdJwt::parse(&object).unwrap();
        assert_eq!(theirs.presentation(), object);
        let theirs = theirs.into_disclosed_object(&Sha256Hasher::new()).unwrap();
        let mut ours = members(claims);
        reveal(&mut ours, &[made.encoded]).unwrap();
        assert_eq!(ours, theirs);
    }

    struct Peer(Ed25519KeyPair);
    #[async_trait::async_trait]
    impl JwsSigner for Peer {
        type Error = String;
        async fn sign(
            &self,
            header: &Map<String, Value>,
            payload: &Map<String, Value>,
        ) -> Result<Vec<u8>, String> {
            let header = encode(&serde_json::to_string(header).unwrap());
            let input = format!("{header}.{}", encode(&serde_json::to_string(payload).unwrap()));
            let signature = URL_SAFE_NO_PAD.encode(self.0.sign(input.as_bytes()));
            Ok(format!("{input}.{signature}").into_bytes())
        }
    }

    #[tokio::test]
    async fn an_object_of_an_independent_writer_is_read() {
        let peer = Peer(Ed25519KeyPair::generate().unwrap());
        let public = peer.0.public_key().as_ref().try_into().unwrap();
        let public = PublicKey::from_ed25519(&public).unwrap();
        let object = json!({"jti": "x", "body": {"name": "Zarqolin"}});
        let sd_jwt = SdJwtBuilder::new(object.clone())
            .unwrap()
            .make_concealable("/body")
            .unwrap()
            .header("typ", "test+sd-jwt")
            .header("kid", public.kid())
            .finish(&peer, "EdDSA")
            .await
            .unwrap();
        let text = sd_jwt.presentation();
        let split = super::super::split(text.as_bytes()).unwrap();
        let verified = split.verify(&public, &["test+sd-jwt"]).unwrap();
        let mut claims = members(json::parse(verified.payload()).unwrap());
        assert!(!claims.contains_key("body"));
        assert_eq!(reveal(&mut claims, verified.disclosures()), Ok(()));
        assert_eq!(Value::Object(claims), object);
    }

    #[test]
    fn an_undisclosed_digest_is_refused_or_counted() {
        let made = disclose(&[3; 16], "body", &json!({}));
        let claims = members(json!({"jti": "x", "_sd": [made.digest], "_sd_alg": "sha-256"}));
        assert_eq!(reveal(&mut claims.clone(), &[]), Err(SignFault::Disclosure));
        let mut erased = claims;
        assert_eq!(reveal_some(&mut erased, &[]), Ok(1));
        assert_eq!(Value::Object(erased), json!({"jti": "x"}));
        let mut plain = members(json!({"jti": "x"}));
        assert_eq!(reveal(&mut plain, &[]), Ok(()));
        assert_eq!(reveal(&mut plain, &[made.encoded]), Err(SignFault::Disclosure));
    }

    #[test]
    fn malformed_disclosures_are_refused() {
        let good = r#"["c2FsdA","body",{"a":1}]"#;
        let cases = [
            r#"["c2FsdA",{"a":1}]"#,
            r#"["c2FsdA","body",{"a":1},1]"#,
            r#"["c2FsdA"]"#,
            "[]",
            "{}",
            r#"{"salt":"c2FsdA"}"#,
            r#"[7,"body",{}]"#,
            r#"["","body",{}]"#,
            r#"["c2FsdA",7,{}]"#,
            r#"["c2FsdA","_sd",[]]"#,
            r#"["c2FsdA","_sd_alg","sha-256"]"#,
            r#"["c2FsdA","...",1]"#,
            r#"["c2FsdA","jti","y"]"#,
            r#"["c2FsdA","body",{"a":1,"a":2}]"#,
            r#"["c2FsdA","body",{"b":{"_sd":[]}}]"#,
            r#"["c2FsdA","body",[{"...":"x"}]]"#,
            r#"["c2FsdA","body",{"_sd_alg":"sha-256"}]"#,
            r#"["c2FsdA","body",1.5]"#,
            r#"["c2FsdA","body","\ud800"]"#,
            r#"["c2FsdA","body",1]x"#,
            "",
        ];
        let try_with = |encoded: &str| {
            let mut claims =
                members(json!({"jti": "x", "_sd": [digest(encoded)], "_sd_alg": "sha-256"}));
            reveal(&mut claims, &[encoded.to_owned()])
        };
        assert_eq!(try_with(&encode(good)), Ok(()));
        for text in cases {
            assert_eq!(try_with(&encode(text)), Err(SignFault::Disclosure), "{text}");
        }
        let long_salt = format!(r#"["{}","body",1]"#, "s".repeat(SALT_LENGTH_MAX + 1));
        assert_eq!(try_with(&encode(&long_salt)), Err(SignFault::Disclosure));
        // a second spelling of the same bytes: padding, stray bits, the other alphabet
        for encoded in
            [format!("{}=", encode(r#"["s","body",12]"#)), "Zh".to_owned(), "+/+/".to_owned()]
        {
            assert_eq!(try_with(&encoded), Err(SignFault::Disclosure), "{encoded}");
        }
    }

    #[test]
    fn digests_are_strict() {
        let made = disclose(&[3; 16], "body", &json!({}));
        let other = disclose(&[4; 16], "body", &json!({}));
        let hash = made.digest.to_string();
        let cases = [
            json!({"_sd": [hash, hash]}),
            json!({"_sd": [hash, other.digest]}),
            json!({"_sd": [other.digest]}),
            json!({"_sd": []}),
            json!({"_sd": hash}),
            json!({"_sd": [7]}),
            json!({"_sd": [format!("{hash}=")]}),
            json!({"_sd": null}),
            json!({"_sd": [hash], "_sd_alg": "md5"}),
            json!({"_sd": [hash], "_sd_alg": "SHA-256"}),
            json!({"_sd": [hash], "_sd_alg": "sha-512"}),
            json!({"_sd": [hash], "_sd_alg": null}),
            json!({"_sd": [hash], "body": 1}),
            json!({"_sd": [hash], "...": hash}),
            json!({"_sd": [hash], "x": {"_sd": [hash]}}),
            json!({"_sd": [hash], "x": [{"...": hash}]}),
            json!({"_sd": [hash], "x": {"_sd_alg": "sha-256"}}),
        ];
        for claims in cases {
            let result = reveal(&mut members(claims.clone()), std::slice::from_ref(&made.encoded));
            assert_eq!(result, Err(SignFault::Disclosure), "{claims}");
        }
        let twice = [made.encoded.clone(), made.encoded.clone()];
        let mut claims = members(json!({"_sd": [hash]}));
        assert_eq!(reveal(&mut claims, &twice), Err(SignFault::Disclosure));
        let mut claims = members(json!({"_sd": [hash, other.digest]}));
        let one_name = [made.encoded.clone(), other.encoded];
        assert_eq!(reveal(&mut claims, &one_name), Err(SignFault::Disclosure));
        let mut absent_means_sha_256 = members(json!({"_sd": [hash]}));
        assert_eq!(reveal(&mut absent_means_sha_256, &[made.encoded]), Ok(()));
    }

    #[test]
    fn an_object_ends_in_a_tilde() {
        assert_eq!(assemble("a.b.c", &[]), "a.b.c~");
        assert_eq!(assemble("a.b.c", &["d", "e"]), "a.b.c~d~e~");
    }

    #[test]
    fn no_value_shows_in_debug() {
        let made = disclose(&[3; 16], "body", &json!("Zarqolin"));
        assert_eq!(format!("{made:?}"), format!("Disclosure({})", made.digest));
    }
}
