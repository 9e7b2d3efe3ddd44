//! Exceptions against everything else that happens to the message they are for.

use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use titian::domain::DocumentKind;

use crate::batch::{Clocked, excepting};
use crate::governance::APPROVER;
use crate::lifecycle::{UNIT, WITHDRAWAL};
use crate::live::statement;

const DAY_S: i64 = 86_400;
const ABROAD: &str = "kemensos-cuta-be-status";
const SHIPPED: &str = include_str!("../../config/policies/kemensos-cuta-be-status.toml");

fn changed(edits: &[(&str, &str)]) -> String {
    let change = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    edits.iter().fold(SHIPPED.to_owned(), change)
}

fn told(served: &Clocked) -> Vec<(Value, Value)> {
    let cuta = served.live.party("cuta-be");
    let claims = |(item, body): (Value, Value)| {
        (statement(item["release"].as_str().unwrap()), body["subject"].clone())
    };
    cuta.inbox().into_iter().map(claims).collect()
}

fn id(sent: &(Value, Value)) -> &str {
    sent.0["jti"].as_str().unwrap()
}

fn today(served: &Clocked) -> Date {
    OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date()
}

#[test]
fn an_exception_ends_with_the_policy_that_it_is_above() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let sent = served.accept(1);
    served.grant("x-above", &excepting(id(&sent[0]), opening.date()));
    let ends = changed(&[("expires = 2027-06-30", &format!("expires = {}", today(&served)))]);
    assert_eq!(served.govern(DocumentKind::Policy, (ABROAD, &ends), None, None), "in_force");
    served.turn_to(opening, -1);
    assert!(told(&served).is_empty());
}

#[test]
fn an_exception_passes_only_what_it_names_of_what_two_versions_differ_about() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let band = r#"{ op = "age_band", bands = "foreign" }"#;
    let narrow = changed(&[(band, "\"drop\"")]);
    assert_eq!(served.govern(DocumentKind::Policy, (ABROAD, &narrow), None, None), "in_force");
    let sent = served.accept(1);
    let wide = (ABROAD, SHIPPED);
    assert_eq!(served.govern(DocumentKind::Policy, wide, Some(APPROVER), None), "in_force");
    served.grant("x-names", &excepting(id(&sent[0]), opening.date()));
    served.turn_to(opening, -1);
    let [(_, subject)] = told(&served).try_into().unwrap();
    assert!(subject["sex"].is_string(), "{subject}");
    assert!(subject["birth"]["date"].is_null(), "{subject}");
}

#[test]
fn a_supplement_that_waits_is_made_anew_and_not_doubled() {
    let served = Clocked::start();
    let [opening, next] = served.openings();
    let sent = served.accept(1);
    served.turn_to(opening, -1);
    assert_eq!(told(&served).len(), 1);
    served.advance(5 * DAY_S);
    served.grant("x-first", &excepting(id(&sent[0]), next.date()));
    // two officers add another leaf before its window; and a change of anything tries it again
    let more = excepting(id(&sent[0]), next.date()).replace(
        "\"/subject/sex\" = \"keep\"",
        "\"/subject/sex\" = \"keep\"\n\"/location/adm1\" = \"keep\"",
    );
    served.grant("x-first", &more);
    let ends = changed(&[("\"month\"    ", "\"drop\"     ")]);
    assert_eq!(served.govern(DocumentKind::Policy, (ABROAD, &ends), None, None), "in_force");
    served.turn_to(next, -1);
    let [_, (said, subject)] = told(&served).try_into().unwrap();
    assert!(said["supplements"].is_string(), "{said}");
    assert!(subject["sex"].is_string(), "{subject}");
}

#[test]
fn what_was_taken_back_gains_nothing_by_an_exception() {
    let served = Clocked::start();
    let [opening, next] = served.openings();
    let sent = served.accept(2);
    served.turn_to(opening, -1);
    assert_eq!(told(&served).len(), 2);
    served.advance(5 * DAY_S);
    let unit = served.live.party(UNIT);
    let take_back = |sent: &(Value, Value)| {
        let mut claims = unit.claims(WITHDRAWAL);
        claims["recipients"] = sent.0["recipients"].clone();
        claims.as_object_mut().unwrap().remove("in_reply_to");
        claims["body"]["target"] = sent.0["jti"].clone();
        claims["body"]["subject"]["ref"] = sent.0["body"]["subject"]["ref"].clone();
        claims["body"]["reason"] = json!("sent_in_error");
        let answer = unit.submit(claims);
        assert_eq!(answer.status, 201, "{}", answer.text);
    };
    // one before its exception; of the other the supplement waits already
    take_back(&sent[0]);
    served.grant("x-before", &excepting(id(&sent[0]), next.date()));
    served.grant("x-waits", &excepting(id(&sent[1]), next.date()));
    take_back(&sent[1]);
    served.turn_to(next, -1);
    for (said, subject) in told(&served) {
        assert!(subject.get("sex").is_none(), "{said} {subject}");
    }
    assert_eq!(told(&served).len(), 4, "two withdrawals came");
}
