//! Erasure: what is destroyed, what stays, who is told, and what they may answer.

use serde_json::{Value, json};

use crate::batch::Clocked;
use crate::corrections::{corrected, told, verified};
use crate::governance::{EDITOR, Said, change, run};
use crate::lifecycle::{REFERRAL, UNIT, status, titian as said_by};
use crate::live::{Answer, Live, Party, fresh_id, statement};
use crate::statement::received;

const NOTICE: &str = include_str!("../../schemas/examples/erasure-notice.typical.json");
const CONFIRMATION: &str = include_str!("../../schemas/examples/erasure-confirmation.typical.json");
const OFFICER: &str = "petugas-jaga";

fn said(item: &Value) -> Value {
    statement(item["release"].as_str().unwrap())
}

fn erase(live: &Live, what: [&str; 2], more: &[&str]) -> Said {
    let mut words = vec!["erase", what[0], what[1], "--reason", "right_holder_request"];
    words.extend(["--by", OFFICER]);
    words.extend(more);
    run(live, &words)
}

/// Erases what was shown.
fn erased(live: &Live, what: [&str; 2]) -> Value {
    let shown = erase(live, what, &[]);
    assert_eq!(shown.json["is_done"], false, "{shown:?}");
    let confirm = shown.json["confirm"].as_str().unwrap().to_owned();
    let done = erase(live, what, &["--confirm", &confirm]);
    assert_eq!(done.json["is_done"], true, "{done:?}");
    done.json
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn database(live: &Live) -> rusqlite::Connection {
    rusqlite::Connection::open(live.home().join("titian.db")).unwrap()
}

fn count(live: &Live, sql: &str) -> i64 {
    database(live).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A confirmation by the party that was handed this notice.
fn confirmation(party: &Party<'_>, notice: &Value, body: Value) -> Value {
    let mut claims = party.claims(CONFIRMATION);
    claims["in_reply_to"] = notice["exchange"].clone();
    claims["body"] = body;
    claims
}

fn today(live: &Live) -> String {
    time::OffsetDateTime::from_unix_timestamp(live.now()).unwrap().date().to_string()
}

fn refused(answer: &Answer, code: &str, place: &str) {
    let problem = answer.json();
    assert_eq!((answer.status, answer.code().as_str()), (422, code), "{place}: {}", answer.text);
    assert!(problem["refusal"].as_str().unwrap().starts_with("ey"), "{code}: it is signed");
    if !place.is_empty() {
        assert_eq!(problem["errors"][0]["pointer"], place, "{code}");
    }
}

#[test]
fn an_erased_case_opens_for_nobody_and_its_evidence_still_verifies() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (sent, item) = told(&live);
    let (at_bnpt, at_cuta) = (bnpt.inbox(), cuta.inbox());
    assert_eq!(bnpt.acknowledge(&at_bnpt[0].0, "received").status, 200);
    let case = ["--exchange", item["exchange"].as_str().unwrap()];
    let shown = erase(&live, case, &[]).json;
    assert_eq!(texts(&shown["tells"]), ["bnpt", "cuta-be", UNIT]);
    assert_eq!((&shown["messages"], &shown["exchanges"]), (&json!(2), &json!(1)));
    assert_eq!(cuta.inbox().len(), 1, "nothing was done yet");
    assert_eq!(count(&live, "SELECT count(*) FROM erasures"), 0);
    // another word confirms nothing
    let other = erase(&live, case, &["--confirm", &"a".repeat(43)]);
    assert_eq!((other.code, other.json["code"].as_str()), (1, Some("bad-request")), "{other:?}");
    let done = erased(&live, case);
    assert!(done["recoverable_until"].as_str().unwrap() > today(&live).as_str());

    // neither key nor ciphertext of it is in any row
    let keys = "SELECT count(*) FROM message_objects o JOIN messages m ON m.row = o.message
        WHERE m.sender <> 'titian'";
    assert_eq!(count(&live, keys), 0);
    let kept = "SELECT count(*) FROM releases WHERE sender <> 'titian'
        AND (month IS NOT NULL OR wrapped_key IS NOT NULL OR ciphertext IS NOT NULL)";
    assert_eq!(count(&live, kept), 0);
    assert_eq!(count(&live, "SELECT count(*) FROM last_projections"), 0);
    assert_eq!(said_by(&live, &["hold", "list"]), json!([]), "nothing waits for an officer");

    // everyone is told by the name it has, and which of its own releases are meant
    for (party, before, reason) in
        [(&bnpt, &at_bnpt, "erasure"), (&cuta, &at_cuta, "erasure"), (&unit, &vec![], "erasure")]
    {
        let inbox = party.inbox();
        let [(notice, body)] = inbox.as_slice() else { panic!("only the notice: {inbox:?}") };
        assert_eq!(
            (&notice["type"], &body["reason"]),
            (&json!("erasure-notice/1"), &json!(reason))
        );
        let claims = said(notice);
        assert_eq!((&claims["from"], &claims["policy"]["id"]), (&json!("titian"), &json!("fixed")));
        assert!(claims.get("attest").is_none());
        if let [(release, known)] = before.as_slice() {
            assert_eq!(claims["erases"], json!([release["release_id"]]));
            assert_eq!(notice["exchange"], release["exchange"]);
            if party.address == "cuta-be" {
                assert_eq!(body["subject"]["ref"], known["subject"]["ref"]);
                assert_eq!(body["erase_by"].as_str().unwrap().len(), "2026-12".len());
                assert!(body.get("include_backups").is_none());
            }
        }
        assert_eq!(party.acknowledge(notice, "received").status, 200);
    }
    // proofs stay
    let path = format!("/v1/messages/{}/evidence", sent["jti"].as_str().unwrap());
    let bundle = unit.get(&path);
    assert!(bundle.json().get("message").is_none_or(Value::is_null), "{}", bundle.text);
    assert_eq!(verified(&unit, &bundle.text)["verdict"], "verified");
    for (party, before) in [(&bnpt, &at_bnpt), (&cuta, &at_cuta)] {
        let id = before[0].0["release_id"].as_str().unwrap();
        let bundle = party.get(&format!("/v1/inbox/{id}/evidence"));
        let report = verified(party, &bundle.text);
        assert_eq!(report["verdict"], "verified", "{report}");
        assert!(report.to_string().contains("erased"), "{report}");
    }
    // an acknowledgement of what was erased is still taken
    assert_eq!(cuta.acknowledge(&at_cuta[0].0, "received").status, 200);

    // once is enough, and nothing more is said in the case
    let twice = erase(&live, case, &[]);
    assert_eq!((twice.code, twice.json["code"].as_str()), (1, Some("already-erased")), "{twice:?}");
    let mut next = sent.clone();
    next["jti"] = json!(fresh_id());
    next["body"]["from_state"] = json!("accepted");
    next["body"]["to_state"] = json!("assessment");
    refused(&unit.submit(next), "unknown-exchange", "/in_reply_to");
    let late = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    refused(&unit.submit(late), "target-unknown", "/body/target");
}

#[test]
fn whoever_was_handed_nothing_is_told_nothing_and_what_waited_is_gone() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (item, body) = received(&bnpt, &unit);
    let sent = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(unit.submit(sent.clone()).status, 201);
    let done = erased(&live, ["--exchange", item["exchange"].as_str().unwrap()]);
    assert_eq!((texts(&done["tells"]), &done["cancelled"]), (vec![UNIT], &json!(2)));
    assert!(cuta.inbox().is_empty() && bnpt.inbox().is_empty());
    assert_eq!(count(&live, "SELECT count(*) FROM erasure_notices"), 1);
    let view = unit.get(&format!("/v1/messages/{}", sent["jti"].as_str().unwrap())).json();
    assert_eq!(view["recipients"][1]["state"], "cancelled");
    // what was found out about groups goes on as a number
    let known = "SELECT (SELECT count(*) FROM known), (SELECT coalesce(sum(n), 0) FROM folded)";
    let both = database(&live)
        .query_row(known, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .unwrap();
    assert_eq!(both, (0, 1));
}

#[test]
fn a_frozen_party_is_handed_the_notice_and_answers_it() {
    let live = Live::start();
    let cuta = live.party("cuta-be");
    let (_, item) = told(&live);
    let frozen = run(&live, &["party", "freeze", "cuta-be", "--as", OFFICER]);
    assert_eq!(frozen.code, 0, "{frozen:?}");
    erased(&live, ["--exchange", item["exchange"].as_str().unwrap()]);
    let inbox = cuta.inbox();
    let [(notice, _)] = inbox.as_slice() else { panic!("only the notice: {inbox:?}") };
    assert_eq!(cuta.acknowledge(notice, "received").status, 200);
    let day = today(&live);
    let retained = json!({"result": "retained", "legal_basis": "court_order", "erased_on": day});
    let answer = cuta.submit(confirmation(&cuta, notice, retained.clone()));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["recipients"][0]["party"], "titian");
    let of = |party: &str| {
        let listed = said_by(&live, &["erase", "list"]);
        let notices = listed[0]["notices"].as_array().unwrap().clone();
        notices.into_iter().find(|notice| notice["party"] == party).unwrap()
    };
    let told = of("cuta-be");
    assert_eq!((&told["result"], &told["state"]), (&json!("retained"), &json!("acknowledged")));
    assert_eq!(told["legal_basis"], "court_order");
    assert_eq!(of("bnpt")["is_overdue"], false);
    assert!(of("bnpt").get("result").is_none());
    // it may only become better, once
    refused(
        &cuta.submit(confirmation(&cuta, notice, retained)),
        "already-confirmed",
        "/in_reply_to",
    );
    let erased = json!({"result": "erased", "erased_on": day});
    assert_eq!(cuta.submit(confirmation(&cuta, notice, erased.clone())).status, 201);
    assert_eq!(of("cuta-be")["result"], "erased");
    refused(&cuta.submit(confirmation(&cuta, notice, erased)), "already-confirmed", "/in_reply_to");
    // a freeze lets nothing else through
    let refer = cuta.claims(REFERRAL);
    assert_eq!(cuta.submit(refer).code(), "frozen");
    assert_eq!(run(&live, &["party", "unfreeze", "cuta-be", "--as", EDITOR]).code, 0);
}

