//! Holds: what is kept back for a person to decide.
use super::{Failure, Gateway};
use crate::domain::Id;
use crate::wire::{HoldAct, HoldView};

/// Holds, oldest first.
pub async fn list(_g: &Gateway, _decided_too: bool) -> Result<Vec<HoldView>, Failure> {
    todo!()
}
/// One hold with its values; recorded.
pub async fn show(_g: &Gateway, _id: Id, _act: &HoldAct) -> Result<HoldView, Failure> {
    todo!()
}
/// Lets it go.
pub async fn release(_g: &Gateway, _id: Id, _act: &HoldAct) -> Result<HoldView, Failure> {
    todo!()
}
/// Keeps it back for good.
pub async fn discard(_g: &Gateway, _id: Id, _act: &HoldAct) -> Result<HoldView, Failure> {
    todo!()
}
