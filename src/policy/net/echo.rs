//! Self-echo: what this exchange knows and this recipient may not have, searched for by whole
//! tokens. It needs no dictionary and no language, and finds copies no list of names knows.
//!
//! Both sides are brought to one skeleton: look-alike letters, digits inside words, the spelling
//! of before 1972. A value is found whole over any separators, also letter by letter; a name also
//! by each of its tokens of four letters or more, with a clitic attached (`-nya`), and from six
//! letters on with anything attached.

use std::fmt;

use crate::domain::LeafName;

use super::confusables::{self, Reading};
use super::dates::Birth;
use super::normalise::fold;
use super::{Hits, Rule};

const NAME_TOKEN_MIN: usize = 4;
/// A name of fewer letters is too often a word.
const NAME_MIN: usize = 3;
/// Codes of places and years are shorter than this.
const IDENTIFIER_MIN: usize = 5;
/// From here on a token is found at either end of a longer word.
const ATTACHED_MIN: usize = 6;
/// From here on a value is found however it is split.
const SPLIT_MIN: usize = 8;
/// Shorter words lose too much when old spellings are folded.
const SPELLING_MIN: usize = 4;

/// What is put at the end of a name in Indonesian.
const CLITICS: &[&str] = &["nya", "ku", "mu", "lah", "kah", "pun", "nda", "an", "s"];

/// Words of names that name no one.
const CONNECTING: &[&str] = &["binti", "alias"];

/// What kind of value a protected leaf holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoKind {
    /// A person's name: the whole value, and each token of four letters or more.
    Name,
    /// A number or code of a person: the whole value.
    Identifier,
    /// A code of a closed list (`type`, `country`): never searched for, it identifies no one.
    Code,
    /// Anything else, for example an address: the whole value.
    Other,
}

impl EchoKind {
    /// Decides by the leaf's name.
    pub fn of(leaf: &LeafName) -> Self {
        const NAMES: &[&str] =
            &["name", "names", "full", "given", "family", "alias", "kunya", "mother"];
        const CODES: &[&str] = &["type", "country", "place_adm2", "relation", "status", "accuracy"];
        const IDENTIFIERS: &[&str] = &["no", "number", "case_no", "phone", "ids"];
        let last = leaf.segments().filter(|segment| *segment != "*").last().unwrap_or_default();
        if CODES.contains(&last) {
            Self::Code
        } else if leaf.segments().any(|segment| NAMES.contains(&segment)) {
            Self::Name
        } else if IDENTIFIERS.contains(&last) {
            Self::Identifier
        } else {
            Self::Other
        }
    }
}

/// The protected values of one message and recipient, ready to be searched for.
#[derive(Clone, Default)]
pub struct Echo {
    /// Sorted by text.
    patterns: Vec<Pattern>,
    births: Vec<Birth>,
}

