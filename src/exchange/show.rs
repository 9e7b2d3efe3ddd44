//! What a caller may read.
use serde_json::Value;

use super::{Failure, Gateway};
use crate::auth::Caller;
use crate::domain::{Digest, ExchangeRef, MessageId, MessageType};
use crate::wire::{ExchangeView, GatewayFacts, MessageView, SchemaList};

/// The sender's own view of a message.
pub async fn message(_g: &Gateway, _c: &Caller, _id: MessageId) -> Result<MessageView, Failure> {
    todo!()
}
/// The thread as the caller knows it.
pub async fn exchange(_g: &Gateway, _c: &Caller, _r: ExchangeRef) -> Result<ExchangeView, Failure> {
    todo!()
}
/// The message schemas.
pub fn schemas(_g: &Gateway) -> SchemaList {
    todo!()
}
/// One message schema.
pub fn schema(_g: &Gateway, _t: &MessageType) -> Result<Value, Failure> {
    todo!()
}
/// A release schema of the caller's, superseded ones too, as text.
pub async fn release_schema(_g: &Gateway, _c: &Caller, _d: Digest) -> Result<String, Failure> {
    todo!()
}
/// The signed checkpoint of the caller's own ledger.
pub async fn checkpoint(_g: &Gateway, _c: &Caller) -> Result<String, Failure> {
    todo!()
}
/// The signed checkpoint of the governance ledger; domestic parties only.
pub async fn governance_checkpoint(_g: &Gateway, _c: &Caller) -> Result<String, Failure> {
    todo!()
}
/// The gateway's public keys (RFC 7517).
pub fn jwks(_g: &Gateway) -> Value {
    todo!()
}
/// `titian.json`.
pub fn facts(_g: &Gateway) -> GatewayFacts {
    todo!()
}
