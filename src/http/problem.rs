//! Every failure as a problem document (RFC 9457): the one match from a code to what a caller
//! sees. The texts are ours alone; nothing of a request comes back.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::{Code, Refused, RequestId};
use crate::exchange::Failure;
use crate::wire::Problem;

/// A failure on its way out; the request id is put in by the outermost layer.
#[derive(Debug)]
pub struct HttpProblem {
    refused: Refused,
    refusal: Option<String>,
}

impl HttpProblem {
    /// A problem without a place.
    pub fn because(code: Code) -> Self {
        Self { refused: Refused::because(code), refusal: None }
    }
}

impl From<Failure> for HttpProblem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Problem(refused) => Self { refused, refusal: None },
            Failure::Recorded { refused, refusal } => Self { refused, refusal: Some(refusal) },
            Failure::Unavailable => Self::because(Code::Busy),
            Failure::Internal(cause) => {
                tracing::error!(cause = %cause, "the gateway failed");
                Self::because(Code::Internal)
            }
        }
    }
}

/// Carried in the response's extensions until the request id is known.
#[derive(Debug, Clone)]
pub(super) struct Unfinished(pub(super) Problem);

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let code = self.refused.code;
        let (status, title, detail) = describe(code);
        metrics::counter!("titian_problems_total", "code" => code.as_str()).increment(1);
        let problem = Problem {
            problem_type: format!("https://titian.example.org/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            instance: String::new(),
            code: code.to_string(),
            errors: if status.is_server_error() { Vec::new() } else { self.refused.errors },
            refusal: self.refusal,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Unfinished(problem));
        let extra: Option<(HeaderName, &str)> = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::TOO_MANY_REQUESTS => Some((header::RETRY_AFTER, "5")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra
            && let Ok(value) = HeaderValue::from_str(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Puts the request's id into a problem and writes it.
pub(super) fn finish(mut response: Response, id: RequestId) -> Response {
    let Some(Unfinished(mut problem)) = response.extensions_mut().remove::<Unfinished>() else {
        return response;
    };
    problem.instance = format!("urn:titian:request:{id}");
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    let media = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, media);
    Response::from_parts(parts, body.into())
}

/// Status, title and what to do, for every code.
#[expect(clippy::too_many_lines, reason = "one exhaustive table")]
pub fn describe(code: Code) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match code {
        Code::BadRequest => (
            S::BAD_REQUEST,
            "Bad request",
            "Check query, headers and form against the documentation.",
        ),
        Code::Unauthenticated => (
            S::UNAUTHORIZED,
            "Not authenticated",
            "Get a new access token with the certificate of this connection.",
        ),
        Code::InsufficientScope => {
            (S::FORBIDDEN, "Scope missing", "Ask for a token with the scope this resource needs.")
        }
        Code::NotFound => (S::NOT_FOUND, "Not found", "Nothing under this name is yours."),
        Code::MethodNotAllowed => (
            S::METHOD_NOT_ALLOWED,
            "Method not allowed",
            "See the documentation for the methods of this resource.",
        ),
        Code::UnsupportedMediaType => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "Media type not supported",
            "Send `application/jose`, or `application/sd-jwt` for an SD-JWT message.",
        ),
        Code::TooLarge => (S::PAYLOAD_TOO_LARGE, "Too large", "A body may have 256 KiB."),
        Code::Timeout => {
            (S::REQUEST_TIMEOUT, "Too slow", "The body must arrive within ten seconds.")
        }
        Code::RateLimited => {
            (S::TOO_MANY_REQUESTS, "Too many requests", "Wait as long as `Retry-After` says.")
        }
        Code::Frozen => (
            S::FORBIDDEN,
            "Frozen",
            "The party is frozen: only withdrawals, erasures and acknowledgements pass.",
        ),
        Code::Busy => {
            (S::SERVICE_UNAVAILABLE, "Not now", "Nothing was recorded. Send the same bytes again.")
        }
        Code::Internal => {
            (S::INTERNAL_SERVER_ERROR, "Internal error", "Tell the operator the request id.")
        }
        Code::NotCompact => (
            S::BAD_REQUEST,
            "Not a signed object",
            "Send one compact JWS, or a JWS with disclosures that ends in `~`.",
        ),
        Code::Header => (
            S::BAD_REQUEST,
            "Header not acceptable",
            "The protected header holds `alg`, `kid` and `typ`, as strict JSON.",
        ),
        Code::Algorithm => (
            S::BAD_REQUEST,
            "Algorithm not allowed",
            "Sign with the algorithm of the registered key: EdDSA or ES256.",
        ),
        Code::Typ => (
            S::BAD_REQUEST,
            "Wrong `typ`",
            "The `typ` says what kind of word this is; this resource takes another.",
        ),
        Code::Parameter => (
            S::BAD_REQUEST,
            "Header parameter not allowed",
            "Leave out everything but `alg`, `kid` and `typ`.",
        ),
        Code::UnknownKey => (
            S::BAD_REQUEST,
            "Unknown key",
            "Use the `kid` of an active key that is registered for your party.",
        ),
        Code::Signature => (
            S::BAD_REQUEST,
            "Signature does not verify",
            "Check key, `kid` and that the bytes were not changed after signing.",
        ),
        Code::Disclosure => (
            S::BAD_REQUEST,
            "Disclosures do not fit",
            "Send `body` in the clear or as exactly one disclosure that matches `_sd`.",
        ),
        Code::Json => (
            S::BAD_REQUEST,
            "Not strict JSON",
            "No duplicate keys, lone surrogates, control characters, fractions; at most 32 levels; NFC.",
        ),
        Code::SenderMismatch => (
            S::UNPROCESSABLE_ENTITY,
            "Not the sender",
            "`iss` must be the address that the access token names.",
        ),
        Code::Audience => (
            S::UNPROCESSABLE_ENTITY,
            "Not for this gateway",
            "`aud` must be the `id` in /.well-known/titian.json.",
        ),
        Code::Expired => {
            (S::UNPROCESSABLE_ENTITY, "Expired", "Sign the message again with a later `exp`.")
        }
        Code::NotYetValid => {
            (S::UNPROCESSABLE_ENTITY, "From the future", "Set the clock right and sign again.")
        }
        Code::LifetimeTooLong => {
            (S::UNPROCESSABLE_ENTITY, "Valid for too long", "`exp` may lie seven days after `iat`.")
        }
        Code::AlreadyAdmitted => (
            S::CONFLICT,
            "Already admitted",
            "Another message was admitted under this id. A new message needs a new id.",
        ),
        Code::UnknownType => {
            (S::UNPROCESSABLE_ENTITY, "Unknown type", "See /v1/schemas for types and versions.")
        }
        Code::Schema => (
            S::UNPROCESSABLE_ENTITY,
            "Does not fit the schema",
            "Correct what `errors` names and send again.",
        ),
        Code::Rule => (
            S::UNPROCESSABLE_ENTITY,
            "Fields do not agree",
            "Correct what `errors` names and send again.",
        ),
        Code::SubjectReference => (
            S::UNPROCESSABLE_ENTITY,
            "Not your reference",
            "`subject.ref` is your own random reference, or the one you were handed in this exchange.",
        ),
        Code::UnknownRecipient => (
            S::UNPROCESSABLE_ENTITY,
            "Recipient not possible",
            "Each recipient is another party, once; a withdrawal or correction names those of its target.",
        ),
        Code::OneReceiver => {
            (S::UNPROCESSABLE_ENTITY, "One receiver", "A referral names exactly one recipient.")
        }
        Code::AgreementMissing => (
            S::UNPROCESSABLE_ENTITY,
            "No agreement",
            "No instrument binds you and this recipient under the id you cite.",
        ),
        Code::AgreementExpired => (
            S::UNPROCESSABLE_ENTITY,
            "Agreement not in force",
            "The instrument has ended or not begun.",
        ),
        Code::TypeNotAgreed => (
            S::UNPROCESSABLE_ENTITY,
            "Type not agreed",
            "The instrument does not allow this message type.",
        ),
        Code::PurposeNotAgreed => (
            S::UNPROCESSABLE_ENTITY,
            "Purpose not agreed",
            "The instrument does not allow this purpose.",
        ),
        Code::Retention => (
            S::UNPROCESSABLE_ENTITY,
            "Retention has ended",
            "`retention_until` must not have passed.",
        ),
        Code::UnknownExchange => (
            S::UNPROCESSABLE_ENTITY,
            "Unknown exchange",
            "`in_reply_to` is your own reference of the exchange.",
        ),
        Code::Onward => (
            S::UNPROCESSABLE_ENTITY,
            "Not allowed onward",
            "Only the other party and those the origin allows may receive this.",
        ),
        Code::IllegalTransition => (
            S::UNPROCESSABLE_ENTITY,
            "No such step",
            "The lifecycle has no such step from the present state.",
        ),
        Code::StateNotYours => (
            S::UNPROCESSABLE_ENTITY,
            "Not yours to set",
            "The state of this case is set by whoever receives it.",
        ),
        Code::CrossBorder => (
            S::UNPROCESSABLE_ENTITY,
            "Not across a border",
            "Across a border the best interests must be `favourable` and no risk known.",
        ),
        Code::TargetUnknown => (
            S::UNPROCESSABLE_ENTITY,
            "No such message of yours",
            "`target` is the id of a referral or status of yours that was neither withdrawn nor erased.",
        ),
        Code::AlreadyErased => {
            (S::UNPROCESSABLE_ENTITY, "Already erased", "What you name was erased before.")
        }
        Code::AlreadyConfirmed => (
            S::UNPROCESSABLE_ENTITY,
            "Already confirmed",
            "You answered before; only what was retained can be erased later.",
        ),
        Code::NoPolicy => (
            S::UNPROCESSABLE_ENTITY,
            "No policy",
            "No policy in force lets this recipient receive this message.",
        ),
        Code::PolicyRefused => (
            S::UNPROCESSABLE_ENTITY,
            "Policy refuses",
            "Correct what `errors` names and send again.",
        ),
        Code::ForeignReferrer => (
            S::UNPROCESSABLE_ENTITY,
            "Not to a foreign referrer",
            "No status goes to the foreign party that referred the person itself.",
        ),
        Code::NotOnMenu => (
            S::UNPROCESSABLE_ENTITY,
            "Not to be asked for",
            "Ask only for fields that the release schemas in force for you have, for that purpose.",
        ),
        Code::RespondBy => (
            S::UNPROCESSABLE_ENTITY,
            "Answer expected too soon or too late",
            "Leave three working days, or one where it is urgent; at most 90 days.",
        ),
        Code::NotAsked => (
            S::UNPROCESSABLE_ENTITY,
            "Not asked for",
            "Answer with fields that the request names, and for its purpose, to whom asked.",
        ),
        Code::AlreadyAnswered => (
            S::UNPROCESSABLE_ENTITY,
            "Already answered",
            "An information request has one answer, and this one has it.",
        ),
        Code::AcknowledgementMismatch => (
            S::UNPROCESSABLE_ENTITY,
            "Acknowledgement does not fit",
            "Name this release, its digest and a result.",
        ),
        Code::AlreadyAcknowledged => (
            S::CONFLICT,
            "Already acknowledged",
            "The release was acknowledged with another result.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_and_an_error_status() {
        for code in Code::ALL {
            let (status, title, detail) = describe(*code);
            assert!(status.as_u16() >= 400 && !title.is_empty() && detail.ends_with('.'), "{code}");
        }
    }
}
