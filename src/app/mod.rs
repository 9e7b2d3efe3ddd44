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

use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
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
use crate::{console, http, telemetry};
use rules::Documents;

/// The gateway of a home, without its listeners. Held with the home's lock.
#[derive(Debug)]
pub struct Opened {
    gateway: Arc<Gateway>,
    config: GatewayConfig,
    /// What the agencies' listener shows, once there is one.
    tls: OnceLock<Arc<ArcSwap<ServerConfig>>>,
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
        let tls = serve::read_tls(home)?;
        let config = http::tls_config(self.shared(), tls.chain, tls.key)
            .context("certificate and key do not fit")?;
        let rules = rules_of(Documents::read(home, self.config.mode)?, &self.config)?;
        self.gateway.install(rules).await.context("the rules cannot be recorded")?;
        if let Some(listener) = self.tls.get() {
            listener.store(Arc::new(config));
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
    let config = home.config()?;
    safety::check_permissions(home)?;
    let keys = GatewayKeys::read(home)?;
    let documents = Documents::read(home, config.mode)?;
    let vault = Vault::open(&keys::kek_directory(home)).context("the month keys do not open")?;
    let database = home.database(&config);
    let store = Sqlite::open(&database, Options::default())
        .with_context(|| format!("`{}` does not open", database.display()))?;
    let gateway = assemble(&config, keys, documents, vault, store).await?;
    let tls = OnceLock::new();
    Ok(Opened { gateway: Arc::new(gateway), config, tls, _lock: lock })
}

async fn assemble(
    config: &GatewayConfig,
    keys: GatewayKeys,
    documents: Documents,
    vault: Vault,
    store: Sqlite,
) -> anyhow::Result<Gateway> {
    let rules = rules_of(documents, config)?;
    if config.mode == Mode::Production {
        bail!("policies carry no officers' signatures yet, so production mode does not start");
    }
    let parts = Parts {
        id: config.id.clone(),
        clock: Arc::new(SystemClock::start()),
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
    Gateway::start(parts, rules).await.context("the rules cannot be recorded")
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
    let deadlines = http::Deadlines::default();
    let edge = http::Edge {
        gateway: opened.shared(),
        rates: Arc::new(http::Rates::new(limits)),
        deadlines,
    };
    let agencies = http::Listener {
        socket: sockets.agencies,
        tls,
        deadlines,
        connections_max: limits.connections_max,
        router: http::router(edge),
    };
    let mut tasks = JoinSet::new();
    let stop = stopped.clone();
    tasks.spawn(async move {
        agencies.serve(stop).await;
        Ok(())
    });
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
