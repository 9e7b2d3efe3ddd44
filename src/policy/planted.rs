//! What a projection that copies and trims would leave behind: for negative controls alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::plan::Node;
use crate::mutant::{self, Mutant};

/// Whether a bug is planted that the release schema would stop: it is not looked at then, as by a
/// system that has none.
pub(super) fn unchecked() -> bool {
    let without = [
        Mutant::SkipsArrays,
        Mutant::StringsOnly,
        Mutant::CopyThenDelete,
        Mutant::UnknownFieldPasses,
        Mutant::UnchangedOnError,
        Mutant::ArrayLengthKept,
    ];
    without.into_iter().any(mutant::is)
}

/// The members that a planted bug leaves in the output.
pub(super) fn left(members: &BTreeMap<String, Node>, input: Option<&Value>) -> Map<String, Value> {
    let Some(input) = input.and_then(Value::as_object).filter(|_| unchecked()) else {
        return Map::new();
    };
    let others = input.iter().filter(|(name, _)| !members.contains_key(*name));
    others.filter_map(|(name, value)| Some((name.clone(), remains(value)?))).collect()
}

fn remains(value: &Value) -> Option<Value> {
    let is = mutant::is;
    match value {
        Value::String(_) => is(Mutant::UnknownFieldPasses).then(|| value.clone()),
        Value::Object(_) => is(Mutant::CopyThenDelete).then(|| value.clone()),
        Value::Array(items) if is(Mutant::ArrayLengthKept) => {
            Some(Value::Array(vec![Value::Null; items.len()]))
        }
        _ => is(Mutant::StringsOnly).then(|| value.clone()),
    }
}
