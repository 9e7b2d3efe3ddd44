//! The load: connections over mutual TLS and a closed loop that sends prepared requests.
//!
//! HTTP/1.1 is written by hand and everything runs on one thread, so that the generator takes as
//! little as it can of the machine it shares with the server. An answer with another status than
//! the expected one ends the run: a fast refusal is not throughput.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::{SupportedKxGroup, aws_lc_rs};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::party::Party;
use crate::process::{MachineTime, Server};

/// Where a server listens, and as whom we connect.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: TlsConnector,
}

/// Key agreement offered by the client.
#[derive(Clone, Copy)]
pub(crate) enum KeyExchange {
    X25519,
    X25519MlKem768,
}

impl Target {
    pub(crate) fn new(port: u16, party: &Party, key_exchange: KeyExchange) -> Result<Self> {
        let group: &'static dyn SupportedKxGroup = match key_exchange {
            KeyExchange::X25519 => aws_lc_rs::kx_group::X25519,
            KeyExchange::X25519MlKem768 => aws_lc_rs::kx_group::X25519MLKEM768,
        };
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = vec![group];
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(party.ca.as_bytes()) {
            roots.add(certificate?)?;
        }
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(party.tls.certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(party.tls.key.as_bytes())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain?, key)?;
        // every new connection is a whole handshake
        config.resumption = Resumption::disabled();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)) })
    }
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

/// A status and a body.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let socket = TcpStream::connect(target.address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = target.tls.connect(name, socket).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
        };
        let text = std::str::from_utf8(self.buffer.get(..head).unwrap_or_default())?;
        let status = text.split(' ').nth(1).context("no status")?.parse()?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let length = length.context("an answer without content-length")??;
        while self.buffer.len() < head + length {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
        }
        Ok(Answer { status, body: self.buffer.get(head..head + length).unwrap_or_default() })
    }
}

/// Bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What one window of load showed.
#[derive(Default)]
pub(crate) struct Window {
    pub(crate) operations: usize,
    pub(crate) seconds: f64,
    pub(crate) server_cpu_seconds: f64,
    pub(crate) written_bytes: f64,
    pub(crate) latencies_us: Vec<u32>,
    pub(crate) idle_percent: Vec<f64>,
}

impl Window {
    /// Adds another window of the same server.
    pub(crate) fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.seconds += other.seconds;
        self.server_cpu_seconds += other.server_cpu_seconds;
        self.written_bytes += other.written_bytes;
        self.latencies_us.extend(other.latencies_us);
        self.latencies_us.sort_unstable();
        self.idle_percent.extend(other.idle_percent);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn cpu_us_per_operation(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.operations as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn written_kib_per_operation(&self) -> f64 {
        self.written_bytes / 1024.0 / self.operations as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn per_second(&self) -> f64 {
        self.operations as f64 / self.seconds
    }

    /// `per_mille` of 1000 requests were at most this slow, in µs.
    pub(crate) fn percentile_us(&self, per_mille: usize) -> f64 {
        let at = (self.latencies_us.len() * per_mille / 1000)
            .min(self.latencies_us.len().saturating_sub(1));
        self.latencies_us.get(at).copied().map_or(f64::NAN, f64::from)
    }

    pub(crate) fn idle(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful of windows")]
        let count = self.idle_percent.len().max(1) as f64;
        self.idle_percent.iter().sum::<f64>() / count
    }
}

/// How long, how wide.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
}

struct Meter<'a> {
    server: &'a Server,
    cpu: f64,
    written: f64,
    machine: MachineTime,
    start: Instant,
}

impl<'a> Meter<'a> {
    fn start(server: &'a Server) -> Result<Self> {
        Ok(Self {
            server,
            cpu: server.cpu_seconds()?,
            written: server.written_bytes()?,
            machine: MachineTime::now()?,
            start: Instant::now(),
        })
    }

    fn stop(self, latencies_us: Vec<u32>) -> Result<Window> {
        let seconds = self.start.elapsed().as_secs_f64();
        Ok(Window {
            operations: latencies_us.len(),
            seconds,
            server_cpu_seconds: self.server.cpu_seconds()? - self.cpu,
            written_bytes: self.server.written_bytes()? - self.written,
            latencies_us,
            idle_percent: vec![self.machine.idle_percent()?],
        })
    }
}

/// Sends `requests`, each once, over keep-alive connections until they or the time are used up.
pub(crate) async fn closed_loop(
    server: &Server,
    target: &Target,
    shape: Shape,
    requests: Vec<Vec<u8>>,
) -> Result<Window> {
    let mut connections = Vec::new();
    for _ in 0..shape.connections {
        connections.push(Connection::open(target).await?);
    }
    let requests = Rc::new(requests);
    let next = Rc::new(Cell::new(0_usize));
    let latencies = Rc::new(RefCell::new(Vec::with_capacity(requests.len())));
    let meter = Meter::start(server)?;
    let deadline = Instant::now() + Duration::from_secs(shape.seconds);
    let tasks = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for mut connection in connections {
        let (requests, next, latencies) = (requests.clone(), next.clone(), latencies.clone());
        running.push(tasks.spawn_local(async move {
            while Instant::now() < deadline {
                let Some(request) = requests.get(next.replace(next.get() + 1)) else { break };
                let sent = Instant::now();
                let answer = connection.ask(request).await?;
                let took = sent.elapsed();
                if answer.status != 201 {
                    let body = String::from_utf8_lossy(answer.body).into_owned();
                    bail!("expected 201, got {}: {body}", answer.status);
                }
                latencies.borrow_mut().push(micros(took));
            }
            Ok(())
        }));
    }
    tasks.await;
    for task in running {
        task.await??;
    }
    let latencies = latencies.take();
    ensure!(!latencies.is_empty(), "no request was answered");
    meter.stop(latencies)
}

/// Opens a new connection for every request.
pub(crate) async fn connect_loop(
    server: &Server,
    target: &Target,
    shape: Shape,
    request: &[u8],
) -> Result<Window> {
    let latencies = Rc::new(RefCell::new(Vec::new()));
    let meter = Meter::start(server)?;
    let deadline = Instant::now() + Duration::from_secs(shape.seconds);
    let tasks = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for _ in 0..shape.connections {
        let (latencies, target, request) = (latencies.clone(), target.clone(), request.to_vec());
        running.push(tasks.spawn_local(async move {
            while Instant::now() < deadline {
                let start = Instant::now();
                let mut connection = Connection::open(&target).await?;
                let status = connection.ask(&request).await?.status;
                ensure!(status == 200, "expected 200, got {status}");
                latencies.borrow_mut().push(micros(start.elapsed()));
            }
            anyhow::Ok(())
        }));
    }
    tasks.await;
    for task in running {
        task.await??;
    }
    meter.stop(latencies.take())
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}
