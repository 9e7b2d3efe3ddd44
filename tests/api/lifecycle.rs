//! The whole path, as partners walk it.

use serde_json::{Value, json};

use crate::live::Live;

pub(crate) const REFERRAL: &str = include_str!("../../schemas/examples/referral.typical.json");
pub(crate) const STATUS: &str = include_str!("../../schemas/examples/status.typical.json");
pub(crate) const WITHDRAWAL: &str = include_str!("../../schemas/examples/withdrawal.typical.json");
pub(crate) const UNIT: &str = "kemensos/sentra-handayani";

fn leaves(body: &Value) -> Vec<String> {
    fn visit(value: &Value, at: &str, into: &mut Vec<String>) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                members.iter().for_each(|(name, v)| visit(v, &format!("{at}/{name}"), into));
            }
            _ => into.push(at.to_owned()),
        }
    }
    let mut names = Vec::new();
    visit(body, "", &mut names);
    names
}

pub(crate) fn status(
    unit: &crate::live::Party<'_>,
    item: &Value,
    body: &Value,
    from: &str,
    to: &str,
) -> Value {
    let mut claims = unit.claims(STATUS);
    claims["in_reply_to"] = item["exchange"].clone();
    claims["body"]["subject"]["ref"] = body["subject"]["ref"].clone();
    claims["body"]["from_state"] = json!(from);
    claims["body"]["to_state"] = json!(to);
    claims
}

#[test]
fn each_partner_receives_of_a_status_what_its_policy_lets_it() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let sent = bnpt.claims(REFERRAL);
    let admitted = bnpt.submit(sent.clone());
    assert_eq!(admitted.status, 201, "{}", admitted.text);

    // the same bytes again: the same receipt and proof
    let inbox = unit.inbox();
    let [(item, body)] = inbox.as_slice() else { panic!("one release") };
    assert_eq!(body["subject"]["name"]["full"], sent["body"]["subject"]["name"]["full"]);
    assert_eq!(body["summary"], Value::Null, "a text waits for an officer");
    assert_ne!(body["subject"]["ref"], sent["body"]["subject"]["ref"]);
    assert_eq!(unit.acknowledge(item, "received").status, 200);
    assert_eq!(unit.acknowledge(item, "received").status, 200, "again, with the same receipt");
    assert_eq!(unit.acknowledge(item, "rejected").code(), "already-acknowledged");

    let answered = unit.submit(status(&unit, item, body, "received", "accepted"));
    assert_eq!(answered.status, 201, "{}", answered.text);
    let to_bnpt = bnpt.inbox();
    let expected = [
        "/effective_on",
        "/from_state",
        "/location/adm1",
        "/service_codes",
        "/subject/ref",
        "/subject/sex",
        "/to_state",
    ];
    assert_eq!(leaves(&to_bnpt[0].1), expected);
    let to_cuta = cuta.inbox();
    let expected = [
        "/category/ppks",
        "/effective_on",
        "/origin/pathway",
        "/pad",
        "/subject/birth/date",
        "/subject/ref",
        "/to_state",
    ];
    assert_eq!(leaves(&to_cuta[0].1), expected);
    assert_eq!(to_cuta[0].1["subject"]["birth"]["date"], "under_18");
    assert_eq!(to_cuta[0].1["category"]["ppks"], "special_protection");
    // no identifier in common
    for name in ["exchange", "release_id"] {
        assert_ne!(to_bnpt[0].0[name], to_cuta[0].0[name]);
    }
    assert_ne!(to_bnpt[0].1["subject"]["ref"], to_cuta[0].1["subject"]["ref"]);

    // the next step is `open` for CUTA still: nothing goes to it
    let next = status(&unit, item, body, "accepted", "assessment");
    let answer = unit.submit(next).json();
    assert_eq!(answer["recipients"][0]["state"], "queued");
    assert_eq!(answer["recipients"][1]["state"], "unchanged");
}

#[test]
fn the_same_bytes_give_the_same_receipt_and_other_bytes_are_refused() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let claims = bnpt.claims(REFERRAL);
    let object = bnpt.sign(claims.clone());
    let first = bnpt.post("/v1/messages", "application/jose", object.as_bytes());
    let again = bnpt.post("/v1/messages", "application/jose", object.as_bytes());
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json(), again.json());
    let mut other = claims;
    other["body"]["urgency"] = json!("routine");
    let refused = bnpt.submit(other);
    assert_eq!((refused.status, refused.code().as_str()), (409, "already-admitted"));
    assert_eq!(live.party("kemensos").inbox().len(), 1, "the party sees its unit's release once");
}

