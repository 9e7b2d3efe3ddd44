//! What each one saw, side by side; what must not stand there; and the evidence.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::gateway::Running;
use super::{Failed, Printer};
use crate::app::records;
use crate::domain::json;
use crate::evidence::{self, Pins, Verdict};
use crate::sign::{KeySet, PublicKey};

const WIDTH: usize = 28;

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
fn flat(body: &Value) -> BTreeMap<String, String> {
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

/// Neither names nor numbers nor addresses of the referral stand in what was handed out.
pub(super) fn nothing_leaked(referral: &Value, handed_out: &[&Value]) -> Result<(), Failed> {
    let mut secrets = Vec::new();
    for pointer in [
        "/body/subject/name",
        "/body/subject/ids",
        "/body/caregiver/name",
        "/body/location/address",
    ] {
        secrets.extend(referral.pointer(pointer).map(flat).unwrap_or_default().into_values());
    }
    secrets.retain(|secret| secret.len() > 4);
    let leaked = handed_out.iter().any(|body| {
        let text = body.to_string();
        secrets.iter().any(|secret| text.contains(secret.as_str()))
    });
    if leaked || secrets.is_empty() { Err(Failed::refused("an identifier leaked")) } else { Ok(()) }
}

/// Checks a bundle as a stranger would who holds nothing but the pinned keys.
pub(super) fn verify(
    running: &Running,
    bundle: &Value,
    words: &str,
    printer: Printer,
) -> Result<(), Failed> {
    let bytes = json::canonical(bundle).map_err(Failed::unusable)?;
    let pins = pins(running)?;
    let report = evidence::verify(&bytes, &pins);
    let passed = report.checks.iter().filter(|check| check.result.as_str() == "passed").count();
    if report.verdict() != Verdict::Verified {
        for check in &report.checks {
            printer.line(format!("    {} {}: {}", check.result.as_str(), check.name, check.detail));
        }
        return Err(Failed::refused(format!("evidence does not verify: {words}")));
    }
    printer.line(format!("  {words}: verified, {passed} of {} checks passed", report.checks.len()));
    Ok(())
}

/// The gateway's keys as BNPT pinned them, and every party's from its record.
fn pins(running: &Running) -> Result<Pins, Failed> {
    let path = running.location("bnpt")?.directory.join("gateway.json");
    let bytes = crate::config::file::read_bytes(&path)?;
    let mut pins = Pins::from_json(&bytes).map_err(Failed::unusable)?;
    for record in records::read_all(running.home())? {
        let keys = record.keys.iter().filter_map(|key| PublicKey::from_jwk(&key.jwk).ok());
        pins.parties.insert(record.id, KeySet::new(keys.collect()));
    }
    Ok(pins)
}
