//! Titian itself: a fresh development home, and `titian serve` on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use toml_edit::{DocumentMut, value};

use crate::load::{Connection, KeyExchange, Target, request};
use crate::party::Party;
use crate::peers::Running;
use crate::process::{Server, free_port};

const START_LIMIT: Duration = Duration::from_secs(30);
/// More than any run can send; the shipped limit protects against exactly this load.
const REQUESTS_PER_MINUTE: i64 = 100_000_000;

/// A development home made for this run.
pub(crate) struct Home {
    path: PathBuf,
    port: u16,
}

impl Home {
    /// Runs `titian init` and moves the listeners to free ports.
    pub(crate) fn make(path: &Path) -> Result<Self> {
        let status = Command::new(env!("CARGO_BIN_EXE_titian"))
            .arg("init")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "titian init failed");
        let file = path.join("titian.toml");
        let mut document: DocumentMut = fs::read_to_string(&file)?.parse()?;
        let (port, management) = (free_port()?, free_port()?);
        *document.get_mut("listen").context("titian.toml has no `listen`")? =
            value(format!("127.0.0.1:{port}"));
        *document.get_mut("management").context("titian.toml has no `management`")? =
            value(format!("127.0.0.1:{management}"));
        let limits = document.entry("limits").or_insert_with(toml_edit::table);
        let limits = limits.as_table_like_mut().context("`limits` is no table")?;
        limits.insert("requests_per_minute", value(REQUESTS_PER_MINUTE));
        fs::write(&file, document.to_string())?;
        Ok(Self { path: path.to_owned(), port })
    }

    pub(crate) fn party(&self, id: &str) -> Result<Party> {
        Party::from_kit(&self.path.join("parties").join(id), &self.path.join("ca.pem"))
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn serve(&self) -> Result<Running> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_titian"));
        command.arg("serve").arg("--home").arg(&self.path);
        let mut server = Server::start("titian serve", &mut command, &self.path.join("bench.log"))?;
        server.wait_for(self.port, START_LIMIT)?;
        Ok(Running { server, port: self.port })
    }

    /// Milliseconds from the start of the process to the first answer over mutual TLS.
    pub(crate) async fn start_ms(&self, party: &Party) -> Result<f64> {
        let target = Target::new(self.port, party, KeyExchange::X25519MlKem768)?;
        let start = Instant::now();
        let _running = self.serve()?;
        Connection::open(&target).await?.ask(&facts_request()).await?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

/// The cheapest request the agencies' listener answers.
pub(crate) fn facts_request() -> Vec<u8> {
    request("GET", "/.well-known/titian.json", "", "")
}

/// The `aud` of everything sent to the gateway.
pub(crate) async fn audience(target: &Target) -> Result<String> {
    let mut connection = Connection::open(target).await?;
    let answer = connection.ask(&facts_request()).await?;
    let facts: Value = serde_json::from_slice(answer.body)?;
    Ok(facts.get("id").and_then(Value::as_str).context("titian.json has no `id`")?.to_owned())
}

/// An access token; the peer's endpoint has the same shape.
pub(crate) async fn token(target: &Target, party: &Party, audience: &str) -> Result<String> {
    let form = party.token_form(audience)?;
    let headers = "content-type: application/x-www-form-urlencoded\r\n";
    let mut connection = Connection::open(target).await?;
    let answer = connection.ask(&request("POST", "/v1/token", headers, &form)).await?;
    let text = String::from_utf8_lossy(answer.body).into_owned();
    ensure!(answer.status == 200, "no token: {} {text}", answer.status);
    let answer: Value = serde_json::from_str(&text)?;
    let token = answer.get("access_token").and_then(Value::as_str);
    Ok(token.context("no `access_token`")?.to_owned())
}
