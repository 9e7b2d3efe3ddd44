//! The uniqueness budget at work: what a foreign recipient would know a case by after this
//! release, how many share it, and the hold where too few do.
//!
//! Held, a case goes on counting under the combination it would be known by, so of as many alike
//! as the agreement asks the last one goes, and an officer may let the others follow. What the party
//! was *told* grows by releases only. While too few are alike only an exception lets one go; what
//! goes under it is not weighed here, and counts for whatever comes after it from its making on, as
//! what waits leaves with what follows.
//!
//! What its sender takes back before anyone was told counts for nobody: it may have been false.
//!
//! The number of those alike is told to officers of the sender's side, never which cases they are.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::domain::{Address, Digest, Fault, Id, MessageId, PartyId};
use crate::policy::{Compiled, Disclosure, Profile};
use crate::store::{Changes, GroupSize, KnownRow, Requirement, Write};

use super::admit::Admitted;
use super::disclose::{Verdict, message_key};
use super::pseudonym::group_key;
use super::window::leaves_at;
use super::{Failure, Gateway, Rules};

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

/// What is written in the same commit about what foreign parties know, and not committed yet: the
/// next message of a case is weighed with it.
#[derive(Debug, Default)]
pub(super) struct Carried(HashMap<(Id, PartyId), KnownRow>);

/// A release to be weighed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed<'a> {
    pub(super) recipient: &'a Address,
    pub(super) policy: &'a Compiled,
    /// When it is made: the month that it shows follows from it.
    pub(super) made_at: OffsetDateTime,
    /// Which part of the profile it is: see [`part_of`].
    pub(super) part: &'a str,
}

/// What the first release of a message to a recipient is called in a profile. A release beside it
/// has its own id for a name.
pub(super) fn part_of(sender: &PartyId, message_id: &MessageId) -> String {
    message_key(sender, message_id)
}

/// What becomes of a verdict under the budget: a release to a foreign recipient in too small a
/// group is held. Nothing else is changed, and for a domestic recipient nothing is looked up. What
/// goes under an exception was weighed by its officers, and what tells no more than it did when it
/// was weighed here is not weighed again; both are told all the same.
pub(super) async fn within_budget(
    gateway: &Gateway,
    rules: &Rules,
    admitted: &Admitted,
    (release, carried): (Weighed<'_>, &mut Carried),
    verdict: Verdict,
) -> Result<(Verdict, Option<Known>), Failure> {
    let Verdict::Goes { disclosure, .. } = &verdict else { return Ok((verdict, None)) };
    let Some(known) = weigh(gateway, rules, admitted, (release, carried), disclosure).await? else {
        return Ok((verdict, None));
    };
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
    (Weighed { recipient, policy, made_at, part }, carried): (Weighed<'_>, &mut Carried),
    disclosure: &Disclosure,
) -> Result<Option<Known>, Failure> {
    // a fixed plan takes data back and tells nothing of a person
    let is_of_nobody = admitted.case().inquiry.is_of_nobody();
    if !policy.foreign() || is_of_nobody || rules.fixed.find(policy.message(), true).is_some() {
        return Ok(None);
    }
    let (store, exchange) = (gateway.store(), admitted.case().exchange.id);
    let party = &recipient.party;
    let before = store.known(&exchange, party).await?;
    let key = (exchange, party.clone());
    let told = match carried.0.get(&key).or(before.as_ref()) {
        Some(row) => Profile::parse(&row.profile).map_err(Failure::internal)?,
        None => Profile::default(),
    };
    let day = leaves_at(policy.batch(), made_at).date();
    let is_excepted = policy.exception().is_some();
    let next = told.with(part, (policy, disclosure.body(), day), !is_excepted);
    let needed = if is_excepted || told.has_weighed(part, &next) {
        0
    } else {
        // an agreement that is not there asks for more than there are
        let agreement = rules.agreements.iter().find(|a| a.id == policy.agreement());
        agreement.map_or(u32::MAX, |agreement| agreement.k)
    };
    let combination = group_key(&gateway.keys().pseudonym, party, &next.canonical());
    // the case itself is one
    let without_others = rules.baseline.alike(&next).saturating_add(1);
    let others_needed = needed.saturating_sub(without_others);
    let others = match others_needed {
        0 => 0,
        most => store.group(party, &combination, &exchange, most).await?,
    };
    let others = u32::try_from(others).unwrap_or(u32::MAX);
    let size = GroupSize { alike: without_others.saturating_add(others), needed };
    let kept = if size.alike < needed { told } else { next };
    let row = KnownRow {
        exchange,
        party: party.clone(),
        profile: kept.text(),
        key: combination,
        releases: kept.releases(),
    };
    carried.0.insert(key, row.clone());
    Ok(Some(Known { row, before: before.map(|row| row.key), size, others_needed }))
}
