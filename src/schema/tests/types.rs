//! What the shipped types take and refuse, one by one.

use serde_json::json;

use super::*;

/// Where each hostile example is refused.
const HOSTILE: &[(&str, &[(&str, &str)])] = &[
    (
        "referral/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/attachments/0/size", "type"),
            ("/body/category/relation_to_event", "enum"),
            ("/body/household/0", "additionalProperties"),
            ("/body/location/adm1", "enum"),
            ("/body/referrer/officer_ref", "pattern"),
            ("/body/subject/birth/date", "maxLength"),
            ("/body/subject/birth/date", "pattern"),
            ("/body/urgency", "enum"),
            ("/legal/purpose", "enum"),
            ("/marking/handling/0", "enum"),
        ],
    ),
    (
        "status/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/effective_on", "format"),
            ("/body/note", "maxLength"),
            ("/body/reason_code", "enum"),
            ("/body/service_codes/1", "enum"),
            ("/body/subject", "additionalProperties"),
            ("/body/to_state", "enum"),
        ],
    ),
    (
        "correction/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/reason", "enum"),
            ("/body/status", "additionalProperties"),
            ("/body/status/to_state", "enum"),
            ("/body/target", "pattern"),
        ],
    ),
    (
        "erasure-confirmation/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/erased_on", "format"),
            ("/body/legal_basis", "enum"),
            ("/body/result", "enum"),
            ("/in_reply_to", "pattern"),
        ],
    ),
    (
        "erasure-notice/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/erase_by", "format"),
            ("/body/include_backups", "type"),
            ("/body/reason", "enum"),
            ("/body/targets/0", "pattern"),
            ("/in_reply_to", "pattern"),
        ],
    ),
    (
        "withdrawal/1",
        &[
            ("/body", "additionalProperties"),
            ("/body/reason", "enum"),
            ("/body/target", "pattern"),
            ("/in_reply_to", "pattern"),
        ],
    ),
];

#[test]
fn every_hostile_example_is_refused_by_the_schema_at_each_attempt() {
    for (message, faults) in HOSTILE {
        hostile_is_refused(message, faults);
    }
}

#[test]
fn a_correction_holds_one_body_that_keeps_the_schema_and_rules_of_its_type() {
    let schemas = schemas();
    let leaves = |message: &str| schemas.message(&message.parse().unwrap()).unwrap().leaves();
    let corrected = leaves("correction/1");
    for (member, message) in [("referral", "referral/1"), ("status", "status/1")] {
        let below = format!("/{member}/");
        let found = corrected.leaves.iter().filter(|leaf| leaf.name.as_str().starts_with(&below));
        let found: Vec<_> =
            found.map(|leaf| (leaf.name.as_str().replacen(&below, "/", 1), leaf.class)).collect();
        let own: Vec<_> =
            leaves(message).leaves.iter().map(|l| (l.name.to_string(), l.class)).collect();
        assert_eq!(found, own, "{message}");
    }
    let typical = example("correction/1", Flavour::Typical);
    let message = validate(typical.clone()).unwrap();
    let said = message.correction.as_ref().unwrap();
    assert_eq!(
        (said.target.as_str(), said.reason.as_str()),
        ("d5reinvscch6h5enmymzqrm6ea", "inaccurate")
    );
    assert_eq!(message.told_type.as_str(), "status/1");
    assert_eq!(message.place("/to_state"), "/body/status/to_state");
    for missing in ["/body/target", "/body/reason"] {
        assert_eq!(
            refusal("correction/1", without(missing)),
            one(Code::Schema, missing, "required")
        );
    }
    let none = refusal("correction/1", without("/body/status"));
    assert_eq!(none, one(Code::Rule, "/body", "one-body"));
    let referral = example("correction/1", Flavour::Rare)["body"]["referral"].clone();
    let both = refusal("correction/1", set("/body/referral", referral));
    assert_eq!(both, one(Code::Rule, "/body", "one-body"));
    let unknown = refusal("correction/1", set("/body/reason", json!("sent_in_error")));
    assert_eq!(unknown, one(Code::Schema, "/body/reason", "enum"));
    let rule = refusal("correction/1", set("/body/status/to_state", json!("declined")));
    assert_eq!(rule, one(Code::Rule, "/body/status/reason_code", "declined-needs-reason"));
    let inner = refusal("correction/1", without("/body/status/to_state"));
    assert_eq!(inner, one(Code::Schema, "/body/status/to_state", "required"));
}

#[test]
fn a_body_of_a_type_there_is_not_does_not_load() {
    let alone = BUILTIN.iter().copied().filter(|(file, _)| *file != "status.1.json");
    let error = Schemas::from_texts(alone).unwrap_err().to_string();
    assert!(error.contains("/properties/status/x-body-of"), "{error}");
}

#[test]
fn a_notice_of_erasure_names_messages_or_a_person() {
    const NOTICE: &str = "erasure-notice/1";
    let target = || json!(["d5reinvscch6h5enmymzqrm6ea"]);
    let both = refusal(NOTICE, set("/body/targets", target()));
    assert_eq!(both, one(Code::Rule, "/body", "one-target"));
    let none = refusal(NOTICE, without("/body/subject"));
    assert_eq!(none, one(Code::Rule, "/body", "one-target"));
    for missing in ["/body/reason", "/body/erase_by", "/body/include_backups"] {
        assert_eq!(refusal(NOTICE, without(missing)), one(Code::Schema, missing, "required"));
    }
    let unknown = refusal(NOTICE, set("/body/reason", json!("clerical")));
    assert_eq!(unknown, one(Code::Schema, "/body/reason", "enum"));
    let leaves = schemas();
    let leaves = leaves.message(&NOTICE.parse().unwrap()).unwrap().leaves();
    assert_eq!(leaves.leaf("/targets").unwrap().reference.as_deref(), Some("message"));
}

#[test]
fn only_what_is_retained_has_a_basis() {
    const CONFIRMATION: &str = "erasure-confirmation/1";
    let basis = refusal(CONFIRMATION, set("/body/legal_basis", json!("consent")));
    let broken = one(Code::Rule, "/body/legal_basis", "basis-of-what-is-retained");
    assert_eq!(basis, broken);
    assert_eq!(refusal(CONFIRMATION, set("/body/result", json!("retained"))), broken);
    for missing in ["/body/result", "/body/erased_on"] {
        assert_eq!(refusal(CONFIRMATION, without(missing)), one(Code::Schema, missing, "required"));
    }
}
