//! What a change of a governed document does to what may pass, and how many officers it takes.
//!
//! A change *narrows* if nothing passes after it that did not pass before, and something passes no
//! more; a change that says the same in other words narrows nothing. What narrows takes one officer,
//! unless it cuts off an agency that cares for children, or an instrument between agencies of
//! Indonesia: that takes two, for a freeze of half a day apart.
//!
//! A change is measured by what it takes the place of when it begins, and by everything of the same
//! document that two decided to begin later and that it would overtake: nobody undoes alone what is
//! already to come.

use super::Judge;
use super::document::Document;
use crate::config::{KeyStatus, Officer, PartyRecord};
use crate::domain::{Agreement, Needs, PartyKind};

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// How many officers it takes.
    pub needs: Needs,
    /// Whether it narrows.
    pub narrows: bool,
    /// Whether all it does is to freeze a party.
    pub only_freezes: bool,
}

/// How long one officer alone may freeze a domestic social agency.
const FREEZE_ALONE_S: i64 = 12 * 3600;

impl Effect {
    /// Of a change that widens, or of a first version.
    pub const WIDENS: Self = Self { needs: Needs::TwoUnits, narrows: false, only_freezes: false };

    /// Of putting `after` in the place of `before`, from `at` on (unix seconds).
    pub fn of(before: Option<&Document>, after: &Document, judge: &Judge<'_>, at: i64) -> Self {
        let narrows = before.is_some_and(|before| narrows(before, after, judge, at));
        let (alone, only_freezes) = match (before, after) {
            (Some(Document::Party(before)), Document::Party(after)) if narrows => {
                let only_freezes = unfrozen_as(after, before) == **before;
                (party_alone(before, after, judge, at, only_freezes), only_freezes)
            }
            (Some(Document::Agreement(before)), _) => (narrows && !is_inland(before, judge), false),
            _ => (narrows, false),
        };
        let needs = if alone { Needs::One } else { two(after) };
        Self { needs, narrows, only_freezes }
    }

    /// The same, where `after` also overtakes `scheduled`, a version that was to begin at `at`; one
    /// that cannot be read is kept by nothing.
    #[must_use]
    pub fn over(
        self,
        scheduled: Option<&Document>,
        after: &Document,
        judge: &Judge<'_>,
        at: i64,
    ) -> Self {
        let stops = self.only_freezes && freeze_keeps(scheduled, after, judge, at);
        let is_kept =
            stops || scheduled.is_some_and(|scheduled| within(after, scheduled, judge, at));
        if is_kept { self } else { Self { narrows: false, ..self.by_two(after) } }
    }

    /// The same, decided by two at least.
    #[must_use]
    pub fn by_two(self, after: &Document) -> Self {
        Self { needs: self.needs.max(two(after)), ..self }
    }
}

/// What a change of `document` takes that one officer may not make alone.
fn two(document: &Document) -> Needs {
    match document {
        Document::Exception(_) => Needs::TwoAgencies,
        _ => Needs::TwoUnits,
    }
}

/// Whether nothing passes under `after` that would not pass under `scheduled`.
fn within(after: &Document, scheduled: &Document, judge: &Judge<'_>, at: i64) -> bool {
    match (after, scheduled) {
        (Document::Officer(after), Document::Officer(scheduled)) => {
            officer_within(after, scheduled)
        }
        (Document::Party(after), Document::Party(scheduled)) => party_within(after, scheduled, at),
        (Document::Agreement(after), Document::Agreement(scheduled)) => {
            agreement_within(after, scheduled)
        }
        (Document::Policy(after), Document::Policy(scheduled)) => judge.is_within(after, scheduled),
        (Document::Exception(after), Document::Exception(scheduled)) => {
            after.digest() == scheduled.digest() || after.narrows(scheduled)
        }
        _ => false,
    }
}

