//! Officers change what is governed, as they would: with the command line, at a gateway that runs.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::lifecycle::{UNIT, status};
use crate::live::{Live, Party, statement};
use crate::statement::received;

pub(crate) const EDITOR: &str = "petugas-kebijakan";
pub(crate) const APPROVER: &str = "pejabat-pengesah";
pub(crate) const OTHER_AGENCY: &str = "pengesah-bnpt";
const ABROAD: &str = "kemensos-cuta-be-status";
const MONTH_GOES: (&str, &str) =
    ("\"/effective_on\"       = \"month\"", "\"/effective_on\"       = \"drop\"");
const MONTH_COMES: (&str, &str) = (MONTH_GOES.1, MONTH_GOES.0);

/// What a command answered: exit code, JSON if there was any, words.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) words: String,
}

pub(crate) fn run(live: &Live, arguments: &[&str]) -> Said {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(arguments)
        .args(["--json", "--home"])
        .arg(live.home())
        .output()
        .unwrap();
    Said {
        code: output.status.code().unwrap(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        words: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The text in force of a document, changed by `edit`, in a file named by its id.
pub(crate) fn edited(
    live: &Live,
    (kind, id): (&str, &str),
    edit: &[(&str, &str)],
) -> std::path::PathBuf {
    let file = live.home().join(format!("{id}.toml"));
    drop(std::fs::remove_file(&file));
    let exported = run(live, &[kind, "export", id, "--output", file.to_str().unwrap()]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (from, to) in edit {
        assert!(text.contains(from), "{from}: {text}");
        text = text.replace(from, to);
    }
    std::fs::write(&file, text).unwrap();
    file
}

pub(crate) fn propose(live: &Live, kind: &str, file: &std::path::Path, officer: &str) -> Said {
    let words = [kind, "propose", file.to_str().unwrap(), "--as", officer, "--reason", "contoh"];
    run(live, &words)
}

/// How `--confirm` names a version.
fn named(view: &Value) -> String {
    format!("{}:{}", view["version"], view["digest"].as_str().unwrap())
}

pub(crate) fn approve(live: &Live, kind: &str, id: &str, officer: &str) -> Said {
    let all = run(live, &[kind, "history", id]).json;
    let proposed = all.as_array().unwrap().iter().rfind(|view| view["state"] == "proposed");
    let confirm = proposed.map_or_else(|| format!("1:{}", "-".repeat(43)), named);
    run(live, &[kind, "approve", id, "--as", officer, "--confirm", &confirm])
}

/// Puts a change in force, by two officers where it takes two.
pub(crate) fn change(live: &Live, kind: &str, id: &str, edit: &[(&str, &str)]) {
    let proposed = propose(live, kind, &edited(live, (kind, id), edit), EDITOR);
    assert_eq!(proposed.code, 0, "{proposed:?}");
    if proposed.json["state"] == "proposed" {
        let approved = approve(live, kind, id, APPROVER);
        assert_eq!(approved.json["stands"], "in_force", "{approved:?}");
    }
}

fn accepted<'a>(unit: &Party<'a>, bnpt: &Party<'a>) -> Value {
    let (item, body) = received(bnpt, unit);
    let claims = status(unit, &item, &body, "received", "accepted");
    let answered = unit.submit(claims);
    assert_eq!(answered.status, 201, "{}", answered.text);
    answered.json()
}

fn last(party: &Party<'_>) -> (Value, Value) {
    let (item, body) = party.inbox().pop().unwrap();
    (statement(item["release"].as_str().unwrap()), body)
}

#[test]
fn two_officers_widen_and_the_release_changes_with_it() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let id = "kemensos-bnpt-status";
    let wider = edited(
        &live,
        ("policy", id),
        &[("\"/next_review_on\"     = \"drop\"", "\"/next_review_on\"     = \"month\"")],
    );
    // not the approver's to write, nor anybody's of another agency, nor a name of nobody
    for officer in [APPROVER, OTHER_AGENCY, "tiada"] {
        assert_eq!(propose(&live, "policy", &wider, officer).json["code"], "may-not", "{officer}");
    }
    let proposed = propose(&live, "policy", &wider, EDITOR);
    assert_eq!((proposed.code, &proposed.json["stands"]), (0, &json!("proposed")), "{proposed:?}");
    assert_eq!(proposed.json["needs"], "two_units");
    // before it is approved nothing has changed
    accepted(&unit, &bnpt);
    assert!(last(&bnpt).1.get("next_review_on").is_none());
    let own = approve(&live, "policy", id, EDITOR);
    assert_eq!(own.json["code"], "may-not", "{own:?}");
    let unread = run(&live, &["policy", "approve", id, "--as", APPROVER]);
    assert_eq!(unread.code, 1);
    assert!(unread.words.contains("--confirm"), "{unread:?}");
    let approved = approve(&live, "policy", id, APPROVER);
    assert_eq!(approved.json["stands"], "in_force", "{approved:?}");
    assert_eq!(approved.json["version"], 2);
    accepted(&unit, &bnpt);
    let (said, body) = last(&bnpt);
    assert!(body.get("next_review_on").is_some(), "{body}");
    assert_eq!(said["policy"]["version"], 2);
    // the history says who did what, signed, in the governance ledger
    let history = run(&live, &["policy", "history", id]).json;
    let acts: Vec<_> = history[1]["steps"].as_array().unwrap().iter().map(|s| &s["act"]).collect();
    assert_eq!(acts, ["drafted", "proposed", "approved"]);
    assert_eq!(history[0]["stands"], "superseded");
    // rolling back to the first is narrowing, for one; back again takes two
    let text = history[0]["text"].as_str().unwrap();
    std::fs::write(&wider, text).unwrap();
    assert_eq!(propose(&live, "policy", &wider, EDITOR).json["stands"], "in_force");
    std::fs::write(&wider, history[1]["text"].as_str().unwrap()).unwrap();
    assert_eq!(propose(&live, "policy", &wider, EDITOR).json["stands"], "proposed");
}

#[test]
fn what_waits_goes_under_both_versions_and_says_so() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    accepted(&unit, &bnpt);
    let passes = "{ op = \"code_map\", table = \"abroad_domestic\" }";
    change(&live, "policy", ABROAD, &[(passes, "\"drop\"")]);
    let (said, body) = last(&cuta);
    assert!(body.get("origin").is_none(), "{body}");
    assert_eq!(
        (&said["policy"]["version"], &said["policy_at_admission"]["version"]),
        (&json!(2), &json!(1))
    );
    // widened back while another waits: the leaf was dropped at admission and stays away
    accepted(&unit, &bnpt);
    let dropped = "\"/origin/pathway\"     = \"drop\"";
    change(&live, "policy", ABROAD, &[(dropped, &format!("\"/origin/pathway\" = {passes}"))]);
    let (said, body) = last(&cuta);
    assert_eq!(body["origin"], json!({"pathway": null}), "{body}");
    assert_eq!(
        (&said["policy"]["version"], &said["policy_at_admission"]["version"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(cuta.inbox().len(), 2, "each once");
    // from here on it goes
    accepted(&unit, &bnpt);
    assert_eq!(last(&cuta).1["origin"]["pathway"], "abroad");
}

#[test]
fn what_cannot_be_reconciled_is_held() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let answer = accepted(&unit, &bnpt);
    let to_state = "\"/to_state\"           = \"keep\"";
    let mapped = "\"/to_state\" = { op = \"code_map\", table = \"open_closed\" }";
    change(&live, "policy", "kemensos-bnpt-status", &[(to_state, mapped)]);
    assert!(bnpt.inbox().is_empty(), "its state is required, and told otherwise by each version");
    let path = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let shown = unit.get(&path).json();
    let to_bnpt = shown["recipients"].as_array().unwrap().iter().find(|r| r["party"] == "bnpt");
    assert_eq!(to_bnpt.unwrap()["state"], "held", "{shown}");
    let holds = run(&live, &["hold", "list"]).json;
    let holds = holds.as_array().unwrap();
    let both = |hold: &&Value| hold["findings"][0]["keyword"] == "both-versions";
    assert_eq!(holds.iter().find(both).unwrap()["leaves"], json!(["/to_state"]));
}

#[test]
fn what_is_held_whole_takes_the_text_that_was_held_of_it_along() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    assert_eq!(bnpt.submit(bnpt.claims(crate::lifecycle::REFERRAL)).status, 201);
    let urgency = "\"/urgency\"                     = \"keep\"";
    let constant = "\"/urgency\" = { op = \"constant\", value = \"normal\" }";
    change(&live, "policy", "bnpt-kemensos-referral", &[(urgency, constant)]);
    assert!(unit.inbox().is_empty());
    let holds = run(&live, &["hold", "list"]).json;
    let [whole] = holds.as_array().unwrap().as_slice() else { panic!("one is open: {holds}") };
    assert_eq!(whole["leaves"], json!(["/summary", "/urgency"]));
    assert_eq!(whole["rest_went"], false);
}

#[test]
fn a_freeze_of_the_sender_keeps_what_it_sent() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    assert_eq!(bnpt.submit(bnpt.claims(crate::lifecycle::REFERRAL)).status, 201);
    let frozen = run(&live, &["party", "freeze", "bnpt", "--as", EDITOR]);
    assert_eq!(frozen.code, 0, "{frozen:?}");
    assert!(unit.inbox().is_empty());
    let lifted = run(&live, &["party", "unfreeze", "bnpt", "--as", EDITOR]);
    assert_eq!(lifted.json["stands"], "proposed", "{lifted:?}");
    assert_eq!(approve(&live, "party", "bnpt", OTHER_AGENCY).json["stands"], "in_force");
    assert_eq!(unit.inbox().len(), 1);
}

#[test]
fn a_freeze_takes_one_officer_and_an_unfreezing_two() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    accepted(&unit, &bnpt);
    // the duty officer of one unit, alone, at three in the morning
    let frozen = run(&live, &["party", "freeze", "cuta-be", "--as", "petugas-jaga"]);
    assert_eq!(frozen.json["stands"], "in_force", "{frozen:?}");
    let page = cuta.get("/v1/inbox?after=0&limit=100");
    assert!(page.code() == "frozen" || page.json()["items"] == json!([]), "{}", page.text);
    let thaw = run(&live, &["party", "unfreeze", "cuta-be", "--as", EDITOR]);
    assert_eq!(thaw.json["stands"], "proposed", "{thaw:?}");
    let alone = approve(&live, "party", "cuta-be", EDITOR);
    assert_ne!(alone.code, 0);
    assert_eq!(approve(&live, "party", "cuta-be", APPROVER).json["stands"], "in_force");
    assert_eq!(cuta.inbox().len(), 1);
    // whoever cares for children is frozen by one officer for half a day only
    let frozen = run(&live, &["party", "freeze", "kemensos", "--as", EDITOR]);
    assert_eq!(frozen.json["stands"], "in_force", "{frozen:?}");
    assert!(frozen.json["text"].as_str().unwrap().contains("frozen_until"));
}

