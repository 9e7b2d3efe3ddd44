//! What handlers are given: the caller, an id, a strict query, a signed object.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::problem::HttpProblem;
use super::router::Edge;
use crate::auth::{Caller, Certificate, Scope};
use crate::domain::Code;
use crate::exchange::submit::Media;
use crate::exchange::{Failure, token};

/// Largest body.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;

/// What stands in the path; a path that is no UTF-8 names nothing.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Edge> for Path<T> {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, HttpProblem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, edge).await;
        read.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_rejection| HttpProblem::because(Code::NotFound))
    }
}

/// The certificate that this connection's client proved to hold.
#[derive(Debug, Clone)]
pub(super) struct Client(pub(super) Arc<Certificate>);

impl FromRequestParts<Edge> for Client {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, HttpProblem> {
        let certificate = parts.extensions.get::<Arc<Certificate>>().cloned();
        certificate.map(Self).ok_or_else(|| HttpProblem::because(Code::Unauthenticated))
    }
}

/// The authenticated caller of a protected route.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) caller: Caller,
    bearer: String,
    certificate: Arc<Certificate>,
}

impl Authenticated {
    /// The caller, if its token has the scope.
    pub(super) fn with(&self, scope: Scope) -> Result<&Caller, HttpProblem> {
        if self.caller.scopes().0.contains(&scope) {
            Ok(&self.caller)
        } else {
            Err(HttpProblem::because(Code::InsufficientScope))
        }
    }

    /// The caller, if its token has the scope and its party is not frozen.
    pub(super) fn unfrozen(&self, scope: Scope) -> Result<&Caller, HttpProblem> {
        let caller = self.with(scope)?;
        if caller.is_frozen() { Err(HttpProblem::because(Code::Frozen)) } else { Ok(caller) }
    }

    /// The caller once more, under the rules in force now.
    pub(super) fn again(&self, edge: &Edge) -> Result<Caller, Failure> {
        token::authenticate(&edge.gateway, &self.certificate, &self.bearer)
    }
}

impl FromRequestParts<Edge> for Authenticated {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, HttpProblem> {
        let Client(certificate) = Client::from_request_parts(parts, edge).await?;
        let bearer = bearer(&parts.headers)
            .ok_or_else(|| HttpProblem::because(Code::Unauthenticated))?
            .to_owned();
        let caller = token::authenticate(&edge.gateway, &certificate, &bearer)?;
        edge.rates.take(&caller.address().party)?;
        Ok(Self { caller, bearer, certificate })
    }
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// A path segment as an id; anything else names nothing.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, HttpProblem> {
    text.parse().map_err(|_cause| HttpProblem::because(Code::NotFound))
}

/// The query's parameters: known ones only, each at most once, none percent-encoded.
pub(super) fn query<'q, const N: usize>(
    query: Option<&'q str>,
    known: [&str; N],
) -> Result<[Option<&'q str>; N], HttpProblem> {
    let bad = || HttpProblem::because(Code::BadRequest);
    let mut found = [None; N];
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(bad)?;
        let at = known.iter().position(|k| *k == name).ok_or_else(bad)?;
        let slot = found.get_mut(at).ok_or_else(bad)?;
        if slot.replace(value).is_some() || value.contains('%') {
            return Err(bad());
        }
    }
    Ok(found)
}

/// The media type of a signed object; anything else is refused before the body is read.
pub(super) fn media(headers: &HeaderMap) -> Result<Media, HttpProblem> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    match (all.next().map(axum::http::HeaderValue::as_bytes), all.next()) {
        (Some(b"application/jose"), None) => Ok(Media::Jose),
        (Some(b"application/sd-jwt"), None) => Ok(Media::SdJwt),
        _ => Err(HttpProblem::because(Code::UnsupportedMediaType)),
    }
}

/// The whole body, within size and time.
pub(super) async fn whole(edge: &Edge, body: Body, max: usize) -> Result<Bytes, HttpProblem> {
    let read = Limited::new(body, max).collect();
    match tokio::time::timeout(edge.deadlines.body, read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(HttpProblem::because(Code::TooLarge))
        }
        Ok(Err(_)) => Err(HttpProblem::because(Code::BadRequest)),
        Err(_) => Err(HttpProblem::because(Code::Timeout)),
    }
}

/// A signed object: media type first, then the body.
pub(super) async fn object(edge: &Edge, request: Request) -> Result<(Media, Bytes), HttpProblem> {
    let media = media(request.headers())?;
    Ok((media, whole(edge, request.into_body(), BODY_BYTES_MAX).await?))
}
