//! One spelling for many: the folded text that shapes and echoes are searched in.
//!
//! The pipeline is NFKC, case fold, NFD, then without format characters and combining marks, then
//! every decimal digit in ASCII. It runs character by character: after NFD and the removal of
//! marks, composition across characters can no longer show, so the result is that of the whole
//! text (a test holds the two against each other) and ASCII stretches cost a lower-casing. Dots,
//! dashes and slashes of every script become the ASCII ones, for the shapes that have them.
//!
//! Nothing here decides; a text is only made comparable.

use std::borrow::Cow;

use crate::mutant::{self, Mutant};
use unicode_normalization::char::{decompose_canonical, decompose_compatible, is_combining_mark};

/// First digit of each run of ten decimal digits (General Category Nd) that NFKC leaves alone.
const ZEROS: &[char] = &[
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{116d0}',
    '\u{116da}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11bf0}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11de0}',
    '\u{11f50}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1ccf0}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e4f0}',
    '\u{1e5f1}',
    '\u{1e950}',
];

/// Characters that stand for the digits 1 to 9 in order and are not of category Nd: dingbats,
/// double circles, Ethiopic numbers.
const ONES: &[char] = &['\u{1369}', '\u{24f5}', '\u{2776}', '\u{2780}', '\u{278a}'];

const HAN_DIGITS: &str = "〇一二三四五六七八九";

/// Format characters (General Category Cf).
const FORMAT: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Letters that show nothing: the Hangul fillers and the Mongolian vowel separator's like.
const FILLERS: &[char] = &['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];

/// Whether a reader sees nothing where this character stands: format characters, combining marks
/// (variation selectors among them) and fillers.
pub(super) fn is_unseen(c: char) -> bool {
    !c.is_ascii()
        && (is_combining_mark(c)
            || FILLERS.contains(&c)
            || FORMAT.iter().any(|(from, to)| (*from..=*to).contains(&c)))
}

/// The folded text.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() || mutant::is(Mutant::NoNfkc) {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else {
            fold_char(c, &mut out);
        }
    }
    out
}

fn fold_char(c: char, out: &mut String) {
    decompose_compatible(c, |compatible| {
        fold_case(compatible, |folded| {
            decompose_canonical(folded, |plain| {
                if !is_unseen(plain) {
                    out.push(fold_sign(plain));
                }
            });
        });
    });
}

/// Full case folding, as far as lower-casing does not do it already.
fn fold_case(c: char, mut each: impl FnMut(char)) {
    match c {
        'ß' | 'ẞ' => {
            each('s');
            each('s');
        }
        'ς' => each('σ'),
        'ſ' => each('s'),
        // Turkish: after the marks are gone `İ` is `i`, so `ı` must be too
        'ı' => each('i'),
        _ => c.to_lowercase().for_each(each),
    }
}

fn fold_sign(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '。' | '۔' | '։' | '।' => '.',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '־' | '〜' => '-',
        '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{2571}' => '/',
        '\u{24ff}' | '\u{1f10b}' | '\u{1f10c}' => '0',
        _ => fold_digit(c),
    }
}

fn fold_digit(c: char) -> char {
    let within = |first: char, count: u32| {
        u32::from(c).checked_sub(u32::from(first)).filter(|offset| *offset < count)
    };
    let at = ZEROS.partition_point(|zero| *zero <= c);
    let value = at
        .checked_sub(1)
        .and_then(|before| ZEROS.get(before))
        .and_then(|zero| within(*zero, 10))
        .or_else(|| ONES.iter().find_map(|one| within(*one, 9).map(|n| n + 1)))
        .or_else(|| HAN_DIGITS.chars().zip(0..).find(|(han, _)| *han == c).map(|(_, n)| n));
    value.and_then(|n| char::from_digit(n, 10)).unwrap_or(c)
}

