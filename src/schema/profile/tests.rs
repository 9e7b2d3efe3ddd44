//! One test per rule of the profile: the smallest schema that breaks it and nothing else.

use serde_json::{Value, json};

use super::*;

fn schema(properties: Value) -> Value {
    let mut schema = json!({
        "$schema": DIALECT,
        "$id": format!("{ID_BASE}test/1"),
        "type": "object",
        "additionalProperties": false
    });
    schema["properties"] = properties;
    schema
}

/// A leaf that passes, with `change` merged in; a `null` there takes the keyword away.
fn leaf(change: Value) -> Value {
    let mut leaf = json!({
        "title": "Code", "x-title-id": "Kode", "x-class": "operational",
        "type": "string", "enum": ["a", "b"]
    });
    merge(&mut leaf, change);
    leaf
}

fn merge(into: &mut Value, change: Value) {
    let Value::Object(change) = change else { panic!("a change is an object") };
    let into = into.as_object_mut().unwrap();
    for (key, value) in change {
        if value.is_null() {
            into.remove(&key);
        } else {
            into.insert(key, value);
        }
    }
}

fn flaw(schema: &Value) -> (String, ProfileRule) {
    let flaw = check(schema, Kind::Body).map(|_| ()).unwrap_err();
    (flaw.pointer, flaw.rule)
}

fn rule_of_leaf(change: Value) -> ProfileRule {
    let (pointer, rule) = flaw(&schema(json!({"a": leaf(change)})));
    assert!(pointer.starts_with("/properties/a"), "{pointer}");
    rule
}

fn takes(properties: Value) {
    let schema = schema(properties);
    if let Err(flaw) = check(&schema, Kind::Body) {
        panic!("{flaw:?}");
    }
}

#[test]
fn every_form_of_leaf_the_profile_knows_passes() {
    let id = json!({"enum": null, "pattern": "^[a-z2-7]{26}$", "maxLength": 26,
        "x-reference": "subject"});
    let name = json!({"enum": null, "maxLength": 200, "x-class": "direct", "x-identifier": "name"});
    let scalars = |class: Value| {
        let mut array = json!({"title": "C", "x-title-id": "K", "type": "array", "maxItems": 3,
            "items": {"type": "string", "enum": ["a"]}});
        merge(&mut array, class);
        array
    };
    takes(json!({
        "codes": leaf(json!({})),
        "one": leaf(json!({"enum": null, "const": "a"})),
        "day": leaf(json!({"enum": null, "format": "date"})),
        "moment": leaf(json!({"enum": null, "format": "date-time"})),
        "shape": leaf(json!({"enum": null, "pattern": "^[a-z]{1,3}$", "maxLength": 3})),
        "birth": leaf(json!({"enum": null, "maxLength": 7, "x-format": "partial-date",
            "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"})),
        "ref": leaf(id),
        "name": leaf(name),
        "size": leaf(json!({"enum": null, "type": "integer", "minimum": 0, "maximum": 9,
            "x-unit": "byte"})),
        "flag": leaf(json!({"enum": null, "type": "boolean", "x-note": "any annotation",
            "description": "d", "examples": [true], "$comment": "c"})),
        "outer": scalars(json!({"x-class": "quasi"})),
        "inner": {"title": "C", "x-title-id": "K", "type": "array", "maxItems": 3,
            "items": leaf(json!({}))},
        "rows": {"type": "array", "maxItems": 2, "items": {"type": "object",
            "properties": {"a": leaf(json!({}))}, "additionalProperties": false}},
    }));
}

#[test]
fn what_is_no_schema_is_refused() {
    assert_eq!(flaw(&json!(true)), (String::new(), ProfileRule::NotASchema));
    assert_eq!(flaw(&schema(json!({"a": true}))).1, ProfileRule::NotASchema);
    let mut defs = schema(json!({"a": leaf(json!({}))}));
    defs["$defs"] = json!([]);
    assert_eq!(flaw(&defs), ("/$defs".to_owned(), ProfileRule::NotASchema));
}

#[test]
fn the_dialect_is_2020_12() {
    for dialect in [json!("http://json-schema.org/draft-07/schema#"), json!(null)] {
        let mut schema = schema(json!({"a": leaf(json!({}))}));
        schema["$schema"] = dialect;
        assert_eq!(flaw(&schema).1, ProfileRule::Dialect);
    }
}

