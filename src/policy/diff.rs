//! What changes between two versions of a policy, leaf by leaf, and whether anything widens.
//!
//! A change *narrows* a leaf only if what comes out afterwards can be computed from what came out
//! before, for every value the schema allows; everything else widens, bands that cannot be
//! compared among it. What one officer may do alone is less than to narrow: a leaf that is told
//! otherwise can be told wrongly, so it may only stop ([`Diff::only_stops`]).

use std::collections::BTreeMap;

use super::batch::Batch;
use super::compile::Compiled;
use super::operation::{Band, Operation};
use crate::domain::{Digest, Leaf, LeafName, Shape};

/// The change from one version of a policy to another.
#[derive(Debug)]
pub struct Diff {
    /// For whom.
    pub recipient: String,
    /// The digests of the two versions.
    pub digests: (Digest, Digest),
    /// Every leaf whose operation or parameters change, in the order of their names.
    pub leaves: Vec<Change>,
    /// What changes above the leaves.
    pub head: Vec<HeadChange>,
}

/// The change of one leaf.
#[derive(Debug)]
pub struct Change {
    /// Its name.
    pub leaf: LeafName,
    /// What the recipient notices.
    pub kind: ChangeKind,
    /// Whether more, or something that cannot be compared, comes out.
    pub widens: bool,
    /// Codes that are mapped otherwise: code, before, after; `None` where it is refused.
    pub codes: Vec<(String, Option<String>, Option<String>)>,
}

/// What the recipient notices of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It starts to receive the leaf.
    Starts,
    /// It receives the leaf no more.
    Stops,
    /// It receives the leaf differently.
    Differs,
}

/// A change above the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadChange {
    /// It runs longer.
    Longer,
    /// It ends earlier.
    Shorter,
    /// It stands under another agreement.
    Agreement,
    /// It is for another purpose.
    Purpose,
    /// The sender's own signature now travels along.
    ProofStarts,
    /// The sender's own signature travels along no more.
    ProofStops,
    /// Releases leave at once instead of in a monthly window.
    LeavesAtOnce,
    /// Releases leave in a monthly window instead of at once.
    LeavesMonthly,
    /// The monthly window opens on another day or hour: some releases leave earlier than before.
    OtherWindow,
}

impl HeadChange {
    /// Whether it widens.
    pub fn widens(self) -> bool {
        !matches!(self, Self::Shorter | Self::ProofStops | Self::LeavesMonthly)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Longer => "longer",
            Self::Shorter => "shorter",
            Self::Agreement => "agreement",
            Self::Purpose => "purpose",
            Self::ProofStarts => "proof-starts",
            Self::ProofStops => "proof-stops",
            Self::LeavesAtOnce => "leaves-at-once",
            Self::LeavesMonthly => "leaves-monthly",
            Self::OtherWindow => "other-window",
        }
    }
}

/// Two policies that are not for the same sender, recipient and message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("they are not for the same sender, recipient and message type")]
pub struct NotComparable;

impl Diff {
    /// Whether anything widens: then two officers decide.
    pub fn widens(&self) -> bool {
        self.leaves.iter().any(|change| change.widens)
            || self.head.iter().any(|change| change.widens())
    }

    /// Whether leaves stop or the policy ends earlier, and nothing else changes.
    pub fn only_stops(&self) -> bool {
        !self.is_empty()
            && self.leaves.iter().all(|change| change.kind == ChangeKind::Stops)
            && self.head.iter().all(|change| *change == HeadChange::Shorter)
    }

    /// Whether the recipient receives exactly what it received.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty() && self.head.is_empty()
    }
}

/// Compares two versions.
///
/// # Errors
/// [`NotComparable`].
pub fn diff(before: &Compiled, after: &Compiled) -> Result<Diff, NotComparable> {
    let parties = |policy: &Compiled| {
        (policy.sender().clone(), policy.recipient().clone(), policy.message().clone())
    };
    if parties(before) != parties(after) {
        return Err(NotComparable);
    }
    let mut leaves = Vec::new();
    let (old, new) = (before.operations(), after.operations());
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        // a leaf without a row lies under an array that is counted or dropped as a whole
        let from = old.get(name).unwrap_or(&Operation::Drop);
        let to = new.get(name).unwrap_or(&Operation::Drop);
        if from == to {
            continue;
        }
        let kind = match (from, to) {
            (Operation::Drop, _) => ChangeKind::Starts,
            (_, Operation::Drop) => ChangeKind::Stops,
            _ => ChangeKind::Differs,
        };
        let leaf = after.table().leaf(name).or_else(|| before.table().leaf(name));
        leaves.push(Change {
            leaf: LeafName::new(name),
            kind,
            widens: !narrows(from, to, leaf),
            codes: moved_codes(from, to, leaf),
        });
    }
    Ok(Diff {
        recipient: after.recipient().to_string(),
        digests: (before.digest(), after.digest()),
        leaves,
        head: head(before, after),
    })
}

