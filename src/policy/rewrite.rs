//! A policy's text with other rows and another head: its comments and its layout stay, and a reason
//! stands beside each row, as a comment that begins with the leaf's class.

use std::collections::BTreeMap;

use serde_json::Value;
use time::Date;
use toml_edit::{DocumentMut, InlineTable, Item, TableLike};

use super::source::BadSource;
use crate::domain::{Class, Leaf, LeafTable, Phrase};

/// Longest reason beside a row, in characters.
const REASON_CHARS_MAX: usize = 200;

/// What a row is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which leaf, or which array of objects.
    pub leaf: String,
    /// The operation as it is written; `None` for an array whose leaves stand for themselves.
    pub written: Option<Value>,
    /// Why, in its author's words.
    pub reason: String,
}

/// What the head is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadEdit {
    /// Names and texts, for example `purpose`.
    pub texts: Vec<(&'static str, String)>,
    /// Its last day.
    pub expires: Option<Date>,
}

/// `text` with that head and those rows.
///
/// # Errors
/// [`BadSource`] for a text that is no policy at all.
pub fn rewritten(
    text: &str,
    head: &HeadEdit,
    rows: &[Row],
    table: &LeafTable,
) -> Result<String, BadSource> {
    let mut document = text.parse::<DocumentMut>().map_err(|error| BadSource {
        line: error
            .span()
            .map_or(1, |span| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count()),
        reason: Phrase::unreadable(error.message()),
    })?;
    for (name, value) in &head.texts {
        set(document.as_table_mut(), name, value.as_str().into());
    }
    if let Some(expires) = head.expires {
        let day: Option<toml_edit::Datetime> = expires.to_string().parse().ok();
        if let Some(day) = day {
            set(document.as_table_mut(), "expires", day.into());
        }
    }
    let leaves = document.entry("leaves").or_insert_with(toml_edit::table);
    let Some(leaves) = leaves.as_table_like_mut() else {
        return Err(BadSource { line: 1, reason: Phrase::new("why-leaves-no-table") });
    };
    for (name, written) in arrays(rows, table) {
        open_or_count(leaves, name, written, table);
    }
    let is_counted = |leaf: &Leaf| {
        let mut counted = arrays(rows, table).filter(|(_, written)| written.is_some());
        counted.any(|(name, _)| leaf.name.is_within(name))
    };
    for row in rows {
        let Some(leaf) = table.leaf(&row.leaf).filter(|leaf| !is_counted(leaf)) else { continue };
        let Some(written) = &row.written else { continue };
        write(leaves, leaf, written, &row.reason, table);
    }
    Ok(document.to_string())
}

fn arrays<'a>(
    rows: &'a [Row],
    table: &'a LeafTable,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>)> {
    let rows = rows.iter().filter(|row| table.arrays.contains_key(&row.leaf));
    rows.map(|row| (row.leaf.as_str(), row.written.as_ref()))
}

/// Has the array counted, in place of whatever stands for its leaves, or its leaves stand for
/// themselves.
fn open_or_count(
    leaves: &mut dyn TableLike,
    name: &str,
    written: Option<&Value>,
    table: &LeafTable,
) {
    match written {
        Some(written) => {
            for leaf in table.leaves.iter().filter(|leaf| leaf.name.is_within(name)) {
                leaves.remove(leaf.name.as_str());
            }
            if leaves.get(name).and_then(json_of).as_ref() != Some(written) {
                set(leaves, name, value_of(written));
            }
        }
        None if leaves.get(name).and_then(json_of).is_some_and(|was| was != "drop") => {
            break_up(leaves, name, table);
        }
        None => {}
    }
}

/// A row for each leaf below `name`, in place of one for all of them.
fn break_up(leaves: &mut dyn TableLike, name: &str, table: &LeafTable) {
    leaves.remove(name);
    for leaf in table.leaves.iter().filter(|leaf| leaf.name.is_within(name)) {
        set(leaves, leaf.name.as_str(), "drop".into());
        comment(leaves, leaf, "");
    }
}

fn write(
    leaves: &mut dyn TableLike,
    leaf: &Leaf,
    written: &Value,
    reason: &str,
    table: &LeafTable,
) {
    let name = leaf.name.as_str();
    if leaves.get(name).is_none() {
        let is_above = |above: &&str| above.starts_with('/') && leaf.name.is_within(above);
        let above = leaves.iter().map(|(above, _)| above).find(is_above).map(str::to_owned);
        match above {
            // a whole subtree is dropped, and this leaf with it
            Some(_) if written == "drop" && reason.trim().is_empty() => return,
            Some(above) => break_up(leaves, &above, table),
            None => {}
        }
    }
    let item = leaves.get(name);
    let is_same = item.and_then(json_of).as_ref() == Some(written);
    if is_same && item.is_some_and(|item| reason_of(item, leaf.class) == tidy(reason)) {
        return;
    }
    if !is_same {
        set(leaves, name, value_of(written));
    }
    comment(leaves, leaf, reason);
}

/// Sets a value; the layout around the one before stays.
fn set(table: &mut dyn TableLike, name: &str, mut value: toml_edit::Value) {
    if let Some(before) = table.get(name).and_then(Item::as_value) {
        *value.decor_mut() = before.decor().clone();
    }
    table.insert(name, Item::Value(value));
}

