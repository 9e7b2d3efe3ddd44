//! Who may do what with a governed document.
//!
//! Two people decide: an author, and an approver of another unit who has not touched the draft. How
//! many a change takes says [`Effect`]: one where it narrows, two agencies for an exception.
//!
//! Two questions are kept apart: whether officers may decide now, under the floor
//! ([`may_author`], [`may_approve`]), and whether they could by what was when they signed
//! ([`may_sign`], [`may_countersign`]), which is asked again each time the rules are built.

use super::document::Document;
use super::effect::Effect;
use crate::config::{Officer, Role};
use crate::domain::{Address, DocumentKind, Needs, PartyKind, Phrase};
use crate::policy::Floor;

/// Why an officer may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.phrase())]
pub enum MayNot {
    /// No officer of that name, or a disabled one.
    Unknown,
    /// It lacks the role.
    Role,
    /// A foreign officer decides about nothing here.
    Foreign,
    /// It is neither of the sender's nor of the recipient's party and unit.
    Concerned,
    /// It wrote or proposed the version itself.
    Touched,
    /// It is of the same unit as the author.
    SameUnit,
    /// It is of the same agency as the author.
    SameAgency,
}

impl MayNot {
    /// In words.
    pub fn phrase(self) -> Phrase {
        Phrase::new(match self {
            Self::Unknown => "why-unknown-officer",
            Self::Role => "why-role",
            Self::Foreign => "why-foreign-officer",
            Self::Concerned => "why-not-concerned",
            Self::Touched => "why-touched",
            Self::SameUnit => "why-same-unit",
            Self::SameAgency => "why-same-agency",
        })
    }
}

/// Whether `officer` may write and propose `document`, of which `effect` says what it changes.
///
/// # Errors
/// [`MayNot`].
pub fn may_author(
    officer: &Officer,
    document: &Document,
    effect: Effect,
    floor: &Floor,
) -> Result<(), MayNot> {
    active(officer, floor)?;
    // at three in the morning a duty officer may stop what flows; nothing else
    if !officer.is(Role::Editor) && !effect.only_freezes {
        return Err(MayNot::Role);
    }
    let kind = document.kind();
    may_sign(officer, kind, effect.needs)?;
    if is_concerned(officer, document) { Ok(()) } else { Err(MayNot::Concerned) }
}

/// Whether an officer's roles let it be the author of a document that takes so many officers.
///
/// # Errors
/// [`MayNot`].
pub fn may_sign(officer: &Officer, kind: DocumentKind, needs: Needs) -> Result<(), MayNot> {
    if officer.disabled {
        return Err(MayNot::Unknown);
    }
    let stops = needs == Needs::One && kind == DocumentKind::Party;
    let roles: &[Role] =
        if stops { &[Role::Editor, Role::Approver, Role::Operator] } else { &[Role::Editor] };
    if roles.iter().any(|role| officer.is(*role)) { Ok(()) } else { Err(MayNot::Role) }
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
    may_countersign(officer, author, touched, needs)
}

