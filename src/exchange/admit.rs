//! Steps 4 (time) and 6: agreement, thread, lifecycle, onward, borders. Reads, decides, writes
//! nothing.

use std::collections::BTreeSet;

use time::{Date, Duration};

use crate::auth::Caller;
use crate::domain::state::ThreadState;
use crate::domain::{
    Address, Agreement, Code, Digest, ExchangeRef, Id, PartyId, PartyKind, Refused,
};
use crate::schema::{self, Message, Valid};
use crate::sign;
use crate::store::{ExchangeRow, MemberRow, MessageRow, ReviewRow};

use super::chain::{Chain, GATEWAY, Named, Target, named};
use super::collect::takes_back;
use super::correct::{corrected, correction};
use super::erase::Takes;
use super::erase::ask::asked;
use super::erase::confirm::confirmed;
use super::inquiry::{self, Inquiry};
use super::lifecycle::{self, By, Role};
use super::pseudonym::internal_id;
use super::submit::Stop;
use super::suspend::{NOT_TO_INFORM, Suspensions};
use super::{Failure, Gateway, Rules};

/// A message that may be passed on, with the case it belongs to. Minted here only.
#[derive(Debug)]
pub(super) struct Admitted {
    message: Valid<Message>,
    case: Case,
    retention_until: Date,
}

impl Admitted {
    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    pub(super) fn case(&self) -> &Case {
        &self.case
    }

    pub(super) fn retention_until(&self) -> Date {
        self.retention_until
    }

    /// A message of the gateway's own. Nobody but the gateway has agreed to it, and nobody has to.
    pub(super) fn originated(message: Valid<Message>, case: Case, retention_until: Date) -> Self {
        Self { message, case, retention_until }
    }

    /// The same under these reviews and with these members: what an officer decides changes both.
    pub(super) fn under(mut self, reviews: Vec<ReviewRow>, members: Vec<MemberRow>) -> Self {
        self.case.suspensions = Suspensions::under(reviews);
        self.case.members = members;
        self
    }
}

/// The exchange a message belongs to and what the message does to it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) exchange: ExchangeRow,
    pub(super) is_new: bool,
    pub(super) members: Vec<MemberRow>,
    /// The state the decision rests on and the one it leads to.
    pub(super) step: Option<(ThreadState, ThreadState)>,
    /// The exchange whose case is passed on by this one.
    pub(super) parent: Option<Id>,
    /// What a withdrawal takes back.
    pub(super) target: Option<Target>,
    /// What a correction takes the place of.
    pub(super) corrects: Option<Chain>,
    /// What it does to what was sent before, where it is of an erasure.
    pub(super) takes: Option<Takes>,
    /// What suspends whom: in the exchange, or in the one whose case this passes on.
    pub(super) suspensions: Suspensions,
    /// The information request that this is or answers.
    pub(super) inquiry: Inquiry,
}

impl Case {
    /// In an exchange that is there, where nothing is moved, taken back or asked.
    pub(super) fn of(exchange: ExchangeRow) -> Self {
        Self {
            exchange,
            is_new: false,
            members: Vec::new(),
            step: None,
            parent: None,
            target: None,
            corrects: None,
            takes: None,
            suspensions: Suspensions::default(),
            inquiry: Inquiry::None,
        }
    }

    pub(super) fn member(&self, party: &PartyId) -> Option<&MemberRow> {
        self.members.iter().find(|member| member.party == *party)
    }
}

/// How long what is said of an erasure may be kept: it proves that it was said.
const KEPT_DAYS: i64 = 3650;
const LIFETIME_MAX_S: i64 = 7 * 24 * 3600;
const SKEW_S: i64 = 60;

