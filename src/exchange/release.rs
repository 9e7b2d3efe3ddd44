//! Step 8, first half: disclosures become signed releases.
//!
//! A release is a small statement in the clear and the redacted body as one disclosure, so that
//! the signature still verifies after the body is erased.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::{Date, OffsetDateTime, UtcOffset};

use crate::clock::JAKARTA;
use crate::domain::{Address, Digest, ExchangeRef, MessageId, PartyKind, ReleaseId, Statement};
use crate::policy::{Batch, Disclosure};
use crate::schema::Message;
use crate::sign::sd_jwt;
use crate::sign::signing::Signed;
use crate::store::MemberRow;
use crate::store::rows::PolicyPin;

use super::admit::Admitted;
use super::chain::GATEWAY;
use super::collect::takes_back;
use super::disclose::{Decided, Disclosed, Verdict, batch_of, kind_of};
use super::erase::Takes;
use super::submit::Stop;
use super::window::leaves_at;
use super::{Failure, Gateway, Rules, correct};

/// The statement of a release. Built only from a [`Disclosure`].
#[derive(Debug, Clone)]
pub(super) struct Release {
    claims: Value,
}

impl Statement for Release {
    const TYP: &'static str = "titian-release+sd-jwt";

    fn into_claims(self) -> Value {
        self.claims
    }
}

/// Where a release stands among others.
#[derive(Debug, Clone, Default)]
pub(super) struct Relations {
    /// The recipient's own message that this answers.
    pub(super) in_reply_to: Option<MessageId>,
    /// The release that a withdrawal or correction takes the place of.
    pub(super) replaces: Option<ReleaseId>,
    /// The release that a held text is added to.
    pub(super) supplements: Option<ReleaseId>,
    /// The release that it is, made anew before anyone has seen it.
    pub(super) remakes: Option<ReleaseId>,
    /// The releases in the recipient's hands that it is to erase.
    pub(super) erases: Vec<ReleaseId>,
}

/// A signed release with what is kept of it.
#[derive(Debug)]
pub(super) struct SignedRelease {
    pub(super) release_id: ReleaseId,
    pub(super) statement: Signed<Release>,
    pub(super) disclosure: String,
    /// SHA-256 of the whole SD-JWT.
    pub(super) digest: Digest,
    pub(super) release_schema: Digest,
    pub(super) origin_salt: String,
    pub(super) relations: Relations,
    /// When it was made (unix seconds): the moment that its window and its dates follow from.
    pub(super) made_at: i64,
    /// Whether it waits for a window, so that its recipient must not learn of it yet.
    pub(super) waits: bool,
}

/// A message with a signed release for every recipient that gets one. Minted here only.
#[derive(Debug)]
pub(super) struct Released {
    admitted: Admitted,
    outcomes: Vec<(Decided, Option<SignedRelease>)>,
    new_members: Vec<MemberRow>,
}

impl Released {
    #[expect(clippy::type_complexity, reason = "the three parts go one way, into the record")]
    pub(super) fn into_parts(
        self,
    ) -> (Admitted, Vec<(Decided, Option<SignedRelease>)>, Vec<MemberRow>) {
        (self.admitted, self.outcomes, self.new_members)
    }
}

pub(super) fn release(
    gateway: &Gateway,
    rules: &Rules,
    disclosed: Disclosed,
) -> Result<Released, Stop> {
    let (admitted, decided) = disclosed.into_parts();
    let mut outcomes = Vec::with_capacity(decided.len());
    let mut new_members = Vec::new();
    for each in decided {
        let member = match &each.verdict {
            Verdict::Goes { .. } | Verdict::Held { .. } => {
                Some(member_of(gateway, &admitted, &each, &mut new_members)?)
            }
            _ => None,
        };
        let signed = match (&each.verdict, &each.policy, member) {
            (Verdict::Goes { disclosure, .. }, Some(policy), Some(reference)) => {
                let kind = kind_of(rules, &each.recipient);
                let is_foreign = kind == PartyKind::Foreign;
                let message_type = &admitted.message().told_type;
                let batch = batch_of(rules, message_type, policy, is_foreign);
                let to = To {
                    recipient: &each.recipient,
                    kind,
                    batch: batch.ok_or(Failure::Unavailable)?,
                    made_at: admitted.case().inquiry.leaves_at(),
                    exchange: reference,
                    policy,
                    before: each.before.as_ref(),
                    retention_until: admitted.retention_until(),
                };
                let relations = relations(&admitted, &each.recipient);
                Some(sign_release(gateway, admitted.message(), &to, disclosure, relations)?)
            }
            _ => None,
        };
        outcomes.push((each, signed));
    }
    Ok(Released { admitted, outcomes, new_members })
}

