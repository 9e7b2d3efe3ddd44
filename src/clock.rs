//! What the process takes from outside: the time and randomness.
//!
//! Both are arguments everywhere else, so that a test can set the clock and repeat a run. The
//! system's own clock and generator are named here and nowhere else.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use time::{Date, OffsetDateTime, UtcOffset};

/// Asia/Jakarta, which has no daylight saving time: UTC+7.
pub const JAKARTA: UtcOffset = time::macros::offset!(+7);

/// The time, as every check of validity sees it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, in whole seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> OffsetDateTime;

    /// Monotonic time since some fixed start: for deadlines and measurements only.
    fn uptime(&self) -> Duration;

    /// Today in Jakarta: the calendar in which agreements, policies and retention dates end.
    fn today(&self) -> Date {
        self.now().to_offset(JAKARTA).date()
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// Starts counting `uptime` now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::from(std::time::SystemTime::now());
        now.replace_nanosecond(0).unwrap_or(now)
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until told to move: for tests and for `demo`.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn at(at: OffsetDateTime) -> Self {
        Self(AtomicI64::new(at.unix_timestamp()))
    }

    /// Moves the clock by `seconds`, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn uptime(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

/// Random bytes fit for keys, salts and ids.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`NoEntropy`] when the system's generator fails; nothing may then be minted.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system's random generator failed.
#[derive(Debug, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct NoEntropy;

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.fill(bytes).map_err(|_unspecified| NoEntropy)
    }
}

/// Repeatable bytes from a seed: for tests only, never for a key that protects anything.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in bytes.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::SeqCst);
            let mut input = self.seed.to_be_bytes().to_vec();
            input.extend_from_slice(&count.to_be_bytes());
            let block = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input);
            for (to, from) in chunk.iter_mut().zip(block.as_ref()) {
                *to = *from;
            }
        }
        Ok(())
    }
}
