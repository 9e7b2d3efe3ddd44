//! One method per resource of the API. What the gateway signs is checked before it is believed.

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};
use time::Duration;

use super::connection::parse;
use super::fault::ClientFault;
use super::session::{Content, Session};
use super::statements::{
    AcknowledgementClaims, DisclosedMessageClaims, MessageClaims, OWN_CLAIMS, Sending, Verdict,
};
use super::trust::{About, Given, Release};
use crate::domain::{Digest, ExchangeRef, Id, MessageId, ReleaseId};
use crate::sign::sd_jwt;
use crate::wire::{
    Acknowledged, ExchangeView, InboxItem, InboxPage, MessageView, Submitted, WouldAdmit,
};

/// How long a message may be admitted after it was signed.
const MESSAGE_LIFETIME: Duration = Duration::days(1);
const JOSE: &str = "application/jose";
const SD_JWT: &str = "application/sd-jwt";

/// How a message's body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the clear, within the signature.
    Plain,
    /// As one disclosure.
    BodyDisclosure,
}

/// A message, signed once.
#[derive(Debug, Clone)]
pub struct Outgoing {
    message_id: MessageId,
    media: &'static str,
    pub(super) object: String,
}

impl Outgoing {
    /// Its id.
    pub fn message_id(&self) -> MessageId {
        self.message_id
    }
}

/// What became of a message.
#[derive(Debug, Clone)]
pub enum Submission {
    /// Admitted, for at least one recipient.
    Admitted(Submitted),
    /// Kept back for a person to decide.
    Held(Submitted),
    /// It had been admitted before; this is what was answered then.
    Repeated(Submitted),
}

/// How an inbox is read.
#[derive(Debug, Clone, Copy)]
pub struct InboxQuery {
    /// From the cursor on; `None`: from the oldest unacknowledged release on.
    pub after: Option<i64>,
    /// 1 to 100.
    pub limit: u32,
    /// Seconds to wait for a first release, 0 to 30.
    pub wait_s: u32,
}

impl Session {
    /// Signs a message: `claims` as the sender wrote them, less those that are set here.
    pub fn message(
        &self,
        mut claims: Map<String, Value>,
        form: Form,
        message_id: Option<MessageId>,
    ) -> Result<Outgoing, ClientFault> {
        if OWN_CLAIMS.iter().any(|name| claims.contains_key(*name)) {
            return Err(ClientFault::Unusable(
                "the claims hold one of `iss`, `aud`, `iat`, `exp`, `jti`, `_sd`, `_sd_alg`, which \
                 are set when the message is signed",
            ));
        }
        let message_id = match message_id {
            Some(chosen) => chosen,
            None => MessageId(self.fresh_id()?),
        };
        let issued_at = self.clock().now();
        let sending = Sending {
            sender: self.kit().address.clone(),
            audience: self.pins().id().to_owned(),
            message_id,
            issued_at,
            expires_at: issued_at + MESSAGE_LIFETIME,
        };
        let key = &self.kit().signing;
        let (media, object) = match form {
            Form::Plain => {
                let signed = key.sign(MessageClaims::new(claims, sending));
                (JOSE, signed.map_err(|_failed| ClientFault::Signing)?.compact().to_owned())
            }
            Form::BodyDisclosure => {
                let body =
                    claims.remove("body").ok_or(ClientFault::Unusable("there is no `body`"))?;
                let body = sd_jwt::disclose(&self.fresh()?, "body", &body);
                let signed = key.sign(DisclosedMessageClaims::new(claims, body.digest, sending));
                let signed = signed.map_err(|_failed| ClientFault::Signing)?;
                (SD_JWT, sd_jwt::assemble(signed.compact(), &[&body.encoded]))
            }
        };
        Ok(Outgoing { message_id, media, object })
    }