#[test]
fn a_stranger_that_calls_itself_social_stays_foreign() {
    let live = Live::start();
    change(&live, "party", "cuta-be", &[("kind = \"foreign\"", "kind = \"social\"")]);
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    accepted(&unit, &bnpt);
    let (said, body) = last(&cuta);
    assert!(body.get("pad").is_some() && body.get("note").is_none(), "{body}");
    assert_eq!(said["marking"]["tlp"], "TLP:AMBER+STRICT");
    let wider = edited(
        &live,
        ("policy", ABROAD),
        &[("\"/note\"               = \"drop\"", "\"/note\" = \"hold\"")],
    );
    let refused = propose(&live, "policy", &wider, EDITOR);
    assert_eq!(refused.json["errors"][0]["pointer"], "/note", "{refused:?}");
}

#[test]
fn a_new_key_needs_the_word_of_the_one_before() {
    let live = Live::start();
    let next = titian::sign::signing::SigningKey::generate(titian::sign::Algorithm::EdDsa).unwrap();
    let jwk = next.public().to_jwk();
    let file = live.home().join("next.jwk");
    std::fs::write(&file, jwk.to_string()).unwrap();
    let x = jwk["x"].as_str().unwrap();
    let key = |endorsement: &str| {
        format!(
            "[[keys]]\nstatus = \"active\"\n{endorsement}[keys.jwk]\nkty = \"OKP\"\ncrv = \"Ed25519\"\n\
             x = \"{x}\"\n\n[[certificates]]"
        )
    };
    let record = edited(&live, ("party", "bnpt"), &[("[[certificates]]", &key(""))]);
    let refused = propose(&live, "party", &record, EDITOR);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.json.to_string().contains("previous key"), "{refused:?}");
    let endorse = ["party", "endorse", file.to_str().unwrap(), "--as", "bnpt"];
    let id = ["--gateway-id", "https://titian.example.org"];
    let endorsed = run(&live, &[&endorse[..], &id].concat());
    let word = format!("endorsement = {}\n", endorsed.json["endorsement"]);
    let record = edited(&live, ("party", "bnpt"), &[("[[certificates]]", &key(&word))]);
    assert_eq!(propose(&live, "party", &record, EDITOR).code, 0);
    assert_eq!(approve(&live, "party", "bnpt", APPROVER).json["stands"], "in_force");
    let bnpt = live.party("bnpt");
    let bnpt = Party { key: next, ..bnpt };
    assert_eq!(bnpt.get("/v1/inbox").status, 200, "the new key signs assertions");
}

