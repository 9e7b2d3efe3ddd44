//! The one place that writes to the terminal.
//!
//! INVARIANT: what comes from elsewhere cannot steer the terminal or hide in it: characters that
//! control it, change the direction of writing or show nothing are shown as escapes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::Value;

use super::exit::{Done, Failed};

/// Writes results to standard output and notes to standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    json: bool,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are written for machines.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// A line of a result for people; nothing for machines.
    pub(super) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            put(&printable(text.as_ref()));
        }
    }

    /// A result for machines, on one line; nothing for people.
    pub(super) fn json(self, value: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(value)
        {
            put(&text);
        }
    }

    /// Fails once anything was not written. Asked before an act that supposes somebody has read
    /// it, and at the end of every command.
    #[expect(clippy::unused_self, reason = "all output goes through a printer")]
    pub(super) fn reached(self) -> Done {
        if LOST.load(Ordering::Relaxed) {
            Err(Failed::because("not everything could be written to the output"))
        } else {
            Ok(())
        }
    }

    /// Text as it is, whoever reads it.
    #[expect(clippy::unused_self, reason = "all output goes through a printer")]
    pub(super) fn text(self, text: &str) {
        put(text);
    }

    /// A remark beside the result, for people.
    #[expect(clippy::unused_self, reason = "all output goes through a printer")]
    pub(super) fn note(self, text: impl AsRef<str>) {
        // a remark that nobody hears is lost without harm
        drop(write(&mut io::stderr(), &printable(text.as_ref())));
    }

    /// A JSON value as an indented outline, for people.
    pub(super) fn outline(self, value: &Value, indent: usize) {
        let mut text = String::new();
        outline(&mut text, value, indent);
        text.lines().for_each(|line| self.line(line));
    }
}

/// Whether something that was to be written is lost: the disk is full, or the reader went away.
static LOST: AtomicBool = AtomicBool::new(false);

fn put(text: &str) {
    if write(&mut io::stdout(), text).is_err() {
        LOST.store(true, Ordering::Relaxed);
    }
}

fn write(to: &mut dyn io::Write, text: &str) -> io::Result<()> {
    writeln!(to, "{text}")?;
    to.flush()
}

fn outline(text: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                named(text, &pad, &format!("{}:", printable(name)), member, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                named(text, &pad, "-", item, indent);
            }
        }
        scalar => push_line(text, &pad, &show(scalar)),
    }
}

fn named(text: &mut String, pad: &str, name: &str, value: &Value, indent: usize) {
    let is_empty = match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(_) | Value::Array(_) if is_empty => {
            push_line(text, pad, &format!("{name} (none)"));
        }
        Value::Object(_) | Value::Array(_) => {
            push_line(text, pad, name);
            outline(text, value, indent + 2);
        }
        scalar => push_line(text, pad, &format!("{name} {}", show(scalar))),
    }
}

fn push_line(text: &mut String, pad: &str, line: &str) {
    text.push_str(pad);
    text.push_str(line);
    text.push('\n');
}

fn show(scalar: &Value) -> String {
    match scalar {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

/// The text with everything that could steer a terminal shown as an escape.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) || is_unseen(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, and the marks that change the direction of writing.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a reader sees nothing of (Unicode's `Default_Ignorable_Code_Point`), but for the two
/// joiners, which are letters' own matter: two texts that look alike must be alike.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_or_hides_in_it_gets_through() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(printable("x\u{202e}y\u{9b}"), "x\\u{202e}y\\u{9b}");
        assert_eq!(printable("ke\u{200b}mensos\u{e0041}"), "ke\\u{200b}mensos\\u{e0041}");
        assert_eq!(printable("so\u{ad}c\u{2060}i\u{3164}al"), "so\\u{ad}c\\u{2060}i\\u{3164}al");
        assert_eq!(printable("Siti Zarqolin, سيتي\u{200c}"), "Siti Zarqolin, سيتي\u{200c}");
    }

    #[test]
    fn an_outline_shows_every_value() {
        let mut text = String::new();
        let value = json!({
            "a": {"b": "x\ny", "n": null}, "c": [1, {"d": true}], "e": [], "f\u{1b}": {},
        });
        outline(&mut text, &value, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  a:",
                "    b: x\\u{a}y",
                "    n: -",
                "  c:",
                "    - 1",
                "    -",
                "      d: true",
                "  e: (none)",
                "  f\\u{1b}: (none)",
            ]
        );
    }
}
