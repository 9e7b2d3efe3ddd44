//! Pages for what did not go well: what happened, that nothing is lost, what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower_sessions::session;

use super::page::{Page, html};
use super::session::Visit;
use super::zone::Zone;
use crate::domain::{Code, Language};
use crate::exchange::Failure;
use crate::exchange::change::ChangeFault;

/// Why a page is not shown, or an act not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing of that name, or not for this officer: the two are told in the same words.
    Unknown,
    /// The form is not one of this session: sent twice, or from before signing in anew.
    Form,
    /// What was sent is not what the form asks for.
    Malformed,
    /// More was sent than any form of ours holds.
    TooLarge,
    /// Nobody is signed in any more; what was typed still stands in the page before.
    SignedOut(Language),
    /// The passkey's word does not hold, or came too late.
    Passkey,
    /// The officer may not.
    MayNot,
    /// Another site sent the form.
    Foreign,
    /// The gateway cannot now.
    Busy,
}

impl From<session::Error> for Fault {
    fn from(error: session::Error) -> Self {
        tracing::error!(cause = %error, "a session cannot be kept");
        Self::Busy
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Problem(refused) | Failure::Recorded { refused, .. }
                if refused.code == Code::NotFound =>
            {
                Self::Unknown
            }
            Failure::Problem(_) | Failure::Recorded { .. } => Self::Malformed,
            Failure::Unavailable => Self::Busy,
            Failure::Internal(cause) => {
                tracing::error!(cause = %cause, "the gateway failed");
                Self::Busy
            }
        }
    }
}

impl From<ChangeFault> for Fault {
    fn from(fault: ChangeFault) -> Self {
        match fault {
            ChangeFault::Unknown => Self::Unknown,
            ChangeFault::MayNot(_) => Self::MayNot,
            ChangeFault::Unsigned(_) => Self::Passkey,
            ChangeFault::Bad(_)
            | ChangeFault::Findings(_)
            | ChangeFault::State(_)
            | ChangeFault::Reason
            | ChangeFault::Raced => Self::Malformed,
            ChangeFault::Failed(failure) => failure.into(),
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    page: Page,
    title: String,
    detail: String,
}

impl Fault {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "unknown"),
            Self::Form => (StatusCode::CONFLICT, "form"),
            Self::Malformed => (StatusCode::UNPROCESSABLE_ENTITY, "malformed"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::SignedOut(_) => (StatusCode::UNAUTHORIZED, "signed-out"),
            Self::Passkey => (StatusCode::FORBIDDEN, "passkey"),
            Self::MayNot => (StatusCode::FORBIDDEN, "may-not"),
            Self::Foreign => (StatusCode::FORBIDDEN, "foreign"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        }
    }

    /// What an answer without a page means.
    pub(super) fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::Unknown,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            status if status.is_server_error() => Self::Busy,
            _ => Self::Malformed,
        }
    }

    /// As a page of nobody.
    pub(super) fn told(&self, language: Language) -> Response {
        self.shown(&bare(language))
    }

    /// As a page of that visitor.
    pub(super) fn shown(&self, page: &Page) -> Response {
        let (status, code) = self.parts();
        let title = page.of("fault", code);
        let detail = page.of("fault-detail", code);
        html(status, &FaultPage { page: page.clone(), title, detail })
    }
}

/// Without a visitor, in the language that the fault names.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let language = match &self {
            Self::SignedOut(language) => *language,
            _ => Language::Id,
        };
        self.shown(&bare(language))
    }
}

/// A page of nobody.
fn bare(language: Language) -> Page {
    let (token, path) = (String::new(), String::new());
    let (zone, query) = (Zone::default(), Vec::new());
    Page { language, zone, officer: None, token, path, query, notice: None }
}

/// No such page.
pub(super) async fn not_found(visit: Visit) -> Response {
    Fault::Unknown.shown(&visit.page)
}
