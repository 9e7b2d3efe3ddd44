//! `titian party`: a partner's own keys, and their public half at the gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::block_on;
use super::exit::{Done, Failed};
use super::identity::Identity;
use super::life::{self, Life, versions};
use super::printer::Printer;
use super::signer::Signer;
use crate::app::kit;
use crate::client::officer::endorse;
use crate::clock::{Clock, SystemClock};
use crate::config::PartyRecord;
use crate::domain::{DocumentKind, PartyId, PartyKind, UnitId};
use crate::exchange::change;

/// A partner's keys, and their public half at the gateway
#[derive(Debug, Subcommand)]
pub(super) enum Party {
    New(New),
    Freeze(Freeze),
    /// Propose that a party is frozen no more; another officer approves
    Unfreeze(Freeze),
    Endorse(Endorse),
    #[command(flatten)]
    Life(Life),
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

/// Stop what flows to and from a party; one officer is enough
#[derive(Debug, Args)]
pub(super) struct Freeze {
    /// Which party
    #[arg(value_name = "PARTY")]
    party: PartyId,
    /// Why; name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// Say, with a key that your party has, that another is to be its next one
#[derive(Debug, Args)]
pub(super) struct Endorse {
    /// The new key's public JWK, or its key file
    #[arg(value_name = "FILE")]
    new: PathBuf,
    #[command(flatten)]
    identity: Identity,
    /// The gateway's id, for example <https://titian.example.org>
    #[arg(long, value_name = "ID")]
    gateway_id: String,
}

impl Party {
    pub(super) fn run(self, printer: Printer) -> Done {
        match self {
            Self::New(new) => new.run(printer),
            Self::Freeze(freeze) => block_on(freeze.run(printer, true)),
            Self::Unfreeze(freeze) => block_on(freeze.run(printer, false)),
            Self::Endorse(endorse) => endorse.run(printer),
            Self::Life(life) => block_on(life.run(printer, DocumentKind::Party)),
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

impl Freeze {
    async fn run(self, printer: Printer, frozen: bool) -> Done {
        let desk = self.signer.desk().await?;
        let all = versions(&desk, DocumentKind::Party, self.party.as_str()).await?;
        let now = all.into_iter().find(|view| view.stands == "in_force");
        let now = now.ok_or_else(|| Failed::because("no record of that party is in force"))?;
        let record: PartyRecord = toml::from_str(&now.text).map_err(Failed::unusable)?;
        // one officer alone stops whoever cares for children for half a day only
        let until = (frozen && record.kind == PartyKind::Social)
            .then(|| SystemClock::start().now() + time::Duration::hours(12));
        let text = change::frozen(&now.text, frozen, until).map_err(Failed::unusable)?;
        let what = (DocumentKind::Party, self.party.to_string(), text);
        life::offer(printer, &desk, &self.signer, what, (&self.reason, None)).await
    }
}

impl Endorse {
    fn run(self, printer: Printer) -> Done {
        let location = self.identity.location()?;
        let now = SystemClock::start().now().unix_timestamp();
        let (jws, thumbprint) = endorse(&location, &self.new, &self.gateway_id, now)?;
        printer.json(&json!({"endorsement": jws, "thumbprint": thumbprint}));
        printer.line("into the record, beside the new key:");
        printer.line(format!("endorsement = \"{jws}\""));
        Ok(())
    }
}
