//! Real bugs, on purpose: the leak test's negative controls. A leak test that has never caught a
//! leak proves nothing.
//!
//! INVARIANT: none of them can be in a release. Without the feature `mutants` the question is
//! answered by a constant; with it, a build without debug assertions does not compile.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("`mutants` plants bugs: it is for test builds only");

/// One bug, as each of the systems that Titian learned from once had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A closed table is applied to single codes and not to lists.
    SkipsArrays,
    /// Names of members are not looked at.
    SkipsKeys,
    /// What is no text is not left out.
    StringsOnly,
    /// Other spellings of a letter are other letters.
    NoNfkc,
    /// The input is copied and then trimmed, but not below.
    CopyThenDelete,
    /// A member that no policy names passes.
    UnknownFieldPasses,
    /// A policy may say what it likes.
    FloorIgnored,
    /// Two recipients know one person by one reference.
    SamePseudonymKey,
    /// A key of no bytes is a key.
    EmptyKeyAccepted,
    /// Ids tell when they were made.
    TimeOrderedIds,
    /// A refusal shows what was wrong.
    SchemaErrorEchoes,
    /// What cannot be evaluated passes as it is.
    UnchangedOnError,
    /// What waits is sent as it came when it is tried again.
    RetriesOriginal,
    /// A refusal is longer for a longer value.
    RefusalDiffers,
    /// An array of nothing is as long as what it stands for.
    ArrayLengthKept,
    /// One counter for all.
    SequenceShared,
    /// A freeze stops only what is sent later.
    StaleAfterFreeze,
    /// The last of two members of one name counts, silently.
    DuplicateKeyRead,
    /// An exception goes on.
    ExceptionStays,
}

impl Mutant {
    /// Every one, with its name.
    pub const ALL: &[(Self, &str)] = &[
        (Self::SkipsArrays, "skips arrays"),
        (Self::SkipsKeys, "skips keys"),
        (Self::StringsOnly, "strings only"),
        (Self::NoNfkc, "no NFKC"),
        (Self::CopyThenDelete, "copy then delete"),
        (Self::UnknownFieldPasses, "unknown field passes"),
        (Self::FloorIgnored, "floor ignored"),
        (Self::SamePseudonymKey, "same pseudonym key for two recipients"),
        (Self::EmptyKeyAccepted, "empty key accepted"),
        (Self::TimeOrderedIds, "time-ordered ids"),
        (Self::SchemaErrorEchoes, "schema error echoes the value"),
        (Self::UnchangedOnError, "leave unchanged on error"),
        (Self::RetriesOriginal, "retries with the original"),
        (Self::RefusalDiffers, "refusal differs"),
        (Self::ArrayLengthKept, "array length kept"),
        (Self::SequenceShared, "sequence shared"),
        (Self::StaleAfterFreeze, "stale policy after a freeze"),
        (Self::DuplicateKeyRead, "duplicate key read differently by validator and projector"),
        (Self::ExceptionStays, "exception that does not expire"),
    ];
}

/// Whether this bug is planted now.
#[cfg(not(feature = "mutants"))]
#[inline]
pub(crate) const fn is(_mutant: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
mod planted {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Mutant;

    /// The one that is planted, by its place; none beyond them all.
    static PLANTED: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// Whether this bug is planted now.
    pub(crate) fn is(mutant: Mutant) -> bool {
        Mutant::ALL.get(PLANTED.load(Ordering::SeqCst)).is_some_and(|(it, _)| *it == mutant)
    }

    /// Plants a bug in this whole process, or none.
    pub fn plant(mutant: Option<Mutant>) {
        let place = mutant.and_then(|it| Mutant::ALL.iter().position(|(other, _)| *other == it));
        PLANTED.store(place.unwrap_or(usize::MAX), Ordering::SeqCst);
    }
}

#[cfg(feature = "mutants")]
pub(crate) use planted::is;
#[cfg(feature = "mutants")]
pub use planted::plant;
