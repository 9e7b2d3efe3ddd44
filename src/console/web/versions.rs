//! Governed documents: what is in force, what waits, and each step that leads on.
//!
//! What is decided is looked at on one page, and signed on the next, whose passkey's word covers
//! exactly the version that was shown.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use super::Site;
use super::edit::{refusal, versions_of};
use super::fault::Fault;
use super::page::{Page, html, see};
use super::preview::{Depth, Look, Told, look, told};
use super::replay;
use super::session::Seat;
use super::sign_in::{Asked, READ_S, said_here};
use crate::config::Role;
use crate::domain::{Approval, DocumentKind, SignerRole, Statement, VersionState};
use crate::exchange::approvals::{self, Approved};
use crate::exchange::change::{self, ChangeFault};
use crate::exchange::versions;
use crate::policy::Finding;
use crate::wire::{ActAsk, VersionView, VersionsAsk, WordAsk};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/rules", get(list))
        .route("/rules/{kind}/{id}", get(history))
        .route("/rules/{kind}/{id}/{version}", get(show))
        .route("/rules/{kind}/{id}/{version}/prepare", post(prepare))
        .route("/rules/{kind}/{id}/{version}/sign", post(sign))
        .route("/rules/{kind}/{id}/{version}/return", post(give_back))
        .route("/rules/{kind}/{id}/{version}/withdraw", post(withdraw))
}

/// Longest reason, in bytes of UTF-8.
pub(super) const REASON_BYTES_MAX: usize = 500;

/// Which version, as the path says.
pub(super) type Named = (DocumentKind, String, u32);

pub(super) async fn find(seat: &Seat, (kind, id, version): &Named) -> Result<VersionView, Fault> {
    let ask = VersionsAsk {
        kind: Some(*kind),
        id: Some(id.clone()),
        officer: Some(seat.officer.name.clone()),
    };
    let views = versions::list(seat.gateway(), &ask).await?;
    views.into_iter().find(|view| view.version == *version).ok_or(Fault::Unknown)
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Rules {
    page: Page,
    /// Kind by kind.
    groups: Vec<(DocumentKind, Vec<VersionView>)>,
}

async fn list(seat: Seat) -> Result<Response, Fault> {
    let ask = VersionsAsk { officer: Some(seat.officer.name.clone()), ..VersionsAsk::default() };
    let mut views = versions::list(seat.gateway(), &ask).await?;
    views.retain(|view| !matches!(view.stands.as_str(), "superseded" | "withdrawn"));
    let mut groups = Vec::new();
    for kind in [
        DocumentKind::Policy,
        DocumentKind::Exception,
        DocumentKind::Agreement,
        DocumentKind::Party,
        DocumentKind::Officer,
    ] {
        let (of_kind, rest) = views.into_iter().partition(|view| view.kind == kind);
        views = rest;
        groups.push((kind, of_kind));
    }
    Ok(html(StatusCode::OK, &Rules { page: seat.page(), groups }))
}

#[derive(Template)]
#[template(path = "history.html")]
struct History {
    page: Page,
    kind: DocumentKind,
    id: String,
    versions: Vec<VersionView>,
}

async fn history(
    seat: Seat,
    Path((kind, id)): Path<(DocumentKind, String)>,
) -> Result<Response, Fault> {
    let officer = Some(seat.officer.name.clone());
    let ask = VersionsAsk { kind: Some(kind), id: Some(id.clone()), officer };
    let mut versions = versions::list(seat.gateway(), &ask).await?;
    versions.reverse();
    if versions.is_empty() {
        return Ok(Fault::Unknown.shown(&seat.visit.page));
    }
    Ok(html(StatusCode::OK, &History { page: seat.page(), kind, id, versions }))
}

/// The text of the version that this one would take the place of; none of what is or was in force,
/// or was given up, which takes no place any more.
fn before(view: &VersionView, views: &[VersionView]) -> String {
    if !is_to_come(view) {
        return String::new();
    }
    let in_force = views.iter().find(|other| other.stands == "in_force");
    in_force.map(|other| other.text.clone()).unwrap_or_default()
}

/// Until when a version was in force that another has overtaken: the moment at which the first of
/// those after it began. `None` where one after it began before it, so that it never was.
fn until<'v>(view: &VersionView, views: &'v [VersionView]) -> Option<&'v str> {
    let begins = |view: &VersionView| moment_of(view.effective_at.as_deref()?);
    let since = begins(view)?;
    let after = views.iter().filter(|other| other.version > view.version);
    let after = after.filter(|other| other.state == VersionState::Approved);
    let (at, next) =
        after.filter_map(|other| Some((begins(other)?, other))).min_by_key(|it| it.0)?;
    next.effective_at.as_deref().filter(|_| at > since)
}

