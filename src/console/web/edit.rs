//! Editing what is governed: a form for policies, a text for everything else, and beside it what
//! it would come to.
//!
//! What is kept is a draft: a version that puts nothing in force. A draft that somebody else has
//! changed meanwhile is not overwritten: both texts are shown, and one chooses. What is typed and
//! not kept yet is remembered with each preview.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::Site;
use super::edit_form::{Fields, Posted, Shape, shape, text_of};
use super::fault::Fault;
use super::page::{Page, html, see};
use super::preview::{Depth, Look, lines_between, look};
use super::session::Seat;
use crate::config::Role;
use crate::domain::{Act, Digest, DocumentKind, VersionState};
use crate::exchange::change::{self, ChangeFault};
use crate::exchange::would::would;
use crate::exchange::{ticket, versions};
use crate::policy::{Finding, Source};
use crate::wire::{DraftAsk, VersionView, VersionsAsk};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/edit/{kind}/{id}", get(open))
        .route("/edit/{kind}/{id}/preview", post(preview))
        .route("/edit/{kind}/{id}/save", post(save))
        .route("/edit/{kind}/{id}/forget", post(forget))
}

type Named = (DocumentKind, String);

/// How long what is not kept yet is remembered.
const REMEMBERED_S: i64 = 24 * 3600;
const REMEMBERED: &str = "edit";

/// Where an edit begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Begin {
    /// The text that it begins with.
    pub(super) text: String,
    /// The draft that it rewrites; absent, it becomes a version of its own.
    pub(super) draft: Option<u32>,
    /// SHA-256 of that draft's text as it was read.
    pub(super) made_from: String,
    /// Of which version it is the text.
    pub(super) from: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// Of which version.
    from: Option<u32>,
    /// `text` for the text of a policy.
    #[serde(rename = "as")]
    form: Option<String>,
    /// Whether to go on with what was not kept.
    unsaved: Option<String>,
}

#[derive(Template)]
#[template(path = "edit.html")]
struct Edit {
    page: Page,
    kind: DocumentKind,
    id: String,
    begin: Begin,
    /// A policy as a form; else its text.
    shape: Option<Shape>,
    /// What is beside it.
    beside: Beside,
    /// Other versions to begin with: number, and how each stands.
    others: Vec<(u32, String)>,
    /// Whether something was typed before and not kept.
    unsaved: bool,
    fault: Option<String>,
}

/// What stands beside the form, and answers while one edits.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) look: Look,
    /// How many officers it takes.
    pub(super) needs: Option<String>,
}

#[derive(Template)]
#[template(path = "edit_fragment.html")]
struct Fragment {
    page: Page,
    beside: Beside,
}

#[derive(Template)]
#[template(path = "edit_conflict.html")]
struct Conflict {
    page: Page,
    kind: DocumentKind,
    id: String,
    /// What was to be kept.
    mine: String,
    draft: u32,
    /// The draft as it is now, and its digest; `None` if it is a draft no more.
    kept: Option<(String, String)>,
    /// From the one kept since to one's own, line by line.
    lines: Vec<String>,
    /// The same in sentences.
    changes: Option<crate::policy::DiffSentences>,
}

/// Only editors write.
pub(super) fn may_edit(seat: &Seat) -> Result<(), Fault> {
    if seat.officer.is(Role::Editor) { Ok(()) } else { Err(Fault::MayNot) }
}

pub(super) async fn versions_of(
    seat: &Seat,
    (kind, id): (DocumentKind, &str),
) -> Result<Vec<VersionView>, Fault> {
    let officer = Some(seat.officer.name.clone());
    let ask = VersionsAsk { kind: Some(kind), id: Some(id.to_owned()), officer };
    Ok(versions::list(seat.gateway(), &ask).await?)
}

/// The text in force, if there is one.
fn in_force(views: &[VersionView]) -> &str {
    let found = views.iter().find(|view| view.stands == "in_force");
    found.map_or("", |view| view.text.as_str())
}

