//! The uniqueness budget: how few people a foreign recipient could take a case for.
//!
//! A *profile* is what one foreign party was ever told of one exchange: for every leaf that is
//! neither a reference nor a constant the set of values it received, the months that the releases'
//! statements show, and their number. It is kept release by release, so that one that is made anew
//! takes the place of what it was. A profile holds nothing but values that were released (bands,
//! mapped codes, months) and ids, so it is kept in the clear. Two cases share a combination if their
//! profiles are the same, value for value, month for month, and in number.
//!
//! Who shares a combination is counted twice, and added up: cases that passed here and that their
//! receiver took (the case itself counts once, whatever its state), and people of the *baseline*,
//! a table signed by the data protection officer. A person of the baseline counts if its row
//! agrees with every value of the profile. The table is of people and knows no events: it lists
//! the leaves that are events (the state told, since when), and those, the months and the number
//! of releases do not narrow it. So the baseline's part is an upper bound.
//!
//! What it cannot do. It knows only what passed here and what the table says; a recipient that
//! knows more can narrow a group further. A person may stand in the table and be a case too, and
//! then counts twice. It looks when a release is made: a group that shrinks afterwards, because
//! another case is told more or turns out to be an error, is not made whole again. A value that
//! was queued and taken back counts as told. An absent optional value tells nothing here, though
//! its absence may be seen. Each exchange is a case: what one party is told of one person in two
//! exchanges is not put together, as no reference joins them. What was released before a gateway
//! kept profiles stands in none.
//!
//! INVARIANT: a row that disagrees with the profile in one value is never counted, and a value of
//! a leaf that the table neither has a column for nor lists as an event counts nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::Date;

use super::compile::Compiled;
use super::operation::Operation;
use crate::domain::json::canonical;
use crate::domain::leaf::ANSWERS;
use crate::domain::{Body, LeafName};

/// What one foreign party was told of one exchange: a part for each release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    parts: BTreeMap<String, Part>,
}

/// What one release told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Per leaf, the canonical JSON of its value.
    values: BTreeMap<String, String>,
    /// `YYYY-MM`.
    month: String,
    /// Whether it was asked how many share what is then known.
    weighed: bool,
}

/// What all parts tell together.
#[derive(Serialize)]
struct Union<'a> {
    values: BTreeMap<&'a str, BTreeSet<&'a str>>,
    months: BTreeSet<&'a str>,
}

/// A profile as kept does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a profile does not parse")]
pub struct NotAProfile;

impl Profile {
    /// A profile as it was kept.
    ///
    /// # Errors
    /// [`NotAProfile`].
    pub fn parse(text: &str) -> Result<Self, NotAProfile> {
        serde_json::from_str(text).map_err(|_form| NotAProfile)
    }

