//! Letters that look like a Latin letter, or sound like one: the skeleton that echoes are
//! searched in, after UTS 39 but made for folded text and for names.
//!
//! Only letters are mapped, and digits inside a word; digits that stand alone keep their value.
//! Both sides of a comparison go through the same map, so a wrong pair can at worst make two
//! words one. Fullwidth, mathematical and accented letters are folded before and not listed.

use std::sync::LazyLock;

/// How a letter of another script is read. Folding loses whether it was a capital, and the same
/// letter may be meant by its look or by its sound, so a text in another script is read each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// By the look of the small letter.
    Small,
    /// By the look of the capital.
    Capital,
    /// By its sound.
    Sound,
}

impl Reading {
    pub(super) const ALL: [Self; 3] = [Self::Small, Self::Capital, Self::Sound];
}

const SMALL: &[(char, &str)] = &[
    ('a', "ɑαаɐɒᴀаꭺⲁꓮ"),
    ('b', "ʙвβбЬьƀɓƃꞵꮟᏼⲃꓐ"),
    ('c', "сᴄƈȼɕϲⅽꮯⲥꓚ"),
    ('d', "ԁᴅđɖɗƌðꭰꮷꓓꓒժ"),
    ('e', "еᴇєεɛəǝɘɜɇҽэꭼⲉꓰ"),
    ('f', "ꜰƒꞙϝꓝք"),
    ('g', "ɡɢɠǥցԍꮐꓖᶃ"),
    ('h', "һʜħհիɦнհꮒꮋⲏꓧ"),
    ('i', "іɪɩιɨıꭵⲓꓲլ"),
    ('j', "јᴊɉȷյϳꭻꓙ"),
    ('k', "кκᴋƙĸқꮶⲕꓗ"),
    ('l', "ӏʟłƚɫɬɭǀꮮꓡ"),
    ('m', "мᴍɱꭷꮇⲙꓟ"),
    ('n', "пηɴŋɲɳƞոռղⲛꓠ"),
    ('o', "оοᴏøɵօσөꝋⲟꓳ"),
    ('p', "рρᴘƥþꮲⲣꓑ"),
    ('q', "ԛɋʠզգ"),
    ('r', "гʀɍɾɽɹяꭱꮢꓣ"),
    ('s', "ѕꜱʂʃȿꮪꮥꓢ"),
    ('t', "тτᴛŧʇʈƭȶꭲⲧꓔ"),
    ('u', "υцᴜʉʊսμꓴ"),
    ('v', "νѵᴠʋʌꮩꓦ"),
    ('w', "ωшщѡԝᴡʍաꮃꮤꓪ"),
    ('x', "хχӿ×ⲭꓫ"),
    ('y', "уγʏɏƴүʎчყꭹꮍⲩꓬ"),
    ('z', "зζᴢƶʐʑʒɀʐꮓꓜ"),
];

const CAPITAL: &[(char, &str)] =
    &[('h', "ηн"), ('n', "νи"), ('m', "μ"), ('y', "υ"), ('s', "σտ"), ('b', "вьβ"), ('l', "լ")];

const SOUND: &[(char, &str)] = &[
    ('s', "сσшщсس"),
    ('r', "рρ"),
    ('n', "нν"),
    ('v', "в"),
    ('h', "х"),
    ('u', "у"),
    ('i', "ийηыι"),
    ('z', "зζ"),
    ('l', "лλ"),
    ('g', "гγ"),
    ('d', "дδ"),
    ('p', "пπ"),
    ('f', "фφ"),
    ('c', "цч"),
    ('b', "бβ"),
    ('m', "μ"),
    ('y', "йυ"),
    ('j', "ж"),
];

/// Digits that stand for a letter inside a word.
const LEET: &[(char, char)] = &[
    ('0', 'o'),
    ('1', 'i'),
    ('2', 'z'),
    ('3', 'e'),
    ('4', 'a'),
    ('5', 's'),
    ('6', 'b'),
    ('7', 't'),
    ('8', 'b'),
    ('9', 'g'),
];

/// Punctuation that stands for a letter inside a word.
const MARKS: &[(char, char)] = &[
    ('!', 'i'),
    ('|', 'i'),
    ('¡', 'i'),
    ('$', 's'),
    ('@', 'a'),
    ('€', 'e'),
    ('£', 'l'),
    ('¥', 'y'),
    ('+', 't'),
];

/// Letters in boxes and circles, and flags, that no normalisation opens.
const ENCLOSED: &[char] = &['\u{1f150}', '\u{1f170}', '\u{1f1e6}'];

