//! The signing half: only `exchange`, `client` and `app` may name it.
//!
//! A private key is a JWK in one file (RFC 8037, RFC 7518) and is parsed once. It is never
//! serialised but by [`SigningKey::to_private_jwk`] and never printed.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, Signature,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::keys::{Algorithm, JwkParts, NotAKey, PublicKey};
use crate::domain::{Digest, Statement};
use crate::secret::SecretBytes;

/// Signing failed.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError;

/// A private key, parsed once.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A private JWK as it stands in its file. `d` is borrowed, so that no second copy is made.
#[derive(Serialize, Deserialize)]
struct PrivateJwk<'a> {
    kty: &'a str,
    crv: &'a str,
    x: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<&'a str>,
    d: &'a str,
    /// The one member that may need escapes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<&'a str>,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    key_use: Option<&'a str>,
}

impl SigningKey {
    /// A fresh key.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let pair = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256)
            }
        };
        let pair = pair.map_err(|_unspecified| SignError)?;
        let public = PublicKey::parse(algorithm, pair.public_point(), None);
        Ok(Self { public: public.map_err(|_rejected| SignError)?, pair })
    }

    /// Reads a private JWK (with `d`); public and private half must belong together. Whoever
    /// holds `jwk` holds the secret in clear: [`SigningKey::read`] needs no such copy.
    pub fn from_jwk(jwk: &Value) -> Result<Self, NotAKey> {
        PrivateJwk::deserialize(jwk).map_err(|_shape| NotAKey).and_then(|jwk| Self::of(&jwk))
    }

    /// Reads the file that [`SigningKey::to_private_jwk`] writes.
    pub fn read(file: &SecretBytes) -> Result<Self, NotAKey> {
        let jwk: PrivateJwk<'_> =
            serde_json::from_slice(file.expose()).map_err(|_shape| NotAKey)?;
        Self::of(&jwk)
    }

    fn of(jwk: &PrivateJwk<'_>) -> Result<Self, NotAKey> {
        let parts = JwkParts {
            kty: jwk.kty,
            crv: jwk.crv,
            x: jwk.x,
            y: jwk.y,
            kid: jwk.kid.as_deref(),
            alg: jwk.alg,
            key_use: jwk.key_use,
        };
        let public = parts.read()?;
        let mut secret = Zeroizing::new([0u8; 33]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(jwk.d, secret.as_mut_slice())
            .map_err(|_coding| NotAKey)?;
        let secret = secret.get(..length).filter(|secret| secret.len() == 32).ok_or(NotAKey)?;
        let pair = match public.algorithm() {
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_seed_and_public_key(secret, public.point()).map(Pair::Ed25519)
            }
            Algorithm::Es256 => EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                secret,
                public.point(),
            )
            .map(Pair::P256),
        };
        Ok(Self { pair: pair.map_err(|_rejected| NotAKey)?, public })
    }

    /// The private JWK, for the one file that holds it.
    pub fn to_private_jwk(&self) -> Result<SecretBytes, SignError> {
        let mut d = Zeroizing::new([0u8; 43]);
        match &self.pair {
            Pair::Ed25519(pair) => {
                let seed = pair.seed().map_err(|_unspecified| SignError)?;
                let seed: Curve25519SeedBin<'_> =
                    seed.as_be_bytes().map_err(|_unspecified| SignError)?;
                encode_secret(seed.as_ref(), &mut d)?;
            }
            Pair::P256(pair) => {
                let scalar: EcPrivateKeyBin<'_> =
                    pair.private_key().as_be_bytes().map_err(|_unspecified| SignError)?;
                encode_secret(scalar.as_ref(), &mut d)?;
            }
        }
        let public = self.public.to_jwk();
        let member = |name: &str| public.get(name).and_then(Value::as_str);
        let jwk = PrivateJwk {
            kty: member("kty").ok_or(SignError)?,
            crv: member("crv").ok_or(SignError)?,
            x: member("x").ok_or(SignError)?,
            y: member("y"),
            d: std::str::from_utf8(d.as_slice()).map_err(|_not_ascii| SignError)?,
            kid: Some(self.public.kid().to_owned()),
            alg: member("alg"),
            key_use: member("use"),
        };
        // Wide enough that it never moves and leaves a copy behind.
        let mut text = Vec::with_capacity(1024);
        serde_json::to_writer(&mut text, &jwk).map_err(|_writing| SignError)?;
        Ok(SecretBytes::new(text))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a statement: compact JWS with `alg`, `kid`, `typ`.
    pub fn sign<S: Statement>(&self, statement: S) -> Result<Signed<S>, SignError> {
        let header = json!({
            "alg": self.public.algorithm().as_str(), "kid": self.public.kid(), "typ": S::TYP,
        });
        let claims =
            serde_json::to_string(&statement.into_claims()).map_err(|_writing| SignError)?;
        let mut compact = String::with_capacity(claims.len() / 3 * 4 + 512);
        URL_SAFE_NO_PAD.encode_string(header.to_string(), &mut compact);
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut compact);
        let signature = self.pair.sign(compact.as_bytes())?;
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
        Ok(Signed { compact, statement: PhantomData })
    }

    /// Raw signature over bytes that are no JWS (checkpoint notes); Ed25519 keys only. No note is
    /// ever a JWS signing input: a note has line breaks, a signing input has none.
    pub fn sign_note(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        match &self.pair {
            Pair::Ed25519(_) if text.contains(&b'\n') => {
                self.pair.sign(text)?.as_ref().try_into().map_err(|_length| SignError)
            }
            Pair::Ed25519(_) | Pair::P256(_) => Err(SignError),
        }
    }
}

