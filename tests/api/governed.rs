//! What officers may not do to what is governed, at a gateway whose clock a test can turn.

use titian::domain::{DocumentKind, SignerRole};
use titian::exchange::change::{self, ChangeFault};
use titian::exchange::versions;
use titian::wire::{ActAsk, DraftAsk, VersionView, VersionsAsk};

use crate::batch::{Clocked, excepting};
use crate::governance::{APPROVER, EDITOR, OTHER_AGENCY};

const DUTY: &str = "petugas-jaga";
const BNPT: &str = "kemensos-bnpt-status";
const ABROAD: &str = "kemensos-cuta-be-status";
const DAY_S: i64 = 86_400;
const SEX: (&str, &str) =
    ("\"/subject/sex\"        = \"keep\"", "\"/subject/sex\"        = \"drop\"");

fn text(path: &str) -> String {
    std::fs::read_to_string(format!("config/{path}.toml")).unwrap()
}

fn replaced(text: &str, (from, to): (&str, &str)) -> String {
    assert!(text.contains(from), "{from}: {text}");
    text.replacen(from, to, 1)
}

fn record(served: &Clocked, id: &str) -> String {
    let path = served.live.home().join(format!("parties/{id}/record.toml"));
    std::fs::read_to_string(path).unwrap()
}

/// An officer as it came with the home.
fn officer(served: &Clocked, name: &str) -> String {
    let ask =
        VersionsAsk { kind: Some(DocumentKind::Officer), id: Some(name.to_owned()), officer: None };
    let views = served.block_on(versions::list(served.opened.gateway(), &ask)).unwrap();
    views[0].text.clone()
}

/// Drafts and proposes as the editor does.
fn propose(
    served: &Clocked,
    kind: DocumentKind,
    id: &str,
    text: &str,
) -> Result<VersionView, ChangeFault> {
    let view = served.draft_as(EDITOR, kind, (id, text))?;
    served.propose_as(EDITOR, &view, None)
}

