//! The demonstration's gateway: a fresh home, and a second process that serves it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Failed, address};
use crate::app::{Home, init};
use crate::client::Location;
use crate::clock::{Clock, SystemClock};
use crate::config::{Access, file};

/// A gateway that runs until it is stopped; its home goes with it.
pub(super) struct Running {
    home: Home,
    child: Child,
}

impl Running {
    /// Makes a home and starts `titian serve` on it.
    pub(super) fn start() -> Result<Self, Failed> {
        let root = std::env::temp_dir().join(format!("titian-demo-{}", std::process::id()));
        let home = Home::at(&root);
        init::init(&home, SystemClock::start().now())?;
        let path = home.config_file();
        let mut text = file::read_text(&path)?;
        for address in ["127.0.0.1:8443", "127.0.0.1:9464", "127.0.0.1:8444"] {
            text = text.replace(address, &format!("127.0.0.1:{}", free_port()?));
        }
        file::replace(&path, text.as_bytes(), Access::Everyone)?;
        let program = std::env::current_exe().map_err(Failed::unusable)?;
        let mut child = Command::new(program)
            .args(["serve", "--home"])
            .arg(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failed::unusable)?;
        let ready = child.stdout.take().is_some_and(|stdout| {
            let mut lines = BufReader::new(stdout).lines();
            lines.any(|line| line.is_ok_and(|line| line.starts_with("officers")))
        });
        let running = Self { home, child };
        if ready {
            Ok(running)
        } else {
            running.stop();
            Err(Failed::because("the demonstration's gateway did not start"))
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.home.root()
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// The kit of one of the home's parties.
    pub(super) fn location(&self, speaker: &str) -> Result<Location, Failed> {
        let speaker = address(speaker)?;
        Ok(Location {
            directory: self.home.party(&speaker.party),
            address: speaker,
            gateway: format!("https://{}", self.home.config()?.listen),
            ca: self.home.ca_file(),
        })
    }

    /// Ends the gateway and removes its home.
    pub(super) fn stop(mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(self.home.root()));
    }
}

fn free_port() -> Result<u16, Failed> {
    let socket = TcpListener::bind("127.0.0.1:0").map_err(Failed::unusable)?;
    Ok(socket.local_addr().map_err(Failed::unusable)?.port())
}
