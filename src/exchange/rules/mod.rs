//! The rules in force, made from the versions that officers approved.
//!
//! Pure: rows, the floor and a moment in, [`Rules`] out. Which version of a document is in force
//! follows from its approvals and the clock; one that does not hold (a signature, the floor, the
//! agreement) is in force for nobody, and neither is the one before it, which was overtaken. What
//! is left out and why is part of the result.

mod document;
mod judge;
pub mod record;
pub mod signatures;
pub mod who;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, Time};

pub use document::{BadDocument, Document};
pub use judge::Judge;
use signatures::{Judged, Officers};
pub use who::Needs;

use crate::auth::{BadRecord, Directory};
use crate::clock::JAKARTA;
use crate::config::{Officer, PartyRecord};
use crate::domain::json::canonical;
use crate::domain::{Agreement, Digest, DocumentKind, VersionState};
use crate::policy::{
    BadBaseline, BadFloor, Baseline, Compiled, ExceptionSource, Fixed, Floor, PolicySet, Source,
};
use crate::schema::{SchemaError, Schemas};
use crate::store::{VersionKey, VersionRow};

/// What a home says beside its store, checked when it is read.
#[derive(Debug, Clone)]
pub struct Files {
    /// `floor.toml`, whose signature was checked.
    pub floor: String,
    /// `baseline.toml`, whose signature was checked; a home made before there were baselines has
    /// none.
    pub baseline: Option<String>,
    /// Longest that a payload is kept, in days, whatever an agreement allows.
    pub retention_days_max: u32,
}

/// The rules in force: swapped whole when one changes.
#[derive(Debug)]
pub struct Rules {
    /// Parties.
    pub directory: Directory,
    /// Their records.
    pub parties: Vec<PartyRecord>,
    /// Agreements.
    pub agreements: Vec<Agreement>,
    /// Message schemas.
    pub schemas: Schemas,
    /// Compiled policies.
    pub policies: PolicySet,
    /// Exceptions: each the policy of one message to one recipient.
    pub exceptions: Vec<(ExceptionSource, std::sync::Arc<Compiled>)>,
    /// The limits that none of them may go below.
    pub floor: Floor,
    /// The text of the floor.
    pub floor_text: String,
    /// How many people share what a release abroad could tell of one; empty where there is none.
    pub baseline: Baseline,
    /// The text of the baseline.
    pub baseline_text: Option<String>,
    /// Fixed plans of messages that need no policy.
    pub fixed: Fixed,
    /// Officers who may decide.
    pub officers: Vec<Officer>,
    /// Which version of each document is in force.
    pub versions: Vec<VersionKey>,
    /// What is approved and yet in force for nobody.
    pub unusable: Vec<Unusable>,
    /// Over all of the above and the floor.
    pub digest: Digest,
    /// Raised by every change of the rules; set when they are installed.
    pub generation: u64,
    /// The moment that they were built for, unix seconds.
    pub at: i64,
    /// The next moment at which the clock changes them, unix seconds.
    pub until: Option<i64>,
}

/// A version that is approved and yet in force for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which version.
    pub key: VersionKey,
    /// Why, in words.
    pub reason: String,
}

