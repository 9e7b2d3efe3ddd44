//! Files of a home or a kit: read with their limits, written whole or not at all.
//!
//! INVARIANT: nothing is ever overwritten but by [`replace`], and a secret is neither written nor
//! read with permissions that let anyone but its owner see it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::clock::{Entropy, SystemEntropy};
use crate::domain::Id;
use crate::secret::SecretBytes;

/// Largest file that is read, in bytes: far above any record, policy or key.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is none.
    #[error("`{}` does not exist", .path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// There is one already, and it is not overwritten.
    #[error("`{}` exists already and is not overwritten", .path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The system refused.
    #[error("`{}` cannot be {act}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read`, `written` or `made`.
        act: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A secret that others than its owner may read or write.
    #[error("`{}` is open to others than its owner (mode {mode:03o}): `chmod go-rwx` it", .path.display())]
    Loose {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not say what it must.
    #[error("`{}`{}: {reason}", .path.display(), .line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Where, counted from 1.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
}

impl FileError {
    /// A fault of content without a line.
    pub fn unusable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), line: None, reason: reason.into() }
    }

    fn io(path: &Path, act: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound if act == "read" => Self::Missing { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), act, source },
        }
    }
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner only: 0600.
    Owner,
    /// Everyone: 0644.
    Everyone,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everyone => 0o644,
        }
    }
}

/// Reads a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    read_bytes_up_to(path, FILE_BYTES_MAX)
}

/// Reads a file that may have another size.
pub fn read_bytes_up_to(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    take(open(path)?, path, bytes_max)
}

/// Reads a text.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|_coding| FileError::unusable(path, "not UTF-8"))
}

/// Reads a secret; refused if anyone but its owner may read or write it.
pub fn read_secret(path: &Path) -> Result<SecretBytes, FileError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|source| FileError::io(path, "read", source))?;
    refuse_loose(path, metadata.permissions().mode())?;
    take(file, path, FILE_BYTES_MAX).map(SecretBytes::new)
}

/// Refuses a directory or file that others than its owner may read or write.
pub fn check_private(path: &Path) -> Result<(), FileError> {
    let metadata = fs::metadata(path).map_err(|source| FileError::io(path, "read", source))?;
    refuse_loose(path, metadata.permissions().mode())
}

/// Reads a TOML file as `T`.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    parse_toml(path, &read_text(path)?)
}

/// Reads the TOML text of the file at `path` as `T`.
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| FileError::Unusable {
        path: path.to_owned(),
        line: error.span().and_then(|span| text.get(..span.start)).map(line_after),
        reason: error.message().trim().replace('\n', ", "),
    })
}

/// The files of a directory whose name ends in `.<extension>`, sorted; none if it does not exist.
pub fn list(directory: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = entries(directory)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == extension) && path.is_file());
    Ok(paths)
}

/// What a directory holds, sorted; nothing if it does not exist.
pub fn entries(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let read = match fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::io(directory, "read", error)),
    };
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry.map_err(|source| FileError::io(directory, "read", source))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Makes a directory, and those above it, for its owner only. One that exists is left as it is.
pub fn make_directory(path: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| FileError::io(path, "made", source))
}

/// Writes a file that must not exist yet: it appears whole, on disk, or not at all.
pub fn write_new(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let beside = write_beside(path, bytes, access)?;
    // A link, unlike a rename, never takes the place of what is there.
    let linked = fs::hard_link(&beside, path);
    let removed = fs::remove_file(&beside);
    linked.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_owned() },
        _ => FileError::io(path, "written", source),
    })?;
    removed.map_err(|source| FileError::io(&beside, "written", source))?;
    sync_directory(path)
}

/// Writes a file in the place of the one that is there, if any.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let beside = write_beside(path, bytes, access)?;
    fs::rename(&beside, path).map_err(|source| FileError::io(path, "written", source))?;
    sync_directory(path)
}

fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|source| FileError::io(path, "read", source))
}

fn take(file: File, path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    let read = read.map_err(|source| FileError::io(path, "read", source))?;
    if u64::try_from(read).is_ok_and(|read| read <= bytes_max) {
        Ok(bytes)
    } else {
        Err(FileError::unusable(path, format!("larger than {bytes_max} bytes")))
    }
}

fn refuse_loose(path: &Path, mode: u32) -> Result<(), FileError> {
    let mode = mode & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _open => Err(FileError::Loose { path: path.to_owned(), mode }),
    }
}

pub(super) fn line_after(before: &str) -> usize {
    before.matches('\n').count() + 1
}

/// A complete file beside `path`, on disk.
fn write_beside(path: &Path, bytes: &[u8], access: Access) -> Result<PathBuf, FileError> {
    // A name of its own each time, so that what a crash left behind is in nobody's way.
    let mut part = [0u8; 16];
    SystemEntropy::default()
        .fill(&mut part)
        .map_err(|none| FileError::io(path, "written", io::Error::other(none)))?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", Id::from_bits(part)));
    let beside = path.with_file_name(name);
    let written =
        OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(&beside).and_then(
            |mut file| {
                file.set_permissions(fs::Permissions::from_mode(access.mode()))?;
                file.write_all(bytes)?;
                file.sync_all()
            },
        );
    match written {
        Ok(()) => Ok(beside),
        Err(source) => {
            // What was begun is of no use, and a second failure says nothing new.
            drop(fs::remove_file(&beside));
            Err(FileError::io(path, "written", source))
        }
    }
}

fn sync_directory(path: &Path) -> Result<(), FileError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| FileError::io(directory, "written", source))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Two {
        #[expect(dead_code, reason = "only that it parses matters")]
        one: u8,
    }

    #[test]
    fn a_fault_names_file_and_line() {
        let fault = parse_toml::<Two>(Path::new("x.toml"), "# words\none = 1\ntwo = 2\n");
        let text = fault.unwrap_err().to_string();
        assert!(text.starts_with("`x.toml`, line 3: unknown field `two`"), "{text}");
        let text = parse_toml::<Two>(Path::new("x.toml"), "one = =").unwrap_err().to_string();
        assert!(text.starts_with("`x.toml`, line 1: "), "{text}");
    }

    #[test]
    fn what_exists_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_new(&path, b"first", Access::Owner).unwrap();
        let again = write_new(&path, b"second", Access::Owner);
        assert!(matches!(again, Err(FileError::Exists { .. })));
        assert_eq!(read_secret(&path).unwrap().expose(), b"first");
        replace(&path, b"third", Access::Owner).unwrap();
        assert_eq!(read_secret(&path).unwrap().expose(), b"third");
        assert_eq!(entries(directory.path()).unwrap(), [path]);
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_new(&path, b"x", Access::Owner).unwrap();
        for mode in [0o640, 0o604, 0o610, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read_secret(&path), Err(FileError::Loose { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read_secret(&path).unwrap().expose(), b"x");
    }

    #[test]
    fn an_oversized_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("big");
        let fits = usize::try_from(FILE_BYTES_MAX).unwrap();
        replace(&path, &vec![b'x'; fits], Access::Everyone).unwrap();
        assert_eq!(read_bytes(&path).unwrap().len(), fits);
        replace(&path, &vec![b'x'; fits + 1], Access::Everyone).unwrap();
        assert!(matches!(read_bytes(&path), Err(FileError::Unusable { .. })));
    }

    #[test]
    fn a_missing_file_is_told_from_an_unreadable_one() {
        let directory = tempfile::tempdir().unwrap();
        let missing = read_bytes(&directory.path().join("none"));
        assert!(matches!(missing, Err(FileError::Missing { .. })));
        assert!(matches!(read_bytes(directory.path()), Err(FileError::Io { .. })));
    }
}
