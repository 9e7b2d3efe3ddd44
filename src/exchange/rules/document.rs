//! One governed document as its text says, and whether a change of it narrows what may pass.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::config::{KeyStatus, Officer, PartyRecord, agreements};
use crate::domain::json::canonical;
use crate::domain::{Agreement, Digest, DocumentKind, PartyKind};
use crate::policy::{ExceptionSource, Floor, Source};

use super::record;

/// A governed document, parsed.
#[derive(Debug, Clone)]
pub enum Document {
    /// Someone who decides.
    Officer(Officer),
    /// An organisation.
    Party(Box<PartyRecord>),
    /// An instrument.
    Agreement(Box<Agreement>),
    /// A policy, not yet compiled.
    Policy(Box<Source>),
    /// One message to one recipient, above its policy.
    Exception(Box<ExceptionSource>),
}

/// A text that is no document of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if *.line > 0 { format!("line {line}: ") } else { String::new() })]
pub struct BadDocument {
    /// Line, from 1; 0 where none can be named.
    pub line: usize,
    /// Why, in words.
    pub reason: String,
}

/// How long one officer alone may freeze a domestic social agency.
const FREEZE_ALONE_S: i64 = 12 * 3600;

impl Document {
    /// Reads a text as a document named `id`. A text that names itself must do so by that id.
    ///
    /// # Errors
    /// [`BadDocument`].
    pub fn parse(kind: DocumentKind, id: &str, text: &str) -> Result<Self, BadDocument> {
        let because = |reason: &str| BadDocument { line: 0, reason: reason.to_owned() };
        let document = match kind {
            DocumentKind::Officer => {
                let officer: Officer = toml_of(text)?;
                officer.check().map_err(because)?;
                if officer.key.as_ref().is_some_and(|key| record::ed25519(key).is_none()) {
                    return Err(because("an officer's `key` is an Ed25519 public JWK"));
                }
                Self::Officer(officer)
            }
            DocumentKind::Party => {
                if let Some(what) = record::private_material(text) {
                    return Err(BadDocument { line: 0, reason: format!("it holds {what}") });
                }
                let party: PartyRecord = toml_of(text)?;
                record::check(&party).map_err(|reason| BadDocument { line: 0, reason })?;
                Self::Party(Box::new(party))
            }
            DocumentKind::Agreement => {
                let file = format!("{id}.toml");
                let agreement = agreements::parse(Path::new(&file), text);
                Self::Agreement(Box::new(agreement.map_err(|error| because(&error.to_string()))?))
            }
            DocumentKind::Policy => {
                let source = Source::parse(id, text);
                Self::Policy(Box::new(source.map_err(|bad| line(bad.line, bad.reason))?))
            }
            DocumentKind::Exception => {
                let source = ExceptionSource::parse(id, text);
                Self::Exception(Box::new(source.map_err(|bad| line(bad.line, bad.reason))?))
            }
        };
        if document.id() == id { Ok(document) } else { Err(because("it names itself otherwise")) }
    }

    /// The id it gives itself.
    pub fn id(&self) -> &str {
        match self {
            Self::Officer(officer) => &officer.name,
            Self::Party(party) => party.id.as_str(),
            Self::Agreement(agreement) => &agreement.id,
            Self::Policy(source) => &source.id,
            Self::Exception(source) => &source.id,
        }
    }

    /// What officers sign: SHA-256 of its canonical form, in which comments and layout do not
    /// count.
    pub fn digest(&self) -> Digest {
        let of = |value: serde_json::Result<serde_json::Value>| {
            // a plain value of ours always has a canonical form
            let bytes = value.ok().and_then(|value| canonical(&value).ok()).unwrap_or_default();
            Digest::of(&bytes)
        };
        match self {
            Self::Officer(officer) => of(serde_json::to_value(officer)),
            Self::Party(party) => of(serde_json::to_value(party)),
            Self::Agreement(agreement) => of(serde_json::to_value(agreement)),
            Self::Policy(source) => source.digest(),
            Self::Exception(source) => source.digest(),
        }
    }

    /// Whether `self`, taking the place of `before` at `at` (unix seconds), lets nothing pass that
    /// did not pass before. Policies are compared leaf by leaf, see [`super::Judge::narrows`].
    pub(super) fn narrows(&self, before: &Self, floor: &Floor, at: i64) -> bool {
        match (before, self) {
            (Self::Officer(before), Self::Officer(after)) => {
                let same = Officer {
                    roles: before.roles.clone(),
                    disabled: before.disabled,
                    ..after.clone()
                };
                same == *before
                    && (after.disabled || !before.disabled)
                    && after.roles.iter().all(|role| before.roles.contains(role))
            }
            (Self::Party(before), Self::Party(after)) => party_narrows(before, after, floor, at),
            (Self::Agreement(before), Self::Agreement(after)) => agreement_narrows(before, after),
            (Self::Exception(before), Self::Exception(after)) => after.narrows(before),
            _ => false,
        }
    }
}

fn line(line: usize, reason: String) -> BadDocument {
    BadDocument { line, reason }
}

fn toml_of<T: DeserializeOwned>(text: &str) -> Result<T, BadDocument> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        line(before + 1, error.message().to_owned())
    })
}

