//! What the console remembers for a while: sessions, and invitations.
//!
//! A ticket is kept under a hash of what the browser holds, so that whoever reads the database
//! signs in with nothing of it.

use crate::domain::Digest;
use crate::store::{Changes, CommitError, Requirement, Write};

use super::gateway::commit;
use super::{Failure, Gateway};

/// Largest ticket, in bytes of JSON.
pub const BYTES_MAX: usize = 64 * 1024;

/// Keeps a ticket until a moment (unix seconds), in place of what it said before.
///
/// # Errors
/// [`Failure`]; [`Failure::Internal`] for one that is too large.
pub async fn keep(
    gateway: &Gateway,
    (kind, secret): (&str, &str),
    value: String,
    expires_at: i64,
) -> Result<(), Failure> {
    if value.len() > BYTES_MAX {
        return Err(Failure::internal(TooLarge));
    }
    let key = key(kind, secret);
    let write = Write::Ticket { key, value, expires_at };
    commit(gateway.store(), Changes { writes: vec![write], ..Changes::default() }).await
}

/// What a ticket says, while it lasts.
///
/// # Errors
/// [`Failure`].
pub async fn read(
    gateway: &Gateway,
    (kind, secret): (&str, &str),
) -> Result<Option<String>, Failure> {
    let ticket = gateway.store().ticket(&key(kind, secret)).await?;
    Ok(ticket.filter(|(_, expires_at)| *expires_at > gateway.now()).map(|(value, _)| value))
}

/// Gives a ticket back; whether it was still there, for one of those that race at most.
///
/// # Errors
/// [`Failure`].
pub async fn take(gateway: &Gateway, (kind, secret): (&str, &str)) -> Result<bool, Failure> {
    let key = key(kind, secret);
    let requires = vec![Requirement::Ticket(key.clone())];
    let changes = Changes { requires, writes: vec![Write::DropTicket(key)], ..Changes::default() };
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict(_)) => Ok(false),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

fn key(kind: &str, secret: &str) -> String {
    format!("{kind}:{}", Digest::of(secret.as_bytes()))
}

#[derive(Debug, thiserror::Error)]
#[error("what the console would remember is too large")]
struct TooLarge;
