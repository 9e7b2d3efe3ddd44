//! A replay decides about every stored message as its submission did.

use serde_json::{Value, json};
use titian::app::{Home, floor, keys};

use crate::lifecycle::{REFERRAL, UNIT, status, titian};
use crate::live::{Live, Party};

/// A case that Kemensos has received.
fn received(
    bnpt: &Party<'_>,
    unit: &Party<'_>,
    scope: &str,
    not_to_inform: &[&str],
) -> (Value, Value) {
    let mut claims = bnpt.claims(REFERRAL);
    claims["body"]["safety"]["do_not_inform"] = json!(not_to_inform);
    if scope == "woman" {
        claims["body"]["subject"]["scope"] = json!("woman");
    }
    let admitted = bnpt.submit(claims);
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    let case = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&case.0, "received").status, 200);
    case
}

/// Replays the policy of that name in the home after `change`.
fn replay(live: &Live, name: &str, change: impl FnOnce(String) -> String) -> Value {
    let text = std::fs::read_to_string(live.home().join(format!("policies/{name}.toml"))).unwrap();
    let file = live.home().join(format!("{name}.toml"));
    std::fs::write(&file, change(text)).unwrap();
    titian(
        live,
        &["policy", "replay", file.to_str().unwrap(), "--last", "90d", "--as", "petugas-kebijakan"],
    )
}

#[test]
fn a_replay_gives_the_verdicts_that_the_submissions_gave() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let mut told: Vec<Value> = Vec::new();
    for (scope, birth, not_to_inform) in [
        ("child", "2011-03-05", &[][..]),
        ("child", "2011-03-05", &["cuta-be"][..]),
        // may be a minor or not: no band can be told, so nothing goes abroad
        ("woman", "2008", &[][..]),
        ("child", "2012", &[][..]),
    ] {
        let (item, body) = received(&bnpt, &unit, scope, not_to_inform);
        let mut claims = status(&unit, &item, &body, "received", "accepted");
        claims["body"]["subject"]["birth"]["date"] = json!(birth);
        claims["body"]["subject"]["scope"] = json!(scope);
        let answered = unit.submit(claims);
        assert_eq!(answered.status, 201, "{}", answered.text);
        told.extend(answered.json()["recipients"].as_array().unwrap().iter().cloned());
    }
    let tally = |party: &str, state: &str| {
        told.iter().filter(|to| to["party"] == party && to["state"] == state).count()
    };
    for (policy, to) in [("kemensos-bnpt-status", "bnpt"), ("kemensos-cuta-be-status", "cuta-be")] {
        let again = replay(&live, policy, |text| text);
        assert_eq!(again["before"]["released"], tally(to, "queued"), "{again}");
        assert_eq!(again["before"]["refused"], tally(to, "refused"), "{again}");
        assert_eq!(again["suspended"], tally(to, "suspended"), "{again}");
        assert_eq!((&again["messages"], &again["after"]), (&json!(4), &again["before"]), "{again}");
        assert_eq!((&again["leaves"], &again["erased"]), (&json!({}), &json!(0)), "{again}");
    }
    assert_eq!((tally("cuta-be", "suspended"), tally("cuta-be", "refused")), (1, 1));
    // the proposed policy releases what the one in force refuses, and the leaves with it
    let wider = replay(&live, "kemensos-cuta-be-status", |text| {
        let is_birth = |line: &&str| line.starts_with("\"/subject/birth/date\"");
        let birth = text.lines().find(is_birth).unwrap().to_owned();
        text.replace(&birth, "\"/subject/birth/date\" = \"drop\"")
    });
    assert_eq!(wider["before"], json!({"released": 2, "held": 0, "refused": 1}), "{wider}");
    assert_eq!(wider["after"], json!({"released": 3, "held": 0, "refused": 0}), "{wider}");
    assert_eq!(wider["leaves"]["/to_state"], json!({"starts": 1, "stops": 0, "differs": 0}));
    assert_eq!(wider["leaves"]["/subject/birth/date"]["stops"], 2, "{wider}");
}

#[test]
fn a_replay_protects_the_earlier_names_of_a_thread() {
    let live = Live::start_with(|home| {
        // a floor under which a text may pass without an officer: only then the net decides
        let home = Home::at(home);
        let floor = std::fs::read_to_string(home.floor_file()).unwrap();
        let (above, below) = floor.split_once("[social]").unwrap();
        let floor = format!("{above}[social]{}", below.replacen("[\"text\"]", "[]", 1));
        let dpo = keys::read_jwk(&home.development().join("dpo.jwk")).unwrap();
        let signature = floor::sign::<floor::FloorStatement>(&dpo, floor.as_bytes()).unwrap();
        std::fs::write(home.floor_file(), floor).unwrap();
        std::fs::write(home.floor_signature(), signature).unwrap();
        for policy in std::fs::read_dir(home.policies()).unwrap() {
            let file = policy.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let mut text = text.replace("\"hold\"", "\"keep\"");
            if file.ends_with("bnpt-kemensos-status.toml") {
                let note = text.lines().find(|line| line.starts_with("\"/note\"")).unwrap();
                text = text.replace(note, "\"/note\" = \"keep\"");
            }
            std::fs::write(&file, text).unwrap();
        }
    });
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let mut pending = Vec::new();
    for note in ["Keluarga sudah dihubungi.", "Zarqolin sudah dihubungi."] {
        let referral = bnpt.claims(REFERRAL);
        assert!(referral["body"]["subject"]["name"]["full"].as_str().unwrap().contains("Zarqolin"));
        let (item, body) = received(&bnpt, &unit, "child", &[]);
        let mut ask = status(&unit, &item, &body, "received", "info_requested");
        ask["recipients"] = json!(["bnpt"]);
        assert_eq!(unit.submit(ask).status, 201);
        let (item, body) = bnpt.inbox().pop().unwrap();
        let mut answer = status(&bnpt, &item, &body, "info_requested", "received");
        answer["recipients"] = json!([UNIT]);
        answer["legal"]["purpose"] = json!("child_protection");
        answer["body"]["subject"]["ref"] = referral["body"]["subject"]["ref"].clone();
        answer["body"]["note"] = json!(note);
        let answered = bnpt.submit(answer);
        assert_eq!(answered.status, 201, "{}", answered.text);
        let to = &answered.json()["recipients"][0];
        pending.push(to["pending"].as_array().map_or(0, Vec::len));
    }
    assert_eq!(pending, [0, 1], "the name waits for an officer");
    let narrower = replay(&live, "bnpt-kemensos-status", |text| {
        text.replace("\"/note\" = \"keep\"", "\"/note\" = \"drop\"")
    });
    assert_eq!(narrower["before"], json!({"released": 2, "held": 0, "refused": 0}), "{narrower}");
    let note = &narrower["leaves"]["/note"];
    assert_eq!(*note, json!({"starts": 0, "stops": 1, "differs": 0}), "{narrower}");
}