#[test]
fn other_keywords_are_refused_everywhere() {
    for keyword in [
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "dependentRequired",
        "minProperties",
        "$anchor",
        "$dynamicRef",
        "$vocabulary",
        "$id",
        "$schema",
        "$defs",
        "default",
        "readOnly",
        "contentEncoding",
    ] {
        let mut object = schema(json!({"a": leaf(json!({}))}));
        object["properties"]["o"] = json!({"type": "object", "additionalProperties": false,
            "properties": {"a": leaf(json!({}))}, keyword: {}});
        let expected = (format!("/properties/o/{keyword}"), ProfileRule::Keyword);
        assert_eq!(flaw(&object), expected);
        assert_eq!(rule_of_leaf(json!({keyword: {}})), ProfileRule::Keyword, "{keyword}");
    }
    let mut root = schema(json!({"a": leaf(json!({}))}));
    root["anyOf"] = json!([]);
    assert_eq!(flaw(&root), ("/anyOf".to_owned(), ProfileRule::Keyword));
    let array = json!({"title": "C", "x-title-id": "K", "type": "array", "maxItems": 3,
        "uniqueItems": true, "items": leaf(json!({}))});
    assert_eq!(flaw(&schema(json!({"a": array}))).1, ProfileRule::Keyword);
    for misplaced in ["multipleOf", "exclusiveMinimum"] {
        let integer = json!({"enum": null, "type": "integer", "minimum": 0, "maximum": 9,
            "x-unit": "byte", misplaced: 1});
        assert_eq!(rule_of_leaf(integer), ProfileRule::Keyword);
    }
}

#[test]
fn types_are_single_and_known() {
    for kind in [json!("number"), json!("null"), json!(["string"]), json!(["string", "null"])] {
        assert_eq!(rule_of_leaf(json!({"type": kind})), ProfileRule::Type);
    }
    assert_eq!(rule_of_leaf(json!({"type": null})), ProfileRule::Type);
    let mut root = schema(json!({"a": leaf(json!({}))}));
    root["type"] = json!("array");
    assert_eq!(flaw(&root).1, ProfileRule::RootNotAnObject);
}

#[test]
fn references_stay_in_the_schema() {
    for target in [
        json!("https://example.org/x"),
        json!("other.json#/$defs/a"),
        json!("#"),
        json!("#a"),
        json!("#/properties/b"),
        json!("#/$defs/none"),
        json!("#/$defs/a/type"),
        json!(1),
        json!("file:///etc/passwd"),
        json!("#/%24defs/a"),
    ] {
        let mut schema = schema(json!({"a": {"$ref": target}, "b": {"$ref": "#/$defs/a"}}));
        schema["$defs"] = json!({"a": leaf(json!({}))});
        assert_eq!(flaw(&schema), ("/properties/a/$ref".to_owned(), ProfileRule::NotLocal));
    }
}

