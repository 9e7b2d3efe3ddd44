//! `titian init`: a development home in one go; of a production home, what is the gateway's own.
//!
//! A home is of production where its `titian.toml` says so before. There the gateway's keys are made
//! and two files to fill in and to sign, and nothing that belongs to anybody else.
//!
//! INVARIANT: whatever is there stays as it is; a second run only adds what is missing. A gateway
//! key is never made anew beside a database, because nothing in it would fit the new key.

use std::path::PathBuf;

use anyhow::{Context, bail};
use time::OffsetDateTime;

use super::floor::{BaselineStatement, FloorStatement};
use super::home::Home;
use super::{certificates, floor, keys, kit, shipped};
use crate::config::{Access, Mode, file, gateway, officers};
use crate::domain::PartyKind;

/// Parties of a development home: id, name, country, kind, units.
const PARTIES: &[(&str, &str, &str, PartyKind, &[&str])] = &[
    (
        "kemensos",
        "Kementerian Sosial Republik Indonesia",
        "IDN",
        PartyKind::Social,
        &["sentra-handayani"],
    ),
    ("bnpt", "Badan Nasional Penanggulangan Terorisme", "IDN", PartyKind::CounterTerrorism, &[]),
    ("cuta-be", "Coordination Unit for Threat Analysis", "BEL", PartyKind::Foreign, &[]),
];

/// Makes a home at `home`, or adds what it lacks. Says which files it made.
pub fn init(home: &Home, now: OffsetDateTime) -> anyhow::Result<Vec<PathBuf>> {
    make_root(home)?;
    let Some(_lock) = home.lock()? else {
        bail!("`{}` is in use by another process", home.root().display());
    };
    let mut made = Vec::new();
    keep_or_write(&mut made, home.config_file(), gateway::DEFAULT)?;
    let config = home.config()?;
    refuse_new_keys_beside_data(home, &home.database(&config))?;
    made.extend(keys::make(home, config.mode)?);
    if config.mode == Mode::Production {
        keep_or_write(&mut made, home.officers_file(), officers::OF_PRODUCTION)?;
        keep_or_write(&mut made, home.floor_file(), shipped::FLOOR_OF_PRODUCTION)?;
        return Ok(made);
    }
    keep_or_write(&mut made, home.officers_file(), officers::DEFAULT)?;
    made.extend(make_certificates(home, now)?);
    made.extend(make_officer_keys(home)?);
    for (directory, files) in
        [(home.agreements(), shipped::AGREEMENTS), (home.policies(), shipped::POLICIES)]
    {
        file::make_directory(&directory)?;
        for (name, text) in files {
            keep_or_write(&mut made, directory.join(name), text)?;
        }
    }
    made.extend(make_dpo(home)?);
    made.extend(make_signed::<FloorStatement>(
        home,
        (home.floor_file(), shipped::FLOOR),
        home.floor_signature(),
    )?);
    made.extend(make_signed::<BaselineStatement>(
        home,
        (home.baseline_file(), shipped::BASELINE),
        home.baseline_signature(),
    )?);
    for party in PARTIES {
        made.extend(make_party(home, party, now)?);
    }
    Ok(made)
}

/// A fresh or empty directory becomes the owner's only; one with something in it must be already.
fn make_root(home: &Home) -> anyhow::Result<()> {
    file::make_directory(home.root())?;
    if file::entries(home.root())?.is_empty() {
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(home.root(), only_owner)
            .with_context(|| format!("`{}` cannot be closed to others", home.root().display()))?;
    }
    Ok(file::check_private(home.root())?)
}

fn refuse_new_keys_beside_data(home: &Home, database: &std::path::Path) -> anyhow::Result<()> {
    let missing = keys::files(home).into_iter().find(|path| !path.exists());
    match missing {
        Some(path) if database.exists() => {
            bail!(
                "`{}` is missing beside a database that was made with it: bring it back from its \
                 backup",
                path.display()
            )
        }
        _ => Ok(()),
    }
}

