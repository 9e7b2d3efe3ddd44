//! Properties over random bodies: what comes out fits the release schema, nothing direct comes out
//! abroad or at counter-terrorism, what is dropped changes nothing, and every release abroad under
//! one schema has one length.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};
use titian::domain::{Class, Leaf, LeafTable, Shape};
use titian::policy::{Compiled, Disclosure, Withheld, prove};

use crate::support::{compile_text, run, shipped, table, with_row};

/// Recipients who may have nothing direct.
const NARROW: [&str; 3] =
    ["kemensos-bnpt-status", "kemensos-cuta-be-status", "kemensos-cuta-be-referral"];
const WIDE: [&str; 2] = ["bnpt-kemensos-referral", "cuta-be-kemensos-referral"];

/// Name and value of a member that may be absent.
type Member = (String, Option<Value>);

#[derive(Debug, Clone)]
enum Part {
    Leaf(String, Option<Value>),
    Objects(String, Option<Vec<Vec<Member>>>),
}

fn scalar(shape: &Shape) -> BoxedStrategy<Value> {
    match shape {
        Shape::Codes(codes) => prop::sample::select(codes.clone()).prop_map(Value::from).boxed(),
        Shape::Date => day().prop_map(Value::from).boxed(),
        Shape::DateTime => day().prop_map(|day| json!(format!("{day}T08:00:00Z"))).boxed(),
        Shape::PartialDate => (day(), prop::sample::select(vec![4usize, 7, 10]))
            .prop_map(|(day, length)| Value::from(day.get(..length)))
            .boxed(),
        Shape::Pattern { pattern, .. } => {
            let inner = pattern.trim_start_matches('^').trim_end_matches('$');
            proptest::string::string_regex(inner).unwrap().prop_map(Value::from).boxed()
        }
        Shape::Text { .. } => prop_oneof![
            "[A-Z][a-z]{4,9} Zarqolin [a-z]{5,9}",
            Just("NIK 3171014503110000, 0812-0000-0000".to_owned()),
            "\\PC{5,40}",
        ]
        .prop_map(Value::from)
        .boxed(),
        Shape::Integer { min, max } => (*min..=*max).prop_map(Value::from).boxed(),
        Shape::Boolean => any::<bool>().prop_map(Value::from).boxed(),
    }
}

fn day() -> impl Strategy<Value = String> {
    (1940..2030i32, 1..13u8, 1..29u8).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}"))
}

fn value(leaf: &Leaf) -> BoxedStrategy<Option<Value>> {
    let one = scalar(&leaf.shape);
    let value = match leaf.array {
        None => one,
        Some(bounds) => {
            let (min, max) = (bounds.min as usize, bounds.max as usize);
            prop::collection::vec(one, min..=max).prop_map(Value::from).boxed()
        }
    };
    if leaf.required {
        value.prop_map(Some).boxed()
    } else {
        prop::option::weighted(0.7, value).boxed()
    }
}

fn bodies(table: &'static LeafTable) -> impl Strategy<Value = Value> {
    let mut parts: Vec<BoxedStrategy<Part>> = Vec::new();
    for leaf in table.leaves.iter().filter(|leaf| !leaf.name.as_str().contains("/*")) {
        let name = leaf.name.to_string();
        parts.push(value(leaf).prop_map(move |value| Part::Leaf(name.clone(), value)).boxed());
    }
    for (array, bounds) in &table.arrays {
        let prefix = format!("{array}/*/");
        let members: Vec<BoxedStrategy<Member>> = table
            .leaves
            .iter()
            .filter_map(|leaf| Some((leaf, leaf.name.as_str().strip_prefix(&prefix)?.to_owned())))
            .map(|(leaf, name)| value(leaf).prop_map(move |v| (name.clone(), v)).boxed())
            .collect();
        let (array, most) = (array.clone(), bounds.max.min(4) as usize);
        let items = prop::option::of(prop::collection::vec(members, 0..=most));
        parts.push(items.prop_map(move |items| Part::Objects(array.clone(), items)).boxed());
    }
    parts.prop_map(assemble)
}

