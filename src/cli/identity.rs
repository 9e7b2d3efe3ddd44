//! As whom a partner's command speaks: a party of a development home, or one's own kit.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::exit::Failed;
use super::printer::Printer;
use crate::app::Home;
use crate::client::{Kit, Location, Session};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::environment;
use crate::domain::Address;

#[derive(Debug, Args)]
pub(super) struct Identity {
    /// Your own kit, made by `titian party new`
    #[arg(long, value_name = "DIR")]
    party: Option<PathBuf>,
    /// A development home, to play one of its parties
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: Option<PathBuf>,
    /// Which of the home's parties to play, for example `bnpt`
    #[arg(long = "as", value_name = "PARTY", conflicts_with = "party")]
    speaker: Option<Address>,
}

impl Identity {
    /// Where the keys are.
    pub(super) fn location(&self) -> Result<Location, Failed> {
        if let Some(kit) = &self.party {
            return Ok(Location::of_kit(kit)?);
        }
        let (Some(root), Some(speaker)) = (&self.home, &self.speaker) else {
            return Err(Failed::because(
                "say who you are: `--party DIR`, or `--home HOME --as PARTY`",
            ));
        };
        let home = Home::at(root);
        let config = home.config()?;
        if !home.party(&speaker.party).is_dir() {
            let party = &speaker.party;
            return Err(Failed::because(format!("the home has no party `{party}`")));
        }
        Ok(Location {
            address: speaker.clone(),
            directory: home.party(&speaker.party),
            gateway: format!("https://{}", config.listen),
            ca: home.ca_file(),
        })
    }

    /// The development home, if the party is one of its own.
    pub(super) fn home(&self) -> Option<Home> {
        if self.party.is_some() { None } else { self.home.as_ref().map(Home::at) }
    }

    /// The same options as words, for a command to type next.
    pub(super) fn as_options(&self) -> String {
        match (&self.party, &self.home, &self.speaker) {
            (Some(kit), _, _) => format!("--party {}", kit.display()),
            (None, Some(home), Some(speaker)) => {
                format!("--home {} --as {speaker}", home.display())
            }
            _ => String::new(),
        }
    }

    /// Connects. The first time, the gateway's id and keys are pinned.
    pub(super) async fn session(&self, printer: Printer) -> Result<Session, Failed> {
        let kit = Kit::open(&self.location()?)?;
        let on_wait = move |wait: std::time::Duration| {
            printer.note(format!("no answer yet, trying again in {:.1} s", wait.as_secs_f64()));
        };
        let clock = Arc::new(SystemClock::start());
        let entropy = Arc::new(SystemEntropy::default());
        Ok(Session::open(kit, clock, entropy, Box::new(on_wait)).await?)
    }
}
