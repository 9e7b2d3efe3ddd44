//! What the shipped schemas take and refuse, end to end over claims.

mod types;

use serde_json::{Value, json};

use super::*;
use crate::domain::{Class, Code, Refused, Shape};

pub(super) fn schemas() -> Schemas {
    Schemas::builtin().unwrap()
}

pub(super) fn example(message: &str, flavour: Flavour) -> Value {
    let found = EXAMPLES.iter().find(|e| e.message == message && e.flavour == flavour).unwrap();
    let mut claims = json::parse(found.claims.trim_end().as_bytes()).unwrap();
    claims["iss"] = json!("bnpt");
    claims["aud"] = json!("https://titian.example.org");
    claims["iat"] = json!(1_795_000_000);
    claims["exp"] = json!(1_795_003_600);
    claims["jti"] = json!("a".repeat(26));
    claims
}

pub(super) fn validate(claims: Value) -> Result<Valid<Message>, Refused> {
    schemas().validate(Parsed::of_claims(claims))
}

/// The refusal of a typical message after `change`, as (code, pointer, keyword)s.
pub(super) fn refusal(
    message: &str,
    change: impl FnOnce(&mut Value),
) -> (Code, Vec<(String, String)>) {
    let mut claims = example(message, Flavour::Typical);
    change(&mut claims);
    let refused = validate(claims).unwrap_err();
    (refused.code, refused.errors.into_iter().map(|f| (f.pointer, f.keyword)).collect())
}

pub(super) fn one(code: Code, pointer: &str, keyword: &str) -> (Code, Vec<(String, String)>) {
    (code, vec![(pointer.to_owned(), keyword.to_owned())])
}

pub(super) fn set(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |claims| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = claims.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            _ => parent[name] = value,
        }
    }
}

pub(super) fn without(pointer: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        assert!(parent.remove(name).is_some(), "{pointer}");
    }
}

#[test]
fn every_valid_example_passes() {
    for example in EXAMPLES.iter().filter(|e| e.flavour != Flavour::Hostile) {
        let claims = self::example(example.message, example.flavour);
        let body = claims["body"].clone();
        let message = validate(claims).unwrap_or_else(|r| panic!("{}: {r:?}", example.message));
        assert_eq!(message.message_type.as_str(), example.message);
        let (told, body) = schemas().unfold(&message.message_type, body);
        assert_eq!(message.told_type, told);
        assert_eq!(message.body.value(), &body);
    }
}

/// The hostile example of a type is refused at these places, and in words that hold none of its.
pub(in crate::schema) fn hostile_is_refused(message: &str, faults: &[(&str, &str)]) {
    let refused = validate(example(message, Flavour::Hostile)).unwrap_err();
    assert_eq!(refused.code, Code::Schema);
    let found: Vec<_> =
        refused.errors.iter().map(|f| (f.pointer.as_str(), f.keyword.as_str())).collect();
    assert_eq!(found, faults, "{message}");
    let words = format!("{refused:?}").to_lowercase();
    for canary in ["zarqolin", "siti", "0812", "3171", "threat", "\u{200b}"] {
        assert!(!words.contains(canary), "{message}: {canary}");
    }
}

#[test]
fn a_message_is_typed() {
    let mut claims = example("status/1", Flavour::Typical);
    claims["legal"]["onward"] = json!(["cuta-be"]);
    claims["attest"]["consent_record"] = json!("b".repeat(26));
    let message = validate(claims).unwrap().into_inner();
    assert_eq!(message.iss.to_string(), "bnpt");
    assert_eq!(message.message_id.as_str(), "a".repeat(26));
    assert_eq!((message.iat, message.exp), (1_795_000_000, 1_795_003_600));
    let recipients: Vec<String> = message.recipients.iter().map(ToString::to_string).collect();
    assert_eq!(recipients, ["bnpt", "cuta-be"]);
    assert!(message.in_reply_to.is_some());
    assert_eq!(message.legal.purpose, crate::domain::Purpose::Reintegration);
    assert_eq!(message.legal.retention_until, time::macros::date!(2028 - 12 - 31));
    assert_eq!(message.legal.onward[0].as_str(), "cuta-be");
    assert_eq!(message.marking.tlp, "TLP:AMBER+STRICT");
    assert_eq!(message.attest.consent_record.unwrap().as_str(), "b".repeat(26));
    assert_eq!(message.digest, Digest::of(b"test"));
    for shown in [format!("{message:?}"), format!("{:?}", message.legal)] {
        assert!(["Message", "Legal"].contains(&shown.as_str()), "{shown}");
    }
}

