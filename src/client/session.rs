//! A partner's conversation with the gateway: who it is taken for, and tokens.
//!
//! INVARIANT: what was signed once is sent again byte for byte, so a repeat after a lost answer
//! can never be admitted twice; a client assertion is made anew for each try.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use super::connection::{Connection, OnWait, parse};
use super::fault::ClientFault;
use super::kit::Kit;
use super::statements::ClientAssertion;
use super::trust::Pins;
use crate::clock::{Clock, Entropy};
use crate::domain::Id;
use crate::wire::{GatewayFacts, TokenAnswer, TokenError};

/// Requested scopes: all a partner's own commands need.
const SCOPES: &str = "messages:write messages:read inbox";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A token is renewed so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);

/// A partner's conversation with its gateway.
pub struct Session {
    kit: Kit,
    pins: Pins,
    connection: Connection,
    clock: Arc<dyn Clock>,
    token: Mutex<Option<Token>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.kit)
    }
}

struct Token {
    value: Arc<str>,
    renew_at: Duration,
}

/// A body to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) media: &'static str,
    pub(super) bytes: &'a str,
}

impl Session {
    /// Connects and, the first time, pins the gateway's id and keys in the kit.
    pub async fn open(
        kit: Kit,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        on_wait: OnWait,
    ) -> Result<Self, ClientFault> {
        let connection = Connection::new(&kit.gateway, kit.tls.clone(), entropy, on_wait)?;
        let pins = if let Some(pins) = Pins::read(&kit.pins)? {
            pins
        } else {
            let published = published(&connection).await?;
            published.write(&kit.pins, &kit.address, kit.signing.public())?
        };
        Ok(Self { kit, pins, connection, clock, token: Mutex::new(None) })
    }

    /// Whom this partner takes for the gateway.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    pub(super) fn kit(&self) -> &Kit {
        &self.kit
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(super) fn fresh<const N: usize>(&self) -> Result<[u8; N], ClientFault> {
        self.connection.fresh()
    }

    pub(super) fn fresh_id(&self) -> Result<Id, ClientFault> {
        self.fresh().map(Id::from_bits)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientFault> {
        parse(&self.ask(Method::GET, path, None).await?.1)
    }

    /// Asks with a token, patiently, and answers status and body of a success.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<(StatusCode, Vec<u8>), ClientFault> {
        self.connection
            .patiently(async || {
                let first = self.once(&method, path, content).await?;
                let answer = if first.status() == StatusCode::UNAUTHORIZED {
                    // It may have ended, or the gateway's token key may have changed.
                    self.token.lock().await.take();
                    self.once(&method, path, content).await?
                } else {
                    first
                };
                Ok((answer.status(), self.connection.take(answer).await?))
            })
            .await
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<Response, ClientFault> {
        let token = self.token().await?;
        let url = self.connection.url(path);
        let mut request = self.connection.http.request(method.clone(), url).bearer_auth(token);
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, content.media).body(content.bytes.to_owned());
        }
        self.connection.send(request).await
    }

    /// A token with some life left.
    async fn token(&self) -> Result<Arc<str>, ClientFault> {
        let mut held = self.token.lock().await;
        let now = self.clock.uptime();
        match held.as_ref() {
            Some(token) if now < token.renew_at => Ok(Arc::clone(&token.value)),
            _ => {
                let answer = self.grant().await?;
                let lifetime = Duration::from_secs(answer.expires_in);
                let value: Arc<str> = answer.access_token.into();
                let renew_at = now + lifetime.saturating_sub(TOKEN_MARGIN);
                *held = Some(Token { value: Arc::clone(&value), renew_at });
                Ok(value)
            }
        }
    }

    /// `POST /v1/token` (RFC 7523, 2.2).
    async fn grant(&self) -> Result<TokenAnswer, ClientFault> {
        let assertion = self.assertion()?;
        self.present(&assertion).await
    }

    /// A fresh client assertion, signed.
    pub(super) fn assertion(&self) -> Result<String, ClientFault> {
        let assertion = ClientAssertion {
            client: self.kit.address.clone(),
            audience: self.pins.id().to_owned(),
            jti: self.fresh_id()?,
            issued_at: self.clock.now(),
        };
        let signed = self.kit.signing.sign(assertion).map_err(|_failed| ClientFault::Signing)?;
        Ok(signed.compact().to_owned())
    }

    /// Asks for a token with this assertion.
    pub(super) async fn present(&self, assertion: &str) -> Result<TokenAnswer, ClientFault> {
        let client = self.kit.address.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("scope", SCOPES),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        let request = self.connection.http.post(self.connection.url("/v1/token")).form(&form);
        let answer = self.connection.send(request).await?;
        if answer.status().is_client_error() && answer.status() != StatusCode::TOO_MANY_REQUESTS {
            let body = self.connection.read(answer).await?;
            return Err(parse::<TokenError>(&body).map_or_else(
                |_shape| ClientFault::Unexpected("a refused token without an error"),
                ClientFault::NoToken,
            ));
        }
        parse(&self.connection.take(answer).await?)
    }
}

/// What the gateway says of itself.
async fn published(connection: &Connection) -> Result<Pins, ClientFault> {
    let facts: GatewayFacts = connection.public("/.well-known/titian.json").await?;
    let jwks: Value = connection.public("/.well-known/jwks.json").await?;
    Pins::new(facts.id, &jwks)
}
