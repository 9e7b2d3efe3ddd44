//! A party as the load generator plays it: its certificate, its key, its signed messages.
//!
//! Nothing here uses the library: messages are made from RFC 7515 and the published API alone.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

/// PEM of a certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A sender.
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) ca: String,
    pub(crate) tls: Identity,
    key: Ed25519KeyPair,
    kid: String,
}

impl Party {
    /// Reads the directory that `titian init` makes for a party.
    pub(crate) fn from_kit(kit: &Path, ca: &Path) -> Result<Self> {
        let jwk: Value = serde_json::from_slice(&fs::read(kit.join("signing.jwk"))?)?;
        let seed = jwk.get("d").and_then(Value::as_str).context("signing.jwk has no `d`")?;
        let id = kit.file_name().and_then(|n| n.to_str()).context("kit has no name")?;
        let tls = Identity {
            certificate: fs::read_to_string(kit.join("tls.pem"))?,
            key: fs::read_to_string(kit.join("tls.key"))?,
        };
        let mut party =
            Self::new(id, &URL_SAFE_NO_PAD.decode(seed)?, fs::read_to_string(ca)?, tls)?;
        if let Some(kid) = jwk.get("kid").and_then(Value::as_str) {
            kid.clone_into(&mut party.kid);
        }
        Ok(party)
    }

    pub(crate) fn new(id: &str, seed: &[u8], ca: String, tls: Identity) -> Result<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).ok().context("not an Ed25519 seed")?;
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        // RFC 7638, 3.2 and RFC 8037, 2
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
        Ok(Self { id: id.to_owned(), ca, tls, key, kid })
    }

    pub(crate) fn public_jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA"})
    }

    /// A compact JWS.
    pub(crate) fn sign(&self, typ: &str, claims: &[u8]) -> String {
        let header = json!({"alg": "EdDSA", "typ": typ, "kid": self.kid}).to_string();
        let mut compact = URL_SAFE_NO_PAD.encode(header);
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut compact);
        let signature = self.key.sign(compact.as_bytes());
        compact.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
        compact
    }

    /// The form of `POST /v1/token` (RFC 7523).
    pub(crate) fn token_form(&self, audience: &str) -> Result<String> {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": audience, "jti": new_id()?,
            "iat": now, "exp": now + 120,
        });
        let assertion = self.sign("JWT", claims.to_string().as_bytes());
        Ok(format!(
            "grant_type=client_credentials&client_id={}&scope=messages%3Awrite&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}",
            self.id
        ))
    }

    /// `count` distinct signed messages: as `claims`, each with an id and a subject of its own, and
    /// with dates that lie ahead whenever the benchmark is run.
    pub(crate) fn messages(
        &self,
        claims: &Value,
        audience: &str,
        count: usize,
    ) -> Result<Vec<String>> {
        const ID: &str = "@id@";
        const SUBJECT: &str = "@subject@";
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut claims = claims.clone();
        let envelope = claims.as_object_mut().context("claims are not an object")?;
        envelope.insert("iss".into(), json!(self.id));
        envelope.insert("aud".into(), json!(audience));
        envelope.insert("iat".into(), json!(now));
        envelope.insert("exp".into(), json!(now + 86_400));
        envelope.insert("jti".into(), json!(ID));
        let today = time::OffsetDateTime::now_utc().date();
        for (pointer, value) in [
            ("/body/subject/ref", SUBJECT.to_owned()),
            ("/body/respond_by", (today + time::Duration::days(21)).to_string()),
            ("/legal/retention_until", (today + time::Duration::days(180)).to_string()),
        ] {
            *claims.pointer_mut(pointer).with_context(|| format!("no {pointer}"))? = json!(value);
        }
        let template = claims.to_string();
        (0..count)
            .map(|_| {
                let claims = template.replacen(ID, &new_id()?, 1).replacen(SUBJECT, &new_id()?, 1);
                Ok(self.sign("titian-message+jwt", claims.as_bytes()))
            })
            .collect()
    }
}

/// A throw-away private Ed25519 JWK.
pub(crate) fn generate_jwk() -> Result<Value> {
    let seed = new_seed()?;
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).ok().context("not a seed")?;
    let (x, d) = (URL_SAFE_NO_PAD.encode(key.public_key()), URL_SAFE_NO_PAD.encode(seed));
    Ok(json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": d, "alg": "EdDSA"}))
}

/// 32 random bytes.
pub(crate) fn new_seed() -> Result<[u8; 32]> {
    let mut seed = [0_u8; 32];
    rand::fill(&mut seed).ok().context("no randomness")?;
    Ok(seed)
}

/// 26 random characters of `[a-z2-7]`.
fn new_id() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0_u8; 26];
    rand::fill(&mut bytes).ok().context("no randomness")?;
    let letter = |b: u8| ALPHABET.get(usize::from(b & 31)).copied().map(char::from);
    Ok(bytes.into_iter().filter_map(letter).collect())
}

/// A throw-away certificate authority for the peers.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "bench");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// A P-256 certificate for `name`, good for both ends.
    pub(crate) fn issue(&self, name: &str) -> Result<Identity> {
        let names = vec![name.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}
