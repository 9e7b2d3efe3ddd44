//! Checkpoints of the caller's own ledger and of the governance ledger.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::extract::Authenticated;
use super::router::Edge;
use crate::auth::Scope;
use crate::exchange::show;
use crate::wire::Problem;

const MEDIA: &str = "text/plain; charset=utf-8";

/// The signed head of the caller's own ledger (C2SP tlog-checkpoint).
#[utoipa::path(get, path = "/v1/ledger/checkpoint", tag = "ledger", responses((status = 200, body = String)))]
pub(super) async fn own(State(edge): State<Edge>, who: Authenticated) -> Answer<Response> {
    let caller = who.with(Scope::LedgerRead)?;
    let note = show::checkpoint(&edge.gateway, caller).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA)], note).into_response())
}

/// The signed head of the governance ledger; domestic parties.
#[utoipa::path(
    get, path = "/v1/governance/checkpoint", tag = "ledger",
    responses((status = 200, body = String), (status = 404, body = Problem))
)]
pub(super) async fn governance(State(edge): State<Edge>, who: Authenticated) -> Answer<Response> {
    let caller = who.with(Scope::LedgerRead)?;
    let note = show::governance_checkpoint(&edge.gateway, caller).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA)], note).into_response())
}
