//! Access tokens: granted against a signed assertion, checked at every request.

use crate::auth::{
    self, AccessToken, AssertionFault, Caller, Certificate, Judge, Scopes, TokenFault,
};
use crate::domain::{Address, Code};
use crate::store::{Changes, CommitError, Requirement, Write};
use crate::wire::TokenAnswer;

use super::seen::Granted;
use super::{Failure, Gateway};

/// The form of `POST /v1/token` (RFC 6749, 4.4; RFC 7523, 2.2).
#[derive(Debug, Clone)]
pub struct TokenForm {
    /// `client_credentials`.
    pub grant_type: String,
    /// Party or unit.
    pub client_id: String,
    /// Wanted scopes, space separated.
    pub scope: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: String,
    /// The JWT.
    pub client_assertion: String,
}

/// Why no token was granted (RFC 6749, 5.2).
#[derive(Debug)]
pub enum TokenRefusal {
    /// 401 `invalid_client`, with a sentence.
    InvalidClient(&'static str),
    /// 400 `invalid_request`.
    InvalidRequest(&'static str),
    /// 400 `invalid_scope`.
    InvalidScope(&'static str),
    /// 400 `unsupported_grant_type`.
    UnsupportedGrant,
    /// 503.
    Unavailable,
    /// 500.
    Internal(Failure),
}

/// How long a token lives, in seconds.
pub const LIFETIME_S: u64 = 600;

/// Grants an access token, bound to the client certificate (RFC 8705), for an assertion that was
/// never used before.
///
/// # Errors
/// [`TokenRefusal`]; none says more about a party than its own certificate already does.
pub async fn grant(
    gateway: &Gateway,
    certificate: &Certificate,
    form: &TokenForm,
) -> Result<TokenAnswer, TokenRefusal> {
    if form.grant_type != "client_credentials" {
        return Err(TokenRefusal::UnsupportedGrant);
    }
    if form.client_assertion_type != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
        return Err(TokenRefusal::InvalidRequest("`client_assertion_type` is not jwt-bearer"));
    }
    let rules = gateway.rules();
    let now = gateway.clock().now();
    let Some(holder) = rules.directory.identify(certificate, now) else {
        return Err(TokenRefusal::InvalidClient("the certificate is not one in force"));
    };
    let client: Address = form
        .client_id
        .parse()
        .map_err(|_cause| TokenRefusal::InvalidRequest("`client_id` is not an address"))?;
    if !holder.covers(&client) || !rules.directory.knows(&client) {
        return Err(TokenRefusal::InvalidClient("`client_id` is not of the certificate's party"));
    }
    let scopes: Scopes = form.scope.parse().map_err(|_cause| {
        TokenRefusal::InvalidScope("`scope` names a scope that does not exist")
    })?;
    let assertion = auth::assertion::check(
        &form.client_assertion,
        &client,
        &rules.directory,
        gateway.id(),
        now.unix_timestamp(),
    )
    .map_err(|fault| {
        gateway.seen.refused(&client.party, now.unix_timestamp(), fault);
        TokenRefusal::InvalidClient(sentence(fault))
    })?;
    let granted = Granted {
        at: now.unix_timestamp(),
        ahead_s: assertion.issued_at.saturating_sub(now.unix_timestamp()),
        certificate_until: certificate.not_after.unix_timestamp(),
    };
    use_once(gateway, &client, assertion.jti, assertion.expires_at).await?;
    gateway.seen.granted(&client.party, granted);
    let iat = now.unix_timestamp();
    let token = AccessToken {
        iss: gateway.id().to_owned(),
        aud: gateway.id().to_owned(),
        sub: client,
        iat,
        exp: iat + i64::try_from(LIFETIME_S).unwrap_or(0),
        jti: gateway.mint().map_err(|error| TokenRefusal::Internal(error.into()))?,
        scopes: scopes.clone(),
        certificate: certificate.thumbprint,
    };
    let signed = gateway.keys().token.sign(token);
    let signed = signed.map_err(|error| TokenRefusal::Internal(error.into()))?;
    Ok(TokenAnswer {
        access_token: signed.compact().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: LIFETIME_S,
        scope: scopes.to_string(),
    })
}

async fn use_once(
    gateway: &Gateway,
    client: &Address,
    jti: String,
    expires_at: i64,
) -> Result<(), TokenRefusal> {
    let party = client.party.clone();
    let unseen = Requirement::AssertionUnseen { party: party.clone(), jti: jti.clone() };
    let used = Write::Assertion { party, jti, expires_at };
    let changes = Changes { requires: vec![unseen], writes: vec![used], ..Changes::default() };
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => {
            Err(TokenRefusal::InvalidClient("the assertion was used before"))
        }
        Err(CommitError::Unavailable(error)) => {
            tracing::error!(error = %error, "the store does not answer");
            Err(TokenRefusal::Unavailable)
        }
    }
}

fn sentence(fault: AssertionFault) -> &'static str {
    fault.sentence()
}

/// The caller behind a request: certificate and bearer token against the rules in force now.
///
/// # Errors
/// `unauthenticated`, whatever the reason.
pub fn authenticate(
    gateway: &Gateway,
    certificate: &Certificate,
    bearer: &str,
) -> Result<Caller, Failure> {
    let rules = gateway.rules();
    let judge = Judge {
        directory: &rules.directory,
        keys: gateway.token_keys(),
        gateway_id: gateway.id(),
        now: gateway.clock().now(),
    };
    gateway
        .tokens
        .verify(bearer, certificate, judge)
        .map_err(|_fault: TokenFault| Failure::problem(Code::Unauthenticated))
}
