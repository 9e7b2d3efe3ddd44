//! What the gateway signs, besides access tokens: receipts, refusals and releases.

use serde_json::{Map, Value, json};

use crate::domain::{
    Digest, ExchangeRef, Fault, Id, MessageId, ReleaseId, Statement, state::RecipientState,
};
use crate::store::rows::PolicyPin;

/// Which object a receipt is for.
#[derive(Debug, Clone, Copy)]
pub enum ReceiptFor {
    /// A message.
    Message(MessageId),
    /// An acknowledgement of this release.
    Acknowledgement(ReleaseId),
}

/// A recipient as a receipt names it.
#[derive(Debug, Clone)]
pub struct ReceiptRecipient {
    /// Address.
    pub party: String,
    /// State at that moment.
    pub state: RecipientState,
    /// The policy version that decided; towards domestic senders.
    pub policy: Option<PolicyPin>,
}

/// The gateway's signed word that it took something.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The gateway.
    pub iss: String,
    /// Whose word was taken.
    pub aud: String,
    /// Unix seconds.
    pub iat: i64,
    /// Its own id.
    pub jti: Id,
    /// What it is for.
    pub subject: ReceiptFor,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
    /// State at that moment.
    pub state: &'static str,
    /// The reader's own reference of the exchange.
    pub exchange: Option<ExchangeRef>,
    /// Per recipient, for a message.
    pub recipients: Vec<ReceiptRecipient>,
}

impl Statement for Receipt {
    const TYP: &'static str = "titian-receipt+jwt";

    fn into_claims(self) -> Value {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.iss.as_str().into());
        claims.insert("aud".into(), self.aud.as_str().into());
        claims.insert("iat".into(), self.iat.into());
        claims.insert("jti".into(), self.jti.as_str().into());
        match self.subject {
            ReceiptFor::Message(id) => {
                claims.insert("for".into(), "message".into());
                claims.insert("message_id".into(), id.as_str().into());
            }
            ReceiptFor::Acknowledgement(id) => {
                claims.insert("for".into(), "acknowledgement".into());
                claims.insert("release_id".into(), id.as_str().into());
            }
        }
        claims.insert("digest".into(), self.digest.to_string().into());
        claims.insert("state".into(), self.state.into());
        if let Some(exchange) = self.exchange {
            claims.insert("exchange".into(), exchange.as_str().into());
        }
        if !self.recipients.is_empty() {
            let recipients = self.recipients.iter().map(ReceiptRecipient::claims).collect();
            claims.insert("recipients".into(), Value::Array(recipients));
        }
        Value::Object(claims)
    }
}

impl ReceiptRecipient {
    fn claims(&self) -> Value {
        match &self.policy {
            None => json!({ "party": self.party, "state": self.state.as_str() }),
            Some(policy) => json!({
                "party": self.party,
                "state": self.state.as_str(),
                "policy": policy,
            }),
        }
    }
}

/// The gateway's signed word that it did not take something.
#[derive(Debug, Clone)]
pub struct RefusalStatement {
    /// The gateway.
    pub iss: String,
    /// Whose message was refused.
    pub aud: String,
    /// Unix seconds.
    pub iat: i64,
    /// Its own id.
    pub jti: Id,
    /// The message, where the payload could be read.
    pub message_id: Option<MessageId>,
    /// SHA-256 of the whole object as received.
    pub digest: Digest,
    /// Why.
    pub code: &'static str,
    /// Where.
    pub errors: Vec<Fault>,
}

impl Statement for RefusalStatement {
    const TYP: &'static str = "titian-refusal+jwt";

    fn into_claims(self) -> Value {
        let mut claims = json!({
            "iss": self.iss,
            "aud": self.aud,
            "iat": self.iat,
            "jti": self.jti,
            "digest": self.digest,
            "code": self.code,
        });
        if let Some(map) = claims.as_object_mut() {
            if let Some(id) = self.message_id {
                map.insert("message_id".into(), id.as_str().into());
            }
            if !self.errors.is_empty() {
                map.insert("errors".into(), json!(self.errors));
            }
        }
        claims
    }
}

/// What the gateway itself submits: a message like any other, under its own key.
#[derive(Debug)]
pub(super) struct Originated(pub(super) Value);

impl Statement for Originated {
    const TYP: &'static str = "titian-message+jwt";

    fn into_claims(self) -> Value {
        self.0
    }
}
