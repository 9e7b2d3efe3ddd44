//! `titian policy replay`: a proposed policy over the messages still in retention.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use time::Duration;

use super::desk::Desk;
use super::exit::{Done, Failed};
use super::policy::At;
use super::printer::Printer;
use super::rulebook::Rulebook;
use crate::clock::{Clock, SystemClock};
use crate::config::file;
use crate::wire::{ReplayAsk, ReplayOutcomes, ReplayPage};

/// Count what a proposed policy would change for the messages still kept
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The proposed policy's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How far back, for example `90d`
    #[arg(long, value_name = "DAYS", default_value = "90d", value_parser = days)]
    last: Duration,
    /// Who you are: an officer of one of the policy's parties
    #[arg(long = "as", value_name = "OFFICER")]
    officer: String,
    /// Show values that differ, at most 200 a page; for officers of the sender, and recorded
    #[arg(long)]
    show_values: bool,
    #[command(flatten)]
    at: At,
}

fn days(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    days.map(|days| Duration::days(days.into())).ok_or_else(|| "days are written `90d`".to_owned())
}

impl Replay {
    pub(super) async fn run(self, printer: Printer) -> Done {
        let desk = Desk::open(self.at.home()).await?;
        // says everything that is wrong with the file before the gateway is asked
        let policy = Rulebook::of(&desk).await?.version(&self.file)?;
        let mut ask = ReplayAsk {
            id: policy.id().to_owned(),
            policy: file::read_text(&self.file)?,
            since: (SystemClock::start().now() - self.last).unix_timestamp(),
            after: 0,
            officer: self.officer.clone(),
            show_values: self.show_values,
        };
        {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{bar:40} {percent} %  {elapsed}, {eta} left");
            bar.set_style(style.map_err(Failed::unusable)?);
            let mut all = ReplayPage::default();
            loop {
                let page = desk.replay(&ask).await?;
                bar.set_length(u64::try_from(page.of).unwrap_or(0));
                bar.set_position(u64::try_from(page.at).unwrap_or(0));
                let next = page.next;
                all.add(page);
                match next {
                    Some(after) => ask.after = after,
                    None => break,
                }
            }
            bar.finish_and_clear();
            show(printer, &all);
            Ok(())
        }
    }
}

fn show(printer: Printer, all: &ReplayPage) {
    printer.json(all);
    printer.line(format!(
        "{} messages, {} received exactly as before; not replayed: {} erased, {} suspended",
        all.messages, all.alike, all.erased, all.suspended
    ));
    let line = |name: &str, outcomes: &ReplayOutcomes| {
        let ReplayOutcomes { released, held, refused } = outcomes;
        printer.line(format!("{name:9} released {released}, held {held}, refused {refused}"));
    };
    line("in force", &all.before);
    line("proposed", &all.after);
    let width = all.leaves.keys().map(String::len).max().unwrap_or(0);
    for (leaf, change) in &all.leaves {
        let words = [
            (change.starts, "would be there"),
            (change.stops, "would be gone"),
            (change.differs, "would differ"),
        ];
        let words = words.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = words.map(|(count, word)| format!("{word} in {count}")).collect();
        printer.line(format!("  {leaf:width$}  {}", words.join(", ")));
    }
    let shown = |values: &[Value]| {
        let all: Vec<String> = values.iter().map(ToString::to_string).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(" ") }
    };
    for change in &all.values {
        let (before, after) = (shown(&change.before), shown(&change.after));
        printer.line(format!("  {}: {before} -> {after}", change.leaf));
    }
}
