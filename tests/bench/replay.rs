//! What officers ask of a gateway that has kept many messages: what a proposed policy would have
//! done with them, and what one party was ever released.
//!
//! Each runs in a process of its own, started from this very binary, so that its memory is its own:
//! the growth is the highest resident size while it runs, less what the opened gateway held.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use titian::app::{self, Home};
use titian::exchange::released;
use titian::exchange::replay::{self, Share};
use titian::wire::{ReplayAsk, ReplayPage};

use crate::gateway;
use crate::party::Party;
use crate::peers::Presidio;
use crate::process::{MachineTime, own_cpu_seconds, own_memory_mib, reset_own_peak};
use crate::stock;
use crate::table::{Goal, Row};

const POLICY: &str = "bnpt-kemensos-referral";

/// What is measured in a process of its own.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// A code is dropped, with all cores.
    Alone,
    /// The same with what is left while the gateway serves.
    Serving,
    /// A name is dropped, with all cores: the net has something new to search for everywhere.
    Names,
    /// Everything released to one party, as CSV.
    Breach,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Serving => "serving",
            Self::Names => "names",
            Self::Breach => "breach",
        }
    }
}

/// What a process measured.
#[derive(Serialize, Deserialize)]
struct Measured {
    count: u64,
    wall_s: f64,
    cpu_s: f64,
    grown_mib: f64,
    /// The longest page.
    page_s: f64,
    idle: f64,
}

/// The rows of `replay` and `breach`. The peer parses each message and applies a fixed mapping
/// twice, as there are two versions of the policy; it neither reads a store nor decrypts, has no net
/// and no release schema, and does not compare.
pub(crate) fn rows(home: &Path, count: usize, peer: Option<Presidio>) -> Result<Vec<Row>> {
    let each = |seconds: f64, measured: &Measured| {
        #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
        let count = measured.count.max(1) as f64;
        seconds * 1e6 / count
    };
    let peer = peer.map(|peer| peer.parse + 2.0 * peer.all);
    let mut rows = Vec::new();
    for (scenario, part) in [
        ("replay", Part::Alone),
        ("replay, a name less", Part::Names),
        ("replay, beside serving", Part::Serving),
    ] {
        let measured = apart(home, part)?;
        ensure!(usize::try_from(measured.count)? == count, "not every message was replayed");
        rows.extend([
            Row::new(scenario, "all stored messages, wall", "s", measured.wall_s)
                .goal(Goal::AtMost(5.0))
                .idle(measured.idle),
            Row::new(scenario, "CPU", "µs/message", each(measured.cpu_s, &measured))
                .peer("presidio-structured", peer),
            Row::new(scenario, "memory on top", "MiB", measured.grown_mib).goal(Goal::AtMost(64.0)),
            Row::new(scenario, "longest page", "s", measured.page_s).goal(Goal::AtMost(1.0)),
        ]);
    }
    let measured = apart(home, Part::Breach)?;
    ensure!(usize::try_from(measured.count)? == count, "not every release was listed");
    rows.extend([
        Row::new("breach", "all releases as CSV, wall", "s", measured.wall_s)
            .goal(Goal::AtMost(5.0))
            .idle(measured.idle),
        Row::new("breach", "CPU", "µs/release", each(measured.cpu_s, &measured)),
        Row::new("breach", "memory on top", "MiB", measured.grown_mib),
    ]);
    Ok(rows)
}

/// Fills a fresh home.
pub(crate) async fn fill(
    path: &Path,
    claims: &serde_json::Value,
    count: usize,
) -> Result<gateway::Home> {
    let home = gateway::Home::make(path)?;
    let party: Party = home.party("bnpt")?;
    let start = Instant::now();
    stock::fill(path, &party, claims, count).await?;
    eprintln!("filled with {count} messages in {:.1} s", start.elapsed().as_secs_f64());
    Ok(home)
}

fn apart(home: &Path, part: Part) -> Result<Measured> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--part")
        .arg(part.name())
        .arg("--home")
        .arg(home)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the part `{}` failed", part.name());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures one part in this process and prints it.
pub(crate) fn measure(part: Part, home: &Path) -> Result<()> {
    // threads as `titian serve` has them
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let measured = runtime.block_on(async {
        let home = Home::at(home);
        let lock = home.lock()?.context("the home is in use")?;
        let opened = app::open(&home, lock).await?;
        reset_own_peak()?;
        let held = own_memory_mib("VmRSS")?;
        let (start, cpu, machine) = (Instant::now(), own_cpu_seconds()?, MachineTime::now()?);
        let (count, page_s) = match part {
            Part::Alone | Part::Serving | Part::Names => replayed(&opened, &home, part).await?,
            Part::Breach => listed(&opened).await?,
        };
        Ok::<_, anyhow::Error>(Measured {
            count,
            wall_s: start.elapsed().as_secs_f64(),
            cpu_s: own_cpu_seconds()? - cpu,
            grown_mib: own_memory_mib("VmHWM")? - held,
            page_s,
            idle: machine.idle_percent()?,
        })
    })?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

async fn replayed(opened: &app::Opened, home: &Home, part: Part) -> Result<(u64, f64)> {
    let text = fs::read_to_string(home.policies().join(format!("{POLICY}.toml")))?;
    let leaf = if part == Part::Names { "/subject/name/alias" } else { "/location/adm2" };
    let mut changed = String::new();
    for line in text.lines() {
        if line.starts_with(&format!("\"{leaf}\"")) {
            changed.extend(["\"", leaf, "\" = \"drop\"\n"]);
        } else {
            changed.push_str(line);
            changed.push('\n');
        }
    }
    let (gateway, share) = match part {
        Part::Serving => (opened.shared(), Share::BesideServing),
        _ => (opened.shared(), Share::Alone),
    };
    let mut ask = ReplayAsk {
        id: POLICY.to_owned(),
        policy: changed,
        since: 0,
        after: 0,
        officer: "petugas-kebijakan".to_owned(),
        show_values: false,
    };
    let (mut all, mut longest) = (ReplayPage::default(), 0.0_f64);
    loop {
        let start = Instant::now();
        let page = replay::replay(&gateway, &ask, share).await?;
        longest = longest.max(start.elapsed().as_secs_f64());
        let next = page.next;
        all.add(page);
        match next {
            Some(after) => ask.after = after,
            None => break,
        }
    }
    ensure!(all.alike == 0 && all.after.released == all.messages, "{all:?}");
    ensure!(all.leaves.get(leaf).is_some_and(|leaf| leaf.stops == all.messages), "{all:?}");
    ensure!(all.leaves.len() == 1, "another leaf differs");
    Ok((all.messages, longest))
}

async fn listed(opened: &app::Opened) -> Result<(u64, f64)> {
    let party = stock::ABROAD.parse()?;
    let mut writer = csv::Writer::from_writer(fs::File::create("/dev/null")?);
    let (mut count, mut after, mut longest) = (0, None, 0.0_f64);
    loop {
        let start = Instant::now();
        let page = released::released_to(opened.gateway(), &party, 0, after.as_deref()).await?;
        longest = longest.max(start.elapsed().as_secs_f64());
        for release in &page.releases {
            count += 1;
            let (leaves, version) = (release.leaves.join(" "), release.version.to_string());
            writer.write_record([
                &release.release_id,
                &release.made_at,
                &release.recipient,
                &release.from,
                &release.message_type,
                &release.state,
                &release.policy,
                &version,
                &release.policy_digest,
                &release.digest,
                &leaves,
            ])?;
        }
        match page.next {
            None => break,
            next => after = next,
        }
    }
    writer.flush()?;
    Ok((count, longest))
}
