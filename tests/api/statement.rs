//! What surrounds a body: the statement, acknowledgements, what waits, and answers to probing. None
//! of it may say what the policy keeps out of the body.

use serde_json::{Value, json};

use crate::governance::change;
use crate::lifecycle::{REFERRAL, UNIT, WITHDRAWAL, status, titian};
use crate::live::{Live, Party, statement};

/// A case that Kemensos has received, with its release.
pub(crate) fn received(bnpt: &Party<'_>, unit: &Party<'_>) -> (Value, Value) {
    let admitted = bnpt.submit(bnpt.claims(REFERRAL));
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    let case = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&case.0, "received").status, 200);
    case
}

fn last_statement(party: &Party<'_>) -> Value {
    statement(party.inbox().last().unwrap().0["release"].as_str().unwrap())
}

#[test]
fn a_party_named_anywhere_is_one_there_is() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    for (pointer, place) in [
        ("/legal/onward", "/legal/onward/0"),
        ("/body/safety/do_not_inform", "/body/safety/do_not_inform/0"),
        ("/body/consent/withhold", "/body/consent/withhold/0"),
    ] {
        for name in ["siti-zarqolin", "cuta", "n3171014503110000"] {
            let mut claims = bnpt.claims(REFERRAL);
            *claims.pointer_mut(pointer).unwrap() = json!([name]);
            let refused = bnpt.submit(claims);
            assert_eq!(refused.status, 422, "{pointer} {name}");
            assert_eq!(refused.json()["errors"][0]["pointer"], place);
            assert!(!refused.text.contains(name));
        }
    }
    let mut claims = bnpt.claims(REFERRAL);
    claims["legal"]["onward"] = json!(["cuta-be", "cuta-be"]);
    assert_eq!(bnpt.submit(claims).status, 422, "named twice");
}

#[test]
fn markings_and_retention_tell_other_agencies_nothing_of_the_person() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let mut claims = status(&unit, &item, &body, "received", "accepted");
    claims["marking"] = json!({
        "tlp": "TLP:GREEN", "handling": ["no_onward", "destroy_after_use", "no_onward"],
        "caveats": ["WOMAN", "HEALTH", "JUSTICE", "HEALTH"],
    });
    claims["legal"]["retention_until"] = json!("2029-03-05");
    let answered = unit.submit(claims);
    assert_eq!(answered.status, 201, "{}", answered.text);
    let (to_bnpt, to_cuta) = (last_statement(&bnpt), last_statement(&cuta));
    for statement in [&to_bnpt, &to_cuta] {
        assert_eq!(statement["marking"]["caveats"], json!([]));
    }
    assert_eq!(to_bnpt["marking"]["handling"], json!(["destroy_after_use", "no_onward"]));
    assert_eq!(to_bnpt["marking"]["tlp"], "TLP:GREEN");
    assert_eq!(
        to_cuta["marking"]["handling"],
        json!(["destroy_after_use", "named_caseworkers", "no_onward", "not_in_proceedings"])
    );
    assert_eq!(to_cuta["marking"]["tlp"], "TLP:AMBER+STRICT", "never weaker than the default");
    let until = to_cuta["obligations"]["retention_until"].as_str().unwrap();
    assert!(until.ends_with("-01") && until < "2029", "{until}: a month, within the agreement");
}