fn comment(leaves: &mut dyn TableLike, leaf: &Leaf, reason: &str) {
    let Some(value) = leaves.get_mut(leaf.name.as_str()).and_then(Item::as_value_mut) else {
        return;
    };
    let class = class_name(leaf.class);
    let reason = tidy(reason);
    let said = if reason.is_empty() { class.to_owned() } else { format!("{class}: {reason}") };
    let suffix = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
    let blanks: String = suffix.chars().take_while(|c| *c == ' ').collect();
    let blanks = if blanks.is_empty() { " ".to_owned() } else { blanks };
    value.decor_mut().set_suffix(format!("{blanks}# {said}"));
}

/// One line, of what people can see.
fn tidy(reason: &str) -> String {
    let reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    reason.trim().chars().take(REASON_CHARS_MAX).collect::<String>().trim_end().to_owned()
}

/// The reason beside each row.
pub fn reasons(text: &str, table: &LeafTable) -> BTreeMap<String, String> {
    let Ok(document) = text.parse::<DocumentMut>() else { return BTreeMap::new() };
    let Some(leaves) = document.get("leaves").and_then(Item::as_table_like) else {
        return BTreeMap::new();
    };
    let reason = |leaf: &Leaf| {
        let reason = reason_of(leaves.get(leaf.name.as_str())?, leaf.class);
        (!reason.is_empty()).then(|| (leaf.name.to_string(), reason))
    };
    table.leaves.iter().filter_map(reason).collect()
}

fn reason_of(item: &Item, class: Class) -> String {
    let suffix = item.as_value().and_then(|value| value.decor().suffix()?.as_str());
    let said = suffix.unwrap_or_default().trim().trim_start_matches('#').trim();
    let rest = said.strip_prefix(class_name(class)).unwrap_or(said);
    rest.trim_start_matches(':').trim().to_owned()
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Direct => "direct",
        Class::Text => "text",
        Class::Sensitive => "sensitive",
        Class::Quasi => "quasi",
        Class::Operational => "operational",
        Class::Legal => "legal",
    }
}

fn json_of(item: &Item) -> Option<Value> {
    let one = item.clone().into_value().ok()?;
    let mut document = DocumentMut::new();
    document.insert("it", Item::Value(one));
    let mut table: toml::Table = toml::from_str(&document.to_string()).ok()?;
    serde_json::to_value(table.remove("it")?).ok()
}

fn value_of(written: &Value) -> toml_edit::Value {
    match written {
        Value::String(text) => text.as_str().into(),
        Value::Bool(is) => (*is).into(),
        Value::Number(number) => number.as_i64().unwrap_or_default().into(),
        Value::Array(items) => toml_edit::Value::Array(items.iter().map(value_of).collect()),
        Value::Object(members) => {
            // the operation before what it takes
            let mut table = InlineTable::new();
            let first = members.iter().filter(|(name, _)| *name == "op");
            for (name, value) in first.chain(members.iter().filter(|(name, _)| *name != "op")) {
                table.insert(name, value_of(value));
            }
            toml_edit::Value::InlineTable(table)
        }
        Value::Null => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;
    use crate::schema::Schemas;
    use serde_json::json;

    const ABROAD: &str = include_str!("../../config/policies/kemensos-cuta-be-referral.toml");
    const HOME: &str = include_str!("../../config/policies/bnpt-kemensos-referral.toml");

    fn row(leaf: &str, written: Option<Value>, reason: &str) -> Row {
        Row { leaf: leaf.to_owned(), written, reason: reason.to_owned() }
    }

    fn with(text: &str, rows: &[Row]) -> String {
        let schemas = Schemas::builtin().unwrap();
        let table = schemas.message(&"referral/1".parse().unwrap()).unwrap().leaves();
        let head = HeadEdit { texts: vec![("why", "a \"reason\"".to_owned())], expires: None };
        let text = rewritten(text, &head, rows, table).unwrap();
        let source = Source::parse("p", &text).unwrap();
        assert_eq!(source.head.why, "a \"reason\"");
        text
    }

    #[test]
    fn one_row_changes_and_all_others_stay_to_the_letter() {
        let rows = [
            row("/subject/ref", Some(json!("drop")), "not now\n# [leaves]"),
            row("/subject/sex", Some(json!("drop")), ""),
        ];
        let text = with(ABROAD, &rows);
        let changed: Vec<_> = text.lines().filter(|line| !ABROAD.contains(line)).collect();
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert!(changed[1].ends_with("# operational: not now # [leaves]"), "{}", changed[1]);
        let schemas = Schemas::builtin().unwrap();
        let table = schemas.message(&"referral/1".parse().unwrap()).unwrap().leaves();
        assert_eq!(reasons(&text, table).get("/subject/ref").unwrap(), "not now # [leaves]");
        assert_eq!(reasons(ABROAD, table).len(), 0);
    }

    #[test]
    fn a_subtree_that_is_dropped_is_broken_up_only_for_a_leaf_that_is_not() {
        assert!(
            with(HOME, &[row("/attachments/*/kind", Some(json!("drop")), "")])
                .contains("\"/attachments\" ")
        );
        let text = with(HOME, &[row("/attachments/*/kind", Some(json!("keep")), "")]);
        assert!(
            !text.contains("\"/attachments\" ")
                && text.contains("\"/attachments/*/size\" = \"drop\" # direct")
        );
        let counted =
            with(ABROAD, &[row("/household", Some(json!({"op": "count", "cap": 4})), "")]);
        assert!(counted.contains("\"/household\" = { op = \"count\", cap = 4 }"), "{counted}");
        assert!(!counted.contains("/household/*"));
        let open = with(&counted, &[row("/household", None, "")]);
        assert!(open.contains("\"/household/*/sex\" = \"drop\" # quasi"), "{open}");
    }
}
