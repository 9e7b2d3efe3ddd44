//! `titian agreement` and `titian exception`: governed documents that need no commands of their own.

use clap::Subcommand;

use super::block_on;
use super::exit::Done;
use super::life::Life;
use super::printer::Printer;
use crate::domain::DocumentKind;

/// The instruments under which parties exchange
#[derive(Debug, Subcommand)]
pub(super) enum Agreement {
    #[command(flatten)]
    Life(Life),
}

/// One message to one recipient above its policy: two officers of two agencies, 30 days at most
#[derive(Debug, Subcommand)]
pub(super) enum Exception {
    #[command(flatten)]
    Life(Life),
}

impl Agreement {
    pub(super) fn run(self, printer: Printer) -> Done {
        let Self::Life(life) = self;
        block_on(life.run(printer, DocumentKind::Agreement))
    }
}

impl Exception {
    pub(super) fn run(self, printer: Printer) -> Done {
        let Self::Life(life) = self;
        block_on(life.run(printer, DocumentKind::Exception))
    }
}
