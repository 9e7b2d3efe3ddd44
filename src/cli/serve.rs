//! `titian serve`.

use std::path::PathBuf;

use clap::Args;

use super::exit::Done;
use super::printer::Printer;
use crate::app::{Home, serve};
use crate::config::environment;

/// Run the gateway of a home until SIGTERM
#[derive(Debug, Args)]
#[command(after_help = "SIGHUP reads the floor, the baseline and the server's certificate again. \
                        SIGTERM stops it within 10 seconds.")]
pub(super) struct Serve {
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
}

impl Serve {
    pub(super) fn run(self, printer: Printer) -> Done {
        Ok(serve::serve(&Home::at(&self.home), &|line| printer.line(line))?)
    }
}
