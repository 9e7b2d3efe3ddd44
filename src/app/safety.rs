//! What must hold of a home before a gateway runs in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use super::home::Home;
use super::{certificates, keys, records};
use crate::config::{FileError, Mode, PartyRecord, file};
use crate::domain::{Act, Digest, DocumentKind};
use crate::exchange::rules::{Document, record};
use crate::sign::PublicKey;
use crate::store::VersionRow;

/// Refuses directories and secrets that anyone but their owner may open.
pub fn check_permissions(home: &Home) -> anyhow::Result<()> {
    file::check_private(home.root())?;
    file::check_private(&home.run())?;
    let mut secrets = Vec::new();
    collect(&home.keys(), &mut secrets)?;
    if home.development().exists() {
        collect(&home.development(), &mut secrets)?;
    }
    for party in file::entries(&home.parties())? {
        let kept = [party.join("signing.jwk"), party.join("tls.key")];
        secrets.extend(kept.into_iter().filter(|path| path.exists()));
    }
    // A certificate is public; everything else here is not.
    secrets.retain(|path| path.extension().is_none_or(|extension| extension != "pem"));
    secrets.iter().try_for_each(|path| file::check_private(path)).map_err(Into::into)
}

/// Refuses, in production, what belongs into no production home.
pub fn check_mode(
    home: &Home,
    mode: Mode,
    parties: &[PartyRecord],
    dpo: &PublicKey,
) -> anyhow::Result<()> {
    if mode == Mode::Development {
        return Ok(());
    }
    if home.development().exists() {
        bail!(
            "`{}` holds a development home's secrets; a production home must not",
            home.development().display()
        );
    }
    for path in [home.ca_file(), keys::tls_certificate(home)] {
        if path.exists() && certificates::is_development(&file::read_text(&path)?)? {
            bail!(
                "`{}` is of a development CA; a production home must not hold it",
                path.display()
            );
        }
    }
    let pin: Option<Value> = serde_json::from_str(&file::read_text(&home.dpo_pin())?).ok();
    if pin.is_some_and(|jwk| keys::is_throw_away(&jwk)) {
        bail!(
            "`{}` is the throw-away key of a development home; in production it is the data \
             protection officer's own",
            home.dpo_pin().display()
        );
    }
    for path in file::list(&home.keys(), "jwk")? {
        if keys::is_of_development(&path)? {
            bail!(
                "`{}` was made in a development home; production begins with a fresh home and keys of \
                 its own",
                path.display()
            );
        }
    }
    refuse_strange_secrets(home)?;
    refuse_others_keys(home, parties, dpo)
}

/// Refuses, in production, a store that was begun in development: throw-away officers signed what
/// it began with and are its officers, wherever their keys are by now. No file beside the store can
/// tell, because files go.
pub fn check_store(home: &Home, mode: Mode, versions: &[VersionRow]) -> anyhow::Result<()> {
    if mode == Mode::Production && versions.iter().any(is_of_development) {
        let database = home.database(&home.config()?);
        bail!(
            "`{}` was begun in development, by throw-away officers: production begins with a fresh \
             home, whose officers have keys of their own",
            database.display()
        );
    }
    Ok(())
}

fn is_of_development(row: &VersionRow) -> bool {
    let is_throw_away = row.key.kind == DocumentKind::Officer
        && match Document::parse(row.key.kind, &row.key.id, &row.text) {
            Ok(Document::Officer(officer)) => officer.key.is_some_and(|k| keys::is_throw_away(&k)),
            _ => false,
        };
    // three entries of the ledger one after another are one commit: nobody else signs so fast
    let mut first = row.steps.iter().map(|step| (step.act, step.entry));
    let at_once = match (first.next(), first.next(), first.next()) {
        (Some((Act::Seeded, one)), Some((Act::Proposed, two)), Some((Act::Approved, three))) => {
            one + 1 == two && two + 1 == three
        }
        _ => false,
    };
    is_throw_away || at_once
}

/// No private key lies anywhere but in `keys/`.
fn refuse_strange_secrets(home: &Home) -> anyhow::Result<()> {
    let mut files = Vec::new();
    collect(home.root(), &mut files)?;
    let own = home.keys();
    for path in files.iter().filter(|path| path.is_file() && !path.starts_with(&own)) {
        let is_small = path.metadata().is_ok_and(|m| m.len() <= file::FILE_BYTES_MAX);
        // Larger than any key: a database or a log.
        if !is_small {
            continue;
        }
        if let Some(what) = records::private_file(path)? {
            bail!("`{}` holds {what}; a production home must not", path.display());
        }
    }
    Ok(())
}

