//! The life of governed documents, the same for every kind: look, draft, propose, approve, give
//! back, give up.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::confirm::Confirm;
use super::desk::Desk;
use super::exit::{Done, Exit, Failed};
use super::policy::At;
use super::printer::Printer;
use super::rulebook::{Rulebook, is_file, stem};
use super::signer::Signer;
use super::version::{approved_by, line, tell_change, told};
use crate::client::admin::Change;
use crate::client::officer::OfficerKey;
use crate::config::{Access, file};
use crate::domain::{Act as WasDone, Approval, DocumentKind, SignerRole, VersionState};
use crate::exchange::change::digest_of;
use crate::exchange::rules::signatures::public_key;
use crate::sign::unverified_claims;
use crate::wire::{ActAsk, DraftAsk, StepView, VersionView, VersionsAsk, WordAsk};

/// What is done with versions
#[derive(Debug, Subcommand)]
pub(super) enum Life {
    List(List),
    History(History),
    Export(Export),
    Import(Import),
    Propose(Propose),
    Approve(Approve),
    /// Give a proposal back: it is a draft again, for its author to change
    Return(Act),
    /// Give a draft or a proposal up, for good
    Withdraw(Act),
}

/// List every version: draft, proposed, scheduled, in force, superseded
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only what this officer may see
    #[arg(long = "as", value_name = "OFFICER")]
    officer: Option<String>,
    #[command(flatten)]
    at: At,
}

/// Show what was done with each version, by whom and why
#[derive(Debug, Args)]
pub(super) struct History {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    at: At,
}

/// Write a version as it was written, comments and all
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
    /// Which version; the one in force without it
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Where to write it; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

/// Keep a file as a draft; nothing is in force by it
#[derive(Debug, Args)]
pub(super) struct Import {
    /// TOML, named by the document's id
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The draft that it takes the place of; it becomes a version of its own without it
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// The document's id, where the file is not named by it
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    signer: Signer,
}

/// Propose a file or a draft, signed; what only narrows is in force with it
#[derive(Debug, Args)]
pub(super) struct Propose {
    /// A file, or the id of a draft
    #[arg(value_name = "WHAT")]
    what: PathBuf,
    /// The document's id, where the file is not named by it
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Why; name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// From when it is to be in force, RFC 3339; as soon as it is approved without it
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<i64>,
    /// Of a draft that another wrote: version and digest that you have looked at, as they are shown
    #[arg(long, value_name = "VERSION:DIGEST")]
    confirm: Option<Confirm>,
    #[command(flatten)]
    signer: Signer,
}

/// Look at a proposal and approve it, signed; you are another officer of another unit
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
    /// Version and digest that you have looked at, as they are shown; without it nothing is signed
    #[arg(long, value_name = "VERSION:DIGEST")]
    confirm: Option<Confirm>,
    /// Why; name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// What is given back or up
#[derive(Debug, Args)]
pub(super) struct Act {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
    /// Which version
    #[arg(long, value_name = "N")]
    version: u32,
    /// Why; recorded, so name no person
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who you are
    #[arg(long = "as", value_name = "OFFICER")]
    officer: String,
    #[command(flatten)]
    at: At,
}

fn moment(text: &str) -> Result<i64, String> {
    let format = time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text, &format)
        .map(time::OffsetDateTime::unix_timestamp)
        .map_err(|_form| "a moment is written `2026-12-01T09:00:00+07:00`".to_owned())
}

impl Life {
    pub(super) async fn run(self, printer: Printer, kind: DocumentKind) -> Done {
        match self {
            Self::List(list) => {
                let ask = VersionsAsk { kind: Some(kind), id: None, officer: list.officer };
                let versions = Desk::open(list.at.home()).await?.versions(&ask).await?;
                printer.json(&versions);
                for view in &versions {
                    line(printer, view);
                }
                Ok(())
            }
            Self::History(history) => history.run(printer, kind).await,
            Self::Export(export) => export.run(printer, kind).await,
            Self::Import(import) => {
                let (id, text) = named(kind, &import.file, import.id.as_deref())?;
                let desk = import.signer.desk().await?;
                let ask = DraftAsk {
                    officer: import.signer.officer().to_owned(),
                    kind,
                    id,
                    text,
                    version: import.version,
                };
                told(printer, &desk.change(&Change::Draft(ask)).await?);
                Ok(())
            }
            Self::Propose(propose) => propose.run(printer, kind).await,
            Self::Approve(approve) => approve.run(printer, kind).await,
            Self::Return(act) => act.run(printer, kind, Change::Return).await,
            Self::Withdraw(act) => act.run(printer, kind, Change::Withdraw).await,
        }
    }
}

