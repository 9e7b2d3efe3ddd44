//! Two worlds that differ in nothing but what a partner must not learn, and the demand that it
//! learns nothing: what each of them is handed is the same, byte for byte, but for what is random
//! or signs what is random.
//!
//! Both gateways have the same keys and clock, and their parties choose the same ids. What a
//! gateway draws at random may be drawn in another order where more is held in one of them; so two
//! tokens of one length may differ, if each always stands for the same other one.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::gate::{Answer, Gate};
use crate::place::{Draft, Fault, Position};
use crate::plant::CLASSES;
use crate::scenario::{REFERRAL, Runner, Told, opened, put};
use crate::sinks::Sinks;

/// Ids, salts, digests and signatures: nothing shorter is drawn.
static DRAWN: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9_-]{22,}").unwrap());

/// One leaf that differs between the worlds, and who must not see it; values as JSON, `null` for
/// none at all.
struct Change {
    at: At,
    leaf: &'static str,
    values: [&'static str; 2],
    blind: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Referral,
    Status,
}

const fn referral(leaf: &'static str, one: &'static str, other: &'static str) -> Change {
    Change { at: At::Referral, leaf, values: [one, other], blind: &["bnpt", "cuta-be"] }
}

const fn status(leaf: &'static str, one: &'static str, other: &'static str) -> Change {
    Change { at: At::Status, leaf, values: [one, other], blind: &["bnpt", "cuta-be"] }
}

/// What BNPT may know and CUTA may not.
const fn abroad(leaf: &'static str, one: &'static str, other: &'static str) -> Change {
    Change { at: At::Status, leaf, values: [one, other], blind: &["cuta-be"] }
}

/// 25 KiB at most stand in a text; this is long beside the others.
const LONG: &str =
    "\"kata kata kata kata kata kata kata kata kata kata kata kata kata kata kata kata\"";

const ATTACHED: &str = r#"[{"sha256": "8vt1XpyhPY1HjCmkMEMzQHqNEPSQ1HC4gHK2EX-Rxwg",
    "media_type": "application/pdf", "size": 183204, "kind": "report"}]"#;