pub(super) async fn admit(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    message: Valid<Message>,
) -> Result<Admitted, Stop> {
    let today = rules.today(gateway.clock());
    in_time(&message, gateway.now(), today).map_err(Stop::Refuse)?;
    if caller.is_frozen() && !takes_back(&message.message_type) {
        return Err(Stop::Plain(Refused::because(Code::Frozen)));
    }
    if is_for_gateway(&message) {
        only_gateway(&message).map_err(Stop::Refuse)?;
    } else {
        known_recipients(rules, caller, &message).map_err(Stop::Refuse)?;
    }
    known_parties(rules, &message).map_err(Stop::Refuse)?;
    let agreed_days = if takes_back(&message.message_type) {
        // the agreement may have ended; what is taken back was agreed, and bounds it below
        None
    } else {
        Some(agreed(rules, caller, &message, today).map_err(Stop::Refuse)?)
    };
    across_border(rules, caller, &message).map_err(Stop::Refuse)?;
    let case = match message.message_type.as_str() {
        "referral/1" => referral(gateway, &message, today).await?,
        "status/1" => status(gateway, rules, &message).await?,
        "withdrawal/1" => withdrawal(gateway, &message).await?,
        "information-request/1" => inquiry::request(gateway, rules, &message, today).await?,
        "information-response/1" => inquiry::response(gateway, rules, &message).await?,
        "correction/1" => correction(gateway, rules, &message).await?,
        "erasure-notice/1" => asked(gateway, rules, &message).await?,
        "erasure-confirmation/1" => confirmed(gateway, rules, &message).await?,
        _ => return Err(Stop::Refuse(Refused::because(Code::UnknownType))),
    };
    let bound = match (agreed_days, &case.target) {
        (Some(days), _) => today.saturating_add(Duration::days(days.into())),
        (None, Some(target)) => target.retention_until.max(today),
        (None, None) => today.saturating_add(Duration::days(KEPT_DAYS)),
    };
    let retention_until = message.legal.retention_until.min(bound);
    Ok(Admitted { message, case, retention_until })
}

/// A message admitted earlier, read again from its sealed object: for what an officer lets go.
pub(super) async fn readmit(
    gateway: &Gateway,
    rules: &Rules,
    row: &MessageRow,
) -> Result<Admitted, Failure> {
    let gone = || Failure::problem(Code::NotFound);
    let object = super::disclose::stored_object(gateway, row)?.ok_or_else(gone)?;
    let recorded = sign::recorded(&object).map_err(Failure::internal)?;
    let parsed = schema::parse_recorded(&recorded, row.digest).map_err(Failure::Problem)?;
    let message = rules.schemas.validate(parsed).map_err(Failure::Problem)?;
    let store = gateway.store();
    let reviews = store.reviews_in(&[row.exchange]).await?;
    let exchange = store.exchange(&row.exchange).await?.ok_or_else(gone)?;
    let members = store.members(&row.exchange).await?;
    let corrects = corrected(gateway, &message).await?;
    let inquiry = inquiry::again(gateway, row).await?;
    let suspensions = Suspensions::under(reviews);
    let case = Case { members, corrects, suspensions, inquiry, ..Case::of(exchange) };
    Ok(Admitted { message, case, retention_until: row.retention_until })
}

/// A message that the gateway itself writes, in a case of its choosing.
pub(super) fn originated(
    rules: &Rules,
    object: &[u8],
    case: Case,
    retention_until: Date,
) -> Result<Admitted, Failure> {
    let recorded = sign::recorded(object).map_err(Failure::internal)?;
    let digest = Digest::of(object);
    let parsed = schema::parse_recorded(&recorded, digest).map_err(Failure::Problem)?;
    let message = rules.schemas.validate(parsed).map_err(Failure::Problem)?;
    Ok(Admitted { message, case, retention_until })
}

fn in_time(message: &Message, now: i64, today: Date) -> Result<(), Refused> {
    if message.iat > now.saturating_add(SKEW_S) {
        return Err(Refused::at(Code::NotYetValid, "/iat", "maximum"));
    }
    if message.exp <= now {
        return Err(Refused::at(Code::Expired, "/exp", "minimum"));
    }
    if message.exp.saturating_sub(message.iat) > LIFETIME_MAX_S || message.exp < message.iat {
        return Err(Refused::at(Code::LifetimeTooLong, "/exp", "maximum"));
    }
    if message.legal.retention_until < today {
        return Err(Refused::at(Code::Retention, "/legal/retention_until", "minimum"));
    }
    Ok(())
}

/// What is said to the gateway itself: it knows who was handed what.
fn is_for_gateway(message: &Message) -> bool {
    matches!(message.message_type.name(), "erasure-notice" | "erasure-confirmation")
}

fn only_gateway(message: &Message) -> Result<(), Refused> {
    match message.recipients.as_slice() {
        [to] if to.unit.is_none() && to.party.as_str() == GATEWAY => Ok(()),
        _ => Err(Refused::at(Code::UnknownRecipient, "/recipients/0", "recipient")),
    }
}

