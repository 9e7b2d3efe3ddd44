//! The whole API on one screen.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::limits::Rates;
use super::middleware::surround;
use super::problem::HttpProblem;
use super::{exchanges, inbox, ledger, messages, schemas, token, well_known};
use crate::domain::Code;
use crate::exchange::Gateway;
use crate::listener::Deadlines;

/// What the edge's handlers share.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The use cases.
    pub gateway: Arc<Gateway>,
    /// Rate limits.
    pub rates: Arc<Rates>,
    /// Deadlines.
    pub deadlines: Deadlines,
}

/// Routes that anyone who passes TLS may read.
pub const PUBLIC: &[&str] = &[
    "/v1/token",
    "/.well-known/jwks.json",
    "/.well-known/titian.json",
    "/.well-known/oauth-authorization-server",
    "/openapi.json",
    "/docs",
];

/// Every route, for the test that walks them: method and path with a placeholder filled in.
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/v1/token"),
    ("POST", "/v1/messages"),
    ("GET", "/v1/messages/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("GET", "/v1/messages/aaaaaaaaaaaaaaaaaaaaaaaaaa/evidence"),
    ("GET", "/v1/exchanges/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("GET", "/v1/inbox"),
    ("POST", "/v1/inbox/aaaaaaaaaaaaaaaaaaaaaaaaaa/acknowledgement"),
    ("GET", "/v1/inbox/aaaaaaaaaaaaaaaaaaaaaaaaaa/evidence"),
    ("GET", "/v1/schemas"),
    ("GET", "/v1/schemas/referral/1"),
    ("GET", "/v1/release-schemas/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
    ("GET", "/v1/ledger/checkpoint"),
    ("GET", "/v1/governance/checkpoint"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/.well-known/titian.json"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/openapi.json"),
];

#[derive(OpenApi)]
#[openapi(info(
    title = "Titian",
    description = "Agencies' API of a Titian gateway. Mutual TLS 1.3; every object is signed.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// The router of the agencies' listener.
pub fn router(edge: Edge) -> Router {
    let (api, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(token::grant))
        .routes(routes!(messages::submit))
        .routes(routes!(messages::view))
        .routes(routes!(messages::evidence))
        .routes(routes!(exchanges::view))
        .routes(routes!(inbox::page))
        .routes(routes!(inbox::acknowledge))
        .routes(routes!(inbox::evidence))
        .routes(routes!(schemas::list))
        .routes(routes!(schemas::one))
        .routes(routes!(schemas::release))
        .routes(routes!(ledger::own))
        .routes(routes!(ledger::governance))
        .routes(routes!(well_known::jwks))
        .routes(routes!(well_known::titian))
        .routes(routes!(well_known::oauth))
        .split_for_parts();
    // without its validator badge, the page loads nothing from outside
    let page = SwaggerUi::new("/docs").config(Config::default().validator_url("none"));
    api.merge(page.url("/openapi.json", description))
        .fallback(|| async { HttpProblem::because(Code::NotFound).into_response() })
        .method_not_allowed_fallback(|| async {
            HttpProblem::because(Code::MethodNotAllowed).into_response()
        })
        // outermost: every answer gets an id, and a problem its body
        .layer(axum::middleware::from_fn_with_state(edge.clone(), surround))
        .with_state(edge)
}
