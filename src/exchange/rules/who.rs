//! Who may do what with a governed document.
//!
//! Two people decide: an author, and an approver of another unit who has not touched the draft. A
//! change that narrows takes one. An exception takes officers of two agencies.

use super::document::Document;
use crate::config::{Officer, Role};
use crate::domain::{Address, PartyKind};
use crate::policy::Floor;

/// How many officers a version takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// It narrows: its author is enough.
    One,
    /// Two, of two units.
    TwoUnits,
    /// Two, of two agencies.
    TwoAgencies,
}

impl Needs {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::TwoUnits => "two_units",
            Self::TwoAgencies => "two_agencies",
        }
    }
}

/// Why an officer may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNot {
    /// No officer of that name, or a disabled one.
    #[error("there is no such officer, or it is disabled")]
    Unknown,
    /// It lacks the role.
    #[error("the officer's roles do not allow it")]
    Role,
    /// A foreign officer decides about nothing here.
    #[error("an officer of a foreign party decides about nothing here")]
    Foreign,
    /// It is neither of the sender's nor of the recipient's party and unit.
    #[error("the officer's party and unit are none of those concerned")]
    Concerned,
    /// It wrote or proposed the version itself.
    #[error("whoever touched the draft does not approve it")]
    Touched,
    /// It is of the same unit as the author.
    #[error("author and approver are of different units")]
    SameUnit,
    /// It is of the same agency as the author.
    #[error("author and approver of an exception are of different agencies")]
    SameAgency,
}

/// Whether `officer` may write and propose `document`; `needs` is what the change takes.
///
/// # Errors
/// [`MayNot`].
pub fn may_author(
    officer: &Officer,
    document: &Document,
    needs: Needs,
    floor: &Floor,
) -> Result<(), MayNot> {
    active(officer, floor)?;
    // at three in the morning a duty officer may stop what flows; nothing else
    let stops = needs == Needs::One && matches!(document, Document::Party(_));
    let roles: &[Role] =
        if stops { &[Role::Editor, Role::Approver, Role::Operator] } else { &[Role::Editor] };
    if !roles.iter().any(|role| officer.is(*role)) {
        return Err(MayNot::Role);
    }
    if is_concerned(officer, document) { Ok(()) } else { Err(MayNot::Concerned) }
}

/// Whether `officer` may approve what `author` proposed.
///
/// # Errors
/// [`MayNot`].
pub fn may_approve(
    officer: &Officer,
    author: &Officer,
    touched: &[&str],
    needs: Needs,
    floor: &Floor,
) -> Result<(), MayNot> {
    active(officer, floor)?;
    let is_author = officer.name == author.name || point(officer) == point(author);
    if is_author || touched.contains(&officer.name.as_str()) {
        return Err(MayNot::Touched);
    }
    if !officer.is(Role::Approver) {
        return Err(MayNot::Role);
    }
    if needs == Needs::TwoAgencies && officer.party == author.party {
        return Err(MayNot::SameAgency);
    }
    if officer.address() == author.address() { Err(MayNot::SameUnit) } else { Ok(()) }
}

fn active(officer: &Officer, floor: &Floor) -> Result<(), MayNot> {
    if officer.disabled {
        return Err(MayNot::Unknown);
    }
    // whatever its record says: whoever the floor does not list is foreign
    match floor.kind(&officer.party, PartyKind::Social) {
        PartyKind::Foreign => Err(MayNot::Foreign),
        _ => Ok(()),
    }
}

/// The point of an officer's key: one key under two names is one person.
fn point(officer: &Officer) -> Option<&str> {
    officer.key.as_ref()?.get("x")?.as_str()
}

/// Whether the document is about the officer's own party and, where it is bound to one, its unit.
/// Parties and officers are every domestic agency's concern.
pub fn is_concerned(officer: &Officer, document: &Document) -> bool {
    let at = officer.address();
    let covers = |side: &Address| at.covers(side);
    match document {
        Document::Officer(_) | Document::Party(_) => true,
        Document::Agreement(agreement) => agreement.parties.contains(&officer.party),
        Document::Policy(source) => covers(&source.head.sender) || covers(&source.head.recipient),
        Document::Exception(source) => covers(source.sender()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DocumentKind;

    fn officer(name: &str, at: &str, roles: &str) -> Officer {
        let at: Address = at.parse().unwrap();
        let unit = at.unit.map(|unit| format!("unit = \"{unit}\"\n")).unwrap_or_default();
        let text = format!("name = \"{name}\"\nparty = \"{}\"\n{unit}roles = [{roles}]", at.party);
        toml::from_str(&text).unwrap()
    }

    fn with_key(mut officer: Officer) -> Officer {
        officer.key = Some(serde_json::json!({"x": officer.name}));
        officer
    }

    fn abroad() -> Document {
        let text = include_str!("../../../config/policies/kemensos-cuta-be-status.toml");
        Document::parse(DocumentKind::Policy, "kemensos-cuta-be-status", text).unwrap()
    }

    #[test]
    fn an_author_writes_about_its_own_edges_only() {
        let floor = Floor::parse(include_str!("../../../config/floor.development.toml")).unwrap();
        let may = |at: &str, roles: &str| {
            may_author(&officer("o1", at, roles), &abroad(), Needs::TwoUnits, &floor)
        };
        assert_eq!(may("kemensos", "\"editor\""), Ok(()));
        assert_eq!(may("kemensos", "\"approver\""), Err(MayNot::Role));
        assert_eq!(may("kemensos/sentra-handayani", "\"editor\""), Err(MayNot::Concerned));
        assert_eq!(may("bnpt", "\"editor\""), Err(MayNot::Concerned));
        assert_eq!(may("cuta-be", "\"editor\""), Err(MayNot::Foreign));
    }

    #[test]
    fn an_approver_is_somebody_else_of_another_unit() {
        let floor = Floor::parse(include_str!("../../../config/floor.development.toml")).unwrap();
        let author = with_key(officer("o1", "kemensos", "\"editor\", \"approver\""));
        let may = |approver: Officer, needs| {
            may_approve(&approver, &author, &["o1", "o3"], needs, &floor)
        };
        let named = |name: &str, at: &str| with_key(officer(name, at, "\"approver\""));
        let two = Needs::TwoUnits;
        assert_eq!(may(author.clone(), two), Err(MayNot::Touched));
        assert_eq!(may(named("o2", "kemensos"), two), Err(MayNot::SameUnit));
        assert_eq!(may(named("o3", "bnpt"), two), Err(MayNot::Touched));
        assert_eq!(may(named("o4", "kemensos/sentra-handayani"), two), Ok(()));
        let same_agency = named("o4", "kemensos/sentra-handayani");
        assert_eq!(may(same_agency, Needs::TwoAgencies), Err(MayNot::SameAgency));
        assert_eq!(may(named("o5", "bnpt"), Needs::TwoAgencies), Ok(()));
        let mut twin = named("o6", "bnpt");
        twin.key = author.key.clone();
        assert_eq!(may(twin, two), Err(MayNot::Touched));
        let editor = with_key(officer("o7", "bnpt", "\"editor\""));
        assert_eq!(may(editor, two), Err(MayNot::Role));
    }
}
