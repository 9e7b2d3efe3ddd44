//! `titian erase`: payloads are destroyed, and everyone who was handed any of them is told.

use clap::{ArgGroup, Args, Subcommand};

use super::block_on;
use super::desk::Desk;
use super::exit::Done;
use super::hold::At;
use super::printer::Printer;
use crate::wire::{ErasureAsk, ErasureListed, ErasureView, NoticeView};

/// Erase a case or a message, and tell everyone who was handed any of it
#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    group(ArgGroup::new("what").required(true).args(["exchange", "message"])),
    after_help = "Without --confirm nothing is erased: what would be is shown, with the word that \
                  confirms exactly that. Proofs stay; what a partner confirms is its own claim."
)]
pub(super) struct Erase {
    #[command(subcommand)]
    command: Option<List>,
    /// The case: your party's reference of any exchange of it
    #[arg(long, value_name = "REF")]
    exchange: Option<String>,
    /// A message that your party sent, with its corrections
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Why: `retention_end`, `consent_withdrawn`, `unlawful`, `right_holder_request` or `error`
    #[arg(long, value_name = "CODE", required = true)]
    reason: Option<String>,
    /// Who you are, as `officers.toml` names you
    #[arg(long, value_name = "OFFICER", required = true)]
    by: Option<String>,
    /// By when partners are to have erased it; 30 days from now if not given
    #[arg(long = "erase-by", value_name = "YYYY-MM-DD")]
    until: Option<String>,
    /// Do not ask for backups to be erased too
    #[arg(long)]
    keep_backups: bool,
    /// Erase what was shown under this word
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    confirm: Option<String>,
    #[command(flatten)]
    at: Option<At>,
}

#[derive(Debug, Subcommand)]
enum List {
    /// List erasures: who was told, what they answered, and what is overdue
    List {
        #[command(flatten)]
        at: At,
    },
}

impl Erase {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            if let Some(List::List { at }) = self.command {
                let erasures = Desk::open(&at.home).await?.erasures().await?;
                printer.json(&erasures);
                if erasures.is_empty() {
                    printer.line("nothing was erased");
                }
                for erasure in &erasures {
                    listed(printer, erasure);
                }
                return Ok(());
            }
            let (Some(at), Some(reason), Some(officer)) = (self.at, self.reason, self.by) else {
                return Err(super::exit::Failed::because("see `titian erase --help`"));
            };
            let ask = ErasureAsk {
                exchange: self.exchange,
                message: self.message,
                reason,
                officer,
                erase_by: self.until,
                include_backups: !self.keep_backups,
                confirm: self.confirm,
            };
            let view = Desk::open(&at.home).await?.erase(&ask).await?;
            printer.json(&view);
            show(printer, &view);
            Ok(())
        })
    }
}

fn show(printer: Printer, view: &ErasureView) {
    let done = if view.is_done { "erased" } else { "would erase" };
    printer.line(format!(
        "{done} {} messages in {} exchanges; {} releases nobody has seen are taken back",
        view.messages, view.exchanges, view.cancelled
    ));
    for party in &view.tells {
        printer.line(format!("tells    {party}"));
    }
    printer.line(format!("erase by {}", view.erase_by));
    printer
        .line(format!("backups  an old one could give it back until {}", view.recoverable_until));
    if !view.is_done {
        printer.line(format!("nothing was erased; to do so add: --confirm {}", view.confirm));
    }
}

fn listed(printer: Printer, erasure: &ErasureListed) {
    let what = if erasure.is_whole { "a case" } else { "messages" };
    let by = erasure.officer.as_deref().unwrap_or(&erasure.party);
    printer.line(format!(
        "{}  {}  {what} ({}), {} by {by}: by {}",
        erasure.id, erasure.at, erasure.messages, erasure.reason, erasure.erase_by
    ));
    for notice in &erasure.notices {
        printer.line(format!("  {:<12} {}", notice.party, said(notice)));
    }
}

fn said(notice: &NoticeView) -> String {
    let day = notice.erased_on.as_deref().unwrap_or_default();
    match (&notice.result, &notice.legal_basis) {
        (Some(result), Some(basis)) => format!("{result} ({basis}), {day}"),
        (Some(result), None) => format!("{result}, {day}"),
        (None, _) if notice.is_overdue => format!("overdue: no answer; notice {}", notice.state),
        (None, _) => format!("no answer yet; notice {}", notice.state),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        erase: Erase,
    }

    #[test]
    fn a_word_that_begins_with_a_dash_confirms() {
        let line = "titian --message aaaaaaaaaaaaaaaaaaaaaaaaaa --reason error --by petugas-jaga \
                    --home here --confirm -MxYz";
        let line = Line::try_parse_from(line.split_whitespace()).unwrap();
        assert_eq!(line.erase.confirm.as_deref(), Some("-MxYz"));
    }
}
