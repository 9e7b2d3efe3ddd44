//! The operations a policy may name: what each takes, and what can come out of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{Class, Leaf, Phrase, Shape};

/// What happens to a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Not passed on.
    Drop,
    /// As it is.
    Keep,
    /// Always this value.
    Constant(String),
    /// By a closed table; a code without a row is refused.
    CodeMap(BTreeMap<String, String>),
    /// The year of a date.
    Year,
    /// The half-year of a date, `2026-H1`.
    HalfYear,
    /// The month of a date, `2026-11`.
    Month,
    /// The age band at the reference date: code, first and last year of age.
    AgeBand(Vec<Band>),
    /// The country of a place.
    Country,
    /// The province of a place.
    Adm1,
    /// The range an integer falls in; ranges begin at these numbers.
    Bucket(Vec<i64>),
    /// How many items an array has, at most this many.
    Count(u32),
    /// A pseudonym of the recipient's own.
    Pseudonym,
    /// Kept back for an officer.
    Hold,
}

/// An age band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band(pub String, pub i32, pub i32);

/// What can come out of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Nothing,
    Codes(Vec<String>),
    Minted,
    Month,
    Year,
    HalfYear,
    /// What the schema lets the leaf be.
    AsItIs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    code_maps: BTreeMap<String, BTreeMap<String, String>>,
    age_bands: BTreeMap<String, Vec<Band>>,
}

static TABLES: LazyLock<Option<Tables>> =
    LazyLock::new(|| toml::from_str(include_str!("../../config/tables.toml")).ok());

#[derive(Deserialize)]
struct Provinces {
    provinces: Vec<Province>,
}

#[derive(Deserialize)]
struct Province {
    kemendagri: String,
    iso: String,
}

/// ISO 3166-2 by Kemendagri code. Empty, so that no place passes, if the file did not read; a test
/// rules it out.
static PROVINCES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let text = include_str!("../../schemas/codes/provinces.json");
    let read = serde_json::from_str::<Provinces>(text).ok();
    let rows = read.into_iter().flat_map(|list| list.provinces);
    rows.map(|row| (row.kemendagri, row.iso)).collect()
});

/// The province that a regency code or a province code lies in.
pub(super) fn province(code: &str) -> Option<&'static str> {
    let by_prefix = code.get(..2).and_then(|prefix| PROVINCES.get(prefix));
    by_prefix.or_else(|| PROVINCES.values().find(|known| *known == code)).map(String::as_str)
}

/// The bands in which an age may be told abroad; none if the shipped tables do not load, so that no
/// age is.
pub(super) fn foreign_bands() -> &'static [Band] {
    let bands = TABLES.as_ref().and_then(|tables| tables.age_bands.get("foreign"));
    bands.map_or(&[], Vec::as_slice)
}

const EDGES_MAX: usize = 32;
const CAP_MAX: u64 = 32;
const CAP_DEFAULT: u64 = 4;

/// What may stand as a constant or in a table: short, and nothing that no one sees.
fn is_code(text: &str) -> bool {
    let shows = |b: u8| b.is_ascii_graphic() || b == b' ';
    (1..=64).contains(&text.len()) && text.bytes().all(shows) && text.trim() == text
}

/// Names of operations, in the order officers are offered them.
pub(super) const NAMES: &[&str] = &[
    "drop",
    "keep",
    "constant",
    "code_map",
    "year",
    "half_year",
    "month",
    "age_band",
    "country",
    "adm1",
    "bucket",
    "count",
    "pseudonym",
    "hold",
];

