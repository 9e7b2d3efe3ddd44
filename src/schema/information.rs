//! What the schemas of information requests and responses take and refuse.

use serde_json::{Value, json};

use super::tests::{example, hostile_is_refused, one, refusal, schemas, set, validate, without};
use super::*;
use crate::domain::{Code, Refused, Shape};

const REQUEST: &str = "information-request/1";
const RESPONSE: &str = "information-response/1";

#[test]
fn a_request_names_everything_that_whoever_decides_has_to_know() {
    for leaf in [
        "/body/about",
        "/body/requested_fields",
        "/body/need",
        "/body/respond_by",
        "/body/urgency",
        "/body/intended_onward",
    ] {
        assert_eq!(refusal(REQUEST, without(leaf)), one(Code::Schema, leaf, "required"));
    }
    for (pointer, value, at, keyword) in [
        ("/body/about/topic", json!("persons"), "/body/about/topic", "enum"),
        ("/body/about/exchange", json!("31710"), "/body/about/exchange", "pattern"),
        ("/body/about/name", json!("Zarqolin"), "/body/about", "additionalProperties"),
        ("/body/need", json!("threat_analysis"), "/body/need", "enum"),
        ("/body/urgency", json!("immediate"), "/body/urgency", "enum"),
        ("/body/respond_by", json!("2026-13-01"), "/body/respond_by", "format"),
        ("/body/requested_fields", json!([]), "/body/requested_fields", "minItems"),
        ("/body/requested_fields/0", json!("/threat"), "/body/requested_fields/0", "enum"),
        ("/body/requested_fields/0", json!("/subject"), "/body/requested_fields/0", "enum"),
        ("/body/officer_ref", json!("Zarqolin"), "/body/officer_ref", "pattern"),
        ("/body/intended_onward", json!(["A"]), "/body/intended_onward/0", "pattern"),
    ] {
        let found = refusal(REQUEST, set(pointer, value));
        assert_eq!(found, one(Code::Schema, at, keyword), "{pointer}");
    }
}

#[test]
fn ten_fields_may_be_asked_for_each_once() {
    let names: Vec<_> = schemas()
        .message(&"referral/1".parse().unwrap())
        .unwrap()
        .leaves()
        .leaves
        .iter()
        .map(|leaf| json!(leaf.name.as_str()))
        .collect();
    let ask = |fields: &[Value]| {
        let mut claims = example(REQUEST, Flavour::Typical);
        claims["body"]["requested_fields"] = json!(fields);
        validate(claims).map(|_| ())
    };
    assert_eq!(ask(&names[..10]), Ok(()));
    let at = "/body/requested_fields";
    assert_eq!(ask(&names[..11]), Err(Refused::at(Code::Schema, at, "maxItems")));
    let twice = [names[0].clone(), names[1].clone(), names[0].clone()];
    assert_eq!(ask(&twice), Err(Refused::at(Code::Rule, at, "each-field-once")));
}

#[test]
fn every_leaf_of_a_referral_may_be_asked_for_and_answered_and_none_is_required() {
    let schemas = schemas();
    let table = |name: &str| schemas.message(&name.parse().unwrap()).unwrap().leaves();
    let referral = table("referral/1");
    let fields = table(REQUEST).leaf("/requested_fields").unwrap();
    let Shape::Codes(codes) = &fields.shape else { panic!() };
    let mut codes: Vec<_> = codes.iter().map(String::as_str).collect();
    codes.sort_unstable();
    let names: Vec<_> = referral.leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    assert_eq!(codes, names);
    let response = table(RESPONSE);
    assert_eq!(response.leaves.len(), names.len() + 2);
    for leaf in &referral.leaves {
        let answer = response.leaf(&format!("/answers{}", leaf.name)).unwrap();
        assert!(!answer.required, "{}", leaf.name);
        let of = |leaf: &crate::domain::Leaf| {
            (leaf.class, leaf.shape.clone(), leaf.identifier.clone(), leaf.reference.clone())
        };
        assert_eq!(of(answer), of(leaf), "{}", leaf.name);
    }
}

#[test]
fn rules_over_two_fields_of_a_request() {
    let rule = |pointer, id| one(Code::Rule, pointer, id);
    let both = refusal(REQUEST, set("/body/about/topic", json!("practice")));
    assert_eq!(both, rule("/body/about", "exchange-or-topic"));
    let neither = refusal(REQUEST, without("/body/about/exchange"));
    assert_eq!(neither, rule("/body/about", "exchange-or-topic"));
    let urgent = refusal(REQUEST, set("/body/urgency", json!("urgent")));
    assert_eq!(urgent, rule("/body/officer_ref", "urgent-needs-officer"));
}

#[test]
fn rules_over_two_fields_of_a_response() {
    assert_eq!(
        refusal(RESPONSE, without("/body/result")),
        one(Code::Schema, "/body/result", "required")
    );
    let answer = |body: Value| {
        let mut claims = example(RESPONSE, Flavour::Typical);
        claims["body"] = body;
        validate(claims).map(|_| ())
    };
    let answers = json!({"subject": {"sex": "female"}});
    let broken = |at: &str, id: &str| Err(Refused::at(Code::Rule, at, id));
    for result in ["answered", "partial"] {
        assert_eq!(answer(json!({"result": result, "answers": answers})), Ok(()));
        let coded = json!({"result": result, "refusal_code": "no_basis"});
        assert_eq!(answer(coded), broken("/body/refusal_code", "code-only-when-refused"));
    }
    assert_eq!(answer(json!({"result": "refused", "refusal_code": "no_basis"})), Ok(()));
    let bare = json!({"result": "refused"});
    assert_eq!(answer(bare), broken("/body/refusal_code", "refused-needs-code"));
    let full = json!({"result": "refused", "refusal_code": "no_basis", "answers": answers});
    assert_eq!(answer(full), broken("/body/answers", "refused-has-no-answers"));
    let day =
        json!({"result": "answered", "answers": {"subject": {"birth": {"date": "2011-02-30"}}}});
    assert_eq!(answer(day), broken("/body/answers/subject/birth/date", "calendar-date"));
}

#[test]
fn the_hostile_examples_are_refused_at_each_attempt() {
    let request = [
        ("/body", "additionalProperties"),
        ("/body/about/exchange", "pattern"),
        ("/body/about/topic", "enum"),
        ("/body/intended_onward/0", "pattern"),
        ("/body/need", "enum"),
        ("/body/officer_ref", "pattern"),
        ("/body/requested_fields/1", "enum"),
        ("/body/respond_by", "format"),
        ("/body/urgency", "enum"),
    ];
    hostile_is_refused(REQUEST, &request);
    let response = [
        ("/body/answers/household/0", "additionalProperties"),
        ("/body/answers/household/0/relation", "enum"),
        ("/body/answers/subject", "additionalProperties"),
        ("/body/answers/subject/birth/date", "maxLength"),
        ("/body/answers/subject/birth/date", "pattern"),
        ("/body/answers/subject/sex", "enum"),
        ("/body/answers/urgency", "enum"),
        ("/body/refusal_code", "enum"),
        ("/body/result", "enum"),
    ];
    hostile_is_refused(RESPONSE, &response);
}
