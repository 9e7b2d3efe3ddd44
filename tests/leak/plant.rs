//! What is planted: kinds of values that would tell who a child is, and the forms they come in.
//!
//! SYNTHETIC throughout: names are nonce syllables, numbers are of region 99 or end in serial 0000,
//! addresses are under example.org or `.invalid`.

/// A kind of value.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// With `#` where a digit of the scenario's number stands.
    text: &'static str,
    /// Whether it is one that a known leaf of its own takes.
    pub(crate) leaf: Option<&'static str>,
}

const fn class(name: &'static str, text: &'static str, leaf: Option<&'static str>) -> Class {
    Class { name, text, leaf }
}

pub(crate) const CLASSES: &[Class] = &[
    class("Indonesian name", "Zarqolin Meswadi", Some("/subject/name/full")),
    class("Belgian name", "Vanquorbeke Thulmans", Some("/subject/name/full")),
    class(
        "Arabic name",
        "\u{632}\u{631}\u{642}\u{648}\u{644}\u{646}\u{648}",
        Some("/subject/name/full"),
    ),
    class("kunya", "Ummu Quslimar", Some("/subject/name/kunya")),
    class("alias", "Nadqiwi", Some("/subject/name/alias")),
    class("mononym", "Xulvandor", Some("/subject/name/given")),
    class("officer's name", "Brigadir Tolqwesno", None),
    class("NIK", "9900001703110000", Some("/subject/ids/0/no")),
    class("KK", "9900001703120000", Some("/subject/ids/0/no")),
    class("birth certificate", "9900-LT-17032011-0000", Some("/subject/ids/0/no")),
    class("passport", "XQ0009917", Some("/subject/ids/0/no")),
    class("NPWP", "99.000.017.0-314.000", Some("/subject/ids/0/no")),
    class("RRN", "11.03.17-999.31", Some("/subject/ids/0/no")),
    class("BIS", "11.23.17-999.07", Some("/subject/ids/0/no")),
    class("eID", "590-0001703-15", Some("/subject/ids/0/no")),
    class("phone", "+62 812-0000-9917", Some("/caregiver/phone")),
    class("email", "zarqolin.m#@example.org", None),
    class("handle", "@zarqolin_m#", None),
    class("URL", "https://zarqolin.invalid/m#", None),
    class("position", "-6.990017, 106.990017", None),
    class("IMEI", "990000170316004", None),
    class("number plate", "B 9917 ZQX", None),
    class("IBAN", "BE99 9900 0017 0317", None),
    class("MRZ", "P<IDNMESWADI<<ZARQOLIN<<<<<<<<<<", None),
    class("birth date in words", "17 Maret 2011 Qandoril", None),
    class("event", "Peristiwa Qandoril", None),
    class("camp", "kamp Mezqarah", None),
    class("siblings", "tujuh saudara Zaqbiling", None),
    class("unit", "Sentra Quwandari", None),
    class("address", "Jl. Zarqolin Meswadi RT 00 RW 00", Some("/location/address")),
    class("case number", "99/Pid.Zqx/2099", Some("/justice/case_no")),
];

/// What each planted value contains, letters and digits only, and nothing else does.
pub(crate) const STEMS: &[&str] = &[
    "zarqolin",
    "zarqoelin",
    "meswadi",
    "vanquorbeke",
    "thulmans",
    "\u{632}\u{631}\u{642}\u{648}\u{644}\u{646}\u{648}",
    "quslimar",
    "qoeslimar",
    "nadqiwi",
    "xulvandor",
    "xoelvandor",
    "tolqwesno",
    "990000170311",
    "990000170312",
    "9900lt17032011",
    "xq0009917",
    "990000170314",
    "11031799931",
    "11231799907",
    "590000170315",
    "81200009917",
    "6990017106990017",
    "990000170316",
    "b9917zqx",
    "990000170317",
    "qandoril",
    "mezqarah",
    "zaqbiling",
    "quwandari",
    "qoewandari",
    "99pidzqx2099",
    "vanquoerbeke",
    "vanqoeorbeke",
    "thoelmans",
];

impl Class {
    /// The value of a scenario.
    pub(crate) fn value(&self, number: u64) -> String {
        self.text.replace('#', &(number % 10).to_string())
    }
}

/// A form that a value is written in.
pub(crate) struct Surface {
    pub(crate) name: &'static str,
    write: fn(&str) -> String,
}

impl Surface {
    pub(crate) fn write(&self, text: &str) -> String {
        (self.write)(text)
    }
}

impl std::fmt::Debug for Surface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) const SURFACES: &[Surface] = &[
    Surface { name: "as it is", write: str::to_owned },
    Surface { name: "NFD", write: |text| nfd(text) },
    Surface { name: "NFKD of fullwidth", write: |text| nfkd(&fullwidth(text)) },
    Surface { name: "zero-width", write: |text| between(text, "\u{200b}") },
    Surface { name: "bidi", write: |text| format!("\u{202e}{text}\u{202c}") },
    Surface { name: "fullwidth", write: fullwidth },
    Surface { name: "Arabic-Indic digits", write: |text| digits(text, '\u{660}') },
    Surface { name: "Persian digits", write: |text| digits(text, '\u{6f0}') },
    Surface { name: "homoglyphs", write: homoglyphs },
    Surface { name: "combining marks", write: |text| between(text, "\u{301}") },
    Surface { name: "odd spaces", write: |text| text.replace(' ', "\u{2003}\u{a0}") },
    Surface { name: "odd dashes", write: |text| text.replace('-', "\u{2011}") },
    Surface { name: "spaced out", write: |text| between(text, " ") },
    Surface { name: "dotted", write: |text| between(text, ".") },
    Surface { name: "upper case", write: str::to_uppercase },
    Surface { name: "lower case", write: str::to_lowercase },
    Surface { name: "clitic", write: |text| format!("{text}nya") },
    Surface { name: "old spelling", write: |text| text.replace('u', "oe") },
    Surface { name: "in a sentence", write: |text| format!("Ibu dari {text}, buatan.") },
];

fn nfd(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    // a letter that has a decomposition, so that the form differs
    format!("\u{e9}{text}").nfd().collect()
}

fn nfkd(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfkd().collect()
}

fn between(text: &str, what: &str) -> String {
    text.chars().map(String::from).collect::<Vec<_>>().join(what)
}

fn fullwidth(text: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(wide).collect()
}

fn digits(text: &str, zero: char) -> String {
    let other = |c: char| match c.to_digit(10) {
        Some(value) => char::from_u32(u32::from(zero) + value).unwrap_or(c),
        None => c,
    };
    text.chars().map(other).collect()
}

fn homoglyphs(text: &str) -> String {
    let odd = |c: char| match c {
        'a' => '\u{430}',
        'e' => '\u{435}',
        'o' => '\u{43e}',
        'i' => '\u{456}',
        other => other,
    };
    text.chars().map(odd).collect()
}