static TABLES: LazyLock<[Vec<(char, char)>; 3]> = LazyLock::new(|| {
    let table = |rows: &[&[(char, &str)]]| {
        let mut pairs: Vec<(char, char)> = rows
            .iter()
            .flat_map(|row| row.iter())
            .flat_map(|(latin, looks)| looks.chars().map(|look| (look, *latin)))
            .collect();
        // the first row that names a letter decides
        pairs.sort_by_key(|(look, _)| *look);
        pairs.dedup_by_key(|(look, _)| *look);
        pairs
    };
    [table(&[SMALL]), table(&[CAPITAL, SMALL]), table(&[SOUND, SMALL])]
});

/// The letter that `c` is read as, if `c` is a letter or stands for one; look-alikes among the
/// Latin letters themselves become one (`l` and `i`).
pub(super) fn letter(c: char, reading: Reading) -> Option<char> {
    match c {
        'l' => Some('i'),
        'a'..='z' => Some(c),
        c if c.is_ascii() => None,
        _ => enclosed(c).or_else(|| {
            let [small, capital, sound] = &*TABLES;
            let table = match reading {
                Reading::Small => small,
                Reading::Capital => capital,
                Reading::Sound => sound,
            };
            let found = table.binary_search_by_key(&c, |(look, _)| *look).ok();
            let latin = found.and_then(|at| table.get(at)).map(|(_, latin)| *latin);
            match latin {
                Some('l') => Some('i'),
                Some(latin) => Some(latin),
                None => c.is_alphabetic().then_some(c),
            }
        }),
    }
}

fn enclosed(c: char) -> Option<char> {
    let offset = ENCLOSED
        .iter()
        .find_map(|first| u32::from(c).checked_sub(u32::from(*first)).filter(|n| *n < 26))?;
    let latin = char::from_u32(u32::from('a') + offset)?;
    Some(if latin == 'l' { 'i' } else { latin })
}

/// The letter a digit stands for inside a word.
pub(super) fn leet(digit: char) -> Option<char> {
    LEET.iter().find(|(from, _)| *from == digit).map(|(_, to)| *to)
}

/// The letter a punctuation mark stands for inside a word.
pub(super) fn mark(c: char) -> Option<char> {
    MARKS.iter().find(|(from, _)| *from == c).map(|(_, to)| *to)
}

/// Whether a text has a mark that may stand for a letter.
pub(super) fn has_marks(text: &str) -> bool {
    let ascii = |b| matches!(b, b'!' | b'|' | b'$' | b'@' | b'+');
    text.bytes().any(ascii) || (!text.is_ascii() && text.chars().any(|c| mark(c).is_some()))
}

/// Letters that are two in Latin.
pub(super) fn ligature(c: char) -> Option<[char; 2]> {
    match c {
        'æ' | 'ӕ' => Some(['a', 'e']),
        'œ' => Some(['o', 'e']),
        'ю' => Some(['y', 'u']),
        'ĳ' => Some(['i', 'j']),
        _ => None,
    }
}

/// Spellings of before 1972 and their like, to one: `tj` is `c`, `dj` is `j`, `oe` is `u`.
/// `y` and `j` stay apart: else every Yuni would be found in June.
pub(super) fn spelling(word: &str, out: &mut String) {
    let mut before = 0;
    let old = word.bytes().any(|b| {
        let pair = (std::mem::replace(&mut before, b), b);
        matches!(pair, (b't' | b'd' | b's' | b'n', b'j') | (b'c', b'h') | (b'o', b'e'))
    });
    if !old {
        out.push_str(word);
        return;
    }
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let pair = rest.get(..2).and_then(|two| {
            Some(match two {
                "tj" => "c",
                "dj" => "j",
                "sj" => "sy",
                "nj" => "ny",
                "ch" => "kh",
                "oe" => "u",
                _ => return None,
            })
        });
        match pair {
            Some(modern) => out.push_str(modern),
            None => out.push(c),
        }
        let length = if pair.is_some() { 2 } else { c.len_utf8() };
        rest = rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_one_letter() {
        for (look, latin) in
            [('а', 'a'), ('ο', 'o'), ('օ', 'o'), ('ꮪ', 's'), ('ꓢ', 's'), ('ɴ', 'n')]
        {
            assert_eq!(letter(look, Reading::Small), Some(latin), "{look}");
        }
        assert_eq!(letter('\u{1f1f8}', Reading::Small), Some('s'));
        assert_eq!(letter('\u{1f182}', Reading::Small), Some('s'));
    }

    #[test]
    fn old_spelling_is_the_new_one() {
        for (old, new) in
            [("djoko", "joko"), ("tjokro", "cokro"), ("soeharto", "suharto"), ("joko", "joko")]
        {
            let mut out = String::new();
            spelling(old, &mut out);
            assert_eq!(out, new);
        }
    }
}
