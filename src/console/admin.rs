//! The admin socket: plain JSON over a Unix socket that only the gateway's own user can open.

use std::sync::Arc;

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::domain::{Code, Id, PartyId};
use crate::exchange::{Failure, Gateway, hold, released};
use crate::wire::{HoldAct, HoldView, Problem, ReleasedPage};

/// The router of the admin socket.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/parties/{party}/releases", get(released))
        .route("/holds", get(list))
        .route("/holds/{id}/show", post(show))
        .route("/holds/{id}/release", post(release))
        .route("/holds/{id}/discard", post(discard))
        .with_state(gateway)
}

type Answer<T> = Result<Json<T>, AdminProblem>;

struct AdminProblem(Failure);

impl From<Failure> for AdminProblem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for AdminProblem {
    fn into_response(self) -> Response {
        let (status, code, detail) = match &self.0 {
            Failure::Problem(refused) | Failure::Recorded { refused, .. } => match refused.code {
                Code::NotFound => (
                    StatusCode::NOT_FOUND,
                    refused.code,
                    "there is none of that name, or the officer is not on duty for its recipient",
                ),
                Code::BadRequest if refused.errors.iter().any(|e| e.pointer == "/decision") => (
                    StatusCode::CONFLICT,
                    refused.code,
                    "the hold was decided before; `titian hold list --all` shows by whom",
                ),
                Code::BadRequest => {
                    (StatusCode::BAD_REQUEST, refused.code, "a reason of 1 to 500 bytes is needed")
                }
                Code::NoPolicy => (
                    StatusCode::CONFLICT,
                    refused.code,
                    "the policy changed since the message was admitted; its sender sends it again",
                ),
                code => (StatusCode::UNPROCESSABLE_ENTITY, code, "the hold cannot be let go"),
            },
            Failure::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, Code::Busy, "not now; try again")
            }
            Failure::Internal(cause) => {
                tracing::error!(cause = %cause, "the gateway failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    Code::Internal,
                    "the gateway failed; see its log",
                )
            }
        };
        let problem = Problem {
            problem_type: format!("https://titian.example.org/problems/{code}"),
            title: code.to_string(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            instance: String::new(),
            code: code.to_string(),
            errors: Vec::new(),
            refusal: None,
        };
        (status, Json(problem)).into_response()
    }
}

fn id(text: &str) -> Result<Id, AdminProblem> {
    text.parse().map_err(|_cause| AdminProblem(Failure::problem(Code::NotFound)))
}

async fn status(State(gateway): State<Arc<Gateway>>) -> Answer<serde_json::Value> {
    let backlog = gateway.backlog().await?;
    Ok(Json(json!({
        "gateway": gateway.id(),
        "generation": gateway.rules().generation,
        "releases_queued": backlog.queued,
        "holds_open": backlog.holds_open,
    })))
}

/// Where a list of releases begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    since: i64,
    after: Option<String>,
}

async fn released(
    State(gateway): State<Arc<Gateway>>,
    Path(party): Path<String>,
    Query(from): Query<Begin>,
) -> Answer<ReleasedPage> {
    let unknown = |_form| AdminProblem(Failure::problem(Code::NotFound));
    let party = party.parse::<PartyId>().map_err(unknown)?;
    Ok(Json(released::released_to(&gateway, &party, from.since, from.after.as_deref()).await?))
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    RawQuery(query): RawQuery,
) -> Answer<Vec<HoldView>> {
    Ok(Json(hold::list(&gateway, query.as_deref() == Some("decided=true")).await?))
}

async fn show(
    State(gateway): State<Arc<Gateway>>,
    Path(hold): Path<String>,
    Json(act): Json<HoldAct>,
) -> Answer<HoldView> {
    Ok(Json(hold::show(&gateway, id(&hold)?, &act).await?))
}

async fn release(
    State(gateway): State<Arc<Gateway>>,
    Path(hold): Path<String>,
    Json(act): Json<HoldAct>,
) -> Answer<HoldView> {
    Ok(Json(hold::release(&gateway, id(&hold)?, &act).await?))
}

async fn discard(
    State(gateway): State<Arc<Gateway>>,
    Path(hold): Path<String>,
    Json(act): Json<HoldAct>,
) -> Answer<HoldView> {
    Ok(Json(hold::discard(&gateway, id(&hold)?, &act).await?))
}
