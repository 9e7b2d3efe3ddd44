//! The documents that come with a home, for a store that is empty: read once, checked one by one.
//!
//! `floor.toml` is no seed: it is read at every start, because officers never change it.

use anyhow::{Context, bail};

use super::floor::FloorStatement;
use super::home::Home;
use super::{baseline, floor, keys, records, safety};
use crate::config::{GatewayConfig, Mode, Officer, Role, agreements, file};
use crate::domain::DocumentKind;
use crate::exchange::rules::signatures::public_key;
use crate::exchange::rules::{Document, Files, who};
use crate::exchange::{Rules, Seed, SeedSigners};
use crate::policy::Floor;

/// Reads what a home says beside its store: the floor, which must verify under the pinned key.
pub fn read_files(home: &Home, config: &GatewayConfig) -> anyhow::Result<Files> {
    let dpo = safety::read_dpo(home)?;
    safety::check_mode(home, config.mode, &records::read_all(home)?, &dpo)?;
    let floor = file::read_text(&home.floor_file())?;
    let signature = file::read_text(&home.floor_signature())?;
    floor::verify::<FloorStatement>((&dpo, config.mode), floor.as_bytes(), &signature)
        .with_context(|| format!("`{}`", home.floor_file().display()))?;
    let baseline = baseline::read(home, (&dpo, config.mode))?;
    Ok(Files { floor, baseline, retention_days_max: config.retention.days_max })
}

/// Reads every seed of a home and, in development, who signs them.
pub fn read(home: &Home, mode: Mode) -> anyhow::Result<(Vec<Seed>, Option<SeedSigners>)> {
    let mut officers = home.officers()?;
    let parties = records::read_all(home)?;
    for officer in &officers {
        let party = parties.iter().find(|party| party.id == officer.party);
        let unit = |party: &crate::config::PartyRecord| {
            officer.unit.as_ref().is_none_or(|unit| party.units.contains(unit))
        };
        if !party.is_some_and(unit) {
            let path = home.officers_file();
            bail!("`{}`: `{}` is of no known party or unit", path.display(), officer.name);
        }
    }
    let signers = if mode == Mode::Development { signers(home, &mut officers)? } else { None };
    let mut seeds = Vec::new();
    for officer in &officers {
        let text = toml::to_string(officer).context("an officer cannot be written")?;
        seeds.push(Seed { kind: DocumentKind::Officer, id: officer.name.clone(), text });
    }
    for party in &parties {
        let text = file::read_text(&home.party(&party.id).join("record.toml"))?;
        seeds.push(Seed { kind: DocumentKind::Party, id: party.id.to_string(), text });
    }
    for path in file::list(&home.agreements(), "toml")? {
        let agreement = agreements::read(&path)?;
        let is_known = |id: &&crate::domain::PartyId| {
            id.as_str() == "titian" || parties.iter().any(|party| party.id == **id)
        };
        if let Some(id) = agreement.parties.iter().find(|id| !is_known(id)) {
            bail!("`{}` binds `{id}`, which has no record", path.display());
        }
        let text = file::read_text(&path)?;
        seeds.push(Seed { kind: DocumentKind::Agreement, id: agreement.id, text });
    }
    for path in file::list(&home.policies(), "toml")? {
        let text = file::read_text(&path)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let source = crate::policy::Source::parse(&stem.unwrap_or_default(), &text)
            .with_context(|| format!("`{}`", path.display()))?;
        seeds.push(Seed { kind: DocumentKind::Policy, id: source.id, text });
    }
    Ok((seeds, signers))
}

/// Refuses a first start in production whose officers could put nothing in force: the file is read
/// once, so what it lacks then it lacks for good. Who is of an agency that decides here is for the
/// floor to say, not for the party's own record.
pub fn check_officers(home: &Home, mode: Mode, floor: &str) -> anyhow::Result<()> {
    if mode == Mode::Development {
        return Ok(());
    }
    let path = home.officers_file();
    let path = path.display();
    let floor = Floor::parse(floor)?;
    let officers = home.officers()?;
    let marked = |officer: &&Officer| officer.key.as_ref().is_some_and(keys::is_throw_away);
    if let Some(officer) = officers.iter().find(marked) {
        bail!("`{path}`: the key of `{}` is a throw-away one of development", officer.name);
    }
    let keyless = officers.iter().filter(|officer| public_key(officer).is_none());
    let keyless: Vec<_> = keyless.map(|officer| format!("`{}`", officer.name)).collect();
    if !keyless.is_empty() {
        bail!("`{path}`: without a `key`: {}; {HOW}", keyless.join(", "));
    }
    let is_editor = |o: &Officer| o.is(Role::Editor) && who::active(o, &floor).is_ok();
    if !officers.iter().any(is_editor) {
        bail!("`{path}`: no editor of an agency that the floor lists as `domestic`; {HOW}");
    }
    if !who::can_decide(&officers, &floor) {
        bail!(
            "`{path}`: no approver of another unit than an editor's, with a key of its own and of an \
             agency that the floor lists as `domestic`; {HOW}"
        );
    }
    Ok(())
}

