//! What each one saw, side by side; what must not stand there; and the evidence.

use serde_json::Value;

use super::gateway::Running;
use super::{Failed, Printer};
use crate::cli::verify::pin_records;
use crate::domain::json;
use crate::evidence::{self, Pins, Verdict};
use crate::policy::flat;

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
pub(super) async fn verify(
    running: &Running,
    bundle: &Value,
    words: &str,
    printer: Printer,
) -> Result<(), Failed> {
    let bytes = json::canonical(bundle).map_err(Failed::unusable)?;
    let pins = pins(running).await?;
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
async fn pins(running: &Running) -> Result<Pins, Failed> {
    let path = running.location("bnpt")?.directory.join("gateway.json");
    let bytes = crate::config::file::read_bytes(&path)?;
    let mut pins = Pins::from_json(&bytes).map_err(Failed::unusable)?;
    pin_records(&mut pins, running.home()).await?;
    Ok(pins)
}
