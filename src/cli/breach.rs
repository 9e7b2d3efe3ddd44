//! `titian breach`: everything a party was ever released, on the day this has to be told.

use std::io;
use std::path::PathBuf;

use clap::Args;
use time::Date;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use super::block_on;
use super::desk::Desk;
use super::exit::{Done, Failed};
use super::printer::Printer;
use crate::config::environment;
use crate::domain::PartyId;
use crate::wire::ReleasedView;

const DAY: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// List every release to a party, with its policy version and leaves; shows no value
#[derive(Debug, Args)]
pub(super) struct Breach {
    /// The party, for example `cuta-be`
    #[arg(value_name = "PARTY")]
    party: PartyId,
    /// From this day on (UTC), for example `2026-01-31`
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Date,
    /// Write it as CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text, DAY).map_err(|_form| "a day is written YYYY-MM-DD".to_owned())
}

impl Breach {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            let desk = Desk::open(&self.home).await?;
            let since = self.since.midnight().assume_utc().unix_timestamp();
            let mut writer = self.csv.then(|| csv::Writer::from_writer(io::stdout().lock()));
            if let Some(writer) = &mut writer {
                let head = [
                    "release_id",
                    "made_at",
                    "recipient",
                    "from",
                    "type",
                    "state",
                    "policy",
                    "version",
                    "policy_digest",
                    "digest",
                    "leaves",
                ];
                writer.write_record(head).map_err(Failed::unusable)?;
            }
            let (mut all, mut count) = (Vec::new(), 0usize);
            let mut after = None;
            loop {
                let page = desk.released(&self.party, since, after.as_deref()).await?;
                count += page.releases.len();
                for release in page.releases {
                    match &mut writer {
                        Some(writer) => {
                            writer.write_record(record(&release)).map_err(Failed::unusable)?;
                        }
                        None if printer.is_json() => all.push(release),
                        None => line(printer, &release),
                    }
                }
                match page.next {
                    None => break,
                    next => after = next,
                }
            }
            if let Some(mut writer) = writer {
                writer.flush().map_err(Failed::unusable)?;
            } else {
                printer.json(&all);
                printer.line(format!("{count} releases to {} since {}", self.party, self.since));
            }
            Ok(())
        })
    }
}

fn record(release: &ReleasedView) -> [String; 11] {
    [
        release.release_id.clone(),
        release.made_at.clone(),
        release.recipient.clone(),
        release.from.clone(),
        release.message_type.clone(),
        release.state.clone(),
        release.policy.clone(),
        release.version.to_string(),
        release.policy_digest.clone(),
        release.digest.clone(),
        release.leaves.join(" "),
    ]
}

fn line(printer: Printer, release: &ReleasedView) {
    printer.line(format!(
        "{}  {}  {:<12} {:<12} from {} under {} v{}: {}",
        release.release_id,
        release.made_at,
        release.message_type,
        release.state,
        release.from,
        release.policy,
        release.version,
        release.leaves.join(" "),
    ));
}
