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

static BAHASA: LanguageIdentifier = langid!("id");
static ENGLISH: LanguageIdentifier = langid!("en");

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
        let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), (*value).into())).collect();
        WORDS.lookup_with_args(self.id(), message, &values)
    }

    fn id(self) -> &'static LanguageIdentifier {
        match self {
            Self::Id => &BAHASA,
            Self::En => &ENGLISH,
        }
    }

    /// A code of a closed list in words, with the code beside; the code alone where it needs no
    /// words, as that of a country or an age band.
    pub fn code(self, code: &str) -> String {
        match WORDS.try_lookup(self.id(), &code_key(code)) {
            Some(words) if words != code.replace('_', " ") => format!("{words} ({code})"),
            _ => code.to_owned(),
        }
    }

    /// Codes, as [`Self::code`] says each.
    pub fn codes<'a>(self, codes: impl IntoIterator<Item = &'a String>) -> String {
        let each: Vec<String> = codes.into_iter().map(|code| self.code(code)).collect();
        each.join(", ")
    }

    /// What a person calls a leaf.
    pub fn label(self, leaf: &Leaf) -> &str {
        match self {
            Self::Id => &leaf.label.id,
            Self::En => &leaf.label.en,
        }
    }
}

/// Under which name the catalogue has the words for a code: `in_service` is `code-in-service`.
fn code_key(code: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("code-{}", code.chars().map(fits).collect::<String>())
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
    Codes(Vec<String>),
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

    /// With codes of a closed list, each in words.
    #[must_use]
    pub fn naming(mut self, name: &'static str, codes: &[&str]) -> Self {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        self.values.push((name, Part::Codes(codes)));
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
                Part::Codes(codes) => (*name, language.codes(codes)),
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

    /// Codes of the lists in a schema, less those that everybody reads alike.
    fn listed(schema: &serde_json::Value, codes: &mut BTreeSet<String>) {
        let alike =
            Regex::new("^([A-Z]{3}|ID-[A-Z]{2}|[0-9]+[-+][0-9]*|TLP:.*|.*/[a-z]+)$").unwrap();
        match schema {
            serde_json::Value::Object(members) => {
                let list = members.get("enum").and_then(serde_json::Value::as_array);
                let list = list.into_iter().flatten().filter_map(serde_json::Value::as_str);
                codes.extend(
                    list.filter(|code| !alike.is_match(code) && !code.starts_with('/'))
                        .map(str::to_owned),
                );
                members.values().for_each(|member| listed(member, codes));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| listed(item, codes)),
            _ => {}
        }
    }

    #[test]
    fn every_code_of_every_list_has_words_in_both_languages() {
        let mut codes = BTreeSet::new();
        for entry in std::fs::read_dir(root().join("schemas")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(path).unwrap();
                listed(&serde_json::from_str(&text).unwrap(), &mut codes);
            }
        }
        // what the shipped tables make of them
        let tables = include_str!("../../config/tables.toml");
        let made = Regex::new("(?m)^[a-z_]+ = \"([a-z_]+)\"$").unwrap();
        codes.extend(made.captures_iter(tables).map(|found| found[1].to_owned()));
        assert!(codes.len() > 150, "{codes:?}");
        for language in [Language::Id, Language::En] {
            let known = |code: &&String| WORDS.try_lookup(language.id(), &code_key(code)).is_none();
            let missing: Vec<_> = codes.iter().filter(known).collect();
            assert!(missing.is_empty(), "{language:?} has no words for {missing:?}");
        }
        let of = |language: &str| {
            let path = root().join(format!("config/locales/{language}/codes.ftl"));
            let text = std::fs::read_to_string(path).unwrap();
            let keys = text.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()));
            keys.collect::<Vec<_>>()
        };
        assert_eq!(of("en"), of("id"));
        assert_eq!(Language::Id.code("female"), "perempuan (female)");
        assert_eq!(Language::En.code("female"), "female");
        assert_eq!(Language::Id.code("BEL"), "BEL");
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
