//! Access tokens: short-lived, bound to the client certificate (RFC 8705, RFC 9068).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::caller::{Caller, Scopes};
use super::directory::{Certificate, Directory};
use crate::domain::{Address, Digest, Id, Statement};
use crate::sign::PublicKey;

/// The claims of an access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The gateway.
    pub iss: String,
    /// The gateway.
    pub aud: String,
    /// Party or unit.
    pub sub: Address,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
    /// Its id.
    pub jti: Id,
    /// What it allows.
    pub scopes: Scopes,
    /// `x5t#S256` of the certificate it is bound to.
    pub certificate: Digest,
}

impl Statement for AccessToken {
    const TYP: &'static str = "at+jwt";

    fn into_claims(self) -> Value {
        json!({
            "iss": self.iss, "aud": self.aud, "sub": self.sub, "client_id": self.sub,
            "iat": self.iat, "exp": self.exp, "jti": self.jti,
            "scope": self.scopes.to_string(),
            "cnf": {"x5t#S256": self.certificate},
        })
    }
}

/// Why a token does not authenticate. Told to the caller as `unauthenticated` and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not a token of this gateway.
    #[error("not a token of this gateway")]
    Invalid,
    /// Expired.
    #[error("the token has expired")]
    Expired,
    /// Bound to another certificate.
    #[error("the token is bound to another certificate")]
    Bound,
    /// Certificate or party is not in force.
    #[error("the party is not in force")]
    Party,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Address,
    iat: i64,
    exp: i64,
    #[serde(rename = "jti")]
    _jti: Id,
    scope: String,
    cnf: Confirmation,
}

#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    thumbprint: Digest,
}

/// What of a verified token is remembered: nothing that may change while it lives.
#[derive(Debug, Clone)]
struct Known {
    sub: Address,
    exp: i64,
    scopes: Scopes,
    certificate: Digest,
}

/// Tokens verified before, by their SHA-256: a signature is checked once, everything that can
/// change is checked each time.
#[derive(Debug, Default)]
pub struct TokenCache(Mutex<HashMap<Digest, Known>>);

const TOKENS_MAX: usize = 4096;
const SKEW_S: i64 = 60;

/// What a token is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The parties in force.
    pub directory: &'a Directory,
    /// Keys that tokens verify under.
    pub keys: &'a [PublicKey],
    /// The gateway's id.
    pub gateway_id: &'a str,
    /// Now.
    pub now: OffsetDateTime,
}

impl TokenCache {
    /// The caller behind a token, under the certificate it came with.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn verify(
        &self,
        token: &str,
        certificate: &Certificate,
        judge: Judge<'_>,
    ) -> Result<Caller, TokenFault> {
        let name = Digest::of(token.as_bytes());
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let known = if let Some(known) = remembered {
            known
        } else {
            let known = read(token, judge)?;
            let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.len() >= TOKENS_MAX {
                let now = judge.now.unix_timestamp();
                cache.retain(|_, known| known.exp > now);
            }
            if cache.len() < TOKENS_MAX {
                cache.insert(name, known.clone());
            }
            known
        };
        if known.exp <= judge.now.unix_timestamp() {
            return Err(TokenFault::Expired);
        }
        if known.certificate != certificate.thumbprint {
            return Err(TokenFault::Bound);
        }
        let holder = judge.directory.identify(certificate, judge.now).ok_or(TokenFault::Party)?;
        let party = judge.directory.party(&known.sub.party).ok_or(TokenFault::Party)?;
        if !holder.covers(&known.sub) || !judge.directory.knows(&known.sub) {
            return Err(TokenFault::Party);
        }
        Ok(Caller {
            address: known.sub,
            kind: party.kind,
            frozen: party.frozen,
            scopes: known.scopes,
            certificate: certificate.thumbprint,
        })
    }
}

/// The signature, by the library, with the algorithm pinned and its own clock switched off; then
/// every claim against ours.
fn read(token: &str, judge: Judge<'_>) -> Result<Known, TokenFault> {
    const TOKEN_BYTES_MAX: usize = 4096;
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault::Invalid);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_cause| TokenFault::Invalid)?;
    if header.typ.as_deref() != Some(AccessToken::TYP) || header.alg != Algorithm::EdDSA {
        return Err(TokenFault::Invalid);
    }
    let key = judge.keys.iter().find(|key| header.kid.as_deref() == Some(key.kid()));
    let raw = key.and_then(PublicKey::ed25519_bytes).ok_or(TokenFault::Invalid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_ed_der(&raw);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|_cause| TokenFault::Invalid)?
        .claims;
    let now = judge.now.unix_timestamp();
    if claims.iss != judge.gateway_id || claims.aud != judge.gateway_id || claims.iat > now + SKEW_S
    {
        return Err(TokenFault::Invalid);
    }
    let scopes = claims.scope.parse().map_err(|_cause| TokenFault::Invalid)?;
    Ok(Known { sub: claims.sub, exp: claims.exp, scopes, certificate: claims.cnf.thumbprint })
}
