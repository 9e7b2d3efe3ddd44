//! `titian floor`, and what signing the baseline shares with it: the data protection officer's own
//! side, where no home is needed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Done, Failed};
use super::printer::Printer;
use super::signer::passphrase;
use crate::app::floor::{FloorStatement, Word, sign};
use crate::client::officer::OfficerKey;
use crate::config::{Access, file, officers};
use crate::policy::Floor;

/// The limits that no policy goes below
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Sign a floor, as the data protection officer; its signature is made beside it
    Sign(Sign),
}

#[derive(Debug, Args)]
pub(super) struct Sign {
    /// What to sign, TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key file, made by `titian officer key`; its public half is the homes' `dpo.jwk`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The name that the key file was made for
    #[arg(long = "as", value_name = "NAME", default_value = DPO, value_parser = officers::name)]
    name: String,
    /// A file that holds the passphrase, for machines; asked for without it
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
}

/// The name that the data protection officer's key file is made for, where nothing else is said.
pub(super) const DPO: &str = "dpo";

impl Command {
    pub(super) fn run(self, printer: Printer) -> Done {
        let Self::Sign(sign) = self;
        sign.run::<FloorStatement>(printer, |text| {
            Floor::parse(text).map(drop).map_err(Failed::unusable)
        })
    }
}

impl Sign {
    /// Signs the file if it is what it should be. A signature that is there is not replaced.
    pub(super) fn run<W: Word>(
        self,
        printer: Printer,
        is_one: impl FnOnce(&str) -> Result<(), Failed>,
    ) -> Done {
        let text = file::read_text(&self.file)?;
        is_one(&text)?;
        let signature = self.file.with_extension("jws");
        if signature.exists() {
            let taken = format!("{} is there; move it away first", signature.display());
            return Err(Failed::because(taken));
        }
        let ask = || passphrase(self.passphrase.as_ref());
        let key = OfficerKey::open(&self.name, &self.key, ask)?;
        let word = sign::<W>(key.signing(), text.as_bytes())?;
        file::write_new(&signature, format!("{word}\n").as_bytes(), Access::Everyone)?;
        printer.json(&json!({"signature": signature}));
        printer.line(format!("signed: {}", signature.display()));
        Ok(())
    }
}
