//! Sharing that a message, a withdrawn consent or a birthday suspends, until an officer decides.

use serde_json::{Value, json};

use crate::lifecycle::{REFERRAL, STATUS, UNIT, WITHDRAWAL, status, titian};
use crate::live::{Answer, Live, Party};

const OFFICER: &str = "petugas-jaga";

/// A case that the unit has received: what it was handed.
fn received(live: &Live, change: impl FnOnce(&mut Value)) -> (Value, Value) {
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let mut sent = bnpt.claims(REFERRAL);
    change(&mut sent);
    let admitted = bnpt.submit(sent);
    assert_eq!(admitted.status, 201, "{}", admitted.text);
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    (item, body)
}

/// A referral that passes the unit's case on to the foreign partner.
fn onward(unit: &Party<'_>, item: &Value, body: &Value) -> Value {
    let mut claims = unit.claims(REFERRAL);
    claims["recipients"] = json!(["cuta-be"]);
    claims["in_reply_to"] = item["exchange"].clone();
    claims["legal"]["instrument"] = json!("mou-id-be");
    claims["legal"]["purpose"] = json!("reintegration");
    claims["body"]["subject"]["ref"] = body["subject"]["ref"].clone();
    claims
}

/// The unit takes back a message of its own.
fn withdraw(unit: &Party<'_>, body: &Value, reason: &str, target: &Value) -> Answer {
    let mut claims = unit.claims(WITHDRAWAL);
    claims["recipients"] = target["recipients"].clone();
    claims["legal"]["purpose"] = json!("reintegration");
    claims.as_object_mut().unwrap().remove("in_reply_to");
    claims["body"]["target"] = target["jti"].clone();
    claims["body"]["subject"]["ref"] = body["subject"]["ref"].clone();
    claims["body"]["reason"] = json!(reason);
    unit.submit(claims)
}

fn states(answer: &Value) -> Vec<&str> {
    let recipients = answer["recipients"].as_array().unwrap();
    recipients.iter().map(|r| r["state"].as_str().unwrap()).collect()
}

/// The open reviews as (kind, party, id).
fn open(live: &Live) -> Vec<(String, Value, String)> {
    let listed = titian(live, &["review", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let each = |r: &Value| (text(&r["kind"]), r["party"].clone(), text(&r["id"]));
    listed.as_array().unwrap().iter().map(each).collect()
}

fn decide(live: &Live, id: &str, verdict: &str) -> Value {
    let reason = "diperiksa bersama pendamping";
    titian(live, &["review", "decide", id, "--as", OFFICER, verdict, "--reason", reason])
}

fn seen(sender: &Party<'_>, message: &Value) -> Value {
    sender.get(&format!("/v1/messages/{}", message["jti"].as_str().unwrap())).json()
}

#[test]
fn a_withheld_partner_waits_for_an_officer_and_the_others_do_not() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) =
        received(&live, |sent| sent["body"]["consent"]["withhold"] = json!(["cuta-be"]));
    let told = status(&unit, &item, &body, "received", "accepted");
    let answer = unit.submit(told.clone());
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(states(&answer.json()), ["queued", "suspended"]);
    let next = status(&unit, &item, &body, "accepted", "assessment");
    assert_eq!(states(&unit.submit(next.clone()).json()), ["queued", "suspended"]);
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (2, 0));

    let [(kind, party, id)] = open(&live).try_into().unwrap();
    assert_eq!((kind.as_str(), party), ("withheld", json!("cuta-be")));
    let resumed = decide(&live, &id, "--resume");
    assert_eq!(resumed["decision"]["decision"], "resumed", "{resumed}");
    assert_eq!(resumed["suspended"], 0);
    let inbox = cuta.inbox();
    assert_eq!(inbox.len(), 1, "the second projection is the first again");
    assert_eq!(inbox[0].1["to_state"], "open");
    assert_eq!(states(&seen(&unit, &told)), ["collected", "collected"]);
    assert_eq!(states(&seen(&unit, &next)), ["collected", "unchanged"]);
    assert_eq!(decide(&live, &id, "--keep")["code"], "bad-request", "decided before");

    // from now on it is told at once, until a message names it anew
    let next = status(&unit, &item, &body, "assessment", "in_service");
    assert_eq!(states(&unit.submit(next).json()), ["queued", "unchanged"]);
    assert!(open(&live).is_empty());
}