#[test]
fn an_ended_agreement_keeps_no_notice_and_no_answer_back() {
    let live = Live::start();
    let cuta = live.party("cuta-be");
    let (_, item) = told(&live);
    let ended = [("until = 2027-12-31", "until = 2026-02-01")];
    change(&live, "agreement", "mou-id-be", &ended);
    erased(&live, ["--exchange", item["exchange"].as_str().unwrap()]);
    let inbox = cuta.inbox();
    let [(notice, _)] = inbox.as_slice() else { panic!("only the notice: {inbox:?}") };
    let day = json!({"result": "erased", "erased_on": today(&live)});
    assert_eq!(cuta.submit(confirmation(&cuta, notice, day)).status, 201);
}

#[test]
fn a_confirmation_that_answers_nothing_is_refused_and_signed() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (_, item) = told(&live);
    let own = bnpt.inbox()[0].0.clone();
    let good = json!({"result": "not_held", "erased_on": today(&live)});
    // before there is a notice, or before it was handed out
    refused(
        &bnpt.submit(confirmation(&bnpt, &own, good.clone())),
        "unknown-exchange",
        "/in_reply_to",
    );
    erased(&live, ["--exchange", item["exchange"].as_str().unwrap()]);
    refused(
        &bnpt.submit(confirmation(&bnpt, &own, good.clone())),
        "unknown-exchange",
        "/in_reply_to",
    );
    let notice = bnpt.inbox()[0].0.clone();
    // another party's reference, none, or one that never was
    refused(
        &cuta.submit(confirmation(&cuta, &notice, good.clone())),
        "unknown-exchange",
        "/in_reply_to",
    );
    let mut never = confirmation(&bnpt, &notice, good.clone());
    never["in_reply_to"] = json!(fresh_id());
    refused(&bnpt.submit(never), "unknown-exchange", "/in_reply_to");
    let mut none = confirmation(&bnpt, &notice, good.clone());
    none.as_object_mut().unwrap().remove("in_reply_to");
    refused(&bnpt.submit(none), "unknown-exchange", "/in_reply_to");
    let mut elsewhere = confirmation(&bnpt, &notice, good.clone());
    elsewhere["recipients"] = json!([UNIT]);
    refused(&bnpt.submit(elsewhere), "unknown-recipient", "/recipients/0");
    let day = today(&live);
    for (body, code, place) in [
        (json!({"erased_on": day}), "schema", "/body/result"),
        (json!({"result": "erased"}), "schema", "/body/erased_on"),
        (json!({"result": "gone", "erased_on": day}), "schema", "/body/result"),
        (json!({"result": "retained", "erased_on": day}), "rule", "/body/legal_basis"),
        (
            json!({"result": "erased", "legal_basis": "consent", "erased_on": day}),
            "rule",
            "/body/legal_basis",
        ),
        (
            json!({"result": "retained", "legal_basis": "habit", "erased_on": day}),
            "schema",
            "/body/legal_basis",
        ),
        (json!({"result": "erased", "erased_on": "9999-12-31"}), "rule", "/body/erased_on"),
    ] {
        refused(&bnpt.submit(confirmation(&bnpt, &notice, body)), code, place);
    }
    // nothing of that was lost: the right one is taken
    assert_eq!(bnpt.submit(confirmation(&bnpt, &notice, good)).status, 201);
    assert_eq!(unit.inbox().len(), 1);
}