impl Pair {
    fn public_point(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        match self {
            Self::Ed25519(pair) => pair.try_sign(bytes),
            Self::P256(pair) => pair.sign(&SystemRandom::new(), bytes),
        }
        .map_err(|_unspecified| SignError)
    }
}

fn encode_secret(secret: &[u8], text: &mut [u8; 43]) -> Result<(), SignError> {
    match URL_SAFE_NO_PAD.encode_slice(secret, text) {
        Ok(43) => Ok(()),
        _ => Err(SignError),
    }
}

/// A signed statement. Minted here only.
#[derive(Clone)]
pub struct Signed<S> {
    compact: String,
    statement: PhantomData<S>,
}

impl<S> fmt::Debug for Signed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({})", self.digest())
    }
}

impl<S> Signed<S> {
    /// The compact JWS.
    pub fn compact(&self) -> &str {
        &self.compact
    }
    /// SHA-256 of the compact JWS.
    pub fn digest(&self) -> Digest {
        Digest::of(self.compact.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, A.1.
    fn rfc8037() -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        })
    }

    /// RFC 7515, A.3.
    fn rfc7515() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        })
    }

    struct Word(Value);
    impl Statement for Word {
        const TYP: &'static str = "test+jwt";
        fn into_claims(self) -> Value {
            self.0
        }
    }

    #[test]
    fn rfc_8037_a_4_is_signed_as_printed() {
        let key = SigningKey::from_jwk(&rfc8037()).unwrap();
        let signature =
            key.pair.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
    }

    #[test]
    fn a_private_key_round_trips_through_its_file() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            for _ in 0..8 {
                let key = SigningKey::generate(algorithm).unwrap();
                let file = key.to_private_jwk().unwrap();
                let again = SigningKey::read(&file).unwrap();
                assert_eq!(again.public(), key.public());
                let value: Value = serde_json::from_slice(file.expose()).unwrap();
                assert_eq!(SigningKey::from_jwk(&value).unwrap().public(), key.public());
                let signed = again.sign(Word(json!({}))).unwrap();
                let split = super::super::split(signed.compact().as_bytes()).unwrap();
                assert!(split.verify(key.public(), &["test+jwt"]).is_ok());
            }
        }
    }

    #[test]
    fn the_vectors_of_the_rfcs_are_read_and_written_alike() {
        for jwk in [rfc8037(), rfc7515()] {
            let key = SigningKey::from_jwk(&jwk).unwrap();
            let file = key.to_private_jwk().unwrap();
            let written: Value = serde_json::from_slice(file.expose()).unwrap();
            for name in ["kty", "crv", "x", "y", "d"] {
                assert_eq!(written.get(name), jwk.get(name), "{name}");
            }
            assert_eq!(written["kid"], key.public().kid());
        }
    }

    #[test]
    fn its_own_kid_is_kept() {
        let mut jwk = rfc8037();
        jwk["kid"] = json!("a \"name\"");
        let key = SigningKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.public().kid(), "a \"name\"");
        let again = SigningKey::read(&key.to_private_jwk().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let mut swapped = rfc8037();
        swapped["d"] = rfc7515()["d"].clone();
        let mut other_point = rfc7515();
        other_point["d"] = rfc8037()["d"].clone();
        let mut short = rfc8037();
        short["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyu");
        let mut long = rfc8037();
        long["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2AA");
        let mut public = rfc8037();
        public.as_object_mut().unwrap().remove("d");
        let mut zero = rfc7515();
        zero["d"] = json!("A".repeat(43));
        for jwk in [swapped, other_point, short, long, public, zero, json!([]), json!({})] {
            assert_eq!(SigningKey::from_jwk(&jwk).unwrap_err(), NotAKey);
        }
    }

    #[test]
    fn a_statement_is_signed_with_its_own_typ() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let signed = key.sign(Word(json!({"jti": "x"}))).unwrap();
        let header = signed.compact().split('.').next().unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!(header, json!({"alg": "EdDSA", "kid": key.public().kid(), "typ": "test+jwt"}),);
        assert_eq!(signed.digest(), Digest::of(signed.compact().as_bytes()));
    }

    #[test]
    fn a_note_is_signed_with_ed25519_and_is_never_a_jws() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let signature = key.sign_note(b"example.org\n1\n").unwrap();
        assert!(key.public().verifies(b"example.org\n1\n", &signature));
        assert!(key.sign_note(b"aaaa.bbbb").is_err());
        let p256 = SigningKey::generate(Algorithm::Es256).unwrap();
        assert!(p256.sign_note(b"example.org\n1\n").is_err());
    }

    #[test]
    fn no_secret_and_no_claim_shows_in_debug() {
        let key = SigningKey::from_jwk(&rfc8037()).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey");
        assert_eq!(format!("{:?}", key.to_private_jwk().unwrap()), "SecretBytes");
        let signed = key.sign(Word(json!({"note": "Zarqolin"}))).unwrap();
        assert_eq!(format!("{signed:?}"), format!("Signed({})", signed.digest()));
    }
}
