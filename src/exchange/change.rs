//! Officers change what is governed: draft, propose, approve, give back, give up.
//!
//! Nothing is believed that is not signed: a proposal and an approval are the officer's own word
//! over the version's digest, and what they lead to is built and judged whole before it is
//! committed. One commit holds the step, the rules' digest and the generation, so nothing decided
//! under the old rules is committed after it.

use time::{Date, OffsetDateTime};

use crate::domain::{Act, Approval, Code, Digest, DocumentKind, SignerRole, VersionState};
use crate::policy::Finding;
use crate::sign;
use crate::store::{
    Changes, CommitError, NewVersion, Requirement, StepRow, VersionKey, VersionRow, Write,
};
use crate::wire::{ActAsk, DraftAsk, VersionView, WordAsk};

use super::except::{self, Applied};
use super::gateway::rules_writes;
use super::rules::signatures::{Judged, Officers, Unsigned, check_word, touched};
use super::rules::who::{MayNot, Needs, may_approve, may_author};
use super::rules::{self, BadDocument, Document, Rules};
use super::seed::push_step;
use super::versions::view_of;
use super::{Failure, Gateway};

/// Why nothing was changed, in words for the officer.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFault {
    /// No version of that name.
    #[error("there is no such version")]
    Unknown,
    /// The text is no document of its kind.
    #[error("{0}")]
    Bad(BadDocument),
    /// It may not be in force: every reason.
    #[error("it may not be in force")]
    Findings(Vec<Finding>),
    /// The officer may not.
    #[error("{0}")]
    MayNot(MayNot),
    /// The officer's word does not hold.
    #[error("{0}")]
    Unsigned(Unsigned),
    /// The version is not where the act needs it to be.
    #[error("{0}")]
    State(&'static str),
    /// A reason of 1 to 500 bytes is needed.
    #[error("a reason of 1 to 500 bytes is needed")]
    Reason,
    /// Somebody else was faster.
    #[error("somebody else was faster; look again")]
    Raced,
    /// The gateway itself.
    #[error("the gateway cannot take this now")]
    Failed(#[source] Failure),
}

impl<E: Into<Failure>> From<E> for ChangeFault {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Largest text of a document, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1024;
const REASON_BYTES_MAX: usize = 500;
/// How far an officer's clock may be off, and how long ago a word may have been signed.
const SKEW_S: i64 = 60;
const WORD_AGE_S: i64 = 24 * 3600;

/// Keeps a text as a draft: a new version, or another text of a draft. A policy's `version` is set
/// to the version it becomes.
///
/// # Errors
/// [`ChangeFault`].
pub async fn draft(gateway: &Gateway, ask: &DraftAsk) -> Result<VersionView, ChangeFault> {
    if ask.text.len() > TEXT_BYTES_MAX {
        let reason = "the text is longer than 256 KiB".to_owned();
        return Err(ChangeFault::Bad(BadDocument { line: 0, reason }));
    }
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let of = |row: &&VersionRow| row.key.kind == ask.kind && row.key.id == ask.id;
    let last = rows.iter().filter(of).map(|row| row.key.version).max();
    let next = match &Document::parse(ask.kind, &ask.id, &ask.text).map_err(ChangeFault::Bad)? {
        // the first version of a policy may have any number
        Document::Policy(source) if last.is_none() => source.head.version.max(1),
        _ => last.unwrap_or(0).saturating_add(1),
    };
    let key =
        VersionKey { kind: ask.kind, id: ask.id.clone(), version: ask.version.unwrap_or(next) };
    let text = numbered(ask.kind, &ask.text, key.version);
    let document = Document::parse(key.kind, &key.id, &text).map_err(ChangeFault::Bad)?;
    let officers = history(&rows);
    let officer = officers.at(&ask.officer, rules.at).ok_or(unknown_officer())?;
    // whether it narrows is asked once it is proposed
    may_author(officer, &document, Needs::One, &rules.floor).map_err(ChangeFault::MayNot)?;
    let known = rows.iter().find(|row| row.key == key);
    let at = match (ask.version, known) {
        (None, None) => None,
        (Some(_), Some(row)) if row.state == VersionState::Draft => Some(stands(row)),
        (Some(_), Some(_)) => return Err(ChangeFault::State("it is a draft no more")),
        _ => return Err(ChangeFault::Unknown),
    };
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Version { key: key.clone(), at });
    changes.writes.push(Write::Version(NewVersion {
        key: key.clone(),
        text,
        digest: document.digest(),
        state: VersionState::Draft,
        effective_at: None,
    }));
    let now = now(gateway, &rows);
    let step = (Act::Drafted, ask.officer.as_str(), None, "");
    push_step(&gateway.parts, &mut changes, (&key, document.digest()), step, now)?;
    commit(gateway, changes).await?;
    view_of(gateway, &key).await
}

/// Puts a draft forward by its author's signed word. What narrows is in force with it.
///
/// # Errors
/// [`ChangeFault`].
pub async fn propose(gateway: &Gateway, ask: &WordAsk) -> Result<VersionView, ChangeFault> {
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let now = now(gateway, &rows);
    let (row, word) = named(&rows, ask, SignerRole::Author)?;
    if row.state != VersionState::Draft {
        return Err(ChangeFault::State("only a draft is proposed"));
    }
    let document = parsed(row)?;
    let officers = history(&rows);
    let author = signed(gateway, (&rules, &officers), row, (&word, &ask.word), now)?;
    let effective = word.from.unwrap_or(now).max(now);
    let needs = needs(&rules, &rows, row, &document, effective);
    may_author(author, &document, needs, &rules.floor).map_err(ChangeFault::MayNot)?;
    let findings = judge(&rules, &document, rules.today(gateway.clock()));
    if !findings.is_empty() {
        return Err(ChangeFault::Findings(findings));
    }
    let state = match needs {
        Needs::One => VersionState::Approved,
        Needs::TwoUnits | Needs::TwoAgencies => VersionState::Proposed,
    };
    let step =
        Step { act: Act::Proposed, officer: &word.iss, word: &ask.word, reason: &ask.reason };
    take(gateway, &rows, row, (state, effective), step, now).await
}

/// Approves what another officer proposed, by a signed word.
///
/// # Errors
/// [`ChangeFault`].
pub async fn approve(gateway: &Gateway, ask: &WordAsk) -> Result<VersionView, ChangeFault> {
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let now = now(gateway, &rows);
    let (row, word) = named(&rows, ask, SignerRole::Approver)?;
    if row.state != VersionState::Proposed {
        return Err(ChangeFault::State("only what is proposed is approved"));
    }
    let document = parsed(row)?;
    let officers = history(&rows);
    let approver = signed(gateway, (&rules, &officers), row, (&word, &ask.word), now)?;
    let proposal = row.steps.iter().rfind(|step| step.act == Act::Proposed);
    let proposal = proposal.ok_or(ChangeFault::Unknown)?;
    let author = officers.at(&proposal.officer, proposal.at).ok_or(unknown_officer())?;
    let proposed: Option<Approval> = proposal.jws.as_deref().and_then(claims);
    let from = proposed.and_then(|proposed| proposed.from);
    if from != word.from {
        return Err(ChangeFault::State("author and approver name different moments to begin"));
    }
    let effective = from.unwrap_or(now).max(now);
    let needs = needs(&rules, &rows, row, &document, effective);
    may_approve(approver, author, &touched(row), needs, &rules.floor)
        .map_err(ChangeFault::MayNot)?;
    let findings = judge(&rules, &document, rules.today(gateway.clock()));
    if !findings.is_empty() {
        return Err(ChangeFault::Findings(findings));
    }
    let step =
        Step { act: Act::Approved, officer: &word.iss, word: &ask.word, reason: &ask.reason };
    let mut view =
        take(gateway, &rows, row, (VersionState::Approved, effective), step, now).await?;
    if row.key.kind == DocumentKind::Exception && effective <= now {
        let applied = except::apply_or_log(gateway, &row.key.id).await;
        view.applied = Some(applied.map_or("failed", Applied::as_str).to_owned());
    }
    Ok(view)
}

/// Gives a proposal back to its author, by an approver.
///
/// # Errors
/// [`ChangeFault`].
pub async fn give_back(gateway: &Gateway, ask: &ActAsk) -> Result<VersionView, ChangeFault> {
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let row = find(&rows, &key_of(ask))?;
    if row.state != VersionState::Proposed {
        return Err(ChangeFault::State("only what is proposed is given back"));
    }
    let officers = history(&rows);
    let officer = officers.at(&ask.officer, rules.at).ok_or(unknown_officer())?;
    if !officer.is(crate::config::Role::Approver) {
        return Err(ChangeFault::MayNot(MayNot::Role));
    }
    act(gateway, &rows, row, (Act::Returned, VersionState::Draft), ask).await
}

/// Gives a draft or proposal up, by whoever touched it.
///
/// # Errors
/// [`ChangeFault`].
pub async fn withdraw(gateway: &Gateway, ask: &ActAsk) -> Result<VersionView, ChangeFault> {
    let _one = gateway.changing().await;
    let (_, rows) = snapshot(gateway).await?;
    let row = find(&rows, &key_of(ask))?;
    if !matches!(row.state, VersionState::Draft | VersionState::Proposed) {
        return Err(ChangeFault::State("only a draft or a proposal is given up"));
    }
    let is_seed = row.steps.iter().all(|step| step.act == Act::Seeded);
    if !is_seed && !touched(row).contains(&ask.officer.as_str()) {
        return Err(ChangeFault::MayNot(MayNot::Concerned));
    }
    act(gateway, &rows, row, (Act::Withdrawn, VersionState::Withdrawn), ask).await
}

/// The rules of this very moment and the versions they were made from.
pub(super) async fn snapshot(
    gateway: &Gateway,
) -> Result<(std::sync::Arc<Rules>, Vec<VersionRow>), ChangeFault> {
    let rows = gateway.store().versions().await?;
    Ok((gateway.rules(), rows))
}

/// Now, but never earlier than the last recorded step.
fn now(gateway: &Gateway, rows: &[VersionRow]) -> i64 {
    let last = rows.iter().flat_map(|row| &row.steps).map(|step| step.at).max();
    gateway.now().max(gateway.rules().at).max(last.unwrap_or(i64::MIN))
}

/// A signed step.
struct Step<'a> {
    act: Act,
    officer: &'a str,
    word: &'a str,
    reason: &'a str,
}

