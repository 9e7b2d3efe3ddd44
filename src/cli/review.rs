//! `titian review`: suspended sharing that a person decides about.

use clap::{ArgGroup, Args, Subcommand};

use super::block_on;
use super::desk::Desk;
use super::exit::Done;
use super::hold::{List, Look};
use super::printer::Printer;
use crate::client::admin::ReviewDecision;
use crate::wire::{ReviewAct, ReviewView};

/// Suspended sharing that a person decides about
#[derive(Debug, Subcommand)]
pub(super) enum Review {
    /// List reviews, oldest first; shows no value of a message
    List(List),
    /// Look at one review; shows no value of a message
    Show(Look),
    Decide(Decide),
}

/// Decide about one review; the decision and its reason are recorded
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").required(true).args(["resume", "keep"])))]
pub(super) struct Decide {
    #[command(flatten)]
    look: Look,
    /// Sharing goes on, and what was suspended goes now
    #[arg(long)]
    resume: bool,
    /// Sharing stays suspended, and what was suspended is cancelled
    #[arg(long)]
    keep: bool,
    /// Why; recorded, so name no person
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Review {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            match self {
                Self::List(list) => {
                    let reviews = Desk::open(&list.at.home).await?.reviews(list.all).await?;
                    printer.json(&reviews);
                    if reviews.is_empty() {
                        printer.line("nothing waits for a decision");
                    }
                    for view in &reviews {
                        line(printer, view);
                    }
                }
                Self::Show(look) => decide(printer, look, ReviewDecision::Show, "").await?,
                Self::Decide(Decide { look, resume, keep: _, reason }) => {
                    let decision =
                        if resume { ReviewDecision::Resume } else { ReviewDecision::Keep };
                    decide(printer, look, decision, &reason).await?;
                }
            }
            Ok(())
        })
    }
}

async fn decide(printer: Printer, look: Look, decision: ReviewDecision, reason: &str) -> Done {
    let act = ReviewAct { officer: look.officer, reason: reason.to_owned(), word: None };
    let view = Desk::open(&look.at.home).await?.review(look.id, decision, &act).await?;
    printer.json(&view);
    show(printer, &view);
    Ok(())
}

fn line(printer: Printer, view: &ReviewView) {
    let state = match &view.decision {
        Some(decision) => decision.decision.clone(),
        None if view.is_overdue => format!("overdue since {}", view.due_at),
        None => format!("waits, due {}", view.due_at),
    };
    let party = view.party.as_deref().unwrap_or("all it concerns");
    printer.line(format!(
        "{}  {}  {:<17} towards {party}, decided by {}: {state}",
        view.id,
        view.opened_at,
        view.kind.as_str(),
        view.decided_by
    ));
}

fn show(printer: Printer, view: &ReviewView) {
    line(printer, view);
    if let Some(exchange) = &view.exchange {
        printer.line(format!("exchange {exchange}"));
    }
    printer.line(format!("suspended {}", view.suspended));
    if let Some(decision) = &view.decision {
        let (by, at) = (&decision.officer, &decision.at);
        printer.line(format!("{} by {by} at {at}: {}", decision.decision, decision.reason));
    }
}
