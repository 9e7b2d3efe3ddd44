//! The baseline of a home: read with its signature, and taken over from its officer.
//!
//! A home made before there were baselines has neither file and starts with an empty table, which
//! counts nobody, so more is held. One of the two files without the other is a fault.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::floor::{self, BaselineStatement};
use super::home::Home;
use super::safety;
use crate::config::{Access, Mode, file};
use crate::policy::Baseline;
use crate::sign::PublicKey;

/// What is said of a home without one.
pub const NONE: &str = "no baseline: groups abroad are counted from cases that passed here only; \
                        `titian baseline import` takes one over";

/// `baseline.toml`, if the home has one; it must verify under the pinned key.
pub fn read(home: &Home, (dpo, mode): (&PublicKey, Mode)) -> anyhow::Result<Option<String>> {
    let (path, signature) = (home.baseline_file(), home.baseline_signature());
    if !path.exists() && !signature.exists() {
        return Ok(None);
    }
    let text = file::read_text(&path)?;
    let jws = file::read_text(&signature)?;
    floor::verify::<BaselineStatement>((dpo, mode), text.as_bytes(), &jws)
        .with_context(|| format!("`{}`", path.display()))?;
    Ok(Some(text))
}

/// The table of a home, if it has one.
pub fn of(home: &Home) -> anyhow::Result<Option<Baseline>> {
    let text = read(home, (&safety::read_dpo(home)?, home.config()?.mode))?;
    Ok(text.as_deref().map(Baseline::parse).transpose()?)
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// The table before.
    pub before: Option<Baseline>,
    /// The table now.
    pub after: Baseline,
    /// The files written.
    pub written: [PathBuf; 2],
}

/// Takes a signed baseline over into a home, in place of the one it has. Nothing is written
/// unless the signature verifies under the pinned key and the table is whole.
pub fn import(home: &Home, table: &Path, signature: &Path) -> anyhow::Result<Imported> {
    let (dpo, mode) = (safety::read_dpo(home)?, home.config()?.mode);
    let (text, jws) = (file::read_text(table)?, file::read_text(signature)?);
    floor::verify::<BaselineStatement>((&dpo, mode), text.as_bytes(), &jws)
        .with_context(|| format!("`{}`", table.display()))?;
    let after = Baseline::parse(&text).with_context(|| format!("`{}`", table.display()))?;
    // one that no longer verifies is replaced all the same
    let before = file::read_text(&home.baseline_file()).ok();
    let before = before.and_then(|text| Baseline::parse(&text).ok());
    let written = [home.baseline_file(), home.baseline_signature()];
    let [to, to_signature] = &written;
    file::replace(to, text.as_bytes(), Access::Everyone)?;
    file::replace(to_signature, jws.as_bytes(), Access::Everyone)?;
    Ok(Imported { before, after, written })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::tests::fresh;
    use crate::app::{init, keys};

    fn held(home: &Home) -> Result<Option<Baseline>, String> {
        of(home).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_home_without_a_baseline_reads_and_half_a_one_does_not() {
        let (_directory, home) = fresh();
        let with = held(&home).unwrap();
        assert_eq!(with.as_ref().unwrap().total(), 263);
        std::fs::remove_file(home.baseline_signature()).unwrap();
        assert!(held(&home).unwrap_err().contains("baseline.jws` does not exist"));
        std::fs::remove_file(home.baseline_file()).unwrap();
        assert_eq!(held(&home), Ok(None));
        // what an older home lacks, a second `init` adds
        let made = init::init(&home, init::tests::NOW).unwrap();
        assert_eq!(made, [home.baseline_file(), home.baseline_signature()]);
        assert_eq!(held(&home).unwrap(), with);
    }

    #[test]
    fn only_a_whole_table_that_verifies_is_taken_over() {
        let (directory, home) = fresh();
        let key = keys::read_jwk(&home.development().join("dpo.jwk")).unwrap();
        let (table, signature) = (directory.path().join("t.toml"), directory.path().join("t.jws"));
        let shipped = file::read_text(&home.baseline_file()).unwrap();
        let attempt = |text: &str, signed: &str| {
            std::fs::write(&table, text).unwrap();
            std::fs::write(&signature, signed).unwrap();
            import(&home, &table, &signature).map_err(|error| format!("{error:#}"))
        };
        let sign = |text: &str| floor::sign::<BaselineStatement>(&key, text.as_bytes()).unwrap();
        let larger = shipped.replace("total = 263", "total = 269").replace("n = 4\n", "n = 10\n");
        let wrong = shipped.replace("total = 263", "total = 262");
        let floor = floor::sign::<floor::FloorStatement>(&key, larger.as_bytes()).unwrap();
        for (text, signed, says) in [
            (&larger, sign(&shipped), "does not verify"),
            (&larger, floor, "does not verify"),
            (&larger, String::new(), "no"),
            (&wrong, sign(&wrong), "total"),
        ] {
            let fault = attempt(text, &signed).unwrap_err();
            assert!(fault.contains(says), "{fault}");
            assert_eq!(file::read_text(&home.baseline_file()).unwrap(), shipped);
        }
        let done = attempt(&larger, &sign(&larger)).unwrap();
        assert_eq!((done.before.unwrap().total(), done.after.total()), (263, 269));
        assert_eq!(held(&home).unwrap().unwrap().total(), 269);
    }
}