fn moment_of(text: &str) -> Option<time::OffsetDateTime> {
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}

#[derive(Template)]
#[template(path = "version.html")]
struct Version {
    page: Page,
    view: VersionView,
    look: Look,
    /// Whether this officer may replay it over the messages that are kept; of what is not decided.
    replays: Option<bool>,
    /// When the officer approved before; of an approver only.
    approvals: Vec<Past>,
    /// The acts that the officer may do here: `propose`, `approve`, `return`, `withdraw`.
    acts: Vec<&'static str>,
    /// Why the officer may not approve: a code.
    may_not: Option<&'static str>,
    fault: Option<Said>,
    /// What was typed as the reason.
    reason: String,
    /// Until when it was in force, of what was overtaken.
    until: Option<String>,
}

/// One of the officer's own approvals: when, of what, and how many minutes after its proposal.
struct Past {
    at: String,
    id: String,
    version: u32,
    minutes: i64,
}

/// The officer's own last approvals.
async fn past(seat: &Seat) -> Result<Vec<Past>, Fault> {
    let approvals = approvals::last(seat.gateway(), &seat.officer.name).await?;
    let past = approvals.into_iter().map(|Approved { id, version, at, after_s, .. }| Past {
        at: seat.visit.page.unix(at),
        id,
        version,
        minutes: after_s / 60,
    });
    Ok(past.collect())
}

impl Version {
    fn may(&self, act: &str) -> bool {
        self.acts.contains(&act)
    }
}

/// What went wrong with the last form, and what was typed in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) findings: Vec<Finding>,
    pub(super) reason: String,
}

/// Where a version is shown.
fn path_of(view: &VersionView) -> String {
    format!("/rules/{}/{}/{}", view.kind, view.id, view.version)
}

/// Whether it was in force once and is no more.
fn is_past(view: &VersionView) -> bool {
    view.kind == DocumentKind::Policy && matches!(view.stands.as_str(), "superseded" | "ended")
}

fn is_to_come(view: &VersionView) -> bool {
    matches!(view.stands.as_str(), "draft" | "proposed" | "scheduled")
}

fn is_draft_or_proposed(view: &VersionView) -> bool {
    view.kind == DocumentKind::Policy
        && matches!(view.state, VersionState::Draft | VersionState::Proposed)
}

async fn show(seat: Seat, Path(named): Path<Named>) -> Result<Response, Fault> {
    match find(&seat, &named).await {
        Ok(view) => shown(&seat, view, StatusCode::OK, None).await,
        Err(fault) => Ok(fault.shown(&seat.visit.page)),
    }
}

async fn shown(
    seat: &Seat,
    view: VersionView,
    status: StatusCode,
    fault: Option<Said>,
) -> Result<Response, Fault> {
    let views = versions_of(seat, (view.kind, &view.id)).await?;
    let before = before(&view, &views);
    let mut page = seat.page();
    page.path = path_of(&view);
    let named = (view.kind, view.id.as_str());
    let mut look = look(seat.gateway(), &page, named, (&view.text, &before), Depth::Proof);
    if !is_to_come(&view) {
        // nothing is left to be compared, and no key to be asked about
        (look.told.lines, look.told.keys) = (Vec::new(), Vec::new());
    }
    let touched = view.steps.iter().any(|step| step.officer == seat.officer.name);
    let is_own_party = view.kind == DocumentKind::Party && touched;
    let is_proposed = view.state == VersionState::Proposed;
    let is_draft = view.state == VersionState::Draft;
    let has_passkey = !seat.officer.passkeys.is_empty();
    let may_approve = is_proposed && seat.officer.is(Role::Approver) && !touched && has_passkey;
    let may_not = match (is_proposed, may_approve) {
        (true, false) if touched => Some("own"),
        (true, false) => Some("no-approver"),
        _ => None,
    };
    let acts = [
        // a duty officer's draft of a freeze: whether it is one is judged when it is proposed
        ("propose", is_draft && has_passkey && (seat.officer.is(Role::Editor) || is_own_party)),
        ("approve", may_approve),
        ("return", is_proposed && seat.officer.is(Role::Approver)),
        ("edit", seat.officer.is(Role::Editor)),
        ("roll-back", seat.officer.is(Role::Editor) && is_past(&view)),
        ("freeze", view.kind == DocumentKind::Party && view.stands == "in_force"),
        ("withdraw", (is_draft || is_proposed) && touched),
    ];
    let version = Version {
        acts: acts.into_iter().filter_map(|(act, may)| may.then_some(act)).collect(),
        may_not,
        reason: fault.as_ref().map(|said| said.reason.clone()).unwrap_or_default(),
        approvals: if may_approve { past(seat).await? } else { Vec::new() },
        until: until(&view, &views).filter(|_| view.stands == "superseded").map(str::to_owned),
        replays: is_draft_or_proposed(&view).then(|| replay::is_open_to(&seat.officer, &view)),
        page,
        view,
        look,
        fault,
    };
    Ok(html(status, &version))
}

