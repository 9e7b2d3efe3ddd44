//! Words that an officer signed with a passkey (`WebAuthn` Level 3).
//!
//! ```text
//! webauthn.<claims>.<authenticatorData>.<clientDataJSON>.<signature>      each base64url
//! challenge = SHA-256(typ ‖ 0x00 ‖ claims)
//! ```
//!
//! The claims name what is decided, a version's digest among them, and the challenge covers them
//! all: role and moment to begin are signed with the digest. Whoever keeps the word verifies it
//! later and elsewhere, by the public key alone; sign-in is verified in the same way.
//!
//! No CBOR is read: the browser hands over authenticator data and public key as they are (section
//! 5.2.1.1), and an attestation is not asked for, because two officers approve each passkey.
//!
//! # Errors
//! Each function answers [`SignFault`], which says nothing about the content.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::jws::{SignFault, decode};
use super::keys::{Algorithm, NotAKey, PublicKey};
use crate::domain::Digest;

/// What the text of such a word begins with.
const BEGINS: &str = "webauthn";
/// SHA-256 of the relying party's id, flags, counter.
const AUTHENTICATOR_BYTES_MIN: usize = 37;
const AUTHENTICATOR_BYTES_MAX: usize = 1024;
const CLIENT_BYTES_MAX: usize = 4096;
const CLAIMS_BYTES_MAX: usize = 16 * 1024;
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;

/// Claims whose assertion is verified.
#[derive(Debug)]
pub struct Asserted {
    claims: Vec<u8>,
    origin: String,
}

impl Asserted {
    /// The claims, as they were signed.
    pub fn claims(&self) -> &[u8] {
        &self.claims
    }

    /// On which site it was signed, for example `https://konsol.example.org`.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    #[serde(default)]
    top_origin: Option<String>,
}

/// Whether a word was signed with a passkey, by its form.
pub fn is_one(word: &str) -> bool {
    word.strip_prefix(BEGINS).is_some_and(|rest| rest.starts_with('.'))
}

/// What an authenticator is asked to sign for `claims`.
pub fn challenge(typ: &str, claims: &[u8]) -> Digest {
    Digest::of(&[typ.as_bytes(), &[0], claims].concat())
}

/// Verifies a word by its officer's key, as said for `typ`: its challenge covers the claims, the
/// officer was present and verified, and the site is the one that the passkey is for.
pub fn verify(word: &str, key: &PublicKey, typ: &str) -> Result<Asserted, SignFault> {
    let parts: Vec<&str> = word.split('.').collect();
    let [BEGINS, claims, authenticator, client, signature] = parts.as_slice() else {
        return Err(SignFault::NotCompact);
    };
    let read = |text: &str, max| {
        let bytes = decode(text)?;
        if bytes.len() <= max { Ok(bytes) } else { Err(SignFault::NotCompact) }
    };
    let claims = read(claims, CLAIMS_BYTES_MAX)?;
    let authenticator = read(authenticator, AUTHENTICATOR_BYTES_MAX)?;
    let client = read(client, CLIENT_BYTES_MAX)?;
    let signature = read(signature, AUTHENTICATOR_BYTES_MAX)?;
    let said: ClientData = serde_json::from_slice(&client).map_err(|_form| SignFault::Header)?;
    let expected = URL_SAFE_NO_PAD.encode(challenge(typ, &claims).as_bytes());
    if said.ceremony != "webauthn.get" || said.challenge != expected {
        return Err(SignFault::Header);
    }
    if said.cross_origin || said.top_origin.is_some() {
        return Err(SignFault::Header);
    }
    let (site, flags) = authenticator
        .get(..AUTHENTICATOR_BYTES_MIN)
        .and_then(|head| Some((head.get(..32)?, *head.get(32)?)))
        .ok_or(SignFault::Header)?;
    let host = host_of(&said.origin).ok_or(SignFault::Header)?;
    if !is_site_of(site, host) || flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
        return Err(SignFault::Header);
    }
    let signed = [authenticator.as_slice(), digest(&SHA256, &client).as_ref()].concat();
    if verifies(key, &signed, &signature) {
        Ok(Asserted { claims, origin: said.origin })
    } else {
        Err(SignFault::Signature)
    }
}

/// The public key that the browser told of a new passkey: `SubjectPublicKeyInfo` (RFC 5280) of a
/// P-256 or an Ed25519 key.
///
/// # Errors
/// [`NotAKey`] for any other.
pub fn public_key(spki: &[u8]) -> Result<PublicKey, NotAKey> {
    /// Up to the key itself: RFC 5480 and RFC 8410, each in its one DER form.
    const P256: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    const ED25519: &[u8] =
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    if let Some(point) = spki.strip_prefix(P256) {
        PublicKey::parse(Algorithm::Es256, point, None)
    } else {
        PublicKey::parse(Algorithm::EdDsa, spki.strip_prefix(ED25519).ok_or(NotAKey)?, None)
    }
}

/// An ES256 signature stands here as ASN.1, not as in a JWS (section 6.5.5).
fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key.algorithm() {
        Algorithm::EdDsa => key.verifies(message, signature),
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.point())
            .is_ok_and(|key| key.verify_sig(message, signature).is_ok()),
    }
}