#[test]
fn what_is_suspended_is_erased_too_and_what_stands_stops_no_notice() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let (sent, item) = told(&live);
    let body = json!({"subject": {"ref": sent["body"]["subject"]["ref"]}});
    let mut next = status(&unit, &item, &body, "accepted", "assessment");
    next["body"]["effective_on"] = json!("2026-10-24");
    assert_eq!(unit.submit(next.clone()).status, 201);
    let withdrawn = crate::corrections::withdraw(&unit, &next, &item, "consent_withdrawn");
    assert_eq!(withdrawn.status, 201, "{}", withdrawn.text);
    let last = status(&unit, &item, &body, "assessment", "in_service");
    assert_eq!(unit.submit(last).status, 202, "nobody is told anything more");
    let reviews = || run(&live, &["review", "list"]).json;
    assert_eq!(reviews()[0]["suspended"], 2);
    erased(&live, ["--exchange", item["exchange"].as_str().unwrap()]);
    assert_eq!(reviews(), json!([]));
    for party in [&bnpt, &cuta, &unit] {
        let inbox = party.inbox();
        let [(notice, _)] = inbox.as_slice() else { panic!("only the notice: {inbox:?}") };
        let day = json!({"result": "not_held", "erased_on": today(&live)});
        assert_eq!(party.submit(confirmation(party, notice, day)).status, 201);
    }
}

