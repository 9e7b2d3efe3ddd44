//! Step 7, per recipient: what the policy in force lets it receive.
//!
//! A message can narrow its policy, never widen it. What cannot be decided is refused or held,
//! never passed.

use time::{Date, Duration, OffsetDateTime};

use crate::clock::JAKARTA;
use crate::domain::state::ReviewKind;
use crate::domain::{
    Address, Body, Code, Digest, Fault, Id, LeafName, MessageId, MessageType, PartyId, PartyKind,
    Purpose, Refused, ReleaseId, body::Protected,
};
use crate::mutant::{self, Mutant};
use crate::policy::{self, Batch, Compiled, Disclosure, ExceptionSource, Withheld};
use crate::schema;
use crate::sign;
use crate::store::rows::PolicyPin;
use crate::store::vault::Place;
use crate::store::{MessageRow, ReleaseRow};

use super::admit::Admitted;
use super::chain::GATEWAY;
use super::collect::takes_back;
use super::group::{Known, Weighed, within_budget};
use super::project::Projecting;
use super::rules::GRACE_DAYS;
use super::submit::Stop;
use super::suspend::{self, Look};
use super::under::{BOTH, Under, under};
use super::{Failure, Gateway, Rules, correct};

/// What each recipient is to receive. Minted here only.
#[derive(Debug)]
pub(super) struct Disclosed {
    admitted: Admitted,
    decided: Vec<Decided>,
}

impl Disclosed {
    pub(super) fn into_parts(self) -> (Admitted, Vec<Decided>) {
        (self.admitted, self.decided)
    }
}

/// What becomes of a message for one recipient.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) recipient: Address,
    pub(super) policy: Option<PolicyPin>,
    /// The version at admission, where it is another one.
    pub(super) before: Option<PolicyPin>,
    pub(super) verdict: Verdict,
    /// What a foreign recipient then knows of the case.
    pub(super) known: Option<Known>,
}

impl Decided {
    /// Decided by nothing but this policy version.
    pub(super) fn of(recipient: &Address, policy: Option<PolicyPin>, verdict: Verdict) -> Self {
        let recipient = recipient.clone();
        Self { recipient, policy, before: None, verdict, known: None }
    }

    /// A release that is made now, whatever went before.
    pub(super) fn goes(
        recipient: &Address,
        policy: PolicyPin,
        disclosure: impl Into<Box<Disclosure>>,
    ) -> Self {
        let (disclosure, last) = (disclosure.into(), Last::NotCompared);
        Self::of(recipient, Some(policy), Verdict::Goes { disclosure, last })
    }
}

#[derive(Debug)]
pub(super) enum Verdict {
    /// A release is to be made.
    Goes {
        disclosure: Box<Disclosure>,
        /// What it was compared with.
        last: Last,
    },
    /// The projection equals the last one sent.
    Unchanged {
        /// That is recorded as the last one; `None` where it was compared with another.
        last: Option<Digest>,
    },
    /// The whole message waits for an officer.
    Held { leaves: Vec<LeafName>, findings: Vec<Fault> },
    /// An officer decides first, for this reason, whether this recipient is told.
    Suspended(ReviewKind),
    /// No release.
    Refused(Refused),
    /// What is taken back was never handed out, so there is nothing to say.
    NeverTold,
    /// The recipient is told the same without it.
    AsWithout,
    /// It is for the gateway itself, which has it.
    Taken,
}

/// The projection that a new one is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Last {
    /// Messages of this type are not compared.
    NotCompared,
    /// The digest of the last one sent; `None` if nothing was.
    Sent(Option<Digest>),
}

/// The day on which a message is decided, and the moment its release is, or was first, made.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    today: Date,
    pub(super) made_at: OffsetDateTime,
}

impl When {
    pub(super) fn now(gateway: &Gateway, rules: &Rules) -> Self {
        let clock = gateway.clock();
        Self { today: rules.today(clock), made_at: clock.now() }
    }

