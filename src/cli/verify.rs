//! `titian verify`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::block_on;
use super::desk::Desk;
use super::exit::{Done, Failed};
use super::identity::Identity;
use super::printer::Printer;
use crate::app::Home;
use crate::config::file;
use crate::evidence::bundle::BUNDLE_BYTES_MAX;
use crate::evidence::{self, Pins, Verdict};
use crate::exchange::pins;
use crate::wire::VersionsAsk;

/// Check evidence, offline, under keys pinned beforehand
#[derive(Debug, Args)]
#[command(
    after_help = "Pins come from --pins, or from the kit's `gateway.json`, written when the \
                        kit first spoke with the gateway; with --home the keys in every record of a \
                        party or an officer that is or was in force there are pinned too, but for those that were \
                        revoked. Keys inside the evidence are never \
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

/// Whoever holds a home has every record that officers approved: the keys in all of them are
/// pinned, also where a later one has taken their place.
pub(super) async fn pin_records(pins: &mut Pins, home: &Home) -> Result<(), Failed> {
    let versions = Desk::open(home.root()).await?.versions(&VersionsAsk::default()).await?;
    pins::pin(pins, versions);
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
            block_on(pin_records(&mut pins, &home))?;
        }
        let report = evidence::verify(&bundle, &pins);
        let verdict = report.verdict();
        printer.json(&json!({"verdict": verdict, "checks": report.checks}));
        for check in &report.checks {
            let line = format!("{:<8} {}", check.result.as_str(), check.name);
            if check.detail.is_empty() {
                printer.line(line);
            } else {
                printer.line(format!("{line}: {}", check.detail));
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