/// A party asks that what it sent is erased.
fn ask(party: &Party<'_>, exchange: &Value, body: Value) -> Value {
    let mut claims = party.claims(NOTICE);
    claims["in_reply_to"] = exchange.clone();
    claims["body"] = body;
    claims
}

#[test]
fn a_party_has_what_it_sent_erased_and_only_who_received_that_is_told() {
    let live = Live::start();
    let (bnpt, unit, cuta) = (live.party("bnpt"), live.party(UNIT), live.party("cuta-be"));
    let refer = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(refer.clone()).json()["exchange"].clone();
    let (item, body) = unit.inbox().pop().unwrap();
    assert_eq!(unit.acknowledge(&item, "received").status, 200);
    let sent = status(&unit, &item, &body, "received", "accepted");
    assert_eq!(unit.submit(sent.clone()).status, 201);
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (1, 1));

    // by its id, with what was said anew of it
    let fixed = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    assert_eq!(unit.submit(fixed.clone()).status, 201);
    assert_eq!(bnpt.inbox().len(), 2, "CUTA has not collected it");
    let by_id = json!({"targets": [sent["jti"]], "reason": "unlawful", "erase_by": "2028-12-31",
        "include_backups": false});
    assert_eq!(unit.submit(ask(&unit, &item["exchange"], by_id.clone())).status, 201);
    let at_bnpt = bnpt.inbox();
    let [(notice, _)] = at_bnpt.as_slice() else { panic!("{at_bnpt:?}") };
    assert_eq!(said(notice)["erases"].as_array().unwrap().len(), 2);
    assert_eq!(said(&cuta.inbox()[0].0)["erases"].as_array().unwrap().len(), 1);
    refused(
        &unit.submit(ask(&unit, &item["exchange"], by_id)),
        "already-erased",
        "/body/targets/0",
    );

    let person = json!({"subject": {"ref": refer["body"]["subject"]["ref"]}, "reason": "error",
        "erase_by": "2028-12-31", "include_backups": true});
    let asked = bnpt.submit(ask(&bnpt, &exchange, person.clone()));
    assert_eq!(asked.status, 201, "{}", asked.text);
    let (notice, told) = unit.inbox().pop().unwrap();
    assert_eq!(notice["type"], "erasure-notice/1");
    assert_eq!(told["subject"]["ref"], body["subject"]["ref"]);
    assert_eq!((&told["reason"], &told["erase_by"]), (&json!("error"), &json!("2028-12-31")));
    assert_eq!(told["include_backups"], true);
    assert_eq!(said(&notice)["erases"], json!([item["release_id"]]));
    // what others sent is theirs
    assert_eq!((bnpt.inbox().len(), cuta.inbox().len()), (1, 1));
    refused(&bnpt.submit(ask(&bnpt, &exchange, person)), "already-erased", "/body");
    let listed = said_by(&live, &["erase", "list"]);
    assert_eq!((&listed[1]["party"], listed[1].get("officer")), (&json!("bnpt"), None));
}

