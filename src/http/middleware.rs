//! What surrounds every request: an id, a span that names the route and never the URL, headers,
//! and a catch for a panic.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;

use super::problem::{self, HttpProblem};
use super::router::Edge;
use crate::domain::Code;

/// What the reference page may load: its own files; it sets styles and draws icons inline.
const PAGE_SOURCES: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) async fn surround(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let id = edge.gateway.request_id();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let is_page = route.starts_with("/docs");
    let method = request.method().clone();
    let span = tracing::info_span!("request", id = %id, route = %route, method = %method);
    let started = edge.gateway.clock().uptime();
    // the clock has ended or begun something: nothing is answered under what was in force before
    if edge.gateway.is_due()
        && let Err(failure) = edge.gateway.catch_up().await
    {
        return problem::finish(HttpProblem::from(failure).into_response(), id);
    }
    let answered = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match answered.instrument(span.clone()).await {
        Ok(response) => response,
        Err(_panic) => {
            tracing::error!(parent: &span, "a handler panicked");
            HttpProblem::because(Code::Internal).into_response()
        }
    };
    let mut response = problem::finish(response, id);
    let status = response.status();
    let took = edge.gateway.clock().uptime().saturating_sub(started);
    let class = match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("titian_requests_total", "route" => route.clone(), "status" => class)
        .increment(1);
    metrics::histogram!("titian_request_seconds", "route" => route).record(took.as_secs_f64());
    tracing::debug!(parent: &span, status = status.as_u16(), "answered");
    let headers = response.headers_mut();
    if is_page {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_SOURCES));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