/// The recipient's own reference of the exchange, minted when it is first told something.
fn member_of(
    gateway: &Gateway,
    admitted: &Admitted,
    each: &Decided,
    new_members: &mut Vec<MemberRow>,
) -> Result<ExchangeRef, Stop> {
    if let Some(member) = admitted.case().member(&each.recipient.party) {
        return Ok(member.reference);
    }
    let subject_ref = match &each.verdict {
        Verdict::Goes { disclosure, .. } => disclosure.subject_pseudonym(),
        _ => None,
    };
    let member = MemberRow {
        reference: ExchangeRef(gateway.mint()?),
        exchange: admitted.case().exchange.id,
        party: each.recipient.party.clone(),
        subject_ref,
    };
    let reference = member.reference;
    new_members.push(member);
    Ok(reference)
}

impl Relations {
    /// Of a release that adds to another, which took the place of what there was.
    pub(super) fn supplementing(self, release: Option<ReleaseId>) -> Self {
        match release {
            None => self,
            supplements => Self { supplements, in_reply_to: self.in_reply_to, ..Self::default() },
        }
    }
}

/// Where a release to `recipient` stands among others: what a withdrawal or a correction takes the
/// place of, where this recipient has it, what a notice is about, and what an answer answers.
pub(super) fn relations(admitted: &Admitted, recipient: &Address) -> Relations {
    let case = admitted.case();
    let chain = case.target.as_ref().map(|target| &target.chain).or(case.corrects.as_ref());
    let replaces = chain.and_then(|chain| chain.told(recipient)).map(|row| row.release_id);
    let in_reply_to = case.inquiry.in_reply_to();
    let mut erases = Vec::new();
    if let Some(Takes::Tells(told)) = &case.takes {
        erases.extend(told.iter().filter(|(to, _)| to == recipient).map(|(_, id)| *id));
        erases.sort();
    }
    Relations { in_reply_to, replaces, erases, ..Relations::default() }
}

/// For whom a release is made, and under which policy version.
#[derive(Debug)]
pub(super) struct To<'a> {
    pub(super) recipient: &'a Address,
    pub(super) kind: PartyKind,
    /// When it leaves.
    pub(super) batch: Batch,
    /// When it was first made, where it is made anew, or the moment of its own that it waits for.
    pub(super) made_at: Option<OffsetDateTime>,
    pub(super) exchange: ExchangeRef,
    pub(super) policy: &'a PolicyPin,
    /// The version in force when the message was admitted, where it is another one.
    pub(super) before: Option<&'a PolicyPin>,
    /// Until when it may keep what it receives: the earlier of the sender's and the agreement's.
    pub(super) retention_until: Date,
}