    /// Submits a message.
    pub async fn submit(&self, message: &Outgoing) -> Result<Submission, ClientFault> {
        let content = Content { media: message.media, bytes: &message.object };
        let sent = Digest::of(message.object.as_bytes());
        let asked = self.ask(Method::POST, "/v1/messages", Some(content)).await;
        let (status, body) = self.refusal_checked(asked, sent)?;
        let submitted: Submitted = parse(&body)?;
        let id = message.message_id.to_string();
        let own = self.kit().address();
        self.pins().check_receipt(own, About::Message(&id), sent, &submitted.receipt)?;
        match status {
            StatusCode::CREATED => Ok(Submission::Admitted(submitted)),
            StatusCode::ACCEPTED => Ok(Submission::Held(submitted)),
            StatusCode::OK => Ok(Submission::Repeated(submitted)),
            _ => Err(ClientFault::Unexpected("a status that a submission does not have")),
        }
    }

    /// Asks whether a message would be admitted; nothing is recorded.
    pub async fn dry_run(&self, message: &Outgoing) -> Result<WouldAdmit, ClientFault> {
        let content = Content { media: message.media, bytes: &message.object };
        let path = "/v1/messages?dry_run=true";
        parse(&self.ask(Method::POST, path, Some(content)).await?.1)
    }

    /// A page of the inbox, as handed out; [`Session::open_release`] opens its items.
    pub async fn inbox(&self, query: InboxQuery) -> Result<InboxPage, ClientFault> {
        let InboxQuery { after, limit, wait_s } = query;
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        self.get(&format!("/v1/inbox?limit={limit}&wait={wait_s}{after}")).await
    }

    /// Opens a release: signature, addressee, identity.
    pub fn open_release(&self, item: &InboxItem) -> Result<Release, ClientFault> {
        self.pins().open_release(self.kit().address(), item)
    }

    /// Acknowledges a release, signed.
    pub async fn acknowledge(
        &self,
        release_id: ReleaseId,
        digest: Digest,
        verdict: Verdict,
    ) -> Result<(Acknowledged, Given), ClientFault> {
        let claims = AcknowledgementClaims {
            recipient: self.kit().address.clone(),
            audience: self.pins().id().to_owned(),
            jti: self.fresh_id()?,
            issued_at: self.clock().now(),
            release_id,
            digest,
            verdict,
        };
        let signed = self.kit().signing.sign(claims).map_err(|_failed| ClientFault::Signing)?;
        let content = Content { media: JOSE, bytes: signed.compact() };
        let path = format!("/v1/inbox/{release_id}/acknowledgement");
        let asked = self.ask(Method::POST, &path, Some(content)).await;
        let (_status, body) = self.refusal_checked(asked, signed.digest())?;
        let acknowledged: Acknowledged = parse(&body)?;
        let (own, id) = (self.kit().address(), release_id.to_string());
        let about = About::Acknowledgement(&id);
        let receipt = &acknowledged.receipt;
        let given = self.pins().check_receipt(own, about, signed.digest(), receipt)?;
        Ok((acknowledged, given))
    }

    /// The sender's own view of a message.
    pub async fn show_message(&self, id: MessageId) -> Result<MessageView, ClientFault> {
        self.get(&format!("/v1/messages/{id}")).await
    }

    /// The thread as this partner knows it.
    pub async fn show_exchange(&self, id: ExchangeRef) -> Result<ExchangeView, ClientFault> {
        self.get(&format!("/v1/exchanges/{id}")).await
    }

    /// Evidence about a message this partner sent, or else about a release it was handed.
    pub async fn evidence(&self, id: Id) -> Result<Value, ClientFault> {
        match self.get(&format!("/v1/messages/{id}/evidence")).await {
            Err(ClientFault::Refused(problem)) if problem.status == 404 => {
                self.get(&format!("/v1/inbox/{id}/evidence")).await
            }
            done => done,
        }
    }

    /// A refusal that claims to be recorded must be the gateway's word about what was sent.
    fn refusal_checked<T>(
        &self,
        asked: Result<T, ClientFault>,
        sent: Digest,
    ) -> Result<T, ClientFault> {
        if let Err(ClientFault::Refused(problem)) = &asked
            && let Some(refusal) = &problem.refusal
        {
            self.pins().check_refusal(self.kit().address(), sent, refusal)?;
        }
        asked
    }
}
