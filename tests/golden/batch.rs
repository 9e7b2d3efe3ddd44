//! When releases leave: what a policy may say of it under either floor, and how it is told.

use titian::domain::{Language, PartyKind};
use titian::policy::{
    Batch, Compiled, Finding, HeadChange, Source, compile, diff, explain, explain_diff, print,
};

use crate::support::{floors, read, table};

const ABROAD: &str = "kemensos-cuta-be-status";
const MONTHLY: &str = "batch = { day = 1, hour = \"09:00 Asia/Jakarta\" }";
const LATER: &str = "batch = { day = 15, hour = \"13:30 Asia/Jakarta\" }";
const AT_ONCE: &str = "batch = \"at_once\"";

/// The policy `id` with a line more in its head, under the monthly floor or the one of at once.
fn with(id: &str, line: &str, monthly: bool) -> Result<Compiled, Vec<Finding>> {
    let text = read(&format!("config/policies/{id}.toml"));
    let text = text.replace("[leaves]", &format!("{line}\n[leaves]"));
    let source = Source::parse(id, &text).unwrap();
    let [at_once_floor, monthly_floor] = floors();
    let floor = if monthly { monthly_floor } else { at_once_floor };
    let kind = match source.head.recipient.party.as_str() {
        "cuta-be" => PartyKind::Foreign,
        "bnpt" => PartyKind::CounterTerrorism,
        _ => PartyKind::Social,
    };
    compile(source, &floor, table("status/1"), kind)
}

#[test]
fn a_policy_that_does_not_say_it_follows_the_floor_and_keeps_its_digest() {
    let [at_once, monthly] = [false, true].map(|monthly| with(ABROAD, "", monthly).unwrap());
    assert_eq!(at_once.batch(), Batch::AtOnce);
    assert!(matches!(monthly.batch(), Batch::Monthly(window) if window.hour() == "09:00"));
    assert_eq!(at_once.digest(), monthly.digest());
    assert!(!at_once.text().contains("batch"));
}

#[test]
fn a_policy_may_be_as_seldom_as_its_floor_or_more_so_and_never_more_often() {
    for line in [MONTHLY, LATER] {
        for monthly in [false, true] {
            let policy = with(ABROAD, line, monthly).unwrap();
            assert_eq!(format!("batch = {}", policy.batch()), line);
        }
    }
    assert_eq!(with(ABROAD, AT_ONCE, false).unwrap().batch(), Batch::AtOnce);
    let findings = with(ABROAD, AT_ONCE, true).unwrap_err();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.leaf, "batch");
    let text = read(&format!("config/policies/{ABROAD}.toml"));
    let line = text.lines().position(|line| line == "[leaves]").unwrap() + 1;
    assert_eq!(finding.line, line);
    assert_eq!(finding.accepted, ["{ day = 1, hour = \"09:00 Asia/Jakarta\" }"]);
    assert!(finding.message.to_string().contains("UU 27/2022"), "{finding}");
}

#[test]
fn inside_indonesia_nothing_waits_for_a_window() {
    for monthly in [false, true] {
        for line in [MONTHLY, AT_ONCE] {
            let findings = with("kemensos-bnpt-status", line, monthly).unwrap_err();
            assert_eq!((findings.len(), findings[0].leaf.as_str()), (1, "batch"));
        }
        assert_eq!(with("kemensos-bnpt-status", "", monthly).unwrap().batch(), Batch::AtOnce);
    }
}

#[test]
fn leaving_at_once_is_wider_than_leaving_monthly() {
    let [at_once, monthly, later] =
        ["", MONTHLY, LATER].map(|line| with(ABROAD, line, false).unwrap());
    for (before, after, change, widens) in [
        (&at_once, &monthly, HeadChange::LeavesMonthly, false),
        (&monthly, &at_once, HeadChange::LeavesAtOnce, true),
        (&monthly, &later, HeadChange::OtherWindow, true),
        (&later, &monthly, HeadChange::OtherWindow, true),
    ] {
        let diff = diff(before, after).unwrap();
        assert_eq!((diff.head.as_slice(), diff.widens()), ([change].as_slice(), widens));
        let said = explain_diff(&diff, before, after, Language::En);
        assert_eq!(said.head.len(), 1);
        let monthly = "once a month, on day ";
        assert!(said.head[0].contains(monthly), "{}", said.head[0]);
    }
    let written = with(ABROAD, AT_ONCE, false).unwrap();
    assert!(diff(&at_once, &written).unwrap().is_empty(), "what it said before by the floor");
}

#[test]
fn an_explanation_and_a_print_say_when_releases_leave() {
    let monthly = with(ABROAD, "", true).unwrap();
    for (language, said) in [
        (
            Language::En,
            "What is for cuta-be leaves once a month, on day 1 at 09:00 (Asia/Jakarta), in random \
             order.",
        ),
        (
            Language::Id,
            "Yang ditujukan kepada cuta-be dikirim sekali sebulan, pada tanggal 1 pukul 09:00 \
             (Asia/Jakarta), dalam urutan acak.",
        ),
    ] {
        assert_eq!(explain(&monthly, language)[1], said);
        let printed = print(&monthly, language);
        // it is no field that leaves
        assert!(printed.contains(&format!("\n{said}\n")), "{printed}");
        assert!(!printed.contains(&format!("- {said}")));
    }
    let at_once = with(ABROAD, "", false).unwrap();
    assert_eq!(explain(&at_once, Language::En)[1], "What is for cuta-be leaves at once.");
    let home = with("kemensos-bnpt-status", "", true).unwrap();
    let said = explain(&home, Language::En);
    assert!(said.iter().all(|sentence| !sentence.contains("leaves at once")));
    assert_eq!(print(&home, Language::En).matches("- bnpt receives").count(), said.len() - 2);
}
