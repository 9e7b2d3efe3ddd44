//! What speaks against a proposal: what it says itself, and what would become of everything else.
//!
//! Asked when it is proposed, so that its author learns it, and again when it is approved.

use std::collections::BTreeSet;

use time::Date;

use super::build::in_force;
use super::signatures::check_keys;
use super::{BadRules, Document, Effect, Files, Rules, day_of, history, who};
use crate::config::{Officer, PartyRecord};
use crate::domain::{Act, Agreement, DocumentKind, Phrase, VersionState};
use crate::policy::{Compiled, Finding, Source};
use crate::store::{VersionKey, VersionRow};

/// A version that is to be in force.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The rules in force.
    pub rules: &'a Rules,
    /// Every version.
    pub rows: &'a [VersionRow],
    /// This one.
    pub row: &'a VersionRow,
    /// What it says.
    pub document: &'a Document,
    /// Who puts it forward, where that is known.
    pub author: Option<&'a Officer>,
    /// Now, unix seconds.
    pub now: i64,
    /// From when it is to be in force, unix seconds.
    pub effective: i64,
}

/// How many versions of one document may be approved and not have begun: the rules are built anew
/// for each moment at which one begins.
const TO_BEGIN_MAX: usize = 5;

impl Proposal<'_> {
    /// The approved versions of the same document.
    fn approved(&self) -> impl Iterator<Item = &VersionRow> {
        self.rows.iter().filter(|other| {
            (other.key.kind, &other.key.id) == (self.row.key.kind, &self.row.key.id)
                && history::is_approved(other)
        })
    }

    /// The version whose place it takes, usable or not.
    fn overtakes(&self) -> Option<&VersionRow> {
        let before = self.approved().filter(|other| other.key.version < self.row.key.version);
        in_force(before, self.effective)
    }

    /// What it takes the place of; an unusable version is nothing to be measured by.
    fn before(&self) -> Option<Document> {
        let before = self.overtakes()?;
        let is_usable = !self.rules.unusable.iter().any(|out| out.key == before.key);
        is_usable.then(|| read(before)).flatten()
    }

    /// The versions that were to begin after it, and that it would keep from beginning.
    fn keeps_from_beginning(&self) -> impl Iterator<Item = (&VersionRow, i64)> {
        let lower = self.approved().filter(|other| other.key.version < self.row.key.version);
        let begins = lower.map(|row| (row, history::begins(row)));
        begins.filter(|(_, at)| *at > self.effective)
    }

    /// What it changes. One officer alone decides about now only: what is to begin later waits, and
    /// can wait for a second.
    pub fn effect(&self) -> Effect {
        let (judge, document) = (self.rules.judge(), self.document);
        let effect = Effect::of(self.before().as_ref(), document, &judge, self.effective);
        let effect = self.keeps_from_beginning().fold(effect, |effect, (row, at)| {
            effect.over(read(row).as_ref(), document, &judge, at)
        });
        let is_now = self.effective <= self.now;
        if is_now && self.may_be_alone() { effect } else { effect.by_two(document) }
    }

    /// Whether its author may be the only one to say what becomes of an officer, or of what an
    /// agency that cares for children is told.
    fn may_be_alone(&self) -> bool {
        let (rules, before) = (self.rules, self.before());
        match (self.document, &before) {
            (Document::Officer(after), Some(Document::Officer(before))) => {
                let taken = (before, after);
                let may = |by| who::may_take_alone(by, taken, &rules.officers, &rules.floor);
                self.author.is_some_and(may)
            }
            (Document::Policy(after), Some(Document::Policy(before))) => {
                let to_come = self.keeps_from_beginning().filter_map(|(row, _)| policy(row));
                let overtaken: Vec<_> =
                    std::iter::once((**before).clone()).chain(to_come).collect();
                let decided = self.decided_by_two();
                let (decided, day) = (decided.as_ref().unwrap_or(before), day_of(self.effective));
                !rules.judge().cuts_off(decided, &overtaken, after, day)
            }
            _ => true,
        }
    }

    /// The last version of the policy that two decided, of those it comes after.
    fn decided_by_two(&self) -> Option<Source> {
        let by_two = self.approved().filter(|other| {
            let last = other.steps.last();
            other.key.version < self.row.key.version
                && history::begins(other) <= self.effective
                && last.is_some_and(|step| step.act == Act::Approved)
        });
        by_two.max_by_key(|other| other.key.version).and_then(policy)
    }

    /// Whether as many versions of the document are to begin as may be.
    pub fn is_one_too_many(&self) -> bool {
        let to_begin = self.approved().filter(|row| history::begins(row) > self.now);
        self.effective > self.now && to_begin.count() >= TO_BEGIN_MAX
    }

    /// Whether it says what is in force already, and keeps nothing from beginning later.
    pub fn changes_nothing(&self) -> bool {
        let later = self.approved().any(|row| history::begins(row) > self.effective);
        !later && self.before().is_some_and(|before| before.says_as(self.document))
    }

    /// Whether a later version was approved already.
    pub fn is_late(&self) -> bool {
        self.approved().any(|other| other.key.version > self.row.key.version)
    }

    /// Whether another version was approved since this one was proposed: whoever approves it now may
    /// have seen what it changes of something else.
    pub fn is_of_another_base(&self) -> bool {
        let proposed = self.row.steps.iter().rfind(|step| step.act == Act::Proposed);
        let Some(proposed) = proposed else { return false };
        let last = |other: &VersionRow| other.steps.last().map(|step| step.entry);
        self.approved()
            .filter(|other| other.key != self.row.key)
            .any(|other| last(other) > Some(proposed.entry))
    }

    /// Everything that its own text says and that may not be.
    pub fn findings(&self, gateway: &str, effect: Effect, today: Date) -> Vec<Finding> {
        let judge = self.rules.judge();
        // what only ends earlier may have ended yesterday
        let day = (!effect.narrows).then(|| today.max(day_of(self.effective)));
        let mut findings = match self.document {
            Document::Policy(source) => {
                let compiled = judge.compile_source((**source).clone());
                let mut findings = compiled.err().unwrap_or_default();
                findings.extend(expired(source.head.expires, source.line("expires"), day));
                findings
            }
            Document::Exception(source) => {
                let standing = self.rules.standing(source);
                let standing = standing.as_deref().map(Compiled::source);
                let compiled = judge.compile_exception(source, 1, standing);
                let mut findings = compiled.err().unwrap_or_default();
                findings.extend(expired(source.expires(), 0, day));
                findings
            }
            Document::Party(party) => self.of_party(gateway, party),
            // whoever is unknown, or shares a key, may decide less at any time
            Document::Officer(_) if effect.narrows => Vec::new(),
            Document::Officer(officer) => self.of_officer(officer),
            Document::Agreement(agreement) => self.of_agreement(agreement, effect),
        };
        findings.extend(self.other_of_that_id());
        findings
    }

    fn of_party(&self, gateway: &str, party: &PartyRecord) -> Vec<Finding> {
        let mut findings = Vec::new();
        if party.frozen_until.is_some_and(|until| until.unix_timestamp() <= self.effective) {
            findings.push(finding("frozen_until", Phrase::new("why-freeze-none")));
        }
        // even keys that are in force for nobody now say whose the record is
        let before = self.overtakes().and_then(read);
        let agreements = &self.rules.agreements;
        if let Err(why) = check_keys(gateway, before.as_ref(), self.document, agreements) {
            findings.push(finding("keys", why.phrase()));
        }
        findings
    }

    fn of_officer(&self, officer: &Officer) -> Vec<Finding> {
        let mut findings = Vec::new();
        let others = self.rules.officers.iter().filter(|other| other.name != officer.name);
        let mut others = others.filter(|other| !other.disabled);
        let has_one = |other: &Officer| {
            let mut ids = officer.passkeys.iter().map(|passkey| &passkey.id);
            ids.any(|id| other.passkeys.iter().any(|passkey| passkey.id == *id))
        };
        if let Some(other) = others.find(|other| who::share_key(other, officer) || has_one(other)) {
            let shared = Phrase::new("why-key-of-other").with("officer", &other.name);
            findings.push(finding("key", shared));
        }
        if !self.rules.directory.knows(&officer.address()) {
            let missing = Phrase::new("why-no-record").with("party", officer.address());
            findings.push(finding("party", missing));
        }
        findings
    }

    fn of_agreement(&self, agreement: &Agreement, effect: Effect) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for party in &agreement.parties {
            if !seen.insert(party) {
                findings.push(finding("parties", Phrase::new("why-twice").with("party", party)));
            }
            // the gateway itself may be bound, and has no record
            let is_known =
                party.as_str() == "titian" || self.rules.directory.party(party).is_some();
            if !is_known && !effect.narrows {
                findings
                    .push(finding("parties", Phrase::new("why-no-record").with("party", party)));
            }
        }
        findings
    }

    /// A release names what it was made under by id: a policy's is no exception's.
    fn other_of_that_id(&self) -> Option<Finding> {
        let (other, of_other) = match self.document.kind() {
            DocumentKind::Policy => (DocumentKind::Exception, "why-id-of-exception"),
            DocumentKind::Exception => (DocumentKind::Policy, "why-id-of-policy"),
            DocumentKind::Officer | DocumentKind::Party | DocumentKind::Agreement => return None,
        };
        let mut rows = self.rows.iter().filter(|row| row.state == VersionState::Approved);
        let is_taken = rows.any(|row| row.key.kind == other && row.key.id == self.row.key.id);
        is_taken.then(|| finding("id", Phrase::new(of_other)))
    }

    /// What would become of the rules with `after`, this version as it would be recorded: the
    /// findings, and the rules of now. With `supposed` its signatures are taken to be there.
    ///
    /// Looked at now, when it begins, and whenever something else that was approved begins later.
    ///
    /// # Errors
    /// [`BadRules`].
    pub fn consequences(
        &self,
        (gateway, files): (&str, &Files),
        after: VersionRow,
        supposed: Option<&VersionKey>,
        effect: Effect,
    ) -> Result<(Vec<Finding>, Rules), BadRules> {
        let key = &self.row.key;
        let mut rows = self.rows.to_vec();
        rows.retain(|other| other.key != *key);
        let begin = rows.iter().filter(|row| history::is_approved(row));
        let begin = begin.map(history::begins).filter(|at| *at > self.now);
        let mut moments: BTreeSet<i64> = begin.collect();
        moments.insert(self.effective);
        moments.remove(&self.now);
        rows.push(after);
        let build =
            |rows: &[VersionRow], at| Rules::build_supposing(gateway, files, rows, at, supposed);
        let next = build(&rows, self.now)?;
        let mut findings = self.differences(&next, effect, || build(self.rows, self.now))?;
        for at in moments {
            let then = build(&rows, at)?;
            for finding in self.differences(&then, effect, || build(self.rows, at))? {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok((findings, next))
    }

    /// What would be unusable with it and is not without it. Where it narrows that others go out of
    /// force is its effect; and that it goes itself with what is to come does not keep it now.
    fn differences(
        &self,
        with: &Rules,
        effect: Effect,
        without: impl FnOnce() -> Result<Rules, BadRules>,
    ) -> Result<Vec<Finding>, BadRules> {
        let is_looked_at = with.at <= self.now || !effect.narrows;
        let own = with.unusable.iter().find(|out| is_looked_at && out.key == self.row.key);
        let mut findings: Vec<_> =
            own.map(|out| finding(&out.key.id, out.reason.clone())).into_iter().collect();
        let floor = &self.rules.floor;
        let is_lost = matches!(self.document, Document::Officer(_))
            && who::can_decide(&self.rules.officers, floor)
            && !who::can_decide(&with.officers, floor);
        if is_lost {
            findings.push(finding(&self.row.key.id, Phrase::new("why-nobody-decides")));
        }
        let was =
            |key: &VersionKey, rules: &Rules| rules.unusable.iter().any(|out| out.key == *key);
        let mut others: Vec<_> =
            with.unusable.iter().filter(|out| out.key != self.row.key).collect();
        others.retain(|out| !effect.narrows && !was(&out.key, self.rules));
        if !others.is_empty() {
            let without = without()?;
            others.retain(|out| !was(&out.key, &without));
        }
        findings.extend(others.into_iter().map(|out| {
            let (id, reason) = (&out.key.id, out.reason.clone());
            let phrase = Phrase::new("why-nobody").with("kind", out.key.kind).with("id", id);
            finding(id, phrase.telling("reason", reason))
        }));
        Ok(findings)
    }
}

fn read(row: &VersionRow) -> Option<Document> {
    let document = Document::parse(row.key.kind, &row.key.id, &row.text).ok()?;
    (document.digest() == row.digest).then_some(document)
}

fn policy(row: &VersionRow) -> Option<Source> {
    match read(row)? {
        Document::Policy(source) => Some(*source),
        _ => None,
    }
}

/// It would have ended on the day that it begins, where that is asked.
fn expired(expires: Date, line: usize, begins: Option<Date>) -> Option<Finding> {
    begins.is_some_and(|begins| expires < begins).then(|| Finding {
        line,
        leaf: "expires".to_owned(),
        message: Phrase::new("why-day-passed"),
        accepted: Vec::new(),
    })
}

fn finding(leaf: &str, message: Phrase) -> Finding {
    Finding { line: 0, leaf: leaf.to_owned(), message, accepted: Vec::new() }
}
