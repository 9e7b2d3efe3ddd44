//! `/v1/inbox`.

use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, Request, State};

use super::answer::Answer;
use super::extract::{self, Authenticated, Path};
use super::problem::HttpProblem;
use super::router::Edge;
use crate::auth::Scope;
use crate::domain::Code;
use crate::exchange::collect::{self, Ask};
use crate::exchange::submit::Media;
use crate::exchange::{acknowledge, gather_evidence};
use crate::wire::{Acknowledged, InboxPage, Problem};

const LIMIT_MAX: u32 = 100;
const WAIT_MAX_S: u64 = 30;

/// Releases for the caller, in order.
#[utoipa::path(
    get, path = "/v1/inbox", tag = "inbox",
    params(
        ("after" = Option<i64>, Query, description = "cursor `next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 100"),
        ("wait" = Option<u64>, Query, description = "seconds to wait for the first, 0 to 30"),
    ),
    responses((status = 200, body = InboxPage))
)]
pub(super) async fn page(
    State(edge): State<Edge>,
    who: Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<Json<InboxPage>> {
    let caller = who.with(Scope::Inbox)?;
    let ask = ask(query.as_deref())?;
    let still = || who.again(&edge);
    Ok(Json(collect::collect(&edge.gateway, caller, ask, &still).await?))
}

fn ask(text: Option<&str>) -> Result<Ask, HttpProblem> {
    let bad = || HttpProblem::because(Code::BadRequest);
    let [after, limit, wait] = extract::query(text, ["after", "limit", "wait"])?;
    let after: Option<i64> = after.map(str::parse).transpose().map_err(|_cause| bad())?;
    let limit = limit.map_or(Ok(50), str::parse::<u32>).map_err(|_cause| bad())?;
    let wait = wait.map_or(Ok(0), str::parse::<u64>).map_err(|_cause| bad())?;
    let fits = after.is_none_or(|after| after >= 0)
        && (1..=LIMIT_MAX).contains(&limit)
        && wait <= WAIT_MAX_S;
    if fits { Ok(Ask { after, limit, wait: Duration::from_secs(wait) }) } else { Err(bad()) }
}

/// Acknowledge a release.
#[utoipa::path(
    post, path = "/v1/inbox/{release_id}/acknowledgement", tag = "inbox",
    params(("release_id" = String, Path)),
    request_body(content = String, content_type = "application/jose"),
    responses((status = 200, body = Acknowledged), (status = 422, body = Problem))
)]
pub(super) async fn acknowledge(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(release): Path<String>,
    request: Request,
) -> Answer<Json<Acknowledged>> {
    let caller = who.with(Scope::Inbox)?;
    let release = extract::id(&release)?;
    let (media, object) = extract::object(&edge, request).await?;
    if media != Media::Jose {
        return Err(HttpProblem::because(Code::UnsupportedMediaType));
    }
    Ok(Json(acknowledge::acknowledge(&edge.gateway, caller, release, &object).await?))
}

/// The recipient's evidence.
#[utoipa::path(
    get, path = "/v1/inbox/{release_id}/evidence", tag = "inbox",
    params(("release_id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem))
)]
pub(super) async fn evidence(
    State(edge): State<Edge>,
    who: Authenticated,
    Path(release): Path<String>,
) -> Answer<Json<serde_json::Value>> {
    let caller = who.unfrozen(Scope::Inbox)?;
    Ok(Json(
        gather_evidence::of_release(&edge.gateway, &caller.into(), extract::id(&release)?).await?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        assert_eq!(ask(None).unwrap().limit, 50);
        assert_eq!(ask(Some("after=3&limit=1&wait=30")).unwrap().after, Some(3));
        for bad in [
            "limit=0",
            "limit=101",
            "wait=31",
            "after=-1",
            "after=x",
            "limit=1&limit=2",
            "x=1",
            "limit",
            "limit=%31",
        ] {
            assert!(ask(Some(bad)).is_err(), "{bad}");
        }
    }
}
