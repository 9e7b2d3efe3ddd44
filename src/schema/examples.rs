//! The synthetic messages of `schemas/examples`: for previews, demonstrations and tests.
//!
//! Each is the claims of a message less `iss`, `aud`, `iat`, `exp` and `jti`. No person in them
//! exists.

/// What an example stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// What most messages look like.
    Typical,
    /// Allowed and seldom: few fields, special cases.
    Rare,
    /// Refused by the schema.
    Hostile,
    /// Valid by the schema, full of what a policy must drop and the net must hold.
    HostileText,
}

impl Flavour {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typical => "typical",
            Self::Rare => "rare",
            Self::Hostile => "hostile",
            Self::HostileText => "hostile text",
        }
    }
}

/// A synthetic message.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Its type, for example `referral/1`.
    pub message: &'static str,
    /// What it stands for.
    pub flavour: Flavour,
    /// The claims, JSON.
    pub claims: &'static str,
}

macro_rules! example {
    ($message:literal, $flavour:ident, $file:literal) => {
        Example {
            message: $message,
            flavour: Flavour::$flavour,
            claims: include_str!(concat!("../../schemas/examples/", $file)),
        }
    };
}

/// Every example.
pub const EXAMPLES: &[Example] = &[
    example!("correction/1", Typical, "correction.typical.json"),
    example!("correction/1", Rare, "correction.rare.json"),
    example!("correction/1", Hostile, "correction.hostile.json"),
    example!("erasure-notice/1", Typical, "erasure-notice.typical.json"),
    example!("erasure-notice/1", Rare, "erasure-notice.rare.json"),
    example!("erasure-notice/1", Hostile, "erasure-notice.hostile.json"),
    example!("erasure-confirmation/1", Typical, "erasure-confirmation.typical.json"),
    example!("erasure-confirmation/1", Rare, "erasure-confirmation.rare.json"),
    example!("erasure-confirmation/1", Hostile, "erasure-confirmation.hostile.json"),
    example!("referral/1", Typical, "referral.typical.json"),
    example!("referral/1", Rare, "referral.rare.json"),
    example!("referral/1", Hostile, "referral.hostile.json"),
    example!("referral/1", HostileText, "referral.hostile-text.json"),
    example!("status/1", Typical, "status.typical.json"),
    example!("status/1", Rare, "status.rare.json"),
    example!("status/1", Hostile, "status.hostile.json"),
    example!("withdrawal/1", Typical, "withdrawal.typical.json"),
    example!("withdrawal/1", Rare, "withdrawal.rare.json"),
    example!("withdrawal/1", Hostile, "withdrawal.hostile.json"),
    example!("information-request/1", Typical, "information-request.typical.json"),
    example!("information-request/1", Rare, "information-request.rare.json"),
    example!("information-request/1", Hostile, "information-request.hostile.json"),
    example!("information-response/1", Typical, "information-response.typical.json"),
    example!("information-response/1", Rare, "information-response.rare.json"),
    example!("information-response/1", Hostile, "information-response.hostile.json"),
];