impl Operation {
    /// Reads an operation as written: a name, or a table with `op`.
    pub(super) fn parse(value: &Value) -> Result<Self, Phrase> {
        let name = value.as_str().or_else(|| value.get("op").and_then(Value::as_str));
        let name = name.ok_or(Phrase::new("why-operation-form"))?;
        let allowed: &[&str] = match name {
            "constant" => &["op", "value"],
            "code_map" => &["op", "table", "map"],
            "age_band" => &["op", "bands"],
            "bucket" => &["op", "edges"],
            "count" => &["op", "cap"],
            _ => &["op"],
        };
        if let Some(unknown) =
            value.as_object().and_then(|o| o.keys().find(|k| !allowed.contains(&k.as_str())))
        {
            let phrase = Phrase::new("why-operation-parameter");
            return Err(phrase.with("operation", name).with("parameter", unknown));
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let tables = TABLES.as_ref().ok_or(Phrase::new("why-tables-missing"))?;
        Ok(match name {
            "drop" => Self::Drop,
            "keep" => Self::Keep,
            "constant" => match text("value").filter(|value| is_code(value)) {
                Some(value) => Self::Constant(value.to_owned()),
                None => return Err(Phrase::new("why-constant-value")),
            },
            "code_map" => Self::CodeMap(code_map(value, tables)?),
            "year" => Self::Year,
            "half_year" => Self::HalfYear,
            "month" => Self::Month,
            "age_band" => {
                let named = text("bands").and_then(|bands| tables.age_bands.get(bands));
                Self::AgeBand(named.ok_or(Phrase::new("why-age-band-bands"))?.clone())
            }
            "country" => Self::Country,
            "adm1" => Self::Adm1,
            "bucket" => {
                let edges = value.get("edges").cloned().unwrap_or_default();
                let edges: Vec<i64> = serde_json::from_value(edges)
                    .map_err(|_cause| Phrase::new("why-bucket-edges"))?;
                let rises = edges.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
                let fits = edges.len() <= EDGES_MAX && edges.iter().all(|edge| *edge >= 0);
                if edges.is_empty() || !rises || !fits {
                    return Err(Phrase::new("why-edges-rise"));
                }
                Self::Bucket(edges)
            }
            "count" => {
                let cap = value.get("cap").map_or(Some(CAP_DEFAULT), Value::as_u64);
                let cap = cap.filter(|cap| (1..=CAP_MAX).contains(cap));
                let cap = cap.and_then(|cap| u32::try_from(cap).ok());
                Self::Count(cap.ok_or(Phrase::new("why-count-cap"))?)
            }
            "pseudonym" => Self::Pseudonym,
            "hold" => Self::Hold,
            _ => {
                let phrase = Phrase::new("why-no-such-operation").with("operation", name);
                return Err(phrase.with("names", NAMES.join(", ")));
            }
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Keep => "keep",
            Self::Constant(_) => "constant",
            Self::CodeMap(_) => "code_map",
            Self::Year => "year",
            Self::HalfYear => "half_year",
            Self::Month => "month",
            Self::AgeBand(_) => "age_band",
            Self::Country => "country",
            Self::Adm1 => "adm1",
            Self::Bucket(_) => "bucket",
            Self::Count(_) => "count",
            Self::Pseudonym => "pseudonym",
            Self::Hold => "hold",
        }
    }

    /// Whether it can be applied to this leaf at all; else why not, as a phrase.
    pub(super) fn fits(&self, leaf: &Leaf) -> Result<(), &'static str> {
        let is_reference = leaf.reference.is_some();
        match self {
            Self::Drop => Ok(()),
            Self::Pseudonym if is_reference && leaf.array.is_none() => Ok(()),
            Self::Pseudonym => Err("why-only-reference-pseudonym"),
            _ if is_reference => Err("why-reference-as-pseudonym"),
            Self::Keep | Self::Constant(_) => Ok(()),
            Self::CodeMap(map) => match &leaf.shape {
                Shape::Codes(codes) if codes.iter().any(|code| map.contains_key(code)) => Ok(()),
                Shape::Codes(_) => Err("why-table-misses-leaf"),
                _ => Err("why-only-list-mapped"),
            },
            Self::Year | Self::HalfYear | Self::Month => match leaf.shape {
                Shape::Date | Shape::DateTime | Shape::PartialDate if leaf.array.is_none() => {
                    Ok(())
                }
                _ => Err("why-only-date-coarsened"),
            },
            Self::AgeBand(_) => match leaf.shape {
                Shape::Date | Shape::PartialDate
                    if leaf.array.is_none() && leaf.name.as_str().ends_with("/birth/date") =>
                {
                    Ok(())
                }
                _ => Err("why-only-birth-band"),
            },
            Self::Country | Self::Adm1 => {
                let name = leaf.name.as_str();
                if leaf.array.is_none() && (name.ends_with("adm1") || name.ends_with("adm2")) {
                    Ok(())
                } else {
                    Err("why-only-place")
                }
            }
            Self::Bucket(_) => match leaf.shape {
                Shape::Integer { .. } if leaf.array.is_none() => Ok(()),
                _ => Err("why-only-number-bucket"),
            },
            Self::Count(_) if leaf.array.is_some() => Ok(()),
            Self::Count(_) => Err("why-only-array-counted"),
            Self::Hold if leaf.class == Class::Text && !leaf.name.as_str().contains('*') => Ok(()),
            Self::Hold => Err("why-only-text-held"),
        }
    }

    /// What can come out.
    pub(super) fn outcome(&self, leaf: Option<&Leaf>) -> Outcome {
        match self {
            Self::Drop => Outcome::Nothing,
            Self::Keep | Self::Hold => Outcome::AsItIs,
            Self::Constant(value) => Outcome::Codes(vec![value.clone()]),
            Self::CodeMap(map) => {
                let codes = match leaf.map(|leaf| &leaf.shape) {
                    Some(Shape::Codes(codes)) => codes.as_slice(),
                    _ => &[],
                };
                distinct(codes.iter().filter_map(|code| map.get(code)))
            }
            Self::Year => Outcome::Year,
            Self::HalfYear => Outcome::HalfYear,
            Self::Month => Outcome::Month,
            Self::AgeBand(bands) => distinct(bands.iter().map(|band| &band.0)),
            Self::Country => Outcome::Codes(vec!["IDN".to_owned()]),
            Self::Adm1 => distinct(PROVINCES.values()),
            Self::Bucket(edges) => Outcome::Codes(bucket_names(edges)),
            Self::Count(cap) => Outcome::Codes((0..=*cap).map(|n| count_name(n, *cap)).collect()),
            Self::Pseudonym => Outcome::Minted,
        }
    }
}

fn distinct<'a>(codes: impl Iterator<Item = &'a String>) -> Outcome {
    let mut codes: Vec<String> = codes.cloned().collect();
    codes.sort();
    codes.dedup();
    Outcome::Codes(codes)
}