#[test]
fn a_withdrawal_of_what_nobody_saw_leaves_nothing_and_of_what_was_seen_says_so() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let withdraw = |sent: &Value| {
        let mut claims = bnpt.claims(WITHDRAWAL);
        claims["recipients"] = json!([UNIT]);
        claims.as_object_mut().unwrap().remove("in_reply_to");
        claims["body"]["target"] = sent["jti"].clone();
        claims["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
        bnpt.submit(claims)
    };
    let unseen = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(unseen.clone()).status, 201);
    let taken_back = withdraw(&unseen);
    assert_eq!(taken_back.status, 201, "{}", taken_back.text);
    assert_eq!(taken_back.json()["recipients"][0]["state"], "cancelled");
    assert!(unit.inbox().is_empty());
    assert_eq!(withdraw(&unseen).code(), "target-unknown");

    let seen = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(seen.clone()).status, 201);
    let item = unit.inbox()[0].0.clone();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    assert_eq!(withdraw(&seen).json()["recipients"][0]["state"], "queued");
    let inbox = unit.inbox();
    assert_eq!(inbox[1].0["type"], "withdrawal/1");
    assert_eq!(inbox[1].1["reason"], "withdrawn");
}

#[test]
fn evidence_of_every_party_verifies_offline() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(sent.clone()).status, 201);
    let item = unit.inbox()[0].0.clone();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let view = bnpt.get(&format!("/v1/messages/{}", sent["jti"].as_str().unwrap())).json();
    assert_eq!(view["state"], "received");
    let bundle = bnpt.get(&format!("/v1/messages/{}/evidence", sent["jti"].as_str().unwrap()));
    assert_eq!(bundle.status, 200);
    let path = format!("/v1/inbox/{}/evidence", item["release_id"].as_str().unwrap());
    let own = unit.get(&path);
    assert_eq!(own.status, 200);
    assert!(!own.text.contains(sent["jti"].as_str().unwrap()), "a recipient sees no message id");
    assert_eq!(bnpt.get(&path).status, 404, "and nobody sees another's");
    assert!(bnpt.get("/v1/ledger/checkpoint").text.starts_with("titian.example.org/bnpt\n"));
    assert_eq!(live.party("cuta-be").get("/v1/governance/checkpoint").status, 404);
}

pub(crate) fn titian(live: &Live, arguments: &[&str]) -> Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(arguments)
        .args(["--json", "--home"])
        .arg(live.home())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_held_text_follows_once_an_officer_of_the_unit_lets_it_go() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    let answer = bnpt.submit(sent.clone()).json();
    assert_eq!(answer["recipients"][0]["pending"], json!(["/summary"]));
    let first = unit.inbox();
    assert_eq!(first.len(), 1);
    let holds = titian(&live, &["hold", "list"]);
    let hold = holds[0]["id"].as_str().unwrap().to_owned();
    assert!(holds[0].get("values").is_none(), "a list shows no value");
    let shown = titian(&live, &["hold", "show", &hold, "--as", "petugas-jaga"]);
    assert_eq!(shown["values"]["/summary"], sent["body"]["summary"]);
    let refused = titian(&live, &["hold", "show", &hold, "--as", "nobody"]);
    assert_eq!(refused["code"], "not-found");
    let let_go =
        titian(&live, &["hold", "release", &hold, "--as", "petugas-jaga", "--reason", "dibaca"]);
    assert_eq!(let_go["decision"]["decision"], "released");
    let inbox = unit.inbox();
    assert_eq!(inbox.len(), 2);
    assert_eq!(inbox[1].1["summary"], sent["body"]["summary"]);
    assert_eq!(inbox[1].1["subject"]["ref"], inbox[0].1["subject"]["ref"]);
    assert_eq!(unit.acknowledge(&inbox[1].0, "received").status, 200);
    let view = bnpt.get(&format!("/v1/messages/{}", sent["jti"].as_str().unwrap())).json();
    assert!(view["recipients"][0].get("pending").is_none());
}

#[test]
fn a_home_survives_a_restart_with_its_answers() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let object = bnpt.sign(bnpt.claims(REFERRAL));
    let first = bnpt.post("/v1/messages", "application/jose", object.as_bytes()).json();
    let governed = |live: &Live| live.party("kemensos").get("/v1/governance/checkpoint").text;
    let before = governed(&live);
    let live = live.restarted();
    let bnpt = live.party("bnpt");
    let again = bnpt.post("/v1/messages", "application/jose", object.as_bytes());
    assert_eq!((again.status, again.json()), (200, first));
    assert_eq!(governed(&live), before, "no rule has changed");
}

