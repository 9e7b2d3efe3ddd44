//! Builds every long-lived part from a home, and takes it down again.
//!
//! Only this module knows everything. What it starts with is checked before anything is opened:
//! permissions, keys, the floor's signature, what the mode forbids. A home that fails a check
//! starts nothing.

pub mod baseline;
pub mod certificates;
pub mod floor;
pub mod home;
pub mod init;
pub mod keys;
pub mod kit;
pub mod records;
pub mod safety;
pub mod seeds;
pub mod serve;
mod shipped;
mod used;

use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use home::{Home, Lock};
pub use keys::GatewayKeys;

use crate::clock::{Clock, SystemClock, SystemEntropy};
use crate::config::GatewayConfig;
use crate::exchange::rules::Files;
use crate::exchange::{Gateway, Keys, Parts, Seed, SeedSigners};
use crate::listener::{Deadlines, Listener};
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Store as _, Vault};
use crate::{console, http, telemetry};

/// Open connections of officers' browsers together.
const CONSOLE_CONNECTIONS_MAX: usize = 1024;

/// The gateway of a home, without its listeners. Held with the home's lock.
#[derive(Debug)]
pub struct Opened {
    gateway: Arc<Gateway>,
    config: GatewayConfig,
    /// What the agencies' listener shows, once there is one.
    tls: OnceLock<Arc<ArcSwap<ServerConfig>>>,
    console_tls: OnceLock<Arc<ArcSwap<ServerConfig>>>,
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

    /// Reads the floor, the baseline and the certificate again. What cannot be used leaves everything as it was.
    async fn reload(&self, home: &Home) -> anyhow::Result<()> {
        safety::check_permissions(home)?;
        let tls = serve::read_tls(home)?;
        let console = console::web::tls_config(tls.chain.clone(), tls.key.clone_key())
            .context("certificate and key do not fit")?;
        let config = http::tls_config(self.shared(), tls.chain, tls.key)
            .context("certificate and key do not fit")?;
        let files = seeds::read_files(home, &self.config)?;
        self.gateway.install(files.clone()).await?;
        used::note_or_warn(home, &files);
        if let Some(listener) = self.tls.get() {
            listener.store(Arc::new(config));
        }
        if let Some(listener) = self.console_tls.get() {
            listener.store(Arc::new(console));
        }
        Ok(())
    }

    /// `titian.toml`.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }
}

/// Opens the gateway of a home: every check, then every part.
pub async fn open(home: &Home, lock: Lock) -> anyhow::Result<Opened> {
    open_at(home, lock, Arc::new(SystemClock::start())).await
}

/// As [`open`], by another clock than the machine's.
pub async fn open_at(home: &Home, lock: Lock, clock: Arc<dyn Clock>) -> anyhow::Result<Opened> {
    let config = home.config()?;
    safety::check_permissions(home)?;
    let keys = GatewayKeys::read(home)?;
    let files = seeds::read_files(home, &config)?;
    let vault = Vault::open(&keys::kek_directory(home)).context("the month keys do not open")?;
    let database = home.database(&config);
    let is_new = std::fs::metadata(&database).map_or(true, |found| found.len() == 0);
    if is_new && !vault.is_empty()? {
        bail!(
            "`{}` is missing or empty, but `{}` holds keys of what was in it: put the database back, or \
             move the keys away to begin anew",
            database.display(),
            keys::kek_directory(home).display(),
        );
    }
    let store = Sqlite::open(&database, Options::default())
        .with_context(|| format!("`{}` does not open", database.display()))?;
    for month in store.sealed_months().await? {
        if !vault.has(&month) {
            let key = keys::kek_directory(home).join(&month);
            bail!(
                "`{}` is missing: what was kept until that month needs it; put it back",
                key.display()
            );
        }
    }
    let versions = store.versions().await?;
    safety::check_store(home, config.mode, &versions)?;
    let is_unseeded = versions.is_empty();
    let seeds = if is_unseeded {
        seeds::check_officers(home, config.mode, &files.floor)?;
        seeds::read(home, config.mode)?
    } else {
        (Vec::new(), None)
    };
    let gateway = assemble(&config, keys, (files.clone(), seeds), (vault, store, clock)).await?;
    let parties = &gateway.rules().parties;
    safety::check_mode(home, config.mode, parties, &safety::read_dpo(home)?)?;
    if !is_unseeded {
        for (kind, id) in seeds::drifted(home, config.mode, &gateway.rules()) {
            tracing::warn!(%kind, id, "its file says something else than what is in force, and \
                           changes nothing: propose it");
        }
    }
    used::note_or_warn(home, &files);
    let tls = OnceLock::new();
    let console_tls = OnceLock::new();
    Ok(Opened { gateway: Arc::new(gateway), config, tls, console_tls, _lock: lock })
}

