//! `POST /v1/token`: OAuth errors (RFC 6749, 5.2), not problem documents.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::extract::{self, Client};
use super::problem::HttpProblem;
use super::router::Edge;
use crate::domain::Code;
use crate::exchange::token::{self, TokenForm, TokenRefusal};
use crate::wire::{TokenAnswer, TokenError};

const FORM_BYTES_MAX: usize = 16 * 1024;

/// An access token for a client assertion.
#[utoipa::path(
    post, path = "/v1/token", tag = "token",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = TokenAnswer),
        (status = 400, body = TokenError), (status = 401, body = TokenError),
    )
)]
pub(super) async fn grant(
    State(edge): State<Edge>,
    Client(certificate): Client,
    request: Request,
) -> Response {
    let rules = edge.gateway.rules();
    let now = edge.gateway.clock().now();
    let party = rules.directory.identify(&certificate, now).map(|address| address.party);
    if let Some(party) = party
        && let Err(problem) = edge.rates.take_token(&party)
    {
        return problem.into_response();
    }
    match form(&edge, request).await {
        Err(refusal) => refused(refusal),
        Ok(form) => match token::grant(&edge.gateway, &certificate, &form).await {
            Ok(answer) => Json::<TokenAnswer>(answer).into_response(),
            Err(refusal) => refused(refusal),
        },
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.is_some_and(|m| m.split(';').next() == Some("application/x-www-form-urlencoded"))
}

/// The form; a parameter that stands twice is refused (RFC 6749, 3.2).
async fn form(edge: &Edge, request: Request) -> Result<TokenForm, TokenRefusal> {
    if !is_form(request.headers()) {
        return Err(TokenRefusal::InvalidRequest("send application/x-www-form-urlencoded"));
    }
    let body =
        extract::whole(edge, request.into_body(), FORM_BYTES_MAX).await.map_err(|_cause| {
            TokenRefusal::InvalidRequest("the form is too large or came too slowly")
        })?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&body)
        .map_err(|_cause| TokenRefusal::InvalidRequest("the form cannot be read"))?;
    let one = |name: &str| {
        let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value.clone()),
            _ => Err(TokenRefusal::InvalidRequest("a parameter is missing or stands twice")),
        }
    };
    Ok(TokenForm {
        grant_type: one("grant_type")?,
        client_id: one("client_id")?,
        scope: one("scope")?,
        client_assertion_type: one("client_assertion_type")?,
        client_assertion: one("client_assertion")?,
    })
}

fn refused(refusal: TokenRefusal) -> Response {
    let (status, error, description) = match refusal {
        TokenRefusal::InvalidClient(why) => (StatusCode::UNAUTHORIZED, "invalid_client", Some(why)),
        TokenRefusal::InvalidRequest(why) => {
            (StatusCode::BAD_REQUEST, "invalid_request", Some(why))
        }
        TokenRefusal::InvalidScope(why) => (StatusCode::BAD_REQUEST, "invalid_scope", Some(why)),
        TokenRefusal::UnsupportedGrant => (StatusCode::BAD_REQUEST, "unsupported_grant_type", None),
        TokenRefusal::Unavailable => return HttpProblem::because(Code::Busy).into_response(),
        TokenRefusal::Internal(failure) => return HttpProblem::from(failure).into_response(),
    };
    metrics::counter!("titian_token_refusals_total", "error" => error).increment(1);
    let error =
        TokenError { error: error.to_owned(), error_description: description.map(str::to_owned) };
    let mut response = (status, Json(error)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let bearer = axum::http::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}
