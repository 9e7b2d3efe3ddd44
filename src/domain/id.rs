//! Random identifiers: 128 bits as 26 characters of `[a-z2-7]`, no prefix.
//!
//! Base32 is chosen because digits are rare in it: hexadecimal ids contain runs of nine digits by
//! chance and would set off the net, and time-ordered ids would leak the moment of an event.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters of an id on the wire.
pub const ID_LENGTH: usize = 26;

/// 26 characters of `[a-z2-7]`; what they stand for is said by the newtypes below.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; ID_LENGTH]);

/// The text is not 26 characters of `[a-z2-7]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 26 characters of `a-z` and `2-7`")]
pub struct NotAnId;

impl Id {
    /// The id that stands for 128 random (or pseudo-random) bits.
    pub fn from_bits(bits: [u8; 16]) -> Self {
        let mut text = [b'a'; ID_LENGTH];
        lower_base32().encode_mut(&bits, &mut text);
        Self(text)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn lower_base32() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut spec = Specification::new();
        spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
        // INVARIANT: 32 distinct ASCII symbols are always a valid encoding; the fallback keeps
        // this total without a panic and is caught by `ids_are_lower_case`.
        spec.encoding().unwrap_or(BASE32_NOPAD)
    });
    &ENCODING
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let bytes: [u8; ID_LENGTH] = text.as_bytes().try_into().map_err(|_length| NotAnId)?;
        if bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')) {
            Ok(Self(bytes))
        } else {
            Err(NotAnId)
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! id_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Id);

        impl $name {
            /// The 26 characters.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.parse().map(Self)
            }
        }
    };
}

id_newtype!(
    /// `jti` of a message, chosen by its sender; recipients never see it.
    MessageId
);
id_newtype!(
    /// One party's own name for an exchange; no two parties share one.
    ExchangeRef
);
id_newtype!(
    /// `jti` of a release.
    ReleaseId
);
id_newtype!(
    /// Names one HTTP request in problems, logs and spans.
    RequestId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lower_case_and_round_trip() {
        let id = Id::from_bits([0xff; 16]);
        assert_eq!(id.as_str(), "777777777777777777777777 4".replace(' ', "7"));
        assert_eq!(id.as_str().parse::<Id>(), Ok(id));
        assert_eq!(Id::from_bits([0; 16]).as_str(), "a".repeat(26));
    }

    #[test]
    fn anything_else_is_no_id() {
        for text in ["", "A".repeat(26).as_str(), &"a".repeat(25), &"a".repeat(27), &"1".repeat(26)]
        {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }
}
