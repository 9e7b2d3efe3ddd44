//! What was erased, who was told, what they answered and what is overdue. Shows no value.

use std::collections::HashMap;

use crate::domain::state::ReleaseState;
use crate::store::NoticeRow;
use crate::wire::{ErasureListed, NoticeView};

use super::super::show::moment;
use super::super::{Failure, Gateway};

/// Every erasure, oldest first.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn list(gateway: &Gateway) -> Result<Vec<ErasureListed>, Failure> {
    let today = gateway.rules().today(gateway.clock());
    let mut notices: HashMap<_, Vec<NoticeRow>> = HashMap::new();
    for notice in gateway.store().notices().await? {
        notices.entry(notice.erasure).or_default().push(notice);
    }
    let mut listed = Vec::new();
    for row in gateway.store().erasures().await? {
        let is_late = today > row.erase_by;
        let mut views = Vec::new();
        for notice in notices.remove(&row.id).unwrap_or_default() {
            views.push(view(gateway, notice, is_late).await?);
        }
        listed.push(ErasureListed {
            id: row.id.to_string(),
            at: moment(row.at, false),
            party: row.party.to_string(),
            officer: row.officer,
            is_whole: row.whole,
            messages: row.messages,
            reason: row.reason,
            erase_by: row.erase_by.to_string(),
            include_backups: row.include_backups,
            recoverable_until: row.recoverable_until.to_string(),
            notices: views,
        });
    }
    Ok(listed)
}

async fn view(gateway: &Gateway, row: NoticeRow, is_late: bool) -> Result<NoticeView, Failure> {
    let releases = gateway.store().releases_of(&row.sender, &row.message_id).await?;
    let own = releases.iter().find(|release| release.recipient.party == row.party);
    let is_overdue = is_late && row.confirmed.is_none();
    let confirmed = row.confirmed.as_ref();
    Ok(NoticeView {
        party: row.party.to_string(),
        state: own.map_or(ReleaseState::Queued, |release| release.state).as_str().to_owned(),
        result: confirmed.map(|confirmed| confirmed.result.clone()),
        legal_basis: confirmed.and_then(|confirmed| confirmed.legal_basis.clone()),
        erased_on: confirmed.map(|confirmed| confirmed.erased_on.to_string()),
        confirmed_at: confirmed.map(|confirmed| moment(confirmed.at, false)),
        is_overdue,
    })
}
