//! `titian serve`: start-up, signals, reload, shutdown.
//!
//! SIGHUP reads the floor, the baseline and the server's certificate again; if anything of it
//! cannot be used, all of it is left as it was and the fault is logged. SIGTERM and SIGINT stop
//! listening and give what is under way [`DRAIN`] to end.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::home::Home;
use super::{Opened, baseline, certificates, keys};
use crate::config::gateway::{Log, LogFormat};
use crate::config::{GatewayConfig, Mode, environment, file};
use crate::policy::Batch;
use crate::telemetry;

/// How long requests under way may take to end once the process is told to stop.
pub const DRAIN: Duration = Duration::from_secs(9);

/// Longest path of a Unix socket on Linux, its closing NUL not counted.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The sockets of a gateway, bound before its store is opened and anything is said or served.
#[derive(Debug)]
pub struct Sockets {
    /// Agencies.
    pub agencies: TcpListener,
    /// Health and metrics.
    pub management: TcpListener,
    /// Officers, at the command line.
    pub admin: UnixListener,
    /// Officers, in their browsers.
    pub console: Option<TcpListener>,
}

/// Runs the gateway of `home` until it is told to stop. `say` is given what a person at the
/// terminal should know, one line at a time.
pub fn serve(home: &Home, say: &dyn Fn(String)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("no threads to run on")?;
    let done = runtime.block_on(run(home, say));
    // What has not ended by now is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn run(home: &Home, say: &dyn Fn(String)) -> anyhow::Result<()> {
    if !home.config_file().exists() {
        bail!("`{}` is no home: `titian init` makes one", home.root().display());
    }
    let Some(lock) = home.lock()? else {
        bail!("`{}` is in use by another process", home.root().display());
    };
    let config = home.config()?;
    start_logging(&config.log);
    // From here on a signal waits for us instead of ending the process.
    let mut signals = Signals::install()?;
    // what the home lacks, and what others have taken, is told before anything is in the store
    read_tls(home)?;
    let sockets = bind(home, &config).await?;
    let opened = super::open(home, lock).await?;
    let lines =
        announcement(home, opened.config(), opened.gateway().rules().floor.batch(), &sockets)?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = super::listen(home, &opened, sockets, &stopped)?;
    lines.into_iter().for_each(say);
    tell_manager(sd_notify::NotifyState::Ready);
    let ended = until_stopped(home, &opened, &mut signals, &mut tasks).await;
    tell_manager(sd_notify::NotifyState::Stopping);
    // Long polls end with what there is.
    opened.gateway().close();
    // Every task holds a receiver, so this reaches all of them; none left is as good.
    stop.send_replace(true);
    let drained = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!("requests still under way were cut off");
        tasks.shutdown().await;
    }
    drop(std::fs::remove_file(home.admin_socket()));
    ended
}

/// Waits for the end: a signal, or a listener that fails.
async fn until_stopped(
    home: &Home,
    opened: &Opened,
    signals: &mut Signals,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    /// How often it is looked whether the clock has changed the rules, so that whoever waits for
    /// a release is told; every request looks by itself.
    const LOOK: Duration = Duration::from_secs(1);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {
                if opened.gateway().is_due()
                    && let Err(error) = opened.gateway().catch_up().await
                {
                    tracing::error!(error = %error, "the rules that are due cannot be read");
                }
            }
            what = signals.next() => match what {
                Told::Stop => return Ok(()),
                Told::Reload => match opened.reload(home).await {
                    Ok(()) => tracing::info!("floor, baseline and certificate were read again"),
                    Err(error) => {
                        tracing::error!(error = format!("{error:#}"), "nothing was changed");
                    }
                },
            },
            ended = tasks.join_next() => match ended {
                Some(Ok(Ok(()))) | None => bail!("a listener has ended"),
                Some(Ok(Err(error))) => return Err(error.context("a listener has failed")),
                Some(Err(error)) => return Err(error).context("a listener has failed"),
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Stop,
    Reload,
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> anyhow::Result<Self> {
        let install = |kind| signal(kind).context("signals cannot be received");
        Ok(Self {
            hangup: install(SignalKind::hangup())?,
            terminate: install(SignalKind::terminate())?,
            interrupt: install(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}

/// Binds every socket. The lock is held, so a socket file that is there belongs to nobody.
pub async fn bind(home: &Home, config: &GatewayConfig) -> anyhow::Result<Sockets> {
    let tcp = async |address: std::net::SocketAddr| {
        TcpListener::bind(address).await.with_context(|| format!("`{address}` cannot be bound"))
    };
    let (agencies, management) = (tcp(config.listen).await?, tcp(config.management).await?);
    let console = match &config.console {
        Some(console) => Some(tcp(console.listen).await?),
        None => None,
    };
    let path = home.admin_socket();
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        bail!(
            "`{}` is longer than the {SOCKET_PATH_BYTES_MAX} bytes that a socket's path may have: \
             the home needs a shorter one",
            path.display()
        );
    }
    file::check_private(&home.run())?;
    if path.exists() {
        std::fs::remove_file(&path)
            .with_context(|| format!("`{}` cannot be removed", path.display()))?;
    }
    // The directory is its owner's only, so nobody gets in before the mode is set.
    let admin = UnixListener::bind(&path)
        .and_then(|admin| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map(|()| admin)
        })
        .with_context(|| format!("`{}` cannot be bound", path.display()))?;
    Ok(Sockets { agencies, management, admin, console })
}

/// What is said once everything listens: what a development home loosens, and each listener.
fn announcement(
    home: &Home,
    config: &GatewayConfig,
    batch: Batch,
    sockets: &Sockets,
) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    if config.mode == Mode::Development {
        let root = home.root().display();
        lines.push(format!(
            "development home {root}: it holds every party's private keys, a development CA and a \
             throw-away key of the data protection officer; loopback only"
        ));
        lines.push("throw-away officers have signed what came with it".to_owned());
    }
    if !home.baseline_file().exists() {
        lines.push(format!("warning: {}", baseline::NONE));
    }
    if batch == Batch::AtOnce {
        lines.push(
            "releases to foreign parties leave at once instead of in a monthly window".to_owned(),
        );
    }
    let agencies = sockets.agencies.local_addr().context("no address")?;
    let management = sockets.management.local_addr().context("no address")?;
    lines.push(format!("agencies    https://{agencies}"));
    lines.push(format!("management  http://{management}"));
    if let (Some(console), Some(socket)) = (&config.console, &sockets.console) {
        let bound = socket.local_addr().context("no address")?;
        lines.push(format!("console     {} (bound to {bound})", console.origin));
    }
    lines.push(format!("officers    {}", home.admin_socket().display()));
    Ok(lines)
}

/// Starts logging as `titian.toml` says, or the environment.
fn start_logging(log: &Log) {
    let filter = environment::log_filter();
    let format = match log.format {
        LogFormat::Text => telemetry::Format::Text,
        LogFormat::Json => telemetry::Format::Json,
    };
    telemetry::log(filter.as_deref().unwrap_or(&log.filter), format);
}

/// Tells systemd, where it runs us; elsewhere there is nobody to tell.
fn tell_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::warn!(error = %error, "the service manager was not told");
    }
}