#[test]
fn why_something_is_taken_back_is_not_told() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let sent = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(unit.submit(sent.clone()).status, 201);
    assert!(last_statement(&cuta).get("attest").is_some());
    let mut claims = unit.claims(WITHDRAWAL);
    claims["recipients"] = sent["recipients"].clone();
    claims["in_reply_to"] = item["exchange"].clone();
    claims["body"]["target"] = sent["jti"].clone();
    claims["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    claims["body"]["reason"] = json!("safety");
    claims["attest"] = json!({"best_interests": "unfavourable", "safety_check": "risk_identified"});
    claims["marking"]["caveats"] = json!(["HEALTH"]);
    claims["legal"]["retention_until"] = json!("9999-12-31");
    let answered = unit.submit(claims);
    assert_eq!(answered.status, 201, "{}", answered.text);
    let told = last_statement(&cuta);
    assert_eq!(told["type"], "withdrawal/1");
    assert!(told.get("attest").is_none());
    let text = told.to_string();
    for word in ["unfavourable", "risk", "HEALTH", "safety", "9999"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn an_acknowledgement_names_places_of_the_release_and_says_nothing_else() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    let item = unit.inbox().pop().unwrap().0;
    let rejected = |problems: Value, iat: i64| {
        unit.acknowledge_with(
            &item,
            json!({"result": "rejected", "problems": problems, "iat": iat}),
        )
    };
    let now = crate::live::now();
    let problem = |pointer: &str| json!([{"code": "schema", "pointer": pointer}]);
    for pointer in
        ["/siti_zarqolin/3171014503110000", "/subject/name/siti", "/household/0/age", "x"]
    {
        let refused = rejected(problem(pointer), now);
        assert_eq!(refused.code(), "acknowledgement-mismatch", "{pointer}");
    }
    let twice = json!([{"code": "schema", "pointer": "/summary"}, {"code": "schema", "pointer": "/summary"}]);
    assert_eq!(rejected(twice, now).code(), "acknowledgement-mismatch");
    assert_eq!(rejected(problem("/summary"), 171_014_503).code(), "acknowledgement-mismatch");
    let taken = rejected(
        json!([{"code": "schema", "pointer": "/household/*/relation"}, {"code": "expired"}]),
        now,
    );
    assert_eq!(taken.status, 200, "{}", taken.text);
}

#[test]
fn where_the_thread_stands_cannot_be_probed() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(sent.clone()).status, 201);
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    assert_eq!(unit.submit(status(&unit, &item, &body, "received", "accepted")).status, 201);
    let to_bnpt = bnpt.inbox().pop().unwrap();
    let mut answers = std::collections::BTreeSet::new();
    for from in ["submitted", "received", "accepted", "on_hold", "in_service", "completed"] {
        let mut claims = status(&bnpt, &to_bnpt.0, &sent["body"], from, "received");
        claims["recipients"] = json!(["kemensos"]);
        claims["legal"]["purpose"] = json!("child_protection");
        let object = bnpt.sign(claims);
        let answer = bnpt.post("/v1/messages?dry_run=true", "application/jose", object.as_bytes());
        assert_eq!(answer.code(), "illegal-transition", "{from}");
        let mut problem = answer.json();
        problem.as_object_mut().unwrap().remove("instance");
        answers.insert(problem.to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn what_waits_stays_once_its_agreement_is_gone() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    assert_eq!(unit.submit(status(&unit, &item, &body, "received", "accepted")).status, 201);
    change(&live, "agreement", "mou-id-be", &[("until = 2027-12-31", "until = 2026-02-01")]);
    assert!(cuta.inbox().is_empty());
    // nothing is lost: once it is agreed again it goes
    change(&live, "agreement", "mou-id-be", &[("until = 2026-02-01", "until = 2027-12-31")]);
    assert_eq!(cuta.inbox().len(), 1);
}

#[test]
fn whom_not_to_inform_holds_in_the_exchange_that_is_passed_on() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let sent = bnpt.claims(REFERRAL);
    let answer = bnpt.submit(sent.clone()).json();
    let first = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&first.0, "received").status, 200);
    let mut again = bnpt.claims(REFERRAL);
    again["in_reply_to"] = answer["exchange"].clone();
    again["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    again["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]);
    let again = bnpt.submit(again);
    assert_eq!(again.status, 201, "{}", again.text);
    let answer = unit.submit(status(&unit, &first.0, &first.1, "received", "accepted"));
    assert_eq!(answer.json()["recipients"][1]["state"], "suspended", "{}", answer.text);
    assert!(cuta.inbox().is_empty());
}

#[test]
fn a_decided_hold_shows_no_value_any_more() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    assert_eq!(bnpt.submit(bnpt.claims(REFERRAL)).status, 201);
    let hold = titian(&live, &["hold", "list"])[0]["id"].as_str().unwrap().to_owned();
    let act = |act: &str| {
        titian(&live, &["hold", act, &hold, "--as", "petugas-jaga", "--reason", "contoh"])
    };
    assert_eq!(act("discard")["decision"]["decision"], "discarded");
    let shown = titian(&live, &["hold", "show", &hold, "--as", "petugas-jaga"]);
    assert!(shown.get("values").is_none(), "{shown}");
    assert_eq!(act("release")["code"], "bad-request");
}