/// A foreign sender addresses a party, never a unit: which units there are is not told abroad.
fn known_recipients(rules: &Rules, caller: &Caller, message: &Message) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for (at, recipient) in message.recipients.iter().enumerate() {
        let may_name = !caller.is_foreign() || recipient.unit.is_none();
        let known = may_name && rules.directory.knows(recipient);
        // one party, one view of a case: two units of one party would see each other's copy
        if !known || recipient.party == message.iss.party || !seen.insert(&recipient.party) {
            return Err(Refused::at(
                Code::UnknownRecipient,
                &format!("/recipients/{at}"),
                "recipient",
            ));
        }
    }
    Ok(())
}

/// Every party that a message names besides its recipients is one there is, named once. A party
/// id is chosen by its writer: an unknown one could say anything to whom it is passed on, and a
/// misspelt one would leave uninformed nobody at all.
fn known_parties(rules: &Rules, message: &Message) -> Result<(), Refused> {
    let is_known = |party: &PartyId| rules.directory.party(party).is_some();
    let mut seen = BTreeSet::new();
    for (at, party) in message.legal.onward.iter().enumerate() {
        if !is_known(party) || !seen.insert(party) {
            return Err(Refused::at(Code::Onward, &format!("/legal/onward/{at}"), "party"));
        }
    }
    for pointer in NOT_TO_INFORM.into_iter().chain(["/intended_onward"]) {
        let named = message.body.value().pointer(pointer).and_then(serde_json::Value::as_array);
        for (at, party) in named.into_iter().flatten().enumerate() {
            let party = party.as_str().and_then(|party| party.parse().ok());
            if !party.is_some_and(|party| is_known(&party)) {
                let place = format!("{}/{at}", message.place(pointer));
                return Err(Refused::at(Code::UnknownRecipient, &place, "party"));
            }
        }
    }
    Ok(())
}

/// Every recipient is bound with the sender by an agreement in force that allows type and
/// purpose. Answers the shortest retention agreed, in days.
fn agreed(rules: &Rules, caller: &Caller, message: &Message, today: Date) -> Result<u32, Refused> {
    let cited = rules.agreements.iter().find(|a| a.id == message.legal.instrument);
    let binds_someone = cited.is_some_and(|agreement| {
        message.recipients.iter().any(|to| agreement.binds(&message.iss.party, &to.party))
    });
    if !binds_someone {
        return Err(Refused::at(Code::AgreementMissing, "/legal/instrument", "instrument"));
    }
    let mut retention_days = u32::MAX;
    for (at, recipient) in message.recipients.iter().enumerate() {
        let agreement =
            agreement_for(rules, message, recipient, today).map_err(|code| match code {
                // towards a foreign sender a party it has no agreement with does not exist
                Code::AgreementMissing if caller.is_foreign() => {
                    Refused::at(Code::UnknownRecipient, &format!("/recipients/{at}"), "recipient")
                }
                code => Refused::at(code, &format!("/recipients/{at}"), "agreement"),
            })?;
        retention_days = retention_days.min(agreement.retention_days);
    }
    Ok(retention_days)
}

/// The agreement under which `message` may go to `recipient`, or how far the nearest one fell
/// short.
fn agreement_for<'r>(
    rules: &'r Rules,
    message: &Message,
    recipient: &Address,
    today: Date,
) -> Result<&'r Agreement, Code> {
    let mut nearest = Code::AgreementMissing;
    for agreement in &rules.agreements {
        if !agreement.binds(&message.iss.party, &recipient.party) {
            continue;
        }
        if !agreement.in_force(today) {
            if nearest == Code::AgreementMissing {
                nearest = Code::AgreementExpired;
            }
        } else if !agreement.messages.contains(&message.told_type) {
            if nearest != Code::PurposeNotAgreed {
                nearest = Code::TypeNotAgreed;
            }
        } else if !agreement.purposes.contains(&message.legal.purpose) {
            nearest = Code::PurposeNotAgreed;
        } else {
            return Ok(agreement);
        }
    }
    Err(nearest)
}

/// R5: across a border only what is in the child's best interests and known to be safe.
fn across_border(rules: &Rules, caller: &Caller, message: &Message) -> Result<(), Refused> {
    let crosses = caller.is_foreign()
        || message.recipients.iter().any(|to| {
            rules.directory.party(&to.party).is_none_or(|p| p.kind == PartyKind::Foreign)
        });
    // a withdrawal takes data back: it must pass whatever was attested
    if !crosses || takes_back(&message.message_type) {
        return Ok(());
    }
    if message.attest.best_interests != "favourable" {
        return Err(Refused::at(Code::CrossBorder, "/attest/best_interests", "const"));
    }
    if message.attest.safety_check != "no_known_risk" {
        return Err(Refused::at(Code::CrossBorder, "/attest/safety_check", "const"));
    }
    Ok(())
}

