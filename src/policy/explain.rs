//! A policy in sentences a person can check, in Bahasa Indonesia and English.
//!
//! Positive sentences only ("CUTA menerima …"), one for each leaf that leaves, and their number:
//! what is not said does not go. The words stand in `config/locales`, the names of the leaves in
//! the message schema.

use serde::Serialize;

use super::batch::Batch;
use super::compile::Compiled;
use super::diff::{Change, ChangeKind, Diff, HeadChange};
use super::operation::{Operation, Outcome};
use crate::domain::{Language, Leaf};

/// Sentences: who receives, when releases leave (abroad), one for each leaf that leaves, how many
/// leaves that is.
pub fn explain(policy: &Compiled, language: Language) -> Vec<String> {
    let recipient = policy.recipient().to_string();
    let table = policy.table();
    let mut sentences = vec![headline(policy, language)];
    sentences.extend(leaving(policy, language));
    let before = sentences.len();
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
    let count = sentences.len() - before;
    sentences.push(match count {
        0 => language.say("policy-nothing", &[("recipient", &recipient)]),
        count => {
            let (count, all) = (count.to_string(), table.leaves.len().to_string());
            language.say("policy-count", &[("count", &count), ("all", &all)])
        }
    });
    sentences
}

/// A change in sentences, grouped by what the recipient notices.
#[derive(Debug, Default, Serialize)]
pub struct DiffSentences {
    /// What it starts to receive.
    pub starts: Vec<String>,
    /// What it receives no more.
    pub stops: Vec<String>,
    /// What it receives differently.
    pub differs: Vec<String>,
    /// Validity, purpose, agreement.
    pub head: Vec<String>,
    /// Who has to decide.
    pub verdict: String,
}

/// Says a change from `before` to `after`.
pub fn explain_diff(
    diff: &Diff,
    before: &Compiled,
    after: &Compiled,
    language: Language,
) -> DiffSentences {
    let mut said = DiffSentences::default();
    for change in &diff.leaves {
        let sentences = say_change(change, (before, after), language);
        match change.kind {
            ChangeKind::Starts => said.starts.extend(sentences),
            ChangeKind::Stops => said.stops.extend(sentences),
            ChangeKind::Differs => said.differs.extend(sentences),
        }
    }
    for change in &diff.head {
        let purpose =
            |policy: &Compiled| language.say(&format!("policy-purpose-{}", policy.purpose()), &[]);
        let both = |of: &dyn Fn(&Compiled) -> String| (of(before), of(after));
        let (old, new) = match change {
            HeadChange::Longer | HeadChange::Shorter => both(&|p| p.expires().to_string()),
            HeadChange::Agreement => both(&|p| p.agreement().to_owned()),
            HeadChange::Purpose => both(&purpose),
            HeadChange::ProofStarts | HeadChange::ProofStops => (String::new(), String::new()),
            HeadChange::LeavesAtOnce | HeadChange::LeavesMonthly | HeadChange::OtherWindow => {
                both(&|p| when(p.batch(), language))
            }
        };
        let message = format!("policy-diff-head-{}", change.as_str());
        said.head.push(language.say(&message, &[("before", &old), ("after", &new)]));
    }
    let widening = diff.leaves.iter().filter(|change| change.widens).count()
        + diff.head.iter().filter(|change| change.widens()).count();
    let recipient = ("recipient", diff.recipient.as_str());
    said.verdict = if diff.is_empty() {
        language.say("policy-diff-nothing", &[recipient])
    } else if widening == 0 && diff.only_stops() && before.why() == after.why() {
        language.say("policy-diff-narrows", &[])
    } else if widening == 0 {
        language.say("policy-diff-says-otherwise", &[])
    } else {
        language.say("policy-diff-widens", &[recipient, ("count", &widening.to_string())])
    };
    said
}