#[test]
fn what_is_kept_is_cancelled_and_stays_suspended_until_it_is_asked_anew() {
    let live = Live::start();
    let (unit, cuta) = (live.party(UNIT), live.party("cuta-be"));
    let (item, body) =
        received(&live, |sent| sent["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]));
    let first = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(states(&unit.submit(first.clone()).json()), ["queued", "suspended"]);
    let [(_, _, id)] = open(&live).try_into().unwrap();
    assert_eq!(decide(&live, &id, "--keep")["decision"]["decision"], "kept");
    assert_eq!(states(&seen(&unit, &first)), ["queued", "cancelled"]);
    let next = status(&unit, &item, &body, "accepted", "assessment");
    assert_eq!(states(&unit.submit(next.clone()).json()), ["queued", "suspended"]);
    assert!(open(&live).is_empty() && cuta.inbox().is_empty());

    // the case is passed on and the party is named anew, here and there
    let mut onward = onward(&unit, &item, &body);
    onward["body"]["consent"]["withhold"] = json!(["cuta-be"]);
    let answer = unit.submit(onward);
    assert_eq!(
        (answer.status, states(&answer.json())),
        (202, vec!["suspended"]),
        "{}",
        answer.text
    );
    let reviews = open(&live);
    assert_eq!(reviews.len(), 2);
    assert!(titian(&live, &["review", "list", "--all"]).as_array().unwrap().len() > 2);
    for (_, _, id) in &reviews {
        assert_eq!(decide(&live, id, "--resume")["decision"]["decision"], "resumed");
    }
    assert_eq!(states(&seen(&unit, &first)), ["queued", "cancelled"], "for good");
    assert_ne!(states(&seen(&unit, &next)), ["queued", "suspended"]);
}

#[test]
fn what_waits_stops_when_its_recipient_is_withheld_and_goes_on_when_it_is_resumed() {
    let live = Live::start();
    let (unit, cuta) = (live.party(UNIT), live.party("cuta-be"));
    let bnpt = live.party("bnpt");
    let sent = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(sent.clone()).json()["exchange"].clone();
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let first = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(states(&unit.submit(first.clone()).json()), ["queued", "queued"]);
    // the referrer passes the case to the partner itself, and asks that it is not informed
    let mut onward = bnpt.claims(REFERRAL);
    onward["in_reply_to"] = exchange;
    onward["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    onward["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]);
    let answer = bnpt.submit(onward);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(cuta.inbox().is_empty(), "queued before, and stopped");
    assert_eq!(states(&seen(&unit, &first)), ["queued", "queued"]);
    assert_eq!(bnpt.inbox().len(), 1);
    for (_, _, id) in open(&live) {
        decide(&live, &id, "--resume");
    }
    assert_eq!(cuta.inbox().len(), 1);
}

/// The partner's own thread is another exchange than the one in which it is named.
#[test]
fn who_is_named_is_suspended_wherever_the_case_was_passed_on_to() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let sent = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(sent.clone()).json()["exchange"].clone();
    let (item, body) = unit.inbox().pop().unwrap();
    let answer = unit.submit(onward(&unit, &item, &body));
    assert_eq!(states(&answer.json()), ["queued"], "{}", answer.text);
    let mut ask = bnpt.claims(REFERRAL);
    ask["in_reply_to"] = exchange;
    ask["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    ask["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]);
    let answer = bnpt.submit(ask);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(cuta.inbox().is_empty(), "queued in its own thread, and stopped");
    assert_eq!(open(&live).len(), 3);
    for (_, _, id) in open(&live) {
        assert_eq!(decide(&live, &id, "--resume")["decision"]["decision"], "resumed");
    }
    assert_eq!(cuta.inbox().len(), 1);
}

/// Whichever comes first: what was taken back goes to nobody, and one officer decides.
#[test]
fn a_withdrawal_or_another_officer_that_races_a_resume_leaves_one_outcome() {
    for _ in 0..3 {
        let live = Live::start();
        let (unit, cuta) = (live.party(UNIT), live.party("cuta-be"));
        let (item, body) =
            received(&live, |sent| sent["body"]["consent"]["withhold"] = json!(["cuta-be"]));
        let told = status(&unit, &item, &body, "received", "accepted");
        assert_eq!(states(&unit.submit(told.clone()).json()), ["queued", "suspended"]);
        let [(_, _, id)] = open(&live).try_into().unwrap();
        let (withdrawn, resumed, kept) = std::thread::scope(|scope| {
            let resumes = scope.spawn(|| decide(&live, &id, "--resume"));
            let keeps = scope.spawn(|| decide(&live, &id, "--keep"));
            let withdrawn = withdraw(&unit, &body, "safety", &told);
            (withdrawn, resumes.join().unwrap(), keeps.join().unwrap())
        });
        assert_eq!(withdrawn.status, 201, "{}", withdrawn.text);
        let won = [&resumed, &kept].iter().filter(|answer| answer.get("code").is_none()).count();
        assert_eq!(won, 1, "{resumed} {kept}");
        assert!(cuta.inbox().is_empty());
        assert_eq!(states(&seen(&unit, &told))[1], "cancelled");
    }
}

