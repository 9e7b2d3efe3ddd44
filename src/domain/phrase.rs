//! What is told to a person: phrases of the message catalogue, `config/locales`.
//!
//! Whoever finds something names the phrase and the values in it; in which language it is said is
//! decided where it is read. So no reason is matched on its words, and none is told to an officer
//! in a language that the officer did not choose.
//!
//! INVARIANT: every phrase that the code names stands in every language. A test reads both.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::leaf::Leaf;

static_loader! {
    static WORDS = {
        locales: "./config/locales",
        fallback_language: "id",
        // the marks around values would break searching and copying
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const BAHASA: LanguageIdentifier = langid!("id");
const ENGLISH: LanguageIdentifier = langid!("en");

/// A language that officers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Bahasa Indonesia; terms still need a native review.
    #[default]
    Id,
    /// English.
    En,
}

impl Language {
    /// A message of the catalogue, with its values filled in.
    pub fn say(self, message: &str, values: &[(&'static str, &str)]) -> String {
        let language = match self {
            Self::Id => &BAHASA,
            Self::En => &ENGLISH,
        };
        let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), (*value).into())).collect();
        WORDS.lookup_with_args(language, message, &values)
    }

    /// A message of the catalogue, where there is one of that name.
    pub fn knows(self, message: &str) -> Option<String> {
        let language = match self {
            Self::Id => &BAHASA,
            Self::En => &ENGLISH,
        };
        WORDS.try_lookup(language, message)
    }

    /// What a person calls a leaf.
    pub fn label(self, leaf: &Leaf) -> &str {
        match self {
            Self::Id => &leaf.label.id,
            Self::En => &leaf.label.en,
        }
    }
}

/// A phrase of the catalogue, and what stands in it. It is shown and written in English, the
/// language of logs and machines; a page says it in its reader's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    key: &'static str,
    values: Vec<(&'static str, Part)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Phrase(Phrase),
}

/// The phrase that is nothing but a text said elsewhere.
const SAID: &str = "why-said";

impl Phrase {
    /// The phrase of that name. The empty name says nothing.
    pub const fn new(key: &'static str) -> Self {
        Self { key, values: Vec::new() }
    }

    /// With a value that reads the same in every language.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.values.push((name, Part::Text(value.to_string())));
        self
    }

    /// With another phrase in it.
    #[must_use]
    pub fn telling(mut self, name: &'static str, phrase: Self) -> Self {
        self.values.push((name, Part::Phrase(phrase)));
        self
    }

    /// What a library said, in its own words: of a text that is not readable at all.
    pub fn unreadable(said: &str) -> Self {
        Self::new("why-unreadable").with("said", said.trim().replace('\n', ", "))
    }

    /// Whether it says nothing.
    pub const fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// With the line that it is about; 0 where it is about none.
    #[must_use]
    pub fn on_line(self, line: usize) -> Self {
        match line {
            0 => self,
            line => Self::new("why-on-line").with("line", line).telling("reason", self),
        }
    }

    /// In words.
    pub fn say(&self, language: Language) -> String {
        if self.is_empty() {
            return String::new();
        }
        let values: Vec<(&'static str, String)> = self
            .values
            .iter()
            .map(|(name, part)| match part {
                Part::Text(text) => (*name, text.clone()),
                Part::Phrase(phrase) => (*name, phrase.say(language)),
            })
            .collect();
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        language.say(self.key, &values)
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::En))
    }
}

/// In English.
impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As the other side said it.
impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(SAID).with("said", String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn named(directory: &Path, key: &Regex, named: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self::named(&path, key, named);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                named.extend(key.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }

    /// Each phrase by its name, with the names of the values in it.
    fn written(language: &str) -> Vec<(String, BTreeSet<String>)> {
        let text = root().join(format!("config/locales/{language}/why.ftl"));
        let text = std::fs::read_to_string(text).unwrap();
        let value = Regex::new(r"\{ \$([a-z]+) \}").unwrap();
        let lines = text.lines().filter_map(|line| line.split_once(" = "));
        let values = |said: &str| value.captures_iter(said).map(|v| v[1].to_owned()).collect();
        lines.map(|(key, said)| (key.to_owned(), values(said))).collect()
    }

    #[test]
    fn every_phrase_that_the_code_names_stands_in_both_languages_and_no_other_does() {
        let mut asked = BTreeSet::new();
        named(&root().join("src"), &Regex::new("\"(why-[a-z0-9-]+)\"").unwrap(), &mut asked);
        let (english, bahasa) = (written("en"), written("id"));
        let keys: BTreeSet<String> = english.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys.len(), english.len(), "a key stands twice");
        assert_eq!(asked, keys);
        assert_eq!(english, bahasa, "order, names or values differ");
    }

    #[test]
    fn a_phrase_is_said_in_the_readers_language_and_written_in_english() {
        let inner = Phrase::new("why-not-active");
        let phrase = Phrase::new("why-nobody").with("id", "x").with("kind", "party");
        let phrase = phrase.telling("reason", inner);
        assert_eq!(
            phrase.to_string(),
            "the party `x` would be in force for nobody: no key is `active`"
        );
        assert!(phrase.say(Language::Id).ends_with("tidak ada kunci yang `active`"), "{phrase:?}");
        assert_eq!(serde_json::to_value(&phrase).unwrap(), phrase.to_string());
        let again: Phrase = serde_json::from_value(phrase.to_string().into()).unwrap();
        assert_eq!(again.to_string(), phrase.to_string());
        assert!(Phrase::default().is_empty() && Phrase::default().to_string().is_empty());
    }
}