fn keep_or_write(made: &mut Vec<PathBuf>, path: PathBuf, text: &str) -> anyhow::Result<()> {
    if !path.exists() {
        file::write_new(&path, text.as_bytes(), Access::Everyone)?;
        made.push(path);
    }
    Ok(())
}

/// The development CA and the server certificate it issued.
fn make_certificates(home: &Home, now: OffsetDateTime) -> anyhow::Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    file::make_directory(&home.development())?;
    let (ca, ca_key) = (home.ca_file(), home.development().join("ca.key"));
    if !ca.exists() && !ca_key.exists() {
        file::write_new(&ca_key, certificates::new_key()?.expose(), Access::Owner)?;
        made.push(ca_key.clone());
    }
    if !ca.exists() {
        let pem = certificates::development_ca(&file::read_secret(&ca_key)?, now)?;
        file::write_new(&ca, pem.as_bytes(), Access::Everyone)?;
        made.push(ca.clone());
    }
    let (certificate, key) = (keys::tls_certificate(home), keys::tls_key(home));
    if !key.exists() {
        if certificate.exists() {
            bail!("`{}` has no key beside it", certificate.display());
        }
        file::write_new(&key, certificates::new_key()?.expose(), Access::Owner)?;
        made.push(key.clone());
    }
    if !certificate.exists() {
        let key = file::read_secret(&key)?;
        let pem = certificates::server(
            &key,
            &file::read_text(&ca)?,
            &file::read_secret(&ca_key).context("no server certificate can be issued")?,
            now,
        )?;
        file::write_new(&certificate, pem.as_bytes(), Access::Everyone)?;
        made.push(certificate);
    }
    Ok(made)
}

/// A throw-away key for every officer that the home names without one.
fn make_officer_keys(home: &Home) -> anyhow::Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    file::make_directory(&home.development().join("officers"))?;
    for officer in home.officers()?.iter().filter(|officer| officer.key.is_none()) {
        made.extend(keys::make_jwk(home.officer_key(&officer.name))?);
    }
    Ok(made)
}

/// The throw-away key of a development home's data protection officer.
fn dpo_key(home: &Home) -> PathBuf {
    home.development().join("dpo.jwk")
}

fn make_dpo(home: &Home) -> anyhow::Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    let (pin, private) = (home.dpo_pin(), dpo_key(home));
    if !pin.exists() {
        made.extend(keys::make_jwk(private.clone())?);
        let jwk = keys::throw_away(&keys::read_jwk(&private)?);
        file::write_new(&pin, format!("{jwk:#}\n").as_bytes(), Access::Everyone)?;
        made.push(pin);
    }
    Ok(made)
}

/// A shipped file, signed by the throw-away key. An edited one is signed again by deleting its
/// signature, which only a development home can do.
fn make_signed<W: floor::Word>(
    home: &Home,
    (path, text): (PathBuf, &str),
    signature: PathBuf,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    keep_or_write(&mut made, path.clone(), text)?;
    if !signature.exists() {
        let key = keys::read_jwk(&dpo_key(home))
            .with_context(|| format!("the {} cannot be signed", W::FILE))?;
        let jws = floor::sign_away::<W>(&key, &file::read_bytes(&path)?)?;
        file::write_new(&signature, format!("{jws}\n").as_bytes(), Access::Everyone)?;
        made.push(signature);
    }
    Ok(made)
}

fn make_party(
    home: &Home,
    (id, name, country, kind, units): &(&str, &str, &str, PartyKind, &[&str]),
    now: OffsetDateTime,
) -> anyhow::Result<Vec<PathBuf>> {
    let facts = kit::Facts {
        id: id.parse()?,
        name: (*name).to_owned(),
        country: (*country).to_owned(),
        kind: *kind,
        units: units.iter().map(|unit| unit.parse()).collect::<Result<_, _>>()?,
        bound_to: None,
    };
    kit::make_party(&home.party(&facts.id), &facts, now)
}

