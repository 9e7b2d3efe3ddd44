//! What a schema says about one leaf: shape, class, label, and whether it identifies or refers.
//!
//! INVARIANT: a leaf's class is read from the schema, exactly one, and never guessed.

use serde_json::{Map, Value};

use super::{Flaw, Kind, ProfileRule, only, pattern};
use crate::domain::leaf::{ArrayBounds, Label};
use crate::domain::{Class, Shape};

/// Pattern of ids: 26 characters of `[a-z2-7]`.
const ID_PATTERN: &str = "^[a-z2-7]{26}$";
/// The patterns that `x-format: partial-date` may stand on: any precision, or a month.
const PARTIAL_DATES: &[&str] = &[
    "^(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
    "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$",
];
const REFERENCES: &[&str] = &["subject", "household", "officer", "bid", "message", "exchange"];
const UNITS: &[&str] = &["byte", "second", "day", "month", "year", "person", "item"];
const LENGTH_MAX: u32 = 10_000;
const ITEMS_MAX: u32 = 256;
const CODES_MAX: usize = 1024;
const CODE_LENGTH_MAX: usize = 64;
/// Every integer in strict JSON is smaller.
const INTEGER_LIMIT: u64 = 1 << 53;

/// A leaf less its name.
#[derive(Debug)]
pub(in crate::schema) struct Facts {
    pub(in crate::schema) class: Class,
    pub(in crate::schema) identifier: Option<String>,
    pub(in crate::schema) reference: Option<String>,
    pub(in crate::schema) shape: Shape,
    pub(in crate::schema) array: Option<ArrayBounds>,
    pub(in crate::schema) label: Label,
}

/// Reads a leaf whose references are resolved and, for an array of scalars, whose items' and
/// array's keywords are joined.
pub(super) fn facts(
    own: &Map<String, Value>,
    array: Option<ArrayBounds>,
    kind: Kind,
    at: &str,
) -> Result<Facts, Flaw> {
    let shape = match own.get("type").and_then(Value::as_str) {
        Some("string") => string(own, at)?,
        Some("integer") => integer(own, at)?,
        Some("boolean") => only(own, &["type"], at).map(|()| Shape::Boolean)?,
        _ => return Err(Flaw::at(&format!("{at}/type"), ProfileRule::Type)),
    };
    if own.contains_key("x-format") && shape != Shape::PartialDate {
        return Err(Flaw::at(&format!("{at}/x-format"), ProfileRule::PartialDate));
    }
    if own.contains_key("x-unit") && !matches!(shape, Shape::Integer { .. }) {
        return Err(Flaw::at(&format!("{at}/x-unit"), ProfileRule::Annotation));
    }
    let facts = Facts {
        class: class(own, at)?,
        identifier: word(own, "x-identifier", at)?,
        reference: word(own, "x-reference", at)?,
        shape,
        array,
        label: label(own).ok_or_else(|| Flaw::at(at, ProfileRule::NoTitle))?,
    };
    agree(&facts, kind).map_err(|rule| Flaw::at(at, rule))?;
    Ok(facts)
}

/// `minItems` (0 where absent) and `maxItems`, which must be there.
pub(super) fn array_bounds(own: &Map<String, Value>) -> Option<ArrayBounds> {
    let min = if own.contains_key("minItems") { count(own, "minItems")? } else { 0 };
    let max = count(own, "maxItems")?;
    (min <= max && (1..=ITEMS_MAX).contains(&max)).then_some(ArrayBounds { min, max })
}

fn count(own: &Map<String, Value>, key: &str) -> Option<u32> {
    own.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
}

fn string(own: &Map<String, Value>, at: &str) -> Result<Shape, Flaw> {
    let flaw = |rule| Flaw::at(at, rule);
    let lengths: &[&str] = &["type", "minLength", "maxLength"];
    let forms: Vec<&str> = ["enum", "const", "format", "pattern"]
        .into_iter()
        .filter(|key| own.contains_key(*key))
        .collect();
    match forms.as_slice() {
        [] => {
            only(own, lengths, at)?;
            let length_max = length(own).ok_or_else(|| flaw(ProfileRule::Unbounded))?;
            Ok(Shape::Text { length_max })
        }
        ["enum" | "const"] => {
            only(own, &["type", "enum", "const"], at)?;
            codes(own).map(Shape::Codes).ok_or_else(|| flaw(ProfileRule::Codes))
        }
        ["format"] => {
            only(own, &["type", "format"], at)?;
            match own.get("format").and_then(Value::as_str) {
                Some("date") => Ok(Shape::Date),
                Some("date-time") => Ok(Shape::DateTime),
                _ => Err(Flaw::at(&format!("{at}/format"), ProfileRule::Format)),
            }
        }
        ["pattern"] => {
            only(own, &["type", "pattern", "minLength", "maxLength"], at)?;
            let length_max = length(own).ok_or_else(|| flaw(ProfileRule::Unbounded))?;
            patterned(own, length_max).map_err(flaw)
        }
        _ => Err(flaw(ProfileRule::OneForm)),
    }
}

