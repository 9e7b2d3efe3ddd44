//! Versions of governed documents over the officers' socket.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::domain::Fault;
use crate::exchange::change::{self, ChangeFault};
use crate::exchange::{Failure, Gateway, enrol, versions};
use crate::policy::Finding;
use crate::wire::{
    ActAsk, DraftAsk, Invitation, InviteAsk, Problem, RulesView, VersionView, VersionsAsk, WordAsk,
};

/// Largest request: the longest text of a document, escaped, and its envelope.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/rules", get(rules))
        .route("/versions/list", post(list))
        .route("/versions/draft", post(draft))
        .route("/versions/propose", post(propose))
        .route("/versions/approve", post(approve))
        .route("/versions/return", post(give_back))
        .route("/versions/withdraw", post(withdraw))
        .route("/officers/invite", post(invite))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
}

type Answer<T> = Result<Json<T>, ChangeProblem>;
type Asked<T> = Result<Json<T>, JsonRejection>;

struct ChangeProblem(Option<ChangeFault>);

impl From<ChangeFault> for ChangeProblem {
    fn from(fault: ChangeFault) -> Self {
        Self(Some(fault))
    }
}

impl IntoResponse for ChangeProblem {
    fn into_response(self) -> Response {
        let (status, code, detail, errors) = match &self.0 {
            // the library's own words would quote what was asked
            None => {
                let detail = "what was asked is not as documented".to_owned();
                (StatusCode::BAD_REQUEST, "bad-request", detail, Vec::new())
            }
            Some(fault) => (status_of(fault), fault.code(), fault.to_string(), places(fault)),
        };
        let problem = Problem {
            problem_type: format!("https://titian.example.org/problems/{code}"),
            title: code.to_owned(),
            status: status.as_u16(),
            detail,
            instance: String::new(),
            code: code.to_owned(),
            errors,
            refusal: None,
        };
        (status, Json(problem)).into_response()
    }
}

fn status_of(fault: &ChangeFault) -> StatusCode {
    match fault {
        ChangeFault::Unknown => StatusCode::NOT_FOUND,
        ChangeFault::Bad(_) | ChangeFault::Findings(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ChangeFault::MayNot(_) | ChangeFault::Unsigned(_) => StatusCode::FORBIDDEN,
        ChangeFault::State(_) | ChangeFault::Raced => StatusCode::CONFLICT,
        ChangeFault::Reason => StatusCode::BAD_REQUEST,
        ChangeFault::Failed(failure) => {
            if let Failure::Internal(cause) = failure {
                let cause = cause.as_ref() as &dyn std::error::Error;
                tracing::error!(cause, "the gateway failed");
            }
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

fn places(fault: &ChangeFault) -> Vec<Fault> {
    let place = |finding: &Finding| Fault::at(&finding.leaf, finding.told().to_string());
    match fault {
        ChangeFault::Findings(findings) => findings.iter().map(place).collect(),
        _ => Vec::new(),
    }
}

fn asked<T>(read: Asked<T>) -> Result<T, ChangeProblem> {
    read.map(|Json(ask)| ask).map_err(|_rejection| ChangeProblem(None))
}

async fn rules(State(gateway): State<Arc<Gateway>>) -> Answer<RulesView> {
    Ok(Json(versions::in_force(&gateway).await?))
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    ask: Asked<VersionsAsk>,
) -> Answer<Vec<VersionView>> {
    Ok(Json(versions::list(&gateway, &asked(ask)?).await?))
}

async fn draft(State(gateway): State<Arc<Gateway>>, ask: Asked<DraftAsk>) -> Answer<VersionView> {
    Ok(Json(change::draft(&gateway, &asked(ask)?).await?))
}

async fn propose(State(gateway): State<Arc<Gateway>>, ask: Asked<WordAsk>) -> Answer<VersionView> {
    Ok(Json(change::propose(&gateway, &asked(ask)?).await?))
}

async fn approve(State(gateway): State<Arc<Gateway>>, ask: Asked<WordAsk>) -> Answer<VersionView> {
    Ok(Json(change::approve(&gateway, &asked(ask)?).await?))
}

async fn give_back(State(gateway): State<Arc<Gateway>>, ask: Asked<ActAsk>) -> Answer<VersionView> {
    Ok(Json(change::give_back(&gateway, &asked(ask)?).await?))
}

async fn invite(State(gateway): State<Arc<Gateway>>, ask: Asked<InviteAsk>) -> Answer<Invitation> {
    Ok(Json(enrol::invite(&gateway, &asked(ask)?).await?))
}

async fn withdraw(State(gateway): State<Arc<Gateway>>, ask: Asked<ActAsk>) -> Answer<VersionView> {
    Ok(Json(change::withdraw(&gateway, &asked(ask)?).await?))
}