impl Echo {
    /// `values`: every `direct` value of the exchange that the recipient may not have; what kind
    /// each is, its leaf's name says. `births`: birth dates (`YYYY-MM-DD` or less) that the plan
    /// drops or coarsens.
    pub fn new<'a>(
        values: impl IntoIterator<Item = (&'a LeafName, &'a str)>,
        births: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut echo = Self::default();
        for (leaf, value) in values {
            echo.protect(EchoKind::of(leaf), value);
        }
        echo.births.extend(births.into_iter().filter_map(Birth::parse));
        echo.patterns.sort_by(|a, b| a.text.cmp(&b.text));
        echo.patterns.dedup_by(|later, first| {
            let same = later.text == first.text && later.view == first.view;
            first.tokens = if same { first.tokens.max(later.tokens) } else { first.tokens };
            same
        });
        echo
    }

    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.births.is_empty()
    }

    fn protect(&mut self, kind: EchoKind, value: &str) {
        let folded = fold(value);
        let letters = folded.chars().filter(|c| c.is_alphanumeric()).count();
        let shortest = match kind {
            EchoKind::Code => return,
            EchoKind::Name if folded.is_ascii() => NAME_MIN,
            EchoKind::Name => NAME_MIN - 1,
            EchoKind::Identifier | EchoKind::Other => IDENTIFIER_MIN,
        };
        if letters < shortest {
            return;
        }
        for reading in readings(&folded) {
            self.add(&folded, *reading, kind == EchoKind::Identifier);
            if kind == EchoKind::Name {
                let tokens = folded.split(|c: char| !c.is_alphanumeric());
                for token in tokens.filter(|token| !CONNECTING.contains(token)) {
                    if token.chars().filter(|c| c.is_alphabetic()).count() >= NAME_TOKEN_MIN {
                        self.add(token, *reading, false);
                    }
                }
            }
        }
    }

    fn add(&mut self, folded: &str, reading: Reading, split_freely: bool) {
        let digits =
            if folded.bytes().any(|b| b.is_ascii_digit()) { Digits::Kept } else { Digits::Letters };
        let modern = View::new(folded, reading, Shape { digits, marks: false, modern: true });
        let (view, modern) = if modern.text.len() >= SPELLING_MIN {
            (modern, true)
        } else {
            (View::new(folded, reading, Shape { digits, marks: false, modern: false }), false)
        };
        if !view.text.is_empty() {
            let tokens = if split_freely { usize::MAX } else { view.tokens.len() };
            let view_of = PatternView { digits, modern };
            self.patterns.push(Pattern { text: view.text, tokens, view: view_of });
        }
    }

    /// Adds what of this stands in a folded text.
    pub(super) fn find(&self, folded: &str, hits: &mut Hits) {
        let digits = folded.bytes().any(|b| b.is_ascii_digit());
        if digits && self.births.iter().any(|birth| birth.is_in(folded)) {
            hits.add(Rule::EchoBirth);
        }
        if !self.patterns.is_empty() && self.is_in(folded, digits) {
            hits.add(Rule::Echo);
        }
    }

    fn is_in(&self, folded: &str, digits: bool) -> bool {
        let plain = self.patterns.iter().any(|p| !p.view.modern);
        let marks = confusables::has_marks(folded);
        let mut shapes = vec![Shape { digits: Digits::Letters, marks: false, modern: true }];
        if digits {
            shapes.push(Shape { digits: Digits::Kept, marks: false, modern: true });
        }
        if marks {
            shapes.push(Shape { digits: Digits::Letters, marks: true, modern: true });
        }
        if plain {
            for at in 0..shapes.len() {
                shapes.extend(shapes.get(at).copied().map(|s| Shape { modern: false, ..s }));
            }
        }
        readings(folded).iter().any(|reading| {
            shapes.iter().any(|shape| {
                let view = View::new(folded, *reading, *shape);
                self.is_in_view(&view, shape.modern)
            })
        })
    }

    fn is_in_view(&self, view: &View, modern: bool) -> bool {
        let long: u32 = self
            .patterns
            .iter()
            .filter(|p| p.text.len() >= ATTACHED_MIN)
            .filter_map(|p| p.text.bytes().last())
            .fold(0, |set, last| set | 1 << (last % 32));
        view.tokens.iter().enumerate().any(|(index, token)| {
            let rest = view.text.get(token.start..).unwrap_or_default();
            let word = view.text.get(token.start..token.end).unwrap_or_default();
            let Some(first) = rest.bytes().next() else { return false };
            let from = self.patterns.partition_point(|p| p.first() < first);
            let alike = self.patterns.iter().skip(from).take_while(|p| p.first() == first);
            let mut alike = alike.filter(|p| p.view.modern == modern);
            alike.any(|p| p.begins(rest, word, view, index))
                || word.bytes().last().is_some_and(|last| long & (1 << (last % 32)) != 0)
                    && self.patterns.iter().any(|p| p.ends(word, modern))
        })
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Echo")
    }
}