    /// The profile once the release named `part` is of `body`, made under `policy`, and its
    /// statement shows `day`; in place of what that release was before. `weighed` is whether it is
    /// asked how many share it.
    #[must_use]
    pub fn with(
        &self,
        part: &str,
        (policy, body, day): (&Compiled, &Value, Date),
        weighed: bool,
    ) -> Self {
        let mut values = BTreeMap::new();
        let body = Body::new(body.clone());
        let is_answer = policy.message().name() == "information-response";
        for (name, operation) in policy.operations() {
            if let Operation::Drop | Operation::Pseudonym | Operation::Constant(_) = operation {
                continue;
            }
            // what an answer tells of the person stands below one place
            if is_answer && !LeafName::new(name).is_within(ANSWERS) {
                continue;
            }
            // a value that has no canonical form agrees with no row
            if let Some(value) = told(&body, name) {
                let text = canonical(&value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                // an answer tells of the person what the same leaf of a status does
                let leaf = LeafName::new(name).answered().to_owned();
                values.insert(leaf, text.unwrap_or_default());
            }
        }
        let month = format!("{:04}-{:02}", day.year(), u8::from(day.month()));
        let mut profile = self.clone();
        profile.parts.insert(part.to_owned(), Part { values, month, weighed });
        profile
    }

    /// Whether a part of `next` tells nothing that it did not tell when it was weighed.
    pub fn has_weighed(&self, part: &str, next: &Self) -> bool {
        let (Some(was), Some(is)) = (self.parts.get(part), next.parts.get(part)) else {
            return false;
        };
        let same = |(leaf, value): (&String, &String)| was.values.get(leaf) == Some(value);
        was.weighed && was.month == is.month && is.values.iter().all(same)
    }

    /// How many releases it is of.
    pub fn releases(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// Its JSON, as it is kept.
    pub fn text(&self) -> String {
        // strings and maps of strings have a JSON form
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What its key is computed over: all that it tells, and by how many releases; not by which.
    pub fn canonical(&self) -> String {
        let told = serde_json::to_string(&self.union()).unwrap_or_default();
        format!("{}\0{told}", self.releases())
    }

    fn union(&self) -> Union<'_> {
        let mut union = Union { values: BTreeMap::new(), months: BTreeSet::new() };
        for part in self.parts.values() {
            union.months.insert(&part.month);
            for (leaf, value) in &part.values {
                union.values.entry(leaf).or_default().insert(value);
            }
        }
        union
    }
}

/// What a body tells at a leaf: its value, or below an array of objects all of them.
fn told(body: &Body, name: &str) -> Option<Value> {
    if name.contains('*') {
        let values = body.values(&LeafName::new(name));
        let told = values.iter().any(|value| !value.is_null());
        return told.then(|| values.into_iter().cloned().collect());
    }
    body.value().pointer(name).filter(|value| !value.is_null()).cloned()
}

/// The signed table of people who may be taken for a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    as_of: String,
    events: BTreeSet<String>,
    columns: BTreeSet<String>,
    people: Vec<People>,
    total: u32,
}

/// One row: so many people whose released values would be these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct People {
    n: u32,
    #[serde(flatten)]
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    as_of: toml::value::Datetime,
    total: u32,
    events: Vec<String>,
    people: Vec<People>,
}

/// A baseline that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the baseline cannot be read: {0}")]
pub struct BadBaseline(String);

impl Baseline {
    /// Reads a baseline. Its signature is checked before, over the same bytes.
    ///
    /// # Errors
    /// [`BadBaseline`].
    pub fn parse(text: &str) -> Result<Self, BadBaseline> {
        let written: Written =
            toml::from_str(text).map_err(|error| BadBaseline(error.message().to_owned()))?;
        let bad = |reason: &str| Err(BadBaseline(reason.to_owned()));
        if written.as_of.time.is_some() || written.as_of.date.is_none() {
            return bad("`as_of` is no day");
        }
        let events: BTreeSet<String> = written.events.iter().cloned().collect();
        if events.len() != written.events.len() {
            return bad("an event is listed twice");
        }
        if let Some(event) = events.iter().find(|event| !is_event(event)) {
            return Err(BadBaseline(format!("`{event}` is no date or state of a case")));
        }
        let columns: BTreeSet<String> = match written.people.first() {
            Some(first) => first.values.keys().cloned().collect(),
            None => BTreeSet::new(),
        };
        if let Some(column) = columns.iter().find(|column| !column.starts_with('/')) {
            return Err(BadBaseline(format!("`{column}` is no leaf")));
        }
        if let Some(both) = columns.iter().find(|column| events.contains(*column)) {
            return Err(BadBaseline(format!("`{both}` is an event and a column")));
        }
        let mut seen = BTreeSet::new();
        let mut total = 0u32;
        for (row, people) in (1..).zip(&written.people) {
            if !people.values.keys().eq(&columns) {
                return Err(BadBaseline(format!("row {row} has other columns than the first")));
            }
            if !seen.insert(&people.values) {
                return Err(BadBaseline(format!("row {row} stands there twice")));
            }
            total = total.saturating_add(people.n);
        }
        if total != written.total {
            return Err(BadBaseline(format!("its rows make {total}, not the total it says")));
        }
        let (as_of, people) = (written.as_of.to_string(), written.people);
        Ok(Self { as_of, events, columns, people, total })
    }

