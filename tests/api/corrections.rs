//! A message said anew by whoever sent it: what goes, to whom, and what is refused.

use serde_json::{Value, json};
use titian::domain::DocumentKind;

use crate::batch::Clocked;
use crate::governance::APPROVER;
use crate::lifecycle::{REFERRAL, UNIT, WITHDRAWAL, status, titian};
use crate::live::{Answer, Live, Party, fresh_id, statement};
use crate::statement::received;

/// The correction of a message that was sent, with `edit` made to its body.
pub(crate) fn corrected(party: &Party<'_>, sent: &Value, edit: impl FnOnce(&mut Value)) -> Value {
    let mut claims = sent.clone();
    let now = party.live.now();
    for (name, value) in
        [("jti", json!(fresh_id())), ("iat", json!(now)), ("exp", json!(now + 3600))]
    {
        claims[name] = value;
    }
    let name = claims["type"].as_str().unwrap().split('/').next().unwrap().to_owned();
    let mut body = claims["body"].take();
    edit(&mut body);
    claims["type"] = json!("correction/1");
    claims["body"] = json!({"target": sent["jti"], "reason": "inaccurate", name: body});
    claims
}

fn states(answer: &Answer) -> Vec<(String, String)> {
    let recipients = answer.json()["recipients"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    recipients.iter().map(|r| (text(&r["party"]), text(&r["state"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn said(item: &Value) -> Value {
    statement(item["release"].as_str().unwrap())
}

/// A status that BNPT and CUTA were handed; with it the referral's release and body at the unit.
pub(crate) fn told(live: &Live) -> (Value, Value) {
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let sent = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(unit.submit(sent.clone()).status, 201);
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (1, 1));
    (sent, item)
}

#[test]
fn a_correction_goes_whole_to_whomever_it_changes_anything_for_and_to_nobody_else() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (sent, _) = told(&live);
    let first = bnpt.inbox()[0].0.clone();

    // CUTA's policy drops the place: nothing tells it that anything changed
    let place = corrected(&unit, &sent, |body| body["location"]["adm1"] = json!("ID-JB"));
    let answer = unit.submit(place.clone());
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(states(&answer), pairs(&[("bnpt", "queued"), ("cuta-be", "unchanged")]));
    let at_bnpt = bnpt.inbox();
    let [_, (item, body)] = at_bnpt.as_slice() else { panic!("{at_bnpt:?}") };
    assert_eq!(body["location"]["adm1"], "ID-JB");
    assert_eq!(body["to_state"], "accepted", "all of it goes, not a list of changes");
    let claims = said(item);
    assert_eq!((&item["type"], &claims["type"]), (&json!("status/1"), &json!("status/1")));
    assert_eq!(claims["replaces"], first["release_id"]);
    assert_eq!(claims["release_schema"], said(&first)["release_schema"]);
    assert_eq!(claims["correction"], "corrected", "why is for social agencies");
    assert!(!item["release"].as_str().unwrap().contains(sent["jti"].as_str().unwrap()));
    assert_eq!(cuta.inbox().len(), 1);

    // the other way round: a month that both are told
    let month = corrected(&unit, &sent, |body| {
        body["location"]["adm1"] = json!("ID-JB");
        body["effective_on"] = json!("2026-10-24");
    });
    let answer = unit.submit(month.clone());
    assert_eq!(states(&answer), pairs(&[("bnpt", "queued"), ("cuta-be", "queued")]));
    let (item, body) = cuta.inbox().pop().unwrap();
    assert_eq!(body["effective_on"], "2026-10");
    let claims = said(&item);
    assert_eq!(claims["replaces"], cuta.inbox()[0].0["release_id"]);
    assert_eq!(claims["correction"], "corrected");
    assert_eq!(said(&bnpt.inbox()[2].0)["replaces"], bnpt.inbox()[1].0["release_id"]);

    // said once more it changes nothing for anybody
    let again = corrected(&unit, &sent, |body| *body = month["body"]["status"].clone());
    let answer = unit.submit(again);
    assert_eq!(states(&answer), pairs(&[("bnpt", "unchanged"), ("cuta-be", "unchanged")]));
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (3, 2));
    let view = unit.get(&format!("/v1/messages/{}", month["jti"].as_str().unwrap())).json();
    assert_eq!(view["type"], "correction/1");
    for (party, at) in [(&bnpt, 2), (&cuta, 1)] {
        let item = party.inbox()[at].0.clone();
        assert_eq!(party.acknowledge(&item, "received").status, 200);
        let path = format!("/v1/inbox/{}/evidence", item["release_id"].as_str().unwrap());
        assert_eq!(verified(party, &party.get(&path).text)["verdict"], "verified");
    }
    let path = format!("/v1/messages/{}/evidence", month["jti"].as_str().unwrap());
    assert_eq!(verified(&unit, &unit.get(&path).text)["verdict"], "verified");
}

/// What is said of evidence under the pins of a party of the home.
pub(crate) fn verified(party: &Party<'_>, bundle: &str) -> Value {
    let file = party.live.home().join("bundle.json");
    std::fs::write(&file, bundle).unwrap();
    let name = party.address.split('/').next().unwrap();
    if !party.kit.join("gateway.json").exists() {
        // the kit pins the gateway when it first speaks with it
        titian(party.live, &["inbox", "--as", name]);
    }
    titian(party.live, &["verify", file.to_str().unwrap(), "--as", name])
}

#[test]
fn a_correction_moves_no_state_and_the_next_status_is_compared_with_it() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (sent, item) = told(&live);
    let month = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    assert_eq!(unit.submit(month.clone()).status, 201);
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (2, 2));
    let moved = corrected(&unit, &sent, |body| body["to_state"] = json!("info_requested"));
    let refused = unit.submit(moved);
    assert_eq!((refused.status, refused.code().as_str()), (422, "illegal-transition"));
    assert_eq!(refused.json()["errors"][0]["pointer"], "/body/status/to_state");
    // what it told CUTA is the last word: the same again tells nothing
    let mut next = sent.clone();
    next["jti"] = json!(fresh_id());
    next["body"] = month["body"]["status"].clone();
    next["body"]["from_state"] = json!("accepted");
    next["body"]["to_state"] = json!("assessment");
    let answer = unit.submit(next.clone());
    assert_eq!(states(&answer), pairs(&[("bnpt", "queued"), ("cuta-be", "unchanged")]));
    // a status that is no longer the last one is corrected without telling another state
    let older = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-09-24"));
    assert_eq!(unit.submit(older).status, 201);
    assert_eq!(bnpt.inbox().len(), 4);
    let reference = bnpt.inbox()[0].0["exchange"].as_str().unwrap().to_owned();
    let thread = bnpt.get(&format!("/v1/exchanges/{reference}")).json();
    assert_eq!(thread["state"], "assessment", "{thread}");
    let own = unit.get(&format!("/v1/exchanges/{}", item["exchange"].as_str().unwrap())).json();
    assert_eq!(own["state"], "assessment", "{own}");
    assert_eq!(cuta.inbox().len(), 3);
}

#[test]
fn what_nobody_was_handed_is_taken_back_and_the_correction_takes_its_place() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(sent.clone()).status, 201);
    let before = titian(&live, &["hold", "list"]);
    let fixed = corrected(&bnpt, &sent, |body| {
        body["subject"]["name"]["full"] = json!("Siti Zarqolina");
        body["summary"] = json!("Zarqolina, bukan Zarqolin");
    });
    let answer = bnpt.submit(fixed.clone());
    assert_eq!(states(&answer), pairs(&[(UNIT, "queued")]));
    assert_eq!(answer.json()["recipients"][0]["pending"], json!(["/summary"]));
    let inbox = unit.inbox();
    let [(item, body)] = inbox.as_slice() else { panic!("one release: {inbox:?}") };
    assert_eq!(body["subject"]["name"]["full"], "Siti Zarqolina");
    assert!(said(item).get("replaces").is_none(), "the unit had nothing before");
    assert!(said(item).get("correction").is_none());
    let view = bnpt.get(&format!("/v1/messages/{}", sent["jti"].as_str().unwrap())).json();
    assert_eq!(view["recipients"][0]["state"], "cancelled");
    // the text that waited went with what it belonged to; the corrected one waits in its place
    let holds = titian(&live, &["hold", "list"]);
    assert_eq!((before.as_array().unwrap().len(), holds.as_array().unwrap().len()), (1, 1));
    assert_ne!(before[0]["id"], holds[0]["id"]);
    let hold = holds[0]["id"].as_str().unwrap();
    let words = ["hold", "release", hold, "--as", "petugas-jaga", "--reason", "dibaca"];
    assert_eq!(titian(&live, &words)["decision"]["decision"], "released");
    assert_eq!(unit.inbox()[1].1["summary"], "Zarqolina, bukan Zarqolin");
    // its acknowledgement is that of the referral
    assert_eq!(unit.acknowledge(item, "received").status, 200);
    let own = status(&unit, item, body, "received", "accepted");
    assert_eq!(unit.submit(own).status, 201);

    // said anew once it was handed out, the social agency is told why, and the same text waits on
    let more = corrected(&bnpt, &sent, |body| {
        *body = fixed["body"]["referral"].clone();
        body["urgency"] = json!("immediate");
    });
    assert_eq!(states(&bnpt.submit(more)), pairs(&[(UNIT, "queued")]));
    let claims = said(&unit.inbox()[2].0);
    assert_eq!(
        (&claims["replaces"], &claims["correction"]),
        (&item["release_id"], &json!("inaccurate"))
    );
}

