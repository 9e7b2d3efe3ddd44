//! `/v1/exchanges`.

use axum::Json;
use axum::extract::State;

use super::answer::Answer;
use super::extract::{self, Authenticated, Path};
use super::router::Edge;
use crate::auth::Scope;
use crate::exchange::show;
use crate::wire::{ExchangeView, Problem};

/// The thread as the caller knows it.
#[utoipa::path(
    get, path = "/v1/exchanges/{reference}", tag = "exchanges",
    params(("reference" = String, Path)),
    responses((status = 200, body = ExchangeView), (status = 404, body = Problem))
)]
pub(super) async fn view(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(reference): Path<String>,
) -> Answer<Json<ExchangeView>> {
    let caller = who.unfrozen(Scope::MessagesRead)?;
    Ok(Json(show::exchange(&edge.gateway, caller, extract::id(&reference)?).await?))
}