/// Whether a change that only freezes may overtake `scheduled` for all that: while it lasts nothing
/// passes. One that ends brings its own record back, so it overtakes no longer freeze, and other
/// records only for an agency that one officer can freeze for half a day and no longer.
fn freeze_keeps(
    scheduled: Option<&Document>,
    after: &Document,
    judge: &Judge<'_>,
    at: i64,
) -> bool {
    let Document::Party(after) = after else { return false };
    let until = frozen_until(after, at);
    let scheduled = match scheduled {
        Some(Document::Party(scheduled)) => frozen_until(scheduled, at),
        _ => at,
    };
    let is_social = judge.floor.kind(&after.id, after.kind) == PartyKind::Social;
    until == i64::MAX || (is_social && until >= scheduled)
}

fn narrows(before: &Document, after: &Document, judge: &Judge<'_>, at: i64) -> bool {
    match (before, after) {
        (Document::Officer(before), Document::Officer(after)) => {
            officer_within(after, before) && !officer_within(before, after)
        }
        (Document::Party(before), Document::Party(after)) => {
            party_within(after, before, at) && !party_within(before, after, at)
        }
        (Document::Agreement(before), Document::Agreement(after)) => {
            agreement_within(after, before) && !agreement_within(before, after)
        }
        (Document::Policy(before), Document::Policy(after)) => judge.narrows(before, after),
        (Document::Exception(before), Document::Exception(after)) => after.narrows(before),
        _ => false,
    }
}

fn officer_within(small: &Officer, large: &Officer) -> bool {
    let same = Officer { roles: large.roles.clone(), disabled: large.disabled, ..small.clone() };
    same == *large
        && (small.disabled || !large.disabled)
        && small.roles.iter().all(|role| large.roles.contains(role))
}

/// A record with the freeze of another.
fn unfrozen_as(record: &PartyRecord, other: &PartyRecord) -> PartyRecord {
    PartyRecord { frozen: other.frozen, frozen_until: other.frozen_until, ..record.clone() }
}

/// Frozen at least as long, no key, certificate or unit more, no key that is used again. What counts
/// is whether it is frozen at that moment, not what its record says of a freeze that has lapsed.
fn party_within(small: &PartyRecord, large: &PartyRecord, at: i64) -> bool {
    let same = PartyRecord {
        keys: large.keys.clone(),
        certificates: large.certificates.clone(),
        units: large.units.clone(),
        ..unfrozen_as(small, large)
    };
    let keys = small.keys.iter().all(|key| {
        large.keys.iter().any(|old| {
            let less = |status| matches!(status, KeyStatus::Retired | KeyStatus::Revoked);
            let revives = old.status == KeyStatus::Revoked && key.status != KeyStatus::Revoked;
            old.jwk == key.jwk
                && old.unit == key.unit
                && (old.status == key.status || (less(key.status) && !revives))
        })
    });
    same == *large
        && frozen_until(small, at) >= frozen_until(large, at)
        && keys
        && small.certificates.iter().all(|pin| large.certificates.contains(pin))
        && small.units.iter().all(|unit| large.units.contains(unit))
}

/// Until when a party is frozen, seen from `at`; not at all is until then.
fn frozen_until(record: &PartyRecord, at: i64) -> i64 {
    let until = record.frozen_until.map_or(i64::MAX, time::OffsetDateTime::unix_timestamp);
    if record.is_frozen(at) { until } else { at }
}

/// Whoever cares for children is not cut off for long by one officer alone, by whichever way.
fn party_alone(
    before: &PartyRecord,
    after: &PartyRecord,
    judge: &Judge<'_>,
    at: i64,
    only_freezes: bool,
) -> bool {
    if judge.floor.kind(&after.id, after.kind) != PartyKind::Social {
        return true;
    }
    let lifts_soon = frozen_until(after, at) <= at.saturating_add(FREEZE_ALONE_S);
    // nor by one freeze after another
    let was_free = before
        .frozen_until
        .is_none_or(|until| until.unix_timestamp().saturating_add(FREEZE_ALONE_S) <= at);
    only_freezes && !before.is_frozen(at) && was_free && lifts_soon
}

/// Whether an agreement binds two agencies of Indonesia.
fn is_inland(agreement: &Agreement, judge: &Judge<'_>) -> bool {
    let is_domestic = |party: &&_| judge.floor.kind(party, PartyKind::Social) != PartyKind::Foreign;
    agreement.parties.iter().filter(is_domestic).count() > 1
}

