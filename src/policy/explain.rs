//! A policy in sentences a person can check, in Bahasa Indonesia and English.
//!
//! Positive sentences only ("CUTA menerima …"), one for each leaf that leaves, and their number:
//! what is not said does not go. The words stand in `config/locales`, the names of the leaves in
//! the message schema.

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid, static_loader};

use super::compile::Compiled;
use super::operation::{Operation, Outcome};
use crate::domain::Leaf;

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

/// A language officers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia; terms still need a native review.
    Id,
    /// English.
    En,
}

impl Language {
    fn say(self, message: &str, values: &[(&'static str, &str)]) -> String {
        let language = match self {
            Self::Id => &BAHASA,
            Self::En => &ENGLISH,
        };
        let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
            values.iter().map(|(name, value)| (Cow::Borrowed(*name), (*value).into())).collect();
        WORDS.lookup_with_args(language, message, &values)
    }

    fn label(self, leaf: &Leaf) -> &str {
        match self {
            Self::Id => &leaf.label.id,
            Self::En => &leaf.label.en,
        }
    }
}

/// Sentences: who receives, one for each leaf that leaves, how many leaves that is.
pub fn explain(policy: &Compiled, language: Language) -> Vec<String> {
    let recipient = policy.recipient().to_string();
    let table = policy.table();
    let mut sentences = vec![headline(policy, language)];
    for (name, operation) in policy.operations() {
        let leaf = table.leaf(name);
        if let Some(how) = how(operation, leaf, language) {
            // an array of objects has no label of its own
            let label = leaf.map_or(name.as_str(), |leaf| language.label(leaf));
            let values = [
                ("recipient", recipient.as_str()),
                ("label", label),
                ("leaf", name),
                ("how", &how),
            ];
            sentences.push(language.say("policy-leaf", &values));
        }
    }
    let count = sentences.len() - 1;
    sentences.push(match count {
        0 => language.say("policy-nothing", &[("recipient", &recipient)]),
        count => {
            let (count, all) = (count.to_string(), table.leaves.len().to_string());
            language.say("policy-count", &[("count", &count), ("all", &all)])
        }
    });
    sentences
}

fn headline(policy: &Compiled, language: Language) -> String {
    let purpose = language.say(&format!("policy-purpose-{}", policy.purpose()), &[]);
    let values = [
        ("recipient", policy.recipient().to_string()),
        ("sender", policy.sender().to_string()),
        ("message", policy.message().to_string()),
        ("purpose", purpose),
        ("agreement", policy.agreement().to_owned()),
        ("expires", policy.expires().to_string()),
    ];
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    language.say("policy-headline", &values)
}

/// `None` for what does not leave.
fn how(operation: &Operation, leaf: Option<&Leaf>, language: Language) -> Option<String> {
    let codes = match operation.outcome(leaf) {
        Outcome::Codes(codes) => codes.join(", "),
        _ => String::new(),
    };
    let message = match operation {
        Operation::Drop => return None,
        Operation::Keep => "policy-op-keep",
        Operation::Constant(value) => {
            return Some(language.say("policy-op-constant", &[("value", value)]));
        }
        Operation::CodeMap(_) | Operation::AgeBand(_) | Operation::Bucket(_) => "policy-op-codes",
        Operation::Year => "policy-op-year",
        Operation::HalfYear => "policy-op-half-year",
        Operation::Month => "policy-op-month",
        Operation::Country => "policy-op-country",
        Operation::Adm1 => "policy-op-adm1",
        Operation::Count(_) => "policy-op-count",
        Operation::Pseudonym => "policy-op-pseudonym",
        Operation::Hold => "policy-op-hold",
    };
    Some(language.say(message, &[("codes", &codes)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Purpose;

    fn keys(text: &str) -> Vec<&str> {
        let keys = text.lines().filter_map(|line| line.split_once(" = "));
        keys.map(|(key, _)| key).collect()
    }

    #[test]
    fn both_languages_have_every_message() {
        let purposes = [
            Purpose::ChildProtection,
            Purpose::ServiceDelivery,
            Purpose::Reintegration,
            Purpose::JwgLearning,
            Purpose::Statistics,
            Purpose::LegalObligation,
        ];
        let purposes = purposes.map(|purpose| format!("policy-purpose-{purpose}"));
        let written = include_str!("../../config/locales/id/policy.ftl");
        let english = include_str!("../../config/locales/en/policy.ftl");
        assert_eq!(keys(written), keys(english));
        let names = ["recipient", "sender", "message", "purpose", "agreement", "expires", "label"];
        let more = ["leaf", "how", "count", "all", "value", "codes"];
        let values: Vec<_> = names.into_iter().chain(more).map(|name| (name, "x")).collect();
        for message in purposes.iter().map(String::as_str).chain(keys(written)) {
            for language in [Language::Id, Language::En] {
                let said = language.say(message, &values);
                let odd = ["Unknown", "{", "$", "\u{2068}"].iter().any(|mark| said.contains(mark));
                assert!(!odd && !said.is_empty(), "{language:?} has no `{message}`: {said}");
            }
        }
    }

    #[test]
    fn values_stand_in_their_sentences_unmarked() {
        let said = Language::Id.say("policy-op-constant", &[("value", "withdrawn")]);
        assert_eq!(said, "selalu “withdrawn”");
    }
}