/// Moves a version on by a signed step. Where that puts it in force the rules are built with it
/// first, now and at the moment it begins, and must hold.
async fn take(
    gateway: &Gateway,
    rows: &[VersionRow],
    row: &VersionRow,
    (state, effective): (VersionState, i64),
    step: Step<'_>,
    now: i64,
) -> Result<VersionView, ChangeFault> {
    if step.reason.len() > REASON_BYTES_MAX {
        return Err(ChangeFault::Reason);
    }
    let rules = gateway.rules();
    let key = row.key.clone();
    let is_approved = state == VersionState::Approved;
    let effective_at = is_approved.then_some(effective);
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Generation(rules.generation));
    changes.requires.push(Requirement::Version { key: key.clone(), at: Some(stands(row)) });
    changes.writes.push(Write::VersionState { key: key.clone(), state, effective_at });
    let jws = Some(step.word.to_owned());
    let recorded = (step.act, step.officer, jws.clone(), step.reason);
    push_step(&gateway.parts, &mut changes, (&key, row.digest), recorded, now)?;
    let mut next = None;
    if is_approved {
        let others = rows.iter().filter(|other| {
            (other.key.kind, &other.key.id) == (key.kind, &key.id)
                && other.state == VersionState::Approved
        });
        if others.map(|other| other.key.version).max() > Some(key.version) {
            return Err(ChangeFault::State("a later version was approved; draft it anew"));
        }
        let mut row = row.clone();
        (row.state, row.effective_at) = (state, effective_at);
        row.steps.push(StepRow {
            act: step.act,
            officer: step.officer.to_owned(),
            reason: step.reason.to_owned(),
            jws,
            entry: 0,
            at: now,
        });
        let mut rows = rows.to_vec();
        rows.retain(|other| other.key != key);
        rows.push(row);
        for at in [effective, now] {
            let built = Rules::build(gateway.id(), &gateway.files(), &rows, at);
            let built = built.map_err(Failure::internal)?;
            if let Some(out) = built.unusable.iter().find(|out| out.key == key) {
                let (leaf, message) = (key.id.clone(), out.reason.clone());
                let finding = Finding { line: 0, leaf, message, accepted: Vec::new() };
                return Err(ChangeFault::Findings(vec![finding]));
            }
            next = Some(built);
        }
    }
    let writes = next.as_ref().map(rules_writes).unwrap_or_default();
    changes.writes.extend(writes);
    commit(gateway, changes).await?;
    if let Some(mut next) = next {
        next.generation = gateway.store().generation().await?;
        gateway.swap(next);
    }
    view_of(gateway, &key).await
}