    /// As [`Self::now`], for what leaves at a moment of its own.
    pub(super) fn leaving(self, at: Option<OffsetDateTime>) -> Self {
        Self { made_at: at.unwrap_or(self.made_at), ..self }
    }

    /// For what waits: its window follows from its making.
    pub(super) fn of(gateway: &Gateway, rules: &Rules, release: &ReleaseRow) -> Self {
        let now = Self::now(gateway, rules);
        let made_at = OffsetDateTime::from_unix_timestamp(release.made_at);
        Self { made_at: made_at.unwrap_or(now.made_at), ..now }
    }
}

pub(super) async fn disclose(
    gateway: &Gateway,
    rules: &Rules,
    admitted: Admitted,
) -> Result<Disclosed, Stop> {
    let mut decided = Vec::with_capacity(admitted.message().recipients.len());
    let mut look = Look::default();
    for recipient in &admitted.message().recipients {
        let to = (recipient, None);
        decided.push(decide(gateway, rules, &admitted, to, &mut look).await?);
    }
    refuse_if_nobody_receives(&decided)?;
    Ok(Disclosed { admitted, decided })
}

/// As [`disclose`], for one recipient of a message that was suspended: where it is pinned to
/// another policy version than the one in force, under both.
pub(super) async fn disclose_later(
    gateway: &Gateway,
    rules: &Rules,
    admitted: Admitted,
    (recipient, pinned): (&Address, Option<&PolicyPin>),
    look: &mut Look,
) -> Result<Disclosed, Stop> {
    let mut decided = decide(gateway, rules, &admitted, (recipient, pinned), look).await?;
    let is_excepted = decided.policy.as_ref().is_some_and(|pin| is_of_exception(rules, pin));
    let is_later = matches!(
        decided.verdict,
        Verdict::Goes { .. } | Verdict::Held { .. } | Verdict::Unchanged { .. }
    );
    if pinned.is_none() && is_later && !is_excepted {
        // no policy was for it when it was admitted
        let verdict = Verdict::Refused(Refused::because(Code::NoPolicy));
        decided = Decided::of(recipient, None, verdict);
    }
    if let Verdict::Goes { disclosure, last: Last::Sent(_) } = &decided.verdict {
        let digest = disclosure.body_digest();
        look.sends(&recipient.party, &admitted.message().told_type, digest);
    }
    Ok(Disclosed { admitted, decided: vec![decided] })
}

/// 422 if no recipient is left: with that recipient's reason where all share it.
fn refuse_if_nobody_receives(decided: &[Decided]) -> Result<(), Stop> {
    let mut reason: Option<&Refused> = None;
    for each in decided {
        match &each.verdict {
            Verdict::Refused(refused) => reason = Some(reason.unwrap_or(refused)),
            _ => return Ok(()),
        }
    }
    match reason {
        Some(refused) => Err(Stop::Refuse(refused.clone())),
        None => Ok(()),
    }
}

