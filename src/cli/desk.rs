//! Where officers work: the admin socket of the gateway that runs, or its home while none does.

use std::path::Path;

use super::exit::{Exit, Failed};
use crate::app::{self, Home};
use crate::client::admin::{Admin, HoldDecision};
use crate::domain::{Id, PartyId};
use crate::exchange::replay::{self, Share};
use crate::exchange::{Failure, Gateway, hold, released};
use crate::wire::{HoldAct, HoldView, ReleasedPage, ReplayAsk, ReplayPage};

/// Where officers work: at the gateway that runs, or in its home while none runs.
pub(super) enum Desk {
    Running(Admin),
    Here(app::Opened),
}

impl Desk {
    pub(super) async fn open(root: &Path) -> Result<Self, Failed> {
        let home = Home::at(root);
        home.config()?;
        match home.lock()? {
            None => Ok(Self::Running(Admin::at(&home.admin_socket())?)),
            Some(lock) => Ok(Self::Here(app::open(&home, lock).await?)),
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