/// A freeze, a key or certificate less, a key that is used no more.
fn party_narrows(before: &PartyRecord, after: &PartyRecord, floor: &Floor, at: i64) -> bool {
    let same = PartyRecord {
        frozen: before.frozen,
        frozen_until: before.frozen_until,
        keys: before.keys.clone(),
        certificates: before.certificates.clone(),
        units: before.units.clone(),
        ..after.clone()
    };
    let frozen = match (before.frozen, after.frozen) {
        (true, true) => before.frozen_until == after.frozen_until,
        (true, false) => false,
        (false, false) => after.frozen_until.is_none(),
        // whoever cares for children is not cut off for long by one officer alone
        (false, true) if floor.kind(&after.id, after.kind) == PartyKind::Social => after
            .frozen_until
            .is_some_and(|until| until.unix_timestamp() <= at.saturating_add(FREEZE_ALONE_S)),
        (false, true) => true,
    };
    let keys = after.keys.iter().all(|key| {
        before.keys.iter().any(|old| {
            let less = |status| matches!(status, KeyStatus::Retired | KeyStatus::Revoked);
            let revives = old.status == KeyStatus::Revoked && key.status != KeyStatus::Revoked;
            old.jwk == key.jwk
                && old.unit == key.unit
                && (old.status == key.status || (less(key.status) && !revives))
        })
    });
    same == *before
        && frozen
        && keys
        && after.certificates.iter().all(|pin| before.certificates.contains(pin))
        && after.units.iter().all(|unit| before.units.contains(unit))
}

fn agreement_narrows(before: &Agreement, after: &Agreement) -> bool {
    let printed = |agreement: &Agreement, other: &Agreement| {
        agreement.fingerprints.iter().all(|(party, printed)| {
            let known = other.fingerprints.get(party);
            printed.iter().all(|each| known.is_some_and(|known| known.contains(each)))
        })
    };
    before.title == after.title
        && after.parties.iter().all(|party| before.parties.contains(party))
        && after.messages.iter().all(|message| before.messages.contains(message))
        && after.purposes.iter().all(|purpose| before.purposes.contains(purpose))
        && after.k >= before.k
        && after.retention_days <= before.retention_days
        && after.from >= before.from
        && after.until <= before.until
        && printed(after, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: &str = include_str!("../../../config/floor.development.toml");
    const AGREEMENT: &str = include_str!("../../../config/agreements/mou-id-be.toml");

    fn floor() -> Floor {
        Floor::parse(FLOOR).unwrap()
    }

    fn party(id: &str, kind: &str, rest: &str) -> Document {
        // RFC 8037, appendix A
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let text = format!(
            "id = \"{id}\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"{kind}\"\n{rest}\n\
             [[keys]]\nstatus = \"active\"\njwk = {{ kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\" }}\n\
             [[certificates]]\nspki = \"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"\n"
        );
        Document::parse(DocumentKind::Party, id, &text).unwrap()
    }

    #[test]
    fn a_freeze_narrows_and_an_unfreezing_does_not() {
        let at = 1_795_507_200; // 2026-11-24T08:00:00Z
        let frozen = "frozen = true";
        let (open, shut) = (party("cuta-be", "foreign", ""), party("cuta-be", "foreign", frozen));
        assert!(shut.narrows(&open, &floor(), at));
        assert!(!open.narrows(&shut, &floor(), at));
        let open = party("kemensos", "social", "");
        for (rest, alone) in [
            ("frozen = true", false),
            ("frozen = true\nfrozen_until = \"2026-11-24T20:00:00Z\"", true),
            ("frozen = true\nfrozen_until = \"2026-11-24T20:00:01Z\"", false),
        ] {
            let shut = party("kemensos", "social", rest);
            assert_eq!(shut.narrows(&open, &floor(), at), alone, "{rest}");
        }
        // a stranger that calls itself social is foreign all the same
        let open = party("zarqolin", "social", "");
        assert!(party("zarqolin", "social", frozen).narrows(&open, &floor(), at));
    }

    #[test]
    fn an_agreement_narrows_only_downwards() {
        let parse = |text: &str| Document::parse(DocumentKind::Agreement, "mou-id-be", text);
        let before = parse(AGREEMENT).unwrap();
        for (from, to, narrows) in [
            ("k = 10", "k = 12", true),
            ("k = 10", "k = 9", false),
            ("until = 2027-12-31", "until = 2027-12-30", true),
            ("until = 2027-12-31", "until = 2028-01-01", false),
            ("[\"referral/1\", \"status/1\"]", "[\"status/1\"]", true),
            ("retention_days = 365", "retention_days = 366", false),
            ("title = \"M", "title = \"m", false),
        ] {
            let after = parse(&AGREEMENT.replace(from, to)).unwrap();
            assert_eq!(after.narrows(&before, &floor(), 0), narrows, "{to}");
        }
        assert!(parse(&AGREEMENT.replace("mou-id-be", "mou-id-fr")).is_err());
    }

    #[test]
    fn comments_do_not_count_and_words_do() {
        let of = |text: &str| Document::parse(DocumentKind::Agreement, "mou-id-be", text).unwrap();
        assert_eq!(of(AGREEMENT).digest(), of(&format!("# said\n{AGREEMENT}")).digest());
        assert_ne!(of(AGREEMENT).digest(), of(&AGREEMENT.replace("k = 10", "k = 11")).digest());
    }
}
