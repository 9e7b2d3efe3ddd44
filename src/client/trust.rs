//! Whom a partner takes for the gateway, and whether something is the gateway's word.
//!
//! The gateway's id and keys are fetched once, over TLS under the pinned CA, and kept in
//! `gateway.json`, which is a file of pins as `titian verify` reads it. From then on only they
//! count, whatever the gateway publishes: a gateway whose key was exchanged is noticed, and a
//! person decides.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::fault::ClientFault;
use crate::config::{Access, FileError, file};
use crate::domain::json::parse;
use crate::domain::{Address, Digest};
use crate::evidence::{Pins as EvidencePins, typ};
use crate::ledger::VerifierKey;
use crate::sign::{KeySet, PublicKey, sd_jwt, split};
use crate::wire::InboxItem;

/// The gateway as pinned.
#[derive(Debug, Clone)]
pub struct Pins {
    id: String,
    keys: KeySet,
}

/// What a receipt must speak of.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// A message, by its id.
    Message(&'a str),
    /// An acknowledgement, by the release's id.
    Acknowledgement(&'a str),
}

/// When a receipt was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// For what was sent now.
    Now,
    /// For an acknowledgement that was sent before.
    Before,
}

impl Pins {
    /// The id and keys that a gateway publishes.
    pub fn new(id: String, jwks: &Value) -> Result<Self, ClientFault> {
        let keys = KeySet::from_jwks(jwks);
        let keys = keys.map_err(|_rejected| ClientFault::Unexpected("its JWKS cannot be used"))?;
        if id.is_empty() || keys.iter().next().is_none() {
            return Err(ClientFault::Unexpected("it names no id or no key"));
        }
        Ok(Self { id, keys })
    }

