//! What identifiers look like: rules (a) and (b) of the net.
//!
//! A shape matches whole tokens. No check digit, no region and no calendar clears a value: an old
//! or mistyped number still identifies. They only choose which rule is named to the officer.

use std::sync::LazyLock;

use regex::{RegexSet, RegexSetBuilder};

use super::normalise::{is_unseen, join_digits};
use super::{Hits, Rule};

/// The longest run of digits that says nothing.
const DIGITS_MAX: usize = 8;
/// Unseen characters in a row that no script and no emoji needs: something is hidden in them.
const UNSEEN_MAX: usize = 7;

/// The shortest text that spells nine digits: nine words of two letters and the spaces.
const SPELT_BYTES_MIN: usize = 26;

/// Over the folded text, punctuation as written.
const WRITTEN: &[(Rule, &str)] = &[
    (Rule::Email, r"[a-z0-9_.+\-] ?@ ?[a-z0-9\-]+ ?\. ?[a-z]"),
    (Rule::Email, r"[\[({<] ?(?:at|et|@) ?[\])}>]"),
    (Rule::Email, r"\b(?:at|et) [a-z0-9\-]+ (?:dot|titik|point|punt) [a-z]"),
    (Rule::Url, r"\b[a-z][a-z0-9+.\-]{1,15} ?: ?/ ?/"),
    (Rule::Url, r"\b(?:mailto|tel|sms|whatsapp|tg|geo|data|skype|xmpp):[a-z0-9+@/.\-]"),
    (Rule::Url, r"\bwww ?\. ?[a-z0-9]"),
    (Rule::Url, r"\b(?:t|wa|m|fb|line|vk|bit|signal) ?\. ?(?:me|ly|com|group) ?/ ?[a-z0-9+@_]"),
    (
        Rule::Url,
        concat!(
            r"\b[a-z0-9\-]+\.(?:com|org|net|info|id|be|nl|eu|fr|de|uk|us|me|io|co|app|gg|ly|tv|xyz|",
            r"link|site|online|shop|biz|dev|ru|cc|invalid|test|onion)\b",
        ),
    ),
    (Rule::Url, r"[a-z0-9] ?[\[({](?:\.|dot|titik)[\])}] ?[a-z]"),
    (Rule::Mrz, r"[a-z0-9]<<+[a-z]|\bp[a-z<][a-z]{3}[a-z<]{2,}<|<<<"),
    (Rule::CaseNumber, r"\blp ?[./] ?[a-z0-9]|\blp ?- ?[abc] ?[./\-]|\blp ?- ?\d"),
    (Rule::CaseNumber, r"\bpid ?\. ?(?:-|/| )? ?(?:sus|b|c|s|pra|prap|anak)\b"),
    (Rule::CaseNumber, r"\bpdm ?[.\-] ?\d|\bbp ?/ ?\d|\d/pn[ .\-]"),
    (Rule::BirthCertificate, r"\d{4} ?[./\-]? ?l[ut] ?[./\-]? ?\d{2}"),
    (Rule::Passport, r"\b(?:[a-z]|[a-qs-z][a-z]|r[a-oq-z])[ .:\-]{1,3}\d{6,7}\b"),
    (Rule::Network, r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){3,7}\b"),
    (Rule::Network, r"\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5}::[0-9a-f]{1,4}\b"),
    (Rule::Network, r"\b[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}\b"),
    (Rule::Position, r"\b\d{1,3}[.,]\d{4,} ?[,;/ ] ?-?\d{1,3}[.,]\d{4,}\b"),
    (
        Rule::Position,
        r"\d ?° ?\d{1,2} ?(?:'|′)|\b[23456789cfghjmpqrvwx]{4,8}\+[23456789cfghjmpqrvwx]{2,3}\b",
    ),
    (
        Rule::Address,
        r"\br[tw] ?[.:/ ] ?\d{1,3}\b|\br[tw]\d{2,3}\b|\brt\d ?[/,]? ?rw|\brt ?/ ?rw\b|\bjln?\b ?\.? ?[a-z]",
    ),
];

/// Over the text with its digits joined.
const JOINED: &[(Rule, &str)] = &[
    (Rule::Passport, r"\b(?:[a-z]|[a-qs-z][a-z]|r[a-oq-z])\d{6,7}\b"),
    (Rule::BirthCertificate, r"\bal[ .\-]{0,3}\d{8,10}\b"),
    (Rule::Unhcr, r"\b\d{3}-?\d{2}[ \-]?c[ \-]?\d{5}\b"),
    (Rule::Phone, r"\+ ?\(?\d{7,}"),
];

static WRITTEN_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| compiled(WRITTEN));
static JOINED_SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| compiled(JOINED));

// INVARIANT: the tables compile; `the_tables_compile` holds it, and a set that did not would hit
// everything rather than nothing (`search`).
fn compiled(table: &[(Rule, &str)]) -> Option<RegexSet> {
    RegexSetBuilder::new(table.iter().map(|(_, pattern)| pattern)).unicode(false).build().ok()
}

