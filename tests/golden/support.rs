//! Shipped files, compiled as a gateway compiles them, and pseudonyms that need no key.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use time::macros::date;
use titian::domain::{
    Body, Context, Digest, Id, LeafName, LeafTable, PartyId, PartyKind, Pseudonyms,
};
use titian::policy::{Compiled, Disclosure, Finding, Floor, Source, Withheld, compile, disclose};
use titian::schema::Schemas;

pub(crate) static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::builtin().unwrap());

pub(crate) fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn table(message: &str) -> &'static LeafTable {
    SCHEMAS.message(&message.parse().unwrap()).unwrap().leaves()
}

pub(crate) fn floors() -> [Floor; 2] {
    ["config/floor.development.toml", "config/floor.production.toml"]
        .map(|file| Floor::parse(&read(file)).unwrap())
}

pub(crate) fn kind_of(party: &PartyId) -> PartyKind {
    match party.as_str() {
        "kemensos" => PartyKind::Social,
        "bnpt" => PartyKind::CounterTerrorism,
        _ => PartyKind::Foreign,
    }
}

pub(crate) fn compile_text(text: &str) -> Result<Compiled, Vec<Finding>> {
    let source = Source::parse("tried", text).unwrap_or_else(|bad| panic!("{bad}"));
    let [floor, _] = floors();
    let kind = kind_of(&source.head.recipient.party);
    let leaves = table(source.head.message.as_str());
    compile(source, &floor, leaves, kind)
}

pub(crate) fn shipped(id: &str) -> Compiled {
    compile_text(&read(&format!("config/policies/{id}.toml")))
        .unwrap_or_else(|findings| panic!("{id}: {}", findings[0]))
}

/// A shipped policy's text in which the row of one leaf reads otherwise.
pub(crate) fn with_row(id: &str, leaf: &str, operation: &str) -> String {
    let text = read(&format!("config/policies/{id}.toml"));
    let quoted = format!("\"{leaf}\"");
    let mut found = 0;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.starts_with(&quoted) {
                found += 1;
                format!("{quoted} = {operation}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    assert_eq!(found, 1, "{leaf}");
    lines.join("\n")
}

/// Stands for the HMAC: the same for the same input, another for every other.
pub(crate) struct Hashed;

impl Pseudonyms for Hashed {
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id {
        let text = format!("{kind}|{reference}|{attempt}");
        let mut bits = [0u8; 16];
        bits.copy_from_slice(&Digest::of(text.as_bytes()).as_bytes()[..16]);
        Id::from_bits(bits)
    }
}

pub(crate) fn context(released: &[LeafName]) -> Context<'_> {
    Context {
        reference_date: date!(2026 - 11 - 24),
        pseudonyms: &Hashed,
        protected: &[],
        released,
        blank: &[],
    }
}

pub(crate) fn run(policy: &Compiled, body: &Value) -> Result<Disclosure, Withheld> {
    disclose(policy, &Body::new(body.clone()), &context(&[]))
}

pub(crate) fn example(name: &str) -> Value {
    let text = read(&format!("schemas/examples/{name}.json"));
    serde_json::from_str::<Map<String, Value>>(&text).unwrap()["body"].clone()
}

/// The body as another value at one pointer; `None` takes the member away.
pub(crate) fn changed(body: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let object = body.pointer_mut(above).and_then(Value::as_object_mut).unwrap();
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
    body
}