/// An act that needs no signature, because it puts nothing in force.
async fn act(
    gateway: &Gateway,
    rows: &[VersionRow],
    row: &VersionRow,
    (act, state): (Act, VersionState),
    ask: &ActAsk,
) -> Result<VersionView, ChangeFault> {
    if ask.reason.trim().is_empty() || ask.reason.len() > REASON_BYTES_MAX {
        return Err(ChangeFault::Reason);
    }
    let key = row.key.clone();
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Version { key: key.clone(), at: Some(stands(row)) });
    let effective_at = None;
    changes.writes.push(Write::VersionState { key: key.clone(), state, effective_at });
    let step = (act, ask.officer.as_str(), None, ask.reason.as_str());
    let now = now(gateway, rows);
    push_step(&gateway.parts, &mut changes, (&key, row.digest), step, now)?;
    commit(gateway, changes).await?;
    view_of(gateway, &key).await
}

async fn commit(gateway: &Gateway, changes: Changes) -> Result<(), ChangeFault> {
    match gateway.store().commit(changes).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(ChangeFault::Raced),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
    }
}

fn key_of(ask: &ActAsk) -> VersionKey {
    VersionKey { kind: ask.kind, id: ask.id.clone(), version: ask.version }
}

pub(super) fn find<'r>(
    rows: &'r [VersionRow],
    key: &VersionKey,
) -> Result<&'r VersionRow, ChangeFault> {
    rows.iter().find(|row| row.key == *key).ok_or(ChangeFault::Unknown)
}

