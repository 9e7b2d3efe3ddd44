//! A message is submitted: its life in order, one line per step, each step a type that only the
//! module on its arrow can mint.
//!
//! ```text
//! bytes ─sign→ Verified ─schema→ Parsed ─here→ Fresh ─schema→ Valid<Message> ─admit→ Admitted
//!   ─policy→ Disclosed ─sign→ Released ─record→ Changes ─store→ Committed
//! ```
//!
//! Up to the signature a failure is a plain problem; from the parse on a refusal is signed and
//! recorded in the sender's ledger. A store that cannot write records nothing: the sender tries
//! again with the same bytes.

use crate::auth::Caller;
use crate::domain::{Code, Digest, MessageId, Refused};
use crate::schema::{self, Message, Parsed, Valid};
use crate::sign::{self, SignFault, Verified};
use crate::store::{Changes, CommitError, Committed, EntrySlot, MessageRow, Requirement};
use crate::wire::{DryRecipient, Submitted, WouldAdmit};

use super::admit::{Admitted, admit};
use super::disclose::{Disclosed, disclose};
use super::erase::{self, More};
use super::record::{Recorded, record, record_refusal};
use super::release::{Released, release};
use super::{Failure, Gateway, Rules, show};

/// Media type of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/jose`: a plain JWS.
    Jose,
    /// `application/sd-jwt`: a JWS with disclosures.
    SdJwt,
}

/// What became of a submission.
#[derive(Debug)]
pub enum Outcome {
    /// 201.
    Admitted(Submitted),
    /// 202.
    Held(Submitted),
    /// 200: the same bytes again.
    Repeated(Submitted),
}

/// How often a message whose preconditions changed under it is decided again.
const ATTEMPTS_MAX: u32 = 3;

/// Takes a message.
///
/// # Errors
/// [`Failure::Problem`] up to the signature, [`Failure::Recorded`] from the parse on,
/// [`Failure::Unavailable`] when nothing could be recorded.
pub async fn submit(
    gateway: &Gateway,
    caller: &Caller,
    media: Media,
    object: &[u8],
) -> Result<Outcome, Failure> {
    for _ in 0..ATTEMPTS_MAX {
        let mut named = Named::default();
        match attempt(gateway, caller, media, object, &mut named).await {
            Ok(outcome) => return Ok(outcome),
            // most often the rules have changed: whoever changes them is waited for
            Err(Stop::Conflict) => gateway.catch_up().await?,
            Err(Stop::Plain(refused)) => return Err(Failure::Problem(refused)),
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Refuse(refused)) => {
                return Err(record_refusal(gateway, caller, &named, refused).await);
            }
        }
    }
    Err(Failure::Unavailable)
}

/// Steps 1-6 without recording anything.
///
/// # Errors
/// [`Failure::Problem`] with what a submission would be refused for.
pub async fn dry_run(
    gateway: &Gateway,
    caller: &Caller,
    media: Media,
    object: &[u8],
) -> Result<WouldAdmit, Failure> {
    let rules = gateway.rules();
    let mut named = Named::default();
    let admitted = match decide(gateway, &rules, caller, (media, object), &mut named).await {
        Ok(Seen::Never(admitted)) => admitted,
        Ok(Seen::Before(_)) => return Err(Failure::problem(Code::AlreadyAdmitted)),
        Err(Stop::Plain(refused) | Stop::Refuse(refused)) => return Err(Failure::Problem(refused)),
        Err(Stop::Failed(failure)) => return Err(failure),
        Err(Stop::Conflict) => return Err(Failure::Unavailable),
    };
    let message = admitted.message();
    let recipients = message.recipients.iter();
    Ok(WouldAdmit {
        message_id: message.message_id.to_string(),
        state: "would_admit".to_owned(),
        recipients: recipients.map(|to| DryRecipient { party: to.to_string() }).collect(),
    })
}

/// The flow.
async fn attempt(
    gateway: &Gateway,
    caller: &Caller,
    media: Media,
    object: &[u8],
    named: &mut Named,
) -> Result<Outcome, Stop> {
    let rules = gateway.rules();
    let admitted = match decide(gateway, &rules, caller, (media, object), named).await? {
        Seen::Never(admitted) => admitted,
        Seen::Before(row) => return repeated(gateway, caller, &row).await,
    };
    // the entry of the message itself comes first
    let more: More = erase::more(gateway, &rules, &admitted, 1).await?;
    let disclosed: Disclosed = disclose(gateway, &rules, admitted).await?;
    let released: Released = release(gateway, &rules, disclosed)?;
    let recorded: Recorded =
        record(gateway, &rules, &caller.into(), released, (object, EntrySlot(0)))?;
    let (mut changes, answer) = recorded.into_parts();
    changes.append(more.changes);
    let committed = commit(gateway, changes).await?;
    for party in &more.tell {
        gateway.tell(party);
    }
    Ok(answer.give(gateway, &committed)?)
}

