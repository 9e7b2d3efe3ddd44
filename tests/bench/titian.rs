//! `cargo bench --bench titian`: what a message costs, beside what the machine allows and what
//! others need for the same work.
//!
//! Figures are CPU time of the server process per operation, because the machine is shared with
//! the load generator and with whatever else runs; wall-clock figures stand beside the limits
//! measured in the same run. Pairs alternate A B A B. No scenario takes more than twenty seconds of
//! load; `replay` fills a store before it, for about a quarter of a minute, and `--home` keeps that
//! store for the next run. Messages are signed before the clock starts, and every one is distinct.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

mod decide;
mod gateway;
mod limits;
mod load;
mod party;
mod peers;
mod process;
mod replay;
mod stock;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};

use gateway::Home;
use limits::Limits;
use load::{Connection, KeyExchange, Shape, Target, Window, closed_loop, connect_loop, request};
use party::{Authority, Party};
use peers::Running;
use table::{Goal, Row, number, render};

/// Measures Titian beside its peers and the limits of the machine.
#[derive(Parser)]
struct Options {
    /// Print the rows and limits as JSON instead of the table.
    #[arg(long)]
    json: bool,
    /// Only these scenarios (admit, decide, redact, compile, connect, footprint, replay).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds of load per window; a scenario has four.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many messages are stored for `replay`.
    #[arg(long, default_value_t = 100_000)]
    stored: usize,
    /// Measures one part of `replay` in this process; used by the benchmark itself.
    #[arg(long, hide = true, requires = "home")]
    part: Option<replay::Part>,
    /// A home filled for `replay`, made if it is not there and kept for the next run.
    #[arg(long)]
    home: Option<PathBuf>,
    /// End with a failure where a target is missed.
    #[arg(long)]
    check: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

const ROUNDS: usize = 2;
const WIDE: usize = 64;
const OPEN: usize = 256;
const SENDER: &str = "bnpt";
/// Messages prepared per second of load; a server that is faster ends its window early.
const TITIAN_PER_SECOND: u64 = 9_000;
const PEER_PER_SECOND: u64 = 1_500;

fn main() -> Result<()> {
    let options = Options::parse();
    if let (Some(part), Some(home)) = (options.part, &options.home) {
        return replay::measure(part, home);
    }
    ensure!((1..=5).contains(&options.seconds), "one to five seconds per window");
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&options))
}

async fn run(options: &Options) -> Result<()> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bench = Bench::prepare(directory.path(), options.seconds)?;
    let mut rows = Vec::new();
    if wanted("admit") {
        rows.extend(bench.admit().await?);
    }
    if wanted("connect") {
        rows.extend(bench.connect().await?);
    }
    if wanted("footprint") {
        rows.extend(bench.footprint().await?);
    }
    if wanted("decide") {
        rows.extend(decide::decide_rows(&bench.peer_party, &bench.claims, &bench.limits)?);
    }
    let mut presidio = None;
    if wanted("redact") {
        let mut peer = |bodies: &[String], withheld: &[&str]| {
            presidio = noted("presidio-structured", peers::presidio(bodies, withheld));
            presidio
        };
        rows.extend(decide::redact_rows(&bench.peer_party, &bench.claims, &mut peer)?);
    }
    if wanted("compile") {
        rows.extend(decide::compile_rows()?);
    }
    if wanted("replay") {
        let home = options.home.clone().unwrap_or_else(|| directory.path().join("replay"));
        if !home.exists() {
            replay::fill(&home, &bench.claims, options.stored).await?;
        }
        rows.extend(replay::rows(&home, options.stored, presidio)?);
    }
    if options.json {
        let rows: Result<Vec<Value>> = rows.iter().map(as_json).collect();
        println!("{:#}", json!({"limits_us": bench.limits, "rows": rows?}));
    } else {
        print_table(&bench.limits, &rows);
    }
    let missed = rows.iter().filter(|r| r.met() == Some(false)).count();
    ensure!(!options.check || missed == 0, "{missed} targets missed");
    Ok(())
}

fn as_json(row: &Row) -> Result<Value> {
    let mut value = serde_json::to_value(row)?;
    value.as_object_mut().context("a row is an object")?.insert("met".into(), json!(row.met()));
    Ok(value)
}

fn print_table(limits: &Limits, rows: &[Row]) {
    println!(
        "machine: fdatasync 4 KiB p50 {} µs, Ed25519 4 KiB sign {} verify {} µs, SHA-256 4 KiB {} µs, \
         TLS handshake (server) X25519MLKEM768 {} X25519 {} µs\n",
        number(limits.fsync_4k_p50),
        number(limits.ed25519_sign_4k),
        number(limits.ed25519_verify_4k),
        number(limits.sha256_4k),
        number(limits.handshake_mlkem),
        number(limits.handshake_x25519),
    );
    println!("{}", render(rows));
}