#[test]
fn a_draft_that_does_not_hold_is_told_whole() {
    let live = Live::start();
    let edit = [
        ("\"/note\"               = \"drop\"", "\"/note\" = \"keep\""),
        ("\"/outcome\"            = \"drop\"", "\"/outcom\" = \"drop\""),
        ("expires = 2027-06-30", "expires = 2025-06-30"),
    ];
    let file = edited(&live, ("policy", ABROAD), &edit);
    let refused = propose(&live, "policy", &file, EDITOR);
    assert_eq!((refused.code, &refused.json["code"]), (1, &json!("findings")), "{refused:?}");
    let errors = refused.json["errors"].as_array().unwrap();
    let at = |leaf: &str| errors.iter().any(|fault| fault["pointer"] == leaf);
    assert!(at("/note") && at("/outcom") && at("/outcome") && at("expires"), "{refused:?}");
    std::fs::write(&file, b"\xff\xfe").unwrap();
    assert_eq!(propose(&live, "policy", &file, EDITOR).code, 2);
}

#[test]
fn versions_survive_a_restart_and_a_text_changed_behind_their_back_is_in_force_for_nobody() {
    let mut live = Live::start();
    change(&live, "policy", ABROAD, &[MONTH_GOES]);
    live = live.restarted();
    let list = run(&live, &["policy", "list"]).json;
    let stands = |list: &Value, version: u32| {
        let of = |v: &&Value| v["id"] == ABROAD && v["version"] == version;
        list.as_array().unwrap().iter().find(of).unwrap()["stands"].as_str().unwrap().to_owned()
    };
    assert_eq!((stands(&list, 1).as_str(), stands(&list, 2).as_str()), ("superseded", "in_force"));
    let live = live.restarted_after(|home| {
        let db = rusqlite::Connection::open(home.join("titian.db")).unwrap();
        let sql = "UPDATE versions SET text = replace(text, ?2, ?3) WHERE id = ?1 AND version = 2";
        assert_eq!(db.execute(sql, [ABROAD, MONTH_COMES.0, MONTH_COMES.1]).unwrap(), 1);
    });
    let list = run(&live, &["policy", "list"]).json;
    assert_eq!(stands(&list, 2), "unusable", "{list}");
    // and it says so from the start, where whoever runs it looks
    let log = std::fs::read_to_string(&live.log).unwrap();
    assert!(log.contains("in force for nobody"), "{log}");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", live.management)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains("titian_unusable_documents 1"), "{metrics}");
    // the same text is approved again by two: what is unusable is no measure of it
    let file = live.home().join(format!("{ABROAD}.toml"));
    let shipped = std::fs::read_to_string(format!("config/policies/{ABROAD}.toml")).unwrap();
    std::fs::write(&file, shipped.replace(MONTH_GOES.0, MONTH_GOES.1)).unwrap();
    let again = propose(&live, "policy", &file, EDITOR);
    assert_eq!(again.json["needs"], "two_units", "{again:?}");
    assert_eq!(unsent(&live), "no-policy", "and the one before was overtaken");
    assert_eq!(approve(&live, "policy", ABROAD, APPROVER).json["stands"], "in_force");
}

