//! Information requests on their way in: what one asks, and what answers it.
//!
//! A request has a thread of its own, whatever it is about, with a reference that nobody knew
//! before. So it is taken in one way whether the exchange it names is the asker's, somebody else's
//! or none at all; only what both parties know is ever looked at again. An answer with something to
//! tell belongs to the case that was asked about, and is decided as a status there is: suspensions,
//! the budget, whose data it is in the end.
//!
//! Abroad a request has one answer, at the batch hour of its `respond_by` day. What the party asked
//! decides before that day waits, and shows nowhere. A refusal makes no release of its own: the one
//! that leaves is written by the gateway, as it is where nobody has decided (see `settle`).
//!
//! INVARIANT: a foreign asker's request is never refused, and never answered in another form, for
//! what the exchange is that it names.

use std::collections::BTreeSet;

use serde_json::Value;
use time::{Date, Duration, OffsetDateTime, Weekday};

use crate::domain::leaf::ANSWERS;
use crate::domain::state::{RequestOutcome, ThreadState};
use crate::domain::{
    Address, Code, ExchangeRef, Id, LeafName, MessageId, MessageType, PartyId, Refused,
};
use crate::schema::Message;
use crate::store::{
    Changes, ExchangeRow, MemberRow, MessageRow, RequestDecision, RequestRow, Requirement, Write,
};

use super::admit::{Case, may_go_onward, own_exchange, party_sees, role, subject_fault};
use super::disclose::{is_foreign, runs, stored_body};
use super::lifecycle::{self, By, Role};
use super::submit::Stop;
use super::suspend::{self, Suspensions};
use super::{Failure, Gateway, Rules};

/// How many working days an answer takes at least.
const WORKING_DAYS: u32 = 3;
/// The same where the request is urgent and names an officer to turn to.
const WORKING_DAYS_URGENT: u32 = 1;
/// How far off an answer may be expected.
const DAYS_MAX: i64 = 90;
const ABOUT: &str = "/about/exchange";

/// What a message has to do with an information request.
#[derive(Debug, Default)]
pub(super) enum Inquiry {
    /// Nothing.
    #[default]
    None,
    /// It is one.
    Asks(Box<Asks>),
    /// It answers one.
    Answers(Box<Answers>),
}

/// A request.
#[derive(Debug)]
pub(super) struct Asks {
    request: RequestRow,
    /// By which references the case that it is about is known.
    members: Vec<MemberRow>,
    /// What has to hold of that case still when the request is recorded.
    unchanged: Option<Requirement>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) request: RequestRow,
    pub(super) outcome: RequestOutcome,
    /// When it leaves, abroad.
    leaves_at: Option<OffsetDateTime>,
    /// Whether its release is kept until then.
    pub(super) is_kept: bool,
}

impl Answers {
    pub(super) fn to(request: RequestRow, outcome: RequestOutcome) -> Self {
        let at = request.answer_at.map(OffsetDateTime::from_unix_timestamp);
        let leaves_at = at.and_then(Result::ok);
        Self { request, outcome, leaves_at, is_kept: leaves_at.is_some() }
    }

    /// A refusal abroad makes no release of its own.
    fn is_silent(&self) -> bool {
        self.leaves_at.is_some() && self.is_kept && self.outcome == RequestOutcome::Refused
    }
}

