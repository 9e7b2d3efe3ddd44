//! What a text says once it is decoded: JSON, percent and HTML escapes, HTML tags, and encodings that turn
//! bytes into letters (base64 in both alphabets, base32, hexadecimal), two levels deep.
//!
//! Every decoded form is scanned as well as the text it came from, so a wrong guess here can
//! only add a form, never hide one. No form is longer than what it was decoded from, and there
//! are eight at most: the work stays linear.

/// Shortest token that is tried as an encoding. A name of four letters fills eight characters of
/// hexadecimal; base64 and base32 below twelve are too often words.
const TOKEN_MIN: usize = 12;
const HEX_TOKEN_MIN: usize = 8;

/// Calls `each` with the text and its decoded forms, two levels deep.
pub(super) fn each_form(text: &str, each: &mut dyn FnMut(&str)) {
    each(text);
    // shown from right to left, a name written backwards reads as itself
    if text.contains(['\u{202e}', '\u{2067}']) {
        each(&text.chars().rev().collect::<String>());
    }
    for first in decode(text).into_iter().flatten() {
        each(&first);
        for second in decode(&first).into_iter().flatten() {
            each(&second);
        }
    }
}

/// The text without escapes, and what its encoded tokens hold; `None` where there is nothing new.
fn decode(text: &str) -> [Option<String>; 2] {
    [unescape(text), decode_tokens(text)]
}

fn unescape(text: &str) -> Option<String> {
    let escaped = text.bytes().any(|b| matches!(b, b'\\' | b'%' | b'&' | b'=' | b'<' | 0xf3));
    if !escaped {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        let found = match c {
            '\\' => backslash(rest),
            '%' | '=' => percent(rest, c),
            '&' => entity(rest),
            '<' => markup(rest),
            '\u{e0020}'..='\u{e007e}' => tag(c),
            _ => None,
        };
        let (length, decoded) = found.unwrap_or((c.len_utf8(), Decoded::Char(c)));
        changed |= found.is_some();
        match decoded {
            Decoded::Char(c) => out.push(c),
            Decoded::Nothing => {}
            Decoded::Byte => {
                let (length, text) = percent_run(rest, c);
                out.push_str(&text);
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    changed.then_some(out)
}

#[derive(Clone, Copy)]
enum Decoded {
    Char(char),
    /// A byte of UTF-8; a run of them is decoded together.
    Byte,
    /// Markup, which is not shown.
    Nothing,
}

/// `<b>`, `</b>`, `<!-- -->`.
fn markup(rest: &str) -> Option<(usize, Decoded)> {
    const LONGEST: usize = 64;
    let body = rest.strip_prefix('<')?;
    body.chars().next().filter(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!'))?;
    let end = body.bytes().take(LONGEST).position(|b| matches!(b, b'<' | b'>'))?;
    body.get(end..)?.starts_with('>').then_some((end + 2, Decoded::Nothing))
}

/// `\u0053`, surrogate pairs, `\u{53}`, `\x53`, `\U00000053`, `\/` and `\"`.
fn backslash(rest: &str) -> Option<(usize, Decoded)> {
    let body = rest.strip_prefix('\\')?;
    let (length, code) =
        if let Some(braced) = body.strip_prefix("u{").or_else(|| body.strip_prefix("x{")) {
            let (digits, _) = braced.split_once('}')?;
            (digits.len() + 4, u32::from_str_radix(digits, 16).ok()?)
        } else if let Some(after) = body.strip_prefix('u') {
            utf16(after)?
        } else if let Some(after) = body.strip_prefix('x') {
            (4, hex(after, 2)?)
        } else if let Some(after) = body.strip_prefix('U') {
            (10, hex(after, 8)?)
        } else {
            let c = body.chars().next().filter(char::is_ascii_punctuation)?;
            return Some((2, Decoded::Char(c)));
        };
    char::from_u32(code).map(|c| (length, Decoded::Char(c)))
}

/// One escape or a surrogate pair, from after `\u` on.
fn utf16(after: &str) -> Option<(usize, u32)> {
    let high = hex(after, 4)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((6, high));
    }
    let low = after.get(4..)?.strip_prefix("\\u").and_then(|low| hex(low, 4))?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((12, 0x1_0000 + ((high - 0xd800) << 10) + low))
}

/// `%53`, `%u0053` and, in quoted-printable, `=53`.
fn percent(rest: &str, marker: char) -> Option<(usize, Decoded)> {
    let body = rest.strip_prefix(marker)?;
    if let Some(after) = body.strip_prefix('u').filter(|_| marker == '%') {
        return char::from_u32(hex(after, 4)?).map(|c| (6, Decoded::Char(c)));
    }
    hex(body, 2).map(|_| (3, Decoded::Byte))
}

/// The bytes of a run of `%XX`, as text.
fn percent_run(rest: &str, marker: char) -> (usize, String) {
    let mut bytes = Vec::new();
    let mut left = rest;
    while let Some(byte) =
        left.strip_prefix(marker).and_then(|body| hex(body, 2)).and_then(|b| u8::try_from(b).ok())
    {
        bytes.push(byte);
        left = left.get(3..).unwrap_or_default();
    }
    (rest.len() - left.len(), latin_or_utf8(bytes))
}

/// UTF-8, or else each byte as a character of Latin-1.
fn latin_or_utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|not_utf8| not_utf8.into_bytes().into_iter().map(char::from).collect())
}

/// Invisible tag characters mirror ASCII.
fn tag(c: char) -> Option<(usize, Decoded)> {
    let ascii = char::from_u32(u32::from(c) - 0xe_0000)?;
    Some((c.len_utf8(), Decoded::Char(ascii)))
}

/// `&#83;`, `&#x53;` and the named entities that stand for letters or separators.
fn entity(rest: &str) -> Option<(usize, Decoded)> {
    let body = rest.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (radix, digits, prefix) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (16, digits, 3),
            None => (10, number, 2),
        };
        let length = digits.bytes().take(8).take_while(|b| char::from(*b).is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let end = usize::from(digits.get(length..)?.starts_with(';'));
        return char::from_u32(code).map(|c| (prefix + length + end, Decoded::Char(c)));
    }
    let length = body.bytes().take(10).take_while(u8::is_ascii_alphanumeric).count();
    let name = body.get(..length)?;
    let end = usize::from(body.get(length..)?.starts_with(';'));
    named(name).map(|c| (1 + length + end, Decoded::Char(c)))
}

