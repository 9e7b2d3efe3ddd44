//! `officers.toml`: the people who may decide, by name.
//!
//! An officer acts through the admin socket, which only the system user that runs the gateway can
//! open; the name says who is recorded as having decided.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::{self, FileError};
use crate::domain::{PartyId, UnitId};

/// What `titian init` writes.
pub const DEFAULT: &str = include_str!("../../config/officers.toml");

/// An officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Name under which decisions are recorded.
    pub name: String,
    /// Whose officer.
    pub party: PartyId,
    /// The unit it is bound to, where it is.
    #[serde(default)]
    pub unit: Option<UnitId>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// In which language it is spoken to.
    #[serde(default)]
    pub language: Language,
}

/// What an officer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides about holds and reviews, as duty officer of the receiving unit.
    Operator,
    /// Writes policies.
    Policy,
    /// Approves policies that another unit's officer wrote.
    Approver,
    /// Reads records of what was done.
    Auditor,
}

/// A language of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Bahasa Indonesia.
    #[default]
    Id,
    /// English.
    En,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Officers {
    #[serde(default)]
    officer: Vec<Officer>,
}

/// Reads an `officers.toml`. No name stands twice.
pub fn read(path: &Path) -> Result<Vec<Officer>, FileError> {
    parse(path, &file::read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Officer>, FileError> {
    let officers = file::parse_toml::<Officers>(path, text)?.officer;
    let mut names = std::collections::BTreeSet::new();
    for officer in &officers {
        if !is_name(&officer.name) {
            let reason = "an officer's `name` is 2 to 64 of `a-z`, `0-9`, `-` and `.`";
            return Err(FileError::unusable(path, reason));
        }
        if !names.insert(officer.name.as_str()) {
            let reason = format!("two officers are named `{}`", officer.name);
            return Err(FileError::unusable(path, reason));
        }
    }
    Ok(officers)
}

fn is_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_officers_can_decide_about_holds() {
        let officers = parse(Path::new("officers.toml"), DEFAULT).unwrap();
        assert!(officers.iter().any(|o| o.roles.contains(&Role::Operator)));
    }

    #[test]
    fn a_name_stands_once_and_is_a_name() {
        let one = "[[officer]]\nname = \"jaga\"\nparty = \"kemensos\"\nroles = [\"operator\"]\n";
        assert_eq!(parse(Path::new("o"), one).unwrap().len(), 1);
        assert!(parse(Path::new("o"), &one.repeat(2)).is_err());
        assert!(parse(Path::new("o"), &one.replace("jaga", "Jaga\\n")).is_err());
        assert!(parse(Path::new("o"), &one.replace("operator", "root")).is_err());
    }
}