#[test]
fn a_changed_text_waits_anew_and_an_unchanged_one_does_not() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let sent = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(sent.clone()).status, 201);
    assert_eq!(unit.inbox().len(), 1);
    let holds = || titian(&live, &["hold", "list"]);
    let before = holds();
    let same = corrected(&bnpt, &sent, |_body| {});
    assert_eq!(states(&bnpt.submit(same)), pairs(&[(UNIT, "unchanged")]));
    assert_eq!(holds(), before);
    let text = corrected(&bnpt, &sent, |body| body["summary"] = json!("teks lain"));
    assert_eq!(states(&bnpt.submit(text)), pairs(&[(UNIT, "queued")]));
    let after = holds();
    assert_eq!(after.as_array().unwrap().len(), 1);
    assert_ne!(before[0]["id"], after[0]["id"]);
    assert_eq!(unit.inbox().len(), 2);
}

#[test]
fn a_correction_of_anything_but_an_own_message_is_refused_and_signed() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (sent, item) = told(&live);
    let right = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    assert_eq!(unit.submit(right.clone()).status, 201);
    let theirs = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(theirs.clone()).status, 201);
    let changed = |pointer: &str, value: Value| {
        let mut claims = right.clone();
        claims["jti"] = json!(fresh_id());
        *claims.pointer_mut(pointer).unwrap() = value;
        claims
    };
    let cases = [
        (changed("/body/target", json!(fresh_id())), "target-unknown", "/body/target"),
        (changed("/body/target", theirs["jti"].clone()), "target-unknown", "/body/target"),
        // a correction of a correction
        (changed("/body/target", right["jti"].clone()), "target-unknown", "/body/target"),
        (
            changed("/body/status/subject/ref", json!(fresh_id())),
            "subject-reference",
            "/body/status/subject/ref",
        ),
        (changed("/recipients", json!(["bnpt"])), "unknown-recipient", "/recipients"),
        (changed("/legal/purpose", json!("child_protection")), "purpose-not-agreed", ""),
        (changed("/legal/onward", json!(["bnpt"])), "onward", "/legal/onward/0"),
        (changed("/in_reply_to", json!(fresh_id())), "unknown-exchange", "/in_reply_to"),
        (changed("/body/reason", json!("sent_in_error")), "schema", "/body/reason"),
        (changed("/body/status/to_state", json!("declined")), "rule", "/body/status/reason_code"),
        (changed("/attest/safety_check", json!("not_assessed")), "cross-border", ""),
    ];
    for (claims, code, place) in cases {
        let refused = unit.submit(claims);
        assert_eq!((refused.status, refused.code().as_str()), (422, code), "{place}");
        let problem = refused.json();
        assert!(problem["refusal"].as_str().unwrap().starts_with("ey"), "{code}: it is signed");
        if !place.is_empty() {
            assert_eq!(problem["errors"][0]["pointer"], place, "{code}");
        }
    }
    // a referral's body does not correct a status
    let mut other = right.clone();
    other["jti"] = json!(fresh_id());
    let mut referral = theirs["body"].clone();
    referral["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    other["body"] = json!({"target": sent["jti"], "reason": "clerical", "referral": referral});
    assert_eq!(unit.submit(other).code(), "target-unknown");
    // nor is what was taken back said anew
    assert_eq!(withdraw(&unit, &sent, &item, "no_longer_needed").status, 201);
    let late = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-09-24"));
    assert_eq!(unit.submit(late).code(), "target-unknown");
}

