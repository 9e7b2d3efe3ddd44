//! The officers' socket: HTTP over `HOME/run/admin.sock`, open to the gateway's own user only.

use std::path::Path;
use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use super::connection::{parse, read, unreachable};
use super::fault::ClientFault;
use crate::domain::{ExchangeRef, Id, PartyId};
use crate::wire::{
    ActAsk, DraftAsk, ErasureAsk, ErasureListed, ErasureView, HoldAct, HoldView, Invitation,
    InviteAsk, Problem, ReleasedPage, ReplayAsk, ReplayPage, RequestAct, RequestView, ReviewAct,
    ReviewView, RulesView, VersionView, VersionsAsk, WordAsk,
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The socket has no name; HTTP wants one.
const BASE: &str = "http://admin";

/// What an officer does with a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldDecision {
    /// Looks at the held values; recorded.
    Show,
    /// Lets it go.
    Release,
    /// Keeps it back for good.
    Discard,
}

impl HoldDecision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Release => "release",
            Self::Discard => "discard",
        }
    }
}

/// What an officer does with a version of a governed document.
#[derive(Debug, Clone)]
pub enum Change {
    /// Keeps a text as a draft.
    Draft(DraftAsk),
    /// Puts it forward, signed.
    Propose(WordAsk),
    /// Approves it, signed.
    Approve(WordAsk),
    /// Gives it back to its author.
    Return(ActAsk),
    /// Gives it up.
    Withdraw(ActAsk),
}

/// What an officer does with a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewDecision {
    /// Looks at it.
    Show,
    /// Lets sharing go on.
    Resume,
    /// Keeps it suspended.
    Keep,
}

impl ReviewDecision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Resume => "resume",
            Self::Keep => "keep",
        }
    }
}

/// What an officer does with an information request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestDecision {
    /// Looks at it.
    Show,
    /// Refuses it.
    Refuse,
}

impl RequestDecision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Refuse => "refuse",
        }
    }
}

/// A client of the officers' socket.
#[derive(Debug)]
pub struct Admin {
    http: reqwest::Client,
    socket: String,
}

impl Admin {
    /// Will speak to the gateway behind `socket`.
    pub fn at(socket: &Path) -> Result<Self, ClientFault> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map_err(|_rejected| ClientFault::Unusable("no client of the socket can be built"))?;
        Ok(Self { http, socket: socket.display().to_string() })
    }

    /// Holds, oldest first; only undecided ones unless `decided_too`.
    pub async fn holds(&self, decided_too: bool) -> Result<Vec<HoldView>, ClientFault> {
        self.ask(self.http.get(format!("{BASE}/holds?decided={decided_too}"))).await
    }

    /// An officer looks at a hold or decides about it.
    pub async fn hold(
        &self,
        id: Id,
        decision: HoldDecision,
        act: &HoldAct,
    ) -> Result<HoldView, ClientFault> {
        let url = format!("{BASE}/holds/{id}/{}", decision.as_str());
        self.ask(self.http.post(url).json(act)).await
    }

    /// Reviews, oldest first; only undecided ones unless `decided_too`.
    pub async fn reviews(&self, decided_too: bool) -> Result<Vec<ReviewView>, ClientFault> {
        self.ask(self.http.get(format!("{BASE}/reviews?decided={decided_too}"))).await
    }

    /// An officer looks at a review or decides about it.
    pub async fn review(
        &self,
        id: Id,
        decision: ReviewDecision,
        act: &ReviewAct,
    ) -> Result<ReviewView, ClientFault> {
        let url = format!("{BASE}/reviews/{id}/{}", decision.as_str());
        self.ask(self.http.post(url).json(act)).await
    }

    /// Information requests, oldest first; only those whose answer is not made for good unless
    /// `closed_too`.
    pub async fn requests(&self, closed_too: bool) -> Result<Vec<RequestView>, ClientFault> {
        self.ask(self.http.get(format!("{BASE}/requests?closed={closed_too}"))).await
    }

    /// An officer looks at an information request or refuses it.
    pub async fn request(
        &self,
        id: ExchangeRef,
        decision: RequestDecision,
        act: &RequestAct,
    ) -> Result<RequestView, ClientFault> {
        let url = format!("{BASE}/requests/{id}/{}", decision.as_str());
        self.ask(self.http.post(url).json(act)).await
    }

    /// What would be erased, or, confirmed, is.
    pub async fn erase(&self, ask: &ErasureAsk) -> Result<ErasureView, ClientFault> {
        self.ask(self.http.post(format!("{BASE}/erasures")).json(ask)).await
    }

    /// Erasures with their notices, oldest first.
    pub async fn erasures(&self) -> Result<Vec<ErasureListed>, ClientFault> {
        self.ask(self.http.get(format!("{BASE}/erasures"))).await
    }

    /// A page of everything made for `party` from `since` (unix seconds) on.
    pub async fn released(
        &self,
        party: &PartyId,
        since: i64,
        after: Option<&str>,
    ) -> Result<ReleasedPage, ClientFault> {
        let url = format!("{BASE}/parties/{party}/releases");
        let request = self.http.get(url).query(&[("since", since)]);
        self.ask(match after {
            None => request,
            Some(after) => request.query(&[("after", after)]),
        })
        .await
    }

    /// A page of a replay.
    pub async fn replay(&self, ask: &ReplayAsk) -> Result<ReplayPage, ClientFault> {
        self.ask(self.http.post(format!("{BASE}/replay")).json(ask)).await
    }

    /// The floor and the documents in force.
    pub async fn rules(&self) -> Result<RulesView, ClientFault> {
        self.ask(self.http.get(format!("{BASE}/rules"))).await
    }

    /// Versions of governed documents.
    pub async fn versions(&self, ask: &VersionsAsk) -> Result<Vec<VersionView>, ClientFault> {
        self.ask(self.http.post(format!("{BASE}/versions/list")).json(ask)).await
    }

    /// Invites an officer to add a passkey.
    pub async fn invite(&self, ask: &InviteAsk) -> Result<Invitation, ClientFault> {
        self.ask(self.http.post(format!("{BASE}/officers/invite")).json(ask)).await
    }

    /// Moves a version on.
    pub async fn change(&self, change: &Change) -> Result<VersionView, ClientFault> {
        let to = |act: &str| self.http.post(format!("{BASE}/versions/{act}"));
        self.ask(match change {
            Change::Draft(ask) => to("draft").json(ask),
            Change::Propose(ask) => to("propose").json(ask),
            Change::Approve(ask) => to("approve").json(ask),
            Change::Return(ask) => to("return").json(ask),
            Change::Withdraw(ask) => to("withdraw").json(ask),
        })
        .await
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientFault> {
        let answer = request.send().await.map_err(|error| unreachable(&self.socket, error))?;
        let status = answer.status();
        let body = read(answer, &self.socket).await?;
        if status.is_success() {
            return parse(&body);
        }
        let problem: Problem = parse(&body)?;
        if status == StatusCode::SERVICE_UNAVAILABLE || status.is_server_error() {
            let (status, instance) = (status.as_u16(), Some(problem.instance));
            return Err(ClientFault::Busy { status, retry_after: None, instance });
        }
        Err(ClientFault::Refused(Box::new(problem)))
    }
}