/// The host of an `https` origin.
fn host_of(origin: &str) -> Option<&str> {
    let rest = origin.strip_prefix("https://")?;
    let host = rest.split_once(':').map_or(rest, |(host, _)| host);
    let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    (!host.is_empty() && host.bytes().all(is_host)).then_some(host)
}

/// Whether it is the hash of that host, or of a domain above it.
fn is_site_of(hash: &[u8], host: &str) -> bool {
    let mut above = Some(host);
    while let Some(name) = above {
        if digest(&SHA256, name.as_bytes()).as_ref() == hash {
            return true;
        }
        above = name.split_once('.').map(|(_, rest)| rest);
    }
    false
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    const TYP: &str = "titian-approval+jwt";

    /// An authenticator that answers as it is told.
    pub(crate) struct Soft {
        key: EcdsaKeyPair,
        pub(crate) ceremony: &'static str,
        pub(crate) origin: &'static str,
        pub(crate) site: &'static str,
        pub(crate) flags: u8,
        pub(crate) more: &'static str,
    }

    impl Soft {
        pub(crate) fn new() -> Self {
            Self {
                key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
                ceremony: "webauthn.get",
                origin: "https://konsol.example.org:8444",
                site: "konsol.example.org",
                flags: USER_PRESENT | USER_VERIFIED,
                more: "",
            }
        }

        pub(crate) fn public(&self) -> PublicKey {
            PublicKey::parse(Algorithm::Es256, self.key.public_key().as_ref(), None).unwrap()
        }

        pub(crate) fn sign(&self, typ: &str, claims: &[u8]) -> String {
            let challenge = URL_SAFE_NO_PAD.encode(challenge(typ, claims).as_bytes());
            let (ceremony, origin, more) = (self.ceremony, self.origin, self.more);
            let client = format!(
                r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}"{more}}}"#
            );
            let mut authenticator = digest(&SHA256, self.site.as_bytes()).as_ref().to_vec();
            authenticator.extend([self.flags, 0, 0, 0, 7]);
            let mut signed = authenticator.clone();
            signed.extend(digest(&SHA256, client.as_bytes()).as_ref());
            let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
            let parts = [claims, &authenticator, client.as_bytes(), signature.as_ref()];
            let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part));
            format!("webauthn.{}", parts.join("."))
        }
    }

    #[test]
    fn a_word_holds_for_its_claims_key_type_and_site() {
        let soft = Soft::new();
        let word = soft.sign(TYP, b"{\"digest\":\"x\"}");
        assert!(is_one(&word));
        let asserted = verify(&word, &soft.public(), TYP).unwrap();
        assert_eq!(asserted.claims(), b"{\"digest\":\"x\"}");
        assert_eq!(asserted.origin(), "https://konsol.example.org:8444");
        assert_eq!(super::super::unverified_claims(&word).unwrap()["digest"], "x");

        assert!(verify(&word, &Soft::new().public(), TYP).is_err(), "another's key");
        assert!(verify(&word, &soft.public(), "titian-desk+jwt").is_err(), "another kind of word");
        let mut parts: Vec<&str> = word.split('.').collect();
        let other = URL_SAFE_NO_PAD.encode(b"{\"digest\":\"y\"}");
        parts[1] = &other;
        assert!(verify(&parts.join("."), &soft.public(), TYP).is_err(), "other claims");
        parts.pop();
        assert!(verify(&parts.join("."), &soft.public(), TYP).is_err(), "a part too few");
        assert!(verify(&format!("{word}."), &soft.public(), TYP).is_err(), "a part too many");
    }

    #[test]
    fn who_is_absent_unverified_elsewhere_or_framed_has_said_nothing() {
        let refused: [fn(&mut Soft); 7] = [
            |soft| soft.flags = USER_PRESENT,
            |soft| soft.flags = USER_VERIFIED,
            |soft| soft.ceremony = "webauthn.create",
            |soft| soft.origin = "http://konsol.example.org",
            |soft| soft.origin = "https://konsol.example.net",
            |soft| soft.more = ",\"crossOrigin\":true",
            |soft| soft.more = ",\"topOrigin\":\"https://example.net\"",
        ];
        for change in refused {
            let mut soft = Soft::new();
            change(&mut soft);
            assert!(verify(&soft.sign(TYP, b"{}"), &soft.public(), TYP).is_err());
        }
        let mut soft = Soft::new();
        soft.site = "example.org";
        assert!(verify(&soft.sign(TYP, b"{}"), &soft.public(), TYP).is_ok(), "a domain above");
    }

    #[test]
    fn a_new_key_is_read_in_its_one_form() {
        let public = Soft::new().public();
        let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let mut spki = data_encoding::HEXLOWER.decode(head.as_bytes()).unwrap();
        spki.extend(public.point());
        assert_eq!(public_key(&spki).unwrap(), public);
        spki.push(0);
        assert!(public_key(&spki).is_err());
        assert!(public_key(b"").is_err());
    }
}
