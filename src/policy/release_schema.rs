//! The closed JSON Schema of what a recipient can ever receive, made from its plan.

use std::collections::BTreeMap;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::operation::Outcome;
use super::plan::{Node, PAD, Plan, Step, length_of};
use crate::domain::{LeafTable, Shape};

pub(super) fn of(plan: &Plan, table: &LeafTable) -> Value {
    let mut schema = object(plan.root());
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), format!("Release of {}", table.message).into());
        if plan.foreign() {
            let pad = json!({"type": "string", "pattern": "^_*$", "maxLength": plan.pad_to()});
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                properties.insert(PAD.into(), pad);
            }
            if let Some(Value::Array(required)) = members.get_mut("required") {
                required.push(PAD.into());
            }
        }
    }
    schema
}

pub(super) fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(schema)
}

fn object(members: &BTreeMap<String, Node>) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, node)| (name.clone(), of_node(node))).collect();
    let required: Vec<&String> = members.keys().collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn of_node(node: &Node) -> Value {
    match node {
        Node::Object(members) => object(members),
        Node::Objects { members, max, required } => {
            let kinds = if *required { json!("array") } else { json!(["array", "null"]) };
            json!({"type": kinds, "items": object(members), "maxItems": max})
        }
        Node::Leaf(step) => of_leaf(step),
    }
}

fn of_leaf(step: &Step) -> Value {
    let mut scalar = scalar(step);
    let array = step.leaf.as_ref().and_then(|leaf| leaf.array);
    let is_counted = step.leaf.is_none() || step.operation.name() == "count";
    let mut schema = match array {
        Some(bounds) if !is_counted => {
            json!({"type": "array", "items": scalar, "maxItems": bounds.max})
        }
        _ => std::mem::take(&mut scalar),
    };
    if !step.required()
        && let Some(members) = schema.as_object_mut()
    {
        if let Some(Value::Array(codes)) = members.get_mut("enum") {
            codes.push(Value::Null);
        }
        if let Some(kind) = members.get("type").cloned() {
            members.insert("type".into(), json!([kind, "null"]));
        }
    }
    schema
}

fn scalar(step: &Step) -> Value {
    match step.operation.outcome(step.leaf.as_ref()) {
        Outcome::Codes(codes) => json!({"type": "string", "enum": codes}),
        Outcome::Minted => {
            json!({"type": "string", "pattern": "^[a-z2-7]{26}$", "maxLength": 26})
        }
        Outcome::Month => {
            json!({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "maxLength": 7})
        }
        Outcome::Year => json!({"type": "string", "pattern": "^[0-9]{4}$", "maxLength": 4}),
        Outcome::HalfYear => {
            json!({"type": "string", "pattern": "^[0-9]{4}-H[12]$", "maxLength": 7})
        }
        Outcome::Nothing => json!(false),
        Outcome::AsItIs => step.leaf.as_ref().map_or(json!(false), |leaf| as_it_is(&leaf.shape)),
    }
}

fn as_it_is(shape: &Shape) -> Value {
    match shape {
        Shape::Codes(codes) => json!({"type": "string", "enum": codes}),
        Shape::Date => json!({"type": "string", "format": "date", "maxLength": 10}),
        Shape::DateTime => json!({"type": "string", "format": "date-time", "maxLength": 40}),
        Shape::PartialDate => {
            let pattern = "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$";
            json!({"type": "string", "pattern": pattern, "maxLength": 10})
        }
        Shape::Pattern { pattern, length_max } => {
            json!({"type": "string", "pattern": pattern, "maxLength": length_max})
        }
        Shape::Text { length_max } => json!({"type": "string", "maxLength": length_max}),
        Shape::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Boolean => json!({"type": "boolean"}),
    }
}

/// Length of the longest body a foreign plan can build, without its pad: only closed codes, dates,
/// numbers and minted references go abroad, so it is finite and small. By an exception a value may
/// go as it is. A body that is longer after all is not released.
pub(super) fn longest(plan: &Plan) -> usize {
    length_of(&longest_object(plan.root())).unwrap_or(0)
}

fn longest_object(members: &BTreeMap<String, Node>) -> Map<String, Value> {
    members.iter().map(|(name, node)| (name.clone(), longest_node(node))).collect()
}

fn longest_node(node: &Node) -> Value {
    match node {
        Node::Object(members) => Value::Object(longest_object(members)),
        Node::Objects { members, max, .. } => {
            Value::Array((0..*max).map(|_| Value::Object(longest_object(members))).collect())
        }
        Node::Leaf(step) => longest_leaf(step),
    }
}

fn longest_leaf(step: &Step) -> Value {
    let as_it_is = || step.leaf.as_ref().map(|leaf| longest_values(&leaf.shape));
    let values: Vec<Value> = match step.operation.outcome(step.leaf.as_ref()) {
        Outcome::Codes(codes) => codes.into_iter().map(Value::from).collect(),
        Outcome::Minted => vec!["a".repeat(26).into()],
        Outcome::Month | Outcome::HalfYear => vec!["2026-11".into()],
        Outcome::Year => vec!["2026".into()],
        Outcome::Nothing => Vec::new(),
        Outcome::AsItIs => as_it_is().unwrap_or_default(),
    };
    let array = step.leaf.as_ref().and_then(|leaf| leaf.array);
    match (step.operation.name(), array) {
        // what is mapped is told once each
        ("code_map", Some(_)) => Value::from(values),
        ("keep", Some(bounds)) => (0..bounds.max).map(|_| longest_of(values.clone())).collect(),
        _ => longest_of(values.into_iter().chain((!step.required()).then_some(Value::Null))),
    }
}

fn longest_of(values: impl IntoIterator<Item = Value>) -> Value {
    values.into_iter().max_by_key(|value| value.to_string().len()).unwrap_or(Value::Null)
}

/// Values of a shape, the longest among them.
fn longest_values(shape: &Shape) -> Vec<Value> {
    const DATE_TIME_LENGTH_MAX: usize = 40;
    let of_length = |length: u32| "x".repeat(usize::try_from(length).unwrap_or(usize::MAX));
    match shape {
        Shape::Codes(codes) => codes.iter().cloned().map(Value::from).collect(),
        Shape::Date | Shape::PartialDate => vec!["2026-11-24".into()],
        Shape::DateTime => vec!["x".repeat(DATE_TIME_LENGTH_MAX).into()],
        Shape::Pattern { length_max, .. } | Shape::Text { length_max } => {
            vec![of_length(*length_max).into()]
        }
        Shape::Integer { min, max } => vec![(*min).into(), (*max).into()],
        Shape::Boolean => vec![false.into()],
    }
}
