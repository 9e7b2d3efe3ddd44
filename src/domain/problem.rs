//! Why something was refused, in words that carry no value from a message.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Last segment of a problem's `type` (RFC 9457) and `code` of a refusal. Stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The request's query, header or form is not as documented.
    BadRequest = "bad-request",
    /// The access token is missing, unknown, expired or bound to another certificate.
    Unauthenticated = "unauthenticated",
    /// The access token lacks the scope of this resource.
    InsufficientScope = "insufficient-scope",
    /// Nothing under this name is yours.
    NotFound = "not-found",
    /// The resource has no such method.
    MethodNotAllowed = "method-not-allowed",
    /// The body's media type is not one of those documented.
    UnsupportedMediaType = "unsupported-media-type",
    /// The body is larger than 256 KiB.
    TooLarge = "too-large",
    /// The request did not arrive in time.
    Timeout = "timeout",
    /// Too many requests of this party.
    RateLimited = "rate-limited",
    /// The party is frozen.
    Frozen = "frozen",
    /// The gateway cannot take this now.
    Busy = "busy",
    /// The gateway failed.
    Internal = "internal",
    /// Not a compact JWS or SD-JWT.
    NotCompact = "not-compact",
    /// The protected header is not strict JSON with `alg`, `kid` and `typ`.
    Header = "header",
    /// The algorithm is not the key's.
    Algorithm = "algorithm",
    /// The `typ` is not the one expected here.
    Typ = "typ",
    /// The header has a parameter that is never honoured.
    Parameter = "parameter",
    /// No active key of the certificate's party has this `kid`.
    UnknownKey = "unknown-key",
    /// The signature does not verify.
    Signature = "signature",
    /// The disclosures do not fit the payload.
    Disclosure = "disclosure",
    /// The payload is not strict JSON.
    Json = "json",
    /// `iss` is not the party that the certificate and token name.
    SenderMismatch = "sender-mismatch",
    /// `aud` is not this gateway.
    Audience = "audience",
    /// The message's `exp` has passed.
    Expired = "expired",
    /// The message's `iat` lies in the future.
    NotYetValid = "not-yet-valid",
    /// The message is valid for more than seven days.
    LifetimeTooLong = "lifetime-too-long",
    /// Another message was already admitted under this id.
    AlreadyAdmitted = "already-admitted",
    /// The message type or its version is unknown.
    UnknownType = "unknown-type",
    /// The envelope or body does not fit its schema.
    Schema = "schema",
    /// A rule over two fields of the message type does not hold.
    Rule = "rule",
    /// `subject.ref` is not one this party may use in this exchange.
    SubjectReference = "subject-reference",
    /// A recipient is unknown, a repeated one, or the sender itself.
    UnknownRecipient = "unknown-recipient",
    /// A referral goes to exactly one receiver.
    OneReceiver = "one-receiver",
    /// The cited instrument does not bind sender and recipient.
    AgreementMissing = "agreement-missing",
    /// The agreement is not in force.
    AgreementExpired = "agreement-expired",
    /// The agreement does not allow this message type.
    TypeNotAgreed = "type-not-agreed",
    /// The agreement does not allow this purpose.
    PurposeNotAgreed = "purpose-not-agreed",
    /// `retention_until` has passed.
    Retention = "retention",
    /// `in_reply_to` is not an exchange of this party, or is missing.
    UnknownExchange = "unknown-exchange",
    /// The recipient is neither the other party of the exchange nor one its origin allows.
    Onward = "onward",
    /// The lifecycle has no such step from the present state.
    IllegalTransition = "illegal-transition",
    /// This party does not set the state of this case.
    StateNotYours = "state-not-yours",
    /// Across a border `best_interests` must be `favourable` and `safety_check` `no_known_risk`.
    CrossBorder = "cross-border",
    /// `target` is not a message of this party, or it was withdrawn or erased already.
    TargetUnknown = "target-unknown",
    /// What is to be erased was erased before.
    AlreadyErased = "already-erased",
    /// Every notice of erasure in this exchange was answered before.
    AlreadyConfirmed = "already-confirmed",
    /// No policy in force lets the recipient receive this message.
    NoPolicy = "no-policy",
    /// Under the policy the message cannot be made into a release.
    PolicyRefused = "policy-refused",
    /// No status goes to the foreign party that referred the person itself.
    ForeignReferrer = "foreign-referrer",
    /// A field that is asked for is none that this party can be told for that purpose.
    NotOnMenu = "not-on-menu",
    /// `respond_by` is sooner or later than it may be.
    RespondBy = "respond-by",
    /// The answer holds a field that was not asked for.
    NotAsked = "not-asked",
    /// The information request has its one answer.
    AlreadyAnswered = "already-answered",
    /// The acknowledgement names another release, digest or result.
    AcknowledgementMismatch = "acknowledgement-mismatch",
    /// The release was already acknowledged with another result.
    AlreadyAcknowledged = "already-acknowledged",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where and which rule: a JSON pointer (RFC 6901) into the schema's own names, and the keyword
/// or rule that failed. Never a value; a property nobody knows is reported at its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer, with instance indices.
    pub pointer: String,
    /// JSON Schema keyword or rule id.
    pub keyword: String,
}

impl Fault {
    /// A fault at one place.
    pub fn at(pointer: impl Into<String>, keyword: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), keyword: keyword.into() }
    }
}

/// A refusal with its code and places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub code: Code,
    /// Where, if that can be said.
    pub errors: Vec<Fault>,
}

impl Refused {
    /// A refusal that names no place.
    pub fn because(code: Code) -> Self {
        Self { code, errors: Vec::new() }
    }

    /// A refusal at one place.
    pub fn at(code: Code, pointer: &str, keyword: &str) -> Self {
        Self { code, errors: vec![Fault::at(pointer, keyword)] }
    }
}
