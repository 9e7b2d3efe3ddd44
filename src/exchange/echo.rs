//! A partner's signed message is looked at step by step, as it would be if it were sent: for its
//! first day. Nothing is stored, signed or passed on, and no value of it is told.

use crate::auth::Caller;
use crate::domain::{Address, Code, PartyId, Refused};
use crate::sign;

use super::admit::admit;
use super::partners::{key_of, state};
use super::rules::Rules;
use super::sight::Sight;
use super::submit::{
    Media, Named, Seen, Stop, addressed, code_of, look_up, parse, validate, verify,
};
use super::{Failure, Gateway};

/// The steps, in order.
pub const STEPS: [&str; 9] =
    ["form", "typ", "key", "signature", "json", "address", "schema", "agreement", "policy"];

/// Largest message, in bytes: as the agencies' listener takes it.
const BYTES_MAX: usize = 256 * 1024;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// One of [`STEPS`].
    pub name: &'static str,
    /// What of it came out.
    pub outcome: Outcome,
}

/// What came out of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not, and nothing after it was looked at.
    Fails(Refused),
    /// A step before it fails.
    NotReached,
}

/// A whole look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Every step.
    pub steps: Vec<Step>,
    /// Once it got so far: recipient, and the id of the policy that would decide for it.
    pub policies: Vec<(String, String)>,
    /// Whether this very message was admitted before, so that its repetition would be answered.
    pub is_repeated: bool,
}

/// How far a look came.
struct Look {
    passed: usize,
    policies: Vec<(String, String)>,
    is_repeated: bool,
}

/// Looks at a message of `party`, pasted by an officer.
///
/// # Errors
/// [`Failure`] when the gateway cannot look; what is wrong with the message is the answer.
pub async fn echo(
    gateway: &Gateway,
    (rules, sight): (&Rules, &Sight),
    party: &PartyId,
    pasted: &str,
) -> Result<Echo, Failure> {
    let mut look = Look { passed: 0, policies: Vec::new(), is_repeated: false };
    let failed = match steps(gateway, (rules, sight), party, pasted.trim(), &mut look).await {
        Ok(()) => None,
        Err(Stop::Plain(refused) | Stop::Refuse(refused)) => Some(refused),
        Err(Stop::Failed(failure)) => return Err(failure),
        Err(Stop::Conflict) => return Err(Failure::Unavailable),
    };
    let step = |(at, name): (usize, &&'static str)| {
        let outcome = match &failed {
            Some(refused) if at == look.passed => Outcome::Fails(refused.clone()),
            Some(_) if at > look.passed => Outcome::NotReached,
            None if at >= look.passed => Outcome::NotReached,
            _ => Outcome::Holds,
        };
        Step { name, outcome }
    };
    let steps = STEPS.iter().enumerate().map(step).collect();
    Ok(Echo { steps, policies: look.policies, is_repeated: look.is_repeated })
}

async fn steps(
    gateway: &Gateway,
    (rules, sight): (&Rules, &Sight),
    party: &PartyId,
    pasted: &str,
    look: &mut Look,
) -> Result<(), Stop> {
    let object = pasted.as_bytes();
    let refuse = |code| Stop::Plain(Refused::because(code));
    if object.len() > BYTES_MAX {
        return Err(refuse(Code::TooLarge));
    }
    let split = sign::split(object).map_err(|fault| refuse(code_of(fault)))?;
    look.passed = 1;
    let media = if pasted.contains('~') { Media::SdJwt } else { Media::Jose };
    let typ = match media {
        Media::Jose => "titian-message+jwt",
        Media::SdJwt => "titian-message+sd-jwt",
    };
    if split.typ() != typ {
        return Err(refuse(Code::Typ));
    }
    look.passed = 2;
    let caller = caller(rules, party, pasted).ok_or_else(|| refuse(Code::UnknownKey))?;
    if rules.directory.signing_key(caller.address(), split.kid()).is_none() {
        return Err(refuse(Code::UnknownKey));
    }
    look.passed = 3;
    let verified = verify(rules, &caller, media, object)?;
    look.passed = 4;
    let parsed = parse(verified, &mut Named::default())?;
    look.passed = 5;
    let parsed = addressed(gateway, &caller, parsed)?;
    let fresh = match look_up(gateway, &caller, parsed).await? {
        Seen::Never(fresh) => fresh,
        Seen::Before(_) => {
            look.is_repeated = true;
            look.passed = STEPS.len();
            return Ok(());
        }
    };
    look.passed = 6;
    let valid = validate(rules, fresh)?;
    look.passed = 7;
    // how a case stands is told to those whose case it is
    let mut sides = std::iter::once(&valid.iss).chain(&valid.recipients);
    if !sides.any(|side| sight.is_own(side) || side.covers(sight.at())) {
        return Err(refuse(Code::NotFound));
    }
    let admitted = admit(gateway, rules, &caller, valid).await?;
    look.passed = 8;
    let message = admitted.message();
    for (at, to) in message.recipients.iter().enumerate() {
        let Some(policy) = deciding(gateway, rules, (&message.iss, to), &admitted) else {
            let place = format!("/recipients/{at}");
            return Err(Stop::Plain(Refused::at(Code::NoPolicy, &place, "policy")));
        };
        look.policies.push((to.to_string(), policy));
    }
    look.passed = STEPS.len();
    Ok(())
}

/// As whom it would come: the unit that it says it is of, where the party has such a one.
fn caller(rules: &Rules, party: &PartyId, pasted: &str) -> Option<Caller> {
    let said = sign::unverified_claims(pasted)?;
    let said = said.get("iss").and_then(|iss| iss.as_str()?.parse::<Address>().ok());
    let said = said.filter(|said| said.party == *party);
    let address = said.unwrap_or_else(|| Address::party(party.clone()));
    Caller::without_scopes(&rules.directory, &address)
        .or_else(|| Caller::without_scopes(&rules.directory, &Address::party(party.clone())))
}

/// The id of the policy that would decide, if there is one under which anything passes.
fn deciding(
    gateway: &Gateway,
    rules: &Rules,
    (from, to): (&Address, &Address),
    admitted: &super::admit::Admitted,
) -> Option<String> {
    let message = admitted.message();
    let is_foreign = super::disclose::is_foreign(rules, to);
    if let Some(fixed) = rules.fixed.find(&message.message_type, is_foreign) {
        return Some(fixed.message().to_string());
    }
    let policy = rules.policies.find(from, to, &message.message_type, message.legal.purpose)?;
    let today = rules.today(gateway.clock());
    let has_ended = key_of(rules, &policy).is_some_and(|key| rules.ended.contains(key));
    state(rules, &policy, has_ended, today).passes().then(|| policy.id().to_owned())
}
