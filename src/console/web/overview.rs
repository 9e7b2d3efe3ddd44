//! The first page: what waits, what ends soon, who exchanges with whom.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html};
use super::session::Seat;

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/", get(overview))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    queued: u64,
    holds: u64,
    reviews: u64,
}

async fn overview(seat: Seat) -> Result<Response, Fault> {
    let backlog = seat.gateway().backlog().await?;
    let page = Overview {
        page: seat.page(),
        queued: backlog.queued,
        holds: backlog.holds_open,
        reviews: backlog.reviews_open,
    };
    Ok(html(StatusCode::OK, &page))
}