fn stands(row: &VersionRow) -> (VersionState, u32) {
    (row.state, u32::try_from(row.steps.len()).unwrap_or(u32::MAX))
}

pub(super) fn unknown_officer() -> ChangeFault {
    ChangeFault::MayNot(MayNot::Unknown)
}

pub(super) fn parsed(row: &VersionRow) -> Result<Document, ChangeFault> {
    Document::parse(row.key.kind, &row.key.id, &row.text).map_err(ChangeFault::Bad)
}

/// Officers as they were over time. Which of their versions hold the rules decide; whoever is not
/// among the officers in force is none.
pub(super) fn history(rows: &[VersionRow]) -> Officers {
    let mut officers = Officers::default();
    let approved = rows
        .iter()
        .filter(|row| row.key.kind == DocumentKind::Officer && row.state == VersionState::Approved);
    for row in approved {
        if let (Some(at), Ok(Document::Officer(officer))) = (row.effective_at, parsed(row)) {
            officers.add(at, officer);
        }
    }
    officers
}

/// The version that a signed word is about.
fn named<'r>(
    rows: &'r [VersionRow],
    ask: &WordAsk,
    role: SignerRole,
) -> Result<(&'r VersionRow, Approval), ChangeFault> {
    let word = claims(&ask.word).ok_or(ChangeFault::Unsigned(Unsigned::Claims(role)))?;
    let key = VersionKey { kind: word.kind, id: word.id.clone(), version: word.version };
    Ok((find(rows, &key)?, word))
}

/// What a word is about, before any signature is looked at.
fn claims(jws: &str) -> Option<Approval> {
    serde_json::from_value(sign::unverified_claims(jws)?).ok()
}

/// The officer whose word it is, who must be in force now; the word must be fresh.
fn signed<'o>(
    gateway: &'o Gateway,
    (rules, officers): (&'o Rules, &'o Officers),
    row: &VersionRow,
    (word, jws): (&Approval, &str),
    now: i64,
) -> Result<&'o crate::config::Officer, ChangeFault> {
    let judged = Judged { gateway: gateway.id(), officers, floor: &rules.floor };
    let (officer, _) = check_word(&judged, (&row.key, row.digest), word.role, jws, now)
        .map_err(ChangeFault::Unsigned)?;
    if !rules.officers.contains(officer) {
        return Err(unknown_officer());
    }
    if !(now - WORD_AGE_S..=now + SKEW_S).contains(&word.iat) {
        return Err(ChangeFault::State("the word was signed too long ago, or lies in the future"));
    }
    Ok(officer)
}

