//! One governed document as its text says.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{Officer, PartyRecord, agreements};
use crate::domain::json::canonical;
use crate::domain::{Agreement, Digest, DocumentKind, Phrase};
use crate::policy::{ExceptionSource, Source};
use crate::sign::PublicKey;

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
#[error("{}", .reason.clone().on_line(*.line))]
pub struct BadDocument {
    /// Line, from 1; 0 where none can be named.
    pub line: usize,
    /// Why.
    pub reason: Phrase,
}

impl BadDocument {
    /// Without a line.
    pub fn because(reason: Phrase) -> Self {
        Self { line: 0, reason }
    }

    /// All of it as one phrase.
    pub fn phrase(self) -> Phrase {
        self.reason.on_line(self.line)
    }
}

impl Document {
    /// Reads a text as a document named `id`. A text that names itself must do so by that id.
    ///
    /// # Errors
    /// [`BadDocument`].
    pub fn parse(kind: DocumentKind, id: &str, text: &str) -> Result<Self, BadDocument> {
        let because = |reason| BadDocument::because(Phrase::new(reason));
        let document = match kind {
            DocumentKind::Officer => {
                let officer: Officer = toml_of(text)?;
                officer.check().map_err(because)?;
                if officer.key.as_ref().is_some_and(|key| record::ed25519(key).is_none()) {
                    return Err(because("why-officer-key"));
                }
                if officer.passkeys.iter().any(|passkey| record::public(&passkey.key).is_none()) {
                    return Err(because("why-passkey-key"));
                }
                Self::Officer(officer)
            }
            DocumentKind::Party => {
                if let Some(what) = record::private_material(text) {
                    return Err(BadDocument::because(
                        Phrase::new("why-holds").telling("what", what),
                    ));
                }
                let party: PartyRecord = toml_of(text)?;
                record::check(&party).map_err(BadDocument::because)?;
                Self::Party(Box::new(party))
            }
            DocumentKind::Agreement => {
                let agreement = agreements::read_as(id, text);
                let agreement = agreement.map_err(|(at, reason)| line(at, reason))?;
                Self::Agreement(Box::new(agreement))
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
        if document.id() == id { Ok(document) } else { Err(because("why-named-otherwise")) }
    }

    /// What kind it is.
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::Officer(_) => DocumentKind::Officer,
            Self::Party(_) => DocumentKind::Party,
            Self::Agreement(_) => DocumentKind::Agreement,
            Self::Policy(_) => DocumentKind::Policy,
            Self::Exception(_) => DocumentKind::Exception,
        }
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

    /// The keys that it names: a party's, an officer's own and its passkeys'. Whoever approves it
    /// compares their thumbprints with what their holder says.
    pub fn keys(&self) -> Vec<PublicKey> {
        let jwks: Vec<&Value> = match self {
            Self::Party(party) => party.keys.iter().map(|key| &key.jwk).collect(),
            Self::Officer(officer) => {
                let passkeys = officer.passkeys.iter().map(|passkey| &passkey.key);
                officer.key.iter().chain(passkeys).collect()
            }
            Self::Agreement(_) | Self::Policy(_) | Self::Exception(_) => Vec::new(),
        };
        jwks.into_iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect()
    }

    /// Thumbprints of the keys that it names and `before` did not.
    pub fn new_thumbprints(&self, before: Option<&Self>) -> Vec<Digest> {
        let known: Vec<Digest> =
            before.iter().flat_map(|it| it.keys()).map(|key| key.thumbprint()).collect();
        let all = self.keys().into_iter().map(|key| key.thumbprint());
        all.filter(|thumbprint| !known.contains(thumbprint)).collect()
    }

    /// What officers sign: SHA-256 of its canonical form, in which comments and layout do not
    /// count.
    pub fn digest(&self) -> Digest {
        let of = |value: serde_json::Result<Value>| {
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

    /// Whether it says what `other` says; the number of a policy's version apart.
    pub fn says_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Policy(one), Self::Policy(other)) => {
                let mut same = one.clone();
                same.head.version = other.head.version;
                same.digest() == other.digest()
            }
            _ => self.kind() == other.kind() && self.digest() == other.digest(),
        }
    }
}

fn line(line: usize, reason: Phrase) -> BadDocument {
    BadDocument { line, reason }
}

fn toml_of<T: DeserializeOwned>(text: &str) -> Result<T, BadDocument> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        line(before + 1, Phrase::unreadable(error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREEMENT: &str = include_str!("../../../config/agreements/mou-id-be.toml");

    #[test]
    fn comments_do_not_count_and_words_do() {
        let of = |text: &str| Document::parse(DocumentKind::Agreement, "mou-id-be", text).unwrap();
        assert_eq!(of(AGREEMENT).digest(), of(&format!("# said\n{AGREEMENT}")).digest());
        assert_ne!(of(AGREEMENT).digest(), of(&AGREEMENT.replace("k = 10", "k = 11")).digest());
        let renamed = AGREEMENT.replace("mou-id-be", "mou-id-fr");
        assert!(Document::parse(DocumentKind::Agreement, "mou-id-be", &renamed).is_err());
    }
}