fn search(set: Option<&RegexSet>, table: &[(Rule, &str)], text: &str, hits: &mut Hits) {
    let Some(set) = set else {
        hits.add(Rule::Digits);
        return;
    };
    if set.is_match(text) {
        let found = set.matches(text);
        for (rule, _) in found.iter().filter_map(|at| table.get(at)) {
            hits.add(*rule);
        }
    }
}

/// Adds what hits `folded`, the folded form of a text.
pub(super) fn find(folded: &str, hits: &mut Hits) {
    if folded.len() >= SPELT_BYTES_MIN {
        spelt_out(folded, hits);
    }
    let marks = Marks::of(folded);
    if marks.plain {
        return;
    }
    search(WRITTEN_SET.as_ref(), WRITTEN, folded, hits);
    if marks.at {
        handles(folded, hits);
    }
    if marks.digits > 0 {
        look_alikes(folded, hits);
        let joined = join_digits(folded);
        if marks.digits >= 6 {
            search(JOINED_SET.as_ref(), JOINED, &joined, hits);
            runs(&joined, hits);
        }
        ibans(&joined, hits);
    }
}

/// Adds a hit if something is hidden in characters that no one sees.
pub(super) fn find_hidden(text: &str, hits: &mut Hits) {
    if text.is_ascii() {
        return;
    }
    let mut unseen = 0usize;
    for c in text.chars() {
        unseen = if is_unseen(c) { unseen + 1 } else { 0 };
        if unseen > UNSEEN_MAX {
            hits.add(Rule::Hidden);
            return;
        }
    }
}

/// What a first look at the bytes tells about the rules that can apply.
struct Marks {
    digits: usize,
    at: bool,
    /// Letters, `_` and `-` alone: no shape has only those.
    plain: bool,
}

impl Marks {
    fn of(text: &str) -> Self {
        let mut marks = Self { digits: 0, at: false, plain: true };
        for b in text.bytes() {
            match b {
                b'0'..=b'9' => {
                    marks.digits += 1;
                    marks.plain = false;
                }
                b'a'..=b'z' | b'_' | b'-' => {}
                _ => {
                    marks.at |= b == b'@';
                    marks.plain = false;
                }
            }
        }
        marks
    }
}

/// `@name`, and `name@name` without the dot of a domain.
fn handles(text: &str, hits: &mut Hits) {
    for (at, _) in text.match_indices('@') {
        let (before, after) = text.split_at_checked(at).unwrap_or_default();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if after.chars().nth(1).is_some_and(word) {
            let email = before.chars().next_back().is_some_and(word);
            hits.add(if email { Rule::Email } else { Rule::Handle });
        }
    }
}

/// Runs of nine digits or more, and what such a run looks like.
fn runs(joined: &str, hits: &mut Hits) {
    let bytes = joined.as_bytes();
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let run = rest.get(start..).unwrap_or_default();
        let length = run.iter().take_while(|b| b.is_ascii_digit()).count();
        let (run, after) = run.split_at_checked(length).unwrap_or_default();
        if length > DIGITS_MAX {
            hits.add(Rule::Digits);
            for rule in kinds(run) {
                hits.add(rule);
            }
        }
        rest = after;
    }
}

/// Nine words for digits in a row, in Indonesian, English, Dutch or French.
fn spelt_out(text: &str, hits: &mut Hits) {
    let mut row = 0usize;
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        row = if is_digit_word(word) { row + 1 } else { 0 };
        if row > DIGITS_MAX {
            hits.add(Rule::Digits);
            return;
        }
    }
}

fn is_digit_word(word: &str) -> bool {
    (2..=8).contains(&word.len())
        && matches!(
            word,
            "nol"
                | "kosong"
                | "satu"
                | "dua"
                | "tiga"
                | "empat"
                | "lima"
                | "enam"
                | "tujuh"
                | "delapan"
                | "sembilan"
                | "zero"
                | "oh"
                | "one"
                | "two"
                | "three"
                | "four"
                | "five"
                | "six"
                | "seven"
                | "eight"
                | "nine"
                | "nul"
                | "een"
                | "twee"
                | "drie"
                | "vier"
                | "vijf"
                | "zes"
                | "zeven"
                | "acht"
                | "negen"
                | "un"
                | "deux"
                | "trois"
                | "quatre"
                | "cinq"
                | "sept"
                | "huit"
                | "neuf"
        )
}

/// A long token of digits and of the letters that look like 0 and 1. Nothing else is read as a
/// digit: in a skeleton every reference would be a number.
fn look_alikes(text: &str, hits: &mut Hits) {
    let tokens = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut long = tokens.filter(|token| token.len() > DIGITS_MAX);
    let a_number = long.any(|token| {
        token.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'o' | b'i' | b'l'))
            && token.bytes().filter(u8::is_ascii_digit).count() > 2
    });
    if a_number {
        hits.add(Rule::Digits);
    }
}