/// `pinned` is the version that the message was decided under before, if it was.
async fn decide(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, pinned): (&Address, Option<&PolicyPin>),
    look: &mut Look,
) -> Result<Decided, Stop> {
    let case = admitted.case();
    let when = When::now(gateway, rules).leaving(case.inquiry.leaves_at());
    let without_policy = |verdict| Ok(Decided::of(recipient, None, verdict));
    match before_policy(gateway, rules, admitted, (recipient, when), look).await? {
        None => {}
        Some(verdict @ Verdict::Suspended(_)) => {
            // pinned to the version that would have decided
            let policy = policy_for(rules, admitted, recipient, when).map(|policy| pin(&policy));
            return Ok(Decided::of(recipient, policy, verdict));
        }
        Some(verdict) => return without_policy(verdict),
    }
    let no_policy = || Verdict::Refused(Refused::because(Code::NoPolicy));
    // a correction goes to nobody for whom no policy was when the message was sent
    let original = case.corrects.as_ref().map(|chain| chain.pinned(recipient));
    let pinned = pinned.or(original.flatten());
    if original.is_some() && pinned.is_none() {
        return without_policy(no_policy());
    }
    let Some(policy) = policy_for(rules, admitted, recipient, when) else {
        return without_policy(no_policy());
    };
    let under = match pinned {
        Some(pinned) => under(gateway, rules, admitted, (recipient, pinned), when).await?,
        None => Some(Under::only(policy)),
    };
    let Some(Under { policy, before, blank, conflicting }) = under else {
        return without_policy(no_policy());
    };
    let decided = |verdict| Decided {
        before: before.clone(),
        ..Decided::of(recipient, Some(pin(&policy)), verdict)
    };
    let to = (recipient, when.made_at);
    if let Some(refused) = ends_before_window(rules, &policy, admitted, to) {
        return Ok(decided(Verdict::Refused(refused)));
    }
    if !conflicting.is_empty() {
        let findings = conflicting.iter().map(|leaf| Fault::at(leaf.as_str(), BOTH)).collect();
        return Ok(decided(Verdict::Held { leaves: conflicting, findings }));
    }
    let protected = if policy.has_free_leaves() && !case.is_new {
        protected_values(gateway, rules, &case.exchange.id, Before::Now).await?
    } else {
        Vec::new()
    };
    let leaves = (protected.as_slice(), &[][..], blank.as_slice());
    let projecting = Projecting { policy: &policy, admitted, recipient, leaves };
    let verdict = match projecting.project(gateway, &admitted.message().body) {
        Ok(disclosure) => compare(gateway, &projecting, disclosure, look).await?,
        Err(Withheld::Hold { leaves, findings }) => Verdict::Held { leaves, findings },
        Err(Withheld::Refuse(refused)) => Verdict::Refused(refused),
    };
    let part = correct::part(admitted, recipient);
    let (policy, made_at) = (policy.as_ref(), when.made_at);
    let release = (Weighed { recipient, policy, made_at, part: &part }, &mut look.carried);
    let (verdict, known) = within_budget(gateway, rules, admitted, release, verdict).await?;
    Ok(Decided { known, ..decided(verdict) })
}

/// What is decided before any policy is looked at.
async fn before_policy(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, when): (&Address, When),
    look: &mut Look,
) -> Result<Option<Verdict>, Stop> {
    let case = admitted.case();
    if case.inquiry.is_silent() {
        return Ok(Some(Verdict::AsWithout));
    }
    if let Some(target) = &case.target {
        return Ok((!target.chain.was_told(recipient)).then_some(Verdict::NeverTold));
    }
    if recipient.party.as_str() == GATEWAY {
        return Ok(Some(Verdict::Taken));
    }
    if takes_back(&admitted.message().message_type) {
        return Ok(None);
    }
    if case.suspensions.is_withheld(&recipient.party) {
        return Ok(Some(Verdict::Suspended(ReviewKind::Withheld)));
    }
    let is_excepted = exception_for(rules, admitted, recipient, when).is_some();
    let is_told = is_foreign_referrer(rules, admitted, recipient);
    if is_told && !is_excepted && !case.inquiry.is_of_nobody() {
        return Ok(Some(Verdict::Refused(Refused::because(Code::ForeignReferrer))));
    }
    let reason = suspend::reason(gateway, rules, admitted, recipient, look).await?;
    Ok(reason.map(Verdict::Suspended))
}

/// Whoever referred a person from abroad is told nothing that happens to this person here; only an
/// exception tells it.
pub(super) fn is_foreign_referrer(rules: &Rules, admitted: &Admitted, recipient: &Address) -> bool {
    let exchange = &admitted.case().exchange;
    let referred = [&exchange.referrer.party, &exchange.origin].contains(&&recipient.party);
    referred && is_foreign(rules, recipient)
}

