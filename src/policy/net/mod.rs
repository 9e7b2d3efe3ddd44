//! The net: the second line behind the closed release schema.
//!
//! The first line is that a release is built from the plan and fits a closed schema. The net is
//! for what is free to vary within that schema: pattern-typed strings, keys and numbers of a
//! candidate release; and, before any message, minted references, codes, tables and constants.
//! It reads and reports; it never changes or shortens a text, and it names pointer and rule,
//! never a value.
//!
//! # What it does
//! A text is scanned as it stands and in every form that two levels of unescaping give
//! ([`unescape`]). Each form is folded to one spelling ([`normalise`]). On that: (a) a run of nine
//! digits or more over any separators, (b) the shapes of identifiers ([`shapes`]), (c) what this
//! exchange knows and this recipient may not have ([`echo`], [`dates`]), through a skeleton of
//! look-alike letters ([`confusables`]). The work is linear in the text.
//!
//! # Where it is stricter than the design
//! Digits also join over brackets, underscores, bullets and the like; nine words for digits in a
//! row are nine digits, as is a token of digits and `o`, `i`, `l`; base32, hexadecimal, markup and
//! text shown backwards are undone too; addresses, coordinates, network and case numbers have
//! shapes; eight unseen characters in a row hit. A name is found with a clitic or, from six letters
//! on, with anything attached, and from eight letters on however it is split.
//!
//! # What passes
//! It is a net, not a wall; against a sender who wants to tell, only the closed schema helps. What
//! was tried stands in the tests (`attacks`), the open part too: initials; another spelling by ear
//! (`Zarkolin`); a name in Arabic or another script that is not read by look or (Cyrillic, Greek)
//! by sound; letters reversed without a sign that shows them so, exchanged (ROT13), numbered or in
//! Morse; a name with other words between its parts, or spread over two leaves; a third level of
//! encoding, or one that is not tried (base85, compression); numbers in words beyond single digits,
//! in Roman numerals, or in a list with comma and space; a year of birth alone, a date in words;
//! number plates (any `di 12 mei` would be one); a token of a longer name that has fewer than four
//! letters.
//!
//! Which values are protected is the caller's word: [`Echo::new`] searches for what it is given.
//!
//! # Cost
//! Linear. A release build on the machine of the design's measurements takes 3 µs for an [`Echo`]
//! of ten values, 7 µs for the fifteen free strings of a typical referral, 10 ns a character of
//! prose without an echo and 30 ns with one.

mod confusables;
mod dates;
mod echo;
mod normalise;
mod shapes;
mod unescape;

use serde_json::Value;

pub use echo::{Echo, EchoKind};

/// The longest text that is looked into, in bytes, folded or not (one sign can fold into eighteen
/// letters); a longer one hits by its length alone.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Where the net hit, and by which rule. Never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// JSON pointer of the string or number; for a key, of the object that has it.
    pub pointer: String,
    /// Stable id of the rule, for example `nik` or `echo`.
    pub rule: &'static str,
}

/// The first rule that hits `text`: the echo, then the shapes, then a bare run of digits.
pub fn scan(text: &str, echo: &Echo) -> Option<&'static str> {
    hits(text, echo).rules().next()
}

/// Every rule that hits `text`, each once, in the order of [`scan`].
pub fn scan_all(text: &str, echo: &Echo) -> Vec<&'static str> {
    hits(text, echo).rules().collect()
}

/// The first rule that hits `text` whatever the message says. For what is known before any
/// message is: minted references, codes, tables, constants.
pub fn scan_shapes(text: &str) -> Option<&'static str> {
    scan(text, &Echo::default())
}

/// Whether a number has nine digits or more. Numbers that could be off by a few after having
/// been floats are no matter here: the count of digits stays.
pub fn scan_number(number: i64) -> Option<&'static str> {
    (number.unsigned_abs() >= 100_000_000).then_some(Rule::Digits.id())
}

