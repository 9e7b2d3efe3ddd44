//! What holds for every answer and every form, whatever page it is.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use futures_util::FutureExt;

use super::fault::Fault;
use super::{FORM_BYTES_MAX, Site, session};

/// How long a page may take.
const DEADLINE: Duration = Duration::from_mins(1);
/// How long a form may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Where a form comes from whoever it is, and how large it may be then.
const STRANGERS: &[&str] = &["/sign-in", "/sign-out", "/enrol/"];
const STRANGERS_BYTES_MAX: usize = 16 * 1024;

static HEADERS: LazyLock<[(HeaderName, &str); 8]> = LazyLock::new(|| {
    [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), \
         microphone=(), geolocation=()",
        ),
    ]
});

/// Takes forms of our own pages only, and lets no page be framed, kept or changed.
pub(super) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let language = session::accepted(request.headers());
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut answer = if is_safe || is_own(&site, &request) {
        match served(&site, request, next).await {
            Ok(answer) => answer,
            Err(fault) => fault.told(language),
        }
    } else {
        metrics::counter!("titian_console_foreign_forms_total").increment(1);
        Fault::Foreign.told(language)
    };
    let is_page = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page && (answer.status().is_client_error() || answer.status().is_server_error()) {
        // the library's own words are for programs, and would quote what was sent
        answer = Fault::of(answer.status()).told(language);
    }
    let headers = answer.headers_mut();
    for (name, value) in HEADERS.iter() {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    // a page with data stays with nobody; what never changes says so itself
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Reads the form, and lets the page be made.
async fn served(site: &Site, request: Request, next: Next) -> Result<Response, Fault> {
    // the clock has ended or begun something: nothing is shown under what was in force before
    if site.gateway.is_due() {
        site.gateway.catch_up().await?;
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let is_strangers = STRANGERS.iter().any(|open| path.starts_with(open));
    let bytes_max = if is_strangers { STRANGERS_BYTES_MAX } else { FORM_BYTES_MAX };
    let read = tokio::time::timeout(BODY_DEADLINE, to_bytes(body, bytes_max)).await;
    let body = read.map_err(|_late| Fault::Busy)?.map_err(|_long| Fault::TooLarge)?;
    answered(next.run(Request::from_parts(parts, Body::from(body)))).await
}

/// What a page answers in time; one that panics takes nothing with it but its own answer.
async fn answered(page: impl Future<Output = Response>) -> Result<Response, Fault> {
    match tokio::time::timeout(DEADLINE, AssertUnwindSafe(page).catch_unwind()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_panic)) => {
            tracing::error!("a page panicked");
            Err(Fault::Busy)
        }
        Err(_late) => Err(Fault::Busy),
    }
}

/// Whether a form was sent by a page of ours: browsers say so, and scripts cannot.
fn is_own(site: &Site, request: &Request) -> bool {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let own_site = header("sec-fetch-site").is_none_or(|from| from == "same-origin");
    header("origin").is_some_and(|origin| origin == site.origin) && own_site
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn panics() -> &'static str {
        panic!("as a test asks")
    }

    #[tokio::test]
    async fn a_page_that_panics_is_told_in_the_readers_language_and_the_next_one_is_made() {
        let caught = async |request: Request, next: Next| {
            let language = session::accepted(request.headers());
            answered(next.run(request)).await.unwrap_or_else(|fault| fault.told(language))
        };
        let router = Router::new()
            .route("/panics", get(panics))
            .route("/stands", get(|| async { "it stands" }))
            .layer(from_fn(caught));
        let ask = async |path: &str, language: &str| {
            let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language);
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        for (language, says) in [("id", "Belum dapat sekarang"), ("en-GB", "Not now")] {
            let (status, page) = ask("/panics", language).await;
            assert!(status == 503 && page.contains(says), "{language}: {page}");
            assert!(!page.contains("as a test asks"), "{page}");
            assert_eq!(ask("/stands", language).await, (200, "it stands".to_owned()));
        }
    }
}