/// The fixed plan, or the policy in force that the agreements of step 6 cover.
pub(super) fn policy_for(
    rules: &Rules,
    admitted: &Admitted,
    recipient: &Address,
    when: When,
) -> Option<std::sync::Arc<Compiled>> {
    let message = admitted.message();
    let is_foreign = kind_of(rules, recipient) == PartyKind::Foreign;
    if let Some(fixed) = rules.fixed.find(&message.told_type, is_foreign) {
        return Some(fixed);
    }
    let purpose = message.legal.purpose;
    if let Some(above) = exception_for(rules, admitted, recipient, when) {
        return Some(above);
    }
    let policy = rules.policies.find(&message.iss, recipient, &message.told_type, purpose)?;
    let today = when.today;
    let runs = runs(rules, &policy, (&message.iss.party, &recipient.party), today);
    if runs && today > policy.expires() {
        tracing::warn!(policy = policy.id(), "an expired policy runs in its 30 days of grace");
        metrics::counter!("titian_policy_grace_total").increment(1);
    }
    runs.then_some(policy)
}

/// Whether a policy decides today for these two: it and an agreement for it are in force.
pub(super) fn runs(
    rules: &Rules,
    policy: &Compiled,
    (sender, recipient): (&PartyId, &PartyId),
    today: Date,
) -> bool {
    let is_foreign = is_foreign(rules, &Address::party(recipient.clone()));
    is_agreed(rules, policy, sender, recipient, today) && in_force(policy, is_foreign, today)
}

/// The exception in force for this message and recipient, if there is one; not one that has ended
/// when the window opens that a release waits for.
fn exception_for(
    rules: &Rules,
    admitted: &Admitted,
    recipient: &Address,
    When { today, made_at }: When,
) -> Option<std::sync::Arc<Compiled>> {
    let message = admitted.message();
    let (source, above) = rules.exceptions.iter().find(|(source, _)| {
        source.message_id() == message.message_id
            && source.sender().covers(&message.iss)
            && source.recipient().covers(recipient)
            && *source.message() == message.told_type
            && source.purpose() == message.legal.purpose
    })?;
    let window = above.batch().opening_after(made_at);
    let leaves_on = window.map_or(today, |opening| opening.to_offset(JAKARTA).date());
    let day = leaves_on.max(today);
    let runs = is_agreed(rules, above, &message.iss.party, &recipient.party, today)
        && (day <= above.expires() || mutant::is(Mutant::ExceptionStays))
        && stands(rules, source, recipient, day);
    runs.then(|| std::sync::Arc::clone(above))
}

/// Whether the policy that an exception is above, if it is above one, has not ended: with it ends
/// whatever the exception passes of it.
fn stands(rules: &Rules, source: &ExceptionSource, recipient: &Address, day: Date) -> bool {
    let standing = rules.standing(source);
    standing.is_none_or(|standing| in_force(&standing, is_foreign(rules, recipient), day))
}

/// Why a release made at that moment, that waits for a window, could not leave at it: it may not be
/// kept until then, or its policy or agreement has ended. Better refused than queued for good.
pub(super) fn ends_before_window(
    rules: &Rules,
    policy: &Compiled,
    admitted: &Admitted,
    (recipient, made_at): (&Address, OffsetDateTime),
) -> Option<Refused> {
    let day = policy.batch().opening_after(made_at)?.to_offset(JAKARTA).date();
    if admitted.retention_until() < day {
        return Some(Refused::at(Code::Retention, "/legal/retention_until", "minimum"));
    }
    let sender = &admitted.message().iss.party;
    let is_foreign = is_foreign(rules, recipient);
    let runs = is_agreed(rules, policy, sender, &recipient.party, day)
        && in_force(policy, is_foreign, day);
    (!runs).then(|| Refused::because(Code::NoPolicy))
}

/// Whether a version is that of an exception in force.
fn is_of_exception(rules: &Rules, pin: &PolicyPin) -> bool {
    rules.exceptions.iter().any(|(_, above)| above.digest() == pin.digest)
}

/// The policy version that is pinned, if it is the one in force: an exception's, or a standing one.
fn pinned<'r>(rules: &'r Rules, pin: &PolicyPin) -> Option<&'r Compiled> {
    let above = rules.exceptions.iter().map(|(_, above)| above);
    let mut all = above.chain(rules.policies.by_id(&pin.id));
    all.find(|policy| policy.digest() == pin.digest).map(std::sync::Arc::as_ref)
}

