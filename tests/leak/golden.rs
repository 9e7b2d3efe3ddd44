//! What a policy says must come out, worked out from its text on its own: no line is shared with
//! the gateway's plan. References become `*`: which ones they are is for the linkage to judge.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::{Date, Month};

/// A shipped policy and the closed tables that it names.
pub(crate) struct Golden {
    leaves: BTreeMap<String, toml::Value>,
    maps: toml::Table,
}

impl Golden {
    pub(crate) fn read(policy: &str) -> Self {
        let table: toml::Table = policy.parse().unwrap();
        let leaves = table["leaves"].as_table().unwrap().clone();
        let tables: toml::Table = include_str!("../../config/tables.toml").parse().unwrap();
        let maps = tables["code_maps"].as_table().unwrap().clone();
        Self { leaves: leaves.into_iter().collect(), maps }
    }

    /// The body that goes out of this one, without what is null.
    pub(crate) fn project(&self, body: &Value, today: Date) -> Value {
        self.member("", body, today).unwrap_or_else(|| json!({}))
    }

    fn member(&self, name: &str, value: &Value, today: Date) -> Option<Value> {
        if let Some(operation) = self.leaves.get(name) {
            return self.operate(operation, value, today);
        }
        match value {
            Value::Object(members) => {
                let each = members.iter().filter_map(|(key, value)| {
                    let value = self.member(&format!("{name}/{key}"), value, today)?;
                    Some((key.clone(), value))
                });
                let kept: Map<String, Value> = each.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => {
                let place = format!("{name}/*");
                let each = items.iter().filter_map(|item| self.member(&place, item, today));
                let kept: Vec<Value> = each.collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            _ => None,
        }
    }

    fn operate(&self, operation: &toml::Value, value: &Value, today: Date) -> Option<Value> {
        let name = operation.as_str().or_else(|| operation.get("op")?.as_str()).unwrap();
        let text = || value.as_str().unwrap();
        match name {
            "drop" | "hold" => None,
            "keep" => Some(value.clone()),
            "pseudonym" => Some(json!("*")),
            "month" => Some(json!(text().get(..7))),
            "age_band" => Some(json!(band(text(), today))),
            "code_map" => {
                let map = &self.maps[operation["table"].as_str().unwrap()];
                let one = |code: &Value| json!(map[code.as_str().unwrap()].as_str().unwrap());
                match value {
                    Value::Array(codes) => {
                        let mut mapped: Vec<String> = codes
                            .iter()
                            .map(|code| one(code).as_str().unwrap().to_owned())
                            .collect();
                        mapped.sort();
                        mapped.dedup();
                        Some(json!(mapped))
                    }
                    code => Some(one(code)),
                }
            }
            other => panic!("`{other}` is not worked out here"),
        }
    }
}

/// Under eighteen or not, on the day given.
fn band(birth: &str, today: Date) -> &'static str {
    if birth.len() < "2011-03-17".len() {
        return "nothing";
    }
    let mut parts = birth.split('-').map(|part| part.parse::<u16>().unwrap());
    let (year, month, day) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let month = Month::try_from(u8::try_from(month).unwrap()).unwrap();
    let came_of_age =
        Date::from_calendar_date(i32::from(year) + 18, month, u8::try_from(day).unwrap());
    if came_of_age.unwrap() <= today { "adult" } else { "under_18" }
}

/// A released body without nulls and pad, references as `*`.
pub(crate) fn seen(policy: &Golden, body: &Value) -> Value {
    fn visit(policy: &Golden, name: &str, value: &Value) -> Option<Value> {
        let is_reference = policy.leaves.get(name).and_then(toml::Value::as_str);
        match value {
            Value::Null => None,
            Value::String(_) if is_reference == Some("pseudonym") => Some(json!("*")),
            Value::Object(members) => {
                let each = members.iter().filter_map(|(key, value)| {
                    Some((key.clone(), visit(policy, &format!("{name}/{key}"), value)?))
                });
                let kept: Map<String, Value> = each.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => {
                let place = format!("{name}/*");
                let kept: Vec<Value> = items
                    .iter()
                    .filter_map(|item| match item {
                        Value::Object(_) => visit(policy, &place, item),
                        plain => Some(plain.clone()),
                    })
                    .collect();
                Some(Value::Array(kept))
            }
            plain => Some(plain.clone()),
        }
    }
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove("pad");
    visit(policy, "", &body).unwrap_or_else(|| json!({}))
}
