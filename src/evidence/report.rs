//! What a verifier found: every check by name, passed or not, and one verdict.

use serde::{Serialize, Serializer};

use crate::domain::Phrase;

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be made.
    Skipped,
    /// What it is about was erased, as it should be at the end of its retention.
    Erased,
    /// What it is about should be in the bundle and is not.
    Missing,
    /// A word of an officer, where no officer's key is pinned: shown, not vouched for.
    Unpinned,
}

impl Outcome {
    /// One word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Erased => "erased",
            Self::Missing => "missing",
            Self::Unpinned => "unpinned",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, for example `entry.inclusion` or `acknowledgements.0.signature`.
    pub name: String,
    /// How it went.
    pub result: Outcome,
    /// Why, where it did not pass; never a value from a message.
    pub detail: Phrase,
}

/// Everything that was checked, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
    #[serde(skip)]
    pub(super) unusable: bool,
}

/// What the checks amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed, or is about something rightly erased, or about officers of whom nobody
    /// asked to be sure.
    Verified,
    /// A check failed.
    Failed,
    /// None failed, but one could not be made: a key is not pinned, a body is missing.
    Incomplete,
    /// Not a bundle of a version we read.
    Unusable,
}

impl Verdict {
    /// 0 verified, 1 failed, 2 no verdict: the input does not allow one.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Failed => 1,
            Self::Incomplete | Self::Unusable => 2,
        }
    }
}

impl Report {
    /// What the checks amount to.
    pub fn verdict(&self) -> Verdict {
        let any = |wanted: fn(Outcome) -> bool| self.checks.iter().any(|c| wanted(c.result));
        if self.unusable || self.checks.is_empty() {
            Verdict::Unusable
        } else if any(|result| result == Outcome::Failed) {
            Verdict::Failed
        } else if any(|result| matches!(result, Outcome::Skipped | Outcome::Missing)) {
            Verdict::Incomplete
        } else {
            Verdict::Verified
        }
    }

    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(results: &[Outcome]) -> Report {
        let check = |result: &Outcome| Check {
            name: String::new(),
            result: *result,
            detail: Phrase::default(),
        };
        Report { checks: results.iter().map(check).collect(), unusable: false }
    }

    #[test]
    fn a_verdict_is_no_better_than_the_worst_check() {
        use Outcome::{Erased, Failed, Missing, Passed, Skipped, Unpinned};
        assert_eq!(report(&[]).verdict(), Verdict::Unusable);
        assert_eq!(report(&[Passed]).verdict(), Verdict::Verified);
        assert_eq!(report(&[Passed, Erased]).verdict(), Verdict::Verified);
        assert_eq!(report(&[Passed, Unpinned]).verdict(), Verdict::Verified);
        assert_eq!(report(&[Passed, Missing]).verdict(), Verdict::Incomplete);
        assert_eq!(report(&[Skipped, Passed]).verdict(), Verdict::Incomplete);
        assert_eq!(report(&[Skipped, Failed, Passed]).verdict(), Verdict::Failed);
        let codes = [Verdict::Verified, Verdict::Failed, Verdict::Incomplete, Verdict::Unusable];
        assert_eq!(codes.map(Verdict::exit_code), [0, 1, 2, 2]);
    }
}
