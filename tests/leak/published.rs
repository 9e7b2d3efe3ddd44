//! Every body that was handed out, held against the schema that was published to whom it was
//! handed to, by a validator in another language.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::scenario::{Told, opened};
use crate::sinks::Sinks;

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| Regex::new("\"[a-z2-7]{26}\"").unwrap());

/// Bodies that differ in more than their references, by schema.
#[derive(Debug, Default)]
pub(crate) struct Published {
    bodies: HashSet<(String, String)>,
    schemas: HashMap<String, &'static str>,
}

impl Published {
    pub(crate) fn add(&mut self, told: &Told) {
        for (party, item) in &told.handed {
            let (statement, body) = opened(item);
            let schema = statement["release_schema"].as_str().unwrap().to_owned();
            let text = body.to_string();
            let alike = REFERENCE.replace_all(&text, "\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"");
            self.bodies.insert((schema.clone(), alike.into_owned()));
            self.schemas.insert(schema, party);
        }
    }

    /// Asks the other implementation; `None` where this machine has none of it.
    pub(crate) async fn judge(&self, gate: &Gate, sinks: &mut Sinks) -> Option<usize> {
        let mut input = String::new();
        for (schema, party) in &self.schemas {
            let answer = gate.get(party, &format!("/v1/release-schemas/{schema}")).await;
            assert_eq!(answer.status, 200, "a schema is published to whom it is for");
            writeln!(input, "{}", json!({"schema": schema, "text": answer.text})).unwrap();
        }
        for (schema, body) in &self.bodies {
            let body: Value = serde_json::from_str(body).unwrap();
            writeln!(input, "{}", json!({"schema": schema, "body": body})).unwrap();
        }
        let faults = validate(&input)?;
        for fault in faults {
            sinks.found("published schema", "inbox", fault);
        }
        Some(self.bodies.len())
    }
}

/// The faults that Python's `jsonschema` finds.
fn validate(input: &str) -> Option<Vec<String>> {
    // Debian's package is for Debian's Python, whichever else stands before it
    let has = |python: &&str| {
        let output = Command::new(python).args(["-c", "import jsonschema"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has) else {
        assert!(std::env::var_os("CI").is_none(), "install python3-jsonschema");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/leak/oracle.py");
    let mut judge = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut faults: Vec<String> = said.lines().map(str::to_owned).collect();
    if !output.status.success() && faults.is_empty() {
        faults.push("the other validator ended badly".to_owned());
    }
    Some(faults)
}
