//! Who signs: an officer with a key file, or a throw-away officer of a development home.

use std::path::PathBuf;

use clap::Args;

use super::desk::Desk;
use super::exit::Failed;
use crate::app::Home;
use crate::client::ClientFault;
use crate::client::officer::OfficerKey;
use crate::clock::{Clock, SystemClock};
use crate::config::{environment, file};
use crate::secret::SecretBytes;

#[derive(Debug, Args)]
pub(super) struct Signer {
    /// Who you are
    #[arg(long = "as", value_name = "OFFICER")]
    officer: String,
    /// Your key file, made by `titian officer key`; a development home has throw-away ones
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file that holds the passphrase, for machines; asked for without it
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
}

impl Signer {
    pub(super) fn officer(&self) -> &str {
        &self.officer
    }

    pub(super) async fn desk(&self) -> Result<Desk, Failed> {
        Desk::open(&self.home).await
    }

    /// How an officer of this home says with which key it signs: not at all in development.
    pub(super) fn with_key(&self) -> &'static str {
        if self.key.is_some() { " --key FILE" } else { "" }
    }

    /// Opens the key file.
    pub(super) fn open(&self) -> Result<OfficerKey, Failed> {
        let own = Home::at(&self.home).officer_key(&self.officer);
        let path = self.key.clone().unwrap_or(own);
        if self.key.is_none() && !path.exists() {
            return Err(Failed::because("say with which key you sign: `--key FILE`"));
        }
        Ok(OfficerKey::open(&self.officer, &path, || passphrase(self.passphrase.as_ref()))?)
    }
}

/// Reads a passphrase from a file that only its owner may open, or from the terminal.
pub(super) fn passphrase(from: Option<&PathBuf>) -> Result<SecretBytes, ClientFault> {
    if let Some(path) = from {
        let secret = file::read_secret(path)?;
        let trimmed = secret.expose().trim_ascii_end();
        return Ok(SecretBytes::new(trimmed.to_vec()));
    }
    let typed = rpassword::prompt_password("passphrase: ");
    typed.map(|text| SecretBytes::new(text.into_bytes())).map_err(|_closed| {
        ClientFault::Unusable("no passphrase can be read here: --passphrase FILE")
    })
}

pub(super) fn now() -> i64 {
    SystemClock::start().now().unix_timestamp()
}