/// As in the gateway's binary, which the rows of `decide` and `redact` stand for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bench {
    directory: PathBuf,
    seconds: u64,
    authority: Authority,
    peer_party: Party,
    claims: Value,
    limits: Limits,
}

/// One side of a pair: a server, how to reach it, and a token for it.
struct Side<'a> {
    running: &'a Running,
    target: Target,
    party: &'a Party,
    audience: String,
    token: String,
    prepared_per_second: u64,
}

impl Side<'_> {
    async fn window(&self, shape: Shape, claims: &Value) -> Result<Window> {
        let count = usize::try_from(self.prepared_per_second * shape.seconds)?;
        let headers =
            format!("content-type: application/jose\r\nauthorization: Bearer {}\r\n", self.token);
        let requests = self
            .party
            .messages(claims, &self.audience, count)?
            .iter()
            .map(|message| request("POST", "/v1/messages", &headers, message))
            .collect();
        closed_loop(&self.running.server, &self.target, shape, requests).await
    }
}

impl Bench {
    fn prepare(directory: &Path, seconds: u64) -> Result<Self> {
        let authority = Authority::new()?;
        let seed = party::new_seed()?;
        let tls = authority.issue(SENDER)?;
        let peer_party = Party::new(SENDER, &seed, authority.certificate.clone(), tls)?;
        let claims = serde_json::from_str(include_str!("referral.json"))?;
        let limits = Limits::measure(directory, &authority)?;
        Ok(Self { directory: directory.to_owned(), seconds, authority, peer_party, claims, limits })
    }

    fn peer_target(&self, running: &Running) -> Result<Target> {
        Target::new(running.port, &self.peer_party, KeyExchange::X25519)
    }

    /// The `FastAPI` peer, if it can be had here.
    fn diy(&self, audience: &str) -> Option<Running> {
        let started = peers::python("diy").and_then(|python| {
            peers::diy(
                &self.directory.join("diy"),
                &python,
                &self.authority,
                &self.peer_party,
                audience,
            )
        });
        noted("the FastAPI peer", started)
    }

    /// Messages in, receipts out: at one connection and at [`WIDE`].
    async fn admit(&self) -> Result<Vec<Row>> {
        let home = Home::make(&self.directory.join("admit"))?;
        let party = home.party(SENDER)?;
        let running = home.serve()?;
        let target = Target::new(running.port, &party, KeyExchange::X25519MlKem768)?;
        let audience = gateway::audience(&target).await?;
        let diy = self.diy(&audience);
        let token = gateway::token(&target, &party, &audience).await?;
        let titian = Side {
            running: &running,
            target,
            party: &party,
            audience: audience.clone(),
            token,
            prepared_per_second: TITIAN_PER_SECOND,
        };
        let peer = match &diy {
            None => None,
            Some(running) => {
                let target = self.peer_target(running)?;
                let token = gateway::token(&target, &self.peer_party, &audience).await?;
                let party = &self.peer_party;
                Some(Side {
                    running,
                    target,
                    party,
                    audience,
                    token,
                    prepared_per_second: PEER_PER_SECOND,
                })
            }
        };
        let mut rows = Vec::new();
        for (name, connections) in [("admit, 1 connection", 1), ("admit, 64 connections", WIDE)] {
            let shape = Shape { connections, seconds: self.seconds };
            let (mut ours, mut theirs) = (Window::default(), Window::default());
            for _ in 0..ROUNDS {
                ours.add(titian.window(shape, &self.claims).await?);
                if let Some(peer) = &peer {
                    theirs.add(peer.window(shape, &self.claims).await?);
                }
            }
            rows.extend(self.admit_rows(
                name,
                connections,
                &ours,
                peer.is_some().then_some(&theirs),
            ));
        }
        Ok(rows)
    }

