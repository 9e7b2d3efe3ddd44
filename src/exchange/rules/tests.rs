//! What is in force, made from versions that are signed as they would be.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{
    Act, Address, Approval, Digest, DocumentKind, MessageType, Needs, Purpose, SignerRole,
    VersionState,
};
use crate::sign::Algorithm;
use crate::sign::signing::SigningKey;
use crate::store::StepRow;

const FLOOR: &str = include_str!("../../../config/floor.development.toml");
const POLICY: &str = include_str!("../../../config/policies/kemensos-bnpt-status.toml");
const PKS: &str = include_str!("../../../config/agreements/pks-bnpt-kemensos.toml");
const ID: &str = "https://titian.example.org";
const NOW: i64 = 1_795_507_200; // 2026-11-24T08:00:00Z
const KIND: DocumentKind = DocumentKind::Policy;

/// Versions as a store would hold them.
#[derive(Default)]
struct Book {
    rows: Vec<VersionRow>,
    keys: BTreeMap<String, SigningKey>,
    entry: u64,
    /// The moment that officers' words name.
    from: Option<i64>,
}

impl Book {
    /// Two officers of two agencies, two parties, one agreement.
    fn begun() -> Self {
        let mut book = Self::default();
        for (name, party, role) in [("ed", "kemensos", "editor"), ("ap", "bnpt", "approver")] {
            let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
            book.keys.insert(name.to_owned(), key);
            let text = book.officer(name, party, role, "");
            let seeded = [(Act::Seeded, "titian", None)];
            book.put((DocumentKind::Officer, name, 1), &text, &seeded);
        }
        for party in ["kemensos", "bnpt"] {
            let text = record(party, party);
            book.two((DocumentKind::Party, party, 1), &text);
        }
        book.two((DocumentKind::Agreement, "pks-bnpt-kemensos", 1), PKS);
        book
    }

    fn officer(&self, name: &str, party: &str, role: &str, rest: &str) -> String {
        let x = &self.keys[name].public().to_jwk()["x"];
        format!(
            "name = \"{name}\"\nparty = \"{party}\"\nroles = [\"{role}\"]\n{rest}\n\
             key = {{ kty = \"OKP\", crv = \"Ed25519\", x = {x} }}\n"
        )
    }

    fn two(&mut self, of: (DocumentKind, &str, u32), text: &str) {
        let needs = Some(Needs::TwoUnits);
        self.put(of, text, &[(Act::Proposed, "ed", needs), (Act::Approved, "ap", needs)]);
    }

    fn put(
        &mut self,
        (kind, id, version): (DocumentKind, &str, u32),
        text: &str,
        steps: &[(Act, &str, Option<Needs>)],
    ) {
        let digest = Document::parse(kind, id, text).unwrap().digest();
        let key = VersionKey { kind, id: id.to_owned(), version };
        let mut row = VersionRow {
            key,
            text: text.to_owned(),
            digest,
            state: VersionState::Approved,
            effective_at: Some(self.from.map_or(NOW, |from| from.max(NOW))),
            steps: Vec::new(),
        };
        for (act, officer, needs) in steps {
            let role = match act {
                Act::Approved => SignerRole::Approver,
                _ => SignerRole::Author,
            };
            let word = Approval {
                iss: (*officer).to_owned(),
                aud: ID.to_owned(),
                iat: NOW,
                kind,
                id: id.to_owned(),
                version,
                digest,
                role,
                from: self.from,
            };
            let jws = self.keys.get(*officer).map(|key| key.sign(word).unwrap());
            self.entry += 1;
            row.steps.push(StepRow {
                act: *act,
                officer: (*officer).to_owned(),
                reason: String::new(),
                needs: *needs,
                jws: jws.map(|jws| jws.compact().to_owned()),
                entry: self.entry,
                at: NOW,
            });
        }
        self.rows.push(row);
    }

    fn row(&mut self, id: &str) -> &mut VersionRow {
        self.rows.iter_mut().rfind(|row| row.key.id == id).unwrap()
    }

    fn under(&self, floor: &str, at: i64) -> Rules {
        let files = Files { floor: floor.to_owned(), baseline: None, retention_days_max: 1826 };
        Rules::build(ID, &files, &self.rows, at).unwrap()
    }

    fn rules(&self) -> Rules {
        self.under(FLOOR, NOW)
    }
}

/// A record whose certificate is pinned by its owner's name.
fn record(id: &str, pinned: &str) -> String {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let (x, spki) = (&key.public().to_jwk()["x"], Digest::of(pinned.as_bytes()));
    let kind = if id == "kemensos" { "social" } else { "counter_terrorism" };
    format!(
        "id = \"{id}\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"{kind}\"\nunits = [\"a1\"]\n\
         [[keys]]\nstatus = \"active\"\njwk = {{ kty = \"OKP\", crv = \"Ed25519\", x = {x} }}\n\
         [[certificates]]\nspki = \"{spki}\"\n"
    )
}