const CHANGES: &[Change] = &[
    referral("/subject/name/full", r#""Zarqolin""#, r#""Vanquorbeke Thulmans Meswadi""#),
    referral("/subject/name/alias", "null", r#"["Nadqiwi", "Xulvandor"]"#),
    referral("/subject/name/alias", r#"["Nadqiwi", "Xulvandor"]"#, r#"["Xulvandor", "Nadqiwi"]"#),
    referral("/subject/name/kunya", "null", r#""Ummu Quslimar""#),
    referral(
        "/subject/ids",
        "null",
        r#"[{"type": "nik", "no": "9900001703110000", "country": "IDN"}]"#,
    ),
    referral(
        "/household",
        "null",
        r#"[{"ref": "vrjlnpbixlnvfuvf3ihbfjrflm", "relation": "sibling"}]"#,
    ),
    referral("/location/address", r#""Jl. Zarqolin""#, "null"),
    referral("/caregiver/phone", r#""0812-0000-9917""#, "null"),
    referral("/summary", r#""Zarqolin Meswadi, 9900001703110000""#, "null"),
    referral("/summary", r#""a""#, LONG),
    referral("/attachments", "null", ATTACHED),
    referral("/concerns", r#"["distress"]"#, r#"["stigma", "separated"]"#),
    referral("/subject/needs", "null", r#"["sight", "hearing"]"#),
    referral("/category/relation_to_event", r#""self""#, r#""child_of_witness""#),
    referral("/consent/date", r#""2026-11-02""#, r#""2026-10-03""#),
    status("/note", r#""Zarqolin""#, "null"),
    status("/note", r#""a""#, LONG),
    status("/next_review_on", r#""2027-02-24""#, "null"),
    status("/subject/birth/date", r#""2011-03-17""#, r#""2013-08-01""#),
    status("/subject/scope", r#""child""#, "null"),
    status("/category/ampk", r#""anak_korban_jaringan_terorisme""#, "null"),
    status("/origin/pathway", r#""deportan""#, r#""repatriasi""#),
    status("/effective_on", r#""2026-11-02""#, r#""2026-11-24""#),
    abroad("/subject/sex", r#""female""#, r#""male""#),
    abroad("/subject/sex", r#""unknown""#, "null"),
    abroad("/location/adm1", r#""ID-JK""#, r#""ID-PA""#),
    abroad("/service_codes", r#"["pendidikan"]"#, r#"["vokasional", "kesehatan"]"#),
    abroad("/service_codes", "null", r#"["pendidikan"]"#),
];

const BOTH: &[&str] = &["bnpt", "cuta-be"];

/// How many pairs of worlds were compared.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) pairs: u64,
    pub(crate) refusals: u64,
}

/// Two worlds.
pub(crate) struct Twins<'g> {
    one: Runner<'g>,
    other: Runner<'g>,
    pub(crate) sinks: Sinks,
    pub(crate) compared: Compared,
}

impl<'g> Twins<'g> {
    pub(crate) fn new(one: &'g Gate, other: &'g Gate) -> Self {
        let (one, other) = (Runner::new(one), Runner::new(other));
        Self { one, other, sinks: Sinks::default(), compared: Compared::default() }
    }

    /// Every change there is, once.
    pub(crate) async fn changes(&mut self, number: u64) {
        for change in CHANGES {
            self.sinks.scenario = format!("{} `{}`", number, change.leaf);
            let [one, other] = change.values.map(|text| serde_json::from_str(text).unwrap());
            let one = draft(&mut self.one, (change, one), number);
            let other = draft(&mut self.other, (change, other), number);
            self.tell(one, other, change.blind).await;
            self.one.status = None;
            self.other.status = None;
        }
    }

    /// The child is called like a code.
    pub(crate) async fn called(&mut self, token: &str, number: u64) {
        self.sinks.scenario = format!("a child called `{token}`");
        let name = |runner: &mut Runner<'_>, name: &str| {
            let mut claims = runner.gate.claims("bnpt", &REFERRAL);
            runner.profile(&mut claims, number);
            claims["body"]["subject"]["name"]["full"] = json!(name);
            Draft::of(claims)
        };
        let one = name(&mut self.one, "Zarqolin Meswadi");
        let other = name(&mut self.other, token);
        self.tell(one, other, BOTH).await;
    }

    async fn tell(&mut self, one: Draft, other: Draft, blind: &[&str]) {
        let one = self.one.tell(one, Fault::Nothing, None).await;
        let other = self.other.tell(other, Fault::Nothing, None).await;
        self.compared.pairs += 1;
        if (one.admitted, one.refused) != (other.admitted, other.refused) {
            self.sinks.found("non-interference", "inbox", "one world has more".to_owned());
        }
        for party in blind {
            let (one, other) = (views(&one, party), views(&other, party));
            if let Err(how) = alike(&one, &other) {
                self.sinks.found("non-interference", "inbox", format!("{party} sees {how}"));
            }
        }
    }

    /// What is refused is refused in the same words, whatever it was.
    pub(crate) async fn refused(
        &mut self,
        position: &'static Position,
        surface: fn(&str) -> String,
    ) {
        self.sinks.scenario = format!("refused: `{}`", position.name);
        let mut answers: Vec<Answer> = Vec::new();
        let values = [surface("Zarqolin Meswadi"), surface("Vanquorbeke Tol")];
        for (runner, text) in [&self.one, &self.other].into_iter().zip(&values) {
            let mut draft = Draft::of(runner.gate.claims("bnpt", &REFERRAL));
            draft.claims["body"]["subject"]["ref"] = json!(runner.gate.fresh());
            position.place(&mut draft, &CLASSES[0], text);
            let object = runner.gate.sign("bnpt", draft.payload().as_bytes(), &draft.header);
            answers.push(runner.gate.post("bnpt", "/v1/messages", object).await);
        }
        let [one, other] = answers.try_into().unwrap();
        self.compared.refusals += 1;
        let texts = [&one, &other].map(|answer| format!("{} {}", answer.status, answer.text));
        if let Err(how) = alike(&texts[0], &texts[1]) {
            self.sinks.found("non-interference", "answers to the sender", how);
        }
    }

    pub(crate) fn into_sinks(self) -> (Sinks, Compared) {
        let mut sinks = self.sinks;
        sinks.join(self.one.sinks);
        sinks.join(self.other.sinks);
        (sinks, self.compared)
    }
}

fn draft(runner: &mut Runner<'_>, (change, value): (&Change, Value), number: u64) -> Draft {
    let mut claims = runner.gate.claims("bnpt", &REFERRAL);
    runner.profile(&mut claims, number);
    match change.at {
        At::Referral => put(&mut claims["body"], change.leaf, value),
        At::Status => runner.status = Some((change.leaf, value)),
    }
    Draft::of(claims)
}

/// Everything a party was handed, opened; with the lengths of what was sealed.
fn views(told: &Told, party: &str) -> String {
    let own = told.handed.iter().filter(|(whose, _)| *whose == party);
    let each = own.map(|(_, item)| {
        let (statement, body) = opened(item);
        let length = item["release"].as_str().unwrap().len();
        let mut rest = item.clone();
        rest["release"] = json!(length);
        format!("{rest} {statement} {body}")
    });
    each.collect::<Vec<_>>().join("\n")
}

/// Whether two texts are one but for what was drawn: `Err` says how not, and no value.
pub(crate) fn alike(one: &str, other: &str) -> Result<(), String> {
    let split = |text: &'_ str| -> (Vec<String>, Vec<String>) {
        let drawn = DRAWN.find_iter(text).map(|found| found.as_str().to_owned()).collect();
        (DRAWN.split(text).map(str::to_owned).collect(), drawn)
    };
    let ((plain_one, drawn_one), (plain_other, drawn_other)) = (split(one), split(other));
    if plain_one != plain_other {
        let at = plain_one.iter().zip(&plain_other).take_while(|(a, b)| a == b).count();
        return Err(format!("a difference in part {at} of {}", plain_one.len()));
    }
    let mut there: HashMap<&str, &str> = HashMap::new();
    let mut back: HashMap<&str, &str> = HashMap::new();
    for (a, b) in drawn_one.iter().zip(&drawn_other) {
        let same = *there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a;
        if a.len() != b.len() || !same {
            return Err("two drawn values where there is one".to_owned());
        }
    }
    Ok(())
}

#[test]
fn worlds_that_differ_are_told_apart() {
    let one = r#"{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","in":"aaaaaaaaaaaaaaaaaaaaaaaaaa","n":1}"#;
    assert_eq!(
        alike(one, &one.replace("aaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbb")),
        Ok(())
    );
    assert!(
        alike(one, &one.replacen("aaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbb", 1))
            .is_err()
    );
    assert!(alike(one, &one.replace("1}", "2}")).is_err());
    assert!(alike(one, &one.replace('a', "")).is_err());
}
