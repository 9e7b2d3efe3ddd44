//! Public keys as JWKs (RFC 7517, RFC 8037), parsed once.
//!
//! INVARIANT: an algorithm belongs to a key, never to an object: what a header says is compared
//! with the key and decides nothing.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::domain::Digest;

/// Longest `kid`, in characters of printable ASCII.
pub const KID_LENGTH_MAX: usize = 128;

/// `EdDSA` (Ed25519) or ES256 (P-256), fixed per key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `EdDSA`, Ed25519.
    EdDsa,
    /// `ES256`.
    Es256,
}

impl Algorithm {
    /// The `alg` header (RFC 7518, 3.1; RFC 8037, 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of that `alg`; none but the two.
    pub(super) fn of_header(alg: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|known| known.as_str() == alg)
    }
}

/// A public key that may verify.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    algorithm: Algorithm,
    /// Its `as_ref` is the 32 bytes of Ed25519, or `0x04 ‖ x ‖ y`.
    parsed: ParsedPublicKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {:?})", self.kid, self.algorithm)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.parsed.as_ref() == other.parsed.as_ref()
    }
}

impl Eq for PublicKey {}

/// The JWK is not one we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 or P-256 public JWK")]
pub struct NotAKey;

impl PublicKey {
    /// Reads a public JWK (RFC 7517; OKP Ed25519 or EC P-256). `kid` defaults to the RFC 7638
    /// thumbprint; `alg`, `use` and `key_ops`, where present, must allow verifying. A private
    /// JWK (`d`) is refused: it has no place where public keys are kept.
    pub fn from_jwk(jwk: &Value) -> Result<Self, NotAKey> {
        let members = jwk.as_object().ok_or(NotAKey)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(NotAKey),
        };
        if members.contains_key("d") || !may_verify(members.get("key_ops")) {
            return Err(NotAKey);
        }
        let parts = JwkParts {
            kty: text("kty")?.ok_or(NotAKey)?,
            crv: text("crv")?.ok_or(NotAKey)?,
            x: text("x")?.ok_or(NotAKey)?,
            y: text("y")?,
            kid: text("kid")?,
            alg: text("alg")?,
            key_use: text("use")?,
        };
        parts.read()
    }

    /// The Ed25519 key of these 32 bytes, under its thumbprint.
    pub fn from_ed25519(bytes: &[u8; 32]) -> Result<Self, NotAKey> {
        Self::parse(Algorithm::EdDsa, bytes, None)
    }

    /// `point`: 32 bytes of Ed25519, or `0x04 ‖ x ‖ y`.
    pub(super) fn parse(
        algorithm: Algorithm,
        point: &[u8],
        kid: Option<&str>,
    ) -> Result<Self, NotAKey> {
        let parsed = match algorithm {
            Algorithm::EdDsa if point.len() == 32 && !has_small_order(point) => {
                ParsedPublicKey::new(&ED25519, point)
            }
            Algorithm::Es256 if point.len() == 65 && point.first() == Some(&4) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            }
            Algorithm::EdDsa | Algorithm::Es256 => return Err(NotAKey),
        };
        let parsed = parsed.map_err(|_rejected| NotAKey)?;
        let mut key = Self { kid: String::new(), algorithm, parsed };
        key.kid = match kid {
            None => key.thumbprint().to_string(),
            Some(kid) if is_kid(kid) => kid.to_owned(),
            Some(_) => return Err(NotAKey),
        };
        Ok(key)
    }

    /// The public JWK with `kid`, `alg`, `use`.
    pub fn to_jwk(&self) -> Value {
        let mut jwk = self.required_members();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), Value::from(self.kid.as_str()));
            members.insert("alg".to_owned(), Value::from(self.algorithm.as_str()));
            members.insert("use".to_owned(), Value::from("sig"));
        }
        jwk
    }

    /// The members that identify the key, and no other (RFC 7638, 3.2).
    fn required_members(&self) -> Value {
        let point = self.parsed.as_ref();
        match self.algorithm {
            Algorithm::EdDsa => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(point)})
            }
            Algorithm::Es256 => {
                // INVARIANT: `parse` took only points of 65 bytes.
                let (x, y) =
                    point.get(1..).and_then(|xy| xy.split_at_checked(32)).unwrap_or_default();
                json!({
                    "kty": "EC", "crv": "P-256",
                    "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
                })
            }
        }
    }

    /// The RFC 7638 thumbprint, whatever the `kid` is.
    pub fn thumbprint(&self) -> Digest {
        // The members are ASCII and `serde_json` sorts them: this is the canonical form.
        Digest::of(self.required_members().to_string().as_bytes())
    }

    /// Its `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` over `message` is by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    /// 32 bytes of Ed25519, or `0x04 ‖ x ‖ y`.
    pub(super) fn point(&self) -> &[u8] {
        self.parsed.as_ref()
    }

    /// Raw Ed25519 public key, for checkpoints.
    pub fn ed25519_bytes(&self) -> Option<[u8; 32]> {
        match self.algorithm {
            Algorithm::EdDsa => self.parsed.as_ref().try_into().ok(),
            Algorithm::Es256 => None,
        }
    }
}

