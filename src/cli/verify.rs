//! `titian verify`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::{Done, Failed};
use super::identity::Identity;
use super::printer::Printer;
use crate::app::{Home, keys, records};
use crate::config::file;
use crate::evidence::bundle::BUNDLE_BYTES_MAX;
use crate::evidence::{self, Outcome, Pins, Verdict};
use crate::sign::{KeySet, PublicKey};

/// Check evidence, offline, under keys pinned beforehand
#[derive(Debug, Args)]
#[command(
    after_help = "Pins come from --pins, or from the kit's `gateway.json`, written when the \
                        kit first spoke with the gateway; with --home the keys in its parties' records \
                        are pinned too. Keys inside the evidence are never \
                        trusted."
)]
pub(super) struct Verify {
    /// The evidence
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    identity: Identity,
    /// Pinned keys
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
}

/// Whoever holds a home has every party's record: its keys are pinned there.
pub(super) fn pin_parties(pins: &mut Pins, home: &Home) -> Result<(), Failed> {
    for officer in home.officers()? {
        let own = home.officer_key(&officer.name);
        let jwk = match officer.key {
            Some(jwk) => Some(jwk),
            None if own.exists() => Some(keys::read_jwk(&own)?.public().to_jwk()),
            None => None,
        };
        let key = jwk.and_then(|jwk| PublicKey::from_jwk(&jwk).ok());
        pins.officers.extend(key.map(|key| (officer.name, KeySet::new(vec![key]))));
    }
    for record in records::read_all(home)? {
        let keys = record.keys.iter().filter_map(|key| PublicKey::from_jwk(&key.jwk).ok());
        pins.parties.insert(record.id, KeySet::new(keys.collect()));
    }
    Ok(())
}

impl Verify {
    pub(super) fn run(self, printer: Printer) -> Done {
        let path = match &self.pins {
            Some(path) => path.clone(),
            None => self.identity.location()?.directory.join("gateway.json"),
        };
        let bytes_max = u64::try_from(BUNDLE_BYTES_MAX).map_err(Failed::unusable)?;
        let bundle = file::read_bytes_up_to(&self.file, bytes_max)?;
        let mut pins = Pins::from_json(&file::read_bytes(&path)?)
            .map_err(|bad| file::FileError::unusable(&path, bad.to_string()))?;
        if let (None, Some(home)) = (&self.pins, self.identity.home()) {
            pin_parties(&mut pins, &home)?;
        }
        let report = evidence::verify(&bundle, &pins);
        let verdict = report.verdict();
        printer.json(&json!({"verdict": verdict, "checks": report.checks}));
        for check in &report.checks {
            let line = format!("{:<8} {}", check.result.as_str(), check.name);
            match check.result {
                Outcome::Skipped(why) => printer.line(format!("{line}: {why}")),
                _ if check.detail.is_empty() => printer.line(line),
                _ => printer.line(format!("{line}: {}", check.detail)),
            }
        }
        match verdict {
            Verdict::Verified => {
                printer.line("verified: every check passed");
                Ok(())
            }
            Verdict::Failed => Err(Failed::refused("the evidence does not verify")),
            Verdict::Incomplete => {
                Err(Failed::because("no verdict: a check could not be made, see above"))
            }
            Verdict::Unusable => {
                Err(Failed::because("this is no evidence of a version known here"))
            }
        }
    }
}