impl Inquiry {
    /// When the answer leaves that this is, where it waits for a moment of its own.
    pub(super) fn leaves_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Answers(answers) => answers.leaves_at,
            Self::None | Self::Asks(_) => None,
        }
    }

    /// Whether its release stands in no inbox before.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Answers(answers) if answers.is_kept)
    }

    /// Whether the recipient is told the same without this message.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Answers(answers) if answers.is_silent())
    }

    /// The recipient's own message that this answers.
    pub(super) fn in_reply_to(&self) -> Option<MessageId> {
        match self {
            Self::Answers(answers) => Some(answers.request.message_id),
            Self::None | Self::Asks(_) => None,
        }
    }

    /// Whether nothing of any person is told.
    pub(super) fn is_of_nobody(&self) -> bool {
        matches!(self, Self::Answers(answers) if answers.request.about.is_none())
    }

    /// By which reference a recipient knows the case that is asked about.
    pub(super) fn known_as(&self, recipient: &PartyId) -> Option<ExchangeRef> {
        let Self::Asks(asks) = self else { return None };
        let own = asks.members.iter().find(|member| member.party == *recipient);
        own.map(|member| member.reference)
    }

    /// What is recorded of it.
    pub(super) fn record(&self, changes: &mut Changes, message: &Message, now: i64) {
        match self {
            Self::None => {}
            Self::Asks(asks) => {
                changes.requires.extend(asks.unchanged.clone());
                changes.writes.push(Write::Request(Box::new(asks.request.clone())));
            }
            Self::Answers(answers) => {
                let decision = RequestDecision {
                    outcome: answers.outcome,
                    answer: Some(message.message_id),
                    officer: None,
                    reason: None,
                    at: now,
                };
                decide(changes, &answers.request, decision);
            }
        }
    }
}

/// Records what is decided about a request; inside Indonesia that is its answer for good.
pub(super) fn decide(changes: &mut Changes, request: &RequestRow, decision: RequestDecision) {
    let exchange = request.exchange;
    changes.requires.push(Requirement::RequestUndecided(exchange));
    changes.requires.push(Requirement::RequestOpen(exchange));
    changes.writes.push(Write::DecideRequest { exchange, decision });
    if request.answer_at.is_none() {
        changes.writes.push(Write::CloseRequest(exchange));
    }
}

/// A request opens a thread of its own.
pub(super) async fn request(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
    today: Date,
) -> Result<Case, Stop> {
    let [asked] = message.recipients.as_slice() else {
        return Err(Stop::Refuse(Refused::at(Code::OneReceiver, "/recipients", "maxItems")));
    };
    if message.in_reply_to.is_some() {
        return Err(Stop::Refuse(Refused::at(Code::Rule, "/in_reply_to", "own-thread")));
    }
    on_menu(rules, message, asked, today).map_err(Stop::Refuse)?;
    let respond_by = respond_by(message, today).map_err(Stop::Refuse)?;
    let is_abroad = is_foreign(rules, &message.iss);
    let exchange = ExchangeRow {
        id: gateway.mint_internal()?,
        state: ThreadState::Submitted,
        referrer: message.iss.clone(),
        receiver: asked.clone(),
        origin: message.iss.party.clone(),
        onward: Vec::new(),
        withheld: Vec::new(),
        subject: gateway.mint_internal()?,
        reference_date: today,
        opened_at: gateway.now(),
    };
    let (about, members) = about(gateway, message, asked, exchange.id).await?;
    let is_topic = message.body.text("/about/topic").is_some();
    let unchanged = match &about {
        None if !is_abroad && !is_topic => return Err(unknown(&format!("/body{ABOUT}"))),
        // what stands in the way abroad is looked at when it is answered
        Some(about) if !is_abroad => Some(may_be_asked(gateway, rules, about, asked).await?),
        _ => None,
    };
    let hour = is_abroad.then(|| rules.floor.batch().hour_of(respond_by).unix_timestamp());
    let request = RequestRow {
        exchange: exchange.id,
        about: about.map(|about| about.id),
        is_topic,
        asker: message.iss.clone(),
        asked: asked.clone(),
        message_id: message.message_id,
        purpose: message.legal.purpose,
        respond_by,
        answer_at: hour,
        opened_at: gateway.now(),
        decision: None,
        is_closed: false,
    };
    let member = MemberRow {
        reference: ExchangeRef(gateway.mint()?),
        exchange: exchange.id,
        party: message.iss.party.clone(),
        subject_ref: None,
    };
    Ok(Case {
        is_new: true,
        members: vec![member],
        inquiry: Inquiry::Asks(Box::new(Asks { request, members, unchanged })),
        ..Case::of(exchange)
    })
}

