//! The strict reader takes a subset of what `serde_json` takes, and reads it to the same value;
//! what it took has one canonical form that reads back to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use titian::domain::json::{canonical, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = parse(bytes) else { return };
    let lax: Value = serde_json::from_slice(bytes).expect("only the strict reader takes it");
    assert_eq!(value, lax, "two readings of the same bytes");
    let once = canonical(&value).expect("a value that was read can be written");
    let again = parse(&once).expect("the canonical form is strict JSON");
    assert_eq!(value, again, "the canonical form says something else");
    assert_eq!(once, canonical(&again).expect("as above"), "two canonical forms of one value");
});
