//! Builds every long-lived part from a home, and takes it down again.
//!
//! Only this module knows everything. What it starts with is checked before anything is opened:
//! permissions, keys, the floor's signature, what the mode forbids. A home that fails a check
//! starts nothing.

pub mod certificates;
pub mod floor;
pub mod home;
pub mod init;
pub mod keys;
pub mod kit;
pub mod policies;
pub mod records;
pub mod rules;
pub mod safety;
pub mod serve;
mod shipped;

use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use home::{Home, Lock};
pub use keys::GatewayKeys;

use crate::auth::Directory;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{GatewayConfig, Mode};
use crate::exchange::{Gateway, Keys, Parts, Rules};
use crate::store::Vault;
use crate::store::sqlite::{Options, Sqlite};
use rules::Documents;

/// The gateway of a home, without its listeners. Held with the home's lock.
#[derive(Debug)]
pub struct Opened {
    gateway: Arc<Gateway>,
    config: GatewayConfig,
    _lock: Lock,
}

impl Opened {
    /// The use cases' side of it.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// A handle that listeners keep.
    pub fn shared(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// Reads rules and certificates again. What cannot be used leaves everything as it was.
    async fn reload(&self, home: &Home) -> anyhow::Result<()> {
        safety::check_permissions(home)?;
        let _tls = serve::read_tls(home)?;
        let rules = rules_of(Documents::read(home, self.config.mode)?, &self.config)?;
        self.gateway.install(rules).await.context("the rules are not in force")
    }

    /// `titian.toml`.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }
}

/// Opens the gateway of a home: every check, then every part.
pub async fn open(home: &Home, lock: Lock) -> anyhow::Result<Opened> {
    let config = home.config()?;
    safety::check_permissions(home)?;
    let keys = GatewayKeys::read(home)?;
    let documents = Documents::read(home, config.mode)?;
    if config.mode == Mode::Production && !documents.policies.is_empty() {
        bail!("policies carry no officers' signatures, without which production does not start");
    }
    let rules = rules_of(documents, &config)?;
    let vault = Vault::open(&keys::kek_directory(home)).context("the month keys do not open")?;
    let database = home.database(&config);
    let store = Sqlite::open(&database, Options::default())
        .with_context(|| format!("`{}` does not open", database.display()))?;
    let GatewayKeys { signing, token, ledger, pseudonym } = keys;
    let parts = Parts {
        id: config.id.clone(),
        clock: Arc::new(SystemClock::start()),
        entropy: Arc::new(SystemEntropy::default()),
        store: Arc::new(store),
        vault: Arc::new(vault),
        keys: Keys { signing, token, ledger, pseudonym },
    };
    let gateway = Gateway::start(parts, rules).await.context("the gateway does not start")?;
    Ok(Opened { gateway: Arc::new(gateway), config, _lock: lock })
}

/// The rules that follow from a home's documents. No agreement keeps a payload longer than the
/// gateway's own limit.
fn rules_of(mut documents: Documents, config: &GatewayConfig) -> anyhow::Result<Rules> {
    let (policies, fixed, schemas) = policies::compile_all(&documents)?;
    for agreement in &mut documents.agreements {
        agreement.retention_days = agreement.retention_days.min(config.retention.days_max);
    }
    Ok(Rules {
        directory: Directory::new(&documents.parties)?,
        agreements: documents.agreements,
        schemas,
        policies,
        fixed,
        officers: documents.officers,
        digest: documents.digest,
        generation: 0,
    })
}

fn listen(
    _home: &Home,
    _opened: &Opened,
    _sockets: serve::Sockets,
    _stopped: &watch::Receiver<bool>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    bail!("this build has no listeners")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: time::OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    fn fresh() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("home"));
        init::init(&home, NOW).unwrap();
        (directory, home)
    }

    async fn opened(home: &Home) -> Result<Opened, String> {
        let lock = home.lock().unwrap().unwrap();
        open(home, lock).await.map_err(|error| format!("{error:#}"))
    }

    #[tokio::test]
    async fn a_fresh_home_opens_and_opens_again_under_the_same_rules() {
        let (_directory, home) = fresh();
        let first = opened(&home).await.unwrap();
        let generation = first.gateway().rules().generation;
        drop(first);
        assert_eq!(opened(&home).await.unwrap().gateway().rules().generation, generation);
    }

    #[tokio::test]
    async fn a_reload_installs_new_rules_whole_or_not_at_all() {
        let (_directory, home) = fresh();
        let opened = opened(&home).await.unwrap();
        let before = opened.gateway().rules().generation;
        let bnpt = home.party(&"bnpt".parse().unwrap()).join("record.toml");
        let record = std::fs::read_to_string(&bnpt).unwrap();
        std::fs::write(&bnpt, record.replace("frozen = false", "frozen = tru")).unwrap();
        assert!(opened.reload(&home).await.is_err());
        assert_eq!(opened.gateway().rules().generation, before);
        std::fs::write(&bnpt, record.replace("frozen = false", "frozen = true")).unwrap();
        opened.reload(&home).await.unwrap();
        assert_eq!(opened.gateway().rules().generation, before + 1);
    }

    #[tokio::test]
    async fn a_database_of_an_unknown_version_and_a_missing_key_do_not_start() {
        let (_directory, home) = fresh();
        drop(opened(&home).await.unwrap());
        let database = home.root().join("titian.db");
        std::fs::write(&database, b"not a database, but long enough to be looked into").unwrap();
        assert!(opened(&home).await.unwrap_err().contains("titian.db` does not open"));
        std::fs::remove_file(&database).unwrap();
        std::fs::remove_file(home.keys().join("token.jwk")).unwrap();
        assert!(opened(&home).await.unwrap_err().contains("token.jwk` does not exist"));
    }

    #[tokio::test]
    async fn the_gateways_own_limit_shortens_every_agreement() {
        let (_directory, home) = fresh();
        let config = std::fs::read_to_string(home.config_file()).unwrap();
        std::fs::write(home.config_file(), config.replace("days_max = 1826", "days_max = 30"))
            .unwrap();
        let opened = opened(&home).await.unwrap();
        let rules = opened.gateway().rules();
        assert!(!rules.agreements.is_empty());
        assert!(rules.agreements.iter().all(|agreement| agreement.retention_days == 30));
    }
}
