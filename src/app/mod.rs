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
        let rules = rules_of(Documents::read(home, self.config.mode)?)?;
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
    let rules = rules_of(documents)?;
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

/// The rules that follow from a home's documents.
fn rules_of(documents: Documents) -> anyhow::Result<Rules> {
    let (policies, fixed, schemas) = policies::compile_all(&documents)?;
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
