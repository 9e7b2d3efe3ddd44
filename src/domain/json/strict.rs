//! A reader that refuses what JSON leaves open.
//!
//! `serde_json` keeps the last of two equal keys and turns large numbers into floats; a validator
//! and a projector that read such bytes differently would be a leak. So: no duplicate keys, no
//! lone surrogates, no control characters, at most [`DEPTH_MAX`] levels, integers only with
//! |n| < 2^53, strings in NFC. The reader builds the value in the same pass.

use crate::mutant::{self, Mutant};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 32;

const INTEGER_LIMIT: u64 = 1 << 53;

/// Why bytes are not the JSON we read. Carries no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON at all, or something after it.
    #[error("not valid JSON")]
    NotJson,
    /// Two members of one object have the same name.
    #[error("an object has a key twice")]
    DuplicateKey,
    /// A `\u` escape of half a surrogate pair.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// NUL or another control character in a string or key.
    #[error("a string has a control character")]
    ControlCharacter,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than 32 levels")]
    TooDeep,
    /// A fraction, an exponent, or an integer of 2^53 or more.
    #[error("a number is not an integer below 2^53")]
    NotAnInteger,
    /// A string or key is not in Unicode normalisation form C.
    #[error("a string is not in normalisation form C")]
    NotNormalised,
}

impl JsonFault {
    /// The rule's name in `errors[].keyword`.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::NotJson => "json",
            Self::DuplicateKey => "duplicate-key",
            Self::LoneSurrogate => "lone-surrogate",
            Self::ControlCharacter => "control-character",
            Self::TooDeep => "depth",
            Self::NotAnInteger => "integer",
            Self::NotNormalised => "nfc",
        }
    }
}

/// Reads one JSON value that takes up all of `bytes`.
///
/// # Errors
/// The first [`JsonFault`] met.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    let mut fault = None;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Strict { depth: 0, fault: &mut fault };
    match seed.deserialize(&mut reader) {
        Ok(value) => reader.end().map(|()| value).map_err(|_trailing| JsonFault::NotJson),
        Err(error) => Err(fault.unwrap_or_else(|| classify(&error))),
    }
}

/// `serde_json` names these two only in its text; the text itself is never passed on.
fn classify(error: &serde_json::Error) -> JsonFault {
    let text = error.to_string();
    if text.contains("surrogate") || text.contains("hex escape") {
        JsonFault::LoneSurrogate
    } else if text.contains("control character") {
        JsonFault::ControlCharacter
    } else if text.contains("number out of range") {
        JsonFault::NotAnInteger
    } else if text.contains("recursion limit") {
        JsonFault::TooDeep
    } else {
        JsonFault::NotJson
    }
}

struct Strict<'f> {
    depth: usize,
    fault: &'f mut Option<JsonFault>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, fault: JsonFault) -> E {
        *self.fault = Some(fault);
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        if self.depth >= DEPTH_MAX {
            *self.fault = Some(JsonFault::TooDeep);
            return Err(E::custom("refused"));
        }
        Ok(self.depth + 1)
    }
}

fn check_text(text: &str) -> Result<(), JsonFault> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Ok(());
    }
    if text.chars().any(char::is_control) {
        return Err(JsonFault::ControlCharacter);
    }
    let normal = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => text.nfc().eq(text.chars()),
    };
    if normal { Ok(()) } else { Err(JsonFault::NotNormalised) }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value < INTEGER_LIMIT {
            Ok(Value::Number(Number::from(value)))
        } else {
            Err(self.refuse(JsonFault::NotAnInteger))
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() < INTEGER_LIMIT {
            Ok(Value::Number(Number::from(value)))
        } else {
            Err(self.refuse(JsonFault::NotAnInteger))
        }
    }

    fn visit_f64<E: serde::de::Error>(self, _value: f64) -> Result<Value, E> {
        Err(self.refuse(JsonFault::NotAnInteger))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        match check_text(text) {
            Ok(()) => Ok(Value::String(text.to_owned())),
            Err(fault) => Err(self.refuse(fault)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { depth, fault: &mut *self.fault })? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut out = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if let Err(fault) = check_text(&key) {
                return Err(self.refuse(fault));
            }
            let value = members.next_value_seed(Strict { depth, fault: &mut *self.fault })?;
            if out.insert(key, value).is_some() && !mutant::is(Mutant::DuplicateKeyRead) {
                return Err(self.refuse(JsonFault::DuplicateKey));
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,true,null],"b":{"c":"Zarqolin é"}}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_json_leaves_open_is_refused() {
        let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
        let cases: &[(&str, JsonFault)] = &[
            ("", JsonFault::NotJson),
            ("{", JsonFault::NotJson),
            ("{}x", JsonFault::NotJson),
            (r#"{"a":1,"a":1}"#, JsonFault::DuplicateKey),
            (r#"{"a":1,"\u0061":1}"#, JsonFault::DuplicateKey),
            (r#"[{"b":{"a":1,"a":2}}]"#, JsonFault::DuplicateKey),
            (r#""\ud800""#, JsonFault::LoneSurrogate),
            (r#""\ud800x""#, JsonFault::LoneSurrogate),
            (r#""\udc00""#, JsonFault::LoneSurrogate),
            (r#""a\u0000""#, JsonFault::ControlCharacter),
            ("\"a\tb\"", JsonFault::ControlCharacter),
            (r#"{"a\u0007":1}"#, JsonFault::ControlCharacter),
            ("1.0", JsonFault::NotAnInteger),
            ("1e2", JsonFault::NotAnInteger),
            ("1e999", JsonFault::NotAnInteger),
            ("9007199254740992", JsonFault::NotAnInteger),
            ("-9007199254740992", JsonFault::NotAnInteger),
            ("99999999999999999999999", JsonFault::NotAnInteger),
            ("\"e\u{301}\"", JsonFault::NotNormalised),
            (&deep, JsonFault::TooDeep),
        ];
        for (text, fault) in cases {
            assert_eq!(parse(text.as_bytes()), Err(*fault), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(format!("{}1{}", "[".repeat(32), "]".repeat(32)).as_bytes()).is_ok());
        assert!(parse(b"9007199254740991").is_ok());
    }
}