/// Every hit in a candidate value: strings, keys and numbers, at any depth. `pointer` is where
/// the value stands.
pub fn scan_value(pointer: &str, value: &Value, echo: &Echo) -> Vec<Hit> {
    let mut found = Vec::new();
    walk(pointer, value, echo, &mut found);
    found
}

fn walk(pointer: &str, value: &Value, echo: &Echo, found: &mut Vec<Hit>) {
    let mut add = |pointer: &str, rule| found.push(Hit { pointer: pointer.to_owned(), rule });
    match value {
        Value::Null | Value::Bool(_) => {}
        // what is no i64 is larger than one, or a fraction that no schema allows
        Value::Number(number) => {
            if let Some(rule) = number.as_i64().map_or(Some(Rule::Digits.id()), scan_number) {
                add(pointer, rule);
            }
        }
        Value::String(text) => hits(text, echo).rules().for_each(|rule| add(pointer, rule)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(&format!("{pointer}/{at}"), item, echo, found);
            }
        }
        Value::Object(members) => {
            for key in members.keys() {
                hits(key, echo).rules().for_each(|rule| add(pointer, rule));
            }
            for (at, (key, member)) in members.iter().enumerate() {
                // a key that hits is a value: its members are named by their place
                let name = if hits(key, echo).is_empty() {
                    key.replace('~', "~0").replace('/', "~1")
                } else {
                    at.to_string()
                };
                walk(&format!("{pointer}/{name}"), member, echo, found);
            }
        }
    }
}

fn hits(text: &str, echo: &Echo) -> Hits {
    let mut hits = Hits::default();
    if text.len() > TEXT_BYTES_MAX {
        hits.add(Rule::Oversize);
        return hits;
    }
    unescape::each_form(text, &mut |form| {
        let folded = normalise::fold(form);
        if folded.len() > TEXT_BYTES_MAX {
            hits.add(Rule::Oversize);
            return;
        }
        shapes::find_hidden(form, &mut hits);
        shapes::find(&folded, &mut hits);
        echo.find(&folded, &mut hits);
    });
    hits
}

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $id:literal,)*) => {
        /// The rules, the most telling first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }
        }
    };
}

rules! {
    /// Too long to be looked into.
    Oversize = "oversize",
    /// A value of this exchange that the recipient may not have.
    Echo = "echo",
    /// The birth date of this exchange, which is dropped or coarsened.
    EchoBirth = "echo-birth",
    /// Nomor Induk Kependudukan.
    Nik = "nik",
    /// Kartu Keluarga number.
    Kk = "kk",
    /// Nomor Pokok Wajib Pajak.
    Npwp = "npwp",
    /// Belgian register number, BIS number among them.
    Rrn = "rrn",
    /// Belgian identity card number.
    Eid = "eid",
    /// Passport or travel document number.
    Passport = "passport",
    /// Birth certificate number.
    BirthCertificate = "birth-certificate",
    /// Police or court case number.
    CaseNumber = "case-number",
    /// UNHCR registration number.
    Unhcr = "unhcr",
    /// International bank account number.
    Iban = "iban",
    /// Machine-readable zone of a travel document.
    Mrz = "mrz",
    /// Telephone number.
    Phone = "phone",
    /// Email address.
    Email = "email",
    /// Name on a social network.
    Handle = "handle",
    /// Link or domain.
    Url = "url",
    /// IP or hardware address.
    Network = "network-address",
    /// Coordinates or a plus code.
    Position = "position",
    /// Street address.
    Address = "address",
    /// Characters that no one sees, in a row.
    Hidden = "hidden",
    /// Nine digits or more.
    Digits = "digits",
}

/// The rules that hit.
#[derive(Debug, Clone, Copy, Default)]
struct Hits(u32);

impl Hits {
    fn add(&mut self, rule: Rule) {
        self.0 |= 1 << (rule as u32);
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn rules(self) -> impl Iterator<Item = &'static str> {
        Rule::ALL.iter().filter(move |r| self.0 & (1 << (**r as u32)) != 0).map(|r| r.id())
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
