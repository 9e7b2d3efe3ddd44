//! The worked example: BNPT refers a child, Kemensos tells BNPT and CUTA where it stands.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use titian::domain::{Body, Language, LeafName};
use titian::policy::{Withheld, disclose, explain, prove};

use crate::support::{changed, context, example, read, run, shipped};

/// A released body in the form of its golden file, in which `<ref>` stands for any reference.
fn golden(name: &str, mut body: Value) {
    fn mask(value: &mut Value) {
        match value {
            Value::String(text) if text.parse::<titian::domain::Id>().is_ok() => {
                *text = "<ref>".to_owned();
            }
            Value::Array(items) => items.iter_mut().for_each(mask),
            Value::Object(members) => members.values_mut().for_each(mask),
            _ => {}
        }
    }
    mask(&mut body);
    let expected: Value =
        serde_json::from_str(&read(&format!("tests/golden/cases/{name}.json"))).unwrap();
    assert_eq!(body, expected, "{name} is now:\n{}", serde_json::to_string_pretty(&body).unwrap());
}

#[test]
fn kemensos_receives_everything_but_summary_and_attachments() {
    let body = example("referral.typical");
    let disclosure = run(&shipped("bnpt-kemensos-referral"), &body).unwrap();
    golden("bnpt-kemensos-referral", disclosure.body().clone());
    assert_eq!(disclosure.pending(), [LeafName::new("/summary")]);
    let rules: BTreeSet<&str> = disclosure.findings().iter().map(|f| f.keyword.as_str()).collect();
    assert!(rules.contains("phone"), "{rules:?}");
    let own = body.pointer("/subject/ref").and_then(Value::as_str).unwrap();
    let out = disclosure.subject_pseudonym().unwrap();
    assert_eq!(disclosure.body().pointer("/subject/ref"), Some(&json!(out.as_str())));
    assert!(!disclosure.body().to_string().contains(own));
}

#[test]
fn a_released_text_passes_as_it_is() {
    let body = example("referral.typical");
    let released = [LeafName::new("/summary")];
    let policy = shipped("bnpt-kemensos-referral");
    let disclosure = disclose(&policy, &Body::new(body.clone()), &context(&released)).unwrap();
    assert_eq!(disclosure.body().get("summary"), body.get("summary"));
    assert!(disclosure.pending().is_empty() && disclosure.findings().is_empty());
}

#[test]
fn bnpt_receives_ref_sex_province_states_month_and_mapped_services() {
    let disclosure = run(&shipped("kemensos-bnpt-status"), &example("status.typical")).unwrap();
    golden("kemensos-bnpt-status", disclosure.body().clone());
}

#[test]
fn cuta_receives_what_the_floor_admits_and_no_more() {
    let disclosure = run(&shipped("kemensos-cuta-be-status"), &example("status.typical")).unwrap();
    let mut body = disclosure.body().clone();
    assert!(body.as_object_mut().unwrap().remove("pad").is_some());
    golden("kemensos-cuta-be-status", body);
    let disclosure =
        run(&shipped("kemensos-cuta-be-referral"), &example("referral.typical")).unwrap();
    let mut body = disclosure.body().clone();
    assert!(body.as_object_mut().unwrap().remove("pad").is_some());
    golden("kemensos-cuta-be-referral", body);
}

#[test]
fn the_digest_of_a_body_is_that_of_its_canonical_form() {
    for (policy, body) in [
        ("bnpt-kemensos-referral", "referral.typical"),
        ("kemensos-cuta-be-status", "status.typical"),
    ] {
        let disclosure = run(&shipped(policy), &example(body)).unwrap();
        let canonical = titian::domain::json::canonical(disclosure.body()).unwrap();
        assert_eq!(disclosure.body_digest(), titian::domain::Digest::of(&canonical));
    }
}

#[test]
fn what_cannot_be_evaluated_is_refused_abroad() {
    let policy = shipped("kemensos-cuta-be-status");
    let body = changed(&example("status.typical"), "/subject/birth/date", Some(json!("2008")));
    let Err(Withheld::Refuse(refused)) = run(&policy, &body) else { panic!() };
    assert_eq!(refused.errors[0].pointer, "/subject/birth/date");
    assert!(!format!("{refused:?}").contains("2008"));
    let absent = changed(&example("status.typical"), "/subject/birth", None);
    let disclosure = run(&policy, &absent).unwrap();
    assert_eq!(disclosure.body().pointer("/subject/birth/date"), Some(&Value::Null));
}

#[test]
fn what_the_net_hits_is_held_at_home_and_the_rest_goes() {
    let policy = shipped("bnpt-kemensos-referral");
    let optional =
        changed(&example("referral.typical"), "/referrer/unit", Some(json!("a3171014503110000")));
    let disclosure = run(&policy, &optional).unwrap();
    assert_eq!(disclosure.body().pointer("/referrer/unit"), Some(&Value::Null));
    assert!(disclosure.pending().contains(&LeafName::new("/referrer/unit")));
    let required =
        changed(&example("referral.typical"), "/referrer/agency", Some(json!("a3171014503110000")));
    let Err(Withheld::Hold { leaves, findings }) = run(&policy, &required) else { panic!() };
    assert_eq!(leaves, [LeafName::new("/referrer/agency")]);
    assert!(findings.iter().all(|fault| !fault.keyword.contains("3171")));
}

#[test]
fn nothing_direct_can_reach_cuta_or_bnpt_and_the_proof_says_so() {
    for id in ["kemensos-cuta-be-status", "kemensos-cuta-be-referral", "kemensos-bnpt-status"] {
        let proof = prove(&shipped(id));
        assert!(proof.nothing_direct, "{id}");
        assert!(proof.to_string().contains("No direct identifier"), "{id}");
    }
    let proof = prove(&shipped("bnpt-kemensos-referral"));
    assert!(!proof.nothing_direct && proof.to_string().contains("CAN reach kemensos"));
}

#[test]
fn an_explanation_has_one_sentence_for_each_leaf_that_leaves() {
    for language in [Language::Id, Language::En] {
        let sentences = explain(&shipped("kemensos-cuta-be-status"), language);
        // who, when, six leaves, how many
        assert_eq!(sentences.len(), 9, "{sentences:?}");
        assert!(sentences.last().unwrap().contains('6'), "{sentences:?}");
        let all = sentences.join("\n");
        assert!(!all.contains('\u{2068}') && !all.contains("Unknown localization"), "{all}");
    }
    let sentences = explain(&shipped("kemensos-cuta-be-status"), Language::Id);
    assert!(sentences[0].contains("menerima"), "{}", sentences[0]);
}
