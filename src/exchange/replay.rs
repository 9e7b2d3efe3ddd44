//! A proposed policy over the messages still in retention: what would have been released, held or
//! refused, beside the policy in force. Counts only; values are shown only to officers of the sender who
//! ask for them, which is recorded. Nothing is sent.
//!
//! # What is counted
//! Each message once for every recipient that the proposed policy covers, unless a unit's policy of
//! its own goes before it, as if it were submitted today in its exchange: the net, the release
//! schema and the direct values of the exchange's earlier messages decide as they do then, and so
//! do the dates of agreement and policy. A recipient that was not to be informed, and of whom no
//! officer has decided otherwise, is suspended under any policy and is counted apart. A withdrawn
//! message is left out. A status is counted by what its policy lets through: that it is not sent
//! again where it says nothing new is not looked at. Earlier messages that have been erased
//! since no longer protect.
//!
//! # How much of the machine it takes
//! Messages are read in small chunks and decided on threads that are there for such work, so that
//! whoever is served waits for none of it, and memory does not grow with what is stored. While the
//! gateway serves, one core is left to it ([`Share`]); what the proposed policy does as the one in
//! force is done once.

use std::num::NonZero;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use time::Date;
use tokio::sync::Mutex;

use crate::config::Role;
use crate::domain::body::Protected;
use crate::domain::json::canonical;
use crate::domain::state::{MessageState, RecipientState};
use crate::domain::{Address, Body, Code, Context, LeafName, PartyKind};
use crate::policy::{Compiled, Source, Withheld, compile, would_disclose};
use crate::store::{Changes, KeptMessage, RecipientRow};
use crate::wire::{ReplayAsk, ReplayOutcomes, ReplayPage, ReplayValues};

use super::disclose::{Before, kind_of, protected_values, runs, stored_body};
use super::pseudonym::ExchangePseudonyms;
use super::{Failure, Gateway, Rules};

/// Messages looked at for one page; a page takes well under a second. The proposed policy is
/// compiled for each page.
const PAGE: u32 = 4096;
/// Values shown of one page.
const VALUES_MAX: usize = 200;
/// Messages in memory at a time, for each worker.
const CHUNK: u32 = 64;

/// How much of the machine a replay may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// All cores but one, and at least one: the gateway serves meanwhile.
    BesideServing,
    /// All cores: nothing else runs in this process.
    Alone,
}

impl Share {
    fn workers(self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        match self {
            Self::BesideServing => cores.saturating_sub(1).max(1),
            Self::Alone => cores,
        }
    }
}

/// Replays one page.
///
/// # Errors
/// `bad-request` for a policy that does not compile under the floor in force;
/// `insufficient-scope` for an officer who is of none of its parties or may not see values.
pub async fn replay(
    gateway: &Arc<Gateway>,
    ask: &ReplayAsk,
    share: Share,
) -> Result<ReplayPage, Failure> {
    let both = Arc::new(Both::of(gateway, ask)?);
    both.open_to(gateway, ask).await?;
    let of = gateway.store().newest_message().await?;
    let cursor =
        Mutex::new(Cursor { since: ask.since, after: ask.after, left: PAGE, ended: false });
    let workers = (0..share.workers()).map(|_| work(gateway, &both, &cursor));
    let mut page = ReplayPage::default();
    for part in try_join_all(workers).await? {
        page.add(part);
    }
    page.values.truncate(VALUES_MAX);
    let cursor = cursor.into_inner();
    (page.at, page.of) = (if cursor.ended { of } else { cursor.after }, of);
    page.next = (!cursor.ended).then_some(cursor.after);
    Ok(page)
}

/// How far a page has been read.
struct Cursor {
    since: i64,
    after: i64,
    left: u32,
    ended: bool,
}

