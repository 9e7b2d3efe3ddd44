//! Towards a foreign party nobody is told of who could be taken for too few.

use serde_json::{Value, json};

use crate::lifecycle::{REFERRAL, UNIT, WITHDRAWAL, status, titian};
use crate::live::{Live, fresh_id};

/// A case that the unit has received: the referral as sent, the release and its body.
pub(crate) struct Case {
    referral: Value,
    item: Value,
    body: Value,
}

/// BNPT refers a person, the unit acknowledges.
pub(crate) fn referred(live: &Live) -> Case {
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let mut referral = bnpt.claims(REFERRAL);
    referral["body"]["subject"]["ref"] = json!(fresh_id());
    referral["body"]["subject"]["scope"] = json!("woman");
    referral["body"]["subject"]["birth"]["date"] = json!("1990-03-05");
    assert_eq!(bnpt.submit(referral.clone()).status, 201);
    let page = unit.get("/v1/inbox?limit=1").json();
    let item = page["items"][0].clone();
    let body = crate::live::opened(item["release"].as_str().unwrap());
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    Case { referral, item, body }
}

/// The unit's status about a grown-up from within the country, of whom the shipped table has 4.
pub(crate) fn rare(live: &Live, case: &Case, from: &str, to: &str) -> Value {
    let unit = live.party(UNIT);
    let mut claims = status(&unit, &case.item, &case.body, from, to);
    claims["body"]["subject"]["scope"] = json!("woman");
    claims["body"]["subject"]["birth"]["date"] = json!("1990-03-05");
    claims["body"]["origin"]["pathway"] = json!("domestik");
    claims
}

/// What became of a status for CUTA; BNPT is told in any case.
pub(crate) fn to_cuta(live: &Live, claims: &Value) -> String {
    let answer = live.party(UNIT).submit(claims.clone());
    assert_eq!(answer.status, 201, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(answer["recipients"][0]["state"], "queued");
    answer["recipients"][1]["state"].as_str().unwrap().to_owned()
}

fn cuta_has(live: &Live) -> usize {
    live.party("cuta-be").inbox().len()
}

fn holds_abroad(live: &Live) -> Vec<Value> {
    let holds = titian(live, &["hold", "list"]);
    let abroad = |hold: &&Value| hold["recipient"] == "cuta-be";
    holds.as_array().unwrap().iter().filter(abroad).cloned().collect()
}

#[test]
fn a_rare_combination_is_held_and_only_given_up() {
    let live = Live::start();
    let case = referred(&live);
    let accepted = rare(&live, &case, "received", "accepted");
    assert_eq!(to_cuta(&live, &accepted), "held");
    assert_eq!(cuta_has(&live), 0);
    let before = live.party("cuta-be").get("/v1/ledger/checkpoint").text;

    let holds = holds_abroad(&live);
    let [hold] = holds.as_slice() else { panic!("one hold abroad: {holds:?}") };
    assert_eq!(hold["group"], json!({"alike": 5, "needed": 10}));
    assert_eq!(hold["findings"], json!([{"pointer": "", "keyword": "group"}]));
    assert_eq!(hold["leaves"], json!([]));
    let listed = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(["hold", "list", "--home"])
        .arg(live.home())
        .output()
        .unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().contains("held: 5 alike, 10 needed"));
    let id = hold["id"].as_str().unwrap();
    let shown = titian(&live, &["hold", "show", id, "--as", "petugas-jaga"]);
    assert!(shown.get("values").is_none(), "{shown}");
    let act = |how: &str, officer: &str| {
        titian(&live, &["hold", how, id, "--as", officer, "--reason", "contoh"])
    };
    for officer in ["petugas-jaga", "petugas-kebijakan"] {
        let refused = act("release", officer);
        assert_eq!(refused["code"], "policy-refused", "{refused}");
        assert!(refused.to_string().contains("once enough do"), "{refused}");
    }
    assert_eq!(act("discard", "pejabat-pengesah")["code"], "not-found", "no duty officer");
    assert_eq!(act("discard", "petugas-jaga")["decision"]["decision"], "discarded");
    assert!(holds_abroad(&live).is_empty());
    let path = format!("/v1/messages/{}", accepted["jti"].as_str().unwrap());
    let view = live.party(UNIT).get(&path).json();
    assert_eq!(view["recipients"][1]["state"], "cancelled");

    // abroad nothing shows: no release, no entry, no reference that leads anywhere
    assert_eq!(cuta_has(&live), 0);
    assert_eq!(live.party("cuta-be").get("/v1/ledger/checkpoint").text, before);
    let log = std::fs::read_to_string(&live.log).unwrap();
    for value in ["1990-03-05", "special_protection", "domestik", "\"adult\""] {
        assert!(!log.contains(value), "{value}");
    }
}

