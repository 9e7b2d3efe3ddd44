//! Where it is planted, and what goes wrong on the way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::plant::Class;

/// A message before it is signed, with everything that a sender can choose.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) claims: Value,
    /// What is signed instead of the claims, where no writer of JSON would write it.
    pub(crate) raw: Option<String>,
    /// Members of the JWS header.
    pub(crate) header: Value,
    /// One HTTP header.
    pub(crate) note: Option<String>,
    pub(crate) query: String,
    /// Asked for instead, with GET.
    pub(crate) path: Option<String>,
}

impl Draft {
    pub(crate) fn of(claims: Value) -> Self {
        let (raw, note, path) = (None, None, None);
        Self { claims, raw, header: json!({}), note, query: String::new(), path }
    }

    pub(crate) fn payload(&self) -> String {
        self.raw.clone().unwrap_or_else(|| self.claims.to_string())
    }

    fn set(&mut self, pointer: &str, value: Value) {
        let (above, name) = pointer.rsplit_once('/').unwrap();
        match self.claims.pointer_mut(above).unwrap() {
            Value::Object(members) => drop(members.insert(name.to_owned(), value)),
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            _ => panic!("{pointer}"),
        }
    }

    /// Writes the claims with `from` as `to`, once.
    fn rewrite(&mut self, from: &str, to: &str) {
        let text = self.claims.to_string();
        assert!(text.contains(from), "{from}");
        self.raw = Some(text.replacen(from, to, 1));
    }
}

/// Where.
pub(crate) struct Position {
    pub(crate) name: &'static str,
    place: fn(&mut Draft, &Class, &str),
    /// Whether a value as it is, in its own leaf, makes a message that is taken.
    pub(crate) is_known: bool,
}

impl std::fmt::Debug for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Position {
    pub(crate) fn place(&self, draft: &mut Draft, class: &Class, text: &str) {
        (self.place)(draft, class, text);
    }
}

type Place = fn(&mut Draft, &Class, &str);

const fn known(name: &'static str, place: Place) -> Position {
    Position { name, place, is_known: true }
}

const fn stray(name: &'static str, place: Place) -> Position {
    Position { name, place, is_known: false }
}

/// In the leaf that takes it; a text takes everything.
fn own_leaf(draft: &mut Draft, class: &Class, text: &str) {
    let leaf = class.leaf.unwrap_or("/summary");
    let value = if leaf == "/subject/name/alias" { json!([text]) } else { json!(text) };
    if leaf == "/justice/case_no" {
        draft.set("/body/category/ampk", json!("abh_terorisme"));
        draft.set("/body/justice", json!({"stage": "trial", "detained": "no"}));
    }
    draft.set(&format!("/body{leaf}"), value);
}

pub(crate) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

fn nested(text: &str) -> String {
    format!("{}\"{}\"{}", "[".repeat(100), text.replace(['"', '\\'], ""), "]".repeat(100))
}

pub(crate) const POSITIONS: &[Position] = &[
    known("its own leaf", own_leaf),
    known("text", |d, _, text| d.set("/body/summary", json!(text))),
    known("another name", |d, _, text| d.set("/body/caregiver/name", json!(text))),
    known("address", |d, _, text| d.set("/body/location/address", json!(text))),
    known("JSON in a text", |d, _, text| {
        d.set("/body/summary", json!(json!({"nama": text}).to_string()));
    }),
    known("base64 in a text", |d, _, text| d.set("/body/summary", json!(STANDARD.encode(text)))),
    known("HTTP header", |d, _, text| d.note = Some(percent(text))),
    known("query", |d, _, text| d.query = format!("?note={}", percent(text))),
    stray("member of the envelope", |d, _, text| d.set("/catatan", json!(text))),
    stray("member of the body", |d, _, text| d.set("/body/catatan", json!(text))),
    stray("member of an object", |d, _, text| d.set("/body/subject/catatan", json!(text))),
    stray("member in an array", |d, _, text| d.set("/body/household/0/catatan", json!(text))),
    stray("name of a member", |d, _, text| {
        d.claims["body"]["subject"][text] = json!(1);
    }),
    stray("code", |d, _, text| d.set("/body/subject/sex", json!(text))),
    stray("code in a list", |d, _, text| d.set("/body/services_requested/0", json!(text))),
    stray("reference", |d, _, text| d.set("/body/referrer/officer_ref", json!(text))),
    stray("consent record", |d, _, text| d.set("/attest/consent_record", json!(text))),
    stray("message id", |d, _, text| d.set("/jti", json!(text))),
    stray("key id", |d, _, text| d.header = json!({"kid": text})),
    stray("header parameter", |d, _, text| d.header = json!({"catatan": text})),
    stray("date", |d, _, text| d.set("/body/respond_by", json!(text))),
    stray("number as text", |d, _, text| d.set("/body/attachments/0/size", json!(text))),
    stray("number of 17 digits", |d, _, _| d.rewrite("183204", "99000017031100000")),
    stray("number with exponent", |d, _, _| d.rewrite("183204", "9.90000170311e15")),
    stray("handling", |d, _, text| d.set("/marking/handling/0", json!(text))),
    stray("onward", |d, _, text| d.set("/legal/onward/0", json!(text))),
    stray("recipient", |d, _, text| d.set("/recipients", json!([text]))),
    stray("type", |d, _, text| d.set("/type", json!(text))),
    stray("purpose", |d, _, text| d.set("/legal/purpose", json!(text))),
    stray("twice the same member", |d, _, text| {
        let text = json!(text).to_string();
        d.rewrite("\"scope\":", &format!("\"scope\":{text},\"scope\":"));
    }),
    stray("deep below", |d, _, text| d.rewrite("183204", &nested(text))),
    stray("a megabyte", |d, _, text| d.set("/body/summary", json!(text.repeat(60_000)))),
    stray("path", |d, _, text| d.path = Some(format!("/v1/messages/{}", percent(text)))),
];

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    SentAgain,
    OtherBytesUnderItsId,
    UnknownVersion,
    ClockAhead,
    Expired,
    BadSignature,
    Oversize,
    OtherMedia,
}

pub(crate) const FAULTS: &[Fault] = &[
    Fault::Nothing,
    Fault::SentAgain,
    Fault::OtherBytesUnderItsId,
    Fault::UnknownVersion,
    Fault::ClockAhead,
    Fault::Expired,
    Fault::BadSignature,
    Fault::Oversize,
    Fault::OtherMedia,
];
