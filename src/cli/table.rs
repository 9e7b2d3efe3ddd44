//! Bodies side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::printer::Printer;

const WIDTH: usize = 28;

/// One row per leaf, one column per body; what stands in none has no row.
pub(super) fn table(printer: Printer, columns: &[&str], bodies: &[&Value]) {
    let flat: Vec<BTreeMap<String, String>> = bodies.iter().map(|body| flat(body)).collect();
    let names: BTreeSet<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    let cell = |text: &str| {
        let short: String = text.chars().take(WIDTH - 2).collect();
        format!("{short:WIDTH$}")
    };
    let head: String = columns.iter().map(|column| cell(column)).collect();
    printer.line(format!("  {:30}{head}", ""));
    for name in names {
        let row: String =
            flat.iter().map(|body| cell(body.get(name).map_or("-", String::as_str))).collect();
        printer.line(format!("  {name:30}{}", row.trim_end()));
    }
}

/// Leaves by pointer; absent ones, and the pad, do not count.
pub(super) fn flat(body: &Value) -> BTreeMap<String, String> {
    fn visit(value: &Value, at: &str, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (name, value) in members {
                    visit(value, &format!("{at}/{name}"), into);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for (index, item) in items.iter().enumerate() {
                    visit(item, &format!("{at}/{index}"), into);
                }
            }
            Value::Array(items) => {
                let words: Vec<String> = items.iter().map(words).collect();
                into.insert(at.to_owned(), words.join(", "));
            }
            value => {
                into.insert(at.to_owned(), words(value));
            }
        }
    }
    let mut leaves = BTreeMap::new();
    visit(body, "", &mut leaves);
    leaves.remove("/pad");
    leaves
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
