//! Which floors and baselines a home was run with, so that an older one does not come back unseen.
//!
//! Both are signed, and neither says when: whoever keeps an old one can put it back with its true
//! signature. `run/used` names each that was run with, the last one last. It warns, it guards
//! nothing: whoever may change the floor may change that file too.

use super::home::Home;
use crate::config::{Access, FileError, file};
use crate::domain::Digest;
use crate::exchange::rules::Files;

/// Notes what the home runs with now. Answers the names of the files that were used before and had
/// another one after them; the last one used stays noted until a new one comes.
fn note(home: &Home, files: &Files) -> Result<Vec<&'static str>, FileError> {
    let path = home.run().join("used");
    let before = if path.exists() { file::read_text(&path)? } else { String::new() };
    let (mut used, mut older) = (before.clone(), Vec::new());
    for (name, text) in
        [("floor.toml", Some(&files.floor)), ("baseline.toml", files.baseline.as_ref())]
    {
        let Some(text) = text else { continue };
        let line = format!("{name} {}", Digest::of(text.as_bytes()));
        let mut known = used.lines().filter(|line| line.starts_with(name)).rev();
        match known.next() {
            Some(last) if last == line => {}
            _ if known.any(|known| known == line) => older.push(name),
            _ => used.extend([line.as_str(), "\n"]),
        }
    }
    if used != before {
        file::replace(&path, used.as_bytes(), Access::Owner)?;
    }
    Ok(older)
}

/// As [`note`], and says so in the log.
pub(super) fn note_or_warn(home: &Home, files: &Files) {
    match note(home, files) {
        Ok(older) => {
            for name in older {
                tracing::warn!(
                    "`{name}` is one that was used before, and another one since: is it meant?"
                );
            }
        }
        Err(error) => tracing::warn!(error = %error, "what was used before cannot be noted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::tests::fresh;

    #[test]
    fn an_older_floor_or_baseline_is_told_until_a_new_one_comes() {
        let (_directory, home) = fresh();
        let note = |floor: &str, baseline: Option<&str>| {
            let (floor, baseline) = (floor.to_owned(), baseline.map(str::to_owned));
            note(&home, &Files { floor, baseline, retention_days_max: 1 }).unwrap()
        };
        let nothing: [&str; 0] = [];
        for _start in 0..2 {
            assert_eq!(note("one", Some("one")), nothing);
        }
        assert_eq!(note("two", Some("one")), nothing);
        for _start in 0..2 {
            assert_eq!(note("one", Some("one")), ["floor.toml"]);
        }
        assert_eq!(note("two", Some("two")), nothing);
        assert_eq!(note("two", None), nothing);
        assert_eq!(note("one", Some("one")), ["floor.toml", "baseline.toml"]);
        assert_eq!(note("three", Some("two")), nothing);
        assert_eq!(note("two", Some("two")), ["floor.toml"]);
    }
}
