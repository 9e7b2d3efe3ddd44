//! Officers: the people who may decide, by name. `officers.toml` names the first ones.
//!
//! An officer acts through the admin socket, which only the system user that runs the gateway can
//! open; the name says who is recorded as having decided. Proposals and approvals are signed by the
//! officer's own key besides.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::{self, FileError};
use crate::domain::{Address, Language, PartyId, Phrase, UnitId};

/// What `titian init` writes into a development home.
pub const DEFAULT: &str = include_str!("../../config/officers.toml");
/// What `titian init` writes into a production home: nobody, and examples in comments.
pub const OF_PRODUCTION: &str = include_str!("../../config/officers.production.toml");

/// An officer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Name under which decisions are recorded.
    pub name: String,
    /// Whose officer.
    pub party: PartyId,
    /// The unit it is bound to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// In which language it is spoken to.
    #[serde(default)]
    pub language: Language,
    /// Whether it may decide nothing any more.
    #[serde(default)]
    pub disabled: bool,
    /// The public JWK of the key it signs with; without one it can neither propose nor approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// The passkeys that it signs in and signs with in the console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
}

/// A passkey, as two officers have approved it with the officer's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// The credential's id, base64url.
    pub id: String,
    /// Its public JWK; Ed25519 or P-256.
    pub key: Value,
}

/// How many passkeys an officer may have: one for each device.
pub const PASSKEYS_MAX: usize = 8;

impl Officer {
    /// What must hold of an officer by itself.
    ///
    /// # Errors
    /// Why it cannot be used, as a phrase.
    pub fn check(&self) -> Result<(), &'static str> {
        if !is_name(&self.name) {
            return Err(NO_NAME);
        }
        let is_id = |id: &str| {
            (16..=1400).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let ids: BTreeSet<&str> = self.passkeys.iter().map(|passkey| passkey.id.as_str()).collect();
        if self.roles.is_empty() {
            Err("why-officer-roles")
        } else if self.passkeys.len() > PASSKEYS_MAX || ids.len() != self.passkeys.len() {
            Err("why-officer-passkeys")
        } else if !ids.into_iter().all(is_id) {
            Err("why-passkey-id")
        } else {
            Ok(())
        }
    }

    /// Where it stands: its party, or the one unit it is bound to.
    pub fn address(&self) -> Address {
        Address { party: self.party.clone(), unit: self.unit.clone() }
    }

    /// Whether it may act in that role now.
    pub fn is(&self, role: Role) -> bool {
        !self.disabled && self.roles.contains(&role)
    }
}

/// What an officer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides about holds and reviews, as duty officer of the receiving unit.
    Operator,
    /// Writes and proposes policies, parties, agreements, officers and exceptions.
    #[serde(alias = "policy")]
    Editor,
    /// Approves what an officer of another unit proposed.
    Approver,
    /// Reads records of what was done.
    Auditor,
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
    let mut names = BTreeSet::new();
    for officer in &officers {
        let why = |why| FileError::unusable(path, Phrase::new(why).to_string());
        officer.check().map_err(why)?;
        if !names.insert(officer.name.as_str()) {
            let reason = format!("two officers are named `{}`", officer.name);
            return Err(FileError::unusable(path, reason));
        }
    }
    Ok(officers)
}

const NO_NAME: &str = "why-officer-name";

/// The text, if it may be an officer's name.
///
/// # Errors
/// What a name is.
pub fn name(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(Phrase::new(NO_NAME).to_string()) }
}

fn is_name(text: &str) -> bool {
    let is_of_one =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    let begins_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    // the gateway's own steps bear its name
    let is_free = text != "titian";
    is_free && begins_well && (2..=64).contains(&text.len()) && text.bytes().all(is_of_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_officers_can_decide_about_holds() {
        let officers = parse(Path::new("officers.toml"), DEFAULT).unwrap();
        for party in ["kemensos", "bnpt"] {
            let decides = |o: &Officer| o.party.as_str() == party && o.is(Role::Operator);
            assert!(officers.iter().any(decides), "{party}");
        }
    }

    #[test]
    fn a_production_home_begins_with_nobody_and_with_examples_that_can_be_taken() {
        let path = Path::new("officers.toml");
        assert_eq!(parse(path, OF_PRODUCTION).unwrap(), []);
        let (_, examples) = OF_PRODUCTION.split_once("\n\n").unwrap();
        let examples = parse(path, &examples.replace("# ", "")).unwrap();
        assert!(examples.iter().all(|officer| officer.key.is_some()));
        let but_keys = examples.into_iter().map(|officer| Officer { key: None, ..officer });
        assert_eq!(but_keys.collect::<Vec<_>>(), parse(path, DEFAULT).unwrap());
    }

    #[test]
    fn a_name_stands_once_and_is_a_name() {
        let one = "[[officer]]\nname = \"jaga\"\nparty = \"kemensos\"\nroles = [\"operator\"]\n";
        assert_eq!(parse(Path::new("o"), one).unwrap().len(), 1);
        assert!(parse(Path::new("o"), &one.repeat(2)).is_err());
        assert!(parse(Path::new("o"), &one.replace("jaga", "Jaga\\n")).is_err());
        assert!(parse(Path::new("o"), &one.replace("operator", "root")).is_err());
        for name in ["titian", "..", "1a", "-a"] {
            assert!(parse(Path::new("o"), &one.replace("jaga", name)).is_err(), "{name}");
        }
    }
}