#[test]
fn a_long_poll_is_answered_by_news_and_ended_by_a_stop() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let bearer = format!("Bearer {}", unit.token());
    let poll = || unit.ask("GET", "/v1/inbox?wait=30", &[("authorization", &bearer)], b"").json();
    let started = std::time::Instant::now();
    let page = std::thread::scope(|scope| {
        let waiting = scope.spawn(poll);
        assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
        waiting.join().unwrap()
    });
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let next = page["next"].as_str().unwrap();
    let path = format!("/v1/inbox?after={next}&wait=30");
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| unit.ask("GET", &path, &[("authorization", &bearer)], b"").status);
        // whether the poll has begun or not, a stop leaves it no 30 seconds
        live.signal("-TERM");
        drop(waiting.join());
    });
    assert!(started.elapsed() < std::time::Duration::from_secs(15));
}

#[test]
fn a_domestic_referrer_answers_a_request_for_information() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(sent.clone()).json()["exchange"].clone();
    let (item, body) = unit.inbox()[0].clone();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let mut ask = status(&unit, &item, &body, "received", "info_requested");
    ask["recipients"] = json!(["bnpt"]);
    assert_eq!(unit.submit(ask).status, 201);
    let mut answer = bnpt.claims(STATUS);
    answer["recipients"] = json!([UNIT]);
    answer["in_reply_to"] = exchange.clone();
    answer["legal"]["purpose"] = json!("child_protection");
    answer["body"] = json!({"subject": {"ref": sent["body"]["subject"]["ref"]},
        "from_state": "info_requested", "to_state": "received", "effective_on": "2026-11-24"});
    let answered = bnpt.submit(answer);
    assert_eq!(answered.status, 201, "{}", answered.text);
    let told = unit.inbox()[1].1.clone();
    assert_eq!(told["to_state"], "received");
    assert_eq!(told["subject"]["ref"], body["subject"]["ref"]);
    assert_eq!(bnpt.inbox().len(), 1, "only what was handed out is in the thread");
    let thread = bnpt.get(&format!("/v1/exchanges/{}", exchange.as_str().unwrap())).json();
    assert_eq!(thread["with"], UNIT);
    assert_eq!(thread["state"], "received");
    assert_eq!(thread["events"].as_array().unwrap().len(), 3);
}

/// The description that partners generate their clients from: a change of it is a change for them.
#[test]
fn the_described_interface_is_as_recorded() {
    let live = Live::start();
    let answer = live.party("bnpt").ask("GET", "/openapi.json", &[], b"");
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!("openapi", answer.json());
}

/// What was promised cannot be kept without them: better not to start than to begin anew.
#[test]
fn a_missing_month_key_or_database_stops_the_start() {
    let mut live = Live::start();
    let bnpt = live.party("bnpt");
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    live.stop();
    let home = live.home();
    let refused = || {
        let serve = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
            .args(["serve", "--home"])
            .arg(&home)
            .output()
            .unwrap();
        assert_eq!(serve.status.code(), Some(2));
        String::from_utf8(serve.stderr).unwrap()
    };
    let keys = home.join("keys/kek");
    let key = std::fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
    let aside = home.join("aside");
    std::fs::rename(&key, &aside).unwrap();
    let said = refused();
    assert!(said.contains(key.file_name().unwrap().to_str().unwrap()), "{said}");
    assert!(!key.exists(), "no other key takes its place");
    std::fs::rename(&aside, &key).unwrap();
    std::fs::rename(home.join("titian.db"), &aside).unwrap();
    let said = refused();
    assert!(said.contains("titian.db"), "{said}");
    assert!(!home.join("titian.db").exists());
}

/// Nothing is acknowledged that nobody can have read.
#[test]
fn an_output_that_is_full_acknowledges_nothing() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    for more in [&["--ack"][..], &["--ack", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let inbox = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
            .args(["inbox", "--as", UNIT, "--home"])
            .arg(live.home())
            .args(more)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(inbox.status.code(), Some(2), "{more:?}");
    }
    let (item, _) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "rejected").status, 200, "not acknowledged before");
}

/// Whoever waits at one view is told at once, whoever it was that collected.
#[test]
fn every_long_poll_of_a_view_is_answered_by_the_same_news() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        let polls: Vec<_> =
            (0..3).map(|_| scope.spawn(|| unit.get("/v1/inbox?after=0&wait=20").json())).collect();
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
        for poll in polls {
            assert_eq!(poll.join().unwrap()["items"].as_array().unwrap().len(), 1);
        }
    });
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}