    /// Reads `gateway.json`, if there is one.
    pub fn read(path: &Path) -> Result<Option<Self>, ClientFault> {
        let bytes = match file::read_bytes(path) {
            Ok(bytes) => bytes,
            Err(FileError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let pinned = EvidencePins::from_json(&bytes)
            .map_err(|bad| FileError::unusable(path, bad.to_string()))?;
        Ok(Some(Self { id: pinned.gateway, keys: pinned.keys }))
    }

    /// Writes `gateway.json`; where there is one, what it says counts.
    pub fn write(
        self,
        path: &Path,
        own: &Address,
        own_key: &PublicKey,
    ) -> Result<Self, ClientFault> {
        let own_keys = KeySet::new(vec![own_key.clone()]).to_jwks();
        let pinned = json!({
            "gateway": self.id, "keys": self.keys.to_jwks(), "ledgers": self.ledgers(),
            "parties": {own.party.as_str(): own_keys},
        });
        let text = format!("{pinned:#}\n");
        match file::write_new(path, text.as_bytes(), Access::Everyone) {
            Ok(()) => Ok(self),
            Err(FileError::Exists { .. }) => Ok(Self::read(path)?.unwrap_or(self)),
            Err(error) => Err(error.into()),
        }
    }

    /// Checkpoints are signed by one of the published Ed25519 keys. Which one is not said, and need
    /// not be: no other thing those keys sign can be read as a checkpoint.
    fn ledgers(&self) -> Vec<String> {
        let name = self.id.trim_start_matches("https://");
        let keys = self.keys.iter().filter_map(PublicKey::ed25519_bytes);
        keys.map(|public_key| VerifierKey { name: name.to_owned(), public_key }.to_string())
            .collect()
    }

    /// The gateway's id: `aud` of everything that is sent to it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The gateway's keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Checks a receipt: the gateway's word to `own` about these very bytes, or, for an
    /// acknowledgement, about another of the same release that it had received before.
    pub fn check_receipt(
        &self,
        own: &Address,
        about: About<'_>,
        sent: Digest,
        receipt: &str,
    ) -> Result<Given, ClientFault> {
        const WHAT: &str = "the receipt";
        let claims = self.open(WHAT, receipt.as_bytes(), typ::RECEIPT)?.claims;
        let (kind, member, id) = match about {
            About::Message(id) => ("message", "message_id", id),
            About::Acknowledgement(id) => ("acknowledgement", "release_id", id),
        };
        check_addressed(WHAT, &claims, own)?;
        expect(WHAT, "it is for something else", text(&claims, "for") == Some(kind))?;
        expect(WHAT, "it names another id", text(&claims, member) == Some(id))?;
        match about {
            _ if is_digest(&claims, sent) => Ok(Given::Now),
            About::Acknowledgement(_) => Ok(Given::Before),
            About::Message(_) => {
                Err(ClientFault::Mismatch { what: WHAT, reason: "it names another digest" })
            }
        }
    }

    /// Checks a signed refusal of these very bytes.
    pub fn check_refusal(
        &self,
        own: &Address,
        sent: Digest,
        refusal: &str,
    ) -> Result<(), ClientFault> {
        const WHAT: &str = "the refusal";
        let claims = self.open(WHAT, refusal.as_bytes(), typ::REFUSAL)?.claims;
        check_addressed(WHAT, &claims, own)?;
        expect(WHAT, "it names another digest", is_digest(&claims, sent))
    }

    /// Opens a release from the inbox: signature, addressee, and that it is what the inbox says.
    pub fn open_release(&self, own: &Address, item: &InboxItem) -> Result<Release, ClientFault> {
        const WHAT: &str = "the release";
        let Opened { mut claims, disclosures, digest } =
            self.open(WHAT, item.release.as_bytes(), typ::RELEASE)?;
        sd_jwt::reveal_some(&mut claims, &disclosures)
            .map_err(|source| ClientFault::Distrusted { what: WHAT, source })?;
        check_addressed(WHAT, &claims, own)?;
        for (member, listed) in
            [("jti", &item.release_id), ("exchange", &item.exchange), ("type", &item.message_type)]
        {
            let same = text(&claims, member) == Some(listed.as_str());
            expect(WHAT, "the inbox lists it as another one", same)?;
        }
        let body = claims.remove("body");
        Ok(Release { claims, body, digest })
    }

    fn open(&self, what: &'static str, object: &[u8], typ: &str) -> Result<Opened, ClientFault> {
        let distrust = |source| ClientFault::Distrusted { what, source };
        let object = split(object).map_err(distrust)?;
        let key = self.keys.find(object.kid());
        let key = key.ok_or_else(|| distrust(crate::sign::SignFault::UnknownKey))?;
        let verified = object.verify(key, &[typ]).map_err(distrust)?;
        let Ok(Value::Object(claims)) = parse(verified.payload()) else {
            return Err(ClientFault::Mismatch { what, reason: "its payload is not strict JSON" });
        };
        expect(what, "it is another gateway's", text(&claims, "iss") == Some(self.id.as_str()))?;
        let disclosures = verified.disclosures().to_vec();
        Ok(Opened { claims, disclosures, digest: verified.digest() })
    }
}

struct Opened {
    claims: Map<String, Value>,
    disclosures: Vec<String>,
    digest: Digest,
}

/// A release that the gateway signed for this partner.
#[derive(Clone)]
pub struct Release {
    claims: Map<String, Value>,
    body: Option<Value>,
    digest: Digest,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Release({})", self.digest)
    }
}

impl Release {
    /// The statement, without its body.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The body, unless its disclosure is gone.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// SHA-256 of the whole object as received: what an acknowledgement names.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn is_digest(claims: &Map<String, Value>, digest: Digest) -> bool {
    text(claims, "digest").and_then(|text| text.parse().ok()) == Some(digest)
}

/// `aud` is this partner, or the party whose unit it is.
fn check_addressed(
    what: &'static str,
    claims: &Map<String, Value>,
    own: &Address,
) -> Result<(), ClientFault> {
    let audience = text(claims, "aud").and_then(|text| text.parse::<Address>().ok());
    let is_own = |aud: Address| aud.covers(own) || own.covers(&aud);
    expect(what, "it is addressed to someone else", audience.is_some_and(is_own))
}

fn expect(what: &'static str, reason: &'static str, holds: bool) -> Result<(), ClientFault> {
    if holds { Ok(()) } else { Err(ClientFault::Mismatch { what, reason }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Statement;
    use crate::sign::Algorithm;
    use crate::sign::signing::SigningKey;

    const ID: &str = "https://titian.example.org";

    struct Receipt(Value);
    impl Statement for Receipt {
        const TYP: &'static str = typ::RECEIPT;
        fn into_claims(self) -> Value {
            self.0
        }
    }

    struct Signed(Value);
    impl Statement for Signed {
        const TYP: &'static str = typ::RELEASE;
        fn into_claims(self) -> Value {
            self.0
        }
    }

    fn gateway() -> (SigningKey, Pins) {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let jwks = KeySet::new(vec![key.public().clone()]).to_jwks();
        (key, Pins::new(ID.to_owned(), &jwks).unwrap())
    }

    fn own() -> Address {
        "kemensos/sentra-handayani".parse().unwrap()
    }

    #[test]
    fn a_receipt_must_be_about_what_was_sent() {
        let (key, pins) = gateway();
        let sent = Digest::of(b"sent");
        let good = json!({
            "iss": ID, "aud": "kemensos", "for": "message", "message_id": "m", "digest": sent,
        });
        let check = |change: &dyn Fn(&mut Value)| {
            let mut claims = good.clone();
            change(&mut claims);
            let receipt = key.sign(Receipt(claims)).unwrap();
            pins.check_receipt(&own(), About::Message("m"), sent, receipt.compact())
        };
        assert!(check(&|_| {}).is_ok());
        assert!(check(&|c| c["iss"] = json!("https://other.example.org")).is_err());
        assert!(check(&|c| c["aud"] = json!("bnpt")).is_err());
        assert!(check(&|c| c["aud"] = json!(["kemensos"])).is_err());
        assert!(check(&|c| c["for"] = json!("acknowledgement")).is_err());
        assert!(check(&|c| c["message_id"] = json!("other")).is_err());
        assert!(check(&|c| c["digest"] = json!(Digest::of(b"other"))).is_err());
    }

    #[test]
    fn only_a_pinned_key_is_the_gateways() {
        let (_, pins) = gateway();
        let (other, _) = gateway();
        let sent = Digest::of(b"sent");
        let claims = json!({
            "iss": ID, "aud": "kemensos", "for": "message", "message_id": "m", "digest": sent,
        });
        let receipt = other.sign(Receipt(claims)).unwrap();
        let fault = pins.check_receipt(&own(), About::Message("m"), sent, receipt.compact());
        assert!(matches!(fault, Err(ClientFault::Distrusted { .. })));
    }

    fn release(key: &SigningKey, release_id: &str) -> InboxItem {
        let body = sd_jwt::disclose(&[7; 16], "body", &json!({"note": "Zarqolin"}));
        let claims = json!({
            "iss": ID, "aud": "kemensos/sentra-handayani", "jti": release_id, "exchange": "e",
            "type": "referral/1", "_sd": [body.digest], "_sd_alg": "sha-256",
        });
        let signed = key.sign(Signed(claims)).unwrap();
        InboxItem {
            release_id: "r".to_owned(),
            seq: 1,
            exchange: "e".to_owned(),
            message_type: "referral/1".to_owned(),
            release: sd_jwt::assemble(signed.compact(), &[&body.encoded]),
        }
    }

    #[test]
    fn a_release_is_opened_with_its_body() {
        let (key, pins) = gateway();
        let item = release(&key, "r");
        let opened = pins.open_release(&own(), &item).unwrap();
        assert_eq!(opened.body(), Some(&json!({"note": "Zarqolin"})));
        assert_eq!(opened.digest(), Digest::of(item.release.as_bytes()));
        assert!(!format!("{opened:?}").contains("Zarqolin"));
    }

    #[test]
    fn a_release_under_another_name_is_refused() {
        let (key, pins) = gateway();
        let fault = pins.open_release(&own(), &release(&key, "other"));
        assert!(matches!(fault, Err(ClientFault::Mismatch { .. })));
    }

    #[test]
    fn a_release_without_its_disclosure_still_verifies_and_has_no_body() {
        let (key, pins) = gateway();
        let mut item = release(&key, "r");
        let jws = item.release.split('~').next().unwrap();
        item.release = format!("{jws}~");
        assert_eq!(pins.open_release(&own(), &item).unwrap().body(), None);
    }

    #[test]
    fn what_is_pinned_stays_pinned() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gateway.json");
        assert!(Pins::read(&path).unwrap().is_none());
        let own_key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let (key, first) = gateway();
        first.write(&path, &own(), own_key.public()).unwrap();
        let (_, second) = gateway();
        let kept = second.write(&path, &own(), own_key.public()).unwrap();
        assert!(kept.keys().find(key.public().kid()).is_some());
        let verifier = EvidencePins::from_json(&file::read_bytes(&path).unwrap()).unwrap();
        assert_eq!(verifier.ledgers[0].name, "titian.example.org");
        assert!(verifier.parties.contains_key(&own().party));
        assert_eq!(Pins::read(&path).unwrap().unwrap().id(), ID);
    }
}