/// Whether it is a draft that the officer may rewrite: one of its own party, or that came with the
/// home. Of another's a draft of its own is made.
fn may_rewrite(seat: &Seat, view: &VersionView) -> bool {
    let rules = seat.gateway().rules();
    let is_own = |officer: &str| {
        let officer = rules.history.now(officer, i64::MAX);
        officer.is_some_and(|officer| officer.party == seat.officer.party)
    };
    let mut steps = view.steps.iter().filter(|step| step.act != Act::Seeded).peekable();
    view.state == VersionState::Draft
        && (steps.peek().is_none() || steps.any(|step| is_own(&step.officer)))
}

/// Where to begin: at the version that was asked for, at the newest draft, at what is in force.
fn begin(seat: &Seat, views: &[VersionView], from: Option<u32>) -> Option<Begin> {
    let draft = |view: &&VersionView| may_rewrite(seat, view);
    let view = match from {
        Some(from) => views.iter().find(|view| view.version == from)?,
        None => views
            .iter()
            .rfind(draft)
            .or_else(|| views.iter().find(|view| view.stands == "in_force"))
            .or(views.last())?,
    };
    let is_draft = may_rewrite(seat, view);
    Some(Begin {
        text: view.text.clone(),
        draft: is_draft.then_some(view.version),
        made_from: digest(&view.text),
        from: Some(view.version),
    })
}

fn digest(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

async fn open(
    seat: Seat,
    Path((kind, id)): Path<Named>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let shown = async {
        may_edit(&seat)?;
        let views = versions_of(&seat, (kind, &id)).await?;
        let mut begin = match begin(&seat, &views, asked.from) {
            Some(begin) => begin,
            // what is not there yet is written as a text; a policy begins with a template
            None if kind != DocumentKind::Policy && asked.from.is_none() && is_name(&id) => {
                Begin::default()
            }
            None => return Err(Fault::Unknown),
        };
        let kept = remembered(&seat, (kind, &id)).await?;
        let mut unsaved = kept.as_ref().is_some_and(|kept| kept.text != begin.text);
        if let Some(kept) = kept.filter(|_| asked.unsaved.is_some()) {
            (begin, unsaved) = (kept, false);
        }
        let as_text = asked.form.as_deref() == Some("text");
        let about = About { kind, id: &id, views: &views, as_text };
        about.page(&seat, begin, (unsaved, None), StatusCode::OK).await
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}

fn is_name(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(fits)
}

/// What is edited.
pub(super) struct About<'a> {
    pub(super) kind: DocumentKind,
    pub(super) id: &'a str,
    pub(super) views: &'a [VersionView],
    pub(super) as_text: bool,
}

impl About<'_> {
    /// The editor, with that text in it.
    pub(super) async fn page(
        &self,
        seat: &Seat,
        begin: Begin,
        (unsaved, fault): (bool, Option<String>),
        status: StatusCode,
    ) -> Result<Response, Fault> {
        let (mut page, rules) = (seat.page(), seat.gateway().rules());
        // where the other language finds it, whatever form it answers
        if !self.views.is_empty() || self.kind != DocumentKind::Policy {
            page.path = format!("/edit/{}/{}", self.kind, self.id);
        }
        let source = Source::parse(self.id, &begin.text).ok();
        let is_form = self.kind == DocumentKind::Policy && !self.as_text;
        let source = source.filter(|_| is_form);
        let shape = source.and_then(|source| shape(&rules, &page, &source, &begin.text));
        let beside = self.beside(seat, &begin.text, Vec::new()).await?;
        let others = self.views.iter().filter(|view| Some(view.version) != begin.from);
        let others = others.map(|view| (view.version, view.stands.clone()));
        let edit = Edit {
            page,
            kind: self.kind,
            id: self.id.to_owned(),
            shape,
            beside,
            others: others.collect(),
            begin,
            unsaved,
            fault,
        };
        Ok(html(status, &edit))
    }

    async fn beside(&self, seat: &Seat, text: &str, more: Vec<Finding>) -> Result<Beside, Fault> {
        let named = (self.kind, self.id);
        let gateway = seat.gateway();
        let before = in_force(self.views);
        let mut look = look(gateway, &seat.visit.page, named, (text, before), Depth::Cases);
        let would = would(gateway, &seat.officer.name, named, text).await?;
        look.told.findings = more;
        look.told.findings.extend(would.findings);
        let needs = would.needs.filter(|_| look.told.findings.is_empty());
        Ok(Beside { look, needs: needs.map(|needs| needs.to_string()) })
    }
}

