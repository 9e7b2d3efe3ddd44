//! A recipient's signed word that a machine received a release.
use super::{Failure, Gateway};
use crate::auth::Caller;
use crate::domain::ReleaseId;
use crate::wire::Acknowledged;

/// Takes an acknowledgement.
pub async fn acknowledge(
    _gateway: &Gateway,
    _caller: &Caller,
    _release: ReleaseId,
    _object: &[u8],
) -> Result<Acknowledged, Failure> {
    todo!()
}
