//! A gateway that lives as long as a test, and its parties.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use titian::domain::{Address, Id, Statement};
use titian::sign::signing::SigningKey;

/// The gateway's id in a development home.
pub(crate) const ID: &str = "https://titian.example.org";

pub(crate) struct Live {
    /// The process; a test that turns the clock serves the home itself.
    server: Option<Child>,
    directory: Option<tempfile::TempDir>,
    pub(crate) port: u16,
    pub(crate) management: u16,
    /// Where the console listens.
    pub(crate) console: u16,
    pub(crate) log: PathBuf,
    /// How far the gateway's clock is ahead of the machine's, in seconds.
    pub(crate) ahead: AtomicI64,
}

impl Live {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts a gateway whose home was changed first.
    pub(crate) fn start_with(change: impl FnOnce(&Path)) -> Self {
        let (directory, port, management) = Self::prepare(change);
        Self::serve(directory, port, management)
    }

    /// A home that nobody serves yet, at a free port.
    pub(crate) fn unserved(change: impl FnOnce(&Path)) -> Self {
        let (directory, port, management) = Self::prepare(change);
        let log = directory.path().join("log");
        let (directory, ahead) = (Some(directory), AtomicI64::new(0));
        Self { server: None, directory, port, management, console: 0, log, ahead }
    }

    fn prepare(change: impl FnOnce(&Path)) -> (tempfile::TempDir, u16, u16) {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("home");
        let titian = env!("CARGO_BIN_EXE_titian");
        let output = Command::new(titian).arg("init").arg(&home).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (port, management) = (free_port(), free_port());
        let file = home.join("titian.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text
            .replace("127.0.0.1:8443", &format!("127.0.0.1:{port}"))
            .replace("127.0.0.1:9464", &format!("127.0.0.1:{management}"))
            .replace("127.0.0.1:8444", "127.0.0.1:0")
            .replace("filter = \"info\"", "filter = \"trace\"");
        std::fs::write(&file, text).unwrap();
        change(&home);
        (directory, port, management)
    }

    fn serve(directory: tempfile::TempDir, port: u16, management: u16) -> Self {
        let home = directory.path().join("home");
        let titian = env!("CARGO_BIN_EXE_titian");
        let log = directory.path().join("log");
        let mut server = Command::new(titian)
            .args(["serve", "--home"])
            .arg(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut console = 0;
        let ready = lines.map_while(Result::ok).any(|line| {
            // console     ORIGIN (bound to ADDRESS)
            if line.starts_with("console") {
                console =
                    line.rsplit([':', ')']).nth(1).and_then(|port| port.parse().ok()).unwrap();
            }
            line.starts_with("officers")
        });
        let said = || std::fs::read_to_string(&log).unwrap();
        assert!(ready, "{}", said());
        let (server, directory) = (Some(server), Some(directory));
        Self { server, directory, port, management, console, log, ahead: AtomicI64::new(0) }
    }

    /// The same home, served by a new process after the old one was told to stop.
    pub(crate) fn restarted(self) -> Self {
        self.restarted_after(|_home| {})
    }

    /// As [`Self::restarted`], with a home that was changed in between.
    pub(crate) fn restarted_after(mut self, change: impl FnOnce(&Path)) -> Self {
        self.signal("-TERM");
        let ended = self.server.as_mut().unwrap().wait().unwrap();
        assert!(ended.success(), "it drains and ends well");
        change(&self.home());
        let directory = self.directory.take().unwrap();
        Self::serve(directory, self.port, self.management)
    }

    /// Stops it in order and keeps its home.
    pub(crate) fn stop(&mut self) {
        self.signal("-TERM");
        self.server.as_mut().unwrap().wait().unwrap();
    }

    /// The gateway's time, in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        now() + self.ahead.load(Ordering::SeqCst)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().join("home")
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub(crate) fn party(&self, address: &str) -> Party<'_> {
        let address: Address = address.parse().unwrap();
        let kit = self.home().join("parties").join(address.party.as_str());
        let bytes = std::fs::read(kit.join("signing.jwk")).unwrap();
        let key = SigningKey::from_jwk(&serde_json::from_slice(&bytes).unwrap()).unwrap();
        Party { live: self, address: address.to_string(), kit, key }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) struct Party<'a> {
    pub(crate) live: &'a Live,
    pub(crate) address: String,
    pub(crate) kit: PathBuf,
    pub(crate) key: SigningKey,
}

/// Any claims under any `typ` that a test wants.
pub(crate) struct Word<const N: usize>(pub(crate) Value);
pub(crate) const MESSAGE: usize = 0;
pub(crate) const ACK: usize = 1;
pub(crate) const ASSERTION: usize = 2;

impl<const N: usize> Statement for Word<N> {
    const TYP: &'static str =
        ["titian-message+jwt", "titian-ack+jwt", "client-authentication+jwt"][N];
    fn into_claims(self) -> Value {
        self.0
    }
}

pub(crate) fn fresh_id() -> String {
    let mut bits = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bits).unwrap();
    Id::from_bits(bits).to_string()
}

pub(crate) fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