#[test]
fn a_notice_about_anything_but_what_its_sender_sent_is_refused_and_signed() {
    let live = Live::start();
    let (bnpt, unit) = (live.party("bnpt"), live.party(UNIT));
    let (sent, item) = told(&live);
    let fixed = corrected(&unit, &sent, |body| body["effective_on"] = json!("2026-10-24"));
    assert_eq!(unit.submit(fixed.clone()).status, 201);
    let theirs = bnpt.claims(REFERRAL);
    assert_eq!(bnpt.submit(theirs.clone()).status, 201);
    let good = json!({"targets": [sent["jti"]], "reason": "error", "erase_by": "2028-12-31",
        "include_backups": true});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let subject = |reference: Value| {
        let mut body = without("targets");
        body["subject"] = json!({"ref": reference});
        body
    };
    let target = "/body/targets/0";
    for (body, code, place) in [
        (with("targets", json!([fresh_id()])), "target-unknown", target),
        (with("targets", json!([theirs["jti"]])), "target-unknown", target),
        (with("targets", json!([fixed["jti"]])), "target-unknown", target),
        (with("targets", json!([])), "schema", "/body/targets"),
        (with("targets", json!([sent["jti"], sent["jti"]])), "rule", "/body/targets"),
        (with("reason", json!("spite")), "schema", "/body/reason"),
        (with("erase_by", json!("2020-01-01")), "rule", "/body/erase_by"),
        (with("subject", json!({"ref": fresh_id()})), "rule", "/body"),
        (without("targets"), "rule", "/body"),
        (without("reason"), "schema", "/body/reason"),
        (without("erase_by"), "schema", "/body/erase_by"),
        (without("include_backups"), "schema", "/body/include_backups"),
        (subject(json!(fresh_id())), "subject-reference", "/body/subject/ref"),
        (
            subject(theirs["body"]["subject"]["ref"].clone()),
            "subject-reference",
            "/body/subject/ref",
        ),
    ] {
        refused(&unit.submit(ask(&unit, &item["exchange"], body)), code, place);
    }
    refused(
        &unit.submit(ask(&unit, &json!(fresh_id()), good.clone())),
        "unknown-exchange",
        "/in_reply_to",
    );
    let mut elsewhere = ask(&unit, &item["exchange"], good.clone());
    elsewhere["recipients"] = json!(["bnpt"]);
    refused(&unit.submit(elsewhere), "unknown-recipient", "/recipients/0");
    // nothing was lost
    assert_eq!(count(&live, "SELECT count(*) FROM erasures"), 0);
    assert_eq!(bnpt.inbox().len(), 2);
    assert_eq!(unit.submit(ask(&unit, &item["exchange"], good)).status, 201);
}