/// `keys/` holds the gateway's own key files, and none of them is a party's or the data
/// protection officer's.
fn refuse_others_keys(home: &Home, parties: &[PartyRecord], dpo: &PublicKey) -> anyhow::Result<()> {
    let known = keys::names();
    for path in file::entries(&home.keys())? {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_none_or(|name| !known.contains(&name)) {
            bail!("`{}` is none of the gateway's own key files", path.display());
        }
    }
    let mut strange: BTreeSet<Digest> = parties.iter().flat_map(record::thumbprints).collect();
    strange.insert(dpo.thumbprint());
    for path in file::list(&home.keys(), "jwk")? {
        if strange.contains(&keys::read_jwk(&path)?.public().thumbprint()) {
            bail!("`{}` is not the gateway's own key", path.display());
        }
    }
    let own = certificates::spki(&file::read_text(&keys::tls_certificate(home))?)?;
    if parties.iter().flat_map(|party| &party.certificates).any(|pin| pin.spki == Some(own)) {
        bail!("`{}` is a party's certificate", keys::tls_certificate(home).display());
    }
    Ok(())
}

/// Reads the pinned public key of the data protection officer.
pub fn read_dpo(home: &Home) -> anyhow::Result<PublicKey> {
    let path = home.dpo_pin();
    let text = file::read_text(&path)?;
    let jwk =
        serde_json::from_str(&text).ok().filter(|_| record::private_material(&text).is_none());
    jwk.and_then(|jwk| PublicKey::from_jwk(&jwk).ok())
        .with_context(|| format!("`{}` is no Ed25519 or P-256 public JWK", path.display()))
}

