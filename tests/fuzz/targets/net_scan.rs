//! The net never panics, and what it must find it finds in every text that contains it: an identity
//! number put anywhere, with the separators people write, is hit whatever stands around it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use titian::domain::LeafName;
use titian::policy::net::{Echo, scan, scan_all, scan_value};

static ECHO: LazyLock<Echo> = LazyLock::new(|| {
    let name = LeafName::new("/subject/name/full");
    Echo::new([(&name, "Siti Zarqolin Wembari")], ["2011-03-05"])
});

const PLANTED: &[&str] =
    &["3171014503110000", "31.71.01.450311.0000", "３１７１０１４５０３１１００００"];

fuzz_target!(|text: &str| {
    let all = scan_all(text, &ECHO);
    assert_eq!(scan(text, &ECHO), all.first().copied(), "the first rule is the first of all");
    let found = scan_value("", &json!({"note": text}), &ECHO);
    assert_eq!(found.is_empty(), all.is_empty(), "a text and the same text in a value");
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, after) = text.split_at(middle);
    for number in PLANTED {
        let planted = format!("{before} {number} {after}");
        assert!(scan(&planted, &ECHO).is_some(), "a number went through");
    }
});