/// Joins digits over what people put between them: spaces, dots, dashes, slashes and other
/// punctuation. A comma or semicolon with a space is a list and a colon between two pairs of
/// digits is a clock, so neither joins; a plus begins another number.
pub(super) fn join_digits(text: &str) -> Cow<'_, str> {
    const DIGITS_WORTH_JOINING: usize = 5;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits < DIGITS_WORTH_JOINING {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut group = 0usize;
    let mut gap: Option<Gap> = None;
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            match gap.take() {
                Some(gap) if gap.joins(group, digits_at(text, at)) => out.truncate(gap.begins),
                Some(_) => group = 0,
                None => {}
            }
            group += 1;
        } else if group > 0 && !c.is_alphanumeric() {
            gap.get_or_insert_with(|| Gap::at(out.len())).take(c);
        } else {
            group = 0;
            gap = None;
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// How many digits stand at `at`, three at most.
fn digits_at(text: &str, at: usize) -> usize {
    text.bytes().skip(at).take(3).take_while(u8::is_ascii_digit).count()
}

/// What lies between two groups of digits.
struct Gap {
    begins: usize,
    space: bool,
    /// The sign that may keep the groups apart: a comma, a colon or a plus.
    sign: Option<char>,
}

impl Gap {
    fn at(begins: usize) -> Self {
        Self { begins, space: false, sign: None }
    }

    fn take(&mut self, c: char) {
        match c {
            ',' | ';' | '،' | '、' if self.sign.is_none() => self.sign = Some(','),
            ':' if self.sign != Some('+') => self.sign = Some(':'),
            '+' => self.sign = Some('+'),
            _ => self.space |= c.is_whitespace(),
        }
    }

    fn joins(&self, before: usize, after: usize) -> bool {
        match self.sign {
            Some(',') => !self.space,
            Some(':') => before > 2 || after > 2,
            Some(_) => false,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    /// The pipeline as it is written in the design, over the whole text.
    fn as_written(text: &str) -> String {
        let mut folded = String::new();
        for c in text.nfkc() {
            fold_case(c, |f| folded.push(f));
        }
        folded.nfd().filter(|c| !is_unseen(*c)).map(fold_sign).collect()
    }

    proptest! {
        #[test]
        fn folding_by_character_is_folding_the_whole(text in any::<String>()) {
            prop_assert_eq!(fold(&text), as_written(&text));
        }

        #[test]
        fn folding_by_character_is_folding_the_whole_in_latin(text in "[a-zA-Z0-9À-ȳ\u{300}-\u{36f}ﬀ-ﬆ０-９Ａ-ｚ①-⑳²]{0,40}") {
            prop_assert_eq!(fold(&text), as_written(&text));
        }
    }

    #[test]
    fn every_spelling_of_a_letter_or_digit_folds_to_one() {
        for (written, folded) in [
            ("SITI", "siti"),
            ("Ｓｉｔｉ", "siti"),
            ("S\u{200b}i\u{ad}t\u{2060}i", "siti"),
            ("Şïťí", "siti"),
            ("s\u{327}i\u{308}t\u{30c}i\u{301}", "siti"),
            ("𝓢𝓲𝓽𝓲", "siti"),
            ("Straße", "strasse"),
            ("DİYARBAKIR", "diyarbakir"),
            ("٣١٧١", "3171"),
            ("۳۱۷۱", "3171"),
            ("३१७१", "3171"),
            ("③①⑦❶", "3171"),
            ("三一七〇", "3170"),
            ("ﬁ", "fi"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn digits_join_over_separators_but_not_over_lists_and_clocks() {
        for (written, joined) in [
            ("3171.0145-0311/0000", "3171014503110000"),
            ("3171 – 0145 (0311) 0000", "3171014503110000"),
            ("3171:0145:0311", "317101450311"),
            ("31,71,01", "317101"),
            ("umur 12, 14, 16 dan 17", "umur 12, 14, 16 dan 17"),
            ("pukul 10:30:00", "pukul 10:30:00"),
            ("a 12 b 345", "a 12 b 345"),
            ("12345 +6281", "12345 +6281"),
        ] {
            assert_eq!(join_digits(written), joined, "{written}");
        }
    }
}
