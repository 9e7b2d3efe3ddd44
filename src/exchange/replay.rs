//! A proposed policy over the messages still in retention: what would have been released, held or
//! refused, beside the policy in force. Counts only, never a value; nothing is recorded or sent.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::state::MessageState;
use crate::domain::{Address, Body, Code, Context, LeafName};
use crate::policy::{self, Compiled, Source, Withheld, compile};
use crate::store::{ExchangeRow, MessageRow};
use crate::wire::{ReplayAsk, ReplayOutcomes, ReplayPage};

use super::disclose::{kind_of, stored_body};
use super::pseudonym::ExchangePseudonyms;
use super::{Failure, Gateway, Rules};

/// Messages looked at for one page; a page takes well under a second.
const PAGE: u32 = 500;
/// After how many messages others get their turn.
const TURN: usize = 16;

/// Replays one page.
///
/// # Errors
/// `bad-request` for a policy that does not compile under the floor in force.
pub async fn replay(gateway: &Gateway, ask: &ReplayAsk) -> Result<ReplayPage, Failure> {
    let rules = gateway.rules();
    let proposed = proposed(&rules, ask)?;
    let in_force = rules.policies.find(
        proposed.sender(),
        proposed.recipient(),
        proposed.message(),
        proposed.purpose(),
    );
    let store = gateway.store();
    let (sender, kind) = (&proposed.sender().party, proposed.message());
    let rows = store.messages_from(sender, kind, ask.since, ask.after, PAGE).await?;
    let of = store.newest_message().await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == PAGE);
    let at = rows.last().filter(|_| is_full).map_or(of, |(row, _)| *row);
    let mut page = ReplayPage { at, of, next: is_full.then_some(at), ..ReplayPage::default() };
    let both = Both::of(in_force, proposed);
    for (count, (_, row)) in rows.iter().enumerate() {
        if count % TURN == 0 {
            tokio::task::yield_now().await;
        }
        both.one(gateway, row, &mut page).await?;
    }
    Ok(page)
}

fn proposed(rules: &Rules, ask: &ReplayAsk) -> Result<Compiled, Failure> {
    let bad = || Failure::problem(Code::BadRequest);
    let source = Source::parse(&ask.id, &ask.policy).map_err(|_bad| bad())?;
    let schema = rules.schemas.message(&source.head.message).ok_or_else(bad)?;
    let kind = kind_of(rules, &source.head.recipient);
    compile(source, &rules.floor, schema.leaves(), kind).map_err(|_findings| bad())
}

/// The two versions that are compared.
struct Both {
    in_force: Option<Arc<Compiled>>,
    proposed: Compiled,
    /// Every leaf that either passes on.
    leaves: Vec<LeafName>,
}

impl Both {
    fn of(in_force: Option<Arc<Compiled>>, proposed: Compiled) -> Self {
        let mut leaves = proposed.passing();
        leaves.extend(in_force.as_deref().map(Compiled::passing).unwrap_or_default());
        leaves.sort();
        leaves.dedup();
        Self { in_force, proposed, leaves }
    }

    async fn one(
        &self,
        gateway: &Gateway,
        row: &MessageRow,
        page: &mut ReplayPage,
    ) -> Result<(), Failure> {
        let proposed = &self.proposed;
        let is_for = row.purpose == proposed.purpose() && proposed.sender().covers(&row.sender);
        if !is_for || row.state == MessageState::Withdrawn {
            return Ok(());
        }
        let store = gateway.store();
        let recipients = store.recipients(&row.sender.party, &row.message_id).await?;
        let to = recipients.iter().find(|to| proposed.recipient().covers(&to.recipient));
        let Some(to) = to.map(|to| &to.recipient) else { return Ok(()) };
        page.messages += 1;
        let (Some(body), Some(exchange)) =
            (stored_body(gateway, row)?, store.exchange(&row.exchange).await?)
        else {
            page.erased += 1;
            return Ok(());
        };
        let project = |policy: &Compiled| project(gateway, policy, row, to, (&exchange, &body));
        let before = self.in_force.as_deref().map_or(Outcome::Refused, project);
        let after = project(proposed);
        before.count(&mut page.before);
        after.count(&mut page.after);
        if before == after {
            page.alike += 1;
        }
        let (before, after) = (before.body(), after.body());
        for name in &self.leaves {
            let values = |body: &Body| {
                let found = body.values(name).into_iter().filter(|value| !value.is_null());
                found.cloned().collect::<Vec<Value>>()
            };
            let (was, is) = (values(&before), values(&after));
            if was == is {
                continue;
            }
            let leaf = page.leaves.entry(name.to_string()).or_default();
            match (was.is_empty(), is.is_empty()) {
                (true, _) => leaf.starts += 1,
                (_, true) => leaf.stops += 1,
                _ => leaf.differs += 1,
            }
        }
        Ok(())
    }
}

/// What would become of one message.
#[derive(PartialEq)]
enum Outcome {
    Released(Value),
    Held,
    Refused,
}

impl Outcome {
    fn count(&self, into: &mut ReplayOutcomes) {
        match self {
            Self::Released(_) => into.released += 1,
            Self::Held => into.held += 1,
            Self::Refused => into.refused += 1,
        }
    }

    fn body(self) -> Body {
        Body::new(if let Self::Released(body) = self { body } else { Value::Null })
    }
}

fn project(
    gateway: &Gateway,
    policy: &Compiled,
    row: &MessageRow,
    to: &Address,
    (exchange, body): (&ExchangeRow, &Body),
) -> Outcome {
    let root = &gateway.keys().pseudonym;
    let pseudonyms = ExchangePseudonyms::new(
        root,
        &row.sender.party,
        to,
        row.purpose,
        exchange,
        policy.foreign(),
    );
    let context = Context {
        reference_date: exchange.reference_date,
        pseudonyms: &pseudonyms,
        protected: &[],
        released: &[],
        blank: &[],
    };
    match policy::disclose(policy, body, &context) {
        Ok(disclosure) => Outcome::Released(disclosure.body().clone()),
        Err(Withheld::Hold { .. }) => Outcome::Held,
        Err(Withheld::Refuse(_)) => Outcome::Refused,
    }
}
