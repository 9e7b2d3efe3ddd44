//! What no generator comes upon: each a case of its own.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use titian::app::{Home, open};
use titian::clock::Clock;
use titian::domain::{Class, PartyKind};
use titian::policy::{Floor, Source, compile};
use titian::schema::Schemas;

use crate::gate::{Gate, Model};
use crate::place::{Draft, Fault};
use crate::plant::{CLASSES, SURFACES};
use crate::scenario::{REFERRAL, Runner, opened};
use crate::sinks::Sinks;

pub(crate) async fn judge(model: &Path, sinks: &mut Sinks) {
    floor(sinks);
    no_key(model, sinks).await;
    half_a_date(sinks).await;
    noted(model, sinks).await;
    frozen(model, sinks).await;
    excepted(model, sinks).await;
}

/// No policy lets a direct identifier or a text out, whoever writes it.
fn floor(sinks: &mut Sinks) {
    sinks.scenario = "a policy below the floor".to_owned();
    let schemas = Schemas::builtin().unwrap();
    let floors = [
        include_str!("../../config/floor.development.toml"),
        include_str!("../../config/floor.production.toml"),
    ];
    let policies = [
        (include_str!("../../config/policies/kemensos-cuta-be-referral.toml"), PartyKind::Foreign),
        (include_str!("../../config/policies/kemensos-cuta-be-status.toml"), PartyKind::Foreign),
        (
            include_str!("../../config/policies/kemensos-bnpt-status.toml"),
            PartyKind::CounterTerrorism,
        ),
    ];
    for floor in floors.map(|text| Floor::parse(text).unwrap()) {
        for (text, kind) in policies {
            let source = Source::parse("tried", text).unwrap();
            let table = schemas.message(&source.head.message).unwrap().leaves();
            assert!(compile(source, &floor, table, kind).is_ok(), "as it is shipped it compiles");
            for leaf in &table.leaves {
                if !matches!(leaf.class, Class::Direct | Class::Text) {
                    continue;
                }
                let quoted = format!("\"{}\"", leaf.name);
                let row = |line: &str| {
                    let is_it = line.starts_with(&quoted);
                    if is_it { format!("{quoted} = \"keep\"") } else { line.to_owned() }
                };
                let below: Vec<String> = text.lines().map(row).collect();
                let source = Source::parse("tried", &below.join("\n")).unwrap();
                if below.join("\n") != text.trim_end()
                    && compile(source, &floor, table, kind).is_ok()
                {
                    let what = format!("`{}` may be kept", leaf.name);
                    sinks.found("fail closed", "policies", what);
                }
            }
        }
    }
}

/// Without the key behind pseudonyms nothing starts.
async fn no_key(model: &Path, sinks: &mut Sinks) {
    sinks.scenario = "an empty key".to_owned();
    let copy = Model::copy(model);
    let key = copy.path().join("keys/pseudonym");
    std::fs::write(key, b"").unwrap();
    let home = Home::at(copy.path());
    let lock = home.lock().unwrap().unwrap();
    if open(&home, lock).await.is_ok() {
        sinks.found("fail closed", "start", "it starts with an empty key".to_owned());
    }
}

/// What cannot be worked out, such as an age from a year of birth alone, is told to nobody who
/// may only know the age.
async fn half_a_date(sinks: &mut Sinks) {
    let row = "\"/subject/birth/date\" = ";
    let band = "{ op = \"age_band\", bands = \"domestic\" }";
    let change = (format!("{row}\"drop\""), format!("{row}{band}"));
    let policy = "policies/kemensos-bnpt-status.toml";
    let model = Model::changed(policy, (&change.0, &change.1));
    let gate = Gate::open(Some(&model.path()), 3).await;
    let mut runner = Runner::new(&gate);
    runner.sinks.scenario = "half a date of birth".to_owned();
    let year = gate.clock.today().year() - 5;
    runner.status = Some(("/subject/birth/date", json!(year.to_string())));
    let told = runner.tell(draft(&gate), Fault::Nothing, None).await;
    let state = told.states[0]["state"].as_str().unwrap_or_default();
    // what else is judged by the shipped policy does not count here
    let mut found = Sinks { scenario: runner.sinks.scenario, ..Sinks::default() };
    if told.handed.iter().any(|(party, _)| *party == "bnpt") || state != "refused" {
        let what = format!("what cannot be worked out is `{state}`, not refused");
        found.found("fail closed", "inbox", what);
    }
    sinks.join(found);
}