#[test]
fn a_step_that_is_said_to_be_of_the_end_of_time_stops_everything_and_breaks_nothing() {
    let live = Live::start().restarted_after(|home| {
        let db = rusqlite::Connection::open(home.join("titian.db")).unwrap();
        let sql = "UPDATE version_steps SET at = 9223372036854775807 WHERE entry =
            (SELECT max(entry) FROM version_steps)";
        assert_eq!(db.execute(sql, []).unwrap(), 1);
    });
    let refused = run(&live, &["party", "freeze", "cuta-be", "--as", EDITOR]);
    assert_eq!((refused.code, &refused.json["code"]), (1, &json!("state")), "{refused:?}");
    let log = std::fs::read_to_string(&live.log).unwrap();
    assert!(!log.contains("panic"), "{log}");
}

/// What is told of a status to CUTA that is not sent.
fn unsent(live: &Live) -> String {
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (item, body) = received(&bnpt, &unit);
    let mut claims = status(&unit, &item, &body, "received", "accepted");
    claims["recipients"] = json!(["cuta-be"]);
    claims["legal"]["instrument"] = json!("mou-id-be");
    unit.submit(claims).code()
}

fn exception(live: &Live, message: &str, expires: &str, leaves: &str) -> std::path::PathBuf {
    let file = live.home().join(format!("x-{}.toml", &message[..6]));
    let text = format!(
        "# SYNTHETIC\nsender = \"kemensos\"\nrecipient = \"cuta-be\"\nmessage = \"status/1\"\n\
         message_id = \"{message}\"\npurpose = \"reintegration\"\nagreement = \"mou-id-be\"\n\
         instrument = \"mou-id-be, article 7\"\nbest_interests = \"favourable\"\n\
         safety_check = \"no_known_risk\"\nexpires = {expires}\nwhy = \"contoh\"\n[leaves]\n{leaves}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn in_days(days: i64) -> String {
    let now = std::time::SystemTime::now();
    let day = time::OffsetDateTime::from(now) + time::Duration::days(days);
    day.date().to_string()
}

fn grant(live: &Live, file: &std::path::Path, approver: &str) -> Said {
    let proposed = propose(live, "exception", file, EDITOR);
    assert_eq!(
        (proposed.code, &proposed.json["needs"]),
        (0, &json!("two_agencies")),
        "{proposed:?}"
    );
    approve(live, "exception", file.file_stem().unwrap().to_str().unwrap(), approver)
}

const SEX: &str = "\"/subject/sex\" = \"keep\"";

#[test]
fn an_exception_takes_two_agencies_and_lets_one_message_say_more() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let claims = status(&unit, &item, &body, "received", "accepted");
    let file = exception(&live, claims["jti"].as_str().unwrap(), &in_days(20), SEX);
    let same = grant(&live, &file, APPROVER);
    assert_eq!(same.json["code"], "may-not", "one agency: {same:?}");
    let granted =
        approve(&live, "exception", file.file_stem().unwrap().to_str().unwrap(), OTHER_AGENCY);
    assert_eq!(granted.json["stands"], "in_force", "{granted:?}");
    assert_eq!(granted.json["applied"], "awaits_message");
    assert_eq!(unit.submit(claims.clone()).status, 201);
    let (said, told) = last(&cuta);
    assert_eq!(told["subject"]["sex"], claims["body"]["subject"]["sex"], "{told}");
    assert_eq!(said["policy"]["id"], file.file_stem().unwrap().to_str().unwrap());
    // told is told: the recipient knows the case by more now, and too few share that
    let next = status(&unit, &item, &body, "accepted", "assessment");
    let next = unit.submit(next).json();
    assert_eq!(next["recipients"][1], json!({"party": "cuta-be", "state": "held"}), "{next}");
}

