//! Bodies side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::printer::Printer;
use crate::policy::flat;

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
