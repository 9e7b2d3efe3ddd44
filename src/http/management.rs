//! Health and metrics, on a loopback listener of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::exchange::Gateway;

#[derive(Clone)]
struct Management {
    gateway: Arc<Gateway>,
    metrics: PrometheusHandle,
}

/// The router of the management listener.
pub fn management(gateway: Arc<Gateway>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(render))
        .with_state(Management { gateway, metrics })
}

async fn ready(State(management): State<Management>) -> (StatusCode, &'static str) {
    match management.gateway.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot write\n"),
    }
}

async fn render(State(management): State<Management>) -> String {
    if let Ok(backlog) = management.gateway.backlog().await {
        let now = management.gateway.clock().now().unix_timestamp();
        let age = |at: Option<i64>| at.map_or(0, |at| now.saturating_sub(at));
        let gauge = |name: &'static str, value: i64| {
            let value = i32::try_from(value).unwrap_or(i32::MAX);
            metrics::gauge!(name).set(f64::from(value));
        };
        let unusable = management.gateway.rules().unusable.len();
        gauge("titian_unusable_documents", i64::try_from(unusable).unwrap_or(i64::MAX));
        gauge("titian_releases_queued", i64::try_from(backlog.queued).unwrap_or(i64::MAX));
        // the alarm is an age, not a heartbeat
        gauge("titian_oldest_undelivered_seconds", age(backlog.oldest_queued_at));
        gauge("titian_holds_open", i64::try_from(backlog.holds_open).unwrap_or(i64::MAX));
        gauge("titian_oldest_hold_seconds", age(backlog.oldest_hold_at));
        gauge("titian_reviews_open", i64::try_from(backlog.reviews_open).unwrap_or(i64::MAX));
    }
    management.metrics.render()
}
