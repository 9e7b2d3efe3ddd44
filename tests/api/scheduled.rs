//! Rules and the clock: what is to come in force, what has ended, and a clock that is set back.

use titian::domain::DocumentKind;

use crate::batch::{Clocked, excepting};
use crate::governance::{APPROVER, EDITOR, OTHER_AGENCY};
use crate::lifecycle::UNIT;
use crate::live::statement;

const BNPT: &str = "kemensos-bnpt-status";
const DAY_S: i64 = 86_400;

fn shipped() -> String {
    std::fs::read_to_string(format!("config/policies/{BNPT}.toml")).unwrap()
}

/// The version under which BNPT was told last, and whether it was told a place.
fn last(served: &Clocked) -> (i64, bool) {
    let (item, body) = served.live.party("bnpt").inbox().pop().unwrap();
    let said = statement(item["release"].as_str().unwrap());
    (said["policy"]["version"].as_i64().unwrap(), body["location"]["adm1"].is_string())
}

#[test]
fn a_version_begins_at_its_moment_and_what_waits_then_goes_under_both() {
    let served = Clocked::start();
    let narrower = shipped()
        .replace("\"/location/adm1\"      = \"keep\"", "\"/location/adm1\"      = \"drop\"");
    assert_ne!(narrower, shipped());
    let from = served.now() + DAY_S;
    let policy = DocumentKind::Policy;
    assert_eq!(served.govern(policy, (BNPT, &narrower), Some(APPROVER), Some(from)), "scheduled");
    served.accept(1);
    assert_eq!(last(&served), (1, true));
    served.accept(1);
    // it waits while the moment comes; the next request finds the other rules
    served.advance(DAY_S + 1);
    assert_eq!(last(&served), (2, false));
    served.accept(1);
    assert_eq!(last(&served), (2, false));
    // a clock set back brings nothing back
    served.advance(-3 * DAY_S);
    served.accept(1);
    assert_eq!(last(&served), (2, false));
}

#[test]
fn an_exception_begins_at_its_moment_with_what_waits() {
    let served = Clocked::start();
    let [opening, _] = served.openings();
    let sent = served.accept(1);
    let text = excepting(sent[0].0["jti"].as_str().unwrap(), opening.date());
    let (kind, from) = (DocumentKind::Exception, opening.unix_timestamp() - DAY_S);
    let other = Some(OTHER_AGENCY);
    assert_eq!(served.govern(kind, ("x-later", &text), other, Some(from)), "scheduled");
    served.turn_to(opening, -1);
    let inbox = served.live.party("cuta-be").inbox();
    assert_eq!(inbox.len(), 1);
    assert!(inbox[0].1["subject"]["sex"].is_string(), "{}", inbox[0].1);
}