/// A referral opens an exchange; in reply to another it passes that case on (R6).
async fn referral(gateway: &Gateway, message: &Message, today: Date) -> Result<Case, Stop> {
    let [receiver] = message.recipients.as_slice() else {
        return Err(Stop::Refuse(Refused::at(Code::OneReceiver, "/recipients", "maxItems")));
    };
    let subject_ref = subject_ref(message)?;
    let sender = &message.iss.party;
    let parent = match message.in_reply_to {
        None => None,
        Some(reference) => Some(own_exchange(gateway, message, reference).await?),
    };
    let before = parent.as_ref().map(|(_, parent)| parent.id);
    let suspensions = Suspensions::of(gateway, before, message).await?;
    let (origin, onward, subject, mut withheld) = match &parent {
        None => {
            if gateway.store().knows_subject_as(sender, &subject_ref).await? {
                return Err(subject_fault(message));
            }
            let root = &gateway.keys().pseudonym;
            let subject = internal_id(root, sender, "subject", subject_ref.as_str());
            (sender.clone(), message.legal.onward.clone(), subject, Vec::new())
        }
        Some((member, parent)) => {
            if member.subject_ref != Some(subject_ref) {
                return Err(subject_fault(message));
            }
            may_go_onward(parent, message)?;
            let allowed = message.legal.onward.iter();
            let onward = allowed.filter(|p| parent.onward.contains(p)).cloned().collect();
            let withheld = suspensions.withheld().cloned().collect();
            (parent.origin.clone(), onward, parent.subject, withheld)
        }
    };
    withheld.extend(suspensions.named.iter().cloned());
    withheld.sort();
    withheld.dedup();
    let exchange = ExchangeRow {
        id: gateway.mint_internal()?,
        state: ThreadState::Submitted,
        referrer: message.iss.clone(),
        receiver: receiver.clone(),
        origin,
        onward,
        withheld,
        subject,
        reference_date: today,
        opened_at: gateway.now(),
    };
    let member = MemberRow {
        reference: ExchangeRef(gateway.mint()?),
        exchange: exchange.id,
        party: sender.clone(),
        subject_ref: Some(subject_ref),
    };
    let members = vec![member];
    Ok(Case { is_new: true, members, parent: before, suspensions, ..Case::of(exchange) })
}

/// A status moves the thread, if the table has the step and the sender may make it.
async fn status(gateway: &Gateway, rules: &Rules, message: &Message) -> Result<Case, Stop> {
    let Some(reference) = message.in_reply_to else {
        return Err(Stop::Refuse(Refused::at(Code::UnknownExchange, "/in_reply_to", "required")));
    };
    let (member, exchange) = own_exchange(gateway, message, reference).await?;
    if member.subject_ref != Some(subject_ref(message)?) {
        return Err(subject_fault(message));
    }
    may_go_onward(&exchange, message)?;
    let role = role(&exchange, &message.iss).ok_or_else(|| not_yours(message))?;
    let is_foreign =
        |party: &PartyId| rules.directory.party(party).is_none_or(|p| p.kind == PartyKind::Foreign);
    if is_foreign(&message.iss.party) {
        return Err(not_yours(message));
    }
    let (from, to) = (state(message, "/from_state")?, state(message, "/to_state")?);
    // one answer for both: where the thread stands may be more than the sender was told
    if from != exchange.state || !lifecycle::allows(from, to, role, By::Status) {
        return Err(illegal("/body/to_state"));
    }
    // nothing that happens to a person is told to the foreign party that referred this person
    let moves = !is_foreign(&exchange.referrer.party);
    let suspensions = Suspensions::of(gateway, Some(exchange.id), message).await?;
    let members = gateway.store().members(&exchange.id).await?;
    let step = Some((from, if moves { to } else { from }));
    Ok(Case { members, step, suspensions, ..Case::of(exchange) })
}