/// The same at a home that no gateway serves; what is late is marked.
#[test]
fn a_late_review_is_marked_and_decided_without_a_running_gateway() {
    let mut live = Live::start();
    received(&live, |sent| sent["body"]["consent"]["withhold"] = json!(["cuta-be"]));
    live.stop();
    let [(_, _, id)] = open(&live).try_into().unwrap();
    assert_eq!(titian(&live, &["review", "list"])[0]["is_overdue"], false);
    let db = rusqlite::Connection::open(live.home().join("titian.db")).unwrap();
    db.execute("UPDATE reviews SET due_at = opened_at - 1", []).unwrap();
    drop(db);
    assert_eq!(titian(&live, &["review", "list"])[0]["is_overdue"], true);
    let words = std::process::Command::new(env!("CARGO_BIN_EXE_titian"))
        .args(["review", "list", "--home"])
        .arg(live.home())
        .output()
        .unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let expected = format!("withheld          towards cuta-be, decided by {UNIT}: overdue since 2");
    assert!(words.starts_with(&id) && words.contains(&expected), "{words}");
    assert_eq!(decide(&live, &id, "--keep")["is_overdue"], false);
    assert!(open(&live).is_empty());
}

#[test]
fn withdrawn_consent_stops_everyone_but_who_cares_for_the_child() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&live, |_| {});
    let first = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(states(&unit.submit(first.clone()).json()), ["queued", "queued"]);
    let withdraw = |reason: &str, target: &Value| withdraw(&unit, &body, reason, target);
    assert_eq!(bnpt.inbox().len(), 1, "told before");
    let taken_back = withdraw("consent_withdrawn", &first);
    assert_eq!(taken_back.status, 201, "{}", taken_back.text);
    assert_eq!(bnpt.inbox().last().unwrap().0["type"], "withdrawal/1", "it always passes");
    let [(kind, party, id)] = open(&live).try_into().unwrap();
    assert_eq!((kind.as_str(), party), ("consent_withdrawn", Value::Null));
    let next = status(&unit, &item, &body, "accepted", "assessment");
    let answer = unit.submit(next.clone());
    assert_eq!((answer.status, states(&answer.json())), (202, vec!["suspended", "suspended"]));
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (2, 0));
    // a withdrawal for another reason leaves the review as it is and takes back what waits
    assert_eq!(states(&withdraw("no_longer_needed", &next).json()), ["cancelled", "cancelled"]);
    assert_eq!(decide(&live, &id, "--resume")["suspended"], 0);
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (2, 0), "taken back meanwhile");
    let last = status(&unit, &item, &body, "assessment", "in_service");
    assert_eq!(states(&unit.submit(last).json()), ["queued", "queued"]);
}

/// The case does not go on to anyone, and who cares for the child is told what concerns it.
#[test]
fn withdrawn_consent_reaches_where_the_case_went_and_not_the_carer() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let sent = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(sent.clone()).json()["exchange"].clone();
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    assert_eq!(states(&unit.submit(onward(&unit, &item, &body)).json()), ["queued"]);
    let mut ask = status(&unit, &item, &body, "received", "info_requested");
    ask["recipients"] = json!(["bnpt"]);
    assert_eq!(unit.submit(ask.clone()).status, 201);
    assert_eq!(withdraw(&unit, &body, "consent_withdrawn", &ask).status, 201);
    assert!(cuta.inbox().is_empty(), "its own thread is suspended too");
    assert_eq!(open(&live).len(), 2);
    let again = unit.submit(onward(&unit, &item, &body));
    assert_eq!((again.status, states(&again.json())), (202, vec!["suspended"]));
    assert_eq!(open(&live).len(), 3, "a review of its own where it would go now");

    let mut answer = bnpt.claims(STATUS);
    answer["recipients"] = json!([UNIT]);
    answer["in_reply_to"] = exchange;
    answer["legal"]["purpose"] = json!("child_protection");
    answer["body"] = json!({"subject": {"ref": sent["body"]["subject"]["ref"]},
        "from_state": "info_requested", "to_state": "received", "effective_on": "2026-11-24"});
    let answered = bnpt.submit(answer);
    assert_eq!(states(&answered.json()), ["queued"], "{}", answered.text);
    assert_eq!(unit.inbox().last().unwrap().1["to_state"], "received");
    let listed = || titian(&live, &["breach", "cuta-be", "--since", "2020-01-01"]);
    let made = || listed().as_array().unwrap().len();
    assert_eq!(made(), 1);
    for (kind, _, id) in open(&live) {
        assert_eq!(kind, "consent_withdrawn");
        decide(&live, &id, "--keep");
    }
    assert!(cuta.inbox().is_empty() && open(&live).is_empty());
    assert_eq!(made(), 0, "what was queued is cancelled");
}