fn code_map(value: &Value, tables: &Tables) -> Result<BTreeMap<String, String>, Phrase> {
    match (value.get("table").and_then(Value::as_str), value.get("map")) {
        (Some(name), None) => tables.code_maps.get(name).cloned().ok_or_else(|| {
            let known: Vec<_> = tables.code_maps.keys().map(String::as_str).collect();
            Phrase::new("why-no-table").with("table", name).with("names", known.join(", "))
        }),
        (None, Some(map)) => serde_json::from_value(map.clone())
            .ok()
            .filter(|map: &BTreeMap<String, String>| map.values().all(|code| is_code(code)))
            .ok_or(Phrase::new("why-map-codes")),
        _ => Err(Phrase::new("why-map-or-table")),
    }
}

/// The shipped table that an operation as written names: its kind, name and content.
pub(super) fn named_table(written: &Value) -> Option<(&'static str, &str, Value)> {
    let tables = TABLES.as_ref()?;
    let name = |key: &str| written.get(key).and_then(Value::as_str);
    match written.get("op").and_then(Value::as_str)? {
        "code_map" => {
            let name = name("table")?;
            Some(("code_maps", name, serde_json::to_value(tables.code_maps.get(name)?).ok()?))
        }
        "age_band" => {
            let name = name("bands")?;
            Some(("age_bands", name, serde_json::to_value(tables.age_bands.get(name)?).ok()?))
        }
        _ => None,
    }
}

/// The shipped tables that an operation may name, as each is written.
pub(super) fn named_tables() -> Vec<Value> {
    let Some(tables) = TABLES.as_ref() else { return Vec::new() };
    let maps = tables.code_maps.keys().map(|name| json!({"op": "code_map", "table": name}));
    let bands = tables.age_bands.keys().map(|name| json!({"op": "age_band", "bands": name}));
    maps.chain(bands).collect()
}

/// `4+` for the last one.
pub(super) fn count_name(count: u32, cap: u32) -> String {
    if count >= cap { format!("{cap}+") } else { count.to_string() }
}

pub(super) fn bucket_names(edges: &[i64]) -> Vec<String> {
    let first = edges.first().copied().unwrap_or(0);
    let mut names = vec![format!("under-{first}")];
    names.extend(edges.windows(2).filter_map(|pair| match pair {
        [from, to] if to - from == 1 => Some(from.to_string()),
        [from, to] => Some(format!("{from}-{}", to - 1)),
        _ => None,
    }));
    names.push(format!("{}+", edges.last().copied().unwrap_or(0)));
    names
}

pub(super) fn bucket_name(number: i64, edges: &[i64]) -> Option<String> {
    let at = edges.iter().filter(|edge| number >= **edge).count();
    bucket_names(edges).into_iter().nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operation_does_not_know_is_refused() {
        for written in [
            json!("keeep"),
            json!(1),
            json!({"table": "open_closed"}),
            json!({"op": "drop", "table": "open_closed"}),
            json!({"op": "code_map"}),
            json!({"op": "code_map", "table": "nowhere"}),
            json!({"op": "code_map", "table": "open_closed", "map": {"a": "b"}}),
            json!({"op": "code_map", "table": "open_closed", "otherwise": "keep"}),
            json!({"op": "code_map", "map": {"a": 1}}),
            json!({"op": "code_map", "map": {"a": "x".repeat(65)}}),
            json!({"op": "code_map", "map": {"a": "b\u{200b}"}}),
            json!({"op": "age_band", "bands": "mine"}),
            json!("age_band"),
            json!({"op": "constant", "value": ""}),
            json!({"op": "constant", "value": " x"}),
            json!({"op": "constant", "value": "x".repeat(65)}),
            json!({"op": "count", "cap": 0}),
            json!({"op": "count", "cap": "4"}),
            json!({"op": "count", "cap": 1_000_000}),
            json!({"op": "bucket", "edges": [3, 3]}),
            json!({"op": "bucket", "edges": [-1, 2]}),
            json!({"op": "bucket", "edges": []}),
        ] {
            assert!(Operation::parse(&written).is_err(), "{written}");
        }
    }

    #[test]
    fn every_range_of_a_bucket_has_its_own_name() {
        let edges = [1, 2, 5];
        assert_eq!(bucket_names(&edges), ["under-1", "1", "2-4", "5+"]);
        let names: Vec<_> = [0, 1, 2, 4, 5, 99].map(|n| bucket_name(n, &edges).unwrap()).into();
        assert_eq!(names, ["under-1", "1", "2-4", "2-4", "5+", "5+"]);
    }

    #[test]
    fn a_place_that_no_table_knows_has_no_province() {
        assert_eq!(PROVINCES.len(), 38);
        assert_eq!(province("31.71"), Some("ID-JK"));
        assert_eq!(province("ID-JK"), Some("ID-JK"));
        assert_eq!(province("99.01"), None);
        assert_eq!(province("IDN"), None);
    }
}
