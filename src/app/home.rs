//! A home: the directory in which one gateway keeps what it is.
//!
//! INVARIANT: whoever changes what lies in the database holds the [`Lock`]; there is one holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::{FileError, GatewayConfig, Officer, file, officers};
use crate::domain::PartyId;

/// A home, by its root. Making one reads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// Held while this process runs the gateway of a home, or changes it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Home {
    /// The home at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `titian.toml`.
    pub fn config_file(&self) -> PathBuf {
        self.root.join("titian.toml")
    }

    /// Reads `titian.toml`.
    pub fn config(&self) -> Result<GatewayConfig, FileError> {
        GatewayConfig::read(&self.config_file())
    }

    /// `officers.toml`.
    pub fn officers_file(&self) -> PathBuf {
        self.root.join("officers.toml")
    }

    /// Reads `officers.toml`.
    pub fn officers(&self) -> Result<Vec<Officer>, FileError> {
        officers::read(&self.officers_file())
    }

    /// The certificate of the CA that issued the gateway's own.
    pub fn ca_file(&self) -> PathBuf {
        self.root.join("ca.pem")
    }

    /// The gateway's key files.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The parties, one directory each.
    pub fn parties(&self) -> PathBuf {
        self.root.join("parties")
    }

    /// One party's directory: its record and, in development, its secrets.
    pub fn party(&self, id: &PartyId) -> PathBuf {
        self.parties().join(id.as_str())
    }

    /// The agreements.
    pub fn agreements(&self) -> PathBuf {
        self.root.join("agreements")
    }

    /// The policies.
    pub fn policies(&self) -> PathBuf {
        self.root.join("policies")
    }

    /// The floor.
    pub fn floor_file(&self) -> PathBuf {
        self.root.join("floor.toml")
    }

    /// The detached signature of the floor.
    pub fn floor_signature(&self) -> PathBuf {
        self.root.join("floor.jws")
    }

    /// The baseline: how many people share what a release abroad could tell of one.
    pub fn baseline_file(&self) -> PathBuf {
        self.root.join("baseline.toml")
    }

    /// The detached signature of the baseline.
    pub fn baseline_signature(&self) -> PathBuf {
        self.root.join("baseline.jws")
    }

    /// The pinned public key of the data protection officer.
    pub fn dpo_pin(&self) -> PathBuf {
        self.root.join("dpo.jwk")
    }

    /// Secrets that only a development home has: the CA's key, the data protection officer's key.
    pub fn development(&self) -> PathBuf {
        self.root.join("development")
    }

    /// The throw-away key of an officer of a development home.
    pub fn officer_key(&self, name: &str) -> PathBuf {
        self.development().join("officers").join(format!("{name}.jwk"))
    }

    /// What exists only while the gateway runs.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The officers' socket.
    pub fn admin_socket(&self) -> PathBuf {
        self.run().join("admin.sock")
    }

    /// The database of `config`.
    pub fn database(&self, config: &GatewayConfig) -> PathBuf {
        self.root.join(&config.database)
    }

    /// Takes the lock, or says by `None` that another process holds it.
    pub fn lock(&self) -> anyhow::Result<Option<Lock>> {
        file::make_directory(&self.run())?;
        let path = self.run().join("lock");
        let opened =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.with_context(|| format!("`{}` cannot be made", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(lock_fault(error, &path)),
        }
    }
}

fn lock_fault(error: io::Error, path: &Path) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("`{}` cannot be locked", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_lock() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path());
        let first = home.lock().unwrap();
        assert!(first.is_some());
        assert!(home.lock().unwrap().is_none());
        drop(first);
        assert!(home.lock().unwrap().is_some());
    }
}
