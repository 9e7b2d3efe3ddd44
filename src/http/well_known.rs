//! `/.well-known`: who the gateway is and what its words verify under.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::router::Edge;
use crate::auth::Scope;
use crate::exchange::show;
use crate::wire::GatewayFacts;

/// The gateway's public keys (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "well-known", responses((status = 200, body = Object)))]
pub(super) async fn jwks(State(edge): State<Edge>) -> Json<Value> {
    Json(show::jwks(&edge.gateway))
}

/// The gateway's id, which is the `aud` of what it is sent.
#[utoipa::path(get, path = "/.well-known/titian.json", tag = "well-known", responses((status = 200, body = GatewayFacts)))]
pub(super) async fn titian(State(edge): State<Edge>) -> Json<GatewayFacts> {
    Json(show::facts(&edge.gateway))
}

/// Authorization server metadata (RFC 8414).
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "well-known",
    responses((status = 200, body = Object))
)]
pub(super) async fn oauth(State(edge): State<Edge>) -> Json<Value> {
    let id = edge.gateway.id();
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    Json(json!({
        "issuer": id,
        "token_endpoint": format!("{id}/v1/token"),
        "jwks_uri": format!("{id}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256"],
        "tls_client_certificate_bound_access_tokens": true,
    }))
}