#[test]
fn everything_a_party_was_released_is_listed_without_a_value() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (item, body) = received(&bnpt, &unit);
    assert_eq!(unit.submit(status(&unit, &item, &body, "received", "accepted")).status, 201);
    let list = |party: &str, since: &str| titian(&live, &["breach", party, "--since", since]);
    let to_cuta = list("cuta-be", "2026-01-01");
    assert_eq!(to_cuta[0]["policy"], "kemensos-cuta-be-status");
    assert_eq!(to_cuta[0]["state"], "queued");
    let leaves = to_cuta[0]["leaves"].as_array().unwrap();
    assert!(leaves.contains(&json!("/to_state")) && !leaves.contains(&json!("/subject/sex")));
    assert_eq!(list("kemensos", "2026-01-01")[0]["state"], "acknowledged");
    assert_eq!(list("cuta-be", "2099-01-01"), json!([]));
    assert_eq!(list("no-such-party", "2026-01-01")["code"], "not-found");
}

#[test]
fn a_proposed_policy_is_replayed_over_what_is_kept_and_counts_only() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    for _ in 0..3 {
        let (item, body) = received(&bnpt, &unit);
        assert_eq!(unit.submit(status(&unit, &item, &body, "received", "accepted")).status, 201);
    }
    let shipped = live.home().join("policies/kemensos-bnpt-status.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    let file = live.home().join("kemensos-bnpt-status.toml");
    let replay = |text: String| {
        std::fs::write(&file, text).unwrap();
        titian(
            &live,
            &[
                "policy",
                "replay",
                file.to_str().unwrap(),
                "--last",
                "90d",
                "--as",
                "petugas-kebijakan",
            ],
        )
    };
    let same = replay(text.clone());
    assert_eq!((&same["messages"], &same["alike"]), (&json!(3), &json!(3)), "{same}");
    assert_eq!(same["leaves"], json!({}));
    let changed = replay(
        text.replace("= \"month\" ", "= \"year\" ")
            .replace("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\" = \"drop\""),
    );
    assert_eq!(changed["after"], json!({"released": 3, "held": 0, "refused": 0}), "{changed}");
    assert_eq!(changed["leaves"]["/effective_on"]["differs"], 3, "{changed}");
    assert_eq!(changed["leaves"]["/location/adm1"]["stops"], 3, "{changed}");
    let said = changed.to_string();
    assert!(!said.contains("ID-JK") && !said.contains("female"), "{said}");
}

/// The officers' socket refuses in its own words: those of the library quote what was asked.
#[test]
fn the_officers_socket_quotes_nothing_it_was_asked() {
    use std::io::{Read, Write};
    let live = Live::start();
    let ask = |head: &str, body: &str| {
        let socket = live.home().join("run/admin.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for (head, body) in [
        ("POST /replay", "{}"),
        ("POST /replay", r#"{"id":"x","policy":"","since":"Zarqolin","after":0,"officer":"x"}"#),
        (
            "POST /replay",
            r#"{"id":"x","id":"Zarqolin","policy":"","since":0,"after":0,"officer":"x"}"#,
        ),
        ("POST /replay", r#"{"id":"x","policy":"Zarqolin","since":0,"after":0,"officer":"x"}"#),
        ("GET /parties/cuta-be/releases", ""),
        ("GET /parties/cuta-be/releases?since=Zarqolin", ""),
        ("GET /parties/cuta-be/releases?since=1&since=2", ""),
        ("GET /parties/cuta-be/releases?since=1&after=Zarqolin", ""),
        ("GET /parties/%FF/releases?since=1", ""),
    ] {
        let answer = ask(head, body);
        assert!(answer.starts_with("HTTP/1.1 400"), "{head} {body}: {answer}");
        assert!(answer.contains("bad-request") && !answer.contains("Zarqolin"), "{answer}");
    }
}
