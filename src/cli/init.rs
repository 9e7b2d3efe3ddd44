//! `titian init`.

use std::path::PathBuf;

use clap::Args;

use super::exit::Done;
use super::printer::Printer;
use crate::app::{Home, init};
use crate::clock::{Clock, SystemClock};

/// Make a development home, or add what one lacks; nothing that is there is changed
#[derive(Debug, Args)]
#[command(after_help = "The home holds every party's keys, for play on this machine. A partner's \
                        own keys are made by `titian party new` and stay with the partner.")]
pub(super) struct Init {
    /// Where: a new or empty directory, or a home made before
    #[arg(value_name = "HOME")]
    home: PathBuf,
}

impl Init {
    pub(super) fn run(self, printer: Printer) -> Done {
        let home = Home::at(&self.home);
        let made = init::init(&home, SystemClock::start().now())?;
        printer.json(&serde_json::json!({ "made": made }));
        for path in &made {
            printer.line(format!("made {}", path.display()));
        }
        if made.is_empty() {
            printer.line("nothing was missing");
        }
        let root = self.home.display();
        printer.line(format!("next: titian serve --home {root}"));
        Ok(())
    }
}