fn is_kid(kid: &str) -> bool {
    (1..=KID_LENGTH_MAX).contains(&kid.len()) && kid.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn may_verify(key_ops: Option<&Value>) -> bool {
    match key_ops {
        None => true,
        Some(Value::Array(ops)) => ops.iter().any(|op| op == "verify"),
        Some(_) => false,
    }
}

/// Public keys of small order, whose signatures fit many messages: a party could sign with one
/// and later deny what it said. The sign bit (the highest of the last byte) does not matter.
fn has_small_order(point: &[u8]) -> bool {
    let Some((last, head)) = point.split_last() else { return true };
    let last = last & 0x7f;
    SMALL_ORDER.iter().any(|bad| {
        bad.split_last().is_some_and(|(bad_last, bad_head)| bad_head == head && *bad_last == last)
    })
}

/// The y coordinates of the points of order 1, 2, 4 and 8, little-endian; the last two are second
/// spellings (2^255 - 19 and one more) of the first two.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small(0, 0, 0),
    small(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    small(0xec, 0xff, 0x7f),
    small(0xed, 0xff, 0x7f),
    small(0xee, 0xff, 0x7f),
];

/// 32 bytes: `first`, thirty times `middle`, `last`.
const fn small(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    let [head, .., tail] = &mut bytes;
    *head = first;
    *tail = last;
    bytes
}

/// The members of a JWK that both halves of a key have.
pub(super) struct JwkParts<'a> {
    pub(super) kty: &'a str,
    pub(super) crv: &'a str,
    pub(super) x: &'a str,
    pub(super) y: Option<&'a str>,
    pub(super) kid: Option<&'a str>,
    pub(super) alg: Option<&'a str>,
    pub(super) key_use: Option<&'a str>,
}

impl JwkParts<'_> {
    pub(super) fn read(&self) -> Result<PublicKey, NotAKey> {
        let x = coordinate(self.x)?;
        let (algorithm, point) = match (self.kty, self.crv, self.y) {
            ("OKP", "Ed25519", None) => (Algorithm::EdDsa, x.to_vec()),
            ("EC", "P-256", Some(y)) => {
                (Algorithm::Es256, [&[4][..], &x, &coordinate(y)?].concat())
            }
            _ => return Err(NotAKey),
        };
        let alg_fits = self.alg.is_none_or(|alg| alg == algorithm.as_str());
        if !alg_fits || self.key_use.is_some_and(|key_use| key_use != "sig") {
            return Err(NotAKey);
        }
        PublicKey::parse(algorithm, &point, self.kid)
    }
}

fn coordinate(text: &str) -> Result<[u8; 32], NotAKey> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_coding| NotAKey)?;
    bytes.as_slice().try_into().map_err(|_length| NotAKey)
}

