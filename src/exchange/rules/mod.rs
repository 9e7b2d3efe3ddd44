//! The rules in force, made from the versions that officers approved.
//!
//! Pure: rows, the floor and a moment in, [`Rules`] out. Which version of a document is in force
//! follows from its approvals and the clock; one that does not hold (a signature, the floor, the
//! agreement) is in force for nobody, and neither is the one before it, which was overtaken. What
//! is left out and why is part of the result.
//!
//! INVARIANT: an unusable policy keeps its place, so that the messages it is for do not go under a
//! wider one.
//!
//! Of two documents that exclude each other (one certificate, the same messages) the one approved
//! first stays.

mod build;
mod document;
mod effect;
mod history;
mod judge;
pub mod proposal;
pub mod record;
pub mod signatures;
pub mod who;

use serde_json::{Value, json};
use time::OffsetDateTime;

use build::Building;
pub use document::{BadDocument, Document};
pub use effect::Effect;
pub use judge::Judge;
use signatures::Officers;

use crate::auth::{BadRecord, Directory};
use crate::clock::JAKARTA;
use crate::config::{Officer, PartyRecord};
use crate::domain::json::canonical;
use crate::domain::{Agreement, Digest, PartyId, PartyKind, Phrase};
use crate::policy::{
    BadBaseline, BadFloor, Baseline, Compiled, ExceptionSource, Fixed, Floor, PolicySet,
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
    /// Officers as they were over time.
    pub history: Officers,
    /// Which version of each document is in force.
    pub versions: Vec<VersionKey>,
    /// What is approved and yet in force for nobody.
    pub unusable: Vec<Unusable>,
    /// What nothing has overtaken, and whose last day has passed.
    pub ended: Vec<VersionKey>,
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
    /// Why.
    pub reason: Phrase,
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
    /// The shipped plans of what takes data back.
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
        Self::build_supposing(gateway, files, rows, now, None)
    }

    /// As [`Self::build`], as if every signature of the version `supposed` were there: what would
    /// be if it were approved.
    ///
    /// # Errors
    /// [`BadRules`].
    pub fn build_supposing(
        gateway: &str,
        files: &Files,
        rows: &[VersionRow],
        now: i64,
        supposed: Option<&VersionKey>,
    ) -> Result<Self, BadRules> {
        let floor = Floor::parse(&files.floor)?;
        let baseline = files.baseline.as_deref().map(Baseline::parse).transpose()?;
        let baseline = baseline.unwrap_or_default();
        let schemas = Schemas::builtin().map_err(BadRules::Schemas)?;
        let last = rows.iter().flat_map(|row| &row.steps).map(|step| step.at).max();
        let at = now.max(last.unwrap_or(now));
        let mut building = Building::new((gateway, supposed), rows, &floor, at);
        building.officers();
        building.agreements(files.retention_days_max);
        building.parties();
        let policies = building.policies(&schemas);
        let exceptions = building.exceptions(&schemas, &policies);
        let fixed = fixed(&floor, &schemas)?;
        let Building { parties, agreements, officers, history, unusable, ended, .. } = building;
        let (mut chosen, untils) = (building.chosen, building.untils);
        let until = untils.into_iter().filter(|until| *until > at).min();
        let directory = Directory::new(&parties)?;
        chosen.sort_unstable();
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
            officers,
            history,
            versions: chosen.into_iter().map(|(key, _)| key).collect(),
            unusable,
            ended,
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
        build::standing(&self.policies, source)
    }

    /// What a party is to the floor; whoever has no record is judged as strangers are.
    pub fn kind(&self, party: &PartyId) -> PartyKind {
        let record = self.parties.iter().find(|record| record.id == *party);
        self.floor.kind(party, record.map_or(PartyKind::Foreign, |record| record.kind))
    }

    /// Today in Jakarta, never earlier than the day the rules were built for: what has ended does
    /// not begin anew with a clock set back.
    pub fn today(&self, clock: &dyn crate::clock::Clock) -> time::Date {
        self.day().max(clock.today())
    }

    /// The day they were built for, in Jakarta.
    pub fn day(&self) -> time::Date {
        day_of(self.at)
    }
}

/// The day of a moment in Jakarta; one outside the calendar is its last day, when nothing lasts any
/// more.
fn day_of(at: i64) -> time::Date {
    let at = OffsetDateTime::from_unix_timestamp(at).ok();
    at.and_then(|at| at.checked_to_offset(JAKARTA)).map_or(time::Date::MAX, OffsetDateTime::date)
}

fn fixed(floor: &Floor, schemas: &Schemas) -> Result<Fixed, BadRules> {
    let table = |name: &str| Some(schemas.message(&name.parse().ok()?)?.leaves());
    Fixed::new(floor, table).map_err(|findings| {
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

#[cfg(test)]
mod tests;