fn say_change(
    change: &Change,
    (before, after): (&Compiled, &Compiled),
    language: Language,
) -> Vec<String> {
    let name = change.leaf.as_str();
    let leaf = after.table().leaf(name).or_else(|| before.table().leaf(name));
    let how = |policy: &Compiled| {
        policy.operations().get(name).and_then(|op| how(op, leaf, language)).unwrap_or_default()
    };
    let (old, new) = (how(before), how(after));
    let recipient = after.recipient().to_string();
    let values = [
        ("recipient", recipient.as_str()),
        ("label", leaf.map_or(name, |leaf| language.label(leaf))),
        ("leaf", name),
        ("how", new.as_str()),
        ("before", old.as_str()),
    ];
    let mut sentences = vec![match change.kind {
        ChangeKind::Starts => language.say("policy-diff-starts", &values),
        ChangeKind::Stops => language.say("policy-diff-stops", &values),
        ChangeKind::Differs => language.say("policy-diff-differs", &values),
    }];
    let refused = language.say("policy-diff-refused", &[]);
    for (code, was, is) in &change.codes {
        let word = |told: &Option<String>| {
            told.as_ref().map_or_else(|| refused.clone(), |told| language.code(told))
        };
        let (was, is) = (word(was), word(is));
        let [_, label, leaf, ..] = values;
        let code = language.code(code);
        let values = [label, leaf, ("code", code.as_str()), ("how", &is), ("before", &was)];
        sentences.push(language.say("policy-diff-code", &values));
    }
    sentences
}

/// A policy's summary to print and file, for an impact assessment: Markdown in one language.
pub fn print(policy: &Compiled, language: Language) -> String {
    let (recipient, digest) = (policy.recipient().to_string(), policy.digest().to_string());
    let version = policy.version().to_string();
    let values = [
        ("id", policy.id()),
        ("version", &version),
        ("why", policy.why()),
        ("digest", &digest),
        ("recipient", &recipient),
    ];
    let say = |message: &str| language.say(message, &values);
    let mut sentences = explain(policy, language);
    let count = sentences.pop().unwrap_or_default();
    let leaves = 1 + usize::from(policy.foreign());
    let passed = sentences.split_off(leaves.min(sentences.len()));
    let mut lines = vec![format!("# {}", say("policy-print-title")), String::new()];
    lines.append(&mut sentences);
    lines.extend([
        say("policy-print-why"),
        say("policy-print-digest"),
        String::new(),
        format!("## {}", say("policy-print-passed")),
        String::new(),
    ]);
    lines.extend(passed.iter().map(|sentence| format!("- {sentence}")));
    lines.extend([String::new(), count]);
    let passing = policy.passing();
    let dropped = policy.table().leaves.iter().filter(|leaf| {
        !passing.iter().any(|name| *name == leaf.name || leaf.name.is_within(name.as_str()))
    });
    let dropped: Vec<String> =
        dropped.map(|leaf| format!("- {} ({})", language.label(leaf), leaf.name)).collect();
    if !dropped.is_empty() {
        let heading = format!("## {}", say("policy-print-dropped"));
        lines.extend([String::new(), heading, String::new()]);
        lines.extend(dropped);
    }
    if !policy.warnings().is_empty() {
        let heading = format!("## {}", say("policy-print-warnings"));
        lines.extend([String::new(), heading, String::new()]);
        lines.extend(policy.warnings().iter().map(|warning| format!("- {warning}")));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(policy: &Compiled, language: Language) -> String {
    let purpose = language.say(&format!("policy-purpose-{}", policy.purpose()), &[]);
    let values = [
        ("recipient", policy.recipient().to_string()),
        ("sender", policy.sender().to_string()),
        ("message", language.code(policy.message().as_str())),
        ("purpose", purpose),
        ("agreement", policy.agreement().to_owned()),
        ("expires", policy.expires().to_string()),
    ];
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    language.say("policy-headline", &values)
}

/// When releases leave, where they go abroad; inside Indonesia they always leave at once.
fn leaving(policy: &Compiled, language: Language) -> Option<String> {
    if !policy.foreign() {
        return None;
    }
    let (recipient, when) = (policy.recipient().to_string(), when(policy.batch(), language));
    Some(language.say("policy-leaving", &[("recipient", &recipient), ("how", &when)]))
}

fn when(batch: Batch, language: Language) -> String {
    let Some(window) = batch.window() else { return language.say("policy-when-at-once", &[]) };
    let (day, hour) = (window.day().to_string(), window.hour());
    language.say("policy-when-monthly", &[("day", &day), ("hour", &hour)])
}

/// `None` for what does not leave.
pub(super) fn how(
    operation: &Operation,
    leaf: Option<&Leaf>,
    language: Language,
) -> Option<String> {
    let codes = match operation.outcome(leaf) {
        Outcome::Codes(codes) => language.codes(&codes),
        _ => String::new(),
    };
    let message = match operation {
        Operation::Drop => return None,
        Operation::Keep => "policy-op-keep",
        Operation::Constant(value) => {
            let value = language.code(value);
            return Some(language.say("policy-op-constant", &[("value", &value)]));
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
        let more = [
            "leaf", "how", "count", "all", "value", "codes", "before", "after", "code", "id",
            "version", "why", "digest", "day", "hour",
        ];
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