/// Rules that cannot be built at all.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// The floor.
    #[error(transparent)]
    Floor(#[from] BadFloor),
    /// The baseline.
    #[error(transparent)]
    Baseline(#[from] BadBaseline),
    /// A party's record.
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// The shipped message schemas.
    #[error("the message schemas do not load")]
    Schemas(#[source] SchemaError),
    /// The shipped plans of withdrawals.
    #[error("the fixed plans do not compile under this floor: {0}")]
    Fixed(String),
}

/// How long an expired domestic child-protection policy still runs, in days.
pub const GRACE_DAYS: i64 = 30;

impl Rules {
    /// Builds the rules of the moment `now` (unix seconds) from every recorded version. A clock
    /// that was set back does not bring back what was overtaken: no moment is earlier than the
    /// last recorded step.
    ///
    /// # Errors
    /// [`BadRules`] when nothing can be in force at all.
    pub fn build(
        gateway: &str,
        files: &Files,
        rows: &[VersionRow],
        now: i64,
    ) -> Result<Self, BadRules> {
        let floor = Floor::parse(&files.floor)?;
        let baseline = files.baseline.as_deref().map(Baseline::parse).transpose()?;
        let baseline = baseline.unwrap_or_default();
        let schemas = Schemas::builtin().map_err(BadRules::Schemas)?;
        let last = rows.iter().flat_map(|row| &row.steps).map(|step| step.at).max();
        let at = now.max(last.unwrap_or(now));
        let mut building = Building { gateway, floor: &floor, at, ..Building::new(rows, &floor) };
        building.officers();
        building.agreements(files.retention_days_max);
        building.parties();
        let (policies, exceptions) = building.policies(&schemas);
        let fixed = fixed(&floor, &schemas)?;
        let Building { parties, agreements, officers_now, unusable, chosen, untils, .. } = building;
        let until = untils.into_iter().filter(|until| *until > at).min();
        let directory = Directory::new(&parties)?;
        let chosen: Vec<_> = chosen.into_iter().map(|row| (row.key.clone(), row.digest)).collect();
        let digest = digest(files, &chosen, &parties, &unusable);
        Ok(Self {
            directory,
            parties,
            agreements,
            policies,
            exceptions,
            floor_text: files.floor.clone(),
            baseline,
            baseline_text: files.baseline.clone(),
            fixed,
            officers: officers_now,
            versions: chosen.into_iter().map(|(key, _)| key).collect(),
            unusable,
            digest,
            generation: 0,
            at,
            until,
            floor,
            schemas,
        })
    }

    /// What a proposed policy is judged by.
    pub fn judge(&self) -> Judge<'_> {
        Judge {
            floor: &self.floor,
            schemas: &self.schemas,
            parties: &self.parties,
            agreements: &self.agreements,
        }
    }

    /// The policy in force for the message of an exception.
    pub fn standing(&self, source: &ExceptionSource) -> Option<std::sync::Arc<Compiled>> {
        standing(&self.policies, source)
    }

    /// Today in Jakarta, never earlier than the day the rules were built for: what has ended does
    /// not begin anew with a clock set back.
    pub fn today(&self, clock: &dyn crate::clock::Clock) -> time::Date {
        self.day().max(clock.today())
    }

    /// The day they were built for, in Jakarta.
    pub fn day(&self) -> time::Date {
        let at = OffsetDateTime::from_unix_timestamp(self.at);
        at.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(JAKARTA).date()
    }
}

fn fixed(floor: &Floor, schemas: &Schemas) -> Result<Fixed, BadRules> {
    let missing = || BadRules::Fixed("`withdrawal/1` has no schema".to_owned());
    let withdrawal = "withdrawal/1".parse().ok().and_then(|name| schemas.message(&name));
    Fixed::new(floor, withdrawal.ok_or_else(missing)?.leaves()).map_err(|findings| {
        BadRules::Fixed(findings.first().map(ToString::to_string).unwrap_or_default())
    })
}

/// One digest over everything that decides, so that any change of it raises the generation.
fn digest(
    files: &Files,
    chosen: &[(VersionKey, Digest)],
    parties: &[PartyRecord],
    unusable: &[Unusable],
) -> Digest {
    let versions: Vec<Value> =
        chosen.iter().map(|(key, digest)| json!([key.kind, key.id, key.version, digest])).collect();
    // a freeze that has lifted itself changes no version
    let frozen: Vec<_> = parties.iter().filter(|party| party.frozen).map(|p| &p.id).collect();
    let out: Vec<Value> = unusable.iter().map(|u| json!([u.key.kind, u.key.id])).collect();
    let all = json!({
        "floor": files.floor, "baseline": files.baseline, "versions": versions,
        "frozen": frozen, "unusable": out,
    });
    Digest::of(&canonical(&all).unwrap_or_default())
}

/// The rules on their way.
struct Building<'a> {
    gateway: &'a str,
    floor: &'a Floor,
    at: i64,
    /// Approved versions of each document, oldest first.
    approved: BTreeMap<(DocumentKind, &'a str), Vec<&'a VersionRow>>,
    history: Officers,
    officers_now: Vec<Officer>,
    parties: Vec<PartyRecord>,
    agreements: Vec<Agreement>,
    unusable: Vec<Unusable>,
    chosen: Vec<&'a VersionRow>,
    untils: Vec<i64>,
}

impl<'a> Building<'a> {
    fn new(rows: &'a [VersionRow], floor: &'a Floor) -> Self {
        let mut approved: BTreeMap<(DocumentKind, &str), Vec<&VersionRow>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.state == VersionState::Approved) {
            approved.entry((row.key.kind, &row.key.id)).or_default().push(row);
        }
        for versions in approved.values_mut() {
            versions.sort_by_key(|row| row.key.version);
        }
        Self {
            gateway: "",
            floor,
            at: 0,
            approved,
            history: Officers::default(),
            officers_now: Vec::new(),
            parties: Vec::new(),
            agreements: Vec::new(),
            unusable: Vec::new(),
            chosen: Vec::new(),
            untils: Vec::new(),
        }
    }

    fn of_kind(&self, kind: DocumentKind) -> Vec<Vec<&'a VersionRow>> {
        let all = self.approved.iter().filter(|((of, _), _)| *of == kind);
        all.map(|(_, rows)| rows.clone()).collect()
    }

    /// Officers sign for officers, so they are taken in the order in which they were approved.
    fn officers(&mut self) {
        let mut rows: Vec<_> = self.of_kind(DocumentKind::Officer).into_iter().flatten().collect();
        rows.sort_by_key(|row| (row.steps.last().map(|step| step.at), row.key.version));
        let mut good: BTreeMap<&str, Vec<(&VersionRow, Document)>> = BTreeMap::new();
        for row in rows {
            let before = good.entry(&row.key.id).or_default();
            match self.verify(row, before, |_, _| false) {
                Ok(document) => {
                    if let Document::Officer(officer) = &document {
                        let from = row.effective_at.unwrap_or(i64::MAX);
                        self.history.add(from, officer.clone());
                    }
                    before.push((row, document));
                }
                Err(reason) => self.leave_out(row, reason),
            }
        }
        for versions in self.of_kind(DocumentKind::Officer) {
            let good = versions.first().and_then(|row| good.remove(row.key.id.as_str()));
            if let Some(Document::Officer(officer)) =
                self.choose(&versions, &good.unwrap_or_default())
            {
                self.officers_now.push(officer);
            }
        }
    }

    fn agreements(&mut self, retention_days_max: u32) {
        for versions in self.of_kind(DocumentKind::Agreement) {
            let good = self.verify_all(&versions, |_, _| false);
            if let Some(Document::Agreement(mut agreement)) = self.choose(&versions, &good) {
                agreement.retention_days = agreement.retention_days.min(retention_days_max);
                self.untils.push(first_second_of(agreement.from));
                self.untils.extend(agreement.until.next_day().map(first_second_of));
                self.agreements.push(*agreement);
            }
        }
    }

    fn parties(&mut self) {
        for versions in self.of_kind(DocumentKind::Party) {
            let good = self.verify_all(&versions, |_, _| false);
            let Some(Document::Party(mut party)) = self.choose(&versions, &good) else { continue };
            if let Err(reason) = record::check_apart(&party, &self.parties) {
                if let Some(row) = self.chosen.pop() {
                    self.leave_out(row, reason);
                }
                continue;
            }
            self.untils.extend(party.frozen_until.map(OffsetDateTime::unix_timestamp));
            party.frozen = party.is_frozen(self.at);
            self.parties.push(*party);
        }
    }

    fn policies(
        &mut self,
        schemas: &Schemas,
    ) -> (PolicySet, Vec<(ExceptionSource, std::sync::Arc<Compiled>)>) {
        let (parties, agreements) = (self.parties.clone(), self.agreements.clone());
        let judge =
            Judge { floor: self.floor, schemas, parties: &parties, agreements: &agreements };
        let narrows = |before: &Document, after: &Document| match (before, after) {
            (Document::Policy(before), Document::Policy(after)) => judge.narrows(before, after),
            _ => false,
        };
        let mut policies = PolicySet::default();
        for versions in self.of_kind(DocumentKind::Policy) {
            let good = self.verify_all(&versions, narrows);
            let Some(Document::Policy(source)) = self.choose(&versions, &good) else { continue };
            let compiled = judge
                .compile_source(*source)
                .map_err(|findings| findings.first().map(ToString::to_string).unwrap_or_default());
            let compiled = compiled.and_then(|compiled| {
                self.untils.extend(ends(&compiled));
                let twin = |other: String| format!("it is for the same messages as `{other}`");
                policies.insert(compiled).map_err(twin)
            });
            if let Err(reason) = compiled
                && let Some(row) = self.chosen.pop()
            {
                self.leave_out(row, reason);
            }
        }
        let mut exceptions = Vec::new();
        for versions in self.of_kind(DocumentKind::Exception) {
            let good = self.verify_all(&versions, narrows);
            let Some(Document::Exception(source)) = self.choose(&versions, &good) else { continue };
            let Some(row) = self.chosen.last().copied() else { continue };
            match exception(&judge, &policies, &source, row) {
                Ok(compiled) => {
                    self.untils.extend(compiled.expires().next_day().map(first_second_of));
                    exceptions.push((*source, std::sync::Arc::new(compiled)));
                }
                Err(reason) => {
                    self.chosen.pop();
                    self.leave_out(row, reason);
                }
            }
        }
        (policies, exceptions)
    }

    /// Verifies every approved version of a document, in order; what does not hold is left out.
    fn verify_all(
        &mut self,
        versions: &[&'a VersionRow],
        narrows: impl Fn(&Document, &Document) -> bool + Copy,
    ) -> Vec<(&'a VersionRow, Document)> {
        let mut good: Vec<(&VersionRow, Document)> = Vec::new();
        for row in versions {
            match self.verify(row, &good, narrows) {
                Ok(document) => good.push((row, document)),
                Err(reason) => self.leave_out(row, reason),
            }
        }
        good
    }

    fn verify(
        &self,
        row: &VersionRow,
        good: &[(&'a VersionRow, Document)],
        narrows: impl Fn(&Document, &Document) -> bool,
    ) -> Result<Document, String> {
        let key = &row.key;
        let document = Document::parse(key.kind, &key.id, &row.text);
        let document = document.map_err(|bad| bad.to_string())?;
        if document.digest() != row.digest {
            return Err("its text is not what was signed".to_owned());
        }
        let at = row.effective_at.ok_or_else(|| "it has no moment to begin".to_owned())?;
        let before = in_force(good.iter().map(|(row, _)| *row), at);
        let before = before.and_then(|before| {
            good.iter().find(|(row, _)| row.key == before.key).map(|(_, document)| document)
        });
        let needs = needs(before, &document, self.floor, at, narrows);
        let judged = Judged { gateway: self.gateway, officers: &self.history, floor: self.floor };
        signatures::check(&judged, row, &document, needs).map_err(|why| why.to_string())?;
        signatures::check_keys(self.gateway, before, &document, &self.agreements)
            .map_err(|why| why.to_string())?;
        Ok(document)
    }

    /// The version in force, if it is among those that verified; notes when the next one begins.
    fn choose(
        &mut self,
        versions: &[&'a VersionRow],
        good: &[(&'a VersionRow, Document)],
    ) -> Option<Document> {
        self.untils.extend(versions.iter().filter_map(|row| row.effective_at));
        let row = in_force(versions.iter().copied(), self.at)?;
        let (_, document) = good.iter().find(|(verified, _)| verified.key == row.key)?;
        self.chosen.push(row);
        Some(document.clone())
    }

    /// Only what would be in force is worth an alarm; an overtaken version is history.
    fn leave_out(&mut self, row: &VersionRow, reason: String) {
        let versions = self.approved.get(&(row.key.kind, row.key.id.as_str()));
        let now = versions.and_then(|versions| in_force(versions.iter().copied(), self.at));
        if now.is_some_and(|now| now.key == row.key) {
            self.unusable.push(Unusable { key: row.key.clone(), reason });
        }
    }
}

/// The version in force at `at`: the latest of those that have begun.
pub(super) fn in_force<'r>(
    rows: impl Iterator<Item = &'r VersionRow>,
    at: i64,
) -> Option<&'r VersionRow> {
    let begun = rows.filter(|row| row.effective_at.is_some_and(|from| from <= at));
    begun.max_by_key(|row| row.key.version)
}

/// How many officers it takes to put `after` in the place of `before` at `at`.
pub(super) fn needs(
    before: Option<&Document>,
    after: &Document,
    floor: &Floor,
    at: i64,
    narrows: impl Fn(&Document, &Document) -> bool,
) -> Needs {
    let is_narrower = before.is_some_and(|b| after.narrows(b, floor, at) || narrows(b, after));
    match after {
        _ if is_narrower => Needs::One,
        Document::Exception(_) => Needs::TwoAgencies,
        _ => Needs::TwoUnits,
    }
}

/// Compiles an exception over the policy in force for its message; it lasts at most thirty days.
fn exception(
    judge: &Judge<'_>,
    policies: &PolicySet,
    source: &ExceptionSource,
    row: &VersionRow,
) -> Result<Compiled, String> {
    let days = Duration::days(crate::policy::EXCEPTION_DAYS_MAX);
    let begins = row.effective_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let latest = begins.map(|begins| begins.to_offset(JAKARTA).date() + days);
    if latest.is_none_or(|latest| source.expires() > latest) {
        return Err("it lasts longer than 30 days".to_owned());
    }
    let standing = standing(policies, source);
    let standing: Option<&Source> = standing.as_deref().map(Compiled::source);
    judge
        .compile_exception(source, row.key.version, standing)
        .map_err(|findings| findings.first().map(ToString::to_string).unwrap_or_default())
}

fn standing(policies: &PolicySet, source: &ExceptionSource) -> Option<std::sync::Arc<Compiled>> {
    let (from, to) = (source.sender(), source.recipient());
    policies.find(from, to, source.message(), source.purpose())
}

/// When a policy ends: after its last day, and after its days of grace.
fn ends(policy: &Compiled) -> impl Iterator<Item = i64> + use<> {
    let days = [policy.expires(), policy.expires() + Duration::days(GRACE_DAYS)];
    days.into_iter().filter_map(|day| day.next_day().map(first_second_of))
}

/// 00:00 Asia/Jakarta of a day, unix seconds.
fn first_second_of(day: time::Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_offset(JAKARTA).unix_timestamp()
}
