//! What an officer of the sender's may know of a message to write an exception for it: to whom it
//! went, and as what. Nothing of its body.

use crate::config::Officer;
use crate::domain::{Address, Code, MessageId, MessageType, Purpose};

use super::{Failure, Gateway};

/// A message that an exception may be for.
#[derive(Debug, Clone)]
pub struct Excepting {
    /// Who sent it.
    pub sender: Address,
    /// To whom.
    pub recipients: Vec<Address>,
    /// Of which type it is.
    pub message: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
}

/// A message of the officer's own party and, where it is bound to one, its unit.
///
/// # Errors
/// `not-found` for any other.
pub async fn excepting(
    gateway: &Gateway,
    officer: &Officer,
    id: MessageId,
) -> Result<Excepting, Failure> {
    let row = gateway.store().message(&officer.party, &id).await?;
    let row = row.filter(|row| officer.address().covers(&row.sender));
    let row = row.ok_or_else(|| Failure::problem(Code::NotFound))?;
    let recipients = gateway.store().recipients(&row.sender.party, &id).await?;
    Ok(Excepting {
        sender: row.sender,
        recipients: recipients.into_iter().map(|to| to.recipient).collect(),
        message: row.message_type,
        purpose: row.purpose,
    })
}