#[test]
fn a_freeze_of_a_social_agency_by_one_officer_lifts_itself_after_half_a_day() {
    let served = Clocked::start();
    let record = served.live.home().join("parties/kemensos/record.toml");
    let record = std::fs::read_to_string(record).unwrap();
    let until = time::OffsetDateTime::from_unix_timestamp(served.now() + DAY_S / 2).unwrap();
    let text = titian::exchange::change::frozen(&record, true, Some(until)).unwrap();
    let party = DocumentKind::Party;
    assert_eq!(served.govern(party, ("kemensos", &text), None, None), "in_force");
    let unit = served.live.party(UNIT);
    let frozen = || {
        let id: titian::domain::PartyId = "kemensos".parse().unwrap();
        let asked = unit.get("/v1/exchanges/aaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert!(matches!(asked.status, 403 | 404), "{}", asked.text);
        served.opened.gateway().rules().directory.party(&id).unwrap().frozen
    };
    assert!(frozen());
    served.advance(DAY_S / 2 - 1);
    assert!(frozen());
    served.advance(1);
    assert!(!frozen(), "the next request finds it lifted");
}

#[test]
fn an_ended_policy_stays_ended_when_the_clock_is_set_back() {
    let served = Clocked::start();
    let today = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let text = include_str!("../../config/policies/kemensos-cuta-be-status.toml");
    let ends = text.replace("expires = 2027-06-30", &format!("expires = {today}"));
    let id = "kemensos-cuta-be-status";
    let stands = served.govern(DocumentKind::Policy, (id, &ends), None, None);
    assert_eq!(stands, "in_force", "to end earlier narrows");
    let rules = || served.opened.gateway().rules();
    let before = rules().generation;
    served.advance(2 * DAY_S);
    drop(served.live.party(UNIT).get("/v1/inbox"));
    assert!(rules().generation >= before);
    assert!(rules().day() > today);
    served.advance(-2 * DAY_S);
    drop(served.live.party(UNIT).get("/v1/inbox"));
    assert!(rules().day() > today, "no rule is judged by an earlier day again");
}

/// The shipped policy with these leaves dropped.
fn dropping(leaves: &[&str]) -> String {
    leaves.iter().fold(shipped(), |text, leaf| {
        let row = text.lines().find(|line| line.starts_with(&format!("\"{leaf}\""))).unwrap();
        text.replace(row, &format!("\"{leaf}\" = \"drop\""))
    })
}

#[test]
fn what_is_to_come_takes_two_whatever_it_says_and_is_bounded() {
    let served = Clocked::start();
    let policy = DocumentKind::Policy;
    let narrower = dropping(&["/location/adm1"]);
    let from = |days: i64| Some(served.now() + days * DAY_S);
    for days in (2..=6).rev() {
        let view = served.draft_as(EDITOR, policy, (BNPT, &narrower)).unwrap();
        let proposed = served.propose_as(EDITOR, &view, from(days)).unwrap();
        let (stands, needs) = (proposed.stands.as_str(), proposed.steps[1].needs.as_deref());
        assert_eq!((stands, needs), ("proposed", Some("two_units")), "{days}");
        assert_eq!(served.approve_as(APPROVER, &view, from(days)).unwrap().stands, "scheduled");
    }
    let view = served.draft_as(EDITOR, policy, (BNPT, &narrower)).unwrap();
    let sixth = served.propose_as(EDITOR, &view, from(1)).unwrap_err().to_string();
    assert!(sixth.contains("5 versions"), "{sixth}");
    assert_eq!(served.propose_as(EDITOR, &view, None).unwrap().stands, "in_force");
}

#[test]
fn nobody_alone_undoes_what_is_to_come() {
    let served = Clocked::start();
    let (policy, party) = (DocumentKind::Policy, DocumentKind::Party);
    let from = Some(served.now() + DAY_S);
    let to_come = dropping(&["/location/adm1", "/subject/sex"]);
    assert_eq!(served.govern(policy, (BNPT, &to_come), Some(APPROVER), from), "scheduled");
    // narrower than what is in force, and wider than what is to be
    let between = dropping(&["/location/adm1"]);
    assert_eq!(served.govern(policy, (BNPT, &between), None, None), "proposed");
    assert_eq!(served.govern(policy, (BNPT, &to_come), None, None), "in_force");
    // a long freeze that is to come, and a short one laid over it
    let record = served.live.home().join("parties/cuta-be/record.toml");
    let record = std::fs::read_to_string(record).unwrap();
    let frozen = |days: Option<i64>| {
        let until = days.map(|days| served.now() + days * DAY_S);
        let until = until.map(|until| time::OffsetDateTime::from_unix_timestamp(until).unwrap());
        titian::exchange::change::frozen(&record, true, until).unwrap()
    };
    let long = frozen(Some(30));
    assert_eq!(served.govern(party, ("cuta-be", &long), Some(APPROVER), from), "scheduled");
    for short in [frozen(Some(29)), frozen(Some(1))] {
        assert_eq!(served.govern(party, ("cuta-be", &short), None, None), "proposed");
    }
    let view = served.draft_as("petugas-jaga", party, ("cuta-be", &frozen(None))).unwrap();
    assert_eq!(served.propose_as("petugas-jaga", &view, None).unwrap().stands, "in_force");
}

#[test]
fn what_is_to_come_of_another_document_keeps_no_narrowing() {
    let served = Clocked::start();
    let pks = std::fs::read_to_string("config/agreements/pks-bnpt-kemensos.toml").unwrap();
    let fewer = pks.replace("\"status/1\", ", "").replace(", \"status/1\"", "");
    assert_ne!(fewer, pks);
    let (agreement, from) = (DocumentKind::Agreement, Some(served.now() + DAY_S));
    let to_come = ("pks-bnpt-kemensos", fewer.as_str());
    assert_eq!(served.govern(agreement, to_come, Some(APPROVER), from), "scheduled");
    let narrower = dropping(&["/location/adm1"]);
    assert_eq!(served.govern(DocumentKind::Policy, (BNPT, &narrower), None, None), "in_force");
}
