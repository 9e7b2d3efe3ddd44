//! A party's keys: made in its own directory, of which only the record goes to the gateway.
//!
//! INVARIANT: private material never enters a record, and a record that holds any is refused.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;
use time::OffsetDateTime;

use super::{certificates, keys};
use crate::config::{Access, CertificatePin, KeyStatus, PartyKey, PartyRecord, file};
use crate::domain::{Address, PartyId, PartyKind, UnitId};
use crate::exchange::rules::record;

const RECORD: &str = "record.toml";
const PARTY: &str = "party.toml";

/// What a party says of itself.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its id.
    pub id: PartyId,
    /// Its name in print.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// What it is.
    pub kind: PartyKind,
    /// Its units.
    pub units: Vec<UnitId>,
    /// The unit that key and certificate are bound to, where they are.
    pub bound_to: Option<UnitId>,
}

/// Where a partner finds the gateway, as far as it is known yet.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// `https://host:port`.
    pub gateway: Option<String>,
    /// PEM of the gateway's CA.
    pub ca: Option<PathBuf>,
}

/// Makes a partner's own kit in `directory`: keys, certificate, record and `party.toml`.
pub fn make(
    directory: &Path,
    facts: &Facts,
    whereabouts: &Whereabouts,
    now: OffsetDateTime,
) -> anyhow::Result<Vec<PathBuf>> {
    file::make_directory(directory)?;
    file::check_private(directory)?;
    let mut made = make_party(directory, facts, now)?;
    let path = directory.join(PARTY);
    if !path.exists() {
        let text = party_file(facts, whereabouts);
        file::write_new(&path, text.as_bytes(), Access::Everyone)?;
        made.push(path);
    }
    Ok(made)
}

/// Makes a party's keys, certificate and record, unless it has a record: whoever has one keeps
/// the keys that belong to it, here or elsewhere.
pub fn make_party(
    directory: &Path,
    facts: &Facts,
    now: OffsetDateTime,
) -> anyhow::Result<Vec<PathBuf>> {
    let record = directory.join(RECORD);
    if record.exists() {
        return Ok(Vec::new());
    }
    file::make_directory(directory)?;
    let mut made = Vec::new();
    let signing = directory.join("signing.jwk");
    made.extend(keys::make_jwk(signing.clone())?);
    let (tls_key, tls) = (directory.join("tls.key"), directory.join("tls.pem"));
    if !tls_key.exists() {
        if tls.exists() {
            bail!("`{}` has no key beside it", tls.display());
        }
        file::write_new(&tls_key, certificates::new_key()?.expose(), Access::Owner)?;
        made.push(tls_key.clone());
    }
    if !tls.exists() {
        let name = address(facts).to_string();
        let pem = certificates::client(&file::read_secret(&tls_key)?, &name, now)?;
        file::write_new(&tls, pem.as_bytes(), Access::Everyone)?;
        made.push(tls.clone());
    }
    let text = record_file(facts, &keys::read_jwk(&signing)?.public().to_jwk(), &tls)?;
    file::write_new(&record, text.as_bytes(), Access::Everyone)?;
    made.push(record);
    Ok(made)
}

fn address(facts: &Facts) -> Address {
    Address { party: facts.id.clone(), unit: facts.bound_to.clone() }
}

fn record_file(facts: &Facts, jwk: &Value, certificate: &Path) -> anyhow::Result<String> {
    let spki = certificates::spki(&file::read_text(certificate)?)
        .with_context(|| format!("`{}`", certificate.display()))?;
    let unit = facts.bound_to.clone();
    let party = PartyRecord {
        id: facts.id.clone(),
        name: facts.name.clone(),
        country: facts.country.clone(),
        kind: facts.kind,
        units: facts.units.clone(),
        frozen: false,
        frozen_until: None,
        keys: vec![PartyKey {
            status: KeyStatus::Active,
            unit: unit.clone(),
            jwk: jwk.clone(),
            endorsement: None,
        }],
        certificates: vec![CertificatePin { unit, spki: Some(spki), ca: None, san: None }],
    };
    record::check(&party).map_err(anyhow::Error::msg)?;
    let body = toml::to_string_pretty(&party).context("the record cannot be written")?;
    Ok(format!(
        "# The public half of a party: who it is, the keys it signs with, the certificates it\n\
         # connects with (pinned by SHA-256 of the SubjectPublicKeyInfo). Nothing here is secret,\n\
         # but the gateway believes it: hand it over on a way on which it cannot be exchanged.\n\n\
         {body}"
    ))
}

