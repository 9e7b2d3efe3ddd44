//! Access tokens.
use super::{Failure, Gateway};
use crate::auth::{Caller, Certificate};
use crate::wire::TokenAnswer;

/// The form of `POST /v1/token`.
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

/// Grants an access token.
pub async fn grant(
    _gateway: &Gateway,
    _certificate: &Certificate,
    _form: &TokenForm,
) -> Result<TokenAnswer, TokenRefusal> {
    todo!()
}

/// The caller behind a request: certificate and bearer token against the rules in force now.
pub fn authenticate(
    _gateway: &Gateway,
    _certificate: &Certificate,
    _bearer: &str,
) -> Result<Caller, Failure> {
    todo!()
}