fn agreement_within(small: &Agreement, large: &Agreement) -> bool {
    let printed = small.fingerprints.iter().all(|(party, printed)| {
        let known = large.fingerprints.get(party);
        printed.iter().all(|each| known.is_some_and(|known| known.contains(each)))
    });
    large.title == small.title
        && small.parties.iter().all(|party| large.parties.contains(party))
        && small.messages.iter().all(|message| large.messages.contains(message))
        && small.purposes.iter().all(|purpose| large.purposes.contains(purpose))
        && small.k >= large.k
        && small.retention_days <= large.retention_days
        && small.from >= large.from
        && small.until <= large.until
        && printed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DocumentKind;
    use crate::policy::Floor;
    use crate::schema::Schemas;

    const FLOOR: &str = include_str!("../../../config/floor.development.toml");
    const AT: i64 = 1_795_507_200; // 2026-11-24T08:00:00Z

    fn effect(before: &Document, after: &Document) -> Effect {
        let (floor, schemas) = (Floor::parse(FLOOR).unwrap(), Schemas::builtin().unwrap());
        let judge = Judge { floor: &floor, schemas: &schemas, parties: &[], agreements: &[] };
        Effect::of(Some(before), after, &judge, AT)
    }

    fn party(id: &str, kind: &str, rest: &str, keys: &[&str]) -> Document {
        // RFC 8037, appendix A
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let keys: Vec<String> =
            keys.iter().map(|spki| format!("[[certificates]]\nspki = \"{spki}\"\n")).collect();
        let text = format!(
            "id = \"{id}\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"{kind}\"\n{rest}\n\
             [[keys]]\nstatus = \"active\"\njwk = {{ kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\" }}\n\
             {}",
            keys.concat()
        );
        Document::parse(DocumentKind::Party, id, &text).unwrap()
    }

    const ONE: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    const TWO: &str = "57DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn a_freeze_takes_one_and_cutting_off_a_social_agency_two() {
        let soon = "frozen = true\nfrozen_until = \"2026-11-24T20:00:00Z\"";
        let later = "frozen = true\nfrozen_until = \"2026-11-24T20:00:01Z\"";
        let lapsed = "frozen = true\nfrozen_until = \"2026-11-24T08:00:00Z\"";
        let long_lapsed = "frozen = true\nfrozen_until = \"2026-11-23T20:00:00Z\"";
        let (one, both) = (&[ONE][..], &[ONE, TWO][..]);
        for (id, kind, (before, pins), (after, pins_after), alone, freezes) in [
            ("cuta-be", "foreign", ("", one), ("frozen = true", one), true, true),
            ("cuta-be", "foreign", ("frozen = true", one), ("", one), false, false),
            ("cuta-be", "foreign", (soon, one), (later, one), true, true),
            ("cuta-be", "foreign", (later, one), (soon, one), false, false),
            ("cuta-be", "foreign", ("", both), ("", one), true, false),
            // a freeze that has lapsed is none, and to write one freezes nothing
            ("cuta-be", "foreign", (lapsed, one), ("frozen = true", one), true, true),
            ("cuta-be", "foreign", ("", one), (lapsed, one), false, false),
            ("kemensos", "social", ("", one), ("frozen = true", one), false, true),
            ("kemensos", "social", ("", one), (soon, one), true, true),
            ("kemensos", "social", ("", one), (later, one), false, true),
            ("kemensos", "social", (soon, one), (later, one), false, true),
            ("kemensos", "social", (lapsed, one), (soon, one), false, true),
            ("kemensos", "social", (long_lapsed, one), (soon, one), true, true),
            ("kemensos", "social", ("", both), ("", one), false, false),
            ("kemensos", "social", ("", both), (soon, one), false, false),
            ("kemensos", "social", ("units = [\"a1\"]", one), ("units = []", one), false, false),
            // a stranger that calls itself social is foreign all the same
            ("zarqolin", "social", ("", one), ("frozen = true", one), true, true),
        ] {
            let found = effect(&party(id, kind, before, pins), &party(id, kind, after, pins_after));
            let said = format!("{id} {before} {pins:?} to {after} {pins_after:?}: {found:?}");
            assert_eq!((found.needs == Needs::One, found.only_freezes), (alone, freezes), "{said}");
        }
    }

    #[test]
    fn a_change_alone_keeps_what_two_decided_to_begin_later() {
        let (floor, schemas) = (Floor::parse(FLOOR).unwrap(), Schemas::builtin().unwrap());
        let judge = Judge { floor: &floor, schemas: &schemas, parties: &[], agreements: &[] };
        let soon = "frozen = true\nfrozen_until = \"2026-11-24T20:00:00Z\"";
        let long = "frozen = true\nfrozen_until = \"2026-12-24T20:00:00Z\"";
        let (one, two, both) = (&[ONE][..], &[TWO][..], &[ONE, TWO][..]);
        for (id, kind, (after, pins), (scheduled, pins_scheduled), alone) in [
            // a pin less, while another is to go, while both are to go, while one is to come
            ("cuta-be", "foreign", ("", one), ("", two), false),
            ("cuta-be", "foreign", ("", one), ("", one), true),
            ("cuta-be", "foreign", ("", one), ("", both), true),
            // a freeze that ends brings back the pins that were to go; one without an end does not
            ("cuta-be", "foreign", (soon, both), ("", one), false),
            ("cuta-be", "foreign", ("frozen = true", both), ("", one), true),
            ("cuta-be", "foreign", (soon, both), (long, both), false),
            ("cuta-be", "foreign", (long, both), (long, both), true),
            ("kemensos", "social", (soon, both), ("", one), true),
            ("kemensos", "social", (soon, both), (long, both), false),
        ] {
            let (before, after) = (party(id, kind, "", both), party(id, kind, after, pins));
            let scheduled = party(id, kind, scheduled, pins_scheduled);
            let found = Effect::of(Some(&before), &after, &judge, AT);
            assert_eq!(found.needs, Needs::One, "{id} {pins:?}");
            let found = found.over(Some(&scheduled), &after, &judge, AT + 24 * 3600);
            let is_alone = found.needs == Needs::One;
            assert_eq!((is_alone, found.narrows), (alone, alone), "{id} {pins:?} {scheduled:?}");
        }
    }

    #[test]
    fn an_agreement_narrows_only_downwards_and_two_end_one_within_indonesia() {
        let abroad = include_str!("../../../config/agreements/mou-id-be.toml");
        let inland = include_str!("../../../config/agreements/pks-bnpt-kemensos.toml");
        for (id, text, (from, to), narrows, alone) in [
            ("mou-id-be", abroad, ("k = 10", "k = 12"), true, true),
            ("mou-id-be", abroad, ("k = 10", "k = 9"), false, false),
            ("mou-id-be", abroad, ("until = 2027-12-31", "until = 2027-12-30"), true, true),
            ("mou-id-be", abroad, ("until = 2027-12-31", "until = 2028-01-01"), false, false),
            ("mou-id-be", abroad, ("[\"referral/1\", ", "["), true, true),
            ("mou-id-be", abroad, ("retention_days = 365", "retention_days = 366"), false, false),
            ("mou-id-be", abroad, ("title = \"M", "title = \"m"), false, false),
            (
                "mou-id-be",
                abroad,
                ("[\"kemensos\", \"cuta-be\"]", "[\"cuta-be\", \"kemensos\"]"),
                false,
                false,
            ),
            (
                "pks-bnpt-kemensos",
                inland,
                ("until = 2027-12-31", "until = 2026-12-31"),
                true,
                false,
            ),
        ] {
            assert!(text.contains(from), "{from}");
            let parse = |text: &str| Document::parse(DocumentKind::Agreement, id, text).unwrap();
            let found = effect(&parse(text), &parse(&text.replace(from, to)));
            assert_eq!((found.narrows, found.needs == Needs::One), (narrows, alone), "{to}");
        }
    }
}