/// Which numbers a run of digits could be.
fn kinds(run: &[u8]) -> impl Iterator<Item = Rule> {
    let two = |at: usize| {
        run.get(at..at + 2)
            .map_or(0, |pair| pair.iter().fold(0u32, |n, b| n * 10 + u32::from(b - b'0')))
    };
    let length = run.len();
    let (day, month) = (two(6), two(8));
    let family = length == 16 && (1..=31).contains(&day) && (1..=12).contains(&month);
    let person = family || (length == 16 && (41..=71).contains(&day) && (1..=12).contains(&month));
    let (birth_month, birth_day) = (two(2), two(4));
    let register =
        length == 11 && birth_day <= 31 && matches!(birth_month, 0..=12 | 20..=32 | 40..=52);
    let mobile = (run.starts_with(b"08") && (10..=13).contains(&length))
        || (run.starts_with(b"628") && (10..=14).contains(&length))
        || (run.starts_with(b"32") && (10..=11).contains(&length));
    let landline = run.starts_with(b"0") && (9..=12).contains(&length);
    let tax = length == 15 || (length == 16 && run.starts_with(b"0"));
    [
        (person, Rule::Nik),
        (family, Rule::Kk),
        (tax, Rule::Npwp),
        (register, Rule::Rrn),
        (length == 12, Rule::Eid),
        (mobile || landline, Rule::Phone),
    ]
    .into_iter()
    .filter_map(|(holds, rule)| holds.then_some(rule))
}

/// Length of an IBAN by its country, from the registry of ISO 13616.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("ad", 24),
    ("ae", 23),
    ("al", 28),
    ("at", 20),
    ("az", 28),
    ("ba", 20),
    ("be", 16),
    ("bg", 22),
    ("bh", 22),
    ("bi", 27),
    ("br", 29),
    ("by", 28),
    ("ch", 21),
    ("cr", 22),
    ("cy", 28),
    ("cz", 24),
    ("de", 22),
    ("dj", 27),
    ("dk", 18),
    ("do", 28),
    ("ee", 20),
    ("eg", 29),
    ("es", 24),
    ("fi", 18),
    ("fk", 18),
    ("fo", 18),
    ("fr", 27),
    ("gb", 22),
    ("ge", 22),
    ("gi", 23),
    ("gl", 18),
    ("gr", 27),
    ("gt", 28),
    ("hn", 28),
    ("hr", 21),
    ("hu", 28),
    ("ie", 22),
    ("il", 23),
    ("iq", 23),
    ("is", 26),
    ("it", 27),
    ("jo", 30),
    ("kw", 30),
    ("kz", 20),
    ("lb", 28),
    ("lc", 32),
    ("li", 21),
    ("lt", 20),
    ("lu", 20),
    ("lv", 21),
    ("ly", 25),
    ("mc", 27),
    ("md", 24),
    ("me", 22),
    ("mk", 19),
    ("mn", 20),
    ("mr", 27),
    ("mt", 31),
    ("mu", 30),
    ("ni", 28),
    ("nl", 18),
    ("no", 15),
    ("om", 23),
    ("pk", 24),
    ("pl", 28),
    ("ps", 29),
    ("pt", 25),
    ("qa", 29),
    ("ro", 24),
    ("rs", 22),
    ("ru", 33),
    ("sa", 24),
    ("sc", 31),
    ("sd", 18),
    ("se", 24),
    ("si", 19),
    ("sk", 24),
    ("sm", 27),
    ("so", 23),
    ("st", 25),
    ("sv", 28),
    ("tl", 23),
    ("tn", 24),
    ("tr", 26),
    ("ua", 29),
    ("va", 22),
    ("vg", 24),
    ("xk", 20),
    ("ye", 30),
];

/// Fewer digits has no account number; references and digests rarely have as many.
const IBAN_DIGITS_MIN: usize = 8;

fn ibans(joined: &str, hits: &mut Hits) {
    let tokens = joined.split(|c: char| !c.is_ascii_alphanumeric());
    let mut long = tokens.filter(|token| (15..=34).contains(&token.len()));
    let an_iban = long.any(|token| {
        let (country, rest) = token.split_at_checked(2).unwrap_or_default();
        rest.bytes().take(2).all(|b| b.is_ascii_digit())
            && rest.bytes().filter(u8::is_ascii_digit).count() >= IBAN_DIGITS_MIN
            && IBAN_LENGTHS
                .binary_search_by(|(known, _)| (*known).cmp(country))
                .ok()
                .and_then(|at| IBAN_LENGTHS.get(at))
                .is_some_and(|(_, length)| *length == token.len())
    });
    if an_iban {
        hits.add(Rule::Iban);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_compile() {
        assert!(WRITTEN_SET.is_some() && JOINED_SET.is_some());
        assert!(IBAN_LENGTHS.is_sorted());
    }
}
