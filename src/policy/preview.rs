//! What a recipient would see of a synthetic case: the same projection as of a real message, with
//! stand-ins for the pseudonyms, which need the gateway's key.

use std::collections::BTreeMap;

use serde_json::Value;
use time::Date;

use super::compile::Compiled;
use super::disclose::{Withheld, disclose};
use crate::domain::{Body, Context, Digest, Fault, Id, LeafName, Pseudonyms};

/// What would become of a case.
#[derive(Debug)]
pub enum Preview {
    /// The recipient receives this body.
    Goes {
        /// The body in the recipient's view.
        body: Value,
        /// Leaves that wait for an officer.
        pending: Vec<LeafName>,
        /// What the net found in them: leaf and rule.
        findings: Vec<Fault>,
    },
    /// The whole message waits for an officer.
    Held(Vec<Fault>),
    /// The message is refused for this recipient.
    Refused(Vec<Fault>),
}

/// Projects a synthetic body; ages are counted on `today`.
pub fn preview(policy: &Compiled, body: &Body, today: Date) -> Preview {
    let context = Context {
        reference_date: today,
        pseudonyms: &StandIns,
        protected: &[],
        released: &[],
        blank: &[],
    };
    match disclose(policy, body, &context) {
        Ok(disclosure) => Preview::Goes {
            body: disclosure.body().clone(),
            pending: disclosure.pending().to_vec(),
            findings: disclosure.findings().to_vec(),
        },
        Err(Withheld::Hold { findings, .. }) => Preview::Held(findings),
        Err(Withheld::Refuse(refused)) => Preview::Refused(refused.errors),
    }
}

/// Leaves by pointer; absent ones, and the pad, do not count.
pub fn flat(body: &Value) -> BTreeMap<String, String> {
    fn visit(value: &Value, at: &str, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (name, value) in members {
                    visit(value, &format!("{at}/{name}"), into);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for (index, item) in items.iter().enumerate() {
                    visit(item, &format!("{at}/{index}"), into);
                }
            }
            Value::Array(items) => {
                let words: Vec<String> = items.iter().map(words).collect();
                into.insert(at.to_owned(), words.join(", "));
            }
            value => {
                into.insert(at.to_owned(), words(value));
            }
        }
    }
    let mut leaves = BTreeMap::new();
    visit(body, "", &mut leaves);
    leaves.remove("/pad");
    leaves
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Pseudonyms of synthetic references: of the right form, and the same each time.
struct StandIns;

impl Pseudonyms for StandIns {
    fn pseudonym(&self, kind: &str, reference: &str, attempt: u32) -> Id {
        let input = format!("preview\0{kind}\0{reference}\0{attempt}");
        let mut bits = [0; 16];
        for (to, from) in bits.iter_mut().zip(Digest::of(input.as_bytes()).as_bytes()) {
            *to = *from;
        }
        Id::from_bits(bits)
    }
}
