//! What a partner signs: the assertion that it is itself, its messages, its acknowledgements.

use std::fmt;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::domain::{Address, Digest, Id, MessageId, ReleaseId, Statement};
use crate::sign::sd_jwt::SD_ALG;

/// How long a client assertion is good for, in seconds; the gateway allows 300.
const ASSERTION_LIFETIME_S: i64 = 120;

/// `private_key_jwt` (RFC 7523): the client is who it says it is.
#[derive(Debug, Clone)]
pub struct ClientAssertion {
    /// `iss` and `sub`.
    pub client: Address,
    /// `aud`: the gateway's id.
    pub audience: String,
    /// Used once.
    pub jti: Id,
    /// `iat`.
    pub issued_at: OffsetDateTime,
}

impl Statement for ClientAssertion {
    const TYP: &'static str = "client-authentication+jwt";

    fn into_claims(self) -> Value {
        let iat = self.issued_at.unix_timestamp();
        json!({
            "iss": self.client, "sub": self.client, "aud": self.audience, "jti": self.jti,
            "iat": iat, "exp": iat + ASSERTION_LIFETIME_S,
        })
    }
}

/// Claims that are set by whoever signs; a file with claims may hold none of them.
pub(super) const OWN_CLAIMS: &[&str] = &["iss", "aud", "iat", "exp", "jti", "_sd", "_sd_alg"];

/// The envelope's own claims of a message.
#[derive(Debug, Clone)]
pub struct Sending {
    /// `iss`.
    pub sender: Address,
    /// `aud`: the gateway's id.
    pub audience: String,
    /// `jti`.
    pub message_id: MessageId,
    /// `iat`.
    pub issued_at: OffsetDateTime,
    /// `exp`, at most seven days after `iat`.
    pub expires_at: OffsetDateTime,
}

impl Sending {
    fn into_claims(self, mut claims: Map<String, Value>) -> Map<String, Value> {
        let own = [
            ("iss", json!(self.sender)),
            ("aud", json!(self.audience)),
            ("jti", json!(self.message_id)),
            ("iat", json!(self.issued_at.unix_timestamp())),
            ("exp", json!(self.expires_at.unix_timestamp())),
        ];
        claims.extend(own.map(|(name, value)| (name.to_owned(), value)));
        claims
    }
}

/// A message with its body in the clear.
#[derive(Clone)]
pub struct MessageClaims(Map<String, Value>);

impl MessageClaims {
    /// `claims` as written by the sender, less [`OWN_CLAIMS`].
    pub fn new(claims: Map<String, Value>, sending: Sending) -> Self {
        Self(sending.into_claims(claims))
    }
}

impl Statement for MessageClaims {
    const TYP: &'static str = "titian-message+jwt";

    fn into_claims(self) -> Value {
        Value::Object(self.0)
    }
}

impl fmt::Debug for MessageClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageClaims")
    }
}

/// A message whose body is one disclosure (RFC 9901).
#[derive(Clone)]
pub struct DisclosedMessageClaims(Map<String, Value>);

impl DisclosedMessageClaims {
    /// `claims` as written by the sender, less [`OWN_CLAIMS`] and less `body`, which `body`
    /// stands for.
    pub fn new(claims: Map<String, Value>, body: Digest, sending: Sending) -> Self {
        let mut claims = sending.into_claims(claims);
        claims.insert("_sd".to_owned(), json!([body]));
        claims.insert("_sd_alg".to_owned(), json!(SD_ALG));
        Self(claims)
    }
}

impl Statement for DisclosedMessageClaims {
    const TYP: &'static str = "titian-message+sd-jwt";

    fn into_claims(self) -> Value {
        Value::Object(self.0)
    }
}

impl fmt::Debug for DisclosedMessageClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisclosedMessageClaims")
    }
}

/// Why a release could not be taken: a closed list, named in `problems` of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// It does not fit its release schema.
    Schema,
    /// Its signature does not verify.
    Signature,
    /// It came after its time.
    Expired,
    /// It was received before.
    Replay,
    /// A code is not in the recipient's list.
    UnknownCode,
    /// Basis or purpose is missing.
    LegalMissing,
    /// The recipient's own rules forbid taking it.
    PolicyRefused,
    /// It is larger than the recipient takes.
    TooLarge,
    /// The recipient cannot take it now.
    Busy,
}

/// What a machine has to say about a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has it.
    Received,
    /// It could not take it.
    Rejected(RejectCode),
}

/// The signed word that a machine received a release, or could not take it.
#[derive(Debug, Clone)]
pub struct AcknowledgementClaims {
    /// `iss`.
    pub recipient: Address,
    /// `aud`: the gateway's id.
    pub audience: String,
    /// `jti`.
    pub jti: Id,
    /// `iat`.
    pub issued_at: OffsetDateTime,
    /// Which release.
    pub release_id: ReleaseId,
    /// SHA-256 of the release as received, disclosures included.
    pub digest: Digest,
    /// What the machine says.
    pub verdict: Verdict,
}

impl Statement for AcknowledgementClaims {
    const TYP: &'static str = "titian-ack+jwt";

    fn into_claims(self) -> Value {
        let mut claims = json!({
            "iss": self.recipient, "aud": self.audience, "jti": self.jti,
            "iat": self.issued_at.unix_timestamp(), "release_id": self.release_id,
            "digest": self.digest, "result": "received",
        });
        if let (Verdict::Rejected(code), Value::Object(members)) = (self.verdict, &mut claims) {
            members.insert("result".to_owned(), json!("rejected"));
            members.insert("problems".to_owned(), json!([{"code": code}]));
        }
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    fn sending() -> Sending {
        Sending {
            sender: "bnpt".parse().unwrap(),
            audience: "https://titian.example.org".to_owned(),
            message_id: MessageId(Id::from_bits([1; 16])),
            issued_at: NOW,
            expires_at: NOW + time::Duration::days(1),
        }
    }

    #[test]
    fn the_senders_own_claims_win_over_the_files() {
        let file = json!({"iss": "other", "jti": "x", "type": "referral/1"});
        let claims = MessageClaims::new(file.as_object().unwrap().clone(), sending()).into_claims();
        assert_eq!(claims["iss"], "bnpt");
        assert_eq!(claims["jti"], Id::from_bits([1; 16]).as_str());
        assert_eq!(claims["type"], "referral/1");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    }

    #[test]
    fn a_disclosed_body_stands_as_its_digest_only() {
        let digest = Digest::of(b"disclosure");
        let claims = DisclosedMessageClaims::new(Map::new(), digest, sending()).into_claims();
        assert_eq!(claims["_sd"], json!([digest]));
        assert_eq!(claims["_sd_alg"], "sha-256");
        assert!(claims.get("body").is_none());
    }

    #[test]
    fn an_acknowledgement_names_a_problem_only_if_it_rejects() {
        let claims = |verdict| {
            let word = AcknowledgementClaims {
                recipient: "kemensos".parse().unwrap(),
                audience: "https://titian.example.org".to_owned(),
                jti: Id::from_bits([2; 16]),
                issued_at: NOW,
                release_id: ReleaseId(Id::from_bits([3; 16])),
                digest: Digest::of(b"release"),
                verdict,
            };
            word.into_claims()
        };
        let received = claims(Verdict::Received);
        assert_eq!(received["result"], "received");
        assert!(received.get("problems").is_none());
        let rejected = claims(Verdict::Rejected(RejectCode::UnknownCode));
        assert_eq!(rejected["result"], "rejected");
        assert_eq!(rejected["problems"][0]["code"], "unknown_code");
    }
}
