//! A birth date in its usual spellings: day, month and year in any customary order, with month
//! names in Indonesian, English, Dutch and French, Roman numerals, or all in one number.

/// A birth date as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Birth {
    year: u32,
    month: u32,
    /// 0 if not known.
    day: u32,
}

impl Birth {
    /// From `YYYY-MM-DD` or `YYYY-MM`. A year alone is in too many texts to search for.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '-').map(str::parse::<u32>);
        let year = parts.next()?.ok()?;
        let month = parts.next()?.ok()?;
        let day = match parts.next() {
            Some(day) => day.ok()?,
            None => 0,
        };
        ((1000..=9999).contains(&year) && (1..=12).contains(&month) && day <= 31).then_some(Self {
            year,
            month,
            day,
        })
    }

    /// Whether the date stands in a folded text.
    pub(super) fn is_in(&self, folded: &str) -> bool {
        // every spelling has the last two digits of the year
        let year_end = [self.year / 10 % 10, self.year % 10].map(|n| char::from_digit(n, 10));
        let year_end: String = year_end.into_iter().flatten().collect();
        if !folded.contains(&year_end) {
            return false;
        }
        let mut parts: [Part<'_>; 3] = [Part::NONE; 3];
        for part in Parts::of(folded) {
            if part.is_filler() {
                continue;
            }
            let [_, b, c] = parts;
            parts = [b, c, part];
            if self.is_one(part) || self.are_two(c, part, folded) || self.are_three(parts) {
                return true;
            }
        }
        false
    }

    fn is_one(&self, part: Part<'_>) -> bool {
        let (y, m, d) = (self.year, self.month, self.day);
        let yy = y % 100;
        let Some(number) = part.number else { return false };
        match part.text.len() {
            8 if d > 0 => [
                y * 10_000 + m * 100 + d,
                d * 1_000_000 + m * 10_000 + y,
                m * 1_000_000 + d * 10_000 + y,
            ]
            .contains(&number),
            6 => {
                let whole = d > 0
                    && [
                        yy * 10_000 + m * 100 + d,
                        d * 10_000 + m * 100 + yy,
                        m * 10_000 + d * 100 + yy,
                    ]
                    .contains(&number);
                let single = d > 0 && d * 100_000 + m * 10_000 + y == number;
                whole || single || [y * 100 + m, m * 10_000 + y].contains(&number)
            }
            7 if d > 0 => {
                [d * 100_000 + m * 10_000 + y, d * 1_000_000 + m * 10_000 + y].contains(&number)
            }
            _ => false,
        }
    }

    /// Month and year. Two bare numbers must stand close, or every second list would hit.
    fn are_two(&self, a: Part<'_>, b: Part<'_>, text: &str) -> bool {
        let close = || {
            let gap = text.get(a.end..b.start).unwrap_or_default();
            gap.chars().count() == 1 && gap != " "
        };
        let pair = (self.is_month(a) && b.number == Some(self.year))
            || (a.number == Some(self.year) && self.is_month(b));
        pair && (a.month > 0 || b.month > 0 || close())
    }

    fn are_three(&self, [first, second, third]: [Part<'_>; 3]) -> bool {
        let day_month = |one, other| self.is_day(one) && self.is_month(other);
        let either = |one, other| day_month(one, other) || day_month(other, one);
        self.day > 0
            && ((either(first, second) && self.is_year(third))
                || (self.is_year(first) && either(second, third)))
    }

    fn is_day(&self, part: Part<'_>) -> bool {
        part.number == Some(self.day) && part.text.len() <= 2
    }

    fn is_month(&self, part: Part<'_>) -> bool {
        part.month == self.month || (part.number == Some(self.month) && part.text.len() <= 2)
    }

    fn is_year(&self, part: Part<'_>) -> bool {
        match part.text.len() {
            4 => part.number == Some(self.year),
            2 => part.number == Some(self.year % 100),
            _ => false,
        }
    }
}

/// A run of letters or a run of digits.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    number: Option<u32>,
    /// 0 if it names no month.
    month: u32,
}