fn numbered(text: &str, version: u32) -> String {
    text.replacen("[leaves]", &format!("version = {version}\n[leaves]"), 1)
}

/// An exception for one message.
fn exception(expires: &str) -> String {
    format!(
        "sender = \"kemensos\"\nrecipient = \"bnpt\"\nmessage = \"status/1\"\n\
         message_id = \"aaaaaaaaaaaaaaaaaaaaaaaaaa\"\npurpose = \"reintegration\"\n\
         agreement = \"pks-bnpt-kemensos\"\ninstrument = \"x\"\nwhy = \"x\"\n\
         best_interests = \"favourable\"\nsafety_check = \"no_known_risk\"\n\
         expires = {expires}\n[leaves]\n\"/subject/birth/date\" = \"year\"\n"
    )
}

fn unusable(rules: &Rules) -> Vec<(&str, u32)> {
    rules.unusable.iter().map(|out| (out.key.id.as_str(), out.key.version)).collect()
}

fn goes(rules: &Rules, sender: &str) -> bool {
    let sender: Address = sender.parse().unwrap();
    let message: MessageType = "status/1".parse().unwrap();
    let to = "bnpt".parse().unwrap();
    rules.policies.find(&sender, &to, &message, Purpose::Reintegration).is_some()
}

#[test]
fn an_unusable_policy_of_a_unit_does_not_let_the_partys_through() {
    let own = POLICY.replacen("\"kemensos\"", "\"kemensos/a1\"", 1);
    let mut book = Book::begun();
    book.two((KIND, "wide", 1), POLICY);
    book.two((KIND, "own", 1), &own);
    assert!(goes(&book.rules(), "kemensos/a1"));
    // approved, and under no agreement any more
    book.two((KIND, "own", 2), &numbered(&own.replace("pks-bnpt-kemensos", "gone"), 2));
    let check = |book: &Book| {
        let rules = book.rules();
        assert_eq!(unusable(&rules), [("own", 2)]);
        assert!(!goes(&rules, "kemensos/a1") && goes(&rules, "kemensos"));
    };
    check(&book);
    // its text says it is for others, or nothing that can be read
    book.row("own").text = numbered(&POLICY.replacen("\"kemensos\"", "\"bnpt\"", 1), 2);
    check(&book);
    book.row("own").text = "x".to_owned();
    check(&book);
    book.rows.retain(|row| row.key != VersionKey { kind: KIND, id: "own".into(), version: 1 });
    assert!(!goes(&book.rules(), "kemensos"), "for whom it was nobody knows");
}

#[test]
fn what_was_approved_stays_so_whatever_the_rules_become() {
    let mut book = Book::begun();
    book.two((KIND, "wide", 1), POLICY);
    let quasi = [
        "\"/location/adm1\"      = \"keep\"",
        "\"/subject/sex\"        = \"keep\"",
        "\"/effective_on\"       = \"month\"",
    ];
    let narrower = quasi.iter().fold(POLICY.to_owned(), |text, row| {
        assert!(text.contains(row), "{row}");
        text.replace(row, &format!("{} = \"drop\"", row.split(' ').next().unwrap()))
    });
    let alone = [(Act::Proposed, "ed", Some(Needs::One))];
    book.put((KIND, "wide", 2), &numbered(&narrower, 2), &alone);
    // the approver's key changes and the author is disabled within the second
    book.keys.insert("ap2".into(), SigningKey::generate(Algorithm::EdDsa).unwrap());
    let rotated = book.officer("ap2", "bnpt", "approver", "").replacen("ap2", "ap", 1);
    book.two((DocumentKind::Officer, "ap", 2), &rotated);
    let disabled = book.officer("ed", "kemensos", "editor", "disabled = true");
    book.put((DocumentKind::Officer, "ed", 2), &disabled, &alone);
    assert_eq!(unusable(&book.rules()), []);
    assert!(goes(&book.rules(), "kemensos"));
    // an agency is domestic no more, and the first version would not compile
    let strict = FLOOR.replace("[\"kemensos\", \"bnpt\"]", "[\"kemensos\"]");
    assert_eq!(unusable(&book.under(&strict, NOW)), [("wide", 2)], "it does not compile either");
    let strict = FLOOR.replace(
        "drop_only = [\"direct\", \"text\"]",
        "drop_only = [\"direct\", \"text\", \"quasi\"]",
    );
    assert_ne!(strict, FLOOR);
    assert_eq!(unusable(&book.under(&strict, NOW)), []);
    // but a word of the old key is none after it changed
    book.two((KIND, "late", 1), &POLICY.replace("reintegration", "child_protection"));
    assert_eq!(unusable(&book.rules()), [("late", 1)]);
}