/// The fixed plan that a release went or goes under, if it is under one.
fn fixed(
    rules: &Rules,
    message_type: &MessageType,
    pin: &PolicyPin,
    is_foreign: bool,
) -> Option<std::sync::Arc<Compiled>> {
    let by_type = rules.fixed.find(message_type, is_foreign);
    by_type.or_else(|| rules.fixed.by_digest(&pin.digest).map(std::sync::Arc::clone))
}

/// When releases under that policy version leave; `None` if it is not the one in force.
pub(super) fn batch_of(
    rules: &Rules,
    message_type: &MessageType,
    pin: &PolicyPin,
    is_foreign: bool,
) -> Option<Batch> {
    if let Some(fixed) = fixed(rules, message_type, pin, is_foreign) {
        return Some(fixed.batch());
    }
    pinned(rules, pin).map(Compiled::batch)
}

/// When a release that waits may leave; `None` if it may not any more: its very policy version and
/// an agreement for it must be in force. What takes data back always may.
pub(super) fn still_goes(
    rules: &Rules,
    message_type: &MessageType,
    pin: &PolicyPin,
    (sender, recipient): (&PartyId, &Address),
    today: Date,
) -> Option<Batch> {
    let is_foreign = is_foreign(rules, recipient);
    if let Some(fixed) = fixed(rules, message_type, pin, is_foreign) {
        return Some(fixed.batch());
    }
    let policy = pinned(rules, pin)?;
    let above = rules.exceptions.iter().find(|(_, above)| above.digest() == pin.digest);
    let runs = is_agreed(rules, policy, sender, &recipient.party, today)
        && in_force(policy, is_foreign, today)
        && above.is_none_or(|(source, _)| stands(rules, source, recipient, today));
    runs.then(|| policy.batch())
}

/// Whether the policy's agreement is in force, binds both, and allows its type and purpose.
fn is_agreed(
    rules: &Rules,
    policy: &Compiled,
    sender: &PartyId,
    recipient: &PartyId,
    today: Date,
) -> bool {
    let agreement = rules.agreements.iter().find(|a| a.id == policy.agreement());
    agreement.is_some_and(|agreement| {
        agreement.binds(sender, recipient)
            && agreement.in_force(today)
            && agreement.messages.contains(policy.message())
            && agreement.purposes.contains(&policy.purpose())
    })
}

/// A foreign policy stops on its day; a domestic child-protection policy runs 30 days longer,
/// because a child must not wait for a form.
fn in_force(policy: &Compiled, is_foreign: bool, today: Date) -> bool {
    let is_standing = policy.exception().is_none();
    let has_grace = policy.purpose() == Purpose::ChildProtection && !is_foreign && is_standing;
    let grace = Duration::days(if has_grace { GRACE_DAYS } else { 0 });
    today <= policy.expires().saturating_add(grace)
}

/// A status whose projection equals the last one sent is not sent again: an empty message would
/// tell that something hidden has changed.
async fn compare(
    gateway: &Gateway,
    projecting: &Projecting<'_>,
    disclosure: Disclosure,
    look: &Look,
) -> Result<Verdict, Stop> {
    let Projecting { admitted, recipient, .. } = *projecting;
    if let Some(chain) = &admitted.case().corrects {
        let what = (admitted, chain);
        return Ok(correct::compare(gateway, what, projecting, disclosure, look).await?);
    }
    let disclosure = Box::new(disclosure);
    if admitted.message().told_type.name() != "status" {
        return Ok(Verdict::Goes { disclosure, last: Last::NotCompared });
    }
    Ok(match last_sent(gateway, admitted, recipient, look).await? {
        Some(digest) if digest == disclosure.body_digest() => {
            Verdict::Unchanged { last: Some(digest) }
        }
        last => Verdict::Goes { disclosure, last: Last::Sent(last) },
    })
}

