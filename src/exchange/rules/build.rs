//! The rules on their way: kind by kind, in the order in which the documents need one another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use time::{Date, Duration, OffsetDateTime, Time};

use super::signatures::{self, Judged, Officers};
use super::{BadDocument, Document, GRACE_DAYS, Judge, Unusable, day_of, history, record};
use crate::clock::JAKARTA;
use crate::config::{Officer, PartyRecord};
use crate::domain::{Agreement, Digest, DocumentKind, Phrase, Purpose};
use crate::mutant::{self, Mutant};
use crate::policy::{
    Compiled, EXCEPTION_DAYS_MAX, Edge, ExceptionSource, Finding, Floor, PolicySet, Source,
};
use crate::schema::Schemas;
use crate::store::{VersionKey, VersionRow};

/// Exceptions, each with what it makes of its policy.
type Exceptions = Vec<(ExceptionSource, Arc<Compiled>)>;

/// The rules on their way.
pub(super) struct Building<'a> {
    gateway: &'a str,
    /// The version whose signatures are taken to be there.
    supposed: Option<&'a VersionKey>,
    floor: &'a Floor,
    at: i64,
    /// Approved versions of each document, oldest first.
    approved: BTreeMap<(DocumentKind, &'a str), Vec<&'a VersionRow>>,
    /// The numbers of all versions of each document.
    numbers: BTreeMap<(DocumentKind, &'a str), BTreeSet<u32>>,
    pub(super) history: Officers,
    pub(super) officers: Vec<Officer>,
    pub(super) parties: Vec<PartyRecord>,
    pub(super) agreements: Vec<Agreement>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) ended: Vec<VersionKey>,
    pub(super) chosen: Vec<(VersionKey, Digest)>,
    /// Moments at which the clock changes something.
    pub(super) untils: Vec<i64>,
}

