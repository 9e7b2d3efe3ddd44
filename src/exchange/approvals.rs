//! When an officer approved what: shown to whoever is about to approve again, because a habit of
//! approving at once shows in the times.

use crate::domain::{Act, DocumentKind};

use super::Gateway;
use super::change::{ChangeFault, snapshot};

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// What kind of document.
    pub kind: DocumentKind,
    /// Which document.
    pub id: String,
    /// Which version.
    pub version: u32,
    /// When, unix seconds.
    pub at: i64,
    /// How long after it was proposed, in seconds.
    pub after_s: i64,
}

/// How many are told.
const LAST: usize = 5;

/// The officer's own last approvals, the newest first.
///
/// # Errors
/// [`ChangeFault::Failed`].
pub async fn last(gateway: &Gateway, officer: &str) -> Result<Vec<Approved>, ChangeFault> {
    let (_, rows) = snapshot(gateway).await?;
    let mut approvals: Vec<Approved> = Vec::new();
    for row in &rows {
        let mut proposed_at = None;
        for step in &row.steps {
            match step.act {
                Act::Proposed => proposed_at = Some(step.at),
                Act::Approved if step.officer == officer => approvals.push(Approved {
                    kind: row.key.kind,
                    id: row.key.id.clone(),
                    version: row.key.version,
                    at: step.at,
                    after_s: step.at.saturating_sub(proposed_at.unwrap_or(step.at)),
                }),
                _ => {}
            }
        }
    }
    approvals.sort_by_key(|approved| std::cmp::Reverse(approved.at));
    approvals.truncate(LAST);
    Ok(approvals)
}