#[test]
fn an_unknown_type_is_refused_before_anything_else() {
    for unknown in ["referral/2", "referral", "zarqolin/1", "", "REFERRAL/1", "envelope/1"] {
        let found = refusal("referral/1", |claims| {
            claims["type"] = json!(unknown);
            claims["legal"] = json!(null);
        });
        assert_eq!(found, one(Code::UnknownType, "/type", "type"), "{unknown}");
    }
    assert_eq!(refusal("referral/1", without("/type")), one(Code::Schema, "/type", "required"));
    let number = refusal("referral/1", set("/type", json!(1)));
    assert_eq!(number, one(Code::Schema, "/type", "type"));
}

#[test]
fn every_claim_of_the_envelope_is_required_and_closed() {
    for claim in [
        "/iss",
        "/aud",
        "/iat",
        "/exp",
        "/jti",
        "/recipients",
        "/subject_scope",
        "/legal",
        "/legal/basis",
        "/legal/instrument",
        "/legal/purpose",
        "/legal/retention_until",
        "/legal/onward",
        "/marking",
        "/marking/tlp",
        "/marking/handling",
        "/marking/caveats",
        "/attest",
        "/attest/best_interests",
        "/attest/safety_check",
        "/body",
    ] {
        let found = refusal("referral/1", without(claim));
        assert_eq!(found, one(Code::Schema, claim, "required"));
    }
    for (pointer, value, at, keyword) in [
        ("/_sd", json!([]), "", "additionalProperties"),
        ("/cnf", json!({}), "", "additionalProperties"),
        ("/legal/_sd", json!([]), "/legal", "additionalProperties"),
        ("/recipients", json!([]), "/recipients", "minItems"),
        (
            "/recipients",
            json!(["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "i1"]),
            "/recipients",
            "maxItems",
        ),
        ("/recipients/0", json!("Kemensos"), "/recipients/0", "pattern"),
        ("/recipients/0", json!("kemensos/"), "/recipients/0", "pattern"),
        ("/recipients/0", json!({"...": "x"}), "/recipients/0", "type"),
        ("/aud", json!(["a"]), "/aud", "type"),
        ("/jti", json!("A".repeat(26)), "/jti", "pattern"),
        ("/iat", json!(-1), "/iat", "minimum"),
        ("/exp", json!("1795003600"), "/exp", "type"),
        ("/legal/retention_until", json!("2026-02-30"), "/legal/retention_until", "format"),
        ("/legal/retention_until", json!("2026-2-3"), "/legal/retention_until", "format"),
        ("/legal/purpose", json!("threat_analysis"), "/legal/purpose", "enum"),
        ("/marking/tlp", json!("AMBER"), "/marking/tlp", "enum"),
        ("/attest/best_interests", json!("yes"), "/attest/best_interests", "enum"),
        ("/attest/consent_record", json!("31710"), "/attest/consent_record", "pattern"),
        ("/body", json!("x"), "/body", "type"),
        ("/body", json!(null), "/body", "type"),
    ] {
        let found = refusal("referral/1", set(pointer, value));
        assert_eq!(found, one(Code::Schema, at, keyword), "{pointer}");
    }
}

#[test]
fn a_recipient_stands_once() {
    let twice = json!(["kemensos", "bnpt", "kemensos"]);
    let found = refusal("referral/1", set("/recipients", twice));
    assert_eq!(found, one(Code::UnknownRecipient, "/recipients/2", "unique"));
    let mut claims = example("referral/1", Flavour::Typical);
    claims["recipients"] = json!(["kemensos", "kemensos/sentra-handayani"]);
    assert!(validate(claims).is_ok(), "a party and its unit are two addresses");
}

#[test]
fn a_refusal_names_at_most_32_places_in_a_fixed_order() {
    let change = |claims: &mut Value| {
        claims["body"]["nationalities"] = json!("x");
        claims["body"]["household"] = (0..40).map(|_| json!({"Zarqolin": 1})).collect();
        claims["legal"]["purpose"] = json!("Zarqolin");
    };
    let (code, faults) = refusal("referral/1", change);
    assert_eq!((code, faults.len()), (Code::Schema, FAULTS_MAX));
    let mut sorted = faults.clone();
    sorted.sort();
    assert_eq!(faults, sorted);
    assert!(!format!("{faults:?}").contains("Zarqolin"));
}

#[test]
fn rules_over_two_fields_of_a_referral() {
    let abh = json!({"ppks": "ampk", "ampk": "abh_terorisme", "relation_to_event": "self"});
    let justice = json!({"stage": "trial", "detained": "no"});
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("/body/category/ppks", json!("other"), "/body/category/ppks", "child-is-ampk"),
        (
            "/body/category/ampk",
            json!("not_applicable"),
            "/body/category/ampk",
            "child-has-ampk-category",
        ),
        ("/body/category", abh.clone(), "/body/justice", "abh-needs-justice"),
        ("/body/justice", justice.clone(), "/body/justice", "justice-only-for-abh"),
        (
            "/body/subject/birth/date",
            json!("2011-02-29"),
            "/body/subject/birth/date",
            "calendar-date",
        ),
        (
            "/body/subject/birth/date",
            json!("2011-04-31"),
            "/body/subject/birth/date",
            "calendar-date",
        ),
    ];
    for (pointer, value, at, rule) in cases {
        let mut claims = example("referral/1", Flavour::Typical);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        claims.pointer_mut(parent).unwrap()[name] = value;
        let refused = validate(claims).unwrap_err();
        assert_eq!(refused, Refused::at(Code::Rule, at, rule));
    }
    let mut claims = example("referral/1", Flavour::Typical);
    claims["body"]["category"] = abh;
    claims["body"]["justice"] = justice;
    for date in ["2012-02-29", "2012-02", "2012"] {
        claims["body"]["subject"]["birth"]["date"] = json!(date);
        assert!(validate(claims.clone()).is_ok(), "{date}");
    }
    let mut woman = example("referral/1", Flavour::Typical);
    woman["body"]["subject"]["scope"] = json!("woman");
    woman["body"]["category"] =
        json!({"ppks": "other", "ampk": "not_applicable", "relation_to_event": "other_relation"});
    assert!(validate(woman).is_ok());
}

#[test]
fn rules_over_two_fields_of_a_status() {
    let check = |to: &str, reason: Option<&str>, outcome: Option<&str>| {
        let mut claims = example("status/1", Flavour::Typical);
        claims["body"]["to_state"] = json!(to);
        for (name, code) in [("reason_code", reason), ("outcome", outcome)] {
            if let Some(code) = code {
                claims["body"][name] = json!(code);
            }
        }
        validate(claims).map(|_| ()).map_err(|refused| {
            assert_eq!(refused.code, Code::Rule);
            refused.errors.into_iter().map(|f| f.keyword).collect::<Vec<_>>().join(" ")
        })
    };
    let no = |rules: &str| Err(rules.to_owned());
    assert_eq!(check("declined", None, None), no("declined-needs-reason"));
    assert_eq!(check("declined", Some("no_capacity"), None), Ok(()));
    assert_eq!(check("declined", Some("away"), None), no("reason-of-this-state"));
    assert_eq!(check("on_hold", Some("away"), None), Ok(()));
    assert_eq!(check("on_hold", None, None), Ok(()));
    assert_eq!(check("on_hold", Some("duplicate"), None), no("reason-of-this-state"));
    assert_eq!(check("accepted", Some("no_capacity"), None), no("reason-of-this-state"));
    for end in ["completed", "closed"] {
        assert_eq!(check(end, None, None), no("end-needs-outcome"));
        assert_eq!(check(end, None, Some("aged_out")), Ok(()));
    }
    assert_eq!(check("in_service", None, Some("deceased")), no("outcome-only-at-end"));
    let day = refusal("status/1", set("/body/subject/birth/date", json!("2011-02-30")));
    assert_eq!(day, one(Code::Rule, "/body/subject/birth/date", "calendar-date"));
}

/// Every string, number and name of `value`, one after the other, replaced by a canary.
fn planted(value: &Value) -> Vec<Value> {
    const CANARY: &str = "Zarqolin";
    let mut out = vec![json!(CANARY), json!(271_828_182), json!([CANARY]), json!({CANARY: CANARY})];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                for inner in planted(member) {
                    let mut members = members.clone();
                    members.insert(name.clone(), inner);
                    out.push(Value::Object(members));
                }
            }
            let mut renamed = members.clone();
            renamed.insert(format!("{CANARY}/~0"), json!(CANARY));
            out.push(Value::Object(renamed));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                for inner in planted(item) {
                    let mut items = items.clone();
                    items[at] = inner;
                    out.push(Value::Array(items));
                }
            }
            out.push(json!([CANARY]));
        }
        _ => {}
    }
    out
}