impl Cursor {
    /// The messages that follow; none at the end of the page.
    async fn next(&mut self, gateway: &Gateway, both: &Both) -> Result<Vec<KeptMessage>, Failure> {
        let limit = self.left.min(CHUNK);
        if limit == 0 || self.ended {
            return Ok(Vec::new());
        }
        let (sender, kind) = (&both.proposed.sender().party, both.proposed.message());
        let store = gateway.store();
        let chunk = store.messages_from(sender, kind, self.since, self.after, limit).await?;
        self.ended = u32::try_from(chunk.len()).is_ok_and(|count| count < limit);
        self.left -= limit;
        self.after = chunk.last().map_or(self.after, |kept| kept.row);
        Ok(chunk)
    }
}

/// Takes chunk after chunk until the page has been read.
async fn work(
    gateway: &Arc<Gateway>,
    both: &Arc<Both>,
    cursor: &Mutex<Cursor>,
) -> Result<ReplayPage, Failure> {
    let mut counted = ReplayPage::default();
    loop {
        let chunk = cursor.lock().await.next(gateway, both).await?;
        if chunk.is_empty() {
            return Ok(counted);
        }
        let mut cases = Vec::with_capacity(chunk.len());
        for kept in chunk {
            if both.concerns(&kept) {
                let protected = both.protected(gateway, &kept).await?;
                cases.push((kept, protected));
            }
        }
        let (gateway, both) = (Arc::clone(gateway), Arc::clone(both));
        let part = tokio::task::spawn_blocking(move || both.count(&gateway, &cases));
        counted.add(part.await.map_err(Failure::internal)??);
    }
}

/// The two versions that are compared.
struct Both {
    rules: Arc<Rules>,
    today: Date,
    proposed: Compiled,
    /// What the proposed one was compared with.
    in_force: Option<Arc<Compiled>>,
    /// Leaves in which a release under the one can differ from a release under the other.
    differing: Vec<LeafName>,
    /// Whether values are shown.
    shows: bool,
}

impl Both {
    fn of(gateway: &Gateway, ask: &ReplayAsk) -> Result<Self, Failure> {
        let rules = gateway.rules();
        let bad = || Failure::problem(Code::BadRequest);
        let source = Source::parse(&ask.id, &ask.policy).map_err(|_bad| bad())?;
        let schema = rules.schemas.message(&source.head.message).ok_or_else(bad)?;
        let kind = kind_of(&rules, &source.head.recipient);
        let proposed = compile(source, &rules.floor, schema.leaves(), kind);
        let mut proposed = proposed.map_err(|_findings| bad())?;
        let in_force = rules.policies.find(
            proposed.sender(),
            proposed.recipient(),
            proposed.message(),
            proposed.purpose(),
        );
        let mut differing = Vec::new();
        if let Some(in_force) = &in_force {
            differing = proposed.compare(in_force);
            let passing = proposed.passing();
            differing.extend(in_force.passing().into_iter().filter(|leaf| !passing.contains(leaf)));
        }
        let today = rules.today(gateway.clock());
        let shows = ask.show_values;
        Ok(Self { rules, today, proposed, in_force, differing, shows })
    }

    /// An officer sees the edges of the own party and unit, and values only of what that side has
    /// sent: what the recipient does not have yet is not for its officers. That values are shown is
    /// recorded first.
    async fn open_to(&self, gateway: &Gateway, ask: &ReplayAsk) -> Result<(), Failure> {
        let refused = || Failure::problem(Code::InsufficientScope);
        let officer = self.rules.officers.iter().find(|officer| officer.name == ask.officer);
        let officer = officer.filter(|officer| !officer.disabled).ok_or_else(refused)?;
        let at = officer.address();
        let sends = at.covers(self.proposed.sender());
        let may_count = [Role::Editor, Role::Operator, Role::Auditor, Role::Approver];
        let may_see = [Role::Editor, Role::Operator];
        let (is_side, roles): (bool, &[Role]) = if self.shows {
            (sends, &may_see)
        } else {
            (sends || at.covers(self.proposed.recipient()), &may_count)
        };
        if !is_side || !roles.iter().any(|role| officer.is(*role)) {
            return Err(refused());
        }
        if !self.shows {
            return Ok(());
        }
        let event = json!({
            "kind": "replay-shown", "policy": self.proposed.digest(), "officer": ask.officer,
            "at": gateway.now(),
        });
        let event = canonical(&event).map_err(Failure::internal)?;
        let entry = gateway.entry(self.proposed.sender().party.as_str(), event)?;
        let changes = Changes { entries: vec![entry], ..Changes::default() };
        super::gateway::commit(gateway.store(), changes).await
    }

