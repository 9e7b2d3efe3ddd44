//! Client assertions: `private_key_jwt` (RFC 7523, 2.2 and 3).

use serde_json::{Map, Value};

use super::directory::Directory;
use crate::domain::{Address, json};
use crate::sign;

/// An assertion that holds; whether it was used before is the store's to say.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Its `jti`.
    pub jti: String,
    /// When its client says it was made, unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub expires_at: i64,
}

/// Why an assertion does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionFault {
    /// Not a JWS with a strict header.
    #[error("the assertion is not a JWT this gateway reads")]
    Malformed,
    /// Not by an active key of the client.
    #[error("the assertion is not signed by an active key of the client")]
    Signature,
    /// `typ` is another kind of word.
    #[error("the assertion's `typ` is that of something else")]
    Typ,
    /// `iss` and `sub` are not the client.
    #[error("`iss` and `sub` must be the client")]
    Subject,
    /// `aud` is not this gateway.
    #[error("`aud` must be this gateway's id, as one string")]
    Audience,
    /// `jti`, `iat` or `exp` is missing or out of range.
    #[error("`jti`, `iat` and `exp` must be there, with `exp` at most 300 s after `iat`")]
    Lifetime,
    /// Expired, or from the future.
    #[error("the assertion has expired or is from the future")]
    Expired,
}

impl AssertionFault {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Typ => "typ",
            Self::Subject => "subject",
            Self::Audience => "audience",
            Self::Lifetime => "lifetime",
            Self::Expired => "expired",
        }
    }

    /// The sentence for `error_description`.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "the assertion is not a JWT this gateway reads",
            Self::Signature => "the assertion is not signed by an active key of the client",
            Self::Typ => "the assertion's `typ` is that of something else",
            Self::Subject => "`iss` and `sub` must be the client",
            Self::Audience => "`aud` must be this gateway's id, as one string",
            Self::Lifetime => {
                "`jti`, `iat` and `exp` must be there, with `exp` at most 300 s after `iat`"
            }
            Self::Expired => "the assertion has expired or is from the future",
        }
    }
}

const LIFETIME_MAX_S: i64 = 300;
const SKEW_S: i64 = 60;

/// Checks an assertion of `client`.
///
/// # Errors
/// [`AssertionFault`].
pub fn check(
    assertion: &str,
    client: &Address,
    directory: &Directory,
    gateway_id: &str,
    now: i64,
) -> Result<Assertion, AssertionFault> {
    // RFC 7523 leaves `typ` out; our reader wants one, so an absent one is read as `JWT`
    let split =
        sign::split_assertion(assertion.as_bytes()).map_err(|_fault| AssertionFault::Malformed)?;
    if !matches!(split.typ(), "JWT" | "client-authentication+jwt") {
        return Err(AssertionFault::Typ);
    }
    let key = directory.signing_key(client, split.kid()).ok_or(AssertionFault::Signature)?;
    let verified = split
        .verify(key, &["JWT", "client-authentication+jwt"])
        .map_err(|_fault| AssertionFault::Signature)?;
    let Ok(Value::Object(claims)) = json::parse(verified.payload()) else {
        return Err(AssertionFault::Malformed);
    };
    check_claims(&claims, client, gateway_id, now)
}

fn check_claims(
    claims: &Map<String, Value>,
    client: &Address,
    gateway_id: &str,
    now: i64,
) -> Result<Assertion, AssertionFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let own = client.to_string();
    if text("iss") != Some(own.as_str()) || text("sub") != Some(own.as_str()) {
        return Err(AssertionFault::Subject);
    }
    if text("aud") != Some(gateway_id) {
        return Err(AssertionFault::Audience);
    }
    let jti = text("jti")
        .filter(|jti| {
            (1..=128).contains(&jti.len()) && jti.bytes().all(|b| (0x20..0x7f).contains(&b))
        })
        .ok_or(AssertionFault::Lifetime)?;
    let (Some(iat), Some(exp)) = (number("iat"), number("exp")) else {
        return Err(AssertionFault::Lifetime);
    };
    if exp <= iat || exp.saturating_sub(iat) > LIFETIME_MAX_S {
        return Err(AssertionFault::Lifetime);
    }
    let not_yet = number("nbf").is_some_and(|nbf| nbf > now + SKEW_S);
    if iat > now + SKEW_S || exp <= now || not_yet {
        return Err(AssertionFault::Expired);
    }
    Ok(Assertion { jti: jti.to_owned(), issued_at: iat, expires_at: exp })
}
