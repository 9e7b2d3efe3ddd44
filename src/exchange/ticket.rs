//! What the console remembers for a while: sessions, and invitations.
//!
//! A ticket is kept under a hash of what the browser holds, so that whoever reads the database
//! signs in with nothing of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::domain::Digest;
use crate::store::{Changes, CommitError, Requirement, Write};

use super::pseudonym::ticket_mark;
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
    let write = written(key(kind, secret), value, expires_at)?;
    change(gateway, Vec::new(), write).await.map(|_was| ())
}

/// Says something else in a ticket that is still there; no change where it was given back.
///
/// # Errors
/// As [`keep`].
pub async fn renew(
    gateway: &Gateway,
    (kind, secret): (&str, &str),
    value: String,
    expires_at: i64,
) -> Result<(), Failure> {
    let key = key(kind, secret);
    let requires = vec![Requirement::Ticket(key.clone())];
    change(gateway, requires, written(key, value, expires_at)?).await.map(|_was| ())
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
    change(gateway, vec![Requirement::Ticket(key.clone())], Write::DropTicket(key)).await
}

/// A ticket that the gateway remembers only by its own mark, so that whoever asks for one costs
/// nothing: `NONCE.ISSUED_AT.MARK`.
///
/// # Errors
/// [`Failure::Internal`] without entropy.
pub fn issue(gateway: &Gateway, kind: &str) -> Result<String, Failure> {
    let mut nonce = [0u8; 16];
    gateway.parts.entropy.fill(&mut nonce)?;
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(nonce), gateway.now());
    let mark = mark(gateway, kind, &text);
    Ok(format!("{text}.{mark}"))
}

/// Takes such a ticket: whether it is the gateway's own, not older than that, and was not taken
/// before.
///
/// # Errors
/// [`Failure`].
pub async fn redeem(
    gateway: &Gateway,
    (kind, issued): (&str, &str),
    lasts_s: i64,
) -> Result<bool, Failure> {
    let Some((text, marked)) = issued.rsplit_once('.') else { return Ok(false) };
    let Ok(marked) = marked.parse::<Digest>() else { return Ok(false) };
    let is_own = mark(gateway, kind, text).as_bytes().ct_eq(marked.as_bytes());
    let at = text.rsplit_once('.').and_then(|(_, at)| at.parse::<i64>().ok());
    let expires_at = at.map_or(i64::MIN, |at| at.saturating_add(lasts_s));
    if !bool::from(is_own) || expires_at < gateway.now() {
        return Ok(false);
    }
    let key = key(kind, issued);
    let requires = vec![Requirement::NoTicket(key.clone())];
    change(gateway, requires, written(key, String::new(), expires_at)?).await
}

fn written(key: String, value: String, expires_at: i64) -> Result<Write, Failure> {
    if value.len() > BYTES_MAX {
        return Err(Failure::internal(TooLarge));
    }
    Ok(Write::Ticket { key, value, expires_at })
}

/// Whether it was done: not where what it requires is so no more.
async fn change(
    gateway: &Gateway,
    requires: Vec<Requirement>,
    write: Write,
) -> Result<bool, Failure> {
    let changes = Changes { requires, writes: vec![write], ..Changes::default() };
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict(_)) => Ok(false),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

fn mark(gateway: &Gateway, kind: &str, text: &str) -> Digest {
    ticket_mark(&gateway.parts.keys.pseudonym, kind, text)
}

fn key(kind: &str, secret: &str) -> String {
    format!("{kind}:{}", Digest::of(secret.as_bytes()))
}

#[derive(Debug, thiserror::Error)]
#[error("what the console would remember is too large")]
struct TooLarge;
