//! The console's words, in Bahasa Indonesia and English: `config/locales/*/console*.ftl`.

use crate::domain::Language;

/// Message `key` of the catalogue, with its values filled in.
pub(super) fn say(language: Language, key: &str, values: &[(&'static str, &str)]) -> String {
    language.say(key, values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    const LOCALES: [&str; 2] = ["en", "id"];

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    fn keys(locale: &str) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(root.join(format!("config/locales/{locale}"))).unwrap();
        let files = files
            .map(|file| file.unwrap().path())
            .filter(|file| file.file_stem().unwrap().to_string_lossy().starts_with("console"));
        let text = files.map(|file| read(&file)).collect::<Vec<_>>().join("\n");
        let key = Regex::new("(?m)^([a-z][a-z0-9_-]*) =").unwrap();
        let all: Vec<String> = key.captures_iter(&text).map(|found| found[1].to_owned()).collect();
        let once: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(once.len(), all.len(), "{locale}: a key stands twice");
        once
    }

    /// What pages and code ask for stands in both catalogues, and nothing else does.
    #[test]
    fn every_key_that_is_asked_for_stands_in_both_languages() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/web");
        // a key is written out, or begins what is made of a code: "state-" in `p.of("state", code)`
        let asks = Regex::new(r#"\b(?:t|t1|t2|say|key)\(\s*"([a-z][a-z0-9_-]*)""#).unwrap();
        let families = Regex::new(r#"\bof\(\s*"([a-z][a-z0-9_-]*)""#).unwrap();
        let (mut asked, mut begun) = (BTreeSet::new(), BTreeSet::new());
        for directory in ["", "templates"] {
            for entry in std::fs::read_dir(root.join(directory)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "rs" || e == "html") {
                    let text = read(&path);
                    asked.extend(asks.captures_iter(&text).map(|found| found[1].to_owned()));
                    begun.extend(families.captures_iter(&text).map(|f| format!("{}-", &f[1])));
                }
            }
        }
        for locale in LOCALES {
            let known = keys(locale);
            let missing: Vec<_> = asked.difference(&known).collect();
            assert!(missing.is_empty(), "{locale} lacks {missing:?}");
            let unused: Vec<_> = known
                .iter()
                .filter(|key| !asked.contains(*key))
                .filter(|key| !begun.iter().any(|begin| key.starts_with(begin.as_str())))
                .collect();
            assert!(unused.is_empty(), "{locale}: nobody asks for {unused:?}");
        }
        assert_eq!(keys("en"), keys("id"));
    }
}
