//! The uniqueness budget at work: what a foreign recipient would know a case by after this
//! release, how many share it, and the hold where too few do.
//!
//! Held, a case goes on counting under the combination it would be known by, so of as many alike
//! as the agreement asks the last one goes, and an officer may let the others follow. What the party
//! was *told* grows by releases only. While too few are alike only an exception lets one go. What goes under
//! an exception is not weighed here; once it is handed out it is told, and counts for whatever
//! comes after it.
//!
//! What its sender takes back before anyone was told counts for nobody: it may have been false.
//!
//! The number of those alike is told to officers of the sender's side, never which cases they are.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};

use crate::domain::{Address, Digest, Fault};
use crate::policy::{Compiled, Disclosure, Profile};
use crate::store::{Changes, GroupSize, KnownRow, ReleaseRow, Requirement, Write};

use super::admit::Admitted;
use super::disclose::Verdict;
use super::pseudonym::group_key;
use super::window::leaves_at;
use super::{Failure, Gateway, Rules, collect};

/// Rule id of a hold for its group.
pub(super) const RULE: &str = "group";

/// What a foreign recipient knows of the case once this is committed.
#[derive(Debug)]
pub(super) struct Known {
    row: KnownRow,
    /// The key that this was decided from.
    before: Option<Digest>,
    size: GroupSize,
    /// How many other cases must share the combination still when this is committed.
    others_needed: u32,
}

impl Known {
    /// How many share it, where too few do.
    pub(super) fn too_small(&self) -> Option<GroupSize> {
        Some(self.size).filter(|size| size.alike < size.needed)
    }

    /// Adds what has to hold and what is written.
    ///
    /// INVARIANT: a release to a foreign party and what the party then knows are one commit, and
    /// that commit fails if the group it rests on has shrunk meanwhile.
    pub(super) fn record(&self, changes: &mut Changes) {
        let (exchange, party) = (self.row.exchange, self.row.party.clone());
        changes.requires.push(Requirement::Known {
            exchange,
            party: party.clone(),
            key: self.before,
        });
        if self.too_small().is_none() && self.others_needed > 0 {
            changes.requires.push(Requirement::Group {
                party,
                key: self.row.key,
                exchange,
                at_least: self.others_needed,
            });
        }
        changes.writes.push(Write::Known(self.row.clone()));
    }
}

/// What becomes of a verdict under the budget: a release to a foreign recipient in too small a
/// group is held. Nothing else is changed, and for a domestic recipient nothing is looked up.
/// `made_at` is when the release is made: the month that it shows follows from it.
pub(super) async fn within_budget(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, policy, made_at): (&Address, &Compiled, OffsetDateTime),
    verdict: Verdict,
) -> Result<(Verdict, Option<Known>), Failure> {
    let Verdict::Goes { disclosure, .. } = &verdict else { return Ok((verdict, None)) };
    // a fixed plan takes data back and tells nothing of a person
    // and who granted an exception has weighed it
    let is_weighed = policy.exception().is_some();
    if !policy.foreign() || is_weighed || rules.fixed.find(policy.message(), true).is_some() {
        return Ok((verdict, None));
    }
    let to = (recipient, policy, made_at);
    let known = weigh(gateway, rules, admitted, to, disclosure).await?;
    let verdict = if known.too_small().is_some() {
        metrics::counter!("titian_groups_too_small_total").increment(1);
        Verdict::Held { leaves: Vec::new(), findings: vec![Fault::at("", RULE)] }
    } else {
        verdict
    };
    Ok((verdict, Some(known)))
}

/// What a foreign recipient would know by this release, and how many share it.
pub(super) async fn weigh(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (recipient, policy, made_at): (&Address, &Compiled, OffsetDateTime),
    disclosure: &Disclosure,
) -> Result<Known, Failure> {
    let (store, exchange) = (gateway.store(), admitted.case().exchange.id);
    let before = store.known(&exchange, &recipient.party).await?;
    let told = profile(before.as_ref())?;
    let next = told.extended(policy, disclosure.body(), shown_on(policy, made_at));
    let root = &gateway.keys().pseudonym;
    let key = group_key(root, &recipient.party, &next.canonical());
    // an agreement that is not there asks for more than there are
    let agreement = rules.agreements.iter().find(|a| a.id == policy.agreement());
    let needed = agreement.map_or(u32::MAX, |agreement| agreement.k);
    // the case itself is one
    let without_others = rules.baseline.alike(&next).saturating_add(1);
    let others_needed = needed.saturating_sub(without_others);
    let others = match others_needed {
        0 => 0,
        most => store.group(&recipient.party, &key, &exchange, most).await?,
    };
    let others = u32::try_from(others).unwrap_or(u32::MAX);
    let size = GroupSize { alike: without_others.saturating_add(others), needed };
    let is_held = size.alike < needed;
    let kept = if is_held { told } else { next };
    let (profile, releases) = (kept.text(), kept.releases());
    let row = KnownRow { exchange, party: recipient.party.clone(), profile, key, releases };
    Ok(Known { row, before: before.map(|row| row.key), size, others_needed })
}

/// What foreign recipients know once these are handed out under an exception, as changes to the
/// commit that hands them out.
pub(super) async fn told(
    gateway: &Gateway,
    rules: &Rules,
    handed_out: &[ReleaseRow],
    changes: &mut Changes,
) -> Result<(), Failure> {
    let mut all: BTreeMap<_, (Option<KnownRow>, Profile)> = BTreeMap::new();
    for row in handed_out.iter().filter(|row| row.is_queued()) {
        let mut above = rules.exceptions.iter().map(|(_, above)| above);
        let above = above.find(|above| above.foreign() && above.digest() == row.policy.digest);
        let Some(above) = above else { continue };
        let Some(body) = collect::body_of(gateway, row)? else { continue };
        let made_at = OffsetDateTime::from_unix_timestamp(row.made_at);
        let day = shown_on(above, made_at.unwrap_or(gateway.clock().now()));
        let key = (row.exchange, row.recipient.party.clone());
        let (before, told) = if let Some(known) = all.remove(&key) {
            known
        } else {
            let before = gateway.store().known(&key.0, &key.1).await?;
            let told = profile(before.as_ref())?;
            (before, told)
        };
        all.insert(key, (before, told.extended(above, &body, day)));
    }
    for ((exchange, party), (before, told)) in all {
        let key = before.map(|row| row.key);
        changes.requires.push(Requirement::Known { exchange, party: party.clone(), key });
        let key = group_key(&gateway.keys().pseudonym, &party, &told.canonical());
        let (profile, releases) = (told.text(), told.releases());
        changes.writes.push(Write::Known(KnownRow { exchange, party, profile, key, releases }));
    }
    Ok(())
}

fn profile(known: Option<&KnownRow>) -> Result<Profile, Failure> {
    match known {
        Some(row) => Profile::parse(&row.profile, row.releases).map_err(Failure::internal),
        None => Ok(Profile::default()),
    }
}

/// The day that a release's statement shows.
fn shown_on(policy: &Compiled, made_at: OffsetDateTime) -> Date {
    leaves_at(policy.batch(), made_at).date()
}
