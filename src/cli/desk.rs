//! Where officers work: the admin socket of the gateway that runs, or its home while none does.

use std::path::Path;

use super::exit::{Exit, Failed};
use crate::app::{self, Home};
use crate::client::admin::{Admin, Change, HoldDecision, RequestDecision, ReviewDecision};
use crate::domain::{ExchangeRef, Id, PartyId};
use crate::exchange::change::{self, ChangeFault};
use crate::exchange::replay::{self, Share};
use crate::exchange::{Failure, Gateway, enrol, erase, hold, released, requests, review, versions};
use crate::wire::{
    ErasureAsk, ErasureListed, ErasureView, HoldAct, HoldView, Invitation, InviteAsk, ReleasedPage,
    ReplayAsk, ReplayPage, RequestAct, RequestView, ReviewAct, ReviewView, RulesView, VersionView,
    VersionsAsk,
};

/// Where officers work: at the gateway that runs, or in its home while none runs.
pub(super) enum Desk {
    Running(Admin),
    Here(Box<app::Opened>),
}

impl Desk {
    pub(super) async fn open(root: &Path) -> Result<Self, Failed> {
        let home = Home::at(root);
        home.config()?;
        match home.lock()? {
            None => Ok(Self::Running(Admin::at(&home.admin_socket())?)),
            Some(lock) => Ok(Self::Here(Box::new(app::open(&home, lock).await?))),
        }
    }

    pub(super) async fn list(&self, decided_too: bool) -> Result<Vec<HoldView>, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.holds(decided_too).await?),
            Self::Here(opened) => hold::list(opened.gateway(), decided_too).await.map_err(failed),
        }
    }

    pub(super) async fn released(
        &self,
        party: &PartyId,
        since: i64,
        after: Option<&str>,
    ) -> Result<ReleasedPage, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.released(party, since, after).await?),
            Self::Here(opened) => {
                let page = released::released_to(opened.gateway(), party, since, after).await;
                page.map_err(failed)
            }
        }
    }

    pub(super) async fn replay(&self, ask: &ReplayAsk) -> Result<ReplayPage, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.replay(ask).await?),
            Self::Here(opened) => {
                let page = replay::replay(&opened.shared(), ask, Share::Alone).await;
                page.map_err(failed)
            }
        }
    }

    pub(super) async fn rules(&self) -> Result<RulesView, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.rules().await?),
            Self::Here(opened) => versions::in_force(opened.gateway()).await.map_err(unchanged),
        }
    }

    pub(super) async fn versions(&self, ask: &VersionsAsk) -> Result<Vec<VersionView>, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.versions(ask).await?),
            Self::Here(opened) => versions::list(opened.gateway(), ask).await.map_err(unchanged),
        }
    }

    pub(super) async fn invite(&self, ask: &InviteAsk) -> Result<Invitation, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.invite(ask).await?),
            Self::Here(opened) => enrol::invite(opened.gateway(), ask).await.map_err(unchanged),
        }
    }

    pub(super) async fn change(&self, change: &Change) -> Result<VersionView, Failed> {
        let gateway = match self {
            Self::Running(admin) => return Ok(admin.change(change).await?),
            Self::Here(opened) => opened.gateway(),
        };
        let changed = match change {
            Change::Draft(ask) => change::draft(gateway, ask).await,
            Change::Propose(ask) => change::propose(gateway, ask).await,
            Change::Approve(ask) => change::approve(gateway, ask).await,
            Change::Return(ask) => change::give_back(gateway, ask).await,
            Change::Withdraw(ask) => change::withdraw(gateway, ask).await,
        };
        changed.map_err(unchanged)
    }

    pub(super) async fn decide(
        &self,
        id: Id,
        how: HoldDecision,
        act: &HoldAct,
    ) -> Result<HoldView, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.hold(id, how, act).await?),
            Self::Here(opened) => here(opened.gateway(), id, how, act).await.map_err(failed),
        }
    }

    pub(super) async fn requests(&self, closed_too: bool) -> Result<Vec<RequestView>, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.requests(closed_too).await?),
            Self::Here(opened) => {
                requests::list(opened.gateway(), closed_too).await.map_err(failed)
            }
        }
    }

    pub(super) async fn request(
        &self,
        id: ExchangeRef,
        how: RequestDecision,
        act: &RequestAct,
    ) -> Result<RequestView, Failed> {
        let opened = match self {
            Self::Running(admin) => return Ok(admin.request(id, how, act).await?),
            Self::Here(opened) => opened.gateway(),
        };
        let done = match how {
            RequestDecision::Show => requests::show(opened, id, act).await,
            RequestDecision::Refuse => requests::refuse(opened, id, act).await,
        };
        done.map_err(failed)
    }

    pub(super) async fn erase(&self, ask: &ErasureAsk) -> Result<ErasureView, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.erase(ask).await?),
            Self::Here(opened) => erase::act::erase(opened.gateway(), ask).await.map_err(failed),
        }
    }

    pub(super) async fn erasures(&self) -> Result<Vec<ErasureListed>, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.erasures().await?),
            Self::Here(opened) => erase::list::list(opened.gateway()).await.map_err(failed),
        }
    }

    pub(super) async fn reviews(&self, decided_too: bool) -> Result<Vec<ReviewView>, Failed> {
        match self {
            Self::Running(admin) => Ok(admin.reviews(decided_too).await?),
            Self::Here(opened) => review::list(opened.gateway(), decided_too).await.map_err(failed),
        }
    }

    pub(super) async fn review(
        &self,
        id: Id,
        how: ReviewDecision,
        act: &ReviewAct,
    ) -> Result<ReviewView, Failed> {
        let opened = match self {
            Self::Running(admin) => return Ok(admin.review(id, how, act).await?),
            Self::Here(opened) => opened.gateway(),
        };
        let verdict = match how {
            ReviewDecision::Show => return review::show(opened, id, act).await.map_err(failed),
            ReviewDecision::Resume => review::Verdict::Resume,
            ReviewDecision::Keep => review::Verdict::Keep,
        };
        review::decide(opened, id, verdict, act).await.map_err(failed)
    }
}

async fn here(
    gateway: &Gateway,
    id: Id,
    how: HoldDecision,
    act: &HoldAct,
) -> Result<HoldView, Failure> {
    match how {
        HoldDecision::Show => hold::show(gateway, id, act).await,
        HoldDecision::Release => hold::release(gateway, id, act).await,
        HoldDecision::Discard => hold::discard(gateway, id, act).await,
    }
}

fn unchanged(fault: ChangeFault) -> Failed {
    match fault {
        ChangeFault::Findings(findings) => {
            let all: Vec<_> = findings.iter().map(ToString::to_string).collect();
            Failed::refused(format!("it may not be in force: {}", all.join("; ")))
        }
        ChangeFault::Failed(failure) => Failed { exit: Exit::Temporary, error: failure.into() },
        fault => Failed::refused(fault),
    }
}

fn failed(failure: Failure) -> Failed {
    match failure {
        Failure::Problem(refused) | Failure::Recorded { refused, .. } => {
            Failed::refused(format!("{}: {}", refused.code, hold::sentence(&refused)))
        }
        Failure::Unavailable | Failure::Internal(_) => {
            Failed { exit: Exit::Temporary, error: failure.into() }
        }
    }
}