/// The text that a form makes, and where it began.
fn typed(seat: &Seat, (kind, id): (DocumentKind, &str), fields: &Fields) -> (Begin, Vec<Finding>) {
    let rules = seat.gateway().rules();
    let (text, findings) = match kind {
        DocumentKind::Policy => text_of(&rules, id, fields),
        _ => (fields.get("text").to_owned(), Vec::new()),
    };
    let begin = Begin {
        text,
        draft: fields.get("draft").parse().ok(),
        made_from: fields.get("made_from").to_owned(),
        from: fields.get("from").parse().ok(),
    };
    (begin, findings)
}

async fn preview(
    seat: Seat,
    Path((kind, id)): Path<Named>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, Fault> {
    let shown = async {
        let fields = Fields::of(&seat, posted)?;
        may_edit(&seat)?;
        let views = versions_of(&seat, (kind, &id)).await?;
        let (begin, findings) = typed(&seat, (kind, &id), &fields);
        remember(&seat, (kind, &id), &begin).await?;
        let as_text = !fields.has("why");
        let about = About { kind, id: &id, views: &views, as_text };
        if headers.contains_key("hx-request") {
            let beside = about.beside(&seat, &begin.text, findings).await?;
            return Ok(html(StatusCode::OK, &Fragment { page: seat.page(), beside }));
        }
        let fault = findings.first().map(|finding| seat.visit.page.say(&finding.message));
        about.page(&seat, begin, (false, fault), StatusCode::OK).await
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}

async fn save(
    seat: Seat,
    Path((kind, id)): Path<Named>,
    posted: Posted,
) -> Result<Response, Fault> {
    let shown = async {
        let fields = Fields::of(&seat, posted)?;
        may_edit(&seat)?;
        let (begin, findings) = typed(&seat, (kind, &id), &fields);
        let as_text = !fields.has("why");
        if let Some(finding) = findings.into_iter().next() {
            let views = versions_of(&seat, (kind, &id)).await?;
            let about = About { kind, id: &id, views: &views, as_text };
            let fault = (false, Some(seat.visit.page.say(&finding.message)));
            return about.page(&seat, begin, fault, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        kept(&seat, (kind, &id), begin, as_text).await
    };
    shown.await.or_else(|fault: Fault| Ok(fault.shown(&seat.visit.page)))
}

/// Keeps a text as a draft, and shows it; else the page that says why not, with what was typed.
pub(super) async fn kept(
    seat: &Seat,
    (kind, id): (DocumentKind, &str),
    begin: Begin,
    as_text: bool,
) -> Result<Response, Fault> {
    if begin.draft.is_none() {
        // a form that is sent twice makes one draft
        let views = versions_of(seat, (kind, id)).await?;
        if let Some(view) = views.iter().find(|view| is_mine(seat, view, &begin.text)) {
            return Ok(see(&format!("/rules/{kind}/{id}/{}", view.version)));
        }
    }
    let ask = DraftAsk {
        officer: seat.officer.name.clone(),
        kind,
        id: id.to_owned(),
        text: begin.text.clone(),
        version: begin.draft,
    };
    let made_from = match begin.draft {
        // what it is compared with must be there to be compared
        Some(_) => Some(begin.made_from.parse().map_err(|_form| Fault::Malformed)?),
        None => None,
    };
    match change::redraft(seat.gateway(), &ask, made_from).await {
        Ok(view) => {
            drop_remembered(seat, (kind, id)).await?;
            seat.visit.notice("kept").await?;
            Ok(see(&format!("/rules/{kind}/{id}/{}", view.version)))
        }
        Err(ChangeFault::Failed(failure)) => Err(failure.into()),
        Err(fault) => {
            let views = versions_of(seat, (kind, id)).await?;
            let is_other = matches!(fault, ChangeFault::Raced | ChangeFault::State(_));
            if let Some(draft) = begin.draft.filter(|_| is_other) {
                return Ok(conflict(seat, (kind, id), begin.text, draft, &views));
            }
            let said = refusal(&seat.visit.page, &fault);
            let about = About { kind, id, views: &views, as_text };
            about.page(seat, begin, (false, Some(said)), StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// That nothing was done, and why.
pub(super) fn refusal(page: &Page, fault: &ChangeFault) -> String {
    format!("{}: {}.", page.t("version-refused"), page.say(&fault.phrase()))
}

/// Whether it is a draft that the officer has kept last, with that very text; its number apart.
fn is_mine(seat: &Seat, view: &VersionView, text: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("version ="));
        lines.map(str::to_owned).collect()
    };
    view.state == VersionState::Draft
        && view.steps.last().is_some_and(|step| step.officer == seat.officer.name)
        && lines(&view.text) == lines(text)
}

fn conflict(
    seat: &Seat,
    (kind, id): (DocumentKind, &str),
    mine: String,
    draft: u32,
    views: &[VersionView],
) -> Response {
    let other = views.iter().find(|view| view.version == draft);
    let other = other.map(|view| (view.text.clone(), view.state == VersionState::Draft));
    let (text, is_draft) = other.unwrap_or_default();
    let mut page = seat.page();
    page.path = format!("/edit/{kind}/{id}");
    let look = look(seat.gateway(), &page, (kind, id), (&mine, &text), Depth::Words);
    let conflict = Conflict {
        page,
        kind,
        id: id.to_owned(),
        lines: lines_between(&text, &mine),
        changes: look.told.changes,
        kept: is_draft.then(|| (digest(&text), text)),
        mine,
        draft,
    };
    html(StatusCode::CONFLICT, &conflict)
}

async fn forget(
    seat: Seat,
    Path((kind, id)): Path<Named>,
    posted: Posted,
) -> Result<Response, Fault> {
    if let Err(fault) = Fields::of(&seat, posted) {
        return Ok(fault.shown(&seat.visit.page));
    }
    drop_remembered(&seat, (kind, &id)).await?;
    Ok(see(&format!("/edit/{kind}/{id}")))
}

/// What an officer has typed and not kept, of one document.
fn secret(seat: &Seat, (kind, id): (DocumentKind, &str)) -> String {
    format!("{}\0{kind}\0{id}", seat.officer.name)
}

async fn remembered(seat: &Seat, named: (DocumentKind, &str)) -> Result<Option<Begin>, Fault> {
    let kept = ticket::read(seat.gateway(), (REMEMBERED, &secret(seat, named))).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
}

async fn remember(seat: &Seat, named: (DocumentKind, &str), begin: &Begin) -> Result<(), Fault> {
    let Ok(value) = serde_json::to_string(begin) else { return Ok(()) };
    // what is larger than a ticket stands in the page only
    if value.len() > ticket::BYTES_MAX {
        return Ok(());
    }
    let until = seat.gateway().clock().now().unix_timestamp().saturating_add(REMEMBERED_S);
    Ok(ticket::keep(seat.gateway(), (REMEMBERED, &secret(seat, named)), value, until).await?)
}

async fn drop_remembered(seat: &Seat, named: (DocumentKind, &str)) -> Result<(), Fault> {
    let secret = secret(seat, named);
    ticket::take(seat.gateway(), (REMEMBERED, &secret)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::edit_form::{Group, Row};
    use super::super::preview::{Fate, Shown, Told};
    use super::*;
    use crate::domain::{Language, Phrase};
    use crate::policy::DiffSentences;

    const MARKUP: &str = "\"><script>alert(1)</script>";

    fn page(language: Language) -> Page {
        let (token, path) = ("token".to_owned(), "/edit/policy/p".to_owned());
        let zone = super::super::zone::Zone::default();
        let (query, notice) = (Vec::new(), Some("kept".to_owned()));
        Page { language, zone, officer: None, token, path, query, notice }
    }

    fn beside() -> Beside {
        let fate = |outcome| Fate {
            outcome,
            places: MARKUP.to_owned(),
            pending: MARKUP.to_owned(),
            group: Some((3, 10)),
        };
        let row = |differs| super::super::preview::Row {
            label: MARKUP.to_owned(),
            sent: MARKUP.to_owned(),
            before: None,
            after: Some(MARKUP.to_owned()),
            differs,
        };
        let case = Shown {
            flavour: "typical".to_owned(),
            refused: String::new(),
            before: Some(fate("held")),
            after: Some(fate("goes")),
            rows: vec![row(true), row(false)],
            alike: 1,
            untold: 2,
        };
        let finding = Finding {
            line: 3,
            leaf: MARKUP.to_owned(),
            message: Phrase::new("why-said").with("said", MARKUP),
            accepted: vec![MARKUP.to_owned()],
        };
        let said = || vec![MARKUP.to_owned()];
        let changes = DiffSentences {
            starts: said(),
            stops: said(),
            differs: said(),
            head: said(),
            verdict: MARKUP.to_owned(),
        };
        let told = Told {
            keys: Vec::new(),
            receives: said(),
            changes: Some(changes),
            lines: said(),
            findings: vec![finding.clone()],
        };
        let look = Look { told, warnings: vec![finding], cases: vec![case], proof: None };
        Beside { look, needs: Some("two_units".to_owned()) }
    }

    fn edit(language: Language, as_form: bool) -> Edit {
        let said = || MARKUP.to_owned();
        let row = Row {
            leaf: said(),
            label: said(),
            reason: said(),
            choices: vec![(said(), said(), true)],
        };
        let shape = Shape {
            sender: said(),
            recipient: said(),
            message: said(),
            why: said(),
            expires: said(),
            purposes: vec![("reintegration".to_owned(), true)],
            agreements: vec![(said(), false)],
            arrays: vec![(said(), said(), true)],
            groups: vec![Group { class: "direct", open: vec![row], fixed: vec![said()] }],
            law: said(),
        };
        Edit {
            page: page(language),
            kind: DocumentKind::Policy,
            id: said(),
            begin: Begin { text: said(), draft: Some(2), made_from: said(), from: Some(2) },
            shape: as_form.then_some(shape),
            beside: beside(),
            others: vec![(1, "in_force".to_owned())],
            unsaved: true,
            fault: Some(said()),
        }
    }

    /// In both languages every word is there, and what people typed is text and no markup.
    #[test]
    fn pages_of_the_editor_are_whole_and_escape_what_was_typed() {
        for language in [Language::Id, Language::En] {
            let conflict = Conflict {
                page: page(language),
                kind: DocumentKind::Policy,
                id: MARKUP.to_owned(),
                mine: MARKUP.to_owned(),
                draft: 2,
                kept: Some((MARKUP.to_owned(), MARKUP.to_owned())),
                lines: vec![MARKUP.to_owned()],
                changes: Some(DiffSentences::default()),
            };
            let fragment = Fragment { page: page(language), beside: beside() };
            for text in [
                edit(language, true).render(),
                edit(language, false).render(),
                conflict.render(),
                fragment.render(),
            ] {
                let text = text.unwrap();
                assert!(!text.contains("<script>alert") && !text.contains("Unknown"), "{text}");
                assert!(text.contains("alert(1)"));
            }
        }
    }
}