const HOW: &str = "the first officers are read once, so each makes a key before the first start: \
                   `titian officer key FILE --name NAME`";

/// Documents of a home whose files say something else than what is in force, by kind and id: an
/// edited file changes nothing, and whoever edited it should know.
pub fn drifted(home: &Home, mode: Mode, rules: &Rules) -> Vec<(DocumentKind, String)> {
    // a file that cannot be read any more is no worse than one that says something else
    let Ok((seeds, _)) = read(home, mode) else { return Vec::new() };
    let differs = |seed: &Seed| {
        let Ok(file) = Document::parse(seed.kind, &seed.id, &seed.text) else { return true };
        match file {
            Document::Policy(source) => {
                let now = rules.policies.by_id(&source.id);
                now.is_some_and(|now| now.digest() != source.digest())
            }
            Document::Agreement(file) => {
                let now = rules.agreements.iter().find(|agreement| agreement.id == file.id);
                now.is_some_and(|now| now.until != file.until || now.k != file.k)
            }
            Document::Party(file) => {
                let now = rules.parties.iter().find(|party| party.id == file.id);
                now.is_some_and(|now| now.frozen != file.frozen || now.keys != file.keys)
            }
            // whoever is not there at all was written down in vain
            Document::Officer(file) => {
                let now = rules.officers.iter().find(|officer| officer.name == file.name);
                now.is_none_or(|now| {
                    let but_key = Officer { key: now.key.clone(), ..file.clone() };
                    public_key(now) != public_key(&file) || but_key != *now
                })
            }
            Document::Exception(_) => false,
        }
    };
    seeds.into_iter().filter(differs).map(|seed| (seed.kind, seed.id)).collect()
}