/// Whether an officer is another than the author, of another unit or agency, and may approve.
///
/// # Errors
/// [`MayNot`].
pub fn may_countersign(
    officer: &Officer,
    author: &Officer,
    touched: &[&str],
    needs: Needs,
) -> Result<(), MayNot> {
    let is_author = officer.name == author.name || share_key(officer, author);
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

/// Whether, among `officers`, somebody can write and somebody of another unit can approve it:
/// without such two nothing would ever change again.
pub fn can_decide(officers: &[Officer], floor: &Floor) -> bool {
    let with_key = |officer: &&Officer| officer.key.is_some() && active(officer, floor).is_ok();
    let editors = officers.iter().filter(with_key).filter(|officer| officer.is(Role::Editor));
    editors.into_iter().any(|editor| {
        let mut others = officers.iter().filter(with_key);
        others.any(|other| may_countersign(other, editor, &[], Needs::TwoUnits).is_ok())
    })
}

/// Whether `author` alone may make of the officer `before` what `after` says: of its own party, and
/// with every role that goes left to somebody beside the author. One editor does not choose who
/// else decides.
pub fn may_take_alone(
    author: &Officer,
    (before, after): (&Officer, &Officer),
    officers: &[Officer],
    floor: &Floor,
) -> bool {
    let goes = |role: &&Role| !before.disabled && (after.disabled || !after.is(**role));
    let has = |other: &Officer, role: Role| match role {
        Role::Operator => other.is(role) && other.address() == before.address(),
        Role::Auditor => other.is(role) && other.party == before.party,
        Role::Editor | Role::Approver => {
            other.is(role) && other.party == before.party && other.key.is_some()
        }
    };
    let others = || officers.iter().filter(|other| other.name != author.name);
    let is_left = |role: &Role| {
        let mut others = others().filter(|other| other.name != before.name);
        others.any(|other| has(other, *role) && active(other, floor).is_ok())
    };
    let now: Vec<Officer> = others().cloned().collect();
    let mut then = now.clone();
    then.iter_mut().filter(|other| other.name == after.name).for_each(|it| *it = after.clone());
    author.party == before.party
        && before.roles.iter().filter(goes).all(is_left)
        && (!can_decide(&now, floor) || can_decide(&then, floor))
}

/// Whether two officers, by name or not, hold one key.
pub fn share_key(one: &Officer, other: &Officer) -> bool {
    points(one).any(|key| points(other).any(|known| known == key))
}

/// Whether it may decide about anything: it is not disabled, and domestic.
///
/// # Errors
/// [`MayNot`].
pub fn active(officer: &Officer, floor: &Floor) -> Result<(), MayNot> {
    if officer.disabled {
        return Err(MayNot::Unknown);
    }
    // whatever its record says: whoever the floor does not list is foreign
    match floor.kind(&officer.party, PartyKind::Social) {
        PartyKind::Foreign => Err(MayNot::Foreign),
        _ => Ok(()),
    }
}

/// The points of an officer's keys: one key under two names is one person.
fn points(officer: &Officer) -> impl Iterator<Item = &str> {
    let passkeys = officer.passkeys.iter().map(|passkey| &passkey.key);
    officer.key.iter().chain(passkeys).filter_map(|key| key.get("x")?.as_str())
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
            may_author(&officer("o1", at, roles), &abroad(), Effect::WIDENS, &floor)
        };
        assert_eq!(may("kemensos", "\"editor\""), Ok(()));
        assert_eq!(may("kemensos", "\"approver\""), Err(MayNot::Role));
        assert_eq!(may("kemensos/sentra-handayani", "\"editor\""), Err(MayNot::Concerned));
        assert_eq!(may("bnpt", "\"editor\""), Err(MayNot::Concerned));
        assert_eq!(may("cuta-be", "\"editor\""), Err(MayNot::Foreign));
        // a duty officer freezes a party, and does nothing else with it
        let record = "id = \"bnpt\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"justice\"";
        let party = Document::Party(Box::new(toml::from_str(record).unwrap()));
        let duty = officer("o1", "kemensos", "\"operator\"");
        let narrows = Effect { needs: Needs::One, narrows: true, only_freezes: false };
        assert_eq!(may_author(&duty, &party, narrows, &floor), Err(MayNot::Role));
        let freezes = Effect { only_freezes: true, ..narrows };
        assert_eq!(may_author(&duty, &party, freezes, &floor), Ok(()));
        let too_long = Effect { needs: Needs::TwoUnits, ..freezes };
        assert_eq!(may_author(&duty, &party, too_long, &floor), Err(MayNot::Role));
    }

    #[test]
    fn one_editor_alone_does_not_choose_who_else_decides() {
        let floor = Floor::parse(include_str!("../../../config/floor.development.toml")).unwrap();
        let of = |name, at, roles| with_key(officer(name, at, roles));
        let all = [
            of("e1", "kemensos", "\"editor\", \"operator\""),
            of("e2", "kemensos", "\"editor\", \"operator\""),
            of("e3", "kemensos", "\"operator\""),
            of("a1", "kemensos/sentra-handayani", "\"approver\""),
            of("a2", "kemensos/sentra-handayani", "\"approver\", \"operator\""),
            of("a3", "bnpt", "\"approver\""),
        ];
        let may = |author: &str, name: &str, all: &[Officer]| {
            let named = |name| all.iter().find(|officer| officer.name == name).unwrap();
            let before = named(name);
            let after = Officer { disabled: true, ..before.clone() };
            may_take_alone(named(author), (before, &after), all, &floor)
        };
        assert!(may("e1", "a1", &all) && may("e1", "e3", &all));
        assert!(!may("e1", "a3", &all), "another party's");
        assert!(!may("e1", "a2", &all), "the unit's last operator");
        assert!(!may("e1", "e2", &all), "no editor beside the author");
        assert!(may("e1", "e1", &all), "itself, if others are left");
        let keyless = [all[0].clone(), all[3].clone(), officer("a4", "kemensos", "\"approver\"")];
        assert!(!may("e1", "a1", &keyless), "whoever is left can sign nothing");
        // an editor of the party is left, whose only approver of another unit would go
        let abroad = of("a5", "kemensos", "\"approver\"");
        let mut few = vec![all[0].clone(), all[1].clone(), all[3].clone(), abroad];
        assert!(!may("e1", "a1", &few), "what is left could decide nothing without the author");
        few.push(all[5].clone());
        assert!(may("e1", "a1", &few));
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