    /// The day of the table; empty where there is none.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// How many people stand in it.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Leaves that are events and do not narrow it.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(String::as_str)
    }

    /// Its rows: the values by leaf, and how many people have them.
    pub fn rows(&self) -> impl Iterator<Item = (&BTreeMap<String, String>, u32)> {
        self.people.iter().map(|people| (&people.values, people.n))
    }

    /// How many of its people could be taken for a case of that profile: an upper bound.
    pub fn alike(&self, profile: &Profile) -> u32 {
        let mut asked: Vec<(&str, String)> = Vec::new();
        for (leaf, values) in profile.union().values {
            if self.events.contains(leaf) {
                continue;
            }
            // a person has one value of a leaf: who was told as two is nobody in the table
            let one = values.first().filter(|_| values.len() == 1);
            let one = one.filter(|_| self.columns.contains(leaf));
            match one.and_then(|text| serde_json::from_str(text).ok()) {
                Some(value) => asked.push((leaf, value)),
                None => return 0,
            }
        }
        let agrees = |people: &&People| {
            asked.iter().all(|(leaf, told)| people.values.get(*leaf) == Some(told))
        };
        self.people.iter().filter(agrees).fold(0, |sum: u32, people| sum.saturating_add(people.n))
    }
}

/// What may be listed as an event: a date or a state of the case, never a date of a person.
fn is_event(leaf: &str) -> bool {
    leaf.starts_with('/') && (leaf.ends_with("_state") || leaf.ends_with("_on"))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SHIPPED: &str = include_str!("../../config/baseline.toml");

    static BASELINE: LazyLock<Baseline> = LazyLock::new(|| Baseline::parse(SHIPPED).unwrap());

    fn told(values: &[(&str, &[Value])]) -> Profile {
        let count = values.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        let part = |at: usize| {
            let at_part = |(leaf, all): &(&str, &[Value])| {
                Some(((*leaf).to_owned(), all.get(at).or(all.last())?.to_string()))
            };
            let values = values.iter().filter_map(at_part).collect();
            (at.to_string(), Part { values, month: "2026-11".to_owned(), weighed: true })
        };
        Profile { parts: (0..count).map(part).collect() }
    }

    fn standing(age: &str, pathway: &str) -> Profile {
        told(&[
            ("/subject/birth/date", &[json!(age)]),
            ("/origin/pathway", &[json!(pathway)]),
            ("/category/ppks", &[json!("special_protection")]),
            ("/to_state", &[json!("open"), json!("closed")]),
            ("/effective_on", &[json!("2026-11")]),
        ])
    }

    #[test]
    fn the_shipped_table_has_the_usual_combinations_and_a_rare_one() {
        assert!(SHIPPED.contains("SYNTHETIC"));
        assert_eq!(BASELINE.total(), 263);
        for (age, pathway) in
            [("under_18", "abroad"), ("adult", "abroad"), ("under_18", "domestic")]
        {
            assert!(BASELINE.alike(&standing(age, pathway)) >= 10, "{age} {pathway}");
        }
        assert_eq!(BASELINE.alike(&standing("adult", "domestic")), 4);
    }

    #[test]
    fn what_the_table_cannot_answer_counts_nobody() {
        let age = |values: &[Value]| told(&[("/subject/birth/date", values)]);
        assert!(BASELINE.alike(&age(&[json!("adult")])) > 0);
        assert_eq!(BASELINE.alike(&age(&[json!("adult"), json!("under_18")])), 0);
        assert_eq!(BASELINE.alike(&age(&[json!(["adult"])])), 0);
        assert_eq!(BASELINE.alike(&age(&[json!("elderly")])), 0);
        assert_eq!(BASELINE.alike(&told(&[("/subject/sex", &[json!("female")])])), 0);
        assert_eq!(BASELINE.alike(&told(&[("/next_review_on", &[json!("2026-11")])])), 0);
        assert_eq!(Baseline::default().alike(&standing("adult", "abroad")), 0);
        // told nothing of a person, a recipient may think of anyone
        assert_eq!(BASELINE.alike(&told(&[("/to_state", &[json!("open")])])), 263);
    }

    #[test]
    fn a_table_that_is_not_whole_does_not_load() {
        let row = "n = 4\n";
        for (from, to, says) in [
            ("total = 263", "total = 262", "make 263"),
            ("total = 263", "total = -1", "-1"),
            (row, "n = -4\n", "-4"),
            (row, "n = 4\n\"/subject/sex\" = \"female\"\n", "other columns"),
            ("\"/to_state\"", "\"/to_state\", \"/to_state\"", "twice"),
            ("\"/to_state\"", "\"/subject/birth/date\"", "no date or state"),
            ("\"/subject/birth/date\" = \"adult\"", "\"/x_on\" = \"adult\"", "columns"),
            ("as_of = 2026", "as_off = 2026", "as_off"),
            ("as_of = 2026-09-30", "as_of = 2026-09-30T00:00:00Z", "no day"),
            ("\"/origin/pathway\" = \"domestic\"", "\"/origin/pathway\" = \"abroad\"", "twice"),
            ("events =", "score = 1\nevents =", "score"),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            let fault = Baseline::parse(&SHIPPED.replace(from, to)).unwrap_err().to_string();
            assert!(fault.contains(says), "{to}: {fault}");
        }
        let column = "as_of = 2026-09-30\ntotal = 1\nevents = [\"/x_on\"]\n[[people]]\nn = 1\n";
        for (leaf, says) in [("x", "no leaf"), ("/x_on", "an event and a column")] {
            let fault = Baseline::parse(&format!("{column}\"{leaf}\" = \"y\"")).unwrap_err();
            assert!(fault.to_string().contains(says), "{fault}");
        }
    }

    #[test]
    fn a_profile_is_kept_and_read_back_and_each_part_of_it_counts() {
        let one = standing("adult", "abroad");
        assert_eq!(Profile::parse(&one.text()), Ok(one.clone()));
        assert_eq!(Profile::parse("{}"), Err(NotAProfile));
        let first = |change: fn(&mut Part)| {
            let mut other = one.clone();
            change(other.parts.get_mut("0").unwrap());
            other
        };
        let mut twice = one.clone();
        twice.parts.insert("2".to_owned(), one.parts["1"].clone());
        for other in
            [standing("adult", "domestic"), twice, first(|part| part.month = "2026-12".to_owned())]
        {
            assert_ne!(other.canonical(), one.canonical());
        }
        // by which release it was told does not count
        let mut renamed = one.clone();
        let part = renamed.parts.remove("0").unwrap();
        renamed.parts.insert("9".to_owned(), part);
        assert_eq!(renamed.canonical(), one.canonical());
        // what tells less, or was never weighed
        let less = first(|part| drop(part.values.remove("/origin/pathway")));
        assert!(one.has_weighed("0", &less) && !less.has_weighed("0", &one));
        assert!(!first(|part| part.weighed = false).has_weighed("0", &less));
        assert!(!one.has_weighed("9", &one));
    }

    proptest! {
        #[test]
        fn an_estimate_never_counts_a_row_that_disagrees(
            rows in prop::collection::btree_map(("[ab]", "[cd]", "[ef]"), 0u32..50, 0..8),
            asked in ("[ab]", "[cd]", "[ef]"),
            given in prop::array::uniform3(any::<bool>()),
        ) {
            let names = ["/age", "/way", "/kind"];
            let values = |row: &(String, String, String)| [row.0.clone(), row.1.clone(), row.2.clone()];
            let mut text = String::from("as_of = 2026-09-30\nevents = []\n");
            text.extend([format!("total = {}\n", rows.values().sum::<u32>())]);
            if rows.is_empty() {
                text.push_str("people = []\n");
            }
            for (row, n) in &rows {
                text.extend([format!("[[people]]\nn = {n}\n")]);
                for (name, value) in names.iter().zip(values(row)) {
                    text.extend([format!("\"{name}\" = \"{value}\"\n")]);
                }
            }
            let baseline = Baseline::parse(&text).unwrap();
            let mut part = Part::default();
            for ((name, value), given) in names.iter().zip(values(&asked)).zip(given) {
                if given {
                    part.values.insert((*name).to_owned(), json!(value).to_string());
                }
            }
            let profile = Profile { parts: BTreeMap::from([(String::new(), part)]) };
            let agrees = |row: &(String, String, String)| {
                (0..3).all(|at| !given[at] || values(row)[at] == values(&asked)[at])
            };
            let expected: u32 = rows.iter().filter(|(row, _)| agrees(row)).map(|(_, n)| n).sum();
            prop_assert_eq!(baseline.alike(&profile), expected);
        }
    }
}
