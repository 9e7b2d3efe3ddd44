//! `--confirm`: which text an officer has looked at before it signs.
//!
//! INVARIANT: what is signed is what was shown. A version's text can be another one by the time it
//! is confirmed, so the officer names version and digest. Whoever writes both texts looks for two
//! that begin alike, so too short a beginning is no name; what is shown is the whole digest.

use std::fmt;
use std::str::FromStr;

use super::exit::Failed;
use crate::domain::VersionState;
use crate::wire::VersionView;

/// Fewest characters of a digest that name it: 132 bits.
pub(super) const DIGEST_CHARS_MIN: usize = 22;
/// All of a digest's characters.
const DIGEST_CHARS: usize = 43;

/// A version, and its digest or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirm {
    version: u32,
    digest: String,
}

/// The text names no version's digest.
#[derive(Debug, thiserror::Error)]
#[error(
    "look at it without --confirm, and repeat the VERSION:DIGEST that is shown then, with at least \
     the first {DIGEST_CHARS_MIN} characters of the digest"
)]
pub(super) struct NotConfirm;

impl FromStr for Confirm {
    type Err = NotConfirm;

    fn from_str(text: &str) -> Result<Self, NotConfirm> {
        let (version, digest) = text.split_once(':').ok_or(NotConfirm)?;
        let is_of_digest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let is_whole = (DIGEST_CHARS_MIN..=DIGEST_CHARS).contains(&digest.len())
            && digest.bytes().all(is_of_digest);
        match version.parse() {
            Ok(version) if is_whole => Ok(Self { version, digest: digest.to_owned() }),
            _ => Err(NotConfirm),
        }
    }
}

impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.version, self.digest)
    }
}

impl Confirm {
    /// What names a version whole.
    pub(super) fn of(view: &VersionView) -> Self {
        Self { version: view.version, digest: view.digest.clone() }
    }

    /// Whether it names this version, which is the one to sign now.
    ///
    /// # Errors
    /// Why it does not, in one sentence.
    pub(super) fn check(&self, view: &VersionView) -> Result<(), Failed> {
        let (named, now) = (self.version, view.version);
        let state = match view.state {
            VersionState::Draft => "the draft",
            _ => "what is proposed",
        };
        if named != now {
            let words = format!(
                "nothing was signed: {state} is version {now} by now, not {named}; look at it first"
            );
            return Err(Failed::refused(words));
        }
        if !view.digest.starts_with(&self.digest) {
            let words = format!(
                "nothing was signed: version {now} has another digest than you confirm; look at it \
                 first"
            );
            return Err(Failed::refused(words));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, DocumentKind};

    fn view(version: u32, text: &str) -> VersionView {
        VersionView {
            kind: DocumentKind::Policy,
            id: "p".to_owned(),
            version,
            digest: Digest::of(text.as_bytes()).to_string(),
            state: VersionState::Proposed,
            stands: "proposed".to_owned(),
            unusable: None,
            effective_at: None,
            needs: None,
            applied: None,
            text: text.to_owned(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn too_short_a_beginning_of_a_digest_confirms_nothing() {
        let whole = Confirm::of(&view(2, "a")).to_string();
        for length in 0..=whole.len() {
            let beginning: String = whole.chars().take(length).collect();
            let is_taken = beginning.parse::<Confirm>().is_ok();
            assert_eq!(is_taken, length >= "2:".len() + DIGEST_CHARS_MIN, "{length}");
        }
        let bare = whole.replace("2:", "");
        for bad in [&bare, &format!(":{bare}"), &format!("{whole}A"), "2:{22 or more of it}"] {
            assert!(bad.parse::<Confirm>().unwrap_err().to_string().contains("first 22"), "{bad}");
        }
    }

    #[test]
    fn it_is_compared_whole_and_for_the_version_it_names() {
        let now = view(2, "a");
        let said = |version: u32, digest: String| {
            Confirm { version, digest }.check(&now).map_err(|failed| failed.error.to_string())
        };
        let first = |length: usize| now.digest.chars().take(length).collect::<String>();
        // as it would be ground: alike but for the last character of so many
        for length in [DIGEST_CHARS_MIN, DIGEST_CHARS] {
            assert_eq!(said(2, first(length)), Ok(()));
            let alike = ["A", "B"].map(|last| first(length - 1) + last);
            let alike = alike.into_iter().find(|alike| *alike != first(length)).unwrap();
            assert!(said(2, alike.clone()).unwrap_err().contains("another digest"), "{alike}");
        }
        let before = said(1, first(DIGEST_CHARS)).unwrap_err();
        assert!(before.contains("is version 2 by now, not 1"), "{before}");
    }
}