#[test]
fn an_exception_supplements_what_was_handed_out_and_remakes_what_waits() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let handed_out = accepted(&unit, &bnpt);
    let (first, _) = cuta.inbox().pop().unwrap();
    let file = exception(&live, handed_out["message_id"].as_str().unwrap(), &in_days(3), SEX);
    assert_eq!(grant(&live, &file, OTHER_AGENCY).json["applied"], "made");
    let (said, told) = last(&cuta);
    assert_eq!((&said["supplements"], cuta.inbox().len()), (&first["release_id"], 2));
    assert!(told["subject"]["sex"].is_string());
    let waits = accepted(&unit, &bnpt);
    let file = exception(&live, waits["message_id"].as_str().unwrap(), &in_days(3), SEX);
    assert_eq!(grant(&live, &file, OTHER_AGENCY).json["stands"], "in_force");
    let (said, told) = last(&cuta);
    assert!(told["subject"]["sex"].is_string() && said.get("supplements").is_none(), "{said}");
    assert_eq!(cuta.inbox().len(), 3);
}

#[test]
fn an_exception_never_lets_a_name_or_a_text_cross_nor_lasts() {
    let live = Live::start();
    let id = crate::live::fresh_id();
    for (expires, leaves, place) in [
        (in_days(20), "\"/note\" = \"hold\"", "/note"),
        (in_days(20), "\"/note\" = \"drop\"", "/note"),
        (in_days(20), "\"/note\" = \"keep\"", "/note"),
        (in_days(20), "\"/subject/ref\" = \"keep\"", "/subject/ref"),
        (in_days(-2), SEX, "expires"),
    ] {
        let file = exception(&live, &id, &expires, leaves);
        let refused = propose(&live, "exception", &file, EDITOR);
        assert_eq!(refused.json["code"], "findings", "{leaves}: {refused:?}");
        assert_eq!(refused.json["errors"][0]["pointer"], place, "{refused:?}");
    }
    let file = exception(&live, &id, &in_days(40), SEX);
    let refused = propose(&live, "exception", &file, EDITOR);
    assert!(refused.json.to_string().contains("30 days"), "{refused:?}");
}