impl History {
    async fn run(self, printer: Printer, kind: DocumentKind) -> Done {
        let versions = versions(&Desk::open(self.at.home()).await?, kind, &self.id).await?;
        printer.json(&versions);
        for view in &versions {
            line(printer, view);
            for step in &view.steps {
                let signed = if step.word.is_some() { ", signed" } else { "" };
                let why = if step.reason.is_empty() {
                    String::new()
                } else {
                    format!(": {}", step.reason)
                };
                printer.line(format!(
                    "    {}  {} by {}{signed}{why}",
                    step.at, step.act, step.officer
                ));
            }
        }
        Ok(())
    }
}

impl Export {
    async fn run(self, printer: Printer, kind: DocumentKind) -> Done {
        let versions = versions(&Desk::open(self.at.home()).await?, kind, &self.id).await?;
        let wanted = versions.into_iter().find(|view| match self.version {
            Some(version) => view.version == version,
            // nothing took the place of what has ended
            None => matches!(view.stands.as_str(), "in_force" | "ended"),
        });
        let view = wanted.ok_or_else(|| Failed::because("there is no such version"))?;
        printer.json(&view);
        match &self.output {
            None if printer.is_json() => {}
            None => printer.text(view.text.trim_end_matches('\n')),
            Some(path) => file::write_new(path, view.text.as_bytes(), Access::Everyone)?,
        }
        Ok(())
    }
}

impl Propose {
    async fn run(self, printer: Printer, kind: DocumentKind) -> Done {
        let desk = self.signer.desk().await?;
        let why = (self.reason.as_str(), self.from);
        if is_file(&self.what) {
            if self.confirm.is_some() {
                return Err(Failed::because("--confirm is for a draft, by its id; not for a file"));
            }
            let (id, text) = named(kind, &self.what, self.id.as_deref())?;
            return offer(printer, &desk, &self.signer, (kind, id, text), why).await;
        }
        let all = versions(&desk, kind, &self.what.to_string_lossy()).await?;
        let (view, book) = (latest(all, VersionState::Draft)?, Rulebook::of(&desk).await?);
        let writer = writer_of(&view);
        match &self.confirm {
            Some(confirm) => confirm.check(&view)?,
            None if writer == Some(self.signer.officer()) => {}
            None => {
                told(printer, &view);
                tell_change(printer, &book, &view, book.language(self.signer.officer()));
                printer.line(format!("written by {}", writer.unwrap_or("nobody")));
                return Err(unsigned("propose", &view));
            }
        }
        let author = Author::of(book, &self.signer)?;
        propose(printer, &desk, &author, view, why).await
    }
}

/// A file's document id and text. A file that is named otherwise than what it says is no mistake of
/// the text: it is told with which words it is taken.
fn named(kind: DocumentKind, file: &Path, id: Option<&str>) -> Result<(String, String), Failed> {
    let text = file::read_text(file)?;
    if let Some(id) = id {
        return Ok((id.to_owned(), text));
    }
    let member = match kind {
        DocumentKind::Officer => Some("name"),
        DocumentKind::Party | DocumentKind::Agreement => Some("id"),
        DocumentKind::Policy | DocumentKind::Exception => None,
    };
    let said = member.zip(text.parse::<toml::Table>().ok());
    let said = said.and_then(|(member, table)| table.get(member)?.as_str().map(str::to_owned));
    let stem = stem(file);
    match said {
        Some(said) if said != stem => Err(Failed::because(format!(
            "`{}` is not named by its {kind}'s id; say it: --id {said}",
            file.display()
        ))),
        _ => Ok((stem, text)),
    }
}

/// Who wrote the text that a draft has now.
fn writer_of(view: &VersionView) -> Option<&str> {
    let writes = |step: &&StepView| matches!(step.act, WasDone::Seeded | WasDone::Drafted);
    view.steps.iter().rfind(writes).map(|step| step.officer.as_str())
}

/// Who proposes, ready to sign, and what the change is judged by.
struct Author {
    key: OfficerKey,
    book: Rulebook,
    /// How whoever comes next says with which key it signs.
    with_key: &'static str,
}

impl Author {
    /// Opens the key and looks whether it is the officer's own: afterwards something is recorded.
    fn of(book: Rulebook, signer: &Signer) -> Result<Self, Failed> {
        let key = signer.open()?;
        let known = book.officer(key.name()).and_then(public_key);
        if known.is_some_and(|known| known.thumbprint() != key.public().thumbprint()) {
            let words = format!("this is not the key that `{}` is in force with", key.name());
            return Err(Failed::refused(words));
        }
        Ok(Self { key, book, with_key: signer.with_key() })
    }
}

