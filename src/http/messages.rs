//! `/v1/messages`.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::extract::{self, Authenticated, Path};
use super::problem::HttpProblem;
use super::router::Edge;
use crate::auth::Scope;
use crate::domain::Code;
use crate::exchange::submit::{self, Outcome};
use crate::exchange::{gather_evidence, show};
use crate::wire::{MessageView, Problem, Submitted, WouldAdmit};

/// Submit a signed message. With `dry_run=true` nothing is recorded.
#[utoipa::path(
    post, path = "/v1/messages", tag = "messages",
    params(("dry_run" = Option<bool>, Query, description = "check only")),
    request_body(content = String, content_type = "application/jose"),
    responses(
        (status = 201, description = "admitted", body = Submitted),
        (status = 202, description = "held for a person", body = Submitted),
        (status = 200, description = "the same bytes again, or a dry run (`WouldAdmit`)", body = Submitted),
        (status = 422, description = "refused, signed and recorded", body = Problem),
    )
)]
pub(super) async fn submit(
    State(edge): State<Edge>,
    who: Authenticated,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer<Response> {
    let caller = who.with(Scope::MessagesWrite)?;
    let [dry_run] = extract::query(query.as_deref(), ["dry_run"])?;
    let (media, object) = extract::object(&edge, request).await?;
    match dry_run {
        None | Some("false") => {}
        Some("true") => {
            let would: WouldAdmit = submit::dry_run(&edge.gateway, caller, media, &object).await?;
            return Ok(Json(would).into_response());
        }
        Some(_) => return Err(HttpProblem::because(Code::BadRequest)),
    }
    Ok(match submit::submit(&edge.gateway, caller, media, &object).await? {
        Outcome::Admitted(answer) => (StatusCode::CREATED, Json(answer)).into_response(),
        Outcome::Held(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
        Outcome::Repeated(answer) => Json(answer).into_response(),
    })
}

/// The sender's own view of a message.
#[utoipa::path(
    get, path = "/v1/messages/{id}", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, body = MessageView), (status = 404, body = Problem))
)]
pub(super) async fn view(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(id): Path<String>,
) -> Answer<Json<MessageView>> {
    let caller = who.with(Scope::MessagesRead)?;
    Ok(Json(show::message(&edge.gateway, caller, extract::id(&id)?).await?))
}

/// The sender's evidence.
#[utoipa::path(
    get, path = "/v1/messages/{id}/evidence", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem))
)]
pub(super) async fn evidence(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(id): Path<String>,
) -> Answer<Json<serde_json::Value>> {
    let caller = who.unfrozen(Scope::MessagesRead)?;
    Ok(Json(gather_evidence::of_message(&edge.gateway, &caller.into(), extract::id(&id)?).await?))
}