/// How a text in this script is to be read.
fn readings(folded: &str) -> &'static [Reading] {
    if folded.is_ascii() { &[Reading::Small] } else { &Reading::ALL }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct PatternView {
    digits: Digits,
    modern: bool,
}

/// A protected value or a token of one, without separators.
#[derive(Clone)]
struct Pattern {
    text: String,
    /// Over how many tokens it may be spread.
    tokens: usize,
    view: PatternView,
}

impl Pattern {
    fn first(&self) -> u8 {
        self.text.bytes().next().unwrap_or(0)
    }

    /// Whether the pattern begins where `rest` does, at token `index`, and ends where a token
    /// ends, or is followed by a clitic.
    fn begins(&self, rest: &str, word: &str, view: &View, index: usize) -> bool {
        let Some(after) = rest.strip_prefix(self.text.as_str()) else { return false };
        if self.text.len() < word.len() {
            let tail = word.get(self.text.len()..).unwrap_or_default();
            let letters = self.text.chars().count();
            return letters >= ATTACHED_MIN
                || (letters >= NAME_TOKEN_MIN
                    && CLITICS.iter().any(|c| c.len() == tail.len() && skeleton_is(tail, c)));
        }
        let end = view.text.len() - after.len();
        let spread = view
            .tokens
            .iter()
            .skip(index)
            .take_while(|token| token.end <= end)
            .enumerate()
            .find(|(_, token)| token.end == end);
        spread.is_some_and(|(more, _)| more < self.tokens || self.text.len() >= SPLIT_MIN)
    }

    fn ends(&self, word: &str, modern: bool) -> bool {
        self.view.modern == modern
            && self.text.len() < word.len()
            && self.text.len() >= ATTACHED_MIN
            && word.ends_with(self.text.as_str())
    }
}

/// Whether `text`, a skeleton, is that of the word `plain`.
fn skeleton_is(text: &str, plain: &str) -> bool {
    text.chars().eq(plain.chars().filter_map(|c| confusables::letter(c, Reading::Small)))
}

/// What becomes of digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// They stand for letters where they touch one.
    Letters,
    /// They are digits, and tokens of their own.
    Kept,
}

#[derive(Clone, Copy)]
struct Shape {
    digits: Digits,
    /// Whether punctuation inside a word stands for letters.
    marks: bool,
    /// Whether old spellings are folded.
    modern: bool,
}

#[derive(Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
}

/// A text as one string of letters and digits, and where its tokens lie.
struct View {
    text: String,
    tokens: Vec<Token>,
}

impl View {
    fn new(folded: &str, reading: Reading, shape: Shape) -> Self {
        let mut view = Self { text: String::with_capacity(folded.len()), tokens: Vec::new() };
        let mut word = String::new();
        // single letters in a row are one token
        let mut singles = String::new();
        for part in words(folded, shape) {
            word.clear();
            read(part, reading, shape, &mut word);
            if part.chars().nth(1).is_none() {
                singles.push_str(&word);
                continue;
            }
            view.push(&std::mem::take(&mut singles), shape.modern);
            view.push(&word, shape.modern);
        }
        view.push(&singles, shape.modern);
        view
    }

    fn push(&mut self, word: &str, modern: bool) {
        let start = self.text.len();
        if modern {
            confusables::spelling(word, &mut self.text);
        } else {
            self.text.push_str(word);
        }
        let end = self.text.len();
        if end > start {
            self.tokens.push(Token { start, end });
        }
    }
}

/// The words of a folded text.
fn words(folded: &str, shape: Shape) -> impl Iterator<Item = &str> {
    let mut rest = folded;
    let inside = move |c: char| {
        c.is_alphanumeric()
            || (shape.marks && confusables::mark(c).is_some())
            || (!c.is_ascii() && confusables::letter(c, Reading::Small).is_some())
    };
    std::iter::from_fn(move || {
        rest = rest.get(rest.find(inside)?..)?;
        let run = rest.get(..rest.find(|c: char| !inside(c)).unwrap_or(rest.len()))?;
        let ends = match shape.digits {
            Digits::Kept if one_stretch(run) => {
                let digits = run.starts_with(|c: char| c.is_ascii_digit());
                run.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(run.len())
            }
            _ => run.len(),
        };
        let (word, after) = rest.split_at_checked(ends)?;
        rest = after;
        Some(word)
    })
}