impl<'a> Building<'a> {
    pub(super) fn new(
        (gateway, supposed): (&'a str, Option<&'a VersionKey>),
        rows: &'a [VersionRow],
        floor: &'a Floor,
        at: i64,
    ) -> Self {
        let mut approved: BTreeMap<(DocumentKind, &str), Vec<&VersionRow>> = BTreeMap::new();
        let mut numbers: BTreeMap<(DocumentKind, &str), BTreeSet<u32>> = BTreeMap::new();
        for row in rows {
            numbers.entry((row.key.kind, &row.key.id)).or_default().insert(row.key.version);
        }
        for row in rows.iter().filter(|row| history::is_approved(row)) {
            approved.entry((row.key.kind, &row.key.id)).or_default().push(row);
        }
        for versions in approved.values_mut() {
            versions.sort_by_key(|row| row.key.version);
        }
        Self {
            gateway,
            supposed,
            floor,
            at,
            untils: approved.values().flatten().map(|row| history::begins(row)).collect(),
            approved,
            numbers,
            history: Officers::default(),
            officers: Vec::new(),
            parties: Vec::new(),
            agreements: Vec::new(),
            unusable: Vec::new(),
            ended: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Officers sign for officers, so each version is verified by those approved before it.
    pub(super) fn officers(&mut self) {
        let of_officers =
            self.approved.iter().filter(|((kind, _), _)| *kind == DocumentKind::Officer);
        let mut rows: Vec<_> = of_officers.flat_map(|(_, rows)| rows.iter().copied()).collect();
        rows.sort_by_key(|row| entry(row));
        for row in rows {
            let officer = match self.verify(row) {
                Ok(Document::Officer(officer)) => Some(officer),
                _ => None,
            };
            self.history.add(row, history::begins(row), officer);
        }
        for (row, missing) in self.broken(DocumentKind::Officer) {
            self.history.forget(&row.key.id, missing, self.at);
        }
        for (row, document) in self.current(DocumentKind::Officer) {
            if let Some(Document::Officer(officer)) = self.held(row, document) {
                self.choose(row);
                self.officers.push(officer);
            }
        }
        self.officers.sort_by(|one, other| one.name.cmp(&other.name));
    }

    pub(super) fn agreements(&mut self, retention_days_max: u32) {
        let today = day_of(self.at);
        for (row, document) in self.current(DocumentKind::Agreement) {
            let Some(Document::Agreement(mut agreement)) = self.held(row, document) else {
                continue;
            };
            agreement.retention_days = agreement.retention_days.min(retention_days_max);
            self.untils.push(first_second_of(agreement.from));
            self.untils.extend(agreement.until.next_day().map(first_second_of));
            self.choose(row);
            self.ends(row, agreement.until < today);
            self.agreements.push(*agreement);
        }
        self.agreements.sort_by(|one, other| one.id.cmp(&other.id));
    }

    pub(super) fn parties(&mut self) {
        for (row, document) in self.current(DocumentKind::Party) {
            let Some(Document::Party(mut party)) = self.held(row, document) else { continue };
            if let Err(reason) = record::check_apart(&party, &self.parties) {
                self.leave_out(row, reason);
                continue;
            }
            self.untils.extend(party.frozen_until.map(OffsetDateTime::unix_timestamp));
            party.frozen = party.is_frozen(self.at);
            self.choose(row);
            self.parties.push(*party);
        }
        self.parties.sort_by(|one, other| one.id.cmp(&other.id));
    }

    pub(super) fn policies(&mut self, schemas: &Schemas) -> PolicySet {
        let today = day_of(self.at);
        let mut policies = PolicySet::default();
        for (row, document) in self.current(DocumentKind::Policy) {
            let Some(Document::Policy(source)) = self.held(row, document) else {
                self.block(&mut policies, row);
                continue;
            };
            let edge = source.edge();
            let over = after(source.head.expires, GRACE_DAYS) < today;
            match self.judge(schemas).compile_source(*source) {
                Ok(compiled) => {
                    let last = last_day(&compiled);
                    self.untils.extend(ends(&compiled));
                    match policies.insert(compiled) {
                        Ok(()) => {
                            self.choose(row);
                            self.ends(row, last < today);
                        }
                        Err(other) => {
                            let twin = Phrase::new("why-twin-policy").with("id", other);
                            self.leave_out(row, twin);
                        }
                    }
                }
                Err(findings) => {
                    policies.block(edge, &row.key.id);
                    // what is over is no alarm
                    if over { self.ends(row, true) } else { self.leave_out(row, first(&findings)) }
                }
            }
        }
        policies
    }

    /// Those in force, in the order of their approval; those that have expired after them.
    pub(super) fn exceptions(&mut self, schemas: &Schemas, policies: &PolicySet) -> Exceptions {
        let today = day_of(self.at);
        let mut live: Exceptions = Vec::new();
        let mut over: Exceptions = Vec::new();
        for (row, document) in self.current(DocumentKind::Exception) {
            let Some(Document::Exception(source)) = self.held(row, document) else { continue };
            let compiled = exception(&self.judge(schemas), policies, &source, row).map(Arc::new);
            if source.expires() < today && !mutant::is(Mutant::ExceptionStays) {
                if let Ok(compiled) = compiled {
                    self.choose(row);
                    over.push((*source, compiled));
                }
                self.ends(row, true);
                continue;
            }
            let twin = live.iter().find(|(other, _)| other.meets(&source));
            let twin =
                twin.map(|(other, _)| Phrase::new("why-twin-exception").with("id", &other.id));
            match (twin, compiled) {
                (None, Ok(compiled)) => {
                    self.untils.extend(compiled.expires().next_day().map(first_second_of));
                    self.choose(row);
                    live.push((*source, compiled));
                }
                (Some(reason), _) | (None, Err(reason)) => self.leave_out(row, reason),
            }
        }
        live.extend(over);
        live
    }

    /// The version in force of each document of a kind, in the order of their approval, with what
    /// it says or why it does not hold.
    fn current(&self, kind: DocumentKind) -> Vec<(&'a VersionRow, Result<Document, Phrase>)> {
        let mut rows: Vec<_> = self.begun(kind).collect();
        rows.sort_by_key(|row| (entry(row), row.key.version));
        let verified = |row| match self.missing(row) {
            Some(missing) => Err(Phrase::new("why-version-missing").with("version", missing)),
            None => self.verify(row),
        };
        rows.into_iter().map(|row| (row, verified(row))).collect()
    }

    fn begun(&self, kind: DocumentKind) -> impl Iterator<Item = &'a VersionRow> {
        let of_kind = self.approved.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.filter_map(|(_, versions)| in_force(versions.iter().copied(), self.at))
    }

    /// The versions in force of which a later one is missing, whatever it said, and its number.
    fn broken(&self, kind: DocumentKind) -> Vec<(&'a VersionRow, u32)> {
        self.begun(kind).filter_map(|row| Some((row, self.missing(row)?))).collect()
    }

    fn missing(&self, row: &VersionRow) -> Option<u32> {
        let numbers = self.numbers.get(&(row.key.kind, row.key.id.as_str()))?;
        history::missing(numbers, row.key.version)
    }

    fn verify(&self, row: &VersionRow) -> Result<Document, Phrase> {
        let key = &row.key;
        let document = Document::parse(key.kind, &key.id, &row.text);
        let document = document.map_err(BadDocument::phrase)?;
        if document.digest() != row.digest {
            return Err(Phrase::new("why-not-what-was-signed"));
        }
        if self.supposed != Some(key) {
            history::check(row).map_err(Phrase::new)?;
            let judged = Judged { gateway: self.gateway, officers: &self.history };
            signatures::check(&judged, row).map_err(|why| why.phrase())?;
        }
        Ok(document)
    }

    fn held(
        &mut self,
        row: &'a VersionRow,
        document: Result<Document, Phrase>,
    ) -> Option<Document> {
        document.map_err(|reason| self.leave_out(row, reason)).ok()
    }

    fn choose(&mut self, row: &VersionRow) {
        self.chosen.push((row.key.clone(), row.digest));
    }

    fn ends(&mut self, row: &VersionRow, has_ended: bool) {
        self.ended.extend(has_ended.then(|| row.key.clone()));
    }

    fn leave_out(&mut self, row: &VersionRow, reason: Phrase) {
        self.unusable.push(Unusable { key: row.key.clone(), reason });
    }

    /// Keeps the place of a policy that does not verify: what its text says it is for, and what
    /// earlier versions were for, as the text may have been changed.
    fn block(&self, policies: &mut PolicySet, row: &VersionRow) {
        let id = row.key.id.as_str();
        let versions = self.approved.get(&(DocumentKind::Policy, id)).into_iter().flatten();
        let edges = versions.filter(|version| version.key.version <= row.key.version);
        let mut is_known = false;
        for edge in edges.filter_map(|version| toml::from_str::<Edge>(&version.text).ok()) {
            is_known = true;
            policies.block(edge, id);
        }
        if !is_known {
            policies.block_all(id);
        }
    }

    fn judge<'s>(&'s self, schemas: &'s Schemas) -> Judge<'s> {
        let (parties, agreements) = (&self.parties, &self.agreements);
        Judge { floor: self.floor, schemas, parties, agreements }
    }
}

/// The version in force at `at`: the latest of those that have begun.
pub(super) fn in_force<'r>(
    rows: impl Iterator<Item = &'r VersionRow>,
    at: i64,
) -> Option<&'r VersionRow> {
    let begun = rows.filter(|row| history::begins(row) <= at);
    begun.max_by_key(|row| row.key.version)
}

