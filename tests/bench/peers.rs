//! What the figures stand beside: the `FastAPI` peer of `diy/`, nginx, and presidio-structured.
//!
//! Each is set up as its own documentation advises and on the same machine, files and certificates.
//! A peer that is not installed is left out of the table, and the run says so.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::party::{self, Authority, Identity, Party};
use crate::process::{Server, free_port};

/// A server that runs, and where.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) port: u16,
}

const START_LIMIT: Duration = Duration::from_secs(30);

/// What the policy from BNPT to Kemensos does not pass on: 18 leaves of the benchmark's referral.
const WITHHELD: &[&str] = &["/summary", "/attachments", "/consent/bid_ref"];

fn write_identity(directory: &Path, identity: &Identity) -> Result<()> {
    fs::write(directory.join("tls.pem"), &identity.certificate)?;
    fs::write(directory.join("tls.key"), &identity.key)?;
    Ok(())
}

/// A Python with the libraries of the peer in `tests/bench/<peer>`, made on the first run.
/// `TITIAN_BENCH_PYTHON` names one that has them all.
///
/// # Errors
/// When there is no Python or no package registry to install from.
pub(crate) fn python(peer: &str) -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("TITIAN_BENCH_PYTHON") {
        return Ok(python.into());
    }
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-venv-{peer}"));
    let python = venv.join("bin/python");
    let requirements = here(peer).join("requirements.txt");
    let ready = venv.join("ready");
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "-r"])
            .arg(requirements))?;
        fs::write(ready, "")?;
    }
    Ok(python)
}

fn here(peer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench").join(peer)
}

/// What presidio-structured takes for one message, CPU µs.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Presidio {
    /// Emptying what the policy drops or holds.
    pub(crate) empty: f64,
    /// The whole mapping: that, and hashing what the policy makes pseudonyms of.
    pub(crate) all: f64,
    /// Parsing before it.
    pub(crate) parse: f64,
}

/// Runs presidio-structured over the bodies of messages with the fixed mapping that is nearest to
/// the policy from BNPT to Kemensos. `withheld` must not come out.
pub(crate) fn presidio(bodies: &[String], withheld: &[&str]) -> Result<Presidio> {
    let python = python("presidio")?;
    let job = json!({
        "messages": bodies,
        "redact": ["summary", "consent.bid_ref", "attachments.sha256", "attachments.media_type",
            "attachments.size", "attachments.kind"],
        "hash": ["subject.ref", "household.ref", "referrer.officer_ref"],
        "withheld": withheld,
    });
    let mut child = Command::new(python)
        .arg(here("presidio").join("strip.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("no stdin")?.write_all(job.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "presidio-structured failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status();
    ensure!(
        status.with_context(|| format!("cannot run {command:?}"))?.success(),
        "{command:?} failed"
    );
    Ok(())
}

/// Starts the `FastAPI` peer with two workers.
pub(crate) fn diy(
    directory: &Path,
    python: &Path,
    authority: &Authority,
    party: &Party,
    audience: &str,
) -> Result<Running> {
    fs::create_dir_all(directory)?;
    write_identity(directory, &authority.issue("localhost")?)?;
    fs::write(directory.join("ca.pem"), &authority.certificate)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = json!({
        "id": audience,
        "key": party::generate_jwk()?,
        "parties": { party.id.as_str(): party.public_jwk() },
        "drop": WITHHELD,
        "schemas": root.join("schemas"),
    });
    fs::write(directory.join("config.json"), config.to_string())?;
    let port = free_port()?;
    let mut command = Command::new(python);
    command
        .current_dir(directory)
        .env("DIY_HOME", directory)
        .args(["-m", "uvicorn", "app:app", "--workers", "2", "--host", "127.0.0.1"])
        .args(["--port", &port.to_string(), "--no-access-log", "--log-level", "warning"])
        .args(["--ssl-certfile", "tls.pem", "--ssl-keyfile", "tls.key"])
        .args(["--ssl-ca-certs", "ca.pem", "--ssl-cert-reqs", "2", "--app-dir"])
        .arg(here("diy"));
    let mut server = Server::start("the FastAPI peer", &mut command, &directory.join("log"))?;
    server.wait_for(port, START_LIMIT)?;
    Ok(Running { server, port })
}

/// Starts nginx: TLS 1.3 with X25519, client certificates required, a constant answer.
pub(crate) fn nginx(directory: &Path, authority: &Authority) -> Result<Running> {
    fs::create_dir_all(directory)?;
    write_identity(directory, &authority.issue("localhost")?)?;
    fs::write(directory.join("ca.pem"), &authority.certificate)?;
    let port = free_port()?;
    let here = directory.display();
    let configuration = format!(
        "daemon off; worker_processes 2; pid {here}/pid; error_log {here}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
           access_log off; default_type application/json;\n\
           client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;\n\
           fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;\n\
           server {{\n\
             listen 127.0.0.1:{port} ssl; server_name localhost;\n\
             ssl_certificate {here}/tls.pem; ssl_certificate_key {here}/tls.key;\n\
             ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;\n\
             ssl_session_cache off; ssl_session_tickets off;\n\
             ssl_client_certificate {here}/ca.pem; ssl_verify_client on;\n\
             location / {{ return 200 '{{\"id\":\"nginx\"}}'; }}\n\
           }}\n\
         }}\n"
    );
    let file = directory.join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(directory)
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(directory.join("error.log"));
    let mut server = Server::start("nginx", &mut command, &directory.join("log"))?;
    server.wait_for(port, START_LIMIT)?;
    Ok(Running { server, port })
}