/// A withdrawal takes back a message of the sender's own, and whatever was said anew of it.
async fn withdrawal(gateway: &Gateway, message: &Message) -> Result<Case, Stop> {
    let unknown = || Stop::Refuse(Refused::at(Code::TargetUnknown, "/body/target", "target"));
    let target = message.body.text("/target").and_then(|t| t.parse().ok()).ok_or_else(unknown)?;
    let named = named(gateway, message, target).await?;
    // before what is taken back is read: an officer who resumes in between changes them
    let suspensions = Suspensions::of(gateway, Some(named.exchange.id), message).await?;
    let chain = named.chain(gateway, message).await?;
    let Named { row, exchange, members } = named;
    let step = taken_back(message, &row, &exchange)?;
    let (message_type, retention_until) = (row.message_type, row.retention_until);
    let target = Some(Target { message_type, retention_until, chain });
    Ok(Case { members, step, target, suspensions, ..Case::of(exchange) })
}

fn taken_back(
    message: &Message,
    target: &MessageRow,
    exchange: &ExchangeRow,
) -> Result<Option<(ThreadState, ThreadState)>, Stop> {
    if target.message_type.name() != "referral" {
        return Ok(None);
    }
    let (to, by) = match message.body.text("/reason") {
        Some("sent_in_error") => (ThreadState::EnteredInError, By::SentInError),
        _ => (ThreadState::Withdrawn, By::Withdrawal),
    };
    if lifecycle::allows(exchange.state, to, Role::Referrer, by) {
        Ok(Some((exchange.state, to)))
    } else {
        Err(illegal("/body/reason"))
    }
}

/// The exchange a party names by its own reference. A stranger's reference is as unknown as one
/// that never was.
pub(super) async fn own_exchange(
    gateway: &Gateway,
    message: &Message,
    reference: ExchangeRef,
) -> Result<(MemberRow, ExchangeRow), Stop> {
    let unknown = || Stop::Refuse(Refused::at(Code::UnknownExchange, "/in_reply_to", "exchange"));
    let member = gateway.store().member(&reference).await?.ok_or_else(unknown)?;
    if member.party != message.iss.party {
        return Err(unknown());
    }
    let exchange = gateway.store().exchange(&member.exchange).await?.ok_or_else(unknown)?;
    // of what was erased nothing is said any more but what became of it
    let is_over = !is_for_gateway(message) && gateway.store().is_erased(&exchange.id).await?;
    if is_over || !party_sees(&exchange, &message.iss) {
        return Err(unknown());
    }
    Ok((member, exchange))
}

/// A caller bound to a unit sees only the exchanges of that unit.
pub(super) fn party_sees(exchange: &ExchangeRow, caller: &Address) -> bool {
    let own =
        [&exchange.referrer, &exchange.receiver].into_iter().find(|a| a.party == caller.party);
    match own {
        Some(address) => caller.covers(address),
        None => caller.unit.is_none(),
    }
}

/// R6: to the other party of the thread and to whom the origin allows; nobody else.
pub(super) fn may_go_onward(exchange: &ExchangeRow, message: &Message) -> Result<(), Stop> {
    for (at, to) in message.recipients.iter().enumerate() {
        let others = [&exchange.referrer.party, &exchange.receiver.party];
        if !others.contains(&&to.party) && !exchange.onward.contains(&to.party) {
            let place = format!("/recipients/{at}");
            return Err(Stop::Refuse(Refused::at(Code::Onward, &place, "onward")));
        }
    }
    Ok(())
}

pub(super) fn role(exchange: &ExchangeRow, sender: &Address) -> Option<Role> {
    if sender.covers(&exchange.receiver) {
        Some(Role::Receiver)
    } else if sender.covers(&exchange.referrer) {
        Some(Role::Referrer)
    } else {
        None
    }
}

pub(super) fn subject_ref(message: &Message) -> Result<Id, Stop> {
    message
        .body
        .text("/subject/ref")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| subject_fault(message))
}

fn state(message: &Message, pointer: &str) -> Result<ThreadState, Stop> {
    let parsed = message.body.text(pointer).and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| illegal(&format!("/body{pointer}")))
}

pub(super) fn subject_fault(message: &Message) -> Stop {
    let place = message.place("/subject/ref");
    Stop::Refuse(Refused::at(Code::SubjectReference, &place, "reference"))
}

pub(super) fn illegal(pointer: &str) -> Stop {
    Stop::Refuse(Refused::at(Code::IllegalTransition, pointer, "lifecycle"))
}

fn not_yours(_message: &Message) -> Stop {
    Stop::Refuse(Refused::at(Code::StateNotYours, "/body/to_state", "lifecycle"))
}