/// The last projection of that type that was sent to a recipient.
pub(super) async fn last_sent(
    gateway: &Gateway,
    admitted: &Admitted,
    recipient: &Address,
    look: &Look,
) -> Result<Option<Digest>, Failure> {
    let (exchange, kind) = (&admitted.case().exchange.id, &admitted.message().told_type);
    Ok(match look.sent(&recipient.party, kind) {
        Some(digest) => Some(digest),
        None => gateway.store().last_projection(exchange, &recipient.party, kind.as_str()).await?,
    })
}

/// Which messages of an exchange are earlier.
#[derive(Debug, Clone, Copy)]
pub(super) enum Before<'a> {
    /// All that are recorded.
    Now,
    /// Those admitted before this one.
    Message(&'a MessageRow),
}

/// Direct values of the exchange's earlier messages: the net must not let one come back.
pub(super) async fn protected_values(
    gateway: &Gateway,
    rules: &Rules,
    exchange: &Id,
    before: Before<'_>,
) -> Result<Vec<Protected>, Failure> {
    let mut protected = Vec::new();
    for row in gateway.store().messages_of(exchange).await? {
        if let Before::Message(message) = before
            && (&row.sender, row.message_id) == (&message.sender, message.message_id)
        {
            break;
        }
        let Some((told_type, body)) = stored(gateway, &row)? else { continue };
        if let Some(schema) = rules.schemas.message(&told_type) {
            policy::direct_values(schema.leaves(), &body, &mut protected);
        }
    }
    Ok(protected)
}

/// The body of a recorded message, of a correction the corrected one; `None` once erased.
pub(super) fn stored_body(gateway: &Gateway, row: &MessageRow) -> Result<Option<Body>, Failure> {
    Ok(stored(gateway, row)?.map(|(_, body)| body))
}

/// As [`stored_body`], with the type that it is told as.
fn stored(gateway: &Gateway, row: &MessageRow) -> Result<Option<(MessageType, Body)>, Failure> {
    let Some(object) = stored_object(gateway, row)? else { return Ok(None) };
    let recorded = sign::recorded(&object).map_err(Failure::internal)?;
    let body = schema::reread(&recorded).map_err(Failure::Problem)?;
    let schemas = &gateway.rules().schemas;
    let (told_type, body) = schemas.unfold(&row.message_type, body.into_value());
    Ok(Some((told_type, Body::new(body))))
}

/// The object of a recorded message as it was received; `None` once erased.
pub(super) fn stored_object(
    gateway: &Gateway,
    row: &MessageRow,
) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Failure> {
    let Some(sealed) = &row.object else { return Ok(None) };
    let row_key = message_key(&row.sender.party, &row.message_id);
    let place = message_place(&row_key);
    gateway.parts.vault.unseal(place, sealed).map(Some).map_err(Failure::internal)
}

/// Where a message's object is sealed.
pub(super) fn message_key(sender: &PartyId, id: &MessageId) -> String {
    format!("{sender}/{id}")
}

pub(super) fn message_place(key: &str) -> Place<'_> {
    Place { table: "messages", row: key, column: "object" }
}

/// Where a release's body is sealed.
pub(super) fn release_place(id: &ReleaseId) -> Place<'_> {
    Place { table: "releases", row: id.as_str(), column: "disclosure" }
}

pub(super) fn kind_of(rules: &Rules, address: &Address) -> PartyKind {
    let party = rules.directory.party(&address.party);
    party.map_or(PartyKind::Foreign, |party| rules.floor.kind(&address.party, party.kind))
}

/// Whether an address lies outside Indonesia; an unknown one does.
pub(super) fn is_foreign(rules: &Rules, address: &Address) -> bool {
    kind_of(rules, address) == PartyKind::Foreign
}

pub(super) fn pin(policy: &Compiled) -> PolicyPin {
    PolicyPin { id: policy.id().to_owned(), version: policy.version(), digest: policy.digest() }
}
