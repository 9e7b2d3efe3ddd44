//! Everything a party was ever released, without a value: what has to be told, and within days, when
//! a party or a key is breached (Law 27/2022, article 46: three times 24 hours).

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::{Code, Digest, PartyId};
use crate::store::{ReleasedCursor, ReleasedRow, StoreError};
use crate::wire::{ReleasedPage, ReleasedView};

use super::show::moment;
use super::{Failure, Gateway};

/// Most releases of one page.
const PAGE_MAX: u32 = 1000;

/// What was made for `party` from `since` (unix seconds) on; `after` is `next` of the page before.
///
/// # Errors
/// `bad-request` for an `after` that no page named; `not-found` for a party that is neither known
/// nor was ever released anything.
pub async fn released_to(
    gateway: &Gateway,
    party: &PartyId,
    since: i64,
    after: Option<&str>,
) -> Result<ReleasedPage, Failure> {
    let after = match after {
        None => ReleasedCursor { made_at: since.saturating_sub(1), row: i64::MAX },
        Some(cursor) => parse(cursor).ok_or_else(|| Failure::problem(Code::BadRequest))?,
    };
    let rows = gateway.store().released_to(party, after, PAGE_MAX).await?;
    if rows.is_empty() && gateway.rules().directory.party(party).is_none() {
        return Err(Failure::problem(Code::NotFound));
    }
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == PAGE_MAX);
    let next = rows.last().filter(|_| is_full).map(|row| written(row.cursor));
    let mut leaves = HashMap::new();
    let mut releases = Vec::with_capacity(rows.len());
    for row in &rows {
        let digest = row.policy.digest;
        if let std::collections::hash_map::Entry::Vacant(unknown) = leaves.entry(digest) {
            unknown.insert(leaves_of(gateway, &digest).await?);
        }
        releases.push(view(row, leaves.get(&digest).cloned().unwrap_or_default()));
    }
    Ok(ReleasedPage { releases, next })
}

/// The leaves that a recorded policy does not drop.
pub(super) async fn leaves_of(gateway: &Gateway, policy: &Digest) -> Result<Vec<String>, Failure> {
    let text = gateway.store().policy_text(policy).await?;
    let recorded: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let leaves = recorded.as_ref().and_then(|policy| policy.get("leaves")?.as_object());
    // a list that told of fewer leaves than went out would be worse than none
    let leaves = leaves.ok_or_else(|| {
        let (table, column) = ("policies", "text");
        Failure::from(StoreError::Inconsistent { table, column, row: policy.to_string() })
    })?;
    let is_dropped = |op: &Value| op == "drop" || op.get("op").is_some_and(|op| op == "drop");
    let passing = leaves.iter().filter(|(_, op)| !is_dropped(op));
    Ok(passing.map(|(leaf, _)| leaf.clone()).collect())
}

fn view(row: &ReleasedRow, leaves: Vec<String>) -> ReleasedView {
    ReleasedView {
        release_id: row.release_id.to_string(),
        made_at: moment(row.made_at, false),
        recipient: row.recipient.to_string(),
        from: row.sender.to_string(),
        message_type: row.message_type.to_string(),
        state: row.state.as_str().to_owned(),
        policy: row.policy.id.clone(),
        version: row.policy.version,
        policy_digest: row.policy.digest.to_string(),
        digest: row.digest.to_string(),
        leaves,
    }
}

fn written(cursor: ReleasedCursor) -> String {
    format!("{}.{}", cursor.made_at, cursor.row)
}

fn parse(cursor: &str) -> Option<ReleasedCursor> {
    let (made_at, row) = cursor.split_once('.')?;
    Some(ReleasedCursor { made_at: made_at.parse().ok()?, row: row.parse().ok()? })
}