#[test]
fn a_version_has_the_words_that_it_was_found_to_take() {
    for (needs, words, holds) in [
        (Some(Needs::TwoUnits), 2, true),
        (Some(Needs::TwoAgencies), 2, true),
        (Some(Needs::TwoUnits), 1, false),
        (Some(Needs::One), 1, true),
        (None, 2, false),
    ] {
        let mut book = Book::begun();
        let steps = [(Act::Proposed, "ed", needs), (Act::Approved, "ap", needs)];
        book.put((KIND, "wide", 1), POLICY, &steps[..words]);
        assert_eq!(unusable(&book.rules()).is_empty(), holds, "{needs:?} {words}");
    }
}

/// A policy of two versions, the second narrower.
fn narrowed() -> Book {
    let mut book = Book::begun();
    book.two((KIND, "wide", 1), POLICY);
    let text = POLICY.replace("\"/subject/sex\"        = \"keep\"", "\"/subject/sex\" = \"drop\"");
    assert_ne!(text, POLICY);
    let alone = [(Act::Proposed, "ed", Some(Needs::One))];
    book.put((KIND, "wide", 2), &numbered(&text, 2), &alone);
    assert_eq!(unusable(&book.rules()), []);
    book
}

#[test]
fn a_row_that_says_other_than_its_history_is_in_force_for_nobody_and_keeps_its_place() {
    let set = |state, effective_at| {
        let mut book = narrowed();
        (book.row("wide").state, book.row("wide").effective_at) = (state, effective_at);
        book
    };
    for (state, effective_at) in [
        (VersionState::Approved, None),
        (VersionState::Approved, Some(NOW + 1)),
        (VersionState::Approved, Some(NOW - 1)),
        (VersionState::Withdrawn, None),
        (VersionState::Draft, None),
        (VersionState::Proposed, None),
        (VersionState::Draft, Some(NOW + 1)),
    ] {
        let rules = set(state, effective_at).rules();
        assert_eq!(unusable(&rules), [("wide", 2)], "{state:?} {effective_at:?}");
        assert!(!goes(&rules, "kemensos"), "{state:?} {effective_at:?}");
    }
    // what was given up comes back by no row that says so
    let mut book = narrowed();
    let mut step = book.row("wide").steps[0].clone();
    (step.act, step.jws, step.entry) = (Act::Withdrawn, None, step.entry + 1);
    book.row("wide").steps.push(step);
    assert_eq!(unusable(&book.rules()), [("wide", 2)]);
    book.row("wide").state = VersionState::Withdrawn;
    assert_eq!(unusable(&book.rules()), []);
}

#[test]
fn a_version_begins_when_its_officers_said_and_at_no_other_moment() {
    let mut book = Book::begun();
    book.two((KIND, "wide", 1), POLICY);
    book.from = Some(NOW + 100);
    book.two((KIND, "wide", 2), &numbered(POLICY, 2));
    let in_force = |book: &Book, at| {
        let rules = book.under(FLOOR, at);
        let policy = rules.versions.iter().find(|key| key.id == "wide").map(|key| key.version);
        (policy, unusable(&rules).len())
    };
    assert_eq!(in_force(&book, NOW + 99), (Some(1), 0));
    assert_eq!(in_force(&book, NOW + 100), (Some(2), 0));
    for (moved, first) in [(NOW + 50, NOW + 50), (NOW + 200, NOW + 100)] {
        book.row("wide").effective_at = Some(moved);
        assert_eq!(in_force(&book, first - 1), (Some(1), 0), "{moved}");
        assert_eq!(in_force(&book, first), (None, 1), "{moved}");
        assert_eq!(in_force(&book, NOW + 200), (None, 1), "{moved}");
    }
    // an approver who names another moment than the author has approved something else
    let key = (KIND, "late", 1);
    book.from = None;
    book.put(key, &POLICY.replace("reintegration", "child_protection"), &[]);
    let text = book.rows.pop().unwrap().text;
    book.put(key, &text, &[(Act::Proposed, "ed", Some(Needs::TwoUnits))]);
    let author = book.rows.pop().unwrap().steps.remove(0);
    book.from = Some(NOW + 1);
    book.put(key, &text, &[(Act::Approved, "ap", Some(Needs::TwoUnits))]);
    book.row("late").steps.insert(0, author);
    let rules = book.under(FLOOR, NOW + 1);
    assert!(
        rules.unusable.iter().any(|out| out.reason.to_string().contains("approver")),
        "{rules:?}"
    );
}