/// Accented letters are found by their first letter: the accent is folded away anyway.
fn named(name: &str) -> Option<char> {
    const ENTITIES: &[(&str, char)] = &[
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("ensp", ' '),
        ("emsp", ' '),
        ("thinsp", ' '),
        ("shy", '\u{ad}'),
        ("zwj", '\u{200d}'),
        ("zwnj", '\u{200c}'),
        ("hyphen", '-'),
        ("dash", '-'),
        ("ndash", '-'),
        ("mdash", '-'),
        ("minus", '-'),
        ("lowbar", '_'),
        ("period", '.'),
        ("comma", ','),
        ("colon", ':'),
        ("sol", '/'),
        ("bsol", '\\'),
        ("commat", '@'),
        ("plus", '+'),
        ("num", '#'),
        ("percnt", '%'),
        ("equals", '='),
        ("lpar", '('),
        ("rpar", ')'),
        ("Tab", ' '),
        ("NewLine", ' '),
        ("szlig", 'ß'),
        ("inodot", 'i'),
        ("imath", 'i'),
        ("AElig", 'æ'),
        ("aelig", 'æ'),
        ("oelig", 'œ'),
    ];
    const ACCENTS: &[&str] = &[
        "acute", "grave", "uml", "circ", "tilde", "cedil", "ring", "caron", "macr", "breve", "dot",
        "ogon", "slash", "strok", "fr", "scr", "opf",
    ];
    ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c).or_else(|| {
        let mut chars = name.chars();
        let letter = chars.next().filter(char::is_ascii_alphabetic)?;
        ACCENTS.contains(&chars.as_str()).then_some(letter)
    })
}

