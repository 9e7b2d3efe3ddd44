//! Everything that comes out, searched as it comes, and what was found.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::search::find;

/// Shorter than any stem.
const RUN_BYTES_MIN: usize = 6;

/// One thing that must not have come out.
#[derive(Debug, Clone)]
pub(crate) struct Leak {
    /// Which oracle says so.
    pub(crate) oracle: &'static str,
    pub(crate) sink: String,
    pub(crate) what: String,
    pub(crate) scenario: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    pub(crate) searched: BTreeMap<&'static str, (u64, u64)>,
    pub(crate) leaks: Vec<Leak>,
    pub(crate) scenario: String,
}

impl Sinks {
    /// Searches what came out here.
    pub(crate) fn search(&mut self, sink: &'static str, bytes: &[u8]) {
        let tally = self.searched.entry(sink).or_default();
        tally.0 += 1;
        tally.1 += u64::try_from(bytes.len()).unwrap();
        if let Some(stem) = find(bytes) {
            self.found("search", sink, format!("`{stem}` came out"));
        }
    }

    pub(crate) fn found(&mut self, oracle: &'static str, sink: &str, what: String) {
        let (sink, scenario) = (sink.to_owned(), self.scenario.clone());
        self.leaks.push(Leak { oracle, sink, what, scenario });
    }

    /// Every file of a home but the keys and what `init` wrote, as it lies on the disk.
    pub(crate) fn search_home(&mut self, home: &Path) {
        let mut open = vec![home.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let (path, kind) = entry.map(|it| (it.path(), it.file_type().unwrap())).unwrap();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if kind.is_dir() {
                    open.push(path);
                } else if kind.is_file() {
                    let sink = match name.as_str() {
                        name if name.ends_with("-wal") => "write-ahead log",
                        name if name.contains(".db") => "database",
                        _ => "other files",
                    };
                    let bytes = std::fs::read(&path).unwrap();
                    self.search(sink, &legible(&bytes));
                }
            }
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        for (sink, (count, bytes)) in other.searched {
            let tally = self.searched.entry(sink).or_default();
            tally.0 += count;
            tally.1 += bytes;
        }
        self.leaks.extend(other.leaks);
    }
}

/// The runs of a file that a person could read: what is sealed leaves none.
fn legible(bytes: &[u8]) -> Vec<u8> {
    let runs = bytes.utf8_chunks().flat_map(|chunk| chunk.valid().split(char::is_control));
    let long = runs.filter(|run| run.len() >= RUN_BYTES_MIN);
    long.flat_map(|run| run.bytes().chain([b'\n'])).collect()
}

/// The gateway's log, at its most talkative.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