/// The menu of a party, for one purpose and from whom it asks: the leaves that the policy in force
/// for its answer passes.
fn menu(
    rules: &Rules,
    message: &Message,
    asked: &Address,
    today: Date,
) -> Option<BTreeSet<LeafName>> {
    let response: MessageType = "information-response/1".parse().ok()?;
    let (by, purpose) = (&message.iss, message.legal.purpose);
    let policy = rules.policies.find(asked, by, &response, purpose)?;
    let is_in_force = runs(rules, &policy, (&asked.party, &by.party), today);
    is_in_force.then(|| policy.passing().into_iter().collect())
}

fn on_menu(rules: &Rules, message: &Message, asked: &Address, today: Date) -> Result<(), Refused> {
    let menu = menu(rules, message, asked, today).unwrap_or_default();
    for (at, field) in requested(&message.body).enumerate() {
        if !menu.contains(&LeafName::new(&format!("{ANSWERS}{field}"))) {
            let place = format!("/body/requested_fields/{at}");
            return Err(Refused::at(Code::NotOnMenu, &place, "menu"));
        }
    }
    Ok(())
}

/// The leaves that a request asks for, as a referral names them.
pub(super) fn requested(body: &crate::domain::Body) -> impl Iterator<Item = &str> {
    let fields = body.value().pointer("/requested_fields").and_then(Value::as_array);
    fields.into_iter().flatten().filter_map(Value::as_str)
}

/// Working days are those of the week; no calendar of holidays is known here.
fn respond_by(message: &Message, today: Date) -> Result<Date, Refused> {
    let refused = |keyword| Refused::at(Code::RespondBy, "/body/respond_by", keyword);
    let text = message.body.text("/respond_by").unwrap_or_default();
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = Date::parse(text, format).map_err(|_form| refused("format"))?;
    if day > today.saturating_add(Duration::days(DAYS_MAX)) {
        return Err(refused("maximum"));
    }
    let is_urgent = message.body.text("/urgency") == Some("urgent");
    let needed = if is_urgent { WORKING_DAYS_URGENT } else { WORKING_DAYS };
    if working_days(today, day) < needed {
        return Err(refused("minimum"));
    }
    if message.legal.retention_until < day {
        return Err(Refused::at(Code::Retention, "/legal/retention_until", "minimum"));
    }
    Ok(day)
}

/// How many working days come after `today` until `day`, which is one itself or not.
fn working_days(today: Date, day: Date) -> u32 {
    let is_working = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let mut days = 0;
    let mut next = today.next_day();
    while let Some(one) = next.filter(|one| *one <= day) {
        days += u32::from(is_working(&one));
        next = one.next_day();
    }
    days
}

/// The case that a request is about, if asker and asked both know it. Whatever is named, the same
/// is read: `none` stands for an exchange that is not there.
async fn about(
    gateway: &Gateway,
    message: &Message,
    asked: &Address,
    none: Id,
) -> Result<(Option<ExchangeRow>, Vec<MemberRow>), Failure> {
    let store = gateway.store();
    let reference = message.body.text(ABOUT).and_then(|text| text.parse().ok());
    let member = store.member(&reference.unwrap_or(ExchangeRef(none))).await?;
    let id = member.as_ref().map_or(none, |member| member.exchange);
    let exchange = store.exchange(&id).await?;
    let members = store.members(&id).await?;
    let is_request = store.request(&id).await?.is_some();
    let is_own = member.is_some_and(|member| member.party == message.iss.party);
    let is_shared = members.iter().any(|member| member.party == asked.party);
    let exchange = exchange.filter(|exchange| {
        let is_seen = party_sees(exchange, &message.iss) && party_sees(exchange, asked);
        is_own && is_shared && !is_request && is_seen
    });
    let members = if exchange.is_some() { members } else { Vec::new() };
    Ok((exchange, members))
}