/// The number that the first `length` characters write in hexadecimal.
fn hex(text: &str, length: usize) -> Option<u32> {
    let digits = text.get(..length)?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

fn decode_tokens(text: &str) -> Option<String> {
    let mut out = String::new();
    let is_base64 =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    for token in text.as_bytes().split(|b| !is_base64(*b)) {
        if token.len() < HEX_TOKEN_MIN {
            continue;
        }
        decode_token(token, &mut out);
        let parts = token.split(|b| !b.is_ascii_alphanumeric());
        for part in parts.filter(|part| part.len() >= HEX_TOKEN_MIN && part.len() < token.len()) {
            decode_token(part, &mut out);
        }
    }
    decode_wrapped(text, &mut out);
    (!out.is_empty()).then_some(out)
}

/// A whole text that is one encoding with line breaks or spaces in it.
fn decode_wrapped(text: &str, out: &mut String) {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    if first.len() == text.len() || !text.is_ascii() {
        return;
    }
    let joined: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if joined.iter().all(|b| b.is_ascii_alphanumeric() || b"+/-_=:".contains(b)) {
        decode_token(&joined, out);
    }
}

fn decode_token(token: &[u8], out: &mut String) {
    let (hex, base64, base32) = (Alphabet::HEX, Alphabet::BASE64, Alphabet::BASE32);
    for (alphabet, shortest) in [(&hex, HEX_TOKEN_MIN), (&base64, TOKEN_MIN), (&base32, TOKEN_MIN)]
    {
        if token.len() < shortest {
            continue;
        }
        if let Some(text) = alphabet.decode(token) {
            out.push_str(&text);
            out.push('\n');
        }
    }
}

/// An encoding that packs bytes into letters of `bits` bits.
struct Alphabet {
    bits: u32,
    value: fn(u8) -> Option<u8>,
}

impl Alphabet {
    const HEX: Self =
        Self { bits: 4, value: |b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()) };
    const BASE32: Self = Self {
        bits: 5,
        value: |b| match b {
            b'a'..=b'z' => Some(b - b'a'),
            b'A'..=b'Z' => Some(b - b'A'),
            b'2'..=b'7' => Some(b - b'2' + 26),
            _ => None,
        },
    };
    const BASE64: Self = Self {
        bits: 6,
        value: |b| match b {
            b'A'..=b'Z' => Some(b - b'A'),
            b'a'..=b'z' => Some(b - b'a' + 26),
            b'0'..=b'9' => Some(b - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        },
    };

    /// The text that `token` encodes, if it is text: UTF-8 or the lower half of UTF-16, without
    /// control characters. Gives up at the first byte that no text has, which for a random token
    /// or a word is one of the first.
    fn decode(&self, token: &[u8]) -> Option<String> {
        let (mut bytes, mut pending, mut held) = (Vec::new(), 0u32, 0u32);
        let padding = token.iter().rev().take_while(|b| **b == b'=').count();
        for symbol in token.get(..token.len() - padding)? {
            pending = (pending << self.bits) | u32::from((self.value)(*symbol)?);
            held += self.bits;
            if held >= 8 {
                held -= 8;
                let byte = u8::try_from((pending >> held) & 0xff).ok()?;
                pending &= (1 << held) - 1;
                let control = byte.is_ascii_control() && !byte.is_ascii_whitespace();
                let never = bytes.is_empty() && (0x80..0xc2).contains(&byte);
                if never || (control && (byte != 0 || bytes.is_empty())) {
                    return None;
                }
                bytes.push(byte);
            }
        }
        // half of UTF-16 is zeros where the text is ASCII
        let length = bytes.len();
        bytes.retain(|b| *b != 0);
        if bytes.len() < length && bytes.len() > length / 2 + 1 {
            return None;
        }
        String::from_utf8(bytes).ok().filter(|text| says_something(text))
    }
}

/// Whether a decoded text is more than chance: a short one has letters, digits and what addresses
/// are made of, or every other digest would say something.
fn says_something(text: &str) -> bool {
    const SHORT: usize = 12;
    let telling = |c: char| c.is_alphanumeric() || " .@_+-".contains(c);
    text.len() > 3 && (text.len() >= SHORT || text.chars().all(telling))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_form(text, &mut |form| all.push(form.to_owned()));
        all
    }

    #[test]
    fn every_escape_is_undone_two_levels_deep() {
        for text in [
            r"\u0053iti",
            r"\x53iti",
            r"\u{53}iti",
            "%53iti",
            "%u0053iti",
            "%2553iti",
            "=53iti",
            "&#83;iti",
            "&#x53;iti",
            "&#83iti",
            "&amp;#83;iti",
            r"\\u0053iti",
            "%26%2383%3Biti",
            r"\u0025\u0035\u0033iti",
            "\u{e0053}\u{e0069}\u{e0074}\u{e0069}",
        ] {
            assert!(forms(text).iter().any(|f| f == "Siti"), "{text}: {:?}", forms(text));
        }
    }

    #[test]
    fn every_encoding_is_undone() {
        for text in [
            "U2l0aSBaYXJxb2xpbg==",
            "U2l0aSBaYXJxb2xpbg",
            "ref:U2l0aSBaYXJxb2xpbg;",
            "x/y/U2l0aSBaYXJxb2xpbg",
            "U2l0aSBa\nYXJxb2xpbg==",
            "VTJsMGFTQmFZWEp4YjJ4cGJnPT0=",
            "53697469205a6172716f6c696e",
            "KNUXI2JALJQXE4LPNRUW4",
            "UwBpAHQAaQAgAFoAYQByAHEAbwBsAGkAbgA=",
        ] {
            assert!(
                forms(text).iter().any(|f| f.contains("Siti Zarqolin")),
                "{text}: {:?}",
                forms(text)
            );
        }
    }

    #[test]
    fn words_ids_and_digests_decode_to_nothing() {
        for text in [
            "pertanggungjawaban kesejahteraan",
            "aebagbafaydqqcikbmga2dqpca",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            "anak_korban_jaringan_terorisme",
            "100% & lebih = baik",
        ] {
            assert_eq!(forms(text), [text]);
        }
    }

    #[test]
    fn broken_escapes_are_left_alone() {
        for text in
            [r"\", r"\u", r"\u{", r"\ud800", r"\udc00\ud800", "%", "%e", "&", "&#", "&#x;", "="]
        {
            assert_eq!(forms(text), [text]);
        }
    }
}
