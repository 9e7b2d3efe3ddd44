//! The rules of a home: read from its files, checked, and digested. Nothing is in force yet.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::floor::FloorStatement;
use super::home::Home;
use super::{baseline, floor, records, safety};
use crate::config::{Mode, Officer, PartyRecord, agreements, file};
use crate::domain::json::canonical;
use crate::domain::{Agreement, Digest};

/// A policy as its file says.
#[derive(Debug, Clone)]
pub struct PolicyText {
    /// Where it stands.
    pub path: PathBuf,
    /// TOML.
    pub text: String,
}

/// Everything a home says about who may exchange what.
#[derive(Debug)]
pub struct Documents {
    /// The parties.
    pub parties: Vec<PartyRecord>,
    /// The agreements.
    pub agreements: Vec<Agreement>,
    /// The officers.
    pub officers: Vec<Officer>,
    /// `floor.toml`, whose signature was checked.
    pub floor: String,
    /// `baseline.toml`, whose signature was checked; a home made before there were baselines has
    /// none.
    pub baseline: Option<String>,
    /// The policies.
    pub policies: Vec<PolicyText>,
    /// Over all of it.
    pub digest: Digest,
}

impl Documents {
    /// Reads the rules of a home; the floor must verify under the pinned key, and what `mode`
    /// forbids must not be there.
    pub fn read(home: &Home, mode: Mode) -> anyhow::Result<Self> {
        let dpo = safety::read_dpo(home)?;
        let parties = records::read_all(home)?;
        safety::check_mode(home, mode, &parties, &dpo)?;
        let floor = file::read_text(&home.floor_file())?;
        let signature = file::read_text(&home.floor_signature())?;
        floor::verify::<FloorStatement>(&dpo, floor.as_bytes(), &signature)
            .with_context(|| format!("`{}`", home.floor_file().display()))?;
        let baseline = baseline::read(home, &dpo)?;
        let agreements = read_agreements(home, &parties)?;
        let officers = home.officers()?;
        check_officers(home, &officers, &parties)?;
        let mut policies = Vec::new();
        for path in file::list(&home.policies(), "toml")? {
            policies.push(PolicyText { text: file::read_text(&path)?, path });
        }
        let signed = (floor.as_str(), baseline.as_deref());
        let digest = digest(&parties, &agreements, &officers, signed, &policies)?;
        Ok(Self { parties, agreements, officers, floor, baseline, policies, digest })
    }
}

fn read_agreements(home: &Home, parties: &[PartyRecord]) -> anyhow::Result<Vec<Agreement>> {
    let mut agreements = Vec::new();
    for path in file::list(&home.agreements(), "toml")? {
        let agreement = agreements::read(&path)?;
        let unknown = agreement
            .parties
            .iter()
            .find(|id| id.as_str() != "titian" && !parties.iter().any(|party| party.id == **id));
        if let Some(id) = unknown {
            bail!("`{}` binds `{id}`, which has no record", path.display());
        }
        agreements.push(agreement);
    }
    Ok(agreements)
}

fn check_officers(
    home: &Home,
    officers: &[Officer],
    parties: &[PartyRecord],
) -> anyhow::Result<()> {
    for officer in officers {
        let party = parties.iter().find(|party| party.id == officer.party);
        let at_home = party.is_some_and(|party| {
            officer.unit.as_ref().is_none_or(|unit| party.units.contains(unit))
        });
        if !at_home {
            let path = home.officers_file();
            bail!("`{}`: `{}` is of no known party or unit", path.display(), officer.name);
        }
    }
    Ok(())
}

/// One digest over every rule, so that any change of one raises the generation. Comments and
/// layout of a record do not count; those of a policy, the floor and the baseline do, which costs no more than
/// deciding again what was not committed yet.
fn digest(
    parties: &[PartyRecord],
    agreements: &[Agreement],
    officers: &[Officer],
    (floor, baseline): (&str, Option<&str>),
    policies: &[PolicyText],
) -> anyhow::Result<Digest> {
    let policies: Vec<Value> = policies
        .iter()
        .map(|policy| json!([policy.path.file_name().map(|n| n.to_string_lossy()), policy.text]))
        .collect();
    let all = json!({
        "parties": parties, "agreements": agreements, "officers": officers,
        "floor": floor, "baseline": baseline, "policies": policies,
    });
    Ok(Digest::of(&canonical(&all).context("the rules have no canonical form")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::tests::fresh;
    use crate::config::Access;

    fn read(home: &Home) -> Result<Documents, String> {
        Documents::read(home, Mode::Development).map_err(|error| format!("{error:#}"))
    }

    fn edit(path: &std::path::Path, change: impl Fn(&str) -> String) {
        let text = file::read_text(path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        file::replace(path, changed.as_bytes(), Access::Everyone).unwrap();
    }

    #[test]
    fn every_change_of_a_rule_changes_the_digest() {
        let (_directory, home) = fresh();
        let first = read(&home).unwrap().digest;
        assert_eq!(read(&home).unwrap().digest, first);
        let record = home.party(&"bnpt".parse().unwrap()).join("record.toml");
        edit(&record, |text| format!("# a remark\n{text}"));
        assert_eq!(read(&home).unwrap().digest, first);
        edit(&record, |text| text.replace("frozen = false", "frozen = true"));
        let frozen = read(&home).unwrap().digest;
        assert_ne!(frozen, first);
        edit(&home.officers_file(), |text| text.replace("petugas-jaga", "petugas-lain"));
        let officer = read(&home).unwrap().digest;
        assert_ne!(officer, frozen);
        file::replace(&home.policies().join("x.toml"), b"x = 1", Access::Everyone).unwrap();
        assert_ne!(read(&home).unwrap().digest, officer);
    }

    #[test]
    fn a_floor_that_does_not_verify_is_refused() {
        let (_directory, home) = fresh();
        edit(&home.floor_file(), |text| format!("{text}\n"));
        assert!(read(&home).unwrap_err().contains("does not verify"));
    }

    #[test]
    fn a_missing_or_broken_file_is_named() {
        for name in ["floor.toml", "floor.jws", "dpo.jwk", "officers.toml"] {
            let (_directory, home) = fresh();
            std::fs::remove_file(home.root().join(name)).unwrap();
            let fault = read(&home).unwrap_err();
            assert!(fault.contains(name) && fault.contains("does not exist"), "{fault}");
        }
        let (_directory, home) = fresh();
        let record = home.party(&"bnpt".parse().unwrap()).join("record.toml");
        edit(&record, |text| text.replace("id = \"bnpt\"", "id = \"other\""));
        assert!(read(&home).unwrap_err().contains("unlike its directory"));
    }

    #[test]
    fn an_officer_of_nobody_is_refused() {
        let (_directory, home) = fresh();
        edit(&home.officers_file(), |text| text.replace("sentra-handayani", "sentra-lain"));
        assert!(read(&home).unwrap_err().contains("no known party or unit"));
    }
}