impl Part<'_> {
    const NONE: Part<'static> = Part { text: "", start: 0, end: 0, number: None, month: 0 };

    /// Words that stand between the parts of a date.
    fn is_filler(&self) -> bool {
        const FILLERS: &[&str] = &[
            "of", "the", "de", "van", "den", "le", "du", "en", "in", "st", "nd", "rd", "th", "er",
            "e", "ste", "tgl", "tanggal", "bln", "bulan", "thn", "th", "tahun", "pada", "year",
            "month", "day", "jaar", "annee", "an", "mois", "maand", "dag",
        ];
        self.number.is_none() && self.month == 0 && FILLERS.contains(&self.text)
    }
}

/// Splits a text into runs of letters and runs of digits.
struct Parts<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, rest: text }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let begins = self.rest.find(char::is_alphanumeric)?;
        let rest = self.rest.get(begins..)?;
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let ends = rest
            .find(|c: char| !c.is_alphanumeric() || c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (text, left) = rest.split_at_checked(ends)?;
        self.rest = left;
        let end = self.text.len() - left.len();
        let number = if digits && ends <= 8 { text.parse().ok() } else { None };
        let month = if digits { 0 } else { month(text) };
        Some(Part { text, start: end - ends, end, number, month })
    }
}

/// The month a folded word names, or 0.
fn month(word: &str) -> u32 {
    const MONTHS: [&[&str]; 12] = [
        &["januari", "january", "janvier", "jan", "janv", "i"],
        &["februari", "pebruari", "february", "fevrier", "feb", "peb", "fevr", "ii"],
        &["maret", "march", "maart", "mars", "mar", "mrt", "iii"],
        &["april", "avril", "apr", "avr", "iv"],
        &["mei", "may", "mai", "v"],
        &["juni", "june", "juin", "jun", "djuni", "vi"],
        &["juli", "july", "juillet", "jul", "juil", "djuli", "vii"],
        &["agustus", "august", "augustus", "aout", "agu", "agt", "ags", "agus", "aug", "viii"],
        &["september", "septembre", "sep", "sept", "ix"],
        &["oktober", "october", "octobre", "okt", "oct", "x"],
        &["november", "nopember", "novembre", "nov", "nop", "xi"],
        &["desember", "december", "decembre", "des", "dec", "xii"],
    ];
    MONTHS.iter().zip(1..).find(|(names, _)| names.contains(&word)).map_or(0, |(_, n)| n)
}

#[cfg(test)]
mod tests {
    use super::super::normalise::fold;
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_birth_date_is_found() {
        let birth = Birth::parse("2011-03-05").unwrap();
        for text in [
            "2011-03-05",
            "05-03-2011",
            "5/3/2011",
            "05.03.2011",
            "03/05/2011",
            "20110305",
            "05032011",
            "050311",
            "110305",
            "5 Maret 2011",
            "5 Mar 2011",
            "05 maret '11",
            "March 5, 2011",
            "5th of March 2011",
            "5 maart 2011",
            "le 5 mars 2011",
            "1er, 5 mars 2011",
            "lahir tgl 5 bln 3 thn 2011",
            "5-III-2011",
            "٥/٣/٢٠١١",
            "5maret2011",
            "2011 Maret 05",
            "lahir Maret 2011",
            "03/2011",
            "2011-03",
            "201103",
            "5 3 11",
            "５．３．２０１１",
            "5-3-11",
            "532011",
        ] {
            assert!(birth.is_in(&fold(text)), "{text}");
        }
    }

    #[test]
    fn other_dates_and_numbers_are_not_the_birth_date() {
        let birth = Birth::parse("2011-03-05").unwrap();
        for text in [
            "2011",
            "2011-04-05",
            "6 Mei 2011",
            "5 Maret",
            "tahun 2011, usia 3 dan 5",
            "3 2011",
            "usia 5, kelas 3, tahun 12",
            "05032012",
            "5 Mei 2011",
            "kelas 3 tahun 2012",
        ] {
            assert!(!birth.is_in(&fold(text)), "{text}");
        }
        assert!(Birth::parse("2011").is_none() && Birth::parse("").is_none());
        assert!(Birth::parse("2011-03").unwrap().is_in("maret 2011"));
    }
}