#[test]
fn references_do_not_lead_back() {
    let cycles = [
        json!({"a": {"$ref": "#/$defs/a"}}),
        json!({"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}),
        json!({"a": {"type": "object", "additionalProperties": false,
            "properties": {"again": {"$ref": "#/$defs/a"}}}}),
        json!({"a": {"type": "array", "maxItems": 1, "items": {"$ref": "#/$defs/a"}}}),
    ];
    for defs in cycles {
        let mut schema = schema(json!({"a": {"$ref": "#/$defs/a"}}));
        schema["$defs"] = defs;
        assert_eq!(flaw(&schema).1, ProfileRule::Cycle);
    }
    let mut twice = schema(json!({"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/a"}}));
    twice["$defs"] = json!({"a": leaf(json!({}))});
    assert!(check(&twice, Kind::Body).is_ok(), "used twice is no cycle");
}

#[test]
fn beside_a_reference_stand_annotations_only() {
    for keyword in ["maxLength", "enum", "type", "properties"] {
        let mut schema = schema(json!({"a": {"$ref": "#/$defs/a", keyword: ["a"]}}));
        schema["$defs"] = json!({"a": leaf(json!({}))});
        assert_eq!(flaw(&schema), (format!("/properties/a/{keyword}"), ProfileRule::BesideRef));
    }
}

#[test]
fn a_definition_is_used() {
    let mut schema = schema(json!({"a": leaf(json!({}))}));
    schema["$defs"] = json!({"spare": {"anyOf": []}});
    assert_eq!(flaw(&schema), ("/$defs/spare".to_owned(), ProfileRule::UnusedDefinition));
}

#[test]
fn objects_are_closed_and_list_their_properties() {
    for open in [json!(true), json!({}), json!(null)] {
        let mut schema = schema(json!({"a": leaf(json!({}))}));
        merge(&mut schema, json!({"additionalProperties": open}));
        assert_eq!(flaw(&schema).1, ProfileRule::Open);
    }
    for none in [json!({}), json!([])] {
        assert_eq!(flaw(&schema(none)).1, ProfileRule::NoProperties);
    }
    for required in [json!(["b"]), json!(["a", "a"]), json!([1]), json!("a")] {
        let mut schema = schema(json!({"a": leaf(json!({}))}));
        schema["required"] = required;
        assert_eq!(flaw(&schema), ("/required".to_owned(), ProfileRule::Required));
    }
}

#[test]
fn names_are_safe_in_pointers() {
    for name in ["", "A", "a/b", "a~b", "*", "1a", "_sd", "...", "a-b", "é", &"a".repeat(33)] {
        assert_eq!(flaw(&schema(json!({name: leaf(json!({}))}))).1, ProfileRule::PropertyName);
    }
}

#[test]
fn nothing_scores_or_ranks_a_person() {
    for name in [
        "score",
        "risk",
        "threat",
        "rank",
        "rating",
        "risk_level",
        "total_score",
        "at_risk",
        "threat2",
        "skor",
        "tingkat_risiko",
        "peringkat",
    ] {
        let (pointer, rule) = flaw(&schema(json!({name: leaf(json!({}))})));
        assert_eq!((pointer, rule), (format!("/properties/{name}"), ProfileRule::Scoring));
    }
    takes(json!({"risky_word_parts_like_franking": leaf(json!({}))}));
    let nested = json!({"o": {"type": "array", "maxItems": 1, "items": {"type": "object",
        "additionalProperties": false, "properties": {"risk": leaf(json!({}))}}}});
    assert_eq!(flaw(&schema(nested)).1, ProfileRule::Scoring);
}

#[test]
fn a_number_says_what_it_counts() {
    let integer = |unit: Value| json!({"enum": null, "type": "integer", "minimum": 0, "maximum": 9, "x-unit": unit});
    assert_eq!(rule_of_leaf(integer(json!(null))), ProfileRule::NoUnit);
    assert_eq!(rule_of_leaf(integer(json!("point"))), ProfileRule::NoUnit);
    assert_eq!(rule_of_leaf(integer(json!(1))), ProfileRule::Annotation);
    assert_eq!(rule_of_leaf(json!({"x-unit": "byte"})), ProfileRule::Annotation);
}

#[test]
fn everything_is_bounded() {
    for change in [
        json!({"enum": null, "x-class": "text"}),
        json!({"enum": null, "x-class": "text", "maxLength": 0}),
        json!({"enum": null, "x-class": "text", "maxLength": 10_001}),
        json!({"enum": null, "x-class": "text", "maxLength": 2, "minLength": 3}),
        json!({"enum": null, "x-class": "text", "maxLength": 2, "minLength": -1}),
        json!({"enum": null, "pattern": "^a$"}),
        json!({"enum": null, "type": "integer", "minimum": 0, "x-unit": "byte"}),
        json!({"enum": null, "type": "integer", "maximum": 0, "x-unit": "byte"}),
        json!({"enum": null, "type": "integer", "minimum": 1, "maximum": 0, "x-unit": "byte"}),
        json!({"enum": null, "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_992_i64,
            "x-unit": "byte"}),
        json!({"enum": null, "type": "integer", "minimum": i64::MIN, "maximum": 0,
            "x-unit": "byte"}),
    ] {
        assert_eq!(rule_of_leaf(change.clone()), ProfileRule::Unbounded, "{change}");
    }
    for bounds in [
        json!({}),
        json!({"maxItems": 0}),
        json!({"maxItems": 257}),
        json!({"minItems": 3, "maxItems": 2}),
        json!({"maxItems": "2"}),
    ] {
        let mut array = json!({"type": "array", "items": leaf(json!({}))});
        merge(&mut array, bounds);
        assert_eq!(flaw(&schema(json!({"a": array}))).1, ProfileRule::Unbounded);
    }
}

#[test]
fn an_array_holds_objects_or_scalars() {
    let nested = json!({"type": "array", "maxItems": 2, "items": leaf(json!({}))});
    for items in [
        json!({"type": "array", "maxItems": 2, "items": nested}),
        json!({"type": "array", "maxItems": 2}),
    ] {
        assert_eq!(flaw(&schema(json!({"a": items}))).1, ProfileRule::Items);
    }
    let tuple = json!({"type": "array", "maxItems": 2, "items": [leaf(json!({}))]});
    assert_eq!(flaw(&schema(json!({"a": tuple}))).1, ProfileRule::NotASchema);
}

#[test]
fn codes_are_distinct_printable_strings() {
    for codes in [
        json!([]),
        json!(["a", "a"]),
        json!([1]),
        json!(["a", null]),
        json!([""]),
        json!(["é"]),
        json!(["a\u{200b}"]),
        json!("a"),
        json!(["a".repeat(65)]),
    ] {
        assert_eq!(rule_of_leaf(json!({"enum": codes})), ProfileRule::Codes);
    }
    assert_eq!(rule_of_leaf(json!({"enum": null, "const": 1})), ProfileRule::Codes);
}

#[test]
fn a_string_has_one_form() {
    for two in [json!({"format": "date"}), json!({"pattern": "^a$"}), json!({"const": "a"})] {
        assert_eq!(rule_of_leaf(two), ProfileRule::OneForm);
    }
    assert_eq!(rule_of_leaf(json!({"maxLength": 3})), ProfileRule::Keyword);
}

#[test]
fn formats_are_dates() {
    for format in ["email", "regex", "uri", "time", "partial-date", "zarqolin"] {
        let change = json!({"enum": null, "format": format});
        assert_eq!(rule_of_leaf(change), ProfileRule::Format);
    }
}

#[test]
fn patterns_are_anchored_and_explicit() {
    for pattern in [json!("a"), json!("^a"), json!("^a|b$"), json!("^.$"), json!(r"^\d$"), json!(1)]
    {
        let change = json!({"enum": null, "pattern": pattern, "maxLength": 9});
        assert_eq!(rule_of_leaf(change), ProfileRule::Pattern);
    }
}

#[test]
fn a_partial_date_has_its_pattern() {
    let pattern = json!({"enum": null, "pattern": "^[0-9]{4}$", "maxLength": 4});
    for change in
        [json!({"x-format": "partial-date"}), json!({"x-format": "date"}), json!({"x-format": 1})]
    {
        let mut with_pattern = pattern.clone();
        merge(&mut with_pattern, change.clone());
        assert_eq!(rule_of_leaf(with_pattern), ProfileRule::PartialDate);
        assert_eq!(rule_of_leaf(change), ProfileRule::PartialDate);
    }
}

#[test]
fn a_leaf_has_exactly_one_class() {
    assert_eq!(rule_of_leaf(json!({"x-class": null})), ProfileRule::NoClass);
    for class in [json!("secret"), json!("Direct"), json!(["direct"]), json!(1)] {
        assert_eq!(rule_of_leaf(json!({"x-class": class})), ProfileRule::UnknownClass);
    }
    let mut beside = schema(json!({"a": {"$ref": "#/$defs/a", "x-class": "operational"}}));
    beside["$defs"] = json!({"a": leaf(json!({}))});
    assert_eq!(flaw(&beside), ("/properties/a/x-class".to_owned(), ProfileRule::TwoClasses));
    let mut chain = schema(json!({"a": {"$ref": "#/$defs/a"}}));
    chain["$defs"] = json!({
        "a": {"$ref": "#/$defs/b", "x-class": "quasi"}, "b": leaf(json!({}))});
    assert_eq!(flaw(&chain).1, ProfileRule::TwoClasses);
    let array = json!({"type": "array", "maxItems": 2, "x-class": "quasi", "title": "C",
        "x-title-id": "K", "items": leaf(json!({}))});
    assert_eq!(flaw(&schema(json!({"a": array}))).1, ProfileRule::TwoClasses);
    let mut twice = schema(json!({"a": {"$ref": "#/$defs/a", "x-reference": "bid"}}));
    twice["$defs"] = json!({"a": leaf(json!({"enum": null, "pattern": "^[a-z2-7]{26}$",
        "maxLength": 26, "x-reference": "subject"}))});
    assert_eq!(flaw(&twice).1, ProfileRule::Annotation);
}

#[test]
fn classes_stand_on_leaves() {
    for annotation in ["x-class", "x-identifier", "x-reference", "x-format", "x-unit"] {
        let inner = json!({"type": "object", "additionalProperties": false,
            "properties": {"a": leaf(json!({}))}});
        let mut object = inner.clone();
        object[annotation] = json!("direct");
        assert_eq!(flaw(&schema(json!({"o": object.clone()}))).1, ProfileRule::ClassOnContainer);
        let rows = json!({"type": "array", "maxItems": 2, "items": object});
        assert_eq!(flaw(&schema(json!({"o": rows}))).1, ProfileRule::ClassOnContainer);
        let rows = json!({"type": "array", "maxItems": 2, "items": inner, annotation: "direct"});
        assert_eq!(flaw(&schema(json!({"o": rows}))).1, ProfileRule::ClassOnContainer);
    }
}

#[test]
fn free_text_is_direct_or_text() {
    for class in ["sensitive", "quasi", "operational", "legal"] {
        let change = json!({"enum": null, "maxLength": 9, "x-class": class});
        assert_eq!(rule_of_leaf(change), ProfileRule::FreeText);
    }
}

#[test]
fn identifiers_are_direct_and_direct_strings_are_identifiers() {
    let pattern = json!({"enum": null, "pattern": "^a$", "maxLength": 1, "x-class": "direct"});
    assert_eq!(rule_of_leaf(pattern), ProfileRule::NoIdentifier);
    let text = json!({"enum": null, "maxLength": 9, "x-class": "direct"});
    assert_eq!(rule_of_leaf(text), ProfileRule::NoIdentifier);
    assert_eq!(rule_of_leaf(json!({"x-identifier": "nik"})), ProfileRule::Identifier);
    let odd = json!({"x-identifier": "NIK 1", "x-class": "direct"});
    assert_eq!(rule_of_leaf(odd), ProfileRule::Identifier);
}

#[test]
fn references_are_ids_and_ids_are_references() {
    let id = json!({"enum": null, "pattern": "^[a-z2-7]{26}$", "maxLength": 26});
    assert_eq!(rule_of_leaf(id.clone()), ProfileRule::NoReference);
    let mut unknown = id;
    unknown["x-reference"] = json!("person");
    assert_eq!(rule_of_leaf(unknown), ProfileRule::Reference);
    assert_eq!(rule_of_leaf(json!({"x-reference": "subject"})), ProfileRule::Reference);
}

#[test]
fn a_leaf_is_named_in_both_languages() {
    for change in [
        json!({"title": null}),
        json!({"x-title-id": null}),
        json!({"title": " "}),
        json!({"x-title-id": 1}),
    ] {
        assert_eq!(rule_of_leaf(change), ProfileRule::NoTitle);
    }
}

#[test]
fn the_envelope_is_closed_codes_dates_and_ids() {
    for change in [
        json!({"x-class": "sensitive"}),
        json!({"x-class": "direct"}),
        json!({"enum": null, "maxLength": 9}),
        json!({"enum": null, "maxLength": 9, "x-class": "text"}),
    ] {
        let schema = schema(json!({"a": leaf(change)}));
        let flaw = check(&schema, Kind::Envelope).map(|_| ()).unwrap_err();
        assert_eq!(flaw.rule, ProfileRule::Envelope);
    }
    assert!(check(&schema(json!({"a": leaf(json!({}))})), Kind::Envelope).is_ok());
}

#[test]
fn a_schema_is_small_enough_to_review() {
    let many: Map<String, Value> =
        (0..=LEAVES_MAX).map(|n| (format!("a{n}"), leaf(json!({})))).collect();
    assert_eq!(flaw(&schema(Value::Object(many))).1, ProfileRule::TooLarge);
    let mut deep = leaf(json!({}));
    for _ in 0..=LEVELS_MAX {
        deep = json!({"type": "object", "additionalProperties": false, "properties": {"a": deep}});
    }
    assert_eq!(flaw(&schema(json!({"a": deep}))).1, ProfileRule::TooLarge);
}

#[test]
fn an_error_names_file_place_and_rule() {
    use crate::schema::{SchemaError, Schemas};
    let load = |text: &str| Schemas::from_texts([("x.json", text)]).unwrap_err();
    let open = schema(json!({"a": leaf(json!({"x-class": null}))})).to_string();
    assert_eq!(
        load(&open).to_string(),
        "`x.json` at `/properties/a`: a leaf must have an `x-class`"
    );
    for id in [
        "https://example.org/schemas/test/1",
        "https://titian.example.org/schemas/Test/1",
        "https://titian.example.org/schemas/test",
        "",
    ] {
        let mut schema = schema(json!({"a": leaf(json!({}))}));
        schema["$id"] = json!(id);
        let error = load(&schema.to_string());
        assert!(matches!(error, SchemaError::Profile { rule: ProfileRule::Id, .. }), "{error}");
    }
    let twice = r#"{"$id": "a", "$id": "b"}"#;
    assert!(matches!(load(twice), SchemaError::Json { .. }));
}