/// Gives the officers of a development home their throw-away keys, and picks the two who sign what
/// comes with it: an editor, and an approver of another unit.
fn signers(home: &Home, officers: &mut [Officer]) -> anyhow::Result<Option<SeedSigners>> {
    let mut with_keys = Vec::new();
    for officer in officers.iter_mut().filter(|officer| officer.key.is_none()) {
        let path = home.officer_key(&officer.name);
        if path.exists() {
            let key = keys::read_jwk(&path)?;
            officer.key = Some(keys::throw_away(&key));
            with_keys.push((officer.clone(), key));
        }
    }
    let mut take = |fits: &dyn Fn(&Officer) -> bool| {
        let at = with_keys.iter().position(|(officer, _)| fits(officer))?;
        Some(with_keys.swap_remove(at))
    };
    let author = take(&|officer| officer.is(Role::Editor) && officer.unit.is_none());
    let Some((author, author_key)) = author else { return Ok(None) };
    let other = |officer: &Officer| officer.address() != author.address();
    let approver = take(&|officer| officer.is(Role::Approver) && other(officer));
    Ok(approver.map(|(approver, approver_key)| SeedSigners {
        author: (author.name, author_key),
        approver: (approver.name, approver_key),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::tests::fresh;
    use crate::config::Access;

    fn files(home: &Home) -> Result<Files, String> {
        read_files(home, &home.config().unwrap()).map_err(|error| format!("{error:#}"))
    }

    fn edit(path: &std::path::Path, change: impl Fn(&str) -> String) {
        let text = file::read_text(path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text);
        file::replace(path, changed.as_bytes(), Access::Everyone).unwrap();
    }

    #[test]
    fn a_floor_that_does_not_verify_is_refused() {
        let (_directory, home) = fresh();
        assert!(files(&home).is_ok());
        edit(&home.floor_file(), |text| format!("{text}\n"));
        assert!(files(&home).unwrap_err().contains("does not verify"));
    }

    #[test]
    fn a_missing_or_broken_file_is_named() {
        for name in ["floor.toml", "floor.jws", "dpo.jwk"] {
            let (_directory, home) = fresh();
            std::fs::remove_file(home.root().join(name)).unwrap();
            let fault = files(&home).unwrap_err();
            assert!(fault.contains(name) && fault.contains("does not exist"), "{fault}");
        }
        let (_directory, home) = fresh();
        let record = home.party(&"bnpt".parse().unwrap()).join("record.toml");
        edit(&record, |text| text.replace("id = \"bnpt\"", "id = \"other\""));
        let fault = read(&home, Mode::Development).unwrap_err().to_string();
        assert!(fault.contains("unlike its directory"), "{fault}");
    }

    #[test]
    fn an_officer_of_nobody_is_refused() {
        let (_directory, home) = fresh();
        edit(&home.officers_file(), |text| text.replace("sentra-handayani", "sentra-lain"));
        let fault = read(&home, Mode::Development).unwrap_err().to_string();
        assert!(fault.contains("no known party or unit"), "{fault}");
    }

    #[test]
    fn a_development_home_signs_its_seeds_and_production_does_not() {
        let (_directory, home) = fresh();
        let (seeds, signers) = read(&home, Mode::Development).unwrap();
        assert!(seeds.iter().any(|seed| seed.kind == DocumentKind::Policy));
        let signers = signers.unwrap();
        assert_ne!(signers.author.0, signers.approver.0);
        assert!(read(&home, Mode::Production).unwrap().1.is_none());
    }

    #[test]
    fn production_begins_with_two_who_can_sign_or_not_at_all() {
        let (_directory, home) = fresh();
        let floor = file::read_text(&home.floor_file()).unwrap();
        let check =
            || check_officers(&home, Mode::Production, &floor).map_err(|fault| fault.to_string());
        let shipped = file::read_text(&home.officers_file()).unwrap();
        let write = |text: &str| {
            file::replace(&home.officers_file(), text.as_bytes(), Access::Everyone).unwrap();
        };
        write("");
        assert!(check_officers(&home, Mode::Development, &floor).is_ok());
        let fault = check().unwrap_err();
        assert!(fault.contains("officers.toml`: no editor of an agency"), "{fault}");
        assert!(fault.contains("titian officer key"), "{fault}");
        let jwk = |name: &str| keys::read_jwk(&home.officer_key(name)).unwrap();
        let row = |name: &str, at: &str, role: &str, jwk: &serde_json::Value| {
            let key = toml::Value::try_from(jwk).unwrap();
            format!("[[officer]]\nname = \"{name}\"\nroles = [\"{role}\"]\n{at}\nkey = {key}\n")
        };
        let [one, two] = ["petugas-kebijakan", "pejabat-pengesah"].map(jwk);
        let (centre, unit) =
            ("party = \"kemensos\"", "party = \"kemensos\"\nunit = \"sentra-handayani\"");
        let editor = row("editor", centre, "editor", &one.public().to_jwk());
        write(&editor);
        assert!(check().unwrap_err().contains("no approver of another unit"));
        for (at, role, jwk, good) in [
            (unit, "approver", two.public().to_jwk(), true),
            (unit, "approver", one.public().to_jwk(), false),
            (unit, "approver", keys::throw_away(&two), false),
            (unit, "operator", two.public().to_jwk(), false),
            // of one unit they are not two
            (centre, "approver", two.public().to_jwk(), false),
            // of whom the floor does not list nobody decides, whatever the record calls it
            ("party = \"bnpt\"", "approver", two.public().to_jwk(), true),
            ("party = \"cuta-be\"", "approver", two.public().to_jwk(), false),
        ] {
            write(&(editor.clone() + &row("second", at, role, &jwk)));
            assert_eq!(check().is_ok(), good, "{at} {role}: {jwk}");
        }
        write(&(editor.clone() + &row("blank", unit, "approver", &serde_json::json!({"x": ""}))));
        assert!(check().unwrap_err().contains("without a `key`: `blank`;"));
        let abroad = "party = \"cuta-be\"";
        let approver = row("second", unit, "approver", &two.public().to_jwk());
        write(&(row("editor", abroad, "editor", &one.public().to_jwk()) + &approver));
        assert!(check().unwrap_err().contains("no editor of an agency that the floor"));
        // whoever has no key is named, also beside two who have
        write(&(editor + &approver + &shipped));
        let fault = check().unwrap_err();
        let all = "without a `key`: `petugas-jaga`, `petugas-kebijakan`, `pejabat-pengesah`, \
                   `petugas-bnpt`, `pengesah-bnpt`;";
        assert!(fault.contains(all), "{fault}");
    }
}
