//! Bodies within bodies: a member marked `x-body-of` holds the whole body of another message type.
//!
//! The other type's schema is put in when schemas are loaded, so that a corrected body is checked
//! by the very schema of what it corrects, and there is no copy to keep in step. What is published
//! is the schema with everything put in: it stands alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::profile::ProfileRule;
use crate::domain::MessageType;

/// Says of which type a member is the body.
const MARK: &str = "x-body-of";

/// Members that hold a body of another type, by name.
pub(super) type Bodies = BTreeMap<String, MessageType>;

/// Puts the schemas of other types in where members ask for them; answers which do.
///
/// # Errors
/// The pointer of a member that asks for no type there is, and the rule.
pub(super) fn embed(
    schema: &mut Value,
    others: &BTreeMap<MessageType, Value>,
) -> Result<Bodies, (String, ProfileRule)> {
    let mut bodies = Bodies::new();
    let mut definitions = Map::new();
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, member) in members.into_iter().flatten() {
        let Some(mark) = member.get(MARK) else { continue };
        let named = mark.as_str().and_then(|text| text.parse::<MessageType>().ok());
        let found = named.and_then(|named| others.get_key_value(&named));
        let unknown = || (format!("/properties/{name}/{MARK}"), ProfileRule::NotLocal);
        let (named, other) = found.ok_or_else(unknown)?;
        let mut body = other.clone();
        let head = body.as_object_mut().ok_or_else(unknown)?;
        for not_of_a_member in ["$schema", "$id", "$comment"] {
            head.remove(not_of_a_member);
        }
        if let Some(Value::Object(own)) = head.remove("$defs") {
            for (definition, mut text) in own {
                rename(&mut text, name);
                definitions.insert(format!("{name}_{definition}"), text);
            }
        }
        rename(&mut body, name);
        *member = body;
        bodies.insert(name.clone(), named.clone());
    }
    if !definitions.is_empty()
        && let Some(root) = schema.as_object_mut()
    {
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Ok(bodies)
}

/// Leads every local reference to the definition of that member.
fn rename(schema: &mut Value, member: &str) {
    match schema {
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                let local = value.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
                match local {
                    Some(name) if keyword == "$ref" => {
                        *value = format!("#/$defs/{member}_{name}").into();
                    }
                    _ => rename(value, member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, member)),
        _ => {}
    }
}
