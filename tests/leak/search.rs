//! Looks for what was planted, in any form, in anything that comes out.
//!
//! Written on its own: it shares no line with the net of the gateway. Every planted value contains
//! a stem that stands nowhere else, so one search for all stems finds any of them, whoever planted
//! it and when.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::plant::STEMS;

/// Encodings within encodings.
const LEVELS: usize = 3;

static STEMS_OF_ALL: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(STEMS.iter().map(|stem| fold(stem, Keep::Letters))).unwrap());
static ENCODED: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9+/_-]{10,}").unwrap());
static ESCAPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\\u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)|&#x([0-9a-fA-F]{1,6});|&#([0-9]{1,7});")
        .unwrap()
});

/// The first stem found.
pub(crate) fn find(bytes: &[u8]) -> Option<&'static str> {
    find_at(&String::from_utf8_lossy(bytes), LEVELS)
}

fn find_at(text: &str, levels: usize) -> Option<&'static str> {
    for keep in [Keep::All, Keep::Letters] {
        if let Some(found) = STEMS_OF_ALL.find(&fold(text, keep)) {
            return STEMS.get(found.pattern().as_usize()).copied();
        }
    }
    if levels == 0 {
        return None;
    }
    if let Cow::Owned(plain) = ESCAPED.replace_all(text, unescaped)
        && let Some(found) = find_at(&plain, levels - 1)
    {
        return Some(found);
    }
    let mut decoded = ENCODED.find_iter(text).flat_map(|run| decoded(run.as_str()));
    decoded.find_map(|plain| find_at(&plain, levels - 1))
}

/// What of a text is searched.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    All,
    /// Nothing that may stand between two letters or digits.
    Letters,
}

fn fold(text: &str, keep: Keep) -> String {
    if text.is_ascii() {
        let kept = text.bytes().filter(|byte| keep == Keep::All || byte.is_ascii_alphanumeric());
        return kept.map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    }
    text.nfkc()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|c| !is_combining_mark(*c) && !is_format(*c))
        .map(|c| digit(likeness(c)))
        .filter(|c| keep == Keep::All || c.is_alphanumeric())
        .collect()
}

fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The Latin letter that a Cyrillic or Greek one looks like.
fn likeness(c: char) -> char {
    let looks = [
        ('а', 'a'),
        ('е', 'e'),
        ('о', 'o'),
        ('р', 'p'),
        ('с', 'c'),
        ('у', 'y'),
        ('х', 'x'),
        ('і', 'i'),
        ('ѕ', 's'),
        ('ԁ', 'd'),
        ('ո', 'n'),
        ('ο', 'o'),
        ('α', 'a'),
        ('ι', 'i'),
    ];
    looks.iter().find(|(odd, _)| *odd == c).map_or(c, |(_, latin)| *latin)
}

fn digit(c: char) -> char {
    let zeros = ['\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}'];
    let value = zeros.iter().find_map(|zero| {
        let offset = u32::from(c).checked_sub(u32::from(*zero))?;
        char::from_digit(offset, 10)
    });
    value.unwrap_or(c)
}

fn unescaped(found: &Captures<'_>) -> String {
    if let Some(percent) = found.get(2) {
        let bytes = percent.as_str().split('%').filter(|hex| !hex.is_empty());
        let bytes: Vec<u8> = bytes.filter_map(|hex| u8::from_str_radix(hex, 16).ok()).collect();
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let part = |at: usize, radix| found.get(at).map(|text| (text.as_str(), radix));
    let (text, radix) = part(1, 16).or_else(|| part(3, 16)).or_else(|| part(4, 10)).unwrap();
    let value = u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
    value.map(String::from).unwrap_or_default()
}

/// What a run of letters says if it is base64, from each of the places where it may begin.
fn decoded(run: &str) -> Vec<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if run.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let engine = GeneralPurpose::new(&alphabet, config);
    let read = |from: usize| {
        let part = run.get(from..)?;
        let whole = part.get(..part.len() - usize::from(part.len() % 4 == 1))?;
        let bytes = engine.decode(whole).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.chars().all(|c| !c.is_control() || c.is_whitespace()).then_some(text)
    };
    // an object of ours begins where its run begins
    read(0).into_iter().collect()
}

#[test]
fn every_stem_is_found_in_every_form_that_is_planted() {
    use crate::plant::{CLASSES, SURFACES};
    for class in CLASSES {
        for surface in SURFACES {
            let written = surface.write(&class.value(7));
            for form in [
                written.clone(),
                serde_json::json!({"a": [written]}).to_string(),
                base64::engine::general_purpose::STANDARD.encode(&written),
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&written),
                crate::place::percent(&written),
            ] {
                assert!(find(form.as_bytes()).is_some(), "{} {}: {form}", class.name, surface.name);
            }
        }
    }
    for innocent in ["{\"state\":\"admitted\"}", "kemensos/sentra-handayani", "2026-12-10"] {
        assert_eq!(find(innocent.as_bytes()), None);
    }
}