/// Keys by `kid`.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// A set of keys; a repeated `kid` keeps the first.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        let mut set = Self { keys: Vec::with_capacity(keys.len()) };
        for key in keys {
            if set.find(&key.kid).is_none() {
                set.keys.push(key);
            }
        }
        set
    }

    /// Reads a JWK set (RFC 7517, 5). One key we do not take, or one `kid` twice, refuses the set:
    /// a set that is pinned must not silently be smaller than it looks.
    pub fn from_jwks(jwks: &Value) -> Result<Self, NotAKey> {
        let keys = jwks.get("keys").and_then(Value::as_array).ok_or(NotAKey)?;
        let keys = keys.iter().map(PublicKey::from_jwk).collect::<Result<Vec<_>, _>>()?;
        let count = keys.len();
        let set = Self::new(keys);
        if set.keys.len() == count { Ok(set) } else { Err(NotAKey) }
    }

    /// The key of that `kid`.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }

    /// The JWK set (RFC 7517, 5).
    pub fn to_jwks(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(PublicKey::to_jwk).collect();
        Value::Object(Map::from_iter([("keys".to_owned(), Value::from(keys))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, A.2.
    fn rfc8037() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    /// RFC 7515, A.3.
    fn rfc7515() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk.as_object_mut().unwrap().insert(name.to_owned(), value);
        jwk
    }

    #[test]
    fn kid_defaults_to_the_thumbprint_of_rfc_8037() {
        let key = PublicKey::from_jwk(&rfc8037()).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.algorithm(), Algorithm::EdDsa);
        let named = PublicKey::from_jwk(&with(rfc8037(), "kid", json!("bnpt-1"))).unwrap();
        assert_eq!(named.kid(), "bnpt-1");
        assert_eq!(named.thumbprint(), key.thumbprint());
    }

    #[test]
    fn a_jwk_round_trips() {
        for jwk in [rfc8037(), rfc7515(), with(rfc7515(), "kid", json!("a \"quoted\" one"))] {
            let key = PublicKey::from_jwk(&jwk).unwrap();
            assert_eq!(PublicKey::from_jwk(&key.to_jwk()).unwrap(), key);
            assert_eq!(key.to_jwk()["use"], "sig");
        }
    }

    #[test]
    fn the_signature_of_rfc_8037_a_4_verifies() {
        let key = PublicKey::from_jwk(&rfc8037()).unwrap();
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
        let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert!(key.verifies(input, &signature));
        assert!(!key.verifies(&input[1..], &signature));
    }

    #[test]
    fn the_signature_of_rfc_7515_a_3_verifies() {
        let key = PublicKey::from_jwk(&rfc7515()).unwrap();
        let signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        let input = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        assert!(key.verifies(input, &signature));
        assert!(!key.verifies(&input[1..], &signature));
    }

    #[test]
    fn what_is_no_public_signing_key_is_refused() {
        let mut off_curve = rfc7515();
        off_curve["y"] = json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1");
        let cases = [
            json!("text"),
            json!({}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            json!({"kty": "oct", "k": "AQAB"}),
            with(rfc8037(), "crv", json!("Ed448")),
            with(rfc8037(), "crv", json!("X25519")),
            with(rfc8037(), "crv", json!("P-256")),
            with(rfc8037(), "kty", json!("EC")),
            with(rfc8037(), "y", json!("AA")),
            with(rfc8037(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp")),
            with(rfc8037(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")),
            with(rfc8037(), "x", json!("AAAA")),
            with(rfc8037(), "d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")),
            with(rfc8037(), "alg", json!("ES256")),
            with(rfc8037(), "alg", json!("none")),
            with(rfc8037(), "use", json!("enc")),
            with(rfc8037(), "key_ops", json!(["sign"])),
            with(rfc8037(), "key_ops", json!("verify")),
            with(rfc8037(), "kid", json!("")),
            with(rfc8037(), "kid", json!("a\nb")),
            with(rfc8037(), "kid", json!("é")),
            with(rfc8037(), "kid", json!("k".repeat(129))),
            with(rfc8037(), "kid", json!(7)),
            with(rfc7515(), "crv", json!("P-384")),
            with(rfc7515(), "alg", json!("EdDSA")),
            off_curve,
        ];
        for jwk in cases {
            assert_eq!(PublicKey::from_jwk(&jwk).unwrap_err(), NotAKey, "{jwk}");
        }
    }

    #[test]
    fn a_key_under_which_one_signature_fits_every_message_is_refused() {
        // R = identity, S = 0 verifies anything under the identity as public key.
        let mut signature = [0u8; 64];
        signature[0] = 1;
        let identity = small(1, 0, 0);
        let parsed = ParsedPublicKey::new(&ED25519, identity).unwrap();
        assert!(parsed.verify_sig(b"one thing", &signature).is_ok());
        assert!(parsed.verify_sig(b"another", &signature).is_ok());
        for bad in SMALL_ORDER {
            assert_eq!(PublicKey::from_ed25519(&bad).unwrap_err(), NotAKey);
            let mut negative = bad;
            negative[31] |= 0x80;
            assert_eq!(PublicKey::from_ed25519(&negative).unwrap_err(), NotAKey);
        }
    }

    #[test]
    fn a_set_finds_by_kid_and_keeps_the_first() {
        let one = PublicKey::from_jwk(&with(rfc8037(), "kid", json!("k"))).unwrap();
        let two = PublicKey::from_jwk(&with(rfc7515(), "kid", json!("k"))).unwrap();
        let set = KeySet::new(vec![one.clone(), two]);
        assert_eq!(set.find("k"), Some(&one));
        assert_eq!(set.find("other"), None);
        assert_eq!(set.iter().count(), 1);
        let again = KeySet::from_jwks(&set.to_jwks()).unwrap();
        assert_eq!(again.find("k"), Some(&one));
    }

    #[test]
    fn a_pinned_set_is_read_whole_or_not_at_all() {
        assert!(KeySet::from_jwks(&json!({"keys": [rfc8037(), rfc7515()]})).is_ok());
        for bad in [
            json!({}),
            json!({"keys": {}}),
            json!({"keys": [rfc8037(), {"kty": "oct", "k": "AQAB"}]}),
            json!({"keys": [rfc8037(), rfc8037()]}),
        ] {
            assert_eq!(KeySet::from_jwks(&bad).unwrap_err(), NotAKey, "{bad}");
        }
    }
}
