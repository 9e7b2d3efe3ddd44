//! `titian party`: a partner's own keys, and their public half at the gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::Done;
use super::printer::Printer;
use crate::app::{Home, kit};
use crate::clock::{Clock, SystemClock};
use crate::config::environment;
use crate::domain::{PartyId, PartyKind, UnitId};

/// A partner's keys, and their public half at the gateway
#[derive(Debug, Subcommand)]
pub(super) enum Party {
    New(New),
    Add(Add),
}

/// Make your own kit: keys, certificate, and the record for the gateway's operator
#[derive(Debug, Args)]
pub(super) struct New {
    /// Where to make it; what is there stays as it is
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Your party's id, as agreed with the gateway's operator
    #[arg(long, value_name = "PARTY")]
    id: PartyId,
    /// Your party's name in print
    #[arg(long)]
    name: String,
    /// ISO 3166-1 alpha-3, for example BEL
    #[arg(long)]
    country: String,
    /// What your party is
    #[arg(long)]
    kind: Kind,
    /// A unit of your party; may be given again
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<UnitId>,
    /// Bind keys and certificate to this one unit
    #[arg(long, value_name = "UNIT")]
    bound_to: Option<UnitId>,
    /// Where the gateway is: https://host:port
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The CA of the gateway's certificate, in PEM, relative to the kit
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Social,
    CounterTerrorism,
    Justice,
    Foreign,
}

impl From<Kind> for PartyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Social => Self::Social,
            Kind::CounterTerrorism => Self::CounterTerrorism,
            Kind::Justice => Self::Justice,
            Kind::Foreign => Self::Foreign,
        }
    }
}

/// Register a partner's record in a home
#[derive(Debug, Args)]
pub(super) struct Add {
    /// `record.toml` of the partner's kit
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
    /// Take the place of the record the party has
    #[arg(long)]
    replace: bool,
}

impl Party {
    pub(super) fn run(self, printer: Printer) -> Done {
        match self {
            Self::New(new) => new.run(printer),
            Self::Add(add) => add.run(printer),
        }
    }
}

impl New {
    fn run(self, printer: Printer) -> Done {
        let facts = kit::Facts {
            id: self.id,
            name: self.name,
            country: self.country,
            kind: self.kind.into(),
            units: self.units,
            bound_to: self.bound_to,
        };
        let whereabouts = kit::Whereabouts { gateway: self.gateway, ca: self.ca };
        let made = kit::make(&self.directory, &facts, &whereabouts, SystemClock::start().now())?;
        printer.json(&json!({ "made": made }));
        for path in &made {
            printer.line(format!("made {}", path.display()));
        }
        if made.is_empty() {
            printer.line("nothing was missing");
        }
        printer.line("next: send record.toml, and nothing else, to the gateway's operator;");
        printer.line("      fill in party.toml with what the operator tells you");
        Ok(())
    }
}

impl Add {
    fn run(self, printer: Printer) -> Done {
        let existing = if self.replace { kit::Existing::Replace } else { kit::Existing::Keep };
        let home = Home::at(&self.home);
        // a mistyped home is no home to register anybody in
        home.config()?;
        let id = kit::register(&home, &self.record, existing)?;
        printer.json(&json!({ "party": id }));
        printer.line(format!("`{id}` is registered"));
        printer.line("a gateway that runs reads it on SIGHUP");
        Ok(())
    }
}
