//! HTTP to one gateway, under its pinned CA: answers within bounds, problems as faults, patience.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::fault::ClientFault;
use crate::clock::Entropy;
use crate::wire::Problem;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Above the longest wait of the inbox.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// Largest answer, in bytes: a full page of the largest releases.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const BACKOFF: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Longest `Retry-After` that is waited for.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);

/// Told before waiting to try again: how long.
pub type OnWait = Box<dyn Fn(Duration) + Send + Sync>;

/// A way to a gateway.
pub(super) struct Connection {
    pub(super) http: reqwest::Client,
    gateway: String,
    entropy: Arc<dyn Entropy>,
    on_wait: OnWait,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.gateway)
    }
}

impl Connection {
    /// Nothing is sent yet.
    pub(super) fn new(
        gateway: &str,
        tls: rustls::ClientConfig,
        entropy: Arc<dyn Entropy>,
        on_wait: OnWait,
    ) -> Result<Self, ClientFault> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("titian/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_rejected| ClientFault::Unusable("no TLS client can be built"))?;
        Ok(Self { http, gateway: gateway.to_owned(), entropy, on_wait })
    }

    pub(super) fn fresh<const N: usize>(&self) -> Result<[u8; N], ClientFault> {
        let mut bytes = [0u8; N];
        self.entropy.fill(&mut bytes).map_err(|_none| ClientFault::Signing)?;
        Ok(bytes)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// What anyone who passes TLS may read.
    pub(super) async fn public<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientFault> {
        self.patiently(async || {
            let answer = self.send(self.http.get(self.url(path))).await?;
            parse(&self.take(answer).await?)
        })
        .await
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientFault> {
        request.send().await.map_err(|error| unreachable(&self.gateway, error))
    }

    /// The whole body, whatever the status.
    pub(super) async fn read(&self, answer: Response) -> Result<Vec<u8>, ClientFault> {
        read(answer, &self.gateway).await
    }

    /// The body of a success; else why there is none.
    pub(super) async fn take(&self, answer: Response) -> Result<Vec<u8>, ClientFault> {
        let status = answer.status();
        let retry_after = retry_after(&answer);
        let body = self.read(answer).await?;
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
    pub(super) async fn patiently<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, ClientFault>,
    ) -> Result<T, ClientFault> {
        for backoff in BACKOFF {
            let done = attempt().await;
            let part = self.fresh::<1>().map_or(u8::MAX, |[byte]| byte);
            let Some(wait) = done.as_ref().err().and_then(|fault| pause(fault, backoff, part))
            else {
                return done;
            };
            (self.on_wait)(wait);
            tokio::time::sleep(wait).await;
        }
        attempt().await
    }
}

/// How long to wait before trying again; `None` if that would not help. Without a wish of the
/// gateway's, between half of `backoff` and `backoff`, so that partners do not all come back at
/// once; `part` is the chance in it.
fn pause(fault: &ClientFault, backoff: Duration, part: u8) -> Option<Duration> {
    let jittered = backoff.mul_f64(0.5 + f64::from(part) / 510.0);
    match fault {
        ClientFault::Busy { retry_after: Some(wish), .. } => {
            (*wish <= RETRY_AFTER_MAX).then(|| jittered.max(*wish))
        }
        fault => fault.is_temporary().then_some(jittered),
    }
}

pub(super) fn unreachable(gateway: &str, error: reqwest::Error) -> ClientFault {
    if let Some(fault) = tls_fault(&error) {
        let reason = match fault {
            rustls::Error::AlertReceived(_) => "it does not take this certificate of yours",
            _ => "its certificate is not good under the pinned CA",
        };
        let (gateway, source) = (gateway.to_owned(), Box::new(fault.clone()));
        return ClientFault::Tls { gateway, reason, source };
    }
    let reason = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let gateway = gateway.to_owned();
    ClientFault::Unreachable { gateway, reason, source: Box::new(error.without_url()) }
}

/// What the handshake failed for. An `io::Error` hides what it wraps from `source`, so it is
/// unwrapped by hand.
fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = link {
        if let Some(fault) = error.downcast_ref::<rustls::Error>() {
            return Some(fault);
        }
        link = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn busy(retry_after: Option<Duration>) -> ClientFault {
        ClientFault::Busy { status: 429, retry_after, instance: None }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
        assert_eq!(pause(&busy(None), SECOND, 0), Some(SECOND / 2));
        assert_eq!(pause(&busy(None), SECOND, u8::MAX), Some(SECOND));
        let broken = ClientFault::Unreachable {
            gateway: String::new(),
            reason: "",
            source: Box::new(fmt::Error),
        };
        assert!(pause(&broken, SECOND, 0).is_some());
        assert_eq!(pause(&ClientFault::Unexpected("shape"), SECOND, 0), None);
        assert_eq!(pause(&ClientFault::Signing, SECOND, 0), None);
    }

    #[test]
    fn retry_after_is_kept_to_unless_it_is_too_long() {
        assert_eq!(pause(&busy(Some(SECOND * 5)), SECOND, 0), Some(SECOND * 5));
        assert_eq!(pause(&busy(Some(RETRY_AFTER_MAX)), SECOND, 0), Some(RETRY_AFTER_MAX));
        assert_eq!(pause(&busy(Some(RETRY_AFTER_MAX + SECOND)), SECOND, 0), None);
    }
}
