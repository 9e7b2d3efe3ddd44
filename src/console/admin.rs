//! The admin socket: plain JSON over a Unix socket that only the gateway's own user can open.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::domain::{Code, ExchangeRef, Id, PartyId, Refused};
use crate::exchange::replay::{self, Share};
use crate::exchange::{Failure, Gateway, erase, hold, released, requests as inquiries, review};
use crate::wire::{
    ErasureAsk, ErasureListed, ErasureView, HoldAct, HoldView, Problem, ReleasedPage, ReplayAsk,
    ReplayPage, RequestAct, RequestView, ReviewAct, ReviewView,
};

/// The router of the admin socket.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/parties/{party}/releases", get(released))
        .route("/replay", post(replayed))
        .route("/holds", get(list))
        .route("/holds/{id}/show", post(show))
        .route("/holds/{id}/release", post(release))
        .route("/holds/{id}/discard", post(discard))
        .route("/erasures", get(erasures).post(erase))
        .merge(super::governance::routes())
        .route("/requests", get(requests))
        .route("/requests/{id}/show", post(show_request))
        .route("/requests/{id}/refuse", post(refuse_request))
        .route("/reviews", get(reviews))
        .route("/reviews/{id}/show", post(show_review))
        .route("/reviews/{id}/resume", post(resume))
        .route("/reviews/{id}/keep", post(keep))
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
            Failure::Problem(refused) | Failure::Recorded { refused, .. } => {
                let is_decided = is_decided(refused);
                let status = match refused.code {
                    Code::NotFound => StatusCode::NOT_FOUND,
                    Code::BadRequest if !is_decided => StatusCode::BAD_REQUEST,
                    Code::BadRequest | Code::NoPolicy | Code::AlreadyErased => StatusCode::CONFLICT,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                (status, refused.code, hold::sentence(refused))
            }
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

/// Whether it was refused because somebody had decided before.
fn is_decided(refused: &Refused) -> bool {
    refused
        .errors
        .iter()
        .any(|e| matches!(e.pointer.as_str(), "/decision" | "/review" | "/request"))
}

/// What was asked, if it has the documented form. The library's own words would quote it.
fn asked<T, R>(read: Result<T, R>) -> Result<T, AdminProblem> {
    read.map_err(|_rejection| AdminProblem(Failure::problem(Code::BadRequest)))
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
        "reviews_open": backlog.reviews_open,
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
    party: Result<Path<String>, PathRejection>,
    from: Result<Query<Begin>, QueryRejection>,
) -> Answer<ReleasedPage> {
    let (Path(party), Query(from)) = (asked(party)?, asked(from)?);
    let unknown = |_form| AdminProblem(Failure::problem(Code::NotFound));
    let party = party.parse::<PartyId>().map_err(unknown)?;
    Ok(Json(released::released_to(&gateway, &party, from.since, from.after.as_deref()).await?))
}

async fn replayed(
    State(gateway): State<Arc<Gateway>>,
    ask: Result<Json<ReplayAsk>, JsonRejection>,
) -> Answer<ReplayPage> {
    let Json(ask) = asked(ask)?;
    Ok(Json(replay::replay(&gateway, &ask, Share::BesideServing).await?))
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    RawQuery(query): RawQuery,
) -> Answer<Vec<HoldView>> {
    Ok(Json(hold::list(&gateway, query.as_deref() == Some("decided=true")).await?))
}

async fn show(
    State(gateway): State<Arc<Gateway>>,
    hold: Result<Path<String>, PathRejection>,
    act: Result<Json<HoldAct>, JsonRejection>,
) -> Answer<HoldView> {
    let (Path(hold), Json(act)) = (asked(hold)?, asked(act)?);
    Ok(Json(hold::show(&gateway, id(&hold)?, &act).await?))
}

async fn release(
    State(gateway): State<Arc<Gateway>>,
    hold: Result<Path<String>, PathRejection>,
    act: Result<Json<HoldAct>, JsonRejection>,
) -> Answer<HoldView> {
    let (Path(hold), Json(act)) = (asked(hold)?, asked(act)?);
    Ok(Json(hold::release(&gateway, id(&hold)?, &act).await?))
}

async fn discard(
    State(gateway): State<Arc<Gateway>>,
    hold: Result<Path<String>, PathRejection>,
    act: Result<Json<HoldAct>, JsonRejection>,
) -> Answer<HoldView> {
    let (Path(hold), Json(act)) = (asked(hold)?, asked(act)?);
    Ok(Json(hold::discard(&gateway, id(&hold)?, &act).await?))
}

async fn requests(
    State(gateway): State<Arc<Gateway>>,
    RawQuery(query): RawQuery,
) -> Answer<Vec<RequestView>> {
    Ok(Json(inquiries::list(&gateway, query.as_deref() == Some("closed=true")).await?))
}

async fn show_request(
    State(gateway): State<Arc<Gateway>>,
    request: Result<Path<String>, PathRejection>,
    act: Result<Json<RequestAct>, JsonRejection>,
) -> Answer<RequestView> {
    let (Path(request), Json(act)) = (asked(request)?, asked(act)?);
    Ok(Json(inquiries::show(&gateway, ExchangeRef(id(&request)?), &act).await?))
}

async fn refuse_request(
    State(gateway): State<Arc<Gateway>>,
    request: Result<Path<String>, PathRejection>,
    act: Result<Json<RequestAct>, JsonRejection>,
) -> Answer<RequestView> {
    let (Path(request), Json(act)) = (asked(request)?, asked(act)?);
    Ok(Json(inquiries::refuse(&gateway, ExchangeRef(id(&request)?), &act).await?))
}

async fn erasures(State(gateway): State<Arc<Gateway>>) -> Answer<Vec<ErasureListed>> {
    Ok(Json(erase::list::list(&gateway).await?))
}

async fn erase(
    State(gateway): State<Arc<Gateway>>,
    ask: Result<Json<ErasureAsk>, JsonRejection>,
) -> Answer<ErasureView> {
    let Json(ask) = asked(ask)?;
    Ok(Json(erase::act::erase(&gateway, &ask).await?))
}

async fn reviews(
    State(gateway): State<Arc<Gateway>>,
    RawQuery(query): RawQuery,
) -> Answer<Vec<ReviewView>> {
    Ok(Json(review::list(&gateway, query.as_deref() == Some("decided=true")).await?))
}

async fn show_review(
    State(gateway): State<Arc<Gateway>>,
    review: Result<Path<String>, PathRejection>,
    act: Result<Json<ReviewAct>, JsonRejection>,
) -> Answer<ReviewView> {
    let (Path(review), Json(act)) = (asked(review)?, asked(act)?);
    Ok(Json(review::show(&gateway, id(&review)?, &act).await?))
}

async fn resume(
    State(gateway): State<Arc<Gateway>>,
    review: Result<Path<String>, PathRejection>,
    act: Result<Json<ReviewAct>, JsonRejection>,
) -> Answer<ReviewView> {
    let (Path(review), Json(act)) = (asked(review)?, asked(act)?);
    Ok(Json(review::decide(&gateway, id(&review)?, review::Verdict::Resume, &act).await?))
}

async fn keep(
    State(gateway): State<Arc<Gateway>>,
    review: Result<Path<String>, PathRejection>,
    act: Result<Json<ReviewAct>, JsonRejection>,
) -> Answer<ReviewView> {
    let (Path(review), Json(act)) = (asked(review)?, asked(act)?);
    Ok(Json(review::decide(&gateway, id(&review)?, review::Verdict::Keep, &act).await?))
}