/// The policy in force for the message of an exception.
pub(super) fn standing(policies: &PolicySet, source: &ExceptionSource) -> Option<Arc<Compiled>> {
    policies.find(source.sender(), source.recipient(), source.message(), source.purpose())
}

/// The entry of the governance ledger that put a version in force.
fn entry(row: &VersionRow) -> Option<u64> {
    row.steps.last().map(|step| step.entry)
}

fn first(findings: &[Finding]) -> Phrase {
    findings.first().map(Finding::phrase).unwrap_or_default()
}

/// Compiles an exception over the policy in force for its message; it lasts at most thirty days.
fn exception(
    judge: &Judge<'_>,
    policies: &PolicySet,
    source: &ExceptionSource,
    row: &VersionRow,
) -> Result<Compiled, Phrase> {
    let begins = day_of(row.effective_at.unwrap_or(i64::MIN));
    if source.expires() > after(begins, EXCEPTION_DAYS_MAX) {
        return Err(Phrase::new("why-lasts-too-long"));
    }
    let standing = standing(policies, source);
    let standing: Option<&Source> = standing.as_deref().map(Compiled::source);
    judge.compile_exception(source, row.key.version, standing).map_err(|findings| first(&findings))
}

/// A policy's last day, its days of grace among it.
fn last_day(policy: &Compiled) -> Date {
    let has_grace = policy.purpose() == Purpose::ChildProtection && !policy.foreign();
    after(policy.expires(), if has_grace { GRACE_DAYS } else { 0 })
}

/// When a policy ends: after its last day, and after its days of grace.
fn ends(policy: &Compiled) -> impl Iterator<Item = i64> + use<> {
    let days = [policy.expires(), after(policy.expires(), GRACE_DAYS)];
    days.into_iter().filter_map(|day| day.next_day().map(first_second_of))
}

fn after(day: Date, days: i64) -> Date {
    day.saturating_add(Duration::days(days))
}

/// 00:00 Asia/Jakarta of a day, unix seconds.
fn first_second_of(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_offset(JAKARTA).unix_timestamp()
}
