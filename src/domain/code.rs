//! Closed codes that more than one module speaks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A message type and its version, for example `referral/1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(Arc<str>);

/// The text is not `name/version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message type is `name/version`, for example `referral/1`")]
pub struct NotAType;

impl MessageType {
    /// `referral/1` as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `referral`.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(name, _)| name)
    }
}

impl FromStr for MessageType {
    type Err = NotAType;

    fn from_str(text: &str) -> Result<Self, NotAType> {
        let (name, version) = text.split_once('/').ok_or(NotAType)?;
        let name_fits = (2..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let version_fits =
            (1..=3).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
        if name_fits && version_fits { Ok(Self(text.into())) } else { Err(NotAType) }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MessageType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why data is passed on: a closed list (R2). There is no purpose of threat analysis for a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Protection of the child.
    ChildProtection,
    /// Delivery of services.
    ServiceDelivery,
    /// Return to family and society.
    Reintegration,
    /// What the joint working group learns from; aggregates only.
    JwgLearning,
    /// Statistics; aggregates only.
    Statistics,
    /// A duty laid down by law.
    LegalObligation,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChildProtection => "child_protection",
            Self::ServiceDelivery => "service_delivery",
            Self::Reintegration => "reintegration",
            Self::JwgLearning => "jwg_learning",
            Self::Statistics => "statistics",
            Self::LegalObligation => "legal_obligation",
        })
    }
}