pub(crate) fn withdraw(unit: &Party<'_>, sent: &Value, item: &Value, reason: &str) -> Answer {
    let mut claims = unit.claims(WITHDRAWAL);
    claims["recipients"] = sent["recipients"].clone();
    claims["in_reply_to"] = item["exchange"].clone();
    claims["legal"]["purpose"] = sent["legal"]["purpose"].clone();
    claims["body"]["target"] = sent["jti"].clone();
    claims["body"]["subject"]["ref"] = sent["body"]["subject"]["ref"].clone();
    claims["body"]["reason"] = json!(reason);
    unit.submit(claims)
}

#[test]
fn a_withdrawal_takes_back_what_was_said_anew_too() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (sent, item) = told(&live);
    let change = |month: &str| corrected(&unit, &sent, |body| body["effective_on"] = json!(month));
    assert_eq!(unit.submit(change("2026-10-24")).status, 201);
    assert_eq!(bnpt.inbox().len(), 2);
    // CUTA has not collected the first correction, nobody the second
    let unseen = change("2026-09-24");
    assert_eq!(unit.submit(unseen.clone()).status, 201);
    assert_eq!(withdraw(&unit, &sent, &item, "no_longer_needed").status, 201);
    let (at_bnpt, at_cuta) = (bnpt.inbox(), cuta.inbox());
    assert_eq!((at_bnpt.len(), at_cuta.len()), (3, 2));
    for inbox in [&at_bnpt, &at_cuta] {
        let [.., (before, _), (last, _)] = inbox.as_slice() else { panic!("{inbox:?}") };
        assert_eq!(last["type"], "withdrawal/1");
        assert_eq!(said(last)["replaces"], before["release_id"], "what it was handed last");
    }
    let view = unit.get(&format!("/v1/messages/{}", unseen["jti"].as_str().unwrap())).json();
    assert_eq!(view["state"], "withdrawn");
}