fn assemble(parts: Vec<Part>) -> Value {
    let mut body = json!({});
    for part in parts {
        match part {
            Part::Leaf(name, Some(value)) => put(&mut body, &name, value),
            Part::Objects(name, Some(items)) => {
                let object = |members: Vec<Member>| -> Value {
                    let present = members.into_iter().filter_map(|(k, v)| Some((k, v?)));
                    Value::Object(present.collect::<Map<_, _>>())
                };
                put(&mut body, &name, items.into_iter().map(object).collect());
            }
            Part::Leaf(_, None) | Part::Objects(_, None) => {}
        }
    }
    body
}

fn put(body: &mut Value, name: &str, value: Value) {
    let mut at = body;
    let mut segments = name.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let members = at.as_object_mut().unwrap();
        if segments.peek().is_none() {
            members.insert(segment.to_owned(), value);
            return;
        }
        at = members.entry(segment).or_insert_with(|| json!({}));
    }
}

/// The strings of every direct or text leaf that are free to vary.
fn canaries(table: &LeafTable, body: &Value) -> Vec<String> {
    let body = titian::domain::Body::new(body.clone());
    let is_free = |leaf: &&Leaf| {
        matches!(leaf.class, Class::Direct | Class::Text)
            && matches!(leaf.shape, Shape::Pattern { .. } | Shape::Text { .. })
    };
    let values = table.leaves.iter().filter(is_free).flat_map(|leaf| body.values(&leaf.name));
    let texts = values.filter_map(|value| value.as_str().map(str::to_owned));
    texts.filter(|text| text.chars().count() >= 5).collect()
}

fn fits(policy: &Compiled, disclosure: &Disclosure) -> bool {
    let schema: Value = serde_json::from_str(policy.release_schema()).unwrap();
    let options = jsonschema::options().should_validate_formats(true).offline();
    options.build(&schema).unwrap().is_valid(disclosure.body())
}

/// What a recipient or sender can see of a decision.
fn seen(outcome: &Result<Disclosure, Withheld>) -> String {
    match outcome {
        Ok(disclosure) => disclosure.body().to_string(),
        Err(withheld) => format!("{withheld:?}"),
    }
}

fn release_schema_is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is = |kind: &str| match members.get("type") {
                Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
                Some(one) => one == kind,
                None => false,
            };
            let pattern = members.get("pattern").and_then(Value::as_str).unwrap_or_default();
            let minted_or_date = ["^[a-z2-7]{26}$", "^[0-9]{4}-(0[1-9]|1[0-2])$", "^_*$"];
            let string_ok =
                !is("string") || members.contains_key("enum") || minted_or_date.contains(&pattern);
            let object_ok =
                !is("object") || members.get("additionalProperties") == Some(&json!(false));
            string_ok && object_ok && members.values().all(release_schema_is_closed)
        }
        Value::Array(items) => items.iter().all(release_schema_is_closed),
        _ => true,
    }
}

