//! `titian init`.

use std::path::PathBuf;

use clap::Args;

use super::exit::Done;
use super::printer::Printer;
use crate::app::{Home, init};
use crate::clock::{Clock, SystemClock};
use crate::config::Mode;

/// Make a development home, or add what one lacks; nothing that is there is changed
#[derive(Debug, Args)]
#[command(after_help = "The home holds every party's keys, for play on this machine. A partner's \
                        own keys are made by `titian party new` and stay with the partner. Where \
                        HOME/titian.toml is there already and says production, only the gateway's \
                        own keys are made, and officers.toml and floor.toml to fill in and sign.")]
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
        if home.config()?.mode == Mode::Production {
            for line in [
                "next: fill in officers.toml with what `titian officer key` prints for each officer; put",
                "      the record.toml of each officer's party there (parties/ID/record.toml), dpo.jwk and",
                "      floor.jws (`titian officer key FILE --name dpo`, then `titian floor sign`), and the",
                "      server's keys/tls.key and keys/tls.pem",
            ] {
                printer.line(line);
            }
        }
        printer.line(format!("next: titian serve --home {root}"));
        Ok(())
    }
}