/// The words of a refusal, every finding among them.
fn said<T: std::fmt::Debug>(answer: Result<T, ChangeFault>) -> String {
    match answer.unwrap_err() {
        ChangeFault::Findings(findings) => {
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
        fault => fault.to_string(),
    }
}

#[test]
fn what_would_make_another_document_unusable_is_refused_unless_it_narrows() {
    let served = Clocked::start();
    // another policy for the same messages, and a party with another's certificate
    let twin =
        said(propose(&served, DocumentKind::Policy, "twin", &text(&format!("policies/{BNPT}"))));
    assert!(twin.contains(BNPT), "{twin}");
    let thief = record(&served, "bnpt").replace("\"bnpt\"", "\"zarqolin\"");
    let thief = said(propose(&served, DocumentKind::Party, "zarqolin", &thief));
    assert!(thief.contains("already that of `bnpt`"), "{thief}");
    // two who were proposed side by side: the second is told when it is to be approved
    let own = text(&format!("policies/{BNPT}"));
    let own = replaced(&own, ("\"kemensos\"", "\"kemensos/sentra-handayani\""));
    let [one, two] =
        ["own-1", "own-2"].map(|id| propose(&served, DocumentKind::Policy, id, &own).unwrap());
    assert_eq!(served.approve_as(APPROVER, &one, None).unwrap().stands, "in_force");
    let late = said(served.approve_as(APPROVER, &two, None));
    assert!(late.contains("own-1"), "{late}");
    // an agreement that is for others: whatever rests on it is named
    let mou = text("agreements/mou-id-be");
    let widened = replaced(&mou, ("\"cuta-be\"]", "\"bnpt\"]"));
    let named = said(propose(&served, DocumentKind::Agreement, "mou-id-be", &widened));
    assert!(named.contains(ABROAD), "{named}");
    // as a narrowing it passes, and the policy goes to nobody
    let narrowed = replaced(&mou, ("\"status/1\", ", ""));
    let view = propose(&served, DocumentKind::Agreement, "mou-id-be", &narrowed).unwrap();
    assert_eq!(view.stands, "in_force");
    let rules = served.opened.gateway().rules();
    assert!(rules.unusable.iter().any(|out| out.key.id == ABROAD), "{:?}", rules.unusable);
    // and takes two again, because what is unusable is no measure
    let back = propose(&served, DocumentKind::Agreement, "mou-id-be", &mou).unwrap();
    served.approve_as(APPROVER, &back, None).unwrap();
    assert_eq!(served.opened.gateway().rules().unusable, []);
}

#[test]
fn what_was_proposed_over_something_else_is_proposed_anew() {
    let served = Clocked::start();
    // proposed while the party is free, to be approved once it is frozen: nobody saw that it thaws
    let renamed = record(&served, "bnpt").replace("name = \"", "name = \"contoh ");
    let frozen = record(&served, "bnpt").replace("frozen = false", "frozen = true");
    // the freeze was drafted first, so that its number is the lower one
    let first = served.draft_as(EDITOR, DocumentKind::Party, ("bnpt", &frozen)).unwrap();
    let view = propose(&served, DocumentKind::Party, "bnpt", &renamed).unwrap();
    assert_eq!(served.propose_as(EDITOR, &first, None).unwrap().stands, "in_force");
    let refused = said(served.approve_as(APPROVER, &view, None));
    assert!(refused.contains("has changed since it was proposed"), "{refused}");
    let bnpt = "bnpt".parse().unwrap();
    assert!(served.opened.gateway().rules().directory.party(&bnpt).unwrap().frozen);
}

#[test]
fn one_officer_alone_only_drops_freezes_and_ends() {
    let served = Clocked::start();
    let policy = DocumentKind::Policy;
    let bnpt = text(&format!("policies/{BNPT}"));
    let constant = "\"/subject/sex\" = { op = \"constant\", value = \"unknown\" }";
    for change in [
        (SEX.0, constant),
        (
            "service_codes\"      = { op = \"code_map\", table = \"services_offered\" }",
            "service_codes\" = { op = \"constant\", value = \"x\" }",
        ),
        ("why = \"BNPT", "why = \"bnpt"),
    ] {
        let view = propose(&served, policy, BNPT, &replaced(&bnpt, change)).unwrap();
        assert_eq!(view.needs.as_deref(), Some("two_units"), "{change:?}");
    }
    assert_eq!(
        said(propose(&served, policy, BNPT, &format!("# said\n{bnpt}"))),
        "it says what is in force already"
    );
    let narrower = propose(&served, policy, BNPT, &replaced(&bnpt, SEX)).unwrap();
    assert_eq!(narrower.stands, "in_force");
    // a duty officer freezes and nothing else, and no freeze begins in the past
    let party = DocumentKind::Party;
    let cuta = record(&served, "cuta-be");
    let at = |seconds| time::OffsetDateTime::from_unix_timestamp(served.now() + seconds).ok();
    let alone = |id: &str, text: &str| {
        let view = served.draft_as(DUTY, party, (id, text)).unwrap();
        served.propose_as(DUTY, &view, None)
    };
    let past = change::frozen(&cuta, true, at(-1)).unwrap();
    assert!(said(propose(&served, party, "cuta-be", &past)).contains("frozen_until"));
    let renamed = replaced(&cuta, ("kind = \"foreign\"", "kind = \"social\""));
    assert!(said(alone("cuta-be", &renamed)).contains("roles"));
    let frozen = change::frozen(&cuta, true, at(60)).unwrap();
    assert_eq!(alone("cuta-be", &frozen).unwrap().stands, "in_force");
    // a freeze that lapsed is none: the next one takes one officer again
    served.advance(61);
    let again = change::frozen(&cuta, true, None).unwrap();
    assert_eq!(alone("cuta-be", &again).unwrap().stands, "in_force");
    let pks = text("agreements/pks-bnpt-kemensos");
    let ended = replaced(&pks, ("until = 2027-12-31", "until = 2026-12-31"));
    let ended = propose(&served, DocumentKind::Agreement, "pks-bnpt-kemensos", &ended).unwrap();
    assert_eq!((ended.stands.as_str(), ended.needs.as_deref()), ("proposed", Some("two_units")));
}

#[test]
fn a_word_counts_for_what_it_says_and_while_its_officer_is_in_force() {
    let served = Clocked::start();
    let (policy, gateway) = (DocumentKind::Policy, served.opened.gateway());
    let wider = text(&format!("policies/{BNPT}"))
        .replace("\"/next_review_on\"     = \"drop\"", "\"/next_review_on\"     = \"month\"");
    let view = served.draft_as(EDITOR, policy, (BNPT, &wider)).unwrap();
    let other = served.word(EDITOR, &view, SignerRole::Approver, None);
    assert!(
        said(served.block_on(change::propose(gateway, &other))).contains("signed something else")
    );
    let far = Some(served.now() + 400 * DAY_S);
    assert!(said(served.propose_as(EDITOR, &view, far)).contains("a year ahead"));
    assert!(said(served.propose_as(EDITOR, &view, Some(253_402_300_799))).contains("a year ahead"));
    assert_eq!(served.propose_as(EDITOR, &view, None).unwrap().stands, "proposed");
    let other = served.word(APPROVER, &view, SignerRole::Author, None);
    let other = said(served.block_on(change::approve(gateway, &other)));
    assert!(other.contains("signed something else"), "{other}");
    // unsigned acts take an officer in force too
    let act = |officer: &str| ActAsk {
        officer: officer.to_owned(),
        kind: policy,
        id: BNPT.to_owned(),
        version: 2,
        reason: "contoh".to_owned(),
    };
    assert!(
        said(served.block_on(change::withdraw(gateway, &act("tiada")))).contains("no such officer")
    );
    assert!(
        said(served.block_on(change::give_back(gateway, &act("tiada"))))
            .contains("no such officer")
    );
    assert!(said(served.draft_as("tiada", policy, ("p", &wider))).contains("no such officer"));
    // nobody goes whom it takes to decide
    let officers = DocumentKind::Officer;
    let disabled =
        |name| replaced(&officer(&served, name), ("disabled = false", "disabled = true"));
    let locked = said(propose(&served, officers, EDITOR, &disabled(EDITOR)));
    assert!(locked.contains("no editor and approver"), "{locked}");
    let second = officer(&served, APPROVER).replace("[\"approver\", \"auditor\"]", "[\"editor\"]");
    let second = propose(&served, officers, APPROVER, &second).unwrap();
    served.approve_as(OTHER_AGENCY, &second, None).unwrap();
    let last = propose(&served, officers, EDITOR, &disabled(EDITOR)).unwrap();
    served.approve_as(OTHER_AGENCY, &last, None).unwrap();
    let gone = said(served.approve_as(OTHER_AGENCY, &view, None));
    assert!(gone.contains("no such officer"), "{gone}");
    assert!(
        said(served.block_on(change::withdraw(gateway, &act(EDITOR)))).contains("no such officer")
    );
}

#[test]
fn a_proposal_falls_with_the_key_of_its_author() {
    let served = Clocked::start();
    let abroad = text(&format!("policies/{ABROAD}"));
    let later = replaced(&abroad, ("2027-06-30", "2027-07-01"));
    let view = propose(&served, DocumentKind::Policy, ABROAD, &later).unwrap();
    let key = titian::sign::signing::SigningKey::generate(titian::sign::Algorithm::EdDsa).unwrap();
    let before = officer(&served, EDITOR);
    let x = before.split_once("x = \"").unwrap().1.split('"').next().unwrap();
    let next = replaced(&before, (x, key.public().to_jwk()["x"].as_str().unwrap()));
    let next = propose(&served, DocumentKind::Officer, EDITOR, &next).unwrap();
    assert_eq!(served.approve_as(APPROVER, &next, None).unwrap().stands, "in_force");
    let fallen = said(served.approve_as(APPROVER, &view, None));
    assert!(fallen.contains("another key"), "{fallen}");
}

#[test]
fn what_came_with_a_home_unsigned_an_editor_gives_up() {
    // without an approver's key nothing of the home is signed: it enters as drafts
    let served = Clocked::start_with(|home| {
        for name in [APPROVER, OTHER_AGENCY] {
            std::fs::remove_file(home.join(format!("development/officers/{name}.jwk"))).unwrap();
        }
    });
    let withdraw = |officer: &str| {
        let (officer, id, reason) = (officer.to_owned(), BNPT.to_owned(), "contoh".to_owned());
        let act = ActAsk { officer, kind: DocumentKind::Policy, id, version: 1, reason };
        served.block_on(change::withdraw(served.opened.gateway(), &act))
    };
    assert!(said(withdraw("tiada")).contains("no such officer"));
    assert!(said(withdraw(DUTY)).contains("roles"));
    assert_eq!(withdraw(EDITOR).unwrap().stands, "withdrawn");
}

#[test]
fn ids_and_drafts_have_bounds_and_what_is_over_has_ended() {
    let served = Clocked::start();
    let (policy, gateway) = (DocumentKind::Policy, served.opened.gateway());
    let bnpt = text(&format!("policies/{BNPT}"));
    let today = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let ends = replaced(&bnpt, ("expires = 2027-06-30", &format!("expires = {today}")));
    assert_eq!(propose(&served, policy, BNPT, &ends).unwrap().stands, "in_force");
    served.advance(2 * DAY_S);
    served.block_on(gateway.catch_up()).unwrap();
    let ask = VersionsAsk { kind: Some(policy), id: Some(BNPT.to_owned()), officer: None };
    let stands = served.block_on(versions::list(gateway, &ask)).unwrap().pop().unwrap().stands;
    assert_eq!(stands, "ended");
    let numbered =
        |version: u32| bnpt.replacen("[leaves]", &format!("version = {version}\n[leaves]"), 1);
    let high = said(served.draft_as(EDITOR, policy, ("high", &numbered(1_000_001))));
    assert!(high.contains("at most 1000000"), "{high}");
    for _ in 0..20 {
        served.draft_as(EDITOR, policy, ("high", &numbered(1))).unwrap();
    }
    assert!(said(served.draft_as(EDITOR, policy, ("high", &numbered(1)))).contains("20 versions"));
    for n in 0..80 {
        served.draft_as(EDITOR, policy, (&format!("p-{n}"), &numbered(1))).unwrap();
    }
    assert!(said(served.draft_as(EDITOR, policy, ("p-80", &numbered(1)))).contains("100 versions"));
    // what stops something waits for nobody all the same
    let frozen = change::frozen(&record(&served, "cuta-be"), true, None).unwrap();
    let view = served.draft_as(DUTY, DocumentKind::Party, ("cuta-be", &frozen)).unwrap();
    assert_eq!(served.propose_as(DUTY, &view, None).unwrap().stands, "in_force");
    let abroad = text(&format!("policies/{ABROAD}"));
    let narrower = replaced(&abroad, ("2027-06-30", "2027-06-29"));
    let draft = || served.draft_as(EDITOR, policy, (ABROAD, &narrower));
    let view = draft().unwrap();
    assert!(said(draft()).contains("100 versions"), "one at a time");
    assert_eq!(served.propose_as(EDITOR, &view, None).unwrap().stands, "in_force");
}

#[test]
fn no_partys_drafts_lock_another_out() {
    let served = Clocked::start();
    let editor = officer(&served, OTHER_AGENCY).replace("[\"approver\"]", "[\"editor\"]");
    let view = propose(&served, DocumentKind::Officer, OTHER_AGENCY, &editor).unwrap();
    served.approve_as(APPROVER, &view, None).unwrap();
    let own = text(&format!("policies/{BNPT}"));
    let draft = |officer| served.draft_as(officer, DocumentKind::Policy, ("own", &own));
    for _ in 0..20 {
        draft(EDITOR).unwrap();
    }
    assert!(said(draft(EDITOR)).contains("20 versions"));
    let other = draft(OTHER_AGENCY).unwrap();
    // nor does one rewrite what another is about to propose
    let rewrite = |officer: &str| {
        let (officer, kind, id) = (officer.to_owned(), other.kind, other.id.clone());
        let ask = DraftAsk { officer, kind, id, text: own.clone(), version: Some(other.version) };
        served.block_on(change::draft(served.opened.gateway(), &ask))
    };
    assert!(said(rewrite(EDITOR)).contains("none of those concerned"));
    assert!(rewrite(OTHER_AGENCY).is_ok());
}

#[test]
fn one_editor_alone_does_not_choose_who_else_decides() {
    let served = Clocked::start();
    let officers = DocumentKind::Officer;
    let stop = |text: &str| replaced(text, ("disabled = false", "disabled = true"));
    let proposed = |name: &str, text: &str| propose(&served, officers, name, text).unwrap().stands;
    // another party's, the last operator of a unit, the last approver of a party
    for name in ["petugas-bnpt", OTHER_AGENCY, DUTY, APPROVER] {
        assert_eq!(proposed(name, &stop(&officer(&served, name))), "proposed", "{name}");
    }
    let own = officer(&served, APPROVER);
    assert_eq!(proposed(APPROVER, &own.replace(", \"auditor\"", "")), "proposed");
    let appoint = |name: &str, like: &str| {
        let key = titian::sign::Algorithm::EdDsa;
        let key = titian::sign::signing::SigningKey::generate(key).unwrap().public().to_jwk();
        let text = officer(&served, like).replace(like, name);
        let x = text.split_once("x = \"").unwrap().1.split('"').next().unwrap();
        let text = replaced(&text, (x, key["x"].as_str().unwrap()));
        let view = propose(&served, officers, name, &text).unwrap();
        served.approve_as(APPROVER, &view, None).unwrap();
        text
    };
    let duty = appoint("jaga-dua", DUTY);
    assert_eq!(proposed("jaga-dua", &stop(&duty)), "in_force");
    // without its author nobody could propose anything any more
    let editor = appoint("penyunting-dua", EDITOR);
    assert_eq!(proposed("penyunting-dua", &stop(&editor)), "proposed");
}

#[test]
fn one_officer_alone_ends_or_empties_no_policy_towards_an_agency_that_cares_for_children() {
    let served = Clocked::start();
    let id = "bnpt-kemensos-referral";
    let shipped = text(&format!("policies/{id}"));
    let (head, leaves) = shipped.split_once("[leaves]").unwrap();
    let passing: Vec<&str> =
        leaves.lines().filter(|l| l.starts_with('"') && !l.contains("\"drop\"")).collect();
    let less = |count: usize| {
        let (from, dropped) = (head.to_owned() + "[leaves]" + leaves, &passing[..count]);
        dropped.iter().fold(from, |text, row| {
            let leaf = row.split('=').next().unwrap();
            replaced(&text, (row, &format!("{leaf}= \"drop\"")))
        })
    };
    let proposed = |text: &str| propose(&served, DocumentKind::Policy, id, text).unwrap().stands;
    let today = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let ending = |text: &str, days: i64| {
        let day = today + time::Duration::days(days);
        replaced(text, ("expires = 2027-06-30", &format!("expires = {day}")))
    };
    assert_eq!(proposed(&ending(&shipped, 29)), "proposed");
    let all = passing.len();
    for count in [all, all - 1, all / 2 + 1] {
        assert_eq!(proposed(&less(count)), "proposed", "{count} of {all}");
    }
    for count in [1, all / 3, all / 2] {
        assert_eq!(proposed(&less(count)), "in_force", "{count} of {all}");
    }
    assert_eq!(proposed(&less(all / 2 + 1)), "proposed", "nor a few at a time");
    assert_eq!(proposed(&ending(&less(all / 2), 30)), "in_force");
}

#[test]
fn one_officer_alone_undoes_no_renewal_towards_an_agency_that_cares_for_children() {
    let served = Clocked::start();
    let (policy, id) = (DocumentKind::Policy, "bnpt-kemensos-status");
    let shipped = text(&format!("policies/{id}"));
    let today = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let until = format!("expires = {}", today + time::Duration::days(30));
    let ends = replaced(&shipped, ("expires = 2027-06-30", &until));
    let rows = ends.lines().filter(|line| line.contains("= \"keep\""));
    let less = |count: usize| {
        let dropped = |row: &str| row.replace("= \"keep\"", "= \"drop\"");
        rows.clone().take(count).fold(ends.clone(), |text, row| text.replace(row, &dropped(row)))
    };
    let proposed = |text: &str| propose(&served, policy, id, text).unwrap().stands;
    assert_eq!(proposed(&ends), "in_force");
    served.advance(10 * DAY_S);
    assert_eq!(proposed(&less(1)), "in_force", "it ends when it did");
    let from = Some(served.now() + DAY_S);
    assert_eq!(served.govern(policy, (id, &shipped), Some(APPROVER), from), "scheduled");
    assert_eq!(proposed(&less(2)), "proposed");
}

#[test]
fn what_ends_may_have_ended_yesterday_and_what_begins_later_has_not_ended_by_then() {
    let served = Clocked::start();
    let today = time::OffsetDateTime::from_unix_timestamp(served.now()).unwrap().date();
    let on = |days: i64| today + time::Duration::days(days);
    let policy = DocumentKind::Policy;
    let until = |text: &str, days: i64| {
        replaced(text, ("expires = 2027-06-30", &format!("expires = {}", on(days))))
    };
    let bnpt = text(&format!("policies/{BNPT}"));
    let wider =
        replaced(&bnpt, ("\"/next_review_on\"     = \"drop\"", "\"/next_review_on\" = \"month\""));
    assert!(said(propose(&served, policy, BNPT, &until(&wider, -1))).contains("has passed"));
    for (ends, begins) in [(9, 10), (10, 10)] {
        let view = served.draft_as(EDITOR, policy, (BNPT, &until(&wider, ends))).unwrap();
        let proposed = served.propose_as(EDITOR, &view, Some(served.now() + begins * DAY_S));
        match proposed {
            Ok(view) => assert_eq!((view.stands.as_str(), ends), ("proposed", 10)),
            Err(fault) => assert!(said::<()>(Err(fault)).contains("has passed") && ends == 9),
        }
    }
    assert_eq!(propose(&served, policy, BNPT, &until(&bnpt, -1)).unwrap().stands, "ended");
    let exception = excepting(&crate::live::fresh_id(), on(3));
    let kind = DocumentKind::Exception;
    let stands = served.govern(kind, ("x-ends", &exception), Some(OTHER_AGENCY), None);
    assert_eq!(stands, "in_force");
    let day = format!("expires = {}", on(3));
    let ended = replaced(&exception, (&day, &format!("expires = {}", on(-1))));
    assert_eq!(propose(&served, kind, "x-ends", &ended).unwrap().stands, "ended");
}