/// Whoever may not be told anything in a case is not asked about it either.
async fn may_be_asked(
    gateway: &Gateway,
    rules: &Rules,
    about: &ExchangeRow,
    asked: &Address,
) -> Result<Requirement, Stop> {
    let reviews = gateway.store().reviews_in(&[about.id]).await?;
    for row in reviews.iter().filter(|row| row.stands) {
        if suspend::forbids(gateway, rules, (row, about), asked).await? {
            let place = format!("/body{ABOUT}");
            return Err(Stop::Refuse(Refused::at(Code::PolicyRefused, &place, "suspended")));
        }
    }
    Ok(suspend::unchanged(about.id, &reviews))
}

/// An answer belongs to the case that was asked about, if it tells anything of it.
pub(super) async fn response(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
) -> Result<Case, Stop> {
    let Some(reference) = message.in_reply_to else {
        return Err(Stop::Refuse(Refused::at(Code::UnknownExchange, "/in_reply_to", "required")));
    };
    let (_, thread) = own_exchange(gateway, message, reference).await?;
    let store = gateway.store();
    let request = store.request(&thread.id).await?;
    let request = request.filter(|request| message.iss.covers(&request.asked));
    let request = request.ok_or_else(|| unknown("/in_reply_to"))?;
    open(gateway, &request).map_err(Stop::Refuse)?;
    if message.recipients.as_slice() != std::slice::from_ref(&request.asker) {
        return Err(not_asked("/recipients"));
    }
    if message.legal.purpose != request.purpose {
        return Err(not_asked("/legal/purpose"));
    }
    let outcome = outcome(message)?;
    as_asked(gateway, rules, message, (&request, outcome)).await?;
    let about = match &request.about {
        Some(about) => store.exchange(about).await?,
        None => None,
    };
    let answers = Answers::to(request, outcome);
    if answers
        .leaves_at
        .is_some_and(|_at| answers.request.respond_by > message.legal.retention_until)
    {
        let place = "/legal/retention_until";
        return Err(Stop::Refuse(Refused::at(Code::Retention, place, "minimum")));
    }
    let exchange = match about {
        Some(about) if !answers.is_silent() => {
            if !party_sees(&about, &message.iss) {
                return Err(unknown("/in_reply_to"));
            }
            may_go_onward(&about, message)?;
            about
        }
        _ => thread,
    };
    let suspensions = Suspensions::of(gateway, Some(exchange.id), message).await?;
    let members = store.members(&exchange.id).await?;
    own_subject(message, &members)?;
    Ok(Case {
        members,
        step: stops_the_clock(rules, &exchange, &message.iss, &answers.request),
        inquiry: Inquiry::Answers(Box::new(answers)),
        suspensions,
        ..Case::of(exchange)
    })
}

/// Whether a request may be answered still.
pub(super) fn open(gateway: &Gateway, request: &RequestRow) -> Result<(), Refused> {
    let has_left = request.answer_at.is_some_and(|at| at <= gateway.now());
    if request.decision.is_some() || request.is_closed || has_left {
        return Err(Refused::at(Code::AlreadyAnswered, "/in_reply_to", "request"));
    }
    Ok(())
}

fn outcome(message: &Message) -> Result<RequestOutcome, Stop> {
    let result = message.body.text("/result").and_then(|text| text.parse().ok());
    result.ok_or_else(|| Stop::Refuse(Refused::at(Code::Schema, "/body/result", "enum")))
}

