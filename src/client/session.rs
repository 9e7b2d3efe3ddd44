//! A partner's conversation with the gateway: TLS, tokens, waiting, and one method per resource.
//!
//! INVARIANT: what was signed once is sent again byte for byte, so a repeat after a lost answer
//! can never be admitted twice; a client assertion is made anew for each try.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use super::fault::ClientFault;
use super::kit::Kit;
use super::statements::ClientAssertion;
use super::trust::Pins;
use crate::clock::{Clock, Entropy};
use crate::domain::Id;
use crate::wire::{GatewayFacts, Problem, TokenAnswer, TokenError};

/// Requested scopes: all a partner's own commands need.
const SCOPES: &str = "messages:write messages:read inbox";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A token is renewed so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Above the longest wait of the inbox.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer, in bytes: a full page of the largest releases.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const BACKOFF: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Longest `Retry-After` that is waited for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Told before the session waits to try again: how long.
pub type OnWait = Box<dyn Fn(Duration) + Send + Sync>;

/// A partner's conversation with its gateway.
pub struct Session {
    kit: Kit,
    pins: Pins,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    token: Mutex<Option<Token>>,
    on_wait: OnWait,
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
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(kit.tls.clone())
            .http1_only()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("titian/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_rejected| ClientFault::Unusable("no TLS client can be built"))?;
        let pinned = Pins::read(&kit.pins)?;
        let token = Mutex::new(None);
        let unpinned = Pins::nobody();
        let mut session = Self { kit, pins: unpinned, http, clock, entropy, token, on_wait };
        session.pins = match pinned {
            Some(pins) => pins,
            None => {
                let Kit { pins, address, signing, .. } = &session.kit;
                session.published().await?.write(pins, address, signing.public())?
            }
        };
        Ok(session)
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
        let mut bytes = [0u8; N];
        self.entropy.fill(&mut bytes).map_err(|_none| ClientFault::Signing)?;
        Ok(bytes)
    }

    pub(super) fn fresh_id(&self) -> Result<Id, ClientFault> {
        self.fresh().map(Id::from_bits)
    }

    async fn published(&self) -> Result<Pins, ClientFault> {
        let facts: GatewayFacts = self.public("/.well-known/titian.json").await?;
        let jwks: Value = self.public("/.well-known/jwks.json").await?;
        Pins::new(facts.id, &jwks)
    }

    async fn public<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientFault> {
        self.patiently(async || {
            let answer = self.send(self.http.get(self.url(path))).await?;
            parse(&self.take(answer).await?)
        })
        .await
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
        self.patiently(async || {
            let first = self.once(&method, path, content).await?;
            let answer = if first.status() == StatusCode::UNAUTHORIZED {
                // It may have ended, or the gateway's token key may have changed.
                self.token.lock().await.take();
                self.once(&method, path, content).await?
            } else {
                first
            };
            Ok((answer.status(), self.take(answer).await?))
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
        let mut request = self.http.request(method.clone(), self.url(path)).bearer_auth(token);
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, content.media).body(content.bytes.to_owned());
        }
        self.send(request).await
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
        let assertion = ClientAssertion {
            client: self.kit.address.clone(),
            audience: self.pins.id().to_owned(),
            jti: self.fresh_id()?,
            issued_at: self.clock.now(),
        };
        let signed = self.kit.signing.sign(assertion).map_err(|_failed| ClientFault::Signing)?;
        let client = self.kit.address.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("scope", SCOPES),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", signed.compact()),
        ];
        let answer = self.send(self.http.post(self.url("/v1/token")).form(&form)).await?;
        if answer.status().is_client_error() && answer.status() != StatusCode::TOO_MANY_REQUESTS {
            let body = read(answer, &self.kit.gateway).await?;
            return Err(parse::<TokenError>(&body).map_or_else(
                |_shape| ClientFault::Unexpected("a refused token without an error"),
                ClientFault::NoToken,
            ));
        }
        parse(&self.take(answer).await?)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientFault> {
        request.send().await.map_err(|error| unreachable(&self.kit.gateway, error))
    }

    /// The body of a success; else why there is none.
    async fn take(&self, answer: Response) -> Result<Vec<u8>, ClientFault> {
        let status = answer.status();
        let retry_after = retry_after(&answer);
        let body = read(answer, &self.kit.gateway).await?;
        if status.is_success() {
            return Ok(body);
        }
        let problem = parse::<Problem>(&body).ok();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let instance = problem.map(|problem| problem.instance);
            return Err(ClientFault::Busy { status: status.as_u16(), retry_after, instance });
        }
        let shapeless = ClientFault::Unexpected("a failure without a problem (RFC 9457)");
        Err(problem.map_or(shapeless, |problem| ClientFault::Refused(Box::new(problem))))
    }

    /// Tries again while the fault may pass.
    async fn patiently<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, ClientFault>,
    ) -> Result<T, ClientFault> {
        for backoff in BACKOFF {
            let fault = match attempt().await {
                Err(fault) if fault.is_temporary() => fault,
                done => return done,
            };
            let asked = match fault {
                ClientFault::Busy { retry_after, .. } => retry_after,
                _ => None,
            };
            if asked.is_some_and(|asked| asked > RETRY_AFTER_MAX) {
                return Err(fault);
            }
            let wait = asked.unwrap_or_default().max(self.jittered(backoff));
            (self.on_wait)(wait);
            tokio::time::sleep(wait).await;
        }
        attempt().await
    }

    /// Between half of `wait` and `wait`, so that partners do not all come back at once.
    fn jittered(&self, wait: Duration) -> Duration {
        let part = self.fresh::<1>().map_or(255, |[byte]| byte);
        wait.mul_f64(0.5 + f64::from(part) / 512.0)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.kit.gateway)
    }
}

pub(super) fn unreachable(gateway: &str, error: reqwest::Error) -> ClientFault {
    let reason = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection under the pinned CA"
    } else {
        "the connection broke"
    };
    let gateway = gateway.to_owned();
    ClientFault::Unreachable { gateway, reason, source: Box::new(error.without_url()) }
}

pub(super) async fn read(mut answer: Response, gateway: &str) -> Result<Vec<u8>, ClientFault> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(gateway, error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ClientFault::Unexpected("it is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3); its other form, a date, is not waited for.
fn retry_after(answer: &Response) -> Option<Duration> {
    let value = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientFault> {
    serde_json::from_slice(body).map_err(|_shape| ClientFault::Unexpected("it has another shape"))
}