fn party_file(facts: &Facts, whereabouts: &Whereabouts) -> String {
    let gateway = whereabouts.gateway.as_deref().unwrap_or("");
    let ca = whereabouts.ca.as_deref().map(Path::to_string_lossy).unwrap_or_default();
    let mut document = toml_edit::DocumentMut::new();
    let keys = [
        ("address", address(facts).to_string(), "# Who you are to the gateway.\n"),
        (
            "gateway",
            gateway.to_owned(),
            "\n# Where it is: `https://host:port`. Its operator tells you.\n",
        ),
        (
            "ca",
            ca.into_owned(),
            "\n# The CA that issued its certificate, in PEM: a path relative to this file. Take it from\n\
             # its operator on a way on which it cannot be exchanged.\n",
        ),
    ];
    for (key, value, comment) in keys {
        document.insert(key, toml_edit::value(value));
        if let Some(mut key) = document.key_mut(key) {
            key.leaf_decor_mut().set_prefix(comment);
        }
    }
    document.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KitConfig;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    fn facts(id: &str) -> Facts {
        Facts {
            id: id.parse().unwrap(),
            name: "Zarqolin \"Office\"".to_owned(),
            country: "NLD".to_owned(),
            kind: PartyKind::Foreign,
            units: vec!["desk-one".parse().unwrap()],
            bound_to: None,
        }
    }

    fn nowhere() -> Whereabouts {
        Whereabouts { gateway: None, ca: None }
    }

    #[test]
    fn a_kit_is_made_once_and_its_record_holds() {
        let directory = tempfile::tempdir().unwrap();
        let kit = directory.path().join("kit");
        assert_eq!(make(&kit, &facts("zarqolin"), &nowhere(), NOW).unwrap().len(), 5);
        assert!(make(&kit, &facts("zarqolin"), &nowhere(), NOW).unwrap().is_empty());
        let text = file::read_text(&kit.join(RECORD)).unwrap();
        assert!(record::private_material(&text).is_none());
        let party: PartyRecord = toml::from_str(&text).unwrap();
        assert_eq!(record::check(&party), Ok(()));
    }

    #[test]
    fn a_half_made_kit_is_completed_with_the_keys_it_has() {
        let directory = tempfile::tempdir().unwrap();
        let kit = directory.path().join("kit");
        make(&kit, &facts("zarqolin"), &nowhere(), NOW).unwrap();
        let record = file::read_text(&kit.join(RECORD)).unwrap();
        std::fs::remove_file(kit.join(RECORD)).unwrap();
        std::fs::remove_file(kit.join("tls.pem")).unwrap();
        assert_eq!(make(&kit, &facts("zarqolin"), &nowhere(), NOW).unwrap().len(), 2);
        assert_eq!(file::read_text(&kit.join(RECORD)).unwrap(), record);
    }

    #[test]
    fn the_party_file_is_filled_in_or_says_what_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let kit = directory.path().join("kit");
        let known = Whereabouts {
            gateway: Some("https://127.0.0.1:8443".to_owned()),
            ca: Some("ca \"1\".pem".into()),
        };
        make(&kit, &facts("zarqolin"), &known, NOW).unwrap();
        let config = KitConfig::read(&kit.join(PARTY)).unwrap();
        assert_eq!(config.address.to_string(), "zarqolin");
        assert_eq!(config.ca, Path::new("ca \"1\".pem"));
        let other = directory.path().join("other");
        make(&other, &facts("zarqolin"), &nowhere(), NOW).unwrap();
        let fault = KitConfig::read(&other.join(PARTY)).unwrap_err().to_string();
        assert!(fault.contains("`gateway`"), "{fault}");
    }
}