fn head(before: &Compiled, after: &Compiled) -> Vec<HeadChange> {
    let mut changes = Vec::new();
    match after.expires().cmp(&before.expires()) {
        std::cmp::Ordering::Greater => changes.push(HeadChange::Longer),
        std::cmp::Ordering::Less => changes.push(HeadChange::Shorter),
        std::cmp::Ordering::Equal => {}
    }
    if before.agreement() != after.agreement() {
        changes.push(HeadChange::Agreement);
    }
    if before.purpose() != after.purpose() {
        changes.push(HeadChange::Purpose);
    }
    match (before.sender_proof(), after.sender_proof()) {
        (false, true) => changes.push(HeadChange::ProofStarts),
        (true, false) => changes.push(HeadChange::ProofStops),
        _ => {}
    }
    changes.extend(leaving(before.batch(), after.batch()));
    changes
}

fn leaving(before: Batch, after: Batch) -> Option<HeadChange> {
    match (before, after) {
        _ if before == after => None,
        (_, Batch::AtOnce) => Some(HeadChange::LeavesAtOnce),
        (Batch::AtOnce, Batch::Monthly(_)) => Some(HeadChange::LeavesMonthly),
        (Batch::Monthly(_), Batch::Monthly(_)) => Some(HeadChange::OtherWindow),
    }
}

/// Whether `to` tells nothing that `from` did not tell.
fn narrows(from: &Operation, to: &Operation, leaf: Option<&Leaf>) -> bool {
    use Operation as Op;
    match (from, to) {
        // that a leaf exists at all is told from now on
        (Op::Drop, to) => *to == Op::Drop,
        (Op::Keep, _)
        | (_, Op::Drop | Op::Constant(_))
        | (Op::Month, Op::HalfYear | Op::Year)
        | (Op::HalfYear, Op::Year)
        | (Op::Adm1, Op::Country) => true,
        (Op::CodeMap(from), Op::CodeMap(to)) => coarser_map(from, to, leaf),
        (Op::AgeBand(from), Op::AgeBand(to)) => coarser_bands(from, to),
        (Op::Bucket(from), Op::Bucket(to)) => to.iter().all(|edge| from.contains(edge)),
        (Op::Count(from), Op::Count(to)) => to <= from,
        _ => false,
    }
}

fn codes_of(leaf: Option<&Leaf>) -> &[String] {
    match leaf.map(|leaf| &leaf.shape) {
        Some(Shape::Codes(codes)) => codes,
        _ => &[],
    }
}

/// Codes told alike before are told alike after, and none is told that was refused.
fn coarser_map(
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
    leaf: Option<&Leaf>,
) -> bool {
    let codes = codes_of(leaf);
    let mut told: BTreeMap<&String, Option<&String>> = BTreeMap::new();
    codes.iter().all(|code| match (from.get(code), to.get(code)) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some(was), is) => *told.entry(was).or_insert(is) == is,
    })
}

/// Every old band lies in one new band or in none, and no new band holds an age that none had.
fn coarser_bands(from: &[Band], to: &[Band]) -> bool {
    let years = |band: &Band| i64::from(band.2) - i64::from(band.1) + 1;
    let holds = |wide: &Band, narrow: &Band| wide.1 <= narrow.1 && narrow.2 <= wide.2;
    let apart = |wide: &Band, narrow: &Band| narrow.2 < wide.1 || wide.2 < narrow.1;
    to.iter().all(|new| {
        let within: i64 = from.iter().filter(|old| holds(new, old)).map(years).sum();
        within == years(new) && from.iter().all(|old| holds(new, old) || apart(new, old))
    })
}