#[test]
fn a_child_that_may_be_an_adult_is_not_told_of_until_an_officer_has_looked() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let year = time::OffsetDateTime::now_utc().year() - 18;
    let born = format!("{year}-01");
    let (item, body) =
        received(&live, |sent| sent["body"]["subject"]["birth"]["date"] = json!(born));
    let mut told = status(&unit, &item, &body, "received", "accepted");
    told["body"]["subject"]["birth"]["date"] = json!("2011-03-05");
    let answer = unit.submit(told);
    assert_eq!((answer.status, states(&answer.json())), (202, vec!["suspended", "suspended"]));
    let [(kind, party, id)] = open(&live).try_into().unwrap();
    assert_eq!((kind.as_str(), party), ("majority", Value::Null));
    let listed = titian(&live, &["review", "list"]).to_string();
    let shown = titian(&live, &["review", "show", &id, "--as", OFFICER]);
    assert_eq!(shown["suspended"], 2);
    for text in [listed, shown.to_string()] {
        assert!(!text.contains(&year.to_string()), "nothing of a birth date: {text}");
        assert!(!text.contains("2011"), "{text}");
    }
    decide(&live, &id, "--resume");
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (1, 1));
    // decided once
    let next = status(&unit, &item, &body, "accepted", "completed");
    assert_ne!(unit.submit(next).status, 202);
    assert!(open(&live).is_empty());
}

#[test]
fn two_reasons_need_two_decisions() {
    let live = Live::start();
    let (unit, cuta) = (live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&live, |sent| {
        sent["body"]["subject"]["birth"]["date"] = json!("1999");
        sent["body"]["consent"]["withhold"] = json!(["cuta-be"]);
    });
    let mut told = status(&unit, &item, &body, "received", "accepted");
    told["recipients"] = json!(["cuta-be"]);
    told["legal"]["instrument"] = json!("mou-id-be");
    assert_eq!(states(&unit.submit(told).json()), ["suspended"]);
    let [(kind, _, id)] = open(&live).try_into().unwrap();
    assert_eq!(kind, "withheld", "the other reason is found when this one is lifted");
    decide(&live, &id, "--resume");
    assert!(cuta.inbox().is_empty());
    let [(kind, _, id)] = open(&live).try_into().unwrap();
    assert_eq!(kind, "majority");
    decide(&live, &id, "--resume");
    assert_eq!(cuta.inbox().len(), 1);
}

#[test]
fn only_a_duty_officer_of_the_receiving_unit_sees_and_decides() {
    let live = Live::start_with(|home| {
        let file = home.join("officers.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let other = |name: &str, party: &str, role: &str| {
            format!("\n[[officer]]\nname = \"{name}\"\nparty = \"{party}\"\nroles = [\"{role}\"]\n")
        };
        let more = [
            other("pengamat", "kemensos", "auditor"),
            other("penghubung", "bnpt", "operator"),
            other("abroad", "cuta-be", "operator"),
        ];
        std::fs::write(&file, text + &more.concat()).unwrap();
    });
    received(&live, |sent| sent["body"]["consent"]["withhold"] = json!(["cuta-be"]));
    let [(_, _, id)] = open(&live).try_into().unwrap();
    for officer in ["pengamat", "penghubung", "abroad", "nobody"] {
        let shown = titian(&live, &["review", "show", &id, "--as", officer]);
        assert_eq!(shown["code"], "not-found", "{officer}");
        let act = ["review", "decide", &id, "--as", officer, "--resume", "--reason", "x"];
        assert_eq!(titian(&live, &act)["code"], "not-found", "{officer}");
    }
    let unreasoned = ["review", "decide", &id, "--as", OFFICER, "--resume", "--reason", " "];
    assert_eq!(titian(&live, &unreasoned)["code"], "bad-request");
    assert_eq!(decide(&live, &id, "--keep")["decision"]["officer"], OFFICER);
}