fn check(id: &str, cases: u32, property: impl Fn(&Compiled, &LeafTable, &Value, &Value)) {
    let policy = shipped(id);
    let leaves = table(policy.message().as_str());
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let pair = (bodies(leaves), bodies(leaves));
    runner
        .run(&pair, |(one, other)| {
            property(&policy, leaves, &one, &other);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{id}: {failure}"));
}

/// What the plan builds fits by itself: the release schema, as the second line, has nothing to do.
#[test]
fn what_comes_out_fits_the_release_schema() {
    for id in NARROW.into_iter().chain(WIDE) {
        let (went, tried) = (Cell::new(0u32), Cell::new(0u32));
        check(id, 64, |policy, _, body, _| {
            tried.set(tried.get() + 1);
            match run(policy, body) {
                Ok(disclosure) => {
                    went.set(went.get() + 1);
                    assert!(fits(policy, &disclosure));
                }
                Err(Withheld::Refuse(refused)) => {
                    assert!(refused.errors.iter().all(|fault| fault.keyword != "release-schema"));
                }
                Err(Withheld::Hold { leaves, .. }) => assert!(!leaves.is_empty()),
            }
        });
        // or the bodies are none that anything can be said about
        assert!(went.get() * 4 > tried.get(), "{id}: {} of {}", went.get(), tried.get());
    }
}

#[test]
fn nothing_direct_comes_out_abroad_or_at_counter_terrorism() {
    for id in NARROW {
        check(id, 96, |policy, table, body, _| {
            let seen = seen(&run(policy, body));
            for canary in canaries(table, body) {
                let escaped = Value::from(canary.as_str()).to_string();
                assert!(!seen.contains(&canary) && !seen.contains(escaped.trim_matches('"')));
            }
        });
    }
}

/// Everything that the plan drops is taken from the second body, presence included.
#[test]
fn what_is_dropped_changes_nothing() {
    for id in NARROW {
        check(id, 96, |policy, table, one, other| {
            let rows = prove(policy).rows;
            let kept = rows.iter().filter(|row| row.operation != "drop");
            let mut mixed = other.clone();
            for row in kept {
                assert!(!row.leaf.contains('*'), "the narrow policies keep no array of objects");
                match one.pointer(&row.leaf) {
                    Some(value) => put(&mut mixed, &row.leaf, value.clone()),
                    None => remove(&mut mixed, &row.leaf),
                }
            }
            assert!(table.leaves.len() > rows.iter().filter(|r| r.operation != "drop").count());
            assert_eq!(seen(&run(policy, one)), seen(&run(policy, &mixed)));
        });
    }
}

fn remove(body: &mut Value, name: &str) {
    let (above, last) = name.rsplit_once('/').unwrap();
    if let Some(members) = body.pointer_mut(above).and_then(Value::as_object_mut) {
        members.remove(last);
    }
}

#[test]
fn every_release_abroad_under_one_schema_has_one_length() {
    for id in NARROW.into_iter().filter(|id| id.contains("cuta")) {
        check(id, 96, |policy, _, one, other| {
            if let (Ok(one), Ok(other)) = (run(policy, one), run(policy, other)) {
                assert_eq!(one.body().to_string().len(), other.body().to_string().len());
            }
        });
    }
}

/// Each leaf with each operation on top of the shipped policy: whatever compiles releases closed
/// codes, months and minted references, and nothing of the direct leaves.
#[test]
fn whatever_compiles_for_abroad_releases_only_closed_values() {
    let operations = [
        "\"keep\"",
        "\"hold\"",
        "\"pseudonym\"",
        "\"year\"",
        "\"half_year\"",
        "\"month\"",
        "\"country\"",
        "\"adm1\"",
        "{ op = \"constant\", value = \"open\" }",
        "{ op = \"age_band\", bands = \"foreign\" }",
        "{ op = \"age_band\", bands = \"domestic\" }",
        "{ op = \"code_map\", table = \"open_closed\" }",
        "{ op = \"code_map\", table = \"abroad_domestic\" }",
        "{ op = \"code_map\", table = \"special_protection_ampk\" }",
        "{ op = \"code_map\", map = { female = \"open\", male = \"closed\", unknown = \"adult\" } }",
        "{ op = \"count\", cap = 4 }",
        "{ op = \"bucket\", edges = [0, 1000] }",
    ];
    let mut compiled = 0;
    for id in ["kemensos-cuta-be-status", "kemensos-cuta-be-referral"] {
        let message = shipped(id).message().clone();
        for leaf in &table(message.as_str()).leaves {
            for operation in operations {
                let Ok(policy) = compile_text(&with_row(id, leaf.name.as_str(), operation)) else {
                    continue;
                };
                compiled += 1;
                let what = format!("{} = {operation}", leaf.name);
                let schema: Value = serde_json::from_str(policy.release_schema()).unwrap();
                assert!(release_schema_is_closed(&schema), "{what}");
                assert!(prove(&policy).nothing_direct, "{what}");
            }
        }
    }
    // the shipped rows themselves, and the other table of `special_protection`
    assert_eq!(compiled, 5 + 3 + 2, "the floor admits more or less than it did");
}
