//! Exchanges as an officer looks for them: by reference, party, type, state and day. Never by a
//! name or a number of a person: nothing that a message says is searched.

use crate::domain::state::RecipientState;
use crate::domain::{Code, ExchangeRef, MessageType, PartyId};
use crate::store::ThreadsQuery;
use crate::wire::ExchangeView;

use super::reader::{self, Reader};
use super::{Failure, Gateway, show};

/// Exchanges of one page.
pub const PAGE: u32 = 50;
/// How many of a party's exchanges are looked at for one page, so that none takes long.
const LOOK: u32 = 5000;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct ThreadsAsk {
    /// The own reference of one exchange; then nothing else counts.
    pub reference: Option<ExchangeRef>,
    /// To whom something was sent or from whom something was received.
    pub with: Option<PartyId>,
    /// What it was.
    pub message_type: Option<MessageType>,
    /// Where it stands for its recipient.
    pub state: Option<RecipientState>,
    /// From this moment on, unix seconds.
    pub since: Option<i64>,
    /// Before this one.
    pub until: Option<i64>,
    /// `next` of the page before.
    pub before: Option<ExchangeRef>,
}

/// A page of exchanges.
#[derive(Debug, Clone, Default)]
pub struct ThreadsPage {
    /// As the officer's party knows them, begun last first.
    pub threads: Vec<ExchangeView>,
    /// `before` of the next page, where there may be more.
    pub next: Option<ExchangeRef>,
}

/// Exchanges of the officer's party or unit.
///
/// # Errors
/// `not-found` for an officer who reads nothing here.
pub async fn search(
    gateway: &Gateway,
    officer: &str,
    ask: &ThreadsAsk,
) -> Result<ThreadsPage, Failure> {
    let (_, reader) = reader::officer(gateway, officer)?;
    if let Some(reference) = ask.reference {
        return match one(gateway, &reader, reference).await {
            Ok(view) => Ok(ThreadsPage { threads: vec![view], next: None }),
            Err(Failure::Problem(refused)) if refused.code == Code::NotFound => {
                Ok(ThreadsPage::default())
            }
            Err(failure) => Err(failure),
        };
    }
    let query = ThreadsQuery {
        reader: reader.address.clone(),
        with: ask.with.clone(),
        message_type: ask.message_type.clone(),
        state: ask.state,
        since: ask.since.unwrap_or(i64::MIN),
        until: ask.until.unwrap_or(i64::MAX),
        before: ask.before,
    };
    let found = gateway.store().threads(&query, LOOK, PAGE).await?;
    let mut threads = Vec::with_capacity(found.threads.len());
    for (exchange, reference) in &found.threads {
        threads.push(show::thread(gateway, &reader, exchange, *reference).await?);
    }
    Ok(ThreadsPage { threads, next: found.next })
}

async fn one(
    gateway: &Gateway,
    reader: &Reader,
    reference: ExchangeRef,
) -> Result<ExchangeView, Failure> {
    let exchange = show::own_exchange(gateway, &reader.address, reference).await?;
    show::thread(gateway, reader, &exchange, reference).await
}
