//! `titian evidence`.

use std::path::PathBuf;

use clap::Args;

use super::block_on;
use super::exit::{Done, Failed};
use super::identity::Identity;
use super::printer::Printer;
use crate::config::{Access, file};
use crate::domain::{Id, json};

/// Fetch the evidence about a message you sent or a release you were handed
#[derive(Debug, Args)]
pub(super) struct Evidence {
    /// The message or release
    #[arg(value_name = "ID")]
    id: Id,
    #[command(flatten)]
    identity: Identity,
    /// Write it to this file, which must not exist yet, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Evidence {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(self.fetch(printer))
    }

    async fn fetch(self, printer: Printer) -> Done {
        let session = self.identity.session(printer).await?;
        let bundle = session.evidence(self.id).await?;
        let bytes = json::canonical(&bundle).map_err(Failed::unusable)?;
        match &self.output {
            // It holds a payload, so it is its owner's only.
            Some(path) => {
                file::write_new(path, &bytes, Access::Owner)?;
                let shown = path.display();
                printer.json(&serde_json::json!({ "written": path }));
                let options = self.identity.as_options();
                printer.line(format!("written to {shown}"));
                printer.line(format!("check it with: titian verify {shown} {options}"));
            }
            None => printer.text(&String::from_utf8_lossy(&bytes)),
        }
        Ok(())
    }
}