#[test]
fn a_version_that_was_taken_away_brings_none_before_it_back() {
    let mut book = narrowed();
    book.put((KIND, "wide", 3), POLICY, &[(Act::Drafted, "ed", None)]);
    (book.row("wide").state, book.row("wide").effective_at) = (VersionState::Draft, None);
    assert_eq!(unusable(&book.rules()), []);
    book.rows.retain(|row| (row.key.id.as_str(), row.key.version) != ("wide", 2));
    let rules = book.rules();
    assert_eq!(unusable(&rules), [("wide", 1)]);
    assert!(
        rules.unusable[0].reason.to_string().contains("version 2 is missing"),
        "{:?}",
        rules.unusable
    );
    assert!(!goes(&rules, "kemensos"));
    // two decide anew, above what is missing
    book.two((KIND, "wide", 4), &numbered(POLICY, 4));
    assert_eq!(unusable(&book.rules()), []);
    // an officer of whom a version is missing decides nothing; what was decided stays
    let text = book.officer("ap", "bnpt", "approver", "");
    book.put((DocumentKind::Officer, "ap", 3), &text, &[(Act::Drafted, "ed", None)]);
    (book.row("ap").state, book.row("ap").effective_at) = (VersionState::Draft, None);
    let rules = book.rules();
    assert_eq!(unusable(&rules), [("ap", 1)]);
    assert!(rules.history.now("ap", NOW).is_none() && rules.history.now("ed", NOW).is_some());
    assert!(goes(&rules, "kemensos"));
}

#[test]
fn of_two_that_exclude_each_other_the_first_approved_stays() {
    let mut book = Book::begun();
    book.two((DocumentKind::Party, "anothr", 1), &record("anothr", "bnpt"));
    book.two((KIND, "b", 1), POLICY);
    book.two((KIND, "a", 1), POLICY);
    assert_eq!(unusable(&book.rules()), [("anothr", 1), ("a", 1)]);
    let of = |id| (DocumentKind::Exception, id, 1);
    book.two(of("x-over"), &exception("2026-11-23"));
    book.two(of("x-z"), &exception("2026-11-30"));
    book.two(of("x-a"), &exception("2026-11-30").replace("\"bnpt\"", "\"bnpt/a1\""));
    let rules = book.rules();
    let in_order: Vec<_> = rules.exceptions.iter().map(|(source, _)| source.id.as_str()).collect();
    assert_eq!(in_order, ["x-z", "x-over"], "{:?}", rules.unusable);
    assert_eq!(unusable(&rules).last(), Some(&("x-a", 1)));
    assert!(rules.ended.iter().any(|key| key.id == "x-over"));
    // the last second of the calendar is a moment like any other
    book.from = Some(253_402_300_799);
    book.two(of("x-far"), &exception("9999-12-31"));
    book.under(FLOOR, 253_402_300_799);
}

#[test]
fn what_officers_may_propose_is_told_whole() {
    let mut book = Book::begun();
    book.two((KIND, "wide", 1), POLICY);
    let rules = book.rules();
    let twin = book.officer("ed", "kemensos", "approver", "").replacen("\"ed\"", "\"de\"", 1);
    let lapsed = |text: &str| {
        text.replacen(
            "[[keys]]",
            "frozen = true\nfrozen_until = \"2026-11-24T08:00:00Z\"\n[[keys]]",
            1,
        )
    };
    let cases: Vec<(DocumentKind, &str, u32, String, &str)> = vec![
        (DocumentKind::Officer, "de", 1, twin.clone(), "key"),
        (DocumentKind::Officer, "de", 1, twin.replace("kemensos", "tiada"), "party"),
        (
            DocumentKind::Agreement,
            "pks-bnpt-kemensos",
            2,
            PKS.replace("[\"bnpt\"", "[\"tiada\""),
            "parties",
        ),
        (
            DocumentKind::Agreement,
            "pks-bnpt-kemensos",
            2,
            PKS.replace("[\"bnpt\"", "[\"bnpt\", \"bnpt\""),
            "parties",
        ),
        (DocumentKind::Party, "bnpt", 2, lapsed(&book.row("bnpt").text.clone()), "frozen_until"),
        (DocumentKind::Party, "bnpt", 2, record("bnpt", "bnpt"), "keys"),
    ];
    let wide = (DocumentKind::Exception, "wide", 1, exception("2026-11-30"), "id");
    for (kind, id, version, text, leaf) in cases.into_iter().chain([wide]) {
        book.two((kind, id, version), &text);
        let row = book.rows.pop().unwrap();
        let document = Document::parse(kind, id, &text).unwrap();
        let (now, effective) = (NOW, NOW);
        let proposal = proposal::Proposal {
            rules: &rules,
            rows: &book.rows,
            row: &row,
            document: &document,
            author: None,
            now,
            effective,
        };
        let findings = proposal.findings(ID, proposal.effect(), rules.day());
        assert!(findings.iter().any(|finding| finding.leaf == leaf), "{leaf}: {findings:?}");
        assert!(!proposal.changes_nothing());
    }
}
