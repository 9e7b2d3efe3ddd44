//! Claims and disclosures, one per line. What is revealed carries nothing that means something to
//! RFC 9901 any more, keeps every member that stood in the clear, and adds one member for each
//! disclosure.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use titian::domain::json::parse;
use titian::sign::sd_jwt::reveal;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Some(Ok(Value::Object(claims))) = lines.next().map(|line| parse(line.as_bytes())) else {
        return;
    };
    let disclosures: Vec<String> = lines.map(str::to_owned).collect();
    let mut revealed = claims.clone();
    if reveal(&mut revealed, &disclosures).is_err() {
        return;
    }
    let clear = claims.iter().filter(|(name, _)| !matches!(name.as_str(), "_sd" | "_sd_alg"));
    let mut count = 0;
    for (name, value) in clear {
        assert_eq!(revealed.get(name), Some(value), "a clear member changed");
        count += 1;
    }
    assert_eq!(revealed.len(), count + disclosures.len(), "a disclosure hid a member");
    assert!(is_plain(&Value::Object(revealed)), "something is left to reveal");
});

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(members) => members
            .iter()
            .all(|(name, v)| !matches!(name.as_str(), "_sd" | "_sd_alg" | "...") && is_plain(v)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