async fn assemble(
    config: &GatewayConfig,
    keys: GatewayKeys,
    (files, (seeds, signers)): (Files, (Vec<Seed>, Option<SeedSigners>)),
    (vault, store, clock): (Vault, Sqlite, Arc<dyn Clock>),
) -> anyhow::Result<Gateway> {
    let parts = Parts {
        id: config.id.clone(),
        clock,
        entropy: Arc::new(SystemEntropy::default()),
        store: Arc::new(store),
        vault: Arc::new(vault),
        keys: Keys {
            signing: keys.signing,
            token: keys.token,
            ledger: keys.ledger,
            pseudonym: keys.pseudonym,
        },
    };
    if files.baseline.is_none() {
        tracing::warn!("{}", baseline::NONE);
    }
    Ok(Gateway::start(parts, files, (&seeds, signers.as_ref())).await?)
}

fn listen(
    home: &Home,
    opened: &Opened,
    sockets: serve::Sockets,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let config = &opened.config;
    let metrics = telemetry::metrics().context("metrics cannot be kept")?;
    let tls = serve::read_tls(home)?;
    let tls = http::tls_config(opened.shared(), tls.chain, tls.key)
        .context("certificate and key do not fit")?;
    let tls = Arc::new(ArcSwap::from_pointee(tls));
    drop(opened.tls.set(Arc::clone(&tls)));
    let limits = http::Limits {
        requests_per_minute: config.limits.requests_per_minute,
        tokens_per_minute: 60,
        connections_max: usize::try_from(config.limits.connections_max).unwrap_or(usize::MAX),
    };
    let deadlines = Deadlines::default();
    let edge = http::Edge {
        gateway: opened.shared(),
        rates: Arc::new(http::Rates::new(limits)),
        deadlines,
    };
    let agencies = Listener {
        socket: sockets.agencies,
        tls,
        deadlines,
        connections_max: limits.connections_max,
        peer: http::peer,
        router: http::router(edge),
    };
    let mut tasks = JoinSet::new();
    let stop = stopped.clone();
    tasks.spawn(async move {
        agencies.serve(stop).await;
        Ok(())
    });
    if let (Some(socket), Some(console)) = (sockets.console, &config.console) {
        let tls = serve::read_tls(home)?;
        let tls = console::web::tls_config(tls.chain, tls.key)
            .context("certificate and key do not fit")?;
        let tls = Arc::new(ArcSwap::from_pointee(tls));
        drop(opened.console_tls.set(Arc::clone(&tls)));
        let site = console::web::Site { gateway: opened.shared(), origin: console.origin.clone() };
        let pages = Listener {
            socket,
            tls,
            deadlines,
            connections_max: CONSOLE_CONNECTIONS_MAX,
            peer: console::web::peer,
            router: console::web::router(site),
        };
        let stop = stopped.clone();
        tasks.spawn(async move {
            pages.serve(stop).await;
            Ok(())
        });
    }
    let management = http::management(opened.shared(), metrics);
    let stop = stopped.clone();
    tasks.spawn(async move {
        axum::serve(sockets.management, management)
            .with_graceful_shutdown(until(stop))
            .await
            .context("the management listener")
    });
    let officers = console::router(opened.shared());
    let stop = stopped.clone();
    tasks.spawn(async move {
        axum::serve(sockets.admin, officers)
            .with_graceful_shutdown(until(stop))
            .await
            .context("the officers' socket")
    });
    Ok(tasks)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // an error means that nobody is left to say stop
    drop(stopped.wait_for(|stop| *stop).await);
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
    async fn a_reload_installs_another_floor_whole_or_not_at_all() {
        let (_directory, home) = fresh();
        let opened = opened(&home).await.unwrap();
        let before = opened.gateway().rules().generation;
        let text = std::fs::read_to_string(home.floor_file()).unwrap();
        std::fs::write(home.floor_file(), format!("{text}# said\n")).unwrap();
        assert!(opened.reload(&home).await.is_err());
        assert_eq!(opened.gateway().rules().generation, before);
        std::fs::remove_file(home.floor_signature()).unwrap();
        let dpo = keys::read_jwk(&home.development().join("dpo.jwk")).unwrap();
        let floor = std::fs::read(home.floor_file()).unwrap();
        let signature = floor::sign::<floor::FloorStatement>(&dpo, &floor).unwrap();
        std::fs::write(home.floor_signature(), signature).unwrap();
        opened.reload(&home).await.unwrap();
        assert_eq!(opened.gateway().rules().generation, before + 1);
        // so that the one before would be told if it came back
        let used = std::fs::read_to_string(home.run().join("used")).unwrap();
        assert_eq!(used.lines().filter(|line| line.starts_with("floor.toml")).count(), 2);
    }

    #[tokio::test]
    async fn a_file_edited_after_the_first_start_changes_nothing() {
        let (_directory, home) = fresh();
        drop(opened(&home).await.unwrap());
        let bnpt = home.party(&"bnpt".parse().unwrap()).join("record.toml");
        let record = std::fs::read_to_string(&bnpt).unwrap();
        std::fs::write(&bnpt, record.replace("frozen = false", "frozen = true")).unwrap();
        let officers = std::fs::read_to_string(home.officers_file()).unwrap();
        let more = officers.replace("\"approver\", \"auditor\"", "\"approver\"");
        let another = "[[officer]]\nname = \"citra\"\nparty = \"bnpt\"\nroles = [\"editor\"]\n";
        std::fs::write(home.officers_file(), format!("{more}\n{another}")).unwrap();
        let opened = opened(&home).await.unwrap();
        let rules = opened.gateway().rules();
        let drifted = seeds::drifted(&home, opened.config().mode, &rules);
        let names: Vec<_> = drifted.iter().map(|(_, id)| id.as_str()).collect();
        assert_eq!(names, ["pejabat-pengesah", "citra", "bnpt"]);
        assert!(!rules.directory.party(&"bnpt".parse().unwrap()).unwrap().frozen);
        assert_eq!(rules.unusable, []);
    }

    #[tokio::test]
    async fn production_takes_no_store_officers_or_floor_of_development() {
        let (_directory, home) = fresh();
        drop(opened(&home).await.unwrap());
        let signatures = [home.floor_signature(), home.baseline_signature(), home.dpo_pin()];
        let kept = signatures.map(|path| (std::fs::read(&path).unwrap(), path));
        let floor = std::fs::read(home.floor_file()).unwrap();
        safety::tests::into_production(&home);
        let fault = opened(&home).await.unwrap_err();
        assert!(fault.contains("titian.db` was begun in development"), "{fault}");
        std::fs::remove_file(home.root().join("titian.db")).unwrap();
        let fault = opened(&home).await.unwrap_err();
        assert!(fault.contains("officers.toml`: without a `key`"), "{fault}");
        std::fs::write(home.floor_file(), floor).unwrap();
        for (bytes, path) in kept {
            std::fs::write(path, bytes).unwrap();
        }
        let fault = opened(&home).await.unwrap_err();
        assert!(fault.contains("dpo.jwk` is the throw-away key"), "{fault}");
        let pin = std::fs::read_to_string(home.dpo_pin()).unwrap();
        std::fs::write(home.dpo_pin(), pin.replace("\"development\": true,", "")).unwrap();
        let fault = opened(&home).await.unwrap_err();
        assert!(fault.contains("signed by the throw-away key"), "{fault}");
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
