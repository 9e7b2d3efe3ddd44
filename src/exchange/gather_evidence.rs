//! Evidence bundles.
use serde_json::Value;

use super::{Failure, Gateway};
use crate::auth::Caller;
use crate::domain::{MessageId, ReleaseId};

/// The sender's evidence.
pub async fn of_message(_g: &Gateway, _c: &Caller, _id: MessageId) -> Result<Value, Failure> {
    todo!()
}
/// The recipient's evidence.
pub async fn of_release(_g: &Gateway, _c: &Caller, _id: ReleaseId) -> Result<Value, Failure> {
    todo!()
}
