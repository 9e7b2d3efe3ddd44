//! Which regular expressions the schema profile takes.
//!
//! A pattern must say exactly which strings it takes: anchored at both ends (an alternative at
//! the top would escape the anchors), no class that means something else in another engine or in
//! Unicode (`\d`, `\w`, `.`, negated or nested classes), no inline flags, no open-ended repetition.

use std::iter::Peekable;
use std::str::Chars;

const GROUPS_MAX: usize = 8;
const REPEAT_MAX: u32 = 1000;

/// Whether `pattern` is anchored at both ends and spells out every character it takes.
pub(super) fn is_explicit(pattern: &str) -> bool {
    let Some(inner) = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) else {
        return false;
    };
    let escapes = inner.chars().rev().take_while(|c| *c == '\\').count();
    escapes % 2 == 0 && sequence(&mut inner.chars().peekable(), 0)
}

/// Reads atoms up to the end, or up to the `)` that closes the group.
fn sequence(chars: &mut Peekable<Chars<'_>>, depth: usize) -> bool {
    loop {
        match chars.next() {
            None => return depth == 0,
            Some(')') => return depth > 0,
            Some('|') if depth > 0 => {}
            Some(start) => {
                if !atom(start, chars, depth) || !repetition(chars) {
                    return false;
                }
            }
        }
    }
}

fn atom(start: char, chars: &mut Peekable<Chars<'_>>, depth: usize) -> bool {
    match start {
        '(' => {
            if chars.next_if_eq(&'?').is_some() && chars.next() != Some(':') {
                return false;
            }
            depth < GROUPS_MAX && sequence(chars, depth + 1)
        }
        '[' => class(chars),
        '\\' => chars.next().is_some_and(|c| c.is_ascii_punctuation()),
        '.' | '^' | '$' | '*' | '+' | '?' | '|' | ']' | '{' | '}' => false,
        literal => literal.is_ascii_graphic() || literal == ' ',
    }
}

/// `?`, `{n}` or `{n,m}`; nothing is as good.
fn repetition(chars: &mut Peekable<Chars<'_>>) -> bool {
    if chars.next_if_eq(&'?').is_some() {
        return !matches!(chars.peek(), Some('?' | '+' | '*' | '{'));
    }
    if chars.next_if_eq(&'{').is_none() {
        return true;
    }
    let Some(least) = number(chars) else { return false };
    let most = if chars.next_if_eq(&',').is_some() { number(chars) } else { Some(least) };
    let closed = chars.next() == Some('}');
    let bounded = most.is_some_and(|most| least <= most && most <= REPEAT_MAX);
    closed && bounded && !matches!(chars.peek(), Some('?' | '+' | '*' | '{'))
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().ok()
}

/// What stands between `[` and `]`: characters and ranges within one kind of character.
fn class(chars: &mut Peekable<Chars<'_>>) -> bool {
    let mut members = 0usize;
    let mut previous = None;
    while let Some(c) = chars.next() {
        let member = match c {
            ']' => return members > 0,
            '^' if members == 0 => return false,
            '[' => return false,
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => escaped,
                _ => return false,
            },
            // doubled, these are set operations
            '&' | '~' | '-' if chars.peek() == Some(&c) => return false,
            '-' => match (previous.take(), chars.peek().copied()) {
                (_, Some(']')) => '-',
                (Some(from), Some(to)) if is_range(from, to) => {
                    chars.next();
                    members += 1;
                    continue;
                }
                _ => return false,
            },
            plain if plain.is_ascii_graphic() || plain == ' ' || plain.is_alphabetic() => plain,
            _ => return false,
        };
        previous = Some(member);
        members += 1;
    }
    false
}

fn is_range(from: char, to: char) -> bool {
    let same = |kind: fn(&char) -> bool| kind(&from) && kind(&to);
    from <= to
        && (same(char::is_ascii_digit)
            || same(char::is_ascii_lowercase)
            || same(char::is_ascii_uppercase)
            || same(|c| !c.is_ascii() && c.is_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::is_explicit;

    #[test]
    fn anchored_patterns_of_listed_characters_are_taken() {
        for pattern in [
            "^[a-z2-7]{26}$",
            "^(19|20)[0-9]{2}(-(0[1-9]|1[0-2]))?$",
            "^[A-Za-z0-9][A-Za-z0-9 ./#-]{0,63}$",
            r"^[0-9]{2}\.[0-9]{2}$",
            "^(?:ab|cd)$",
            "^[à-ö]{1,3}$",
            "^[+]?[0-9 ()-]{5,9}$",
        ] {
            assert!(is_explicit(pattern), "{pattern}");
            assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn everything_that_takes_more_than_it_says_is_refused() {
        for pattern in [
            "",
            "^",
            "$",
            "[a-z]",
            "^[a-z]",
            "[a-z]$",
            "^a|b$",
            r"^a\$",
            r"^\d$",
            r"^\w{2}$",
            r"^\p{L}$",
            r"^\x41$",
            "^.$",
            "^a*$",
            "^a+$",
            "^a{2,}$",
            "^a{2000}$",
            "^a{3,2}$",
            "^[^a]$",
            "^[]$",
            "^[a-Z]$",
            "^[A-z]$",
            "^[[:alpha:]]$",
            "^[a&&b]$",
            "^[a--b]$",
            "^[a~~b]$",
            "^(?i)a$",
            "^(?i:a)$",
            "^(a$",
            "^a)$",
            "^a??$",
            "^a^b$",
            "^a$b$",
            "^é$",
            "^[a-\u{7f}]$",
            "^(?=a)$",
            "^[a$",
            "^a{,3}$",
            "^a?{2}$",
            "^[0-9-z]$",
            "^[\\d]$",
        ] {
            assert!(!is_explicit(pattern), "{pattern}");
        }
    }
}