#[test]
fn only_a_duty_officer_of_the_case_erases_it() {
    let live = Live::start();
    let bnpt = live.party("bnpt");
    let refer = bnpt.claims(REFERRAL);
    let exchange = bnpt.submit(refer.clone()).json()["exchange"].as_str().unwrap().to_owned();
    let unit = live.party(UNIT);
    let (item, _) = unit.inbox().pop().unwrap();
    let own = item["exchange"].as_str().unwrap();
    let by = |officer: &str, what: [&str; 2]| {
        let reason = ["--reason", "error", "--by", officer];
        let said = run(&live, &[&["erase"], what.as_slice(), reason.as_slice()].concat());
        (said.code, said.json["code"].as_str().unwrap_or_default().to_owned())
    };
    let no = (1, "not-found".to_owned());
    for officer in ["nobody", "pejabat-pengesah"] {
        assert_eq!(by(officer, ["--exchange", own]), no, "{officer}");
    }
    // BNPT's officer: not the whole case, and by its own reference not another's
    assert_eq!(by("petugas-bnpt", ["--exchange", &exchange]), no);
    assert_eq!(by("petugas-bnpt", ["--exchange", own]), no);
    let id = refer["jti"].as_str().unwrap();
    assert_eq!(by(OFFICER, ["--message", id]), no, "Kemensos did not send it");
    assert_eq!(by("petugas-bnpt", ["--message", id]).0, 0);
    let odd =
        run(&live, &["erase", "--message", id, "--reason", "why not", "--by", "petugas-bnpt"]);
    assert_eq!(odd.json["code"], "bad-request", "{odd:?}");
    assert_eq!(run(&live, &["erase", "list"]).json, json!([]));
}

#[test]
fn a_notice_overtakes_the_window_and_an_answer_that_does_not_come_is_overdue() {
    let served = Clocked::start();
    let (unit, cuta) = (served.live.party(UNIT), served.live.party("cuta-be"));
    let sent = served.accept(1).pop().unwrap().0;
    let [opening, _] = served.openings();
    served.turn_to(opening, 0);
    assert_eq!(cuta.inbox().len(), 1);
    let by = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let body = json!({"targets": [sent["jti"]], "reason": "consent_withdrawn",
        "erase_by": by.next_day().unwrap().to_string(), "include_backups": true});
    assert_eq!(unit.submit(ask(&unit, &sent["in_reply_to"], body)).status, 201);
    // at once, although the next window is a month away
    let (notice, told) = cuta.inbox().pop().unwrap();
    assert_eq!((&notice["type"], &told["reason"]), (&json!("erasure-notice/1"), &json!("erasure")));
    let overdue = || {
        let listed = titian::exchange::erase::list::list(served.opened.gateway());
        let listed = served.block_on(listed).unwrap();
        let notices = listed[0].notices.iter();
        notices.filter(|notice| notice.is_overdue).map(|n| n.party.clone()).collect::<Vec<_>>()
    };
    assert!(overdue().is_empty());
    served.advance(2 * 86_400);
    assert_eq!(overdue(), ["cuta-be"], "BNPT collected nothing of it");
    let day = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date().to_string();
    let good = json!({"result": "erased", "erased_on": day});
    assert_eq!(cuta.submit(confirmation(&cuta, &notice, good)).status, 201);
    assert!(overdue().is_empty());
}
