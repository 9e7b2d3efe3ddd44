//! `party.toml`: where a partner's own kit finds the gateway.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file::{self, FileError};
use crate::domain::Address;

/// `party.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KitConfig {
    /// The partner's own address: `party`, or `party/unit` where keys and certificate are bound
    /// to one unit.
    pub address: Address,
    /// `https://host:port` of the gateway.
    pub gateway: String,
    /// PEM of the CA that issued the gateway's certificate, relative to the kit.
    pub ca: PathBuf,
}

impl KitConfig {
    /// Reads and checks a `party.toml`.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let config: Self = file::read_toml(path)?;
        if !config.gateway.starts_with("https://") {
            let reason = "`gateway` must be the `https` URL that the gateway's operator named";
            return Err(FileError::unusable(path, reason));
        }
        if config.ca.as_os_str().is_empty() {
            let reason = "`ca` must be the file with the gateway's CA, in PEM";
            return Err(FileError::unusable(path, reason));
        }
        Ok(config)
    }
}
