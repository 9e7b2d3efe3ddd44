//! What an officer sees first: what flows, what waits, how the ledgers stand.
//!
//! Counts of messages of the own party's edges, from the party's own view: what it sent, and what
//! it was handed. What is suspended towards it, or waits abroad for a window, it does not learn of
//! here either. Nobody is counted, ranked or scored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Date, Duration};

use super::rules::Rules;
use super::show::GOVERNANCE;
use super::sight::Sight;
use super::waiting::{self, Desk};
use super::{Failure, Gateway};
use crate::clock::JAKARTA;
use crate::config::Officer;
use crate::domain::{Address, Digest, PartyId};
use crate::store::Flows;

/// How many days are looked back on, today among them.
pub const DAYS: u16 = 30;

/// Messages of one edge on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// From whom.
    pub sender: Address,
    /// To whom.
    pub recipient: Address,
    /// On which day, in Jakarta.
    pub day: Date,
    /// How many.
    pub count: u64,
}

/// Releases that nobody has fetched yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// From whom.
    pub sender: Address,
    /// For whom.
    pub recipient: Address,
    /// How many.
    pub count: u64,
    /// When the oldest was made (unix seconds).
    pub oldest_at: i64,
}

/// How a ledger stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerState {
    /// A party's id, or `governance`.
    pub name: String,
    /// How many entries.
    pub size: u64,
    /// Root of its tree.
    pub root: Digest,
    /// Size and moment (unix seconds) of the last checkpoint signed since the process began.
    pub signed: Option<(u64, i64)>,
}

/// What flows, what waits, how the ledgers stand.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The first day counted.
    pub since: Date,
    /// The last: today.
    pub today: Date,
    /// By edge and day.
    pub flows: Vec<Flow>,
    /// What waits for the officer.
    pub desk: Desk,
    /// Undelivered releases, the oldest first.
    pub queues: Vec<Queue>,
    /// The own party's and that of governance.
    pub ledgers: Vec<LedgerState>,
}

/// What the officer sees.
///
/// # Errors
/// [`Failure::Unavailable`] when the store does not answer.
pub async fn overview(
    gateway: &Gateway,
    (rules, sight): (&Rules, &Sight),
    officer: &Officer,
) -> Result<Overview, Failure> {
    let today = rules.today(gateway.clock());
    let since = today.saturating_sub(Duration::days(i64::from(DAYS) - 1));
    let mut ledgers = Vec::new();
    for name in [sight.at().party.as_str(), GOVERNANCE] {
        let head = gateway.store().head(name).await?;
        let signed = gateway.checkpoints.last(name);
        let (size, root) = (head.size, head.root);
        ledgers.push(LedgerState { name: name.to_owned(), size, root, signed });
    }
    Ok(Overview {
        since,
        today,
        flows: flows(gateway, sight, since).await?,
        desk: waiting::count(gateway, rules, &officer.name).await?,
        queues: queues(gateway, sight).await?,
        ledgers,
    })
}

async fn flows(gateway: &Gateway, sight: &Sight, since: Date) -> Result<Vec<Flow>, Failure> {
    let counted = counted(gateway, sight.party(), since).await?;
    let sent = counted.sent.iter().filter(|row| sight.is_own(&row.sender));
    let received = counted.received.iter().filter(|row| sight.is_own(&row.recipient));
    let epoch = time::UtcDateTime::UNIX_EPOCH.date();
    let all = sent.chain(received).map(|row| Flow {
        day: epoch.saturating_add(Duration::days(row.day)),
        sender: row.sender.clone(),
        recipient: row.recipient.clone(),
        count: row.count,
    });
    Ok(all.collect())
}

/// What was counted last, so that a party whose ledger has not grown since is not counted anew:
/// each message and each hand-out is an entry of it.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<HashMap<Option<PartyId>, Count>>);

#[derive(Debug)]
struct Count {
    mark: Mark,
    flows: Arc<Flows>,
}

/// How far everything had come, and from which day on was counted.
type Mark = (u64, i64, Date);

async fn counted(
    gateway: &Gateway,
    party: Option<&PartyId>,
    since: Date,
) -> Result<Arc<Flows>, Failure> {
    let store = gateway.store();
    let mark = match party {
        Some(party) => (store.head(party.as_str()).await?.size, 0, since),
        None => (0, store.newest_message().await?, since),
    };
    let last = || gateway.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = last().get(&party.cloned()).filter(|known| known.mark == mark) {
        return Ok(Arc::clone(&known.flows));
    }
    let from = since.midnight().assume_offset(JAKARTA).unix_timestamp();
    let flows = Arc::new(store.flows(party, from).await?);
    last().insert(party.cloned(), Count { mark, flows: Arc::clone(&flows) });
    Ok(flows)
}

async fn queues(gateway: &Gateway, sight: &Sight) -> Result<Vec<Queue>, Failure> {
    let rows = gateway.store().queues().await?.into_iter();
    let own = rows.filter(|row| sight.is_own(&row.sender) || sight.is_own(&row.recipient));
    let mut all: Vec<Queue> = own
        .map(|row| Queue {
            sender: row.sender,
            recipient: row.recipient,
            count: row.count,
            oldest_at: row.oldest_at,
        })
        .collect();
    all.sort_by_key(|queue| queue.oldest_at);
    Ok(all)
}