    /// Whether the message is one that the proposed policy is for.
    fn concerns(&self, kept: &KeptMessage) -> bool {
        let message = &kept.message;
        message.purpose == self.proposed.purpose()
            && self.proposed.sender().covers(&message.sender)
            && message.state != MessageState::Withdrawn
            && kept.recipients.iter().any(|to| self.proposed.recipient().covers(&to.recipient))
    }

    /// What a submission in a thread that is not new protects besides its own values.
    async fn protected(
        &self,
        gateway: &Gateway,
        kept: &KeptMessage,
    ) -> Result<Vec<Protected>, Failure> {
        let is_free = |policy: &Compiled| policy.has_free_leaves();
        let looks = is_free(&self.proposed) || self.in_force.as_deref().is_some_and(is_free);
        if kept.opens || !looks {
            return Ok(Vec::new());
        }
        let message = Before::Message(&kept.message);
        protected_values(gateway, &self.rules, &kept.exchange.id, message).await
    }

    fn count(
        &self,
        gateway: &Gateway,
        cases: &[(KeptMessage, Vec<Protected>)],
    ) -> Result<ReplayPage, Failure> {
        let mut page = ReplayPage::default();
        for (kept, protected) in cases {
            let mut body = None;
            for to in &kept.recipients {
                let Some(policies) = self.policies(kept, &to.recipient) else { continue };
                page.messages += 1;
                if to.state == RecipientState::Suspended {
                    page.suspended += 1;
                    continue;
                }
                if body.is_none() {
                    body = stored_body(gateway, &kept.message)?;
                }
                match &body {
                    None => page.erased += 1,
                    Some(body) => {
                        let case = Case { kept, to, body, protected };
                        self.one(gateway, &case, &policies, &mut page);
                    }
                }
            }
        }
        Ok(page)
    }

    /// The policies for one recipient of a message; none if the proposed one is not for it.
    fn policies(&self, kept: &KeptMessage, to: &Address) -> Option<Policies<'_>> {
        let (message, proposed) = (&kept.message, &self.proposed);
        if !proposed.recipient().covers(to) {
            return None;
        }
        let is_foreign = kind_of(&self.rules, to) == PartyKind::Foreign;
        if self.rules.fixed.find(&message.message_type, is_foreign).is_some() {
            return None;
        }
        let set = &self.rules.policies;
        let found = set.find(&message.sender, to, &message.message_type, message.purpose);
        // a unit's own policy goes before its party's
        let rank =
            |policy: &Compiled| (policy.recipient().unit.is_some(), policy.sender().unit.is_some());
        if found.as_deref().is_some_and(|found| rank(found) > rank(proposed)) {
            return None;
        }
        let exchange = &kept.exchange;
        let referred = [&exchange.referrer.party, &exchange.origin].contains(&&to.party);
        if referred && is_foreign {
            return Some(Policies { in_force: None, proposed: None });
        }
        let runs = |policy: &Compiled| {
            runs(&self.rules, policy, (&message.sender.party, &to.party), self.today)
        };
        Some(Policies {
            in_force: found.filter(|found| runs(found)),
            proposed: Some(proposed).filter(|proposed| runs(proposed)),
        })
    }

    fn one(
        &self,
        gateway: &Gateway,
        case: &Case<'_>,
        policies: &Policies<'_>,
        page: &mut ReplayPage,
    ) {
        let in_force = policies.in_force.as_deref();
        let before = case.outcome(gateway, in_force, None);
        let compared = self.in_force.as_deref();
        let earlier = match (&before, in_force, compared) {
            (Outcome::Released(body), Some(one), Some(other)) if std::ptr::eq(one, other) => {
                Some(body.value())
            }
            _ => None,
        };
        let after = case.outcome(gateway, policies.proposed, earlier);
        before.count(&mut page.before);
        after.count(&mut page.after);
        if before == after {
            page.alike += 1;
            return;
        }
        let all;
        let leaves = if earlier.is_some() && matches!(after, Outcome::Released(_)) {
            &self.differing
        } else {
            all = passing(in_force, policies.proposed);
            &all
        };
        compare(&before, &after, leaves, self.shows, page);
    }
}