/// An answer holds nothing that was not asked for, and something if it says so.
async fn as_asked(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
    (request, outcome): (&RequestRow, RequestOutcome),
) -> Result<(), Stop> {
    if outcome == RequestOutcome::Refused {
        return Ok(());
    }
    if request.about.is_none() && !request.is_topic {
        // what the asker named is nothing that both know: there is nothing to answer with
        return Err(unknown("/body/result"));
    }
    let row = gateway.store().message(&request.asker.party, &request.message_id).await?;
    let row = row.ok_or_else(|| unknown("/in_reply_to"))?;
    let body = stored_body(gateway, &row)?.ok_or_else(|| unknown("/in_reply_to"))?;
    let requested: BTreeSet<&str> = requested(&body).collect();
    let schema = rules.schemas.message(&message.message_type);
    let mut answered = 0;
    for leaf in schema.into_iter().flat_map(|schema| &schema.leaves().leaves) {
        let field = leaf.name.answered();
        if !leaf.name.is_within(ANSWERS) || message.body.values(&leaf.name).is_empty() {
            continue;
        }
        if request.is_topic || !requested.contains(field) {
            return Err(not_asked(&format!("/body{}", leaf.name)));
        }
        answered += 1;
    }
    if answered == 0 && !request.is_topic {
        let broken = Refused::at(Code::Rule, "/body/answers", "answered-needs-answers");
        return Err(Stop::Refuse(broken));
    }
    Ok(())
}

/// A subject that is named is the case's, by the sender's own reference.
fn own_subject(message: &Message, members: &[MemberRow]) -> Result<(), Stop> {
    let Some(named) = message.body.text("/answers/subject/ref") else { return Ok(()) };
    let own = members.iter().find(|member| member.party == message.iss.party);
    let own = own.and_then(|member| member.subject_ref);
    if own.is_some_and(|own| own.as_str() == named) { Ok(()) } else { Err(subject_fault(message)) }
}

/// The referrer's answer to the receiver ends the wait for it.
pub(super) fn stops_the_clock(
    rules: &Rules,
    exchange: &ExchangeRow,
    from: &Address,
    request: &RequestRow,
) -> Option<(ThreadState, ThreadState)> {
    let (state, to) = (exchange.state, ThreadState::Received);
    let is_referrers = role(exchange, from) == Some(Role::Referrer)
        && request.asker.covers(&exchange.receiver)
        && !is_foreign(rules, from);
    let may = lifecycle::allows(state, to, Role::Referrer, By::Response);
    (is_referrers && may).then_some((state, to))
}

/// As the message was admitted with.
pub(super) async fn again(gateway: &Gateway, row: &MessageRow) -> Result<Inquiry, Failure> {
    let store = gateway.store();
    match row.message_type.name() {
        "information-request" => {
            let Some(request) = store.request(&row.exchange).await? else {
                return Ok(Inquiry::None);
            };
            let members = match &request.about {
                Some(about) => store.members(about).await?,
                None => Vec::new(),
            };
            Ok(Inquiry::Asks(Box::new(Asks { request, members, unchanged: None })))
        }
        "information-response" => {
            let (sender, id) = (&row.sender.party, &row.message_id);
            let request = store.request_answered_by(sender, id).await?;
            let decision = request.as_ref().and_then(|request| request.decision.as_ref());
            let outcome = decision.map(|decision| decision.outcome);
            Ok(match request.zip(outcome) {
                Some((request, outcome)) => {
                    Inquiry::Answers(Box::new(Answers::to(request, outcome)))
                }
                None => Inquiry::None,
            })
        }
        _ => Ok(Inquiry::None),
    }
}

fn unknown(pointer: &str) -> Stop {
    Stop::Refuse(Refused::at(Code::UnknownExchange, pointer, "exchange"))
}

fn not_asked(pointer: &str) -> Stop {
    Stop::Refuse(Refused::at(Code::NotAsked, pointer, "request"))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_weekend_is_no_working_day() {
        // a Tuesday
        let today = date!(2026 - 11 - 24);
        for (day, days) in [
            (date!(2026 - 11 - 23), 0),
            (today, 0),
            (date!(2026 - 11 - 25), 1),
            (date!(2026 - 11 - 27), 3),
            (date!(2026 - 11 - 29), 3),
            (date!(2026 - 11 - 30), 4),
        ] {
            assert_eq!(working_days(today, day), days, "{day}");
        }
        assert_eq!(working_days(date!(2026 - 11 - 27), date!(2026 - 12 - 01)), 2);
        assert_eq!(working_days(Date::MAX, Date::MAX), 0);
    }
}