/// Whether digits stand only before and after the letters: `siti99`, but not a reference, in
/// which every short name would be found by chance.
fn one_stretch(run: &str) -> bool {
    let letters = run.trim_matches(|c: char| c.is_ascii_digit());
    !letters.bytes().any(|b| b.is_ascii_digit())
}

/// Writes the skeleton of one word.
fn read(word: &str, reading: Reading, shape: Shape, out: &mut String) {
    let has_letters = word.chars().any(|c| !c.is_ascii_digit());
    for c in word.chars() {
        if c.is_ascii_lowercase() {
            out.push(if c == 'l' { 'i' } else { c });
        } else if let Some(pair) = confusables::ligature(c) {
            out.extend(pair);
        } else if c.is_ascii_digit() {
            let letter = confusables::leet(c).filter(|_| has_letters);
            out.push(letter.filter(|_| shape.digits == Digits::Letters).unwrap_or(c));
        } else if let Some(letter) = confusables::letter(c, reading) {
            out.push(letter);
        } else if let Some(letter) = confusables::mark(c).filter(|_| shape.marks) {
            out.push(letter);
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(leaf: &str, value: &str) -> Echo {
        Echo::new([(&LeafName::new(leaf), value)], [])
    }

    fn finds(echo: &Echo, text: &str) -> bool {
        let mut hits = Hits::default();
        echo.find(&fold(text), &mut hits);
        !hits.is_empty()
    }

    #[test]
    fn a_leafs_name_tells_its_kind() {
        for (leaf, kind) in [
            ("/subject/name/full", EchoKind::Name),
            ("/subject/name/alias", EchoKind::Name),
            ("/caregiver/name", EchoKind::Name),
            ("/subject/ids/*/no", EchoKind::Identifier),
            ("/subject/ids/*/type", EchoKind::Code),
            ("/subject/birth/place_adm2", EchoKind::Code),
            ("/justice/case_no", EchoKind::Identifier),
            ("/caregiver/phone", EchoKind::Identifier),
            ("/location/address", EchoKind::Other),
        ] {
            assert_eq!(EchoKind::of(&LeafName::new(leaf)), kind, "{leaf}");
        }
    }

    #[test]
    fn a_name_is_found_whole_and_by_its_longer_tokens() {
        let name = echo("/subject/name/full", "Siti Ani Zarqolin");
        for text in ["siti", "SITI", "Ibu Zarqolin", "siti-nya", "Sitinya", "Zarqolinnya", "siti99"]
        {
            assert!(finds(&name, text), "{text}");
        }
        for text in ["ani", "berani", "situasi", "sitinggi", "zarqo", ""] {
            assert!(!finds(&name, text), "{text}");
        }
        let short = echo("/subject/name/full", "Ani");
        assert!(finds(&short, "adik Ani di rumah") && !finds(&short, "berani"));
    }

    #[test]
    fn a_value_is_found_over_any_separators() {
        let phone = echo("/caregiver/phone", "0411-87");
        assert!(finds(&phone, "telp 04.11 87") && !finds(&phone, "telp 041188"));
        let address = echo("/location/address", "Gang Mawar 7 Utara");
        assert!(finds(&address, "di gang  mawar 7, utara") && !finds(&address, "gang mawar"));
    }

    #[test]
    fn words_near_a_name_are_not_the_name() {
        let june = echo("/subject/name/full", "Yuni Karni");
        for text in ["Juni", "kami", "karena", "punya", "yunior"] {
            assert!(!finds(&june, text), "{text}");
        }
    }
}
