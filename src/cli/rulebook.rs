//! What a proposal is judged by, on the officer's own side: the floor and the documents in force as
//! the gateway has them. Nothing here puts anything in force.

use std::path::Path;

use time::Date;

use super::desk::Desk;
use super::exit::Failed;
use crate::config::{Officer, PartyRecord, file};
use crate::domain::{Agreement, DocumentKind, Language};
use crate::exchange::look::Surroundings;
use crate::exchange::rules::{Document, Judge};
use crate::policy::{Baseline, Compiled, Floor};
use crate::schema::Schemas;
use crate::wire::RulesView;

/// The floor, schemas and documents in force.
pub(super) struct Rulebook {
    pub(super) gateway: String,
    floor: Floor,
    baseline: Baseline,
    schemas: Schemas,
    parties: Vec<PartyRecord>,
    pub(super) agreements: Vec<Agreement>,
    officers: Vec<Officer>,
    /// Every document in force: kind, id and text.
    texts: Vec<(DocumentKind, String, String)>,
}

impl Rulebook {
    /// Asks the gateway of a home for it.
    pub(super) async fn of(desk: &Desk) -> Result<Self, Failed> {
        let RulesView { gateway, floor, baseline, documents, .. } = desk.rules().await?;
        let baseline = baseline.as_deref().map(Baseline::parse).transpose();
        let mut book = Self {
            gateway,
            floor: Floor::parse(&floor).map_err(Failed::unusable)?,
            baseline: baseline.map_err(Failed::unusable)?.unwrap_or_default(),
            schemas: Schemas::builtin().map_err(Failed::unusable)?,
            parties: Vec::new(),
            agreements: Vec::new(),
            officers: Vec::new(),
            texts: Vec::new(),
        };
        for (kind, id, _, text) in documents {
            match Document::parse(kind, &id, &text).map_err(Failed::unusable)? {
                Document::Party(party) => book.parties.push(*party),
                Document::Agreement(agreement) => book.agreements.push(*agreement),
                Document::Officer(officer) => book.officers.push(officer),
                Document::Policy(_) | Document::Exception(_) => {}
            }
            book.texts.push((kind, id, text));
        }
        Ok(book)
    }

    /// Opens the desk of a home and asks there.
    pub(super) async fn of_home(home: &Path) -> Result<Self, Failed> {
        Self::of(&Desk::open(home).await?).await
    }

    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            floor: &self.floor,
            schemas: &self.schemas,
            parties: &self.parties,
            agreements: &self.agreements,
        }
    }

    /// What synthetic cases are looked at with.
    pub(super) fn surroundings(&self, today: Date) -> Surroundings<'_> {
        let Self { schemas, agreements, baseline, .. } = self;
        Surroundings { schemas, agreements, baseline, today }
    }

    /// The officer in force of that name.
    pub(super) fn officer(&self, name: &str) -> Option<&Officer> {
        self.officers.iter().find(|known| known.name == name)
    }

    /// In which language an officer is spoken to.
    pub(super) fn language(&self, officer: &str) -> Language {
        self.officer(officer).map(|officer| officer.language).unwrap_or_default()
    }

    /// A version of a policy: a file, or what is in force under that id.
    pub(super) fn version(&self, named: &Path) -> Result<Compiled, Failed> {
        if !is_file(named) {
            return self.policy(&named.to_string_lossy());
        }
        self.compiled(&stem(named), &file::read_text(named)?, &named.display().to_string())
    }

    /// The policy in force under that id.
    pub(super) fn policy(&self, id: &str) -> Result<Compiled, Failed> {
        let Some(text) = self.text(DocumentKind::Policy, id) else {
            let known: Vec<_> = self.policies().map(|(known, _)| known).collect();
            let known = known.join(", ");
            return Err(Failed::because(format!("no such policy; there are: {known}")));
        };
        self.compiled(id, text, id)
    }

    /// The text in force of a document, if one is.
    pub(super) fn text(&self, kind: DocumentKind, id: &str) -> Option<&str> {
        let known = self.texts.iter().find(|(of, known, _)| (*of, known.as_str()) == (kind, id));
        known.map(|(_, _, text)| text.as_str())
    }

    /// Policies in force: id and text.
    fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        let policies = self.texts.iter().filter(|(kind, _, _)| *kind == DocumentKind::Policy);
        policies.map(|(_, id, text)| (id.as_str(), text.as_str()))
    }

    /// The policy in force under that id, if there is one.
    pub(super) fn find(&self, id: &str) -> Option<Compiled> {
        self.policy(id).ok()
    }

    /// An exception compiled, and the policy in force that it is above; `None` where it does not
    /// compile or nothing stands below it.
    pub(super) fn exception(&self, id: &str, text: &str) -> Option<(Compiled, Compiled)> {
        let document = Document::parse(DocumentKind::Exception, id, text).ok()?;
        let Document::Exception(source) = document else { return None };
        let standing = self.policies().find_map(|(id, text)| {
            let policy = self.judge().compile(id, text).ok()?;
            let is_for = policy.sender().covers(source.sender())
                && policy.recipient().covers(source.recipient())
                && policy.message() == source.message()
                && policy.purpose() == source.purpose();
            is_for.then_some(policy)
        })?;
        let above = self.judge().compile_exception(&source, 1, Some(standing.source())).ok()?;
        Some((standing, above))
    }

    pub(super) fn compiled(&self, id: &str, text: &str, name: &str) -> Result<Compiled, Failed> {
        self.judge().compile(id, text).map_err(|findings| {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            Failed::because(format!("`{name}` does not compile: {first}"))
        })
    }
}

/// Whether a word on the command line names a file, and not a document by its id, which may have
/// dots.
pub(super) fn is_file(named: &Path) -> bool {
    let text = named.as_os_str().as_encoded_bytes();
    text.contains(&b'/') || text.ends_with(b".toml")
}

/// A file's name without `.toml`.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
