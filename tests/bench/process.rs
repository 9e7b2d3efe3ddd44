//! What the kernel says about a process and about the machine: CPU time, memory, idle share.
//!
//! CPU per operation is read from `/proc/<pid>/stat` of the server and all its descendants, so that
//! the load generator on the same machine is not counted and a server with workers is counted whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// `USER_HZ`: the unit of `/proc/<pid>/stat`, 100 on every Linux architecture Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with its output in `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name, log: log.to_owned() })
    }

    /// Waits until something listens on `port`, and says so if the server ends instead.
    pub(crate) fn wait_for(&mut self, port: u16, limit: Duration) -> Result<()> {
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at start: {status}: {}", self.name, self.last_words());
            }
            ensure!(
                start.elapsed() < limit,
                "{} does not listen: {}",
                self.name,
                self.last_words()
            );
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// User and system time of the process and its descendants, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let mut ticks = 0;
        for pid in family(self.child.id())? {
            // a descendant may end between the listing and the reading
            if let Ok(stat) = Stat::read(pid) {
                ticks += stat.ticks;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "ticks of minutes are far below 2^52")]
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    /// Bytes that the process and its descendants had the kernel write to storage.
    pub(crate) fn written_bytes(&self) -> Result<f64> {
        let mut bytes = 0.0;
        for pid in family(self.child.id())? {
            let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
            let number = io.lines().find_map(|l| l.strip_prefix("write_bytes: "));
            bytes += number.unwrap_or("0").parse::<f64>()?;
        }
        Ok(bytes)
    }

    /// A field of `/proc/<pid>/status` in MiB (`VmRSS`, `VmHWM`), descendants included.
    pub(crate) fn memory_mib(&self, field: &str) -> Result<f64> {
        let mut kib = 0.0;
        for pid in family(self.child.id())? {
            kib += memory_kib(pid, field)?;
        }
        ensure!(kib > 0.0, "{} has no {field}", self.name);
        Ok(kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // workers first, or they outlive the parent
        for pid in family(self.child.id()).unwrap_or_default().into_iter().rev() {
            drop(
                Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .stderr(Stdio::null())
                    .status(),
            );
        }
        drop(self.child.wait());
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // the name stands in parentheses and may hold spaces: count from the last one on
        let (_name, rest) = text.rsplit_once(") ").context("stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |i: usize| -> Result<u64> { Ok(fields.get(i).context("stat")?.parse()?) };
        Ok(Self { parent: u32::try_from(number(1)?)?, ticks: number(11)? + number(12)? })
    }
}

/// The process and its descendants, parents first.
fn family(root: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        if let Ok(stat) = Stat::read(pid) {
            parents.push((pid, stat.parent));
        }
    }
    let mut members = vec![root];
    let mut next = 0;
    while let Some(&parent) = members.get(next) {
        members.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| pid));
        next += 1;
    }
    Ok(members)
}

/// Idle and all time of the machine so far, in ticks.
pub(crate) struct MachineTime {
    idle: f64,
    all: f64,
}

impl MachineTime {
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("/proc/stat is empty")?;
        let mut ticks = line.split_whitespace().skip(1).take(8).map(str::parse::<f64>);
        let mut all = 0.0;
        let mut idle = 0.0;
        for column in 0..8 {
            let value = ticks.next().context("/proc/stat is short")??;
            all += value;
            // idle and iowait
            if column == 3 || column == 4 {
                idle += value;
            }
        }
        Ok(Self { idle, all })
    }

    /// Idle share since then, in per cent.
    pub(crate) fn idle_percent(&self) -> Result<f64> {
        let now = Self::now()?;
        Ok(100.0 * (now.idle - self.idle) / (now.all - self.all).max(1.0))
    }
}

/// User and system time of this process, in seconds.
pub(crate) fn own_cpu_seconds() -> Result<f64> {
    #[expect(clippy::cast_precision_loss, reason = "ticks of minutes are far below 2^52")]
    Ok(Stat::read(std::process::id())?.ticks as f64 / TICKS_PER_SECOND)
}

/// A field of `/proc/self/status` in MiB.
pub(crate) fn own_memory_mib(field: &str) -> Result<f64> {
    Ok(memory_kib(std::process::id(), field)? / 1024.0)
}

/// Makes `VmHWM` begin anew at what is resident now.
pub(crate) fn reset_own_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("the peak cannot be reset")
}

fn memory_kib(pid: u32, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    Ok(line.and_then(|l| l.split_whitespace().next()).unwrap_or("0").parse()?)
}

/// A port of the loopback that was free a moment ago, below those that the kernel gives to
/// outgoing connections: whoever polls one of those may be connected to itself.
pub(crate) fn free_port() -> Result<u16> {
    let mut random = [0; 2];
    aws_lc_rs::rand::fill(&mut random).ok().context("no randomness")?;
    let first = u16::from_ne_bytes(random) % 10_000;
    (0..10_000)
        .map(|next| 20_000 + (first + next) % 10_000)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no port is free")
}
