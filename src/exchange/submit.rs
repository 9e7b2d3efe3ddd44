//! A message is submitted.
use super::{Failure, Gateway};
use crate::auth::Caller;
use crate::wire::{Submitted, WouldAdmit};

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

/// Takes a message.
pub async fn submit(
    _gateway: &Gateway,
    _caller: &Caller,
    _media: Media,
    _object: &[u8],
) -> Result<Outcome, Failure> {
    todo!()
}

/// Steps 1-6 without recording anything.
pub async fn dry_run(
    _gateway: &Gateway,
    _caller: &Caller,
    _media: Media,
    _object: &[u8],
) -> Result<WouldAdmit, Failure> {
    todo!()
}