/// The server's certificate chain and key, read with their permissions checked.
pub fn read_tls(home: &Home) -> anyhow::Result<Tls> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let (certificate, key) = (keys::tls_certificate(home), keys::tls_key(home));
    let pem = file::read_bytes(&certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain =
        chain.with_context(|| format!("`{}` holds no certificate", certificate.display()))?;
    if certificates::is_ca(&String::from_utf8_lossy(&pem))? {
        bail!(
            "`{}` is a CA's certificate, which no client takes for a server's: put the server's own \
             there, issued by that CA, and give clients the CA's",
            certificate.display()
        );
    }
    let key = PrivateKeyDer::from_pem_slice(file::read_secret(&key)?.expose())
        .with_context(|| format!("`{}` holds no private key", key.display()))?;
    Ok(Tls { chain, key })
}

/// What the agencies' listener shows and signs handshakes with.
pub struct Tls {
    /// The server's certificate, and what must be sent with it.
    pub chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    /// Its key.
    pub key: rustls::pki_types::PrivateKeyDer<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::init;

    const NOW: time::OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    fn fresh(name: &str) -> (tempfile::TempDir, Home, GatewayConfig) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join(name));
        init(&home, NOW).unwrap();
        let mut config = home.config().unwrap();
        config.listen.set_port(0);
        config.management.set_port(0);
        config.console.as_mut().unwrap().listen.set_port(0);
        (directory, home, config)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn a_stale_socket_is_replaced_and_the_new_one_is_its_owners() {
        let (_directory, home, config) = fresh("home");
        block_on(async {
            drop(bind(&home, &config).await.unwrap());
            assert!(home.admin_socket().exists());
            let sockets = bind(&home, &config).await.unwrap();
            let mode = std::fs::metadata(home.admin_socket()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert!(sockets.agencies.local_addr().unwrap().ip().is_loopback());
        });
    }

    #[test]
    fn a_taken_address_and_a_long_path_are_told() {
        let (_directory, home, mut config) = fresh("home");
        block_on(async {
            let sockets = bind(&home, &config).await.unwrap();
            config.listen = sockets.agencies.local_addr().unwrap();
            let fault = bind(&home, &config).await.unwrap_err().to_string();
            assert!(fault.contains("cannot be bound"), "{fault}");
        });
        let (_directory, home, config) = fresh(&"h".repeat(100));
        let fault = block_on(bind(&home, &config)).unwrap_err().to_string();
        assert!(fault.contains("shorter"), "{fault}");
    }

    #[test]
    fn a_development_home_says_what_it_loosens() {
        let (_directory, home, config) = fresh("home");
        let said = block_on(async {
            let sockets = bind(&home, &config).await.unwrap();
            announcement(&home, &config, Batch::AtOnce, &sockets).unwrap().join("\n")
        });
        for words in [
            "private keys",
            "loopback",
            "throw-away officers",
            "leave at once",
            "https://127.0.0.1:",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("no baseline"), "{said}");
        for file in [home.baseline_file(), home.baseline_signature()] {
            std::fs::remove_file(file).unwrap();
        }
        let said = block_on(async {
            let sockets = bind(&home, &config).await.unwrap();
            announcement(&home, &config, Batch::AtOnce, &sockets).unwrap().join("\n")
        });
        assert!(said.contains("no baseline"), "{said}");
    }

    #[test]
    fn the_servers_key_and_certificate_are_read() {
        let (_directory, home, _config) = fresh("home");
        let tls = read_tls(&home).unwrap();
        assert_eq!(tls.chain.len(), 1);
        let ca = std::fs::read(home.ca_file()).unwrap();
        std::fs::write(keys::tls_certificate(&home), ca).unwrap();
        assert!(read_tls(&home).unwrap_err().to_string().contains("is a CA's certificate"));
        std::fs::write(keys::tls_certificate(&home), "").unwrap();
        assert!(read_tls(&home).unwrap_err().to_string().contains("no certificate"));
    }
}
