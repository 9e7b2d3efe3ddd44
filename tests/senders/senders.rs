//! Two senders in other languages, each written against the published API with a common JOSE
//! library, send a referral to a running gateway. They stand in the README, so they must work.
//!
//! Run by name (`cargo test --test senders`), because it needs Python with `requirements.txt` and
//! Node.js with `package.json` installed. `TITIAN_PYTHON` names the Python (default `python3`),
//! `TITIAN_NODE_MODULES` the directory that holds `jose`. What is missing fails the test.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "names of tools and a deadline for a real server")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, net, thread};

use toml_edit::{DocumentMut, value};

const SENDER: &str = "bnpt";
const START_LIMIT: Duration = Duration::from_secs(30);

struct Gateway {
    server: Child,
    home: tempfile::TempDir,
    port: u16,
}

impl Gateway {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let titian = env!("CARGO_BIN_EXE_titian");
        let init = Command::new(titian).arg("init").arg(home.path().join("home")).output().unwrap();
        assert!(init.status.success(), "{}", text(&init));
        let (port, management) = (free_port(), free_port());
        let file = home.path().join("home/titian.toml");
        let mut document: DocumentMut = fs::read_to_string(&file).unwrap().parse().unwrap();
        document["listen"] = value(format!("127.0.0.1:{port}"));
        document["management"] = value(format!("127.0.0.1:{management}"));
        document["console"]["listen"] = value("127.0.0.1:0");
        fs::write(&file, document.to_string()).unwrap();
        let log = fs::File::create(home.path().join("log")).unwrap();
        let server = Command::new(titian)
            .args(["serve", "--home"])
            .arg(home.path().join("home"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut gateway = Self { server, home, port };
        gateway.wait();
        gateway
    }

    /// Waits until the server listens: a real process has no clock we could turn.
    fn wait(&mut self) {
        let start = Instant::now();
        while net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.server.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            assert!(start.elapsed() < START_LIMIT, "it does not listen: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// What every sender is told: its kit, the CA, where the gateway is, what to say.
    fn arguments(&self) -> [PathBuf; 4] {
        let home = self.home.path().join("home");
        [
            home.join("parties").join(SENDER),
            home.join("ca.pem"),
            format!("https://localhost:{}", self.port).into(),
            here("schemas/examples/referral.typical.json"),
        ]
    }

    fn check(&self, sender: &Output) {
        let out = text(sender);
        assert!(sender.status.success(), "{out}\n{}", self.log());
        let said = String::from_utf8_lossy(&sender.stdout);
        assert!(matches!(said.trim(), "201 admitted" | "202 held"), "{out}\n{}", self.log());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
fn a_sender_in_python_is_admitted() {
    let gateway = Gateway::start();
    let python = env::var_os("TITIAN_PYTHON").unwrap_or_else(|| "python3".into());
    let sender = Command::new(python)
        .arg(here("tests/senders/send.py"))
        .args(gateway.arguments())
        .output()
        .unwrap();
    gateway.check(&sender);
}

#[test]
fn a_sender_in_javascript_is_admitted() {
    let gateway = Gateway::start();
    let modules = env::var_os("TITIAN_NODE_MODULES").expect("TITIAN_NODE_MODULES is not set");
    // modules are looked for beside the script, not along a path
    let script = gateway.home.path().join("send.mjs");
    fs::copy(here("tests/senders/send.mjs"), &script).unwrap();
    let modules = fs::canonicalize(modules).unwrap();
    std::os::unix::fs::symlink(modules, gateway.home.path().join("node_modules")).unwrap();
    let sender = Command::new("node").arg(script).args(gateway.arguments()).output().unwrap();
    gateway.check(&sender);
}

#[test]
fn the_readme_quotes_the_senders_as_they_are() {
    let readme = fs::read_to_string(here("README.md")).unwrap();
    for sender in ["tests/senders/send.py", "tests/senders/send.mjs"] {
        let text = fs::read_to_string(here(sender)).unwrap();
        assert!(readme.contains(&text), "{sender}");
        assert!(text.lines().count() < 25, "{sender} is too long to be quoted");
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

/// Below the ports that the kernel gives to outgoing connections: whoever polls one of those may
/// be connected to itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