/// Drafts a text and proposes the draft; one that is not taken is given up again, so that a
/// proposal that failed leaves nothing to tidy up.
pub(super) async fn offer(
    printer: Printer,
    desk: &Desk,
    signer: &Signer,
    (kind, id, text): (DocumentKind, String, String),
    why: (&str, Option<i64>),
) -> Done {
    let (book, officer) = (Rulebook::of(desk).await?, signer.officer().to_owned());
    let ask = DraftAsk { officer: officer.clone(), kind, id: id.clone(), text, version: None };
    let ask = Change::Draft(ask);
    let draft = desk.change(&ask);
    let (author, view) = if book.officer(&officer).is_some() {
        (Author::of(book, signer)?, draft.await?)
    } else {
        // of a name that nobody has the gateway takes nothing, and says so in its own words
        let view = draft.await?;
        (Author::of(book, signer)?, view)
    };
    let version = view.version;
    let proposed = propose(printer, desk, &author, view, why).await;
    if let Err(failed) = &proposed
        && failed.exit != Exit::Temporary
    {
        let reason = "its proposal was not taken".to_owned();
        let act = ActAsk { officer, kind, id, version, reason };
        if desk.change(&Change::Withdraw(act)).await.is_err() {
            printer.note(format!("the draft of version {version} is left"));
        }
    }
    proposed
}

/// Signs a draft as its author. The digest is made here, from the text itself.
async fn propose(
    printer: Printer,
    desk: &Desk,
    Author { key, book, with_key }: &Author,
    view: VersionView,
    (reason, from): (&str, Option<i64>),
) -> Done {
    tell_change(printer, book, &view, book.language(key.name()));
    let word = word(book, &view, (SignerRole::Author, from))?;
    let ask = WordAsk { word: key.sign(word)?, reason: reason.to_owned() };
    let view = desk.change(&Change::Propose(ask)).await?;
    told(printer, &view);
    if view.state == VersionState::Proposed {
        let (kind, id, of) = (view.kind, &view.id, approved_by(&view));
        printer.line(format!(
            "next: an officer of another {of} runs `titian {kind} approve {id} --as OFFICER{with_key}`"
        ));
    }
    Ok(())
}

impl Approve {
    async fn run(self, printer: Printer, kind: DocumentKind) -> Done {
        let desk = self.signer.desk().await?;
        let book = Rulebook::of(&desk).await?;
        let view = latest(versions(&desk, kind, &self.id).await?, VersionState::Proposed)?;
        let proposal = view.steps.iter().rfind(|s| s.act == WasDone::Proposed);
        let from = proposal.and_then(|step| step.word.as_deref()).and_then(begins);
        let word = word(&book, &view, (SignerRole::Approver, from))?;
        let Some(confirm) = &self.confirm else {
            told(printer, &view);
            tell_change(printer, &book, &view, book.language(self.signer.officer()));
            if let Some(step) = proposal {
                printer.line(format!("proposed by {}: {}", step.officer, step.reason));
            }
            return Err(unsigned("approve", &view));
        };
        confirm.check(&view)?;
        let word = self.signer.open()?.sign(word)?;
        let ask = WordAsk { word, reason: self.reason.clone() };
        told(printer, &desk.change(&Change::Approve(ask)).await?);
        Ok(())
    }
}

impl Act {
    async fn run(
        self,
        printer: Printer,
        kind: DocumentKind,
        change: impl FnOnce(ActAsk) -> Change,
    ) -> Done {
        let Self { id, version, reason, officer, at } = self;
        let ask = ActAsk { officer, kind, id, version, reason };
        told(printer, &Desk::open(at.home()).await?.change(&change(ask)).await?);
        Ok(())
    }
}

/// The versions of one document, of which there must be one.
pub(super) async fn versions(
    desk: &Desk,
    kind: DocumentKind,
    id: &str,
) -> Result<Vec<VersionView>, Failed> {
    let ask = VersionsAsk { kind: Some(kind), id: Some(id.to_owned()), officer: None };
    let versions = desk.versions(&ask).await?;
    if versions.is_empty() {
        return Err(Failed::because(format!("there is no {kind} `{id}`")));
    }
    Ok(versions)
}

fn latest(versions: Vec<VersionView>, state: VersionState) -> Result<VersionView, Failed> {
    let found = versions.into_iter().rfind(|view| view.state == state);
    found.ok_or_else(|| Failed::because(format!("no version of it is {state}")))
}

/// The word about a version, its digest made here from the text.
fn word(
    book: &Rulebook,
    view: &VersionView,
    (role, from): (SignerRole, Option<i64>),
) -> Result<Approval, Failed> {
    let digest = digest_of(view.kind, &view.id, &view.text).map_err(Failed::unusable)?;
    if digest.to_string() != view.digest {
        return Err(Failed::refused("the gateway names another digest than the text has"));
    }
    Ok(Approval {
        iss: String::new(),
        aud: book.gateway.clone(),
        iat: super::signer::now(),
        kind: view.kind,
        id: view.id.clone(),
        version: view.version,
        digest,
        role,
        from,
    })
}

/// What is answered to whoever has looked, and says with which words it is signed.
fn unsigned(act: &str, view: &VersionView) -> Failed {
    let confirm = Confirm::of(view);
    Failed::refused(format!(
        "nothing was signed; if this is what you {act}, run it again with --confirm {confirm}"
    ))
}

/// From when the author wants it to be in force.
fn begins(word: &str) -> Option<i64> {
    unverified_claims(word)?.get("from")?.as_i64()
}
