//! Parties, their units, and addresses: `party` or `party/unit`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not a party, unit or address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an address is `party` or `party/unit`, each 2 to 32 of `a-z`, `0-9` and `-`, a letter first"
)]
pub struct NotAnAddress;

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    (2..=32).contains(&text.len())
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! name_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnAddress;

            fn from_str(text: &str) -> Result<Self, NotAnAddress> {
                if is_name(text) { Ok(Self(text.into())) } else { Err(NotAnAddress) }
            }
        }
    };
}

/// `Display`, `Debug` and serde by the text form.
macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name_newtype!(
    /// An organisation that exchanges, for example `kemensos`.
    PartyId
);
name_newtype!(
    /// A unit of a party, for example `sentra-handayani`.
    UnitId
);

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a message comes from or goes to: a party, or one of its units.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The organisation.
    pub party: PartyId,
    /// The unit, where one is named.
    pub unit: Option<UnitId>,
}

impl Address {
    /// The party as a whole.
    pub fn party(party: PartyId) -> Self {
        Self { party, unit: None }
    }

    /// Whether `self` is the whole party or the very unit of `other`.
    pub fn covers(&self, other: &Address) -> bool {
        self.party == other.party && (self.unit.is_none() || self.unit == other.unit)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            None => write!(f, "{}", self.party),
            Some(unit) => write!(f, "{}/{unit}", self.party),
        }
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.split_once('/') {
            None => Ok(Self::party(text.parse()?)),
            Some((party, unit)) => Ok(Self { party: party.parse()?, unit: Some(unit.parse()?) }),
        }
    }
}

as_text!(PartyId);
as_text!(UnitId);
as_text!(Address);

/// What an organisation is; the floor treats each kind differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// Social services (Kemensos, Dinas Sosial).
    Social,
    /// Counter-terrorism (BNPT).
    CounterTerrorism,
    /// Police, prosecution, courts.
    Justice,
    /// Outside Indonesia.
    Foreign,
    /// The gateway itself, party `titian`.
    Gateway,
}

impl PartyKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Social => "social",
            Self::CounterTerrorism => "counter_terrorism",
            Self::Justice => "justice",
            Self::Foreign => "foreign",
            Self::Gateway => "gateway",
        }
    }
}