#[cfg(test)]
pub(in crate::app) mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::exchange::rules::record;

    pub(in crate::app) const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    pub(in crate::app) fn fresh() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("home"));
        init(&home, NOW).unwrap();
        (directory, home)
    }

    fn contents(directory: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for path in file::entries(directory).unwrap() {
            if path.is_dir() {
                contents(&path, into);
            } else {
                into.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let (_directory, home) = fresh();
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        contents(home.root(), &mut before);
        assert!(init(&home, NOW + time::Duration::days(1)).unwrap().is_empty());
        contents(home.root(), &mut after);
        assert_eq!(before, after);
    }

    #[test]
    fn every_secret_is_its_owners_only() {
        let (_directory, home) = fresh();
        let mut files = BTreeMap::new();
        contents(home.root(), &mut files);
        let mut secrets = 0;
        for (path, bytes) in files {
            let text = String::from_utf8_lossy(&bytes);
            let secret = record::private_material(&text).is_some() || path.ends_with("pseudonym");
            if secret {
                secrets += 1;
                let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", path.display());
            }
        }
        // gateway: signing token ledger tls pseudonym; development: ca dpo, officers; parties: 3 × 2
        assert_eq!(secrets, 5 + 2 + 5 + 6);
    }

    #[test]
    fn what_is_missing_is_added_and_a_removed_local_key_is_not_made_up() {
        let (_directory, home) = fresh();
        std::fs::remove_file(home.floor_signature()).unwrap();
        std::fs::remove_file(keys::tls_certificate(&home)).unwrap();
        let bnpt = home.party(&"bnpt".parse().unwrap());
        std::fs::remove_file(bnpt.join("signing.jwk")).unwrap();
        let made = init(&home, NOW).unwrap();
        assert_eq!(made, [keys::tls_certificate(&home), home.floor_signature()]);
        assert!(!bnpt.join("signing.jwk").exists());
    }

    #[test]
    fn a_gateway_key_is_not_made_anew_beside_a_database() {
        let (_directory, home) = fresh();
        std::fs::write(home.root().join("titian.db"), b"").unwrap();
        std::fs::remove_file(home.keys().join("ledger.jwk")).unwrap();
        let fault = init(&home, NOW).unwrap_err().to_string();
        assert!(fault.contains("backup"), "{fault}");
        assert!(!home.keys().join("ledger.jwk").exists());
    }

    #[test]
    fn a_production_home_is_given_what_is_the_gateways_own() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("home"));
        file::make_directory(home.root()).unwrap();
        let config = gateway::DEFAULT
            .replace("\"development\"", "\"production\"")
            .replace("titian.example.org", "titian.example.net");
        file::replace(&home.config_file(), config.as_bytes(), Access::Everyone).unwrap();
        init(&home, NOW).unwrap();
        let mut files = BTreeMap::new();
        contents(home.root(), &mut files);
        let names: Vec<_> = files.keys().map(|p| p.strip_prefix(home.root()).unwrap()).collect();
        let expected = [
            "floor.toml",
            "keys/ledger.jwk",
            "keys/pseudonym",
            "keys/signing.jwk",
            "keys/token.jwk",
            "officers.toml",
            "run/lock",
            "titian.toml",
        ];
        assert_eq!(names, expected.map(Path::new));
        assert!(init(&home, NOW).unwrap().is_empty());
        assert_eq!(home.officers().unwrap(), []);
        // as it is it does not start: nobody has signed its floor
        assert!(!home.floor_signature().exists());
    }

    #[test]
    fn an_open_directory_is_left_alone() {
        let (directory, _home) = fresh();
        let open = directory.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(open.join("notes"), b"").unwrap();
        assert!(init(&Home::at(&open), NOW).unwrap_err().to_string().contains("open to others"));
        assert_eq!(file::entries(&open).unwrap().len(), 1);
    }
}