fn length(own: &Map<String, Value>) -> Option<u32> {
    let min = if own.contains_key("minLength") { count(own, "minLength")? } else { 0 };
    let max = count(own, "maxLength")?;
    (min <= max && (1..=LENGTH_MAX).contains(&max)).then_some(max)
}

fn codes(own: &Map<String, Value>) -> Option<Vec<String>> {
    let listed = match (own.get("enum"), own.get("const")) {
        (Some(Value::Array(listed)), None) => listed.as_slice(),
        (None, Some(one)) => std::slice::from_ref(one),
        _ => return None,
    };
    let mut codes: Vec<String> = Vec::with_capacity(listed.len());
    for code in listed {
        let code = code.as_str()?;
        let printable = (1..=CODE_LENGTH_MAX).contains(&code.len())
            && code.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !printable || codes.iter().any(|other| other == code) {
            return None;
        }
        codes.push(code.to_owned());
    }
    (1..=CODES_MAX).contains(&codes.len()).then_some(codes)
}

fn patterned(own: &Map<String, Value>, length_max: u32) -> Result<Shape, ProfileRule> {
    let pattern = own.get("pattern").and_then(Value::as_str).ok_or(ProfileRule::Pattern)?;
    if !pattern::is_explicit(pattern) {
        return Err(ProfileRule::Pattern);
    }
    match own.get("x-format").map(Value::as_str) {
        None => Ok(Shape::Pattern { pattern: pattern.to_owned(), length_max }),
        Some(Some("partial-date")) if PARTIAL_DATES.contains(&pattern) => Ok(Shape::PartialDate),
        Some(_) => Err(ProfileRule::PartialDate),
    }
}

fn integer(own: &Map<String, Value>, at: &str) -> Result<Shape, Flaw> {
    only(own, &["type", "minimum", "maximum"], at)?;
    let bound =
        |key| own.get(key).and_then(Value::as_i64).filter(|n| n.unsigned_abs() < INTEGER_LIMIT);
    let bounds = bound("minimum").zip(bound("maximum")).filter(|(min, max)| min <= max);
    let (min, max) = bounds.ok_or_else(|| Flaw::at(at, ProfileRule::Unbounded))?;
    match word(own, "x-unit", at)? {
        Some(unit) if UNITS.contains(&unit.as_str()) => Ok(Shape::Integer { min, max }),
        _ => Err(Flaw::at(at, ProfileRule::NoUnit)),
    }
}

fn class(own: &Map<String, Value>, at: &str) -> Result<Class, Flaw> {
    let written = own.get("x-class").ok_or_else(|| Flaw::at(at, ProfileRule::NoClass))?;
    serde_json::from_value(written.clone())
        .map_err(|_word| Flaw::at(&format!("{at}/x-class"), ProfileRule::UnknownClass))
}

fn word(own: &Map<String, Value>, key: &str, at: &str) -> Result<Option<String>, Flaw> {
    match own.get(key) {
        None => Ok(None),
        Some(Value::String(word)) => Ok(Some(word.clone())),
        Some(_) => Err(Flaw::at(&format!("{at}/{key}"), ProfileRule::Annotation)),
    }
}

fn label(own: &Map<String, Value>) -> Option<Label> {
    let title = |key| own.get(key).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    Some(Label { id: title("x-title-id")?.to_owned(), en: title("title")?.to_owned() })
}

/// Whether class, shape, identifier and reference agree with one another.
fn agree(facts: &Facts, kind: Kind) -> Result<(), ProfileRule> {
    let is_id =
        matches!(&facts.shape, Shape::Pattern { pattern, .. } if pattern.as_str() == ID_PATTERN);
    let is_text = matches!(facts.shape, Shape::Text { .. });
    let varies = is_text || matches!(facts.shape, Shape::Pattern { .. });
    if kind == Kind::Envelope {
        let closed = !is_text && matches!(facts.class, Class::Operational | Class::Legal);
        return if closed { Ok(()) } else { Err(ProfileRule::Envelope) };
    }
    if is_text && !matches!(facts.class, Class::Direct | Class::Text) {
        return Err(ProfileRule::FreeText);
    }
    match &facts.identifier {
        None if varies && facts.class == Class::Direct => return Err(ProfileRule::NoIdentifier),
        Some(kind) if !is_word(kind) || facts.class != Class::Direct => {
            return Err(ProfileRule::Identifier);
        }
        _ => {}
    }
    match &facts.reference {
        None if is_id => Err(ProfileRule::NoReference),
        Some(kind) if !is_id || !REFERENCES.contains(&kind.as_str()) => Err(ProfileRule::Reference),
        _ => Ok(()),
    }
}

fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