    fn admit_rows(
        &self,
        name: &'static str,
        connections: usize,
        ours: &Window,
        theirs: Option<&Window>,
    ) -> Vec<Row> {
        const PEER: &str = "FastAPI";
        let signatures = 2.0 * self.limits.ed25519_sign_4k + self.limits.ed25519_verify_4k;
        let cpu = Row::new(name, "server CPU", "µs/message", ours.cpu_us_per_operation())
            .peer(PEER, theirs.map(Window::cpu_us_per_operation))
            .limit("2 sign + 1 verify", signatures)
            .idle(ours.idle());
        let p50 = Row::new(name, "p50", "µs", ours.percentile_us(500))
            .peer(PEER, theirs.map(|w| w.percentile_us(500)))
            .limit("fdatasync", self.limits.fsync_4k_p50);
        let p99 = Row::new(name, "p99", "µs", ours.percentile_us(990))
            .peer(PEER, theirs.map(|w| w.percentile_us(990)));
        let rate = Row::new(name, "throughput", "messages/s", ours.per_second())
            .peer(PEER, theirs.map(Window::per_second));
        let written = Row::new(name, "written", "KiB/message", ours.written_kib_per_operation())
            .peer(PEER, theirs.map(Window::written_kib_per_operation));
        if connections == 1 {
            return vec![cpu, p50.goal(Goal::TimesLimit(5.0)), p99, rate, written];
        }
        let times = Row::new(name, "server CPU", "µs/message", ours.cpu_us_per_operation())
            .peer(PEER, theirs.map(Window::cpu_us_per_operation))
            .goal(Goal::PeerTimesMore(15.0));
        vec![cpu.goal(Goal::AtMost(200.0)), times, p50, p99, rate, written]
    }

    /// New connections with one request each.
    async fn connect(&self) -> Result<Vec<Row>> {
        let home = Home::make(&self.directory.join("connect"))?;
        let party = home.party(SENDER)?;
        let running = home.serve()?;
        let target = Target::new(running.port, &party, KeyExchange::X25519MlKem768)?;
        let nginx = noted("nginx", peers::nginx(&self.directory.join("nginx"), &self.authority));
        let shape = Shape { connections: 8, seconds: self.seconds };
        let ask = gateway::facts_request();
        let (mut ours, mut theirs) = (Window::default(), Window::default());
        for _ in 0..ROUNDS {
            ours.add(connect_loop(&running.server, &target, shape, &ask).await?);
            if let Some(nginx) = &nginx {
                let target = self.peer_target(nginx)?;
                theirs.add(connect_loop(&nginx.server, &target, shape, &ask).await?);
            }
        }
        let per_core = |w: &Window| 1e6 / w.cpu_us_per_operation();
        Ok(vec![
            Row::new("connect", "mutual TLS + request", "per core-second", per_core(&ours))
                .peer("nginx, X25519", nginx.is_some().then(|| per_core(&theirs)))
                .goal(Goal::TimesPeer(2.5))
                .limit("handshakes alone", 1e6 / self.limits.handshake_mlkem)
                .idle(ours.idle()),
            Row::new("connect", "p50", "µs", ours.percentile_us(500))
                .peer("nginx, X25519", nginx.is_some().then(|| theirs.percentile_us(500))),
        ])
    }

    /// How soon it answers, and how much memory it holds.
    async fn footprint(&self) -> Result<Vec<Row>> {
        let home = Home::make(&self.directory.join("footprint"))?;
        let party = home.party(SENDER)?;
        let mut starts = Vec::new();
        for _ in 0..9 {
            starts.push(home.start_ms(&party).await?);
        }
        starts.sort_by(f64::total_cmp);
        let start = starts.get(starts.len() / 2).copied().context("no start")?;
        let running = home.serve()?;
        let target = Target::new(running.port, &party, KeyExchange::X25519MlKem768)?;
        let ask = gateway::facts_request();
        Connection::open(&target).await?.ask(&ask).await?;
        let idle = running.server.memory_mib("VmRSS")?;
        let mut open = Vec::new();
        for _ in 0..OPEN {
            let mut connection = Connection::open(&target).await?;
            connection.ask(&ask).await?;
            open.push(connection);
        }
        let full = running.server.memory_mib("VmRSS")?;
        let peak = running.server.memory_mib("VmHWM")?;
        let diy = self.diy("footprint");
        let theirs = diy.as_ref().map(|d| d.server.memory_mib("VmRSS")).transpose()?;
        Ok(vec![
            Row::new("footprint", "start to first answer", "ms", start).goal(Goal::AtMost(80.0)),
            Row::new("footprint", "RSS idle", "MiB", idle)
                .peer("FastAPI", theirs)
                .goal(Goal::AtMost(25.0)),
            Row::new("footprint", "RSS at 256 connections", "MiB", full).goal(Goal::AtMost(110.0)),
            Row::new("footprint", "peak RSS", "MiB", peak),
        ])
    }
}

/// A peer that cannot be had is left out, in words.
fn noted<T>(name: &str, started: Result<T>) -> Option<T> {
    started.map_err(|error| eprintln!("left out: {name}: {error:#}")).ok()
}
