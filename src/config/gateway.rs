//! `titian.toml`: how this gateway runs.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use super::file::{self, FileError};

/// The commented default that `titian init` writes.
pub const DEFAULT: &str = include_str!("../../config/titian.toml");

/// `titian.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// `iss` of what the gateway signs, `aud` of what it is sent: an `https` URL.
    pub id: String,
    /// Whether this is a place to try things or the real one.
    pub mode: Mode,
    /// Address of the agencies' listener.
    pub listen: SocketAddr,
    /// Address of the management listener.
    pub management: SocketAddr,
    /// The officers' console; not served where this is absent.
    #[serde(default)]
    pub console: Option<Console>,
    /// Database file, relative to the home.
    pub database: String,
    /// What one party may ask for.
    #[serde(default)]
    pub limits: Limits,
    /// How long payloads may be kept.
    #[serde(default)]
    pub retention: Retention,
    /// What is logged.
    #[serde(default)]
    pub log: Log,
}

/// What the home may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Holds the parties' secrets for local play; loopback only.
    Development,
    /// Holds nothing but the gateway's own secrets.
    Production,
}

/// `[console]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Address of its listener.
    pub listen: SocketAddr,
    /// Where officers' browsers find it, for example `https://konsol.example.org`; their passkeys
    /// are for its host and for no other.
    pub origin: String,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one party in a minute; above it, 429.
    pub requests_per_minute: u32,
    /// Open connections in all.
    pub connections_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests_per_minute: 600, connections_max: 1024 }
    }
}

/// `[retention]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Longest that a payload is kept, in days, whatever sender and agreement allow.
    pub days_max: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days_max: 1826 }
    }
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or a filter per module.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// `id` of the shipped `titian.toml`: known to everyone, so no real gateway may bear it.
pub const DEFAULT_ID: &str = "https://titian.example.org";

impl GatewayConfig {
    /// Reads and checks a `titian.toml`.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::parse(path, &file::read_text(path)?)
    }

    /// Checks the text of the `titian.toml` at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let config: Self = file::parse_toml(path, text)?;
        match config.fault() {
            None => Ok(config),
            Some((key, reason)) => Err(FileError::Unusable {
                path: path.to_owned(),
                line: line_of(text, key),
                reason: reason.to_owned(),
            }),
        }
    }

    fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !is_https_id(&self.id) {
            return Some(("id", "`id` must be an `https` URL without path, query or final `/`"));
        }
        if self.mode == Mode::Development {
            if !self.listen.ip().is_loopback() {
                return Some(("listen", "in development mode `listen` must be a loopback address"));
            }
            if !self.management.ip().is_loopback() {
                let reason = "in development mode `management` must be a loopback address";
                return Some(("management", reason));
            }
        }
        if let Some(console) = &self.console {
            let is_loopback = console.listen.ip().is_loopback();
            if self.mode == Mode::Development && !is_loopback {
                let reason =
                    "in development mode the console's `listen` must be a loopback address";
                return Some(("listen", reason));
            }
            if [self.listen, self.management].contains(&console.listen)
                && console.listen.port() != 0
            {
                return Some(("listen", "the console's `listen` must be an address of its own"));
            }
            let host = console.origin.strip_prefix("https://").unwrap_or_default();
            let host = host.split(':').next().unwrap_or_default();
            if !is_https_id(&console.origin) || host.parse::<std::net::IpAddr>().is_ok() {
                let reason = "`origin` must be an `https` URL of a host's name, without path";
                return Some(("origin", reason));
            }
        }
        if self.mode == Mode::Production && self.id == DEFAULT_ID {
            return Some(("id", "in production mode `id` must be the gateway's own"));
        }
        if self.listen == self.management && self.listen.port() != 0 {
            return Some(("management", "`listen` and `management` must differ"));
        }
        if self.database.is_empty() || self.database.contains("://") {
            return Some(("database", "`database` must be a file; this version has SQLite only"));
        }
        if self.limits.requests_per_minute == 0 {
            return Some(("requests_per_minute", "`requests_per_minute` must be at least 1"));
        }
        if self.limits.connections_max == 0 {
            return Some(("connections_max", "`connections_max` must be at least 1"));
        }
        if self.retention.days_max == 0 {
            return Some(("days_max", "`days_max` must be at least 1"));
        }
        None
    }
}

fn is_https_id(id: &str) -> bool {
    let fits = |host: &str| {
        (1..=200).contains(&host.len())
            && host
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b))
    };
    id.strip_prefix("https://").is_some_and(fits)
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let is_it = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(is_it).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<GatewayConfig, FileError> {
        GatewayConfig::parse(Path::new("titian.toml"), text)
    }

    #[test]
    fn the_shipped_default_says_what_the_code_defaults_to() {
        let config = parse(DEFAULT).unwrap();
        assert_eq!(config.id, DEFAULT_ID);
        assert_eq!(config.mode, Mode::Development);
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.retention, Retention::default());
        assert_eq!(config.log, Log::default());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(config.management.to_string(), "127.0.0.1:9464");
    }

    #[test]
    fn every_fault_is_refused_at_its_line() {
        for (from, to, says) in [
            (r#"listen = "127.0.0.1:8443""#, r#"listen = "0.0.0.0:8443""#, "loopback"),
            (r#"management = "127.0.0.1:9464""#, r#"management = "0.0.0.0:9464""#, "loopback"),
            (r#"management = "127.0.0.1:9464""#, r#"management = "127.0.0.1:8443""#, "differ"),
            (r#"mode = "development""#, r#"mode = "production""#, "own"),
            ("https://titian.example.org", "http://titian.example.org", "https"),
            ("https://titian.example.org", "https://titian.example.org/", "https"),
            (r#"database = "titian.db""#, r#"database = "postgres://db""#, "SQLite"),
            ("requests_per_minute = 600", "requests_per_minute = 0", "at least 1"),
            ("connections_max = 1024", "connections_max = 0", "at least 1"),
            ("days_max = 1826", "days_max = 0", "at least 1"),
            ("days_max = 1826", "day_max = 1826", "unknown field"),
        ] {
            let text = DEFAULT.replace(from, to);
            assert_ne!(text, DEFAULT, "{from}");
            let fault = parse(&text).unwrap_err().to_string();
            assert!(fault.contains(says) && fault.contains(", line "), "{to}: {fault}");
        }
    }

    #[test]
    fn production_may_listen_anywhere_under_its_own_id() {
        let text = DEFAULT
            .replace("https://titian.example.org", "https://titian.example.net")
            .replace(r#"mode = "development""#, r#"mode = "production""#)
            .replace("127.0.0.1:8443", "0.0.0.0:8443");
        assert_eq!(parse(&text).unwrap().mode, Mode::Production);
    }
}
