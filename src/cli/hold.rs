//! `titian hold`: what is kept back for a person to decide.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::block_on;
use super::desk::Desk;
use super::exit::Done;
use super::printer::Printer;
use crate::client::admin::HoldDecision;
use crate::config::environment;
use crate::domain::Id;
use crate::wire::{HoldAct, HoldView};

/// What is kept back for a person to decide
#[derive(Debug, Subcommand)]
pub(super) enum Hold {
    List(List),
    Show(Look),
    Release(Decide),
    Discard(Decide),
}

/// List holds, oldest first; shows no held value
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those already decided too
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) at: At,
}

/// Look at one hold with its values; that you looked is recorded
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Which one, as `list` names it
    #[arg(value_name = "ID")]
    pub(super) id: Id,
    #[command(flatten)]
    pub(super) at: At,
    /// Who you are, as `officers.toml` names you
    #[arg(long = "as", value_name = "OFFICER")]
    pub(super) officer: String,
}

/// Decide about one hold; the decision and its reason are recorded
#[derive(Debug, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    look: Look,
    /// Why; recorded, so name no person
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct At {
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    pub(super) home: PathBuf,
}

impl Hold {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            match self {
                Self::List(list) => {
                    let holds = Desk::open(&list.at.home).await?.list(list.all).await?;
                    printer.json(&holds);
                    if holds.is_empty() {
                        printer.line("nothing waits for a decision");
                    }
                    for view in &holds {
                        line(printer, view);
                    }
                }
                Self::Show(look) => decide(printer, look, HoldDecision::Show, "").await?,
                Self::Release(decision) => {
                    decide(printer, decision.look, HoldDecision::Release, &decision.reason).await?;
                }
                Self::Discard(decision) => {
                    decide(printer, decision.look, HoldDecision::Discard, &decision.reason).await?;
                }
            }
            Ok(())
        })
    }
}

async fn decide(printer: Printer, look: Look, decision: HoldDecision, reason: &str) -> Done {
    let act = HoldAct { officer: look.officer, reason: reason.to_owned(), word: None };
    let view = Desk::open(&look.at.home).await?.decide(look.id, decision, &act).await?;
    printer.json(&view);
    show(printer, &view);
    Ok(())
}

fn line(printer: Printer, view: &HoldView) {
    let state = match &view.decision {
        Some(decision) => decision.decision.as_str(),
        None if view.rest_went => "waits, the rest has gone",
        None => "waits",
    };
    printer.line(format!(
        "{}  {}  {:<12} from {} for {}: {state}",
        view.id, view.opened_at, view.message_type, view.from, view.recipient
    ));
    if let Some(group) = &view.group {
        printer.line(format!("  held: {} alike, {} needed", group.alike, group.needed));
    }
}

fn show(printer: Printer, view: &HoldView) {
    line(printer, view);
    if let Some(exchange) = &view.exchange {
        printer.line(format!("exchange {exchange}"));
    }
    printer.line(format!("leaves   {}", view.leaves.join(" ")));
    for finding in &view.findings {
        printer.line(format!("found    {}: {}", finding.pointer, finding.keyword));
    }
    if let Some(decision) = &view.decision {
        let (by, at) = (&decision.officer, &decision.at);
        printer.line(format!("{} by {by} at {at}: {}", decision.decision, decision.reason));
    }
    if let Some(values) = &view.values {
        printer.line("values:");
        printer.outline(values, 2);
    }
}