#[derive(Deserialize)]
struct Prepare {
    token: String,
    role: SignerRole,
    #[serde(default)]
    reason: String,
    /// `YYYY-MM-DDThh:mm`, Jakarta; empty for as soon as it is approved.
    #[serde(default)]
    from: String,
    /// How many fields the recipient starts to receive or receives differently.
    #[serde(default)]
    answer: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    page: Page,
    view: VersionView,
    told: Told,
    role: SignerRole,
    reason: String,
    from: Option<String>,
    asked: Asked,
    /// What signing does at once, where that is not said by what changes.
    said: Option<String>,
}

async fn prepare(
    seat: Seat,
    Path(named): Path<Named>,
    Form(form): Form<Prepare>,
) -> Result<Response, Fault> {
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let page = seat.page();
    let view = match find(&seat, &named).await {
        Ok(view) => view,
        Err(fault) => return Ok(fault.shown(&page)),
    };
    let views = versions_of(&seat, (view.kind, &view.id)).await?;
    let told = told(seat.gateway(), &page, &view, &before(&view, &views));
    let say = |key: &str| {
        Some(Said { message: page.t(key), reason: form.reason.clone(), ..Said::default() })
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    // told before a passkey is asked for
    if form.reason.len() > REASON_BYTES_MAX {
        return shown(&seat, view, unprocessable, say("reason-too-long")).await;
    }
    let Ok(from) = moment(&form.from) else {
        return shown(&seat, view, unprocessable, say("version-bad-moment")).await;
    };
    if form.role == SignerRole::Approver && !is_answer(&told, &view, &form.answer) {
        return shown(&seat, view, unprocessable, say("version-wrong-answer")).await;
    }
    let from = match from {
        Some(from) => Some(from),
        // what the author named is approved as it was named
        None => view.steps.iter().rev().find_map(|step| named_moment(step.word.as_deref()?)),
    };
    confirm(&seat, (view, told), form.role, (form.reason, from), None)
}

/// Asks for the passkey's word about exactly this version.
pub(super) fn confirm(
    seat: &Seat,
    (view, told): (VersionView, Told),
    role: SignerRole,
    (reason, from): (String, Option<i64>),
    said: Option<String>,
) -> Result<Response, Fault> {
    let mut page = seat.page();
    page.path = path_of(&view);
    let now = seat.gateway().clock().now().unix_timestamp();
    let word = Approval {
        iss: seat.officer.name.clone(),
        aud: seat.gateway().id().to_owned(),
        iat: now,
        kind: view.kind,
        id: view.id.clone(),
        version: view.version,
        digest: view.digest.parse().map_err(|_form| Fault::Busy)?,
        role,
        from,
    };
    let claims = serde_json::to_vec(&word).map_err(|_form| Fault::Busy)?;
    let asked = Asked::of(Approval::TYP, &claims, Some(&seat.officer));
    let from = from.map(|from| page.unix(from));
    Ok(html(StatusCode::OK, &Confirm { page, view, told, role, reason, from, asked, said }))
}

fn named_moment(word: &str) -> Option<i64> {
    crate::sign::unverified_claims(word)?.get("from")?.as_i64()
}

/// How many fields the recipient starts to receive or receives differently, or, of another document
/// than a policy, its id typed anew: whoever signs has read what the page says.
fn is_answer(told: &Told, view: &VersionView, answer: &str) -> bool {
    match &told.changes {
        Some(changes) => {
            let count = changes.starts.len().saturating_add(changes.differs.len());
            answer.trim().parse() == Ok(count)
        }
        None => answer.trim() == view.id,
    }
}

fn moment(text: &str) -> Result<Option<i64>, time::error::Parse> {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]");
    if text.trim().is_empty() {
        return Ok(None);
    }
    let at = time::PrimitiveDateTime::parse(text.trim(), format)?;
    Ok(Some(at.assume_offset(time::macros::offset!(+7)).unix_timestamp()))
}