#[test]
fn cases_that_passed_here_count_until_they_are_errors_and_across_a_restart() {
    let mut live = Live::start();
    let mut cases = Vec::new();
    // four in the table, so the sixth of these is the tenth of its kind
    for expected in ["held", "held", "held", "held", "held", "queued"] {
        let case = referred(&live);
        let accepted = rare(&live, &case, "received", "accepted");
        assert_eq!(to_cuta(&live, &accepted), expected);
        cases.push(case);
    }
    let counts: Vec<Value> =
        holds_abroad(&live).into_iter().map(|hold| hold["group"]["alike"].clone()).collect();
    assert_eq!(counts, [5, 6, 7, 8, 9]);
    assert_eq!(cuta_has(&live), 1);

    // one was sent in error: five are left, and the next is the tenth again
    let bnpt = live.party("bnpt");
    let mut claims = bnpt.claims(WITHDRAWAL);
    claims["recipients"] = json!([UNIT]);
    claims.as_object_mut().unwrap().remove("in_reply_to");
    claims["body"]["target"] = cases[0].referral["jti"].clone();
    claims["body"]["subject"]["ref"] = cases[0].referral["body"]["subject"]["ref"].clone();
    claims["body"]["reason"] = json!("sent_in_error");
    let taken_back = bnpt.submit(claims);
    assert_eq!(taken_back.status, 201, "{}", taken_back.text);
    live = live.restarted();
    // the withdrawal is the oldest that the unit has not acknowledged
    let page = live.party(UNIT).get("/v1/inbox?limit=1").json();
    assert_eq!(live.party(UNIT).acknowledge(&page["items"][0], "received").status, 200);
    let case = referred(&live);
    let accepted = rare(&live, &case, "received", "accepted");
    assert_eq!(to_cuta(&live, &accepted), "queued");

    // the same bytes again are no other case
    let object = live.party(UNIT).sign(accepted);
    let again = live.party(UNIT).post("/v1/messages", "application/jose", object.as_bytes());
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(cuta_has(&live), 2);

    // one that was held is let through by its next status, now that it is one of ten
    let next = rare(&live, &cases[1], "accepted", "assessment");
    assert_eq!(to_cuta(&live, &next), "queued");
    // and what was told twice is another combination, of which there are fewer
    let closed = rare(&live, &cases[5], "accepted", "assessment");
    assert_eq!(to_cuta(&live, &closed), "unchanged");
}

#[test]
fn without_a_baseline_the_tenth_alike_goes_and_the_agreements_k_counts() {
    let strip = |home: &std::path::Path| {
        for name in ["baseline.toml", "baseline.jws"] {
            std::fs::remove_file(home.join(name)).unwrap();
        }
    };
    let live = Live::start_with(strip);
    assert!(std::fs::read_to_string(&live.log).unwrap().contains("no baseline"));
    for n in 1..=10 {
        let case = referred(&live);
        let expected = if n < 10 { "held" } else { "queued" };
        let accepted = rare(&live, &case, "received", "accepted");
        assert_eq!(to_cuta(&live, &accepted), expected, "{n}");
    }

    let live = Live::start_with(|home| {
        strip(home);
        let file = home.join("agreements/mou-id-be.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("k = 10", "k = 2")).unwrap();
    });
    // what is taken back before anyone was told counts for nobody
    let case = referred(&live);
    let mistaken = rare(&live, &case, "received", "accepted");
    assert_eq!(to_cuta(&live, &mistaken), "held");
    let unit = live.party(UNIT);
    let mut claims = unit.claims(WITHDRAWAL);
    claims["recipients"] = mistaken["recipients"].clone();
    claims.as_object_mut().unwrap().remove("in_reply_to");
    claims["body"]["target"] = mistaken["jti"].clone();
    claims["body"]["subject"]["ref"] = mistaken["body"]["subject"]["ref"].clone();
    claims["body"]["reason"] = json!("duplicate");
    let taken_back = unit.submit(claims);
    assert_eq!(taken_back.status, 201, "{}", taken_back.text);
    for expected in ["held", "queued"] {
        let case = referred(&live);
        let accepted = rare(&live, &case, "received", "accepted");
        assert_eq!(to_cuta(&live, &accepted), expected);
    }
    // now that enough share it an officer lets the first one follow
    let [hold] = holds_abroad(&live).try_into().unwrap();
    assert_eq!(hold["group"], json!({"alike": 1, "needed": 2}));
    assert_eq!(cuta_has(&live), 1);
    let id = hold["id"].as_str().unwrap();
    let let_go = ["hold", "release", id, "--as", "petugas-jaga", "--reason", "contoh"];
    assert_eq!(titian(&live, &let_go)["decision"]["decision"], "released");
    assert_eq!(cuta_has(&live), 2);
}