/// What decides for one recipient, before and after.
struct Policies<'a> {
    in_force: Option<Arc<Compiled>>,
    proposed: Option<&'a Compiled>,
}

/// Every leaf that either passes on.
fn passing(one: Option<&Compiled>, other: Option<&Compiled>) -> Vec<LeafName> {
    let mut leaves = one.map(Compiled::passing).unwrap_or_default();
    leaves.extend(other.map(Compiled::passing).unwrap_or_default());
    leaves.sort();
    leaves.dedup();
    leaves
}

/// Counts the leaves in which two outcomes differ.
fn compare(
    before: &Outcome,
    after: &Outcome,
    leaves: &[LeafName],
    shows: bool,
    page: &mut ReplayPage,
) {
    for name in leaves {
        let (was, is) = (before.values(name), after.values(name));
        if was == is {
            continue;
        }
        if shows && page.values.len() < VALUES_MAX {
            let all = |values: &[&Value]| values.iter().map(|value| (*value).clone()).collect();
            let (before, after) = (all(&was), all(&is));
            page.values.push(ReplayValues { leaf: name.to_string(), before, after });
        }
        let leaf = page.leaves.entry(name.to_string()).or_default();
        match (was.is_empty(), is.is_empty()) {
            (true, _) => leaf.starts += 1,
            (_, true) => leaf.stops += 1,
            _ => leaf.differs += 1,
        }
    }
}

/// One message for one recipient.
struct Case<'a> {
    kept: &'a KeptMessage,
    to: &'a RecipientRow,
    body: &'a Body,
    protected: &'a [Protected],
}

impl Case<'_> {
    fn outcome(
        &self,
        gateway: &Gateway,
        policy: Option<&Compiled>,
        earlier: Option<&Value>,
    ) -> Outcome {
        let Some(policy) = policy else { return Outcome::Refused };
        let exchange = &self.kept.exchange;
        let pseudonyms = ExchangePseudonyms::new(
            &gateway.keys().pseudonym,
            &self.kept.message.sender.party,
            &self.to.recipient,
            self.kept.message.purpose,
            exchange,
            policy.foreign(),
        );
        let context = Context {
            reference_date: exchange.reference_date,
            pseudonyms: &pseudonyms,
            protected: self.protected,
            released: &[],
            blank: &[],
        };
        match would_disclose(policy, self.body, &context, earlier) {
            Ok(body) => Outcome::Released(Body::new(body)),
            Err(Withheld::Hold { .. }) => Outcome::Held,
            Err(Withheld::Refuse(_)) => Outcome::Refused,
        }
    }
}

/// What would become of one message.
#[derive(PartialEq)]
enum Outcome {
    Released(Body),
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

    /// What the recipient would have of a leaf.
    fn values(&self, leaf: &LeafName) -> Vec<&Value> {
        let Self::Released(body) = self else { return Vec::new() };
        let mut values = body.values(leaf);
        values.retain(|value| !value.is_null());
        values
    }
}