#[test]
fn evidence_carries_the_officers_words_and_a_pinned_verifier_checks_them() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let sent = bnpt.submit(bnpt.claims(crate::lifecycle::REFERRAL)).json();
    let path = format!("/v1/messages/{}/evidence", sent["message_id"].as_str().unwrap());
    let bundle = bnpt.get(&path).json();
    let words = bundle["policies"][0]["approvals"].as_array().unwrap();
    assert_eq!(words.len(), 2, "{bundle}");
    // the party's kit pins the gateway when it first speaks with it
    run(&live, &["inbox", "--as", "bnpt"]);
    let file = live.home().join("bundle.json");
    let verify = |bundle: &Value| {
        std::fs::write(&file, bundle.to_string()).unwrap();
        run(&live, &["verify", file.to_str().unwrap(), "--as", "bnpt"])
    };
    let good = verify(&bundle);
    assert_eq!((good.code, &good.json["verdict"]), (0, &json!("verified")), "{good:?}");
    let check = |said: &Said, name: &str| {
        let checks = said.json["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name);
        found.map(|check| check["result"].as_str().unwrap().to_owned())
    };
    assert_eq!(check(&good, "policies.0.approvals.1.claims").as_deref(), Some("passed"));
    let mut twice = bundle.clone();
    twice["policies"][0]["approvals"][1] = words[0].clone();
    assert_eq!(check(&verify(&twice), "policies.0.approvals").as_deref(), Some("failed"));
    let mut forged = bundle.clone();
    let word = words[1].as_str().unwrap();
    forged["policies"][0]["approvals"][1] = json!(format!("{}AAAA", &word[..word.len() - 4]));
    let forged = verify(&forged);
    assert_eq!(
        (forged.code, check(&forged, "policies.0.approvals.1").as_deref()),
        (1, Some("failed"))
    );
}

#[test]
fn a_replay_is_for_officers_of_the_edge_and_values_for_the_senders_side() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    accepted(&unit, &bnpt);
    let id = "kemensos-bnpt-status";
    let file = edited(
        &live,
        ("policy", id),
        &[("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\" = \"drop\"")],
    );
    let replay = |officer: &str, more: &[&str]| {
        let words = ["policy", "replay", file.to_str().unwrap(), "--as", officer];
        run(&live, &[&words[..], more].concat())
    };
    let counted = replay(EDITOR, &[]);
    assert_eq!(counted.json["leaves"]["/location/adm1"]["stops"], 1, "{counted:?}");
    assert!(!counted.json.to_string().contains("ID-"), "{counted:?}");
    // the recipient's officers count too; another unit's, and nobody's, do not
    assert_eq!(replay(OTHER_AGENCY, &[]).code, 0);
    for officer in ["petugas-jaga", APPROVER, "tiada"] {
        assert_eq!(replay(officer, &[]).json["code"], "insufficient-scope", "{officer}");
    }
    let ledger = || live.party("kemensos").get("/v1/ledger/checkpoint").text;
    let before = ledger();
    assert_eq!(replay(OTHER_AGENCY, &["--show-values"]).json["code"], "insufficient-scope");
    assert_eq!(ledger(), before);
    let shown = replay(EDITOR, &["--show-values"]);
    let values = &shown.json["values"][0];
    assert_eq!((&values["leaf"], &values["after"]), (&json!("/location/adm1"), &json!([])));
    assert!(values["before"][0].as_str().unwrap().starts_with("ID-"), "{shown:?}");
    assert_ne!(ledger(), before, "that somebody looked is recorded");
}