pub(super) fn sign_release(
    gateway: &Gateway,
    message: &Message,
    to: &To<'_>,
    disclosure: &Disclosure,
    relations: Relations,
) -> Result<SignedRelease, Failure> {
    let release_id = match relations.remakes {
        Some(id) => id,
        None => ReleaseId(gateway.mint()?),
    };
    let body = sd_jwt::disclose_text(&gateway.random()?, "body", disclosure.body_text());
    let salt = gateway.random()?;
    let origin = Digest::of_parts(&[&salt, message.digest.as_bytes()]);
    let is_foreign = to.kind == PartyKind::Foreign;
    let now = to.made_at.unwrap_or(gateway.clock().now());
    // what leaves together bears one date
    let leaves_at = leaves_at(to.batch, now);
    let mut claims = Map::new();
    claims.insert("iss".into(), gateway.id().into());
    claims.insert("aud".into(), addressee(to.recipient, is_foreign).into());
    claims.insert("iat".into(), issued_at(leaves_at, is_foreign).into());
    claims.insert("jti".into(), release_id.as_str().into());
    claims.insert("exchange".into(), to.exchange.as_str().into());
    if let Some(id) = relations.in_reply_to {
        claims.insert("in_reply_to".into(), id.as_str().into());
    }
    if let Some(id) = relations.replaces {
        claims.insert("replaces".into(), id.as_str().into());
        if let Some(reason) = correct::reason(message, to.kind) {
            claims.insert("correction".into(), reason.into());
        }
    }
    if !relations.erases.is_empty() {
        claims.insert("erases".into(), json!(relations.erases));
    }
    if let Some(id) = relations.supplements {
        claims.insert("supplements".into(), id.as_str().into());
    }
    if !disclosure.pending().is_empty() && !is_foreign {
        claims.insert("text_pending".into(), true.into());
    }
    claims.insert("type".into(), message.told_type.as_str().into());
    claims.insert("from".into(), addressee(&message.iss, is_foreign).into());
    claims.insert("policy".into(), json!(to.policy));
    if let Some(before) = to.before {
        claims.insert("policy_at_admission".into(), json!(before));
    }
    claims.insert("release_schema".into(), json!(disclosure.release_schema()));
    claims.insert("marking".into(), marking(message, to.kind));
    let day = leaves_at.to_offset(JAKARTA).date();
    claims.insert("obligations".into(), obligations(message, to, day));
    // taking back is always allowed, and why it is done is no business of the recipient; what the
    // gateway writes tells of no person
    if !takes_back(&message.message_type) && message.iss.party.as_str() != GATEWAY {
        let attest = json!({
            "best_interests": message.attest.best_interests,
            "safety_check": message.attest.safety_check,
        });
        claims.insert("attest".into(), attest);
    }
    claims.insert("origin".into(), json!(origin));
    claims.insert("_sd".into(), json!([body.digest]));
    claims.insert("_sd_alg".into(), "sha-256".into());
    let statement = gateway.keys().signing.sign(Release { claims: Value::Object(claims) })?;
    let whole = sd_jwt::assemble(statement.compact(), &[&body.encoded]);
    Ok(SignedRelease {
        release_id,
        disclosure: body.encoded,
        digest: Digest::of(whole.as_bytes()),
        release_schema: disclosure.release_schema(),
        origin_salt: URL_SAFE_NO_PAD.encode(salt),
        statement,
        relations,
        made_at: now.unix_timestamp(),
        waits: to.batch.window().is_some() || now > gateway.clock().now(),
    })
}

/// Towards a foreign party nothing below the party is named.
pub(super) fn addressee(address: &Address, is_foreign: bool) -> String {
    if is_foreign { address.party.to_string() } else { address.to_string() }
}

/// How the recipient must handle it. Caveats say of what kind the data is, which is told to social
/// agencies only; abroad the traffic light is never weaker than the default for a person, and the
/// instructions of that default always stand there. Order and repetition tell nothing.
fn marking(message: &Message, kind: PartyKind) -> Value {
    const DEFAULT: [&str; 3] = ["named_caseworkers", "no_onward", "not_in_proceedings"];
    let sent = &message.marking;
    let each = |words: &[String]| words.iter().cloned().collect::<BTreeSet<String>>();
    let mut handling = each(&sent.handling);
    let caveats = if kind == PartyKind::Social { each(&sent.caveats) } else { BTreeSet::new() };
    let mut tlp = sent.tlp.as_str();
    if kind == PartyKind::Foreign {
        handling.extend(DEFAULT.map(str::to_owned));
        tlp = if tlp == "TLP:RED" { tlp } else { "TLP:AMBER+STRICT" };
    }
    json!({"tlp": tlp, "handling": handling, "caveats": caveats})
}

/// What the recipient must keep to. Whom else the origin allows is no business of a foreign
/// recipient: towards it `onward` is empty, which means nobody.
fn obligations(message: &Message, to: &To<'_>, day: Date) -> Value {
    let is_foreign = to.kind == PartyKind::Foreign;
    let mut onward: Vec<_> = if is_foreign { Vec::new() } else { message.legal.onward.clone() };
    onward.sort();
    let until = if is_foreign { by_month(to.retention_until, day) } else { to.retention_until };
    json!({
        "purpose": message.legal.purpose,
        "retention_until": until.to_string(),
        "onward": onward,
    })
}

/// Abroad a day is coarsened to the first of its month, which is never later; where that has
/// passed on the day the release leaves, to the day after that. A day of its own would mark a
/// person, or be a birthday.
fn by_month(until: Date, leaves: Date) -> Date {
    let first = until.replace_day(1).unwrap_or(until);
    if first > leaves { first } else { until.min(leaves.next_day().unwrap_or(leaves)) }
}

/// Unix seconds; towards a foreign party 00:00 UTC of the day it leaves, so that the hour tells
/// nothing. It is never later than the moment it leaves.
fn issued_at(leaves_at: OffsetDateTime, is_foreign: bool) -> i64 {
    if is_foreign {
        leaves_at.to_offset(UtcOffset::UTC).date().midnight().assume_utc().unix_timestamp()
    } else {
        leaves_at.unix_timestamp()
    }
}