pub(super) fn needs(
    rules: &Rules,
    rows: &[VersionRow],
    row: &VersionRow,
    document: &Document,
    effective: i64,
) -> Needs {
    let of = rows.iter().filter(|other| {
        (other.key.kind, &other.key.id) == (row.key.kind, &row.key.id)
            && other.state == VersionState::Approved
            && other.key.version < row.key.version
    });
    let before = rules::in_force(of, effective).and_then(|before| parsed(before).ok());
    let judge = rules.judge();
    rules::needs(before.as_ref(), document, &rules.floor, effective, |before, after| {
        match (before, after) {
            (Document::Policy(before), Document::Policy(after)) => judge.narrows(before, after),
            _ => false,
        }
    })
}

/// Everything that speaks against a document, as far as it can be said before it is in force.
fn judge(rules: &Rules, document: &Document, today: Date) -> Vec<Finding> {
    let judge = rules.judge();
    let expired = |day: Date, line: usize| {
        (day < today).then(|| Finding {
            line,
            leaf: "expires".to_owned(),
            message: "that day has passed".to_owned(),
            accepted: vec!["a day to come".to_owned()],
        })
    };
    let (compiled, day, line) = match document {
        Document::Policy(source) => {
            (judge.compile_source((**source).clone()), source.head.expires, source.line("expires"))
        }
        Document::Exception(source) => {
            let standing = rules.standing(source);
            let standing = standing.as_deref().map(crate::policy::Compiled::source);
            (judge.compile_exception(source, 1, standing), source.expires(), 0)
        }
        Document::Officer(_) | Document::Party(_) | Document::Agreement(_) => return Vec::new(),
    };
    let mut findings = compiled.err().unwrap_or_default();
    findings.extend(expired(day, line));
    findings
}

/// A policy's text with the number of the version that it becomes; its comments stay.
fn numbered(kind: DocumentKind, text: &str, version: u32) -> String {
    let document = text.parse::<toml_edit::DocumentMut>();
    match (kind, document) {
        (DocumentKind::Policy, Ok(mut document)) => {
            let is_there = document.get("version").is_some();
            if is_there || version > 1 {
                document.insert("version", toml_edit::value(i64::from(version)));
            }
            document.to_string()
        }
        _ => text.to_owned(),
    }
}

/// A party's record with its freeze set or lifted; its comments stay.
///
/// # Errors
/// When the text is no TOML.
pub fn frozen(
    text: &str,
    frozen: bool,
    until: Option<OffsetDateTime>,
) -> Result<String, BadDocument> {
    let bad = |_error| BadDocument { line: 0, reason: "it is no TOML".to_owned() };
    let mut document = text.parse::<toml_edit::DocumentMut>().map_err(bad)?;
    document.insert("frozen", toml_edit::value(frozen));
    document.remove("frozen_until");
    if let Some(until) = until {
        let format = time::format_description::well_known::Rfc3339;
        let until = until.format(&format).unwrap_or_default();
        document.insert("frozen_until", toml_edit::value(until));
    }
    Ok(document.to_string())
}

/// The code under which a fault is told.
impl ChangeFault {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => Code::NotFound.as_str(),
            Self::Bad(_) => "document",
            Self::Findings(_) => "findings",
            Self::MayNot(_) => "may-not",
            Self::Unsigned(_) => Code::Signature.as_str(),
            Self::State(_) => "state",
            Self::Reason => Code::BadRequest.as_str(),
            Self::Raced => "raced",
            Self::Failed(_) => Code::Busy.as_str(),
        }
    }
}

/// SHA-256 of a document's canonical form: what an officer signs, made by the officer's own side
/// from the text that it has read.
///
/// # Errors
/// [`BadDocument`].
pub fn digest_of(kind: DocumentKind, id: &str, text: &str) -> Result<Digest, BadDocument> {
    Document::parse(kind, id, text).map(|document| document.digest())
}