#[test]
fn a_freeze_comes_before_what_a_waiting_poll_would_be_handed() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let polled = std::thread::scope(|scope| {
        let poll = scope.spawn(|| cuta.get("/v1/inbox?after=0&limit=10&wait=4"));
        std::thread::sleep(std::time::Duration::from_millis(700));
        let frozen = run(&live, &["party", "freeze", "cuta-be", "--as", "petugas-jaga"]);
        assert_eq!(frozen.json["stands"], "in_force", "{frozen:?}");
        let claims = status(&unit, &item, &body, "received", "accepted");
        assert_eq!(unit.submit(claims).status, 201);
        poll.join().unwrap()
    });
    let nothing = polled.code() == "frozen" || polled.json()["items"] == json!([]);
    assert!(nothing, "{}", polled.text);
    assert_eq!(run(&live, &["party", "unfreeze", "cuta-be", "--as", EDITOR]).code, 0);
    assert_eq!(approve(&live, "party", "cuta-be", APPROVER).json["stands"], "in_force");
    assert_eq!(cuta.inbox().len(), 1);
}

/// Every status that was admitted while its policy was changed back and forth is told to CUTA at
/// most once, and under a version in which nothing stands that it drops.
#[test]
fn a_policy_flipped_under_load_lets_nothing_out_that_either_version_drops() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let passes = "{ op = \"code_map\", table = \"abroad_domestic\" }";
    let (with, without) = (
        format!("\"/origin/pathway\"     = {passes}"),
        "\"/origin/pathway\"     = \"drop\"".to_owned(),
    );
    std::thread::scope(|scope| {
        let flipping = scope.spawn(|| {
            for _ in 0..3 {
                change(&live, "policy", ABROAD, &[(&with, &without)]);
                change(&live, "policy", ABROAD, &[(&without, &with)]);
            }
        });
        let reading = scope.spawn(|| {
            for _ in 0..20 {
                drop(cuta.inbox());
            }
        });
        for _ in 0..12 {
            accepted(&unit, &bnpt);
        }
        flipping.join().unwrap();
        reading.join().unwrap();
    });
    let told = cuta.inbox();
    assert_eq!(told.len(), 12, "each once");
    for (item, body) in told {
        let said = statement(item["release"].as_str().unwrap());
        let version = |at: &str| said[at]["version"].as_u64();
        let has = body.get("origin").is_some_and(|origin| !origin["pathway"].is_null());
        // odd versions pass it, even ones drop it
        let passes = |version: u64| version % 2 == 1;
        let may =
            passes(version("policy").unwrap()) && version("policy_at_admission").is_none_or(passes);
        assert_eq!(has, may, "{said} {body}");
    }
}

#[test]
fn a_proposal_that_fails_leaves_no_draft() {
    let live = Live::start();
    let history = || run(&live, &["party", "history", "cuta-be"]).json;
    let before = history();
    let other = live.home().join("development/officers/petugas-jaga.jwk");
    let none = live.home().join("none.key");
    for (key, code) in [(&other, 1), (&none, 2)] {
        let words = ["party", "freeze", "cuta-be", "--as", EDITOR, "--key", key.to_str().unwrap()];
        let refused = run(&live, &words);
        assert_eq!(refused.code, code, "{refused:?}");
        assert_eq!(history(), before, "nothing is recorded before the key is open");
    }
    // a duty officer may stop what flows, and may not let it flow again
    assert_eq!(run(&live, &["party", "freeze", "cuta-be", "--as", "petugas-jaga"]).code, 0);
    let refused = run(&live, &["party", "unfreeze", "cuta-be", "--as", "petugas-jaga"]);
    assert_eq!((refused.code, &refused.json["code"]), (1, &json!("may-not")), "{refused:?}");
    let after = history();
    assert_eq!(after.as_array().unwrap().last().unwrap()["state"], "withdrawn");
}