impl Live {
    /// A connection to one of its listeners, with the certificate of a kit or without one.
    pub(crate) fn tls(&self, port: u16, kit: Option<&Path>) -> Tls {
        let mut roots = rustls::RootCertStore::empty();
        let ca = std::fs::read(self.home().join("ca.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let config = match kit {
            None => builder.with_no_client_auth(),
            Some(kit) => {
                let pem = std::fs::read(kit.join("tls.pem")).unwrap();
                let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap();
                let key = std::fs::read(kit.join("tls.key")).unwrap();
                let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        rustls::StreamOwned::new(connection, socket)
    }
}

impl Answer {
    /// What is answered to one request, the only one of a connection.
    pub(crate) fn to(
        mut stream: Tls,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.extend([*name, ": ", value, "\r\n"]);
        }
        head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
        // a server that refuses early may close while we still write
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
        drop(stream.flush());
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let text = String::from_utf8(answer).unwrap();
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let rest = if head.contains("transfer-encoding: chunked") {
            dechunk(rest)
        } else {
            rest.to_owned()
        };
        Self { status, head: head.to_owned(), text: rest }
    }
}

impl Party<'_> {
    pub(crate) fn tls(&self, kit: Option<&Path>) -> Tls {
        self.live.tls(self.live.port, kit)
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        Answer::to(self.tls(Some(&self.kit)), (method, path), headers, body)
    }

    pub(crate) fn assertion(&self) -> Value {
        json!({"iss": self.address, "sub": self.address, "aud": ID, "jti": fresh_id(),
               "iat": self.live.now(), "exp": self.live.now() + 120})
    }

    pub(crate) fn token_by(&self, assertion: &str) -> Answer {
        let form = format!(
            "grant_type=client_credentials&client_id={}&scope=messages:write+messages:read+inbox+ledger:read\
             &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
             &client_assertion={assertion}",
            self.address
        );
        let media = ("content-type", "application/x-www-form-urlencoded");
        self.ask("POST", "/v1/token", &[media], form.as_bytes())
    }

    pub(crate) fn token(&self) -> String {
        let signed = self.key.sign(Word::<ASSERTION>(self.assertion())).unwrap();
        let answer = self.token_by(signed.compact());
        answer.json()["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.text))
            .to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token());
        self.ask("GET", path, &[("authorization", &bearer)], b"")
    }

    pub(crate) fn post(&self, path: &str, media: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token());
        self.ask("POST", path, &[("authorization", &bearer), ("content-type", media)], body)
    }

    /// The claims of an example, made this party's and fresh.
    pub(crate) fn claims(&self, text: &str) -> Value {
        let mut claims: Value = serde_json::from_str(text).unwrap();
        claims["iss"] = json!(self.address);
        claims["aud"] = json!(ID);
        claims["jti"] = json!(fresh_id());
        claims["iat"] = json!(self.live.now());
        claims["exp"] = json!(self.live.now() + 3600);
        claims
    }

    pub(crate) fn sign(&self, claims: Value) -> String {
        self.key.sign(Word::<MESSAGE>(claims)).unwrap().compact().to_owned()
    }

    pub(crate) fn submit(&self, claims: Value) -> Answer {
        self.post("/v1/messages", "application/jose", self.sign(claims).as_bytes())
    }

    /// The inbox: releases with their bodies.
    pub(crate) fn inbox(&self) -> Vec<(Value, Value)> {
        let page = self.get("/v1/inbox?after=0&limit=100").json();
        let items = page["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| (opened(item["release"].as_str().unwrap()), item))
            .map(|(b, i)| (i, b))
            .collect()
    }

    pub(crate) fn acknowledge(&self, item: &Value, result: &str) -> Answer {
        self.acknowledge_with(item, json!({"result": result}))
    }

    /// As [`Self::acknowledge`], with claims of the caller's own.
    pub(crate) fn acknowledge_with(&self, item: &Value, own: Value) -> Answer {
        let release = item["release"].as_str().unwrap();
        let digest = titian::domain::Digest::of(release.as_bytes());
        let mut claims = json!({"iss": self.address, "aud": ID, "jti": fresh_id(),
                                "iat": self.live.now(), "release_id": item["release_id"], "digest": digest});
        let Value::Object(own) = own else { panic!("claims are an object") };
        claims.as_object_mut().unwrap().extend(own);
        let word = self.key.sign(Word::<ACK>(claims)).unwrap();
        let path = format!("/v1/inbox/{}/acknowledgement", item["release_id"].as_str().unwrap());
        self.post(&path, "application/jose", word.compact().as_bytes())
    }
}

/// The claims of a release's statement.
pub(crate) fn statement(release: &str) -> Value {
    use base64::Engine;
    let payload = release.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The body of a release.
pub(crate) fn opened(release: &str) -> Value {
    use base64::Engine;
    let disclosure = release.split('~').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(disclosure).unwrap();
    let parts: Value = serde_json::from_slice(&bytes).unwrap();
    parts[2].clone()
}

fn dechunk(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || tail.len() < size {
            break;
        }
        out.push_str(&tail[..size]);
        rest = tail[size..].trim_start_matches("\r\n");
    }
    out
}
