//! `/v1/schemas` and `/v1/release-schemas`.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::extract::{self, Authenticated, Path};
use super::router::Edge;
use crate::auth::Scope;
use crate::exchange::show;
use crate::wire::{Problem, SchemaList};

const MEDIA: &str = "application/schema+json";

/// The message schemas.
#[utoipa::path(get, path = "/v1/schemas", tag = "schemas", responses((status = 200, body = SchemaList)))]
pub(super) async fn list(State(edge): State<Edge>, who: Authenticated) -> Answer<Json<SchemaList>> {
    who.with(Scope::MessagesRead)?;
    Ok(Json(show::schemas(&edge.gateway)))
}

/// One message schema.
#[utoipa::path(
    get, path = "/v1/schemas/{name}/{version}", tag = "schemas",
    params(("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem))
)]
pub(super) async fn one(
    State(edge): State<Edge>,
    who: Authenticated,
    Path((name, version)): Path<(String, String)>,
) -> Answer<Response> {
    who.with(Scope::MessagesRead)?;
    let schema = show::schema(&edge.gateway, &extract::id(&format!("{name}/{version}"))?)?;
    Ok(([(header::CONTENT_TYPE, MEDIA)], schema.to_string()).into_response())
}

/// A release schema of the caller's, superseded ones too.
#[utoipa::path(
    get, path = "/v1/release-schemas/{digest}", tag = "schemas", params(("digest" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem))
)]
pub(super) async fn release(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(digest): Path<String>,
) -> Answer<Response> {
    let caller = who.with(Scope::MessagesRead)?;
    let schema =
        show::release_schema(&edge.gateway, &caller.address().party, extract::id(&digest)?).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA)], schema).into_response())
}