/// Every directory and file below `directory`, itself included; links are not followed.
fn collect(directory: &Path, into: &mut Vec<PathBuf>) -> Result<(), FileError> {
    into.push(directory.to_owned());
    for path in file::entries(directory)? {
        if path.is_dir() && !path.is_symlink() {
            collect(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
pub(in crate::app) mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::app::floor::{BaselineStatement, FloorStatement};
    use crate::app::init::tests::{NOW, fresh};
    use crate::app::{floor, shipped};
    use crate::config::Access;
    use crate::domain::VersionState;
    use crate::sign::Algorithm;
    use crate::sign::signing::SigningKey;
    use crate::store::{StepRow, VersionKey};

    fn check(home: &Home) -> Result<(), String> {
        let parties = records::read_all(home).unwrap();
        let dpo = read_dpo(home).unwrap();
        check_mode(home, Mode::Production, &parties, &dpo).map_err(|error| error.to_string())
    }

    fn pin(home: &Home, key: &PublicKey) {
        let jwk = key.to_jwk().to_string();
        file::replace(&home.dpo_pin(), jwk.as_bytes(), Access::Everyone).unwrap();
    }

    fn stripped() -> (tempfile::TempDir, Home) {
        let (directory, home) = fresh();
        into_production(&home);
        (directory, home)
    }

    /// What an operator takes out of a development home to make it a production home, and puts
    /// there instead.
    pub(in crate::app) fn into_production(home: &Home) {
        std::fs::remove_dir_all(home.development()).unwrap();
        std::fs::remove_file(home.ca_file()).unwrap();
        for party in file::entries(&home.parties()).unwrap() {
            for name in ["signing.jwk", "tls.key", "tls.pem"] {
                std::fs::remove_file(party.join(name)).unwrap();
            }
        }
        for path in keys::files(home) {
            std::fs::remove_file(path).unwrap();
        }
        keys::make(home, Mode::Production).unwrap();
        let key = certificates::new_key().unwrap();
        let pem = certificates::client(&key, "titian.example.net", NOW).unwrap();
        file::replace(&keys::tls_key(home), key.expose(), Access::Owner).unwrap();
        file::replace(&keys::tls_certificate(home), pem.as_bytes(), Access::Everyone).unwrap();
        let dpo = SigningKey::generate(Algorithm::EdDsa).unwrap();
        pin(home, dpo.public());
        let (floor, baseline) = (home.floor_file(), home.baseline_file());
        let text =
            shipped::FLOOR.replace("\"at_once\"", "{ day = 1, hour = \"09:00 Asia/Jakarta\" }");
        file::replace(&floor, text.as_bytes(), Access::Everyone).unwrap();
        let signed = [
            (home.floor_signature(), floor::sign::<FloorStatement>(&dpo, text.as_bytes())),
            (
                home.baseline_signature(),
                floor::sign::<BaselineStatement>(&dpo, &file::read_bytes(&baseline).unwrap()),
            ),
        ];
        for (path, jws) in signed {
            file::replace(&path, jws.unwrap().as_bytes(), Access::Everyone).unwrap();
        }
        let config = file::read_text(&home.config_file()).unwrap();
        let config = config
            .replace("mode = \"development\"", "mode = \"production\"")
            .replace("titian.example.org", "titian.example.net");
        file::replace(&home.config_file(), config.as_bytes(), Access::Everyone).unwrap();
    }

    #[test]
    fn production_refuses_each_secret_that_is_not_the_gateways() {
        let (_directory, home) = stripped();
        assert_eq!(check(&home), Ok(()));
        let (_other, development) = fresh();
        let bnpt = "bnpt".parse().unwrap();
        for (from, to) in [
            (development.party(&bnpt).join("signing.jwk"), "parties/bnpt/signing.jwk"),
            (development.party(&bnpt).join("tls.key"), "parties/bnpt/tls.key"),
            (development.party(&bnpt).join("tls.key"), "notes.txt"),
            (development.development().join("ca.key"), "ca.key"),
            (development.development().join("dpo.jwk"), "policies/x.toml"),
            (development.ca_file(), "ca.pem"),
            (keys::tls_certificate(&development), "keys/tls.pem"),
            (development.dpo_pin(), "dpo.jwk"),
            (development.keys().join("signing.jwk"), "keys/signing.jwk"),
            (development.keys().join("token.jwk"), "keys/token.jwk"),
            (development.keys().join("ledger.jwk"), "keys/ledger.jwk"),
        ] {
            let path = home.root().join(to);
            let kept = std::fs::read(&path).ok();
            std::fs::copy(&from, &path).unwrap();
            assert!(check(&home).is_err(), "{to}");
            match kept {
                Some(kept) => std::fs::write(&path, kept).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            assert_eq!(check(&home), Ok(()), "{to}");
        }
        std::fs::create_dir(home.development()).unwrap();
        assert!(check(&home).is_err());
    }

    #[test]
    fn production_refuses_a_partys_and_the_dpos_key_among_its_own() {
        for name in ["parties/bnpt/signing.jwk", "development/dpo.jwk"] {
            let (_directory, home) = fresh();
            let stolen = std::fs::read(home.root().join(name)).unwrap();
            let (_other, production) = stripped();
            let dpo = keys::read_jwk(&home.development().join("dpo.jwk")).unwrap();
            pin(&production, dpo.public());
            let record = "parties/bnpt/record.toml";
            std::fs::copy(home.root().join(record), production.root().join(record)).unwrap();
            assert_eq!(check(&production), Ok(()));
            let signing = production.keys().join("signing.jwk");
            let kept = std::fs::read(&signing).unwrap();
            file::replace(&signing, &stolen, Access::Owner).unwrap();
            assert!(check(&production).unwrap_err().contains("not the gateway's own"), "{name}");
            file::replace(&signing, &kept, Access::Owner).unwrap();
            file::replace(&production.keys().join("spare"), &stolen, Access::Owner).unwrap();
            assert!(check(&production).unwrap_err().contains("none of the gateway's"), "{name}");
        }
    }

    #[test]
    fn a_development_home_may_hold_them() {
        let (_directory, home) = fresh();
        let parties = records::read_all(&home).unwrap();
        let dpo = read_dpo(&home).unwrap();
        assert!(check_mode(&home, Mode::Development, &parties, &dpo).is_ok());
        assert!(check(&home).is_err());
    }

    #[test]
    fn what_was_signed_as_it_was_seeded_is_of_development() {
        use Act::{Approved, Proposed, Seeded};
        let step = |act, entry| {
            let (officer, reason) = ("titian".to_owned(), String::new());
            StepRow { act, officer, reason, jws: None, needs: None, entry, at: 0 }
        };
        let row = |kind, text: &str, steps: &[(Act, u64)]| VersionRow {
            key: VersionKey { kind, id: "o1".to_owned(), version: 1 },
            text: text.to_owned(),
            digest: Digest::of(b""),
            state: VersionState::Approved,
            effective_at: Some(0),
            steps: steps.iter().map(|(act, entry)| step(*act, *entry)).collect(),
        };
        let policy = |steps| is_of_development(&row(DocumentKind::Policy, "", steps));
        assert!(policy(&[(Seeded, 4), (Proposed, 5), (Approved, 6)]));
        // an entry about the rules lies between a seed of production and whoever proposes it
        assert!(!policy(&[(Seeded, 4), (Proposed, 9), (Approved, 10)]));
        assert!(!policy(&[(Seeded, 4)]));
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let officer = |jwk: &Value| {
            let text = format!(
                "name = \"o1\"\nparty = \"bnpt\"\nroles = [\"editor\"]\nkey = {}",
                toml::Value::try_from(jwk).unwrap()
            );
            is_of_development(&row(DocumentKind::Officer, &text, &[(Seeded, 1)]))
        };
        assert!(officer(&keys::throw_away(&key)));
        assert!(!officer(&key.public().to_jwk()));
    }

    #[test]
    fn loose_permissions_are_found_wherever_secrets_lie() {
        let (_directory, home) = fresh();
        check_permissions(&home).unwrap();
        for name in [
            "",
            "keys",
            "keys/kek",
            "keys/tls.key",
            "keys/pseudonym",
            "development",
            "development/ca.key",
            "development/dpo.jwk",
            "parties/bnpt/tls.key",
            "parties/cuta-be/signing.jwk",
            "run",
        ] {
            let path = home.root().join(name);
            let kept = std::fs::metadata(&path).unwrap().permissions();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(kept.mode() | 0o004))
                .unwrap();
            assert!(check_permissions(&home).is_err(), "{name}");
            std::fs::set_permissions(&path, kept).unwrap();
        }
        check_permissions(&home).unwrap();
    }
}