#[derive(Deserialize)]
struct Signed {
    token: String,
    role: SignerRole,
    word: String,
    #[serde(default)]
    reason: String,
}

async fn sign(
    seat: Seat,
    Path(named): Path<Named>,
    Form(form): Form<Signed>,
) -> Result<Response, Fault> {
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let view = match find(&seat, &named).await {
        Ok(view) => view,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    // the word is this officer's, about this version, and not another's that was handed on
    let site = &seat.visit.site;
    let now = seat.gateway().clock().now().unix_timestamp();
    let said: Result<Approval, _> = said_here(site, &seat.officer, &form.word, Approval::TYP);
    let is_own = said.is_ok_and(|said| {
        said.iss == seat.officer.name
            && (said.kind, &said.id, said.version) == (named.0, &named.1, named.2)
            && said.role == form.role
            // of this very moment, though a key file's word may be older
            && (said.iat..=said.iat.saturating_add(READ_S)).contains(&now)
    });
    if !is_own {
        return Ok(Fault::Passkey.shown(&seat.visit.page));
    }
    let ask = WordAsk { word: form.word, reason: form.reason.clone() };
    let done = match form.role {
        SignerRole::Author => change::propose(seat.gateway(), &ask).await,
        SignerRole::Approver => change::approve(seat.gateway(), &ask).await,
    };
    after(&seat, view, done, &form.reason).await
}

#[derive(Deserialize)]
struct Reason {
    token: String,
    reason: String,
}

async fn give_back(
    seat: Seat,
    Path(named): Path<Named>,
    Form(form): Form<Reason>,
) -> Result<Response, Fault> {
    unsigned(&seat, named, &form, true).await
}

async fn withdraw(
    seat: Seat,
    Path(named): Path<Named>,
    Form(form): Form<Reason>,
) -> Result<Response, Fault> {
    unsigned(&seat, named, &form, false).await
}

async fn unsigned(
    seat: &Seat,
    named: Named,
    form: &Reason,
    gives_back: bool,
) -> Result<Response, Fault> {
    if let Err(fault) = seat.visit.check(&form.token) {
        return Ok(fault.shown(&seat.visit.page));
    }
    let view = match find(seat, &named).await {
        Ok(view) => view,
        Err(fault) => return Ok(fault.shown(&seat.visit.page)),
    };
    let ask = ActAsk {
        officer: seat.officer.name.clone(),
        kind: named.0,
        id: named.1,
        version: named.2,
        reason: form.reason.clone(),
    };
    let done = if gives_back {
        change::give_back(seat.gateway(), &ask).await
    } else {
        change::withdraw(seat.gateway(), &ask).await
    };
    after(seat, view, done, &form.reason).await
}

/// The version again: how it stands now, or why nothing was done, with what was typed.
async fn after(
    seat: &Seat,
    view: VersionView,
    done: Result<VersionView, ChangeFault>,
    reason: &str,
) -> Result<Response, Fault> {
    match done {
        Ok(view) => {
            seat.visit.notice(&view.stands).await?;
            Ok(see(&path_of(&view)))
        }
        Err(ChangeFault::Failed(failure)) => Ok(Fault::from(failure).shown(&seat.visit.page)),
        Err(fault) => {
            let message = refusal(&seat.visit.page, &fault);
            let findings = match fault {
                ChangeFault::Findings(findings) => findings,
                _ => Vec::new(),
            };
            let said = Said { message, findings, reason: reason.to_owned() };
            shown(seat, view, StatusCode::CONFLICT, Some(said)).await
        }
    }
}