#[test]
fn no_refusal_carries_a_value_or_an_unknown_name() {
    let schemas = schemas();
    let mut refusals = 0;
    for example in EXAMPLES {
        let claims = self::example(example.message, example.flavour);
        for planted in planted(&claims) {
            let Value::Object(_) = planted else { continue };
            let Err(refused) = schemas.validate(Parsed::of_claims(planted)) else { continue };
            let words = format!("{refused:?}{refused:#?}");
            assert!(!words.contains("arqolin") && !words.contains("271828182"), "{words}");
            refusals += 1;
        }
    }
    assert!(refusals > 1000, "{refusals}");
}

#[test]
fn the_leaf_tables_are_those_of_the_domain_page() {
    let schemas = schemas();
    let table = |name: &str| schemas.message(&name.parse().unwrap()).unwrap().leaves();
    let referral = table("referral/1");
    assert_eq!(referral.leaves.len(), 61);
    let names: Vec<_> = referral.leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    assert!(names.is_sorted());
    for (name, class, required, array) in [
        ("/subject/ref", Class::Operational, true, false),
        ("/subject/name/full", Class::Direct, true, false),
        ("/subject/name/alias", Class::Direct, false, true),
        ("/subject/ids/*/no", Class::Direct, true, false),
        ("/subject/birth/date", Class::Quasi, true, false),
        ("/subject/birth/place_adm2", Class::Direct, false, false),
        ("/household/*/relation", Class::Quasi, true, false),
        ("/justice/stage", Class::Sensitive, false, false),
        ("/justice/case_no", Class::Direct, false, false),
        ("/safety/do_not_inform", Class::Sensitive, true, true),
        ("/consent/withhold", Class::Sensitive, true, true),
        ("/services_requested", Class::Sensitive, true, true),
        ("/summary", Class::Text, false, false),
        ("/attachments/*/sha256", Class::Direct, true, false),
    ] {
        let leaf = referral.leaf(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((leaf.class, leaf.required), (class, required), "{name}");
        assert_eq!(leaf.array.is_some(), array, "{name}");
    }
    let bounds: Vec<_> = referral.arrays.iter().map(|(at, b)| (at.as_str(), b.max)).collect();
    assert_eq!(bounds, [("/attachments", 8), ("/household", 12), ("/subject/ids", 16)]);
    assert_eq!(referral.leaf("/subject/birth/date").unwrap().shape, Shape::PartialDate);
    for (name, kind) in [
        ("/subject/ref", "subject"),
        ("/household/*/ref", "household"),
        ("/referrer/officer_ref", "officer"),
        ("/consent/bid_ref", "bid"),
    ] {
        assert_eq!(referral.leaf(name).unwrap().reference.as_deref(), Some(kind));
    }
    let status = table("status/1");
    assert_eq!(status.leaves.len(), 17);
    let Shape::Codes(listed) = &status.leaf("/to_state").unwrap().shape else { panic!() };
    let all: Vec<_> = crate::domain::state::ThreadState::ALL.iter().map(|s| s.as_str()).collect();
    assert_eq!(listed, &all);
    let withdrawal = table("withdrawal/1");
    assert_eq!(withdrawal.leaf("/target").unwrap().reference.as_deref(), Some("message"));
    assert_eq!(withdrawal.leaves.len(), 3);
    for schema in schemas.iter() {
        assert_eq!(schema.leaves().schema, schema.digest());
        assert_eq!(&schema.leaves().message, schema.message_type());
        let canonical = json::canonical(schema.text()).unwrap();
        assert_eq!(schema.digest(), Digest::of(&canonical));
    }
}

#[test]
fn every_code_is_one_that_a_receiver_can_tell_from_free_text() {
    for schema in schemas().iter() {
        for leaf in &schema.leaves().leaves {
            let Shape::Codes(codes) = &leaf.shape else { continue };
            for code in codes {
                let digits = code.bytes().filter(u8::is_ascii_digit).count();
                assert!(digits < 9, "{}: {code}", leaf.name);
            }
        }
    }
}

#[test]
fn provinces_are_the_same_in_every_list() {
    let file = include_str!("../../../schemas/codes/provinces.json");
    let file = json::parse(file.trim_end().as_bytes()).unwrap();
    let rows = file["provinces"].as_array().unwrap();
    assert_eq!(rows.len(), 38);
    let mut iso: Vec<_> = rows.iter().map(|row| row["iso"].as_str().unwrap()).collect();
    iso.sort_unstable();
    let schemas = schemas();
    for message in ["referral/1", "status/1"] {
        let leaves = schemas.message(&message.parse().unwrap()).unwrap().leaves();
        let Shape::Codes(codes) = &leaves.leaf("/location/adm1").unwrap().shape else { panic!() };
        assert_eq!(codes, &iso);
    }
    let referral = schemas.message(&"referral/1".parse().unwrap()).unwrap().leaves();
    let Shape::Pattern { pattern, .. } = &referral.leaf("/location/adm2").unwrap().shape else {
        panic!()
    };
    let pattern = regex::Regex::new(pattern).unwrap();
    let known = |prefix: &str| rows.iter().any(|row| row["kemendagri"] == prefix);
    for prefix in 0..100 {
        let prefix = format!("{prefix:02}");
        assert_eq!(pattern.is_match(&format!("{prefix}.71")), known(&prefix), "{prefix}");
    }
    assert!(!pattern.is_match("31.00") && !pattern.is_match("31.71.01"));
}

#[test]
fn a_type_is_described_once() {
    let twice = BUILTIN.iter().chain(BUILTIN.iter().take(1)).copied();
    let error = Schemas::from_texts(twice).unwrap_err();
    assert!(matches!(error, SchemaError::Twice { .. }), "{error}");
}

#[test]
fn a_date_must_be_in_the_calendar_and_written_in_ascii() {
    for (date, valid) in [
        ("2026-12-11", true),
        ("2028-02-29", true),
        ("2026-02-29", false),
        ("2026-13-01", false),
        ("2026-12-1", false),
        ("2026-12-11\n", false),
        ("２０２６-12-11", false),
        ("٢٠٢٦-12-11", false),
        ("2026-12-11T00:00:00Z", false),
    ] {
        let mut claims = example("referral/1", Flavour::Typical);
        claims["body"]["respond_by"] = json!(date);
        assert_eq!(validate(claims).is_ok(), valid, "{date}");
        let mut claims = example("referral/1", Flavour::Typical);
        claims["body"]["subject"]["birth"]["date"] = json!(date);
        assert_eq!(validate(claims).is_ok(), valid, "{date}");
    }
}

#[test]
fn lengths_are_counted_in_characters() {
    for (length, valid) in [(2000, true), (2001, false)] {
        let mut claims = example("referral/1", Flavour::Typical);
        claims["body"]["summary"] = json!("é".repeat(length));
        assert_eq!(validate(claims).is_ok(), valid, "{length}");
    }
}