/// Steps 3 to 6: nothing here writes.
async fn decide(
    gateway: &Gateway,
    rules: &Rules,
    caller: &Caller,
    (media, object): (Media, &[u8]),
    named: &mut Named,
) -> Result<Seen<Admitted>, Stop> {
    let verified = verify(rules, caller, media, object)?;
    let parsed = parse(verified, named)?;
    let parsed = addressed(gateway, caller, parsed)?;
    let fresh = match look_up(gateway, caller, parsed).await? {
        Seen::Never(fresh) => fresh,
        Seen::Before(row) => return Ok(Seen::Before(row)),
    };
    let valid = validate(rules, fresh)?;
    Ok(Seen::Never(admit(gateway, rules, caller, valid).await?))
}

/// Step 3: strict header, signature under a key of the certificate's party.
pub(super) fn verify(
    rules: &Rules,
    caller: &Caller,
    media: Media,
    object: &[u8],
) -> Result<Verified, Stop> {
    let split = sign::split(object).map_err(plain)?;
    let key = rules
        .directory
        .signing_key(caller.address(), split.kid())
        .ok_or_else(|| plain(SignFault::UnknownKey))?;
    let typ = match media {
        Media::Jose => "titian-message+jwt",
        Media::SdJwt => "titian-message+sd-jwt",
    };
    split.verify(key, &[typ]).map_err(plain)
}

/// Step 4, first half: strict JSON.
pub(super) fn parse(verified: Verified, named: &mut Named) -> Result<Parsed, Stop> {
    named.digest = Some(verified.digest());
    let parsed = schema::parse(verified).map_err(|unparsed| Stop::Refuse(unparsed.refused))?;
    named.message_id = parsed.message_id();
    Ok(parsed)
}

/// Step 4, second half: the signer is who calls, and the message is for this gateway.
pub(super) fn addressed(
    gateway: &Gateway,
    caller: &Caller,
    parsed: Parsed,
) -> Result<Parsed, Stop> {
    let sender = caller.address().to_string();
    if parsed.text("iss") != Some(sender.as_str()) {
        return Err(Stop::Refuse(Refused::at(Code::SenderMismatch, "/iss", "const")));
    }
    if parsed.text("aud") != Some(gateway.id()) {
        return Err(Stop::Refuse(Refused::at(Code::Audience, "/aud", "const")));
    }
    Ok(parsed)
}

/// Step 4, last: an admitted id is answered again, byte for byte, also after its `exp`.
pub(super) async fn look_up(
    gateway: &Gateway,
    caller: &Caller,
    parsed: Parsed,
) -> Result<Seen<Fresh>, Stop> {
    let Some(id) = parsed.message_id() else {
        return Err(Stop::Refuse(Refused::at(Code::Schema, "/jti", "pattern")));
    };
    match gateway.store().message(&caller.address().party, &id).await? {
        None => Ok(Seen::Never(Fresh(parsed))),
        Some(row) if row.digest == parsed.digest() => Ok(Seen::Before(Box::new(row))),
        Some(_) => Err(Stop::Plain(Refused::because(Code::AlreadyAdmitted))),
    }
}

/// Step 5.
pub(super) fn validate(rules: &Rules, fresh: Fresh) -> Result<Valid<Message>, Stop> {
    rules.schemas.validate(fresh.0).map_err(Stop::Refuse)
}

/// Step 8: durable before anyone is answered.
async fn commit(gateway: &Gateway, changes: Changes) -> Result<Committed, Stop> {
    gateway.store().commit(changes).await.map_err(|error| match error {
        CommitError::Conflict(requirement) => {
            let raced = matches!(requirement, Requirement::MessageUnseen { .. });
            tracing::debug!(raced, "a precondition no longer holds; deciding again");
            Stop::Conflict
        }
        CommitError::Unavailable(error) => Stop::Failed(error.into()),
    })
}

async fn repeated(gateway: &Gateway, caller: &Caller, row: &MessageRow) -> Result<Outcome, Stop> {
    Ok(Outcome::Repeated(show::submitted(gateway, caller, row).await?))
}

fn plain(fault: SignFault) -> Stop {
    Stop::Plain(Refused::because(code_of(fault)))
}

/// The problem that a signature's fault is told as.
pub(super) fn code_of(fault: SignFault) -> Code {
    match fault {
        SignFault::NotCompact => Code::NotCompact,
        SignFault::Header => Code::Header,
        SignFault::Algorithm => Code::Algorithm,
        SignFault::Typ => Code::Typ,
        SignFault::Parameter => Code::Parameter,
        SignFault::UnknownKey => Code::UnknownKey,
        SignFault::Signature => Code::Signature,
        SignFault::Disclosure => Code::Disclosure,
    }
}

/// A parsed message whose id this gateway has not admitted. Minted by the look-up only.
#[derive(Debug)]
pub struct Fresh(Parsed);

/// Whether the message was admitted before.
pub(super) enum Seen<T> {
    Never(T),
    Before(Box<MessageRow>),
}

/// What a refusal may name: the object's digest, and its id if the payload could be read.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) digest: Option<Digest>,
    pub(super) message_id: Option<MessageId>,
}

/// Why the flow stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// A plain problem; nothing is recorded.
    Plain(Refused),
    /// A refusal to sign and record.
    Refuse(Refused),
    /// A precondition changed: decide again.
    Conflict,
    /// The gateway itself.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