#[test]
fn what_a_withheld_party_is_not_told_it_is_not_told_corrected_either() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let mut refer = bnpt.claims(REFERRAL);
    refer["body"]["safety"]["do_not_inform"] = json!(["cuta-be"]);
    assert_eq!(bnpt.submit(refer).status, 201);
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let sent = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(states(&unit.submit(sent.clone()))[1].1, "suspended");
    let fixed = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    assert_eq!(states(&unit.submit(fixed))[1].1, "suspended");
    let review = titian(&live, &["review", "list"])[0].clone();
    assert_eq!(review["suspended"], 1, "only what is true now waits for the officer");
    let id = review["id"].as_str().unwrap();
    let words = ["review", "decide", id, "--as", "petugas-jaga", "--resume", "--reason", "aman"];
    titian(&live, &words);
    let inbox = cuta.inbox();
    let [(item, body)] = inbox.as_slice() else { panic!("one release: {inbox:?}") };
    assert_eq!(body["effective_on"], "2026-10");
    assert!(said(item).get("replaces").is_none());
}

#[test]
fn a_correction_goes_under_the_version_of_its_message_and_the_one_in_force() {
    const POLICY: &str = "kemensos-bnpt-status";
    let served = Clocked::start();
    let (bnpt, unit) = (served.live.party("bnpt"), served.live.party(UNIT));
    let sent = served.accept(1).pop().unwrap().0;
    assert_eq!(bnpt.inbox().len(), 1);
    let shipped = std::fs::read_to_string(format!("config/policies/{POLICY}.toml")).unwrap();
    let govern = |from: &str, to: &str, approver: Option<&str>| {
        let text = shipped.replace(from, to);
        assert_ne!(text, shipped);
        let policy = DocumentKind::Policy;
        assert_eq!(served.govern(policy, (POLICY, &text), approver, None), "in_force");
    };
    // wider since: what was not told then is not told by way of a correction
    govern(
        "\"/subject/scope\"      = \"drop\"",
        "\"/subject/scope\"      = \"keep\"",
        Some(APPROVER),
    );
    let scope = corrected(&unit, &sent, |body| body["subject"]["scope"] = json!("woman"));
    assert_eq!(states(&unit.submit(scope))[0].1, "unchanged");
    let place = corrected(&unit, &sent, |body| body["location"]["adm1"] = json!("ID-JB"));
    assert_eq!(states(&unit.submit(place))[0].1, "queued");
    let (item, body) = bnpt.inbox().pop().unwrap();
    assert_eq!(
        (&body["location"]["adm1"], &body["subject"]["scope"]),
        (&json!("ID-JB"), &Value::Null)
    );
    let claims = said(&item);
    assert_eq!(claims["policy"]["version"], 2);
    assert_eq!(claims["policy_at_admission"]["version"], 1);
    // narrower while it waits
    let again = corrected(&unit, &sent, |body| body["location"]["adm1"] = json!("ID-JT"));
    assert_eq!(states(&unit.submit(again))[0].1, "queued");
    govern("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\"      = \"drop\"", None);
    assert_eq!(bnpt.inbox().len(), 2, "made anew it changes nothing that may be told");
}

#[test]
fn what_waits_for_a_window_is_replaced_before_anyone_sees_it() {
    let served = Clocked::start();
    let (unit, cuta) = (served.live.party(UNIT), served.live.party("cuta-be"));
    let sent = served.accept(1).pop().unwrap().0;
    let pathway = corrected(&unit, &sent, |body| body["origin"]["pathway"] = json!("domestik"));
    // the value that was taken back before the window was told to nobody: it narrows no group
    assert_eq!(states(&unit.submit(pathway))[1].1, "queued");
    let [opening, _] = served.openings();
    served.turn_to(opening, 0);
    let inbox = cuta.inbox();
    let [(item, body)] = inbox.as_slice() else { panic!("one release: {inbox:?}") };
    assert_eq!(body["origin"]["pathway"], "domestic");
    assert!(said(item).get("replaces").is_none());
    // both values told would be of fewer people than the agreement asks for
    let back = corrected(&unit, &sent, |_body| {});
    assert_eq!(states(&unit.submit(back))[1].1, "held");
}