/// Codes that the recipient will be told as another code.
fn moved_codes(
    from: &Operation,
    to: &Operation,
    leaf: Option<&Leaf>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let (Operation::CodeMap(from), Operation::CodeMap(to)) = (from, to) else { return Vec::new() };
    let each = codes_of(leaf)
        .iter()
        .map(|code| (code.clone(), from.get(code).cloned(), to.get(code).cloned()));
    each.filter(|(_, was, is)| was != is).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[(&str, &str)]) -> Operation {
        let rows = rows.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        Operation::CodeMap(rows.collect())
    }

    fn bands(rows: &[(&str, i32, i32)]) -> Operation {
        let rows = rows.iter().map(|(name, from, to)| Band((*name).to_owned(), *from, *to));
        Operation::AgeBand(rows.collect())
    }

    fn coded() -> Leaf {
        Leaf {
            name: LeafName::new("/state"),
            class: crate::domain::Class::Sensitive,
            identifier: None,
            reference: None,
            shape: Shape::Codes(vec!["a".into(), "b".into(), "c".into()]),
            array: None,
            required: true,
            label: crate::domain::leaf::Label { id: "keadaan".into(), en: "state".into() },
        }
    }

    #[test]
    fn what_can_be_computed_from_before_narrows_and_nothing_else() {
        use Operation as Op;
        let state = coded();
        let fine = map(&[("a", "x"), ("b", "y"), ("c", "z")]);
        let coarse = map(&[("a", "open"), ("b", "open"), ("c", "closed")]);
        let other = map(&[("a", "open"), ("b", "closed"), ("c", "closed")]);
        let partial = map(&[("a", "x"), ("b", "y")]);
        let relabelled = map(&[("a", "p"), ("b", "q"), ("c", "r")]);
        let [ages, wide, across, short] = [
            bands(&[("0-11", 0, 11), ("12-17", 12, 17), ("adult", 18, 200)]),
            bands(&[("under_18", 0, 17), ("adult", 18, 200)]),
            bands(&[("0-14", 0, 14), ("15+", 15, 200)]),
            bands(&[("under_18", 0, 17)]),
        ];
        let narrowing = [
            (&Op::Keep, &Op::Drop),
            (&Op::Keep, &Op::Month),
            (&Op::Month, &Op::HalfYear),
            (&Op::HalfYear, &Op::Year),
            (&Op::Adm1, &Op::Country),
            (&fine, &coarse),
            (&fine, &relabelled),
            (&fine, &partial),
            (&ages, &wide),
            (&wide, &short),
            (&Op::Bucket(vec![1, 2, 5]), &Op::Bucket(vec![2])),
            (&Op::Count(4), &Op::Count(2)),
            (&Op::Pseudonym, &Op::Drop),
        ];
        for (from, to) in narrowing {
            assert!(narrows(from, to, Some(&state)), "{from:?} to {to:?}");
        }
        let widening = [
            (&Op::Drop, &Op::Keep),
            (&Op::Drop, &Op::Constant("x".into())),
            (&Op::Year, &Op::Month),
            (&Op::Country, &Op::Adm1),
            (&coarse, &fine),
            (&coarse, &other),
            (&partial, &fine),
            (&wide, &ages),
            (&ages, &across),
            (&short, &wide),
            (&bands(&[("0-11", 0, 11)]), &short),
            (&Op::Bucket(vec![2]), &Op::Bucket(vec![1, 2])),
            (&Op::Bucket(vec![2]), &Op::Bucket(vec![3])),
            (&Op::Count(2), &Op::Count(4)),
            (&Op::Hold, &Op::Keep),
            (&Op::Month, &fine),
        ];
        for (from, to) in widening {
            assert!(!narrows(from, to, Some(&state)), "{from:?} to {to:?}");
        }
    }

    #[test]
    fn codes_that_move_are_named_with_both_words() {
        let moved = moved_codes(
            &map(&[("a", "open"), ("b", "open")]),
            &map(&[("a", "open"), ("b", "closed"), ("c", "closed")]),
            Some(&coded()),
        );
        let said: Vec<_> = moved
            .iter()
            .map(|(code, was, is)| (code.as_str(), was.as_deref(), is.as_deref()))
            .collect();
        assert_eq!(said, [("b", Some("open"), Some("closed")), ("c", None, Some("closed"))]);
    }
}