/// An officer is told which held text has a number that identifies, however it is written.
async fn noted(model: &Path, sinks: &mut Sinks) {
    let gate = Gate::open(Some(model), 6).await;
    let mut runner = Runner::new(&gate);
    let numbers = CLASSES.iter().filter(|class| matches!(class.name, "NIK" | "KK" | "phone"));
    for class in numbers {
        for surface in SURFACES.iter().filter(|surface| surface.name != "old spelling") {
            let mut draft = draft(&gate);
            draft.claims["body"]["summary"] = json!(surface.write(&class.value(1)));
            let object = gate.sign("bnpt", draft.payload().as_bytes(), &json!({}));
            let answer = gate.post("bnpt", "/v1/messages", object).await;
            // a form that is not NFC is refused before anybody would read it
            if answer.status == 201 && last_findings(&gate) == "[]" {
                runner.sinks.scenario = format!("{} in a held text, {}", class.name, surface.name);
                runner.sinks.found("net", "holds", "a number is not noted".to_owned());
            }
        }
    }
    sinks.join(runner.sinks);
}

fn last_findings(gate: &Gate) -> String {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = gate.home().join("titian.db");
    let database = rusqlite::Connection::open_with_flags(database, flags).unwrap();
    let last = "SELECT findings FROM holds ORDER BY row DESC LIMIT 1";
    database.query_row(last, [], |row| row.get(0)).unwrap()
}

/// What waits for a party when it is frozen is not handed to it.
async fn frozen(model: &Path, sinks: &mut Sinks) {
    // the command line that freezes it has the machine's clock
    let now = time::OffsetDateTime::now_utc();
    let gate = Gate::open_at(Some(model), 4, now).await;
    let mut runner = Runner::new(&gate);
    runner.sinks.scenario = "a frozen party".to_owned();
    runner.leaves_abroad = true;
    runner.tell(draft(&gate), Fault::Nothing, None).await;
    sinks.join(runner.sinks);
    let home = gate.home_only();
    let output = Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(["party", "freeze", "cuta-be", "--as", "petugas-jaga"])
        .env("TITIAN_HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let gate = Gate::open_at(Some(&home.path()), 5, now).await;
    let page = gate.inbox("cuta-be", "0").await;
    assert_eq!(page.status, 200, "{}", page.text);
    if page.json()["items"].as_array().is_none_or(|items| !items.is_empty()) {
        sinks.scenario = "a frozen party".to_owned();
        sinks.found("fail closed", "inbox", "a frozen party is handed what waited".to_owned());
    }
}

/// What an exception would add is not handed out after its last day.
async fn excepted(model: &Path, sinks: &mut Sinks) {
    let gate = Gate::open(Some(model), 8).await;
    let mut runner = Runner::new(&gate);
    runner.leaves_abroad = true;
    let told = runner.tell(draft(&gate), Fault::Nothing, None).await;
    if told.status.is_empty() {
        // what stands in the way was found by others
        runner.sinks.found("utility", "inbox", "a plain case does not go its way".to_owned());
        return sinks.join(runner.sinks);
    }
    let today = gate.clock.today();
    let text = format!(
        "# SYNTHETIC\nsender = \"kemensos\"\nrecipient = \"cuta-be\"\nmessage = \"status/1\"\n\
         message_id = \"{}\"\npurpose = \"reintegration\"\nagreement = \"mou-id-be\"\n\
         instrument = \"mou-id-be, article 7\"\nbest_interests = \"favourable\"\n\
         safety_check = \"no_known_risk\"\nexpires = {today}\nwhy = \"contoh\"\n\
         [leaves]\n\"/subject/sex\" = \"keep\"\n",
        told.status
    );
    gate.grant("x-ended", &text).await;
    gate.clock.advance(2 * 86_400);
    let page = gate.inbox("cuta-be", "0").await.json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let has_sex = |item| opened(item).1["subject"].get("sex").is_some_and(|sex| !sex.is_null());
    if items.is_empty() || items.iter().any(has_sex) {
        runner.sinks.scenario = "an exception that has ended".to_owned();
        let what = "an ended exception passes what it named".to_owned();
        runner.sinks.found("fail closed", "inbox", what);
    }
    sinks.join(runner.sinks);
}

fn draft(gate: &Gate) -> Draft {
    let mut claims = gate.claims("bnpt", &REFERRAL);
    claims["body"]["subject"]["ref"] = json!(gate.fresh());
    Draft::of(claims)
}
