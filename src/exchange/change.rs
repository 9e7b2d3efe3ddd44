//! Officers change what is governed: draft, propose, approve, give back, give up.
//!
//! Nothing is believed that is not signed: a proposal and an approval are the officer's own word
//! over the version's digest. How many officers a change takes, and whether these may decide it, is
//! judged then and recorded with the step, and no later rule judges it again. What it leads to, for
//! every other document too, is built and judged whole before it is committed. One commit holds the
//! step, the rules' digest and the generation, so nothing decided under the old rules is committed
//! after it.

use time::OffsetDateTime;

use crate::config::{Officer, Role};
use crate::domain::{
    Act, Approval, Code, Digest, DocumentKind, Needs, PartyId, Phrase, SignerRole, VersionState,
};
use crate::policy::Finding;
use crate::sign;
use crate::store::{
    Changes, CommitError, NewVersion, Requirement, StepRow, VersionKey, VersionRow, Write,
};
use crate::wire::{ActAsk, DraftAsk, VersionView, WordAsk};

use super::except::{self, Applied};
use super::gateway::rules_writes;
use super::rules::proposal::Proposal;
use super::rules::signatures::{Judged, Unsigned, check_word, touched};
use super::rules::who::{self, MayNot, may_approve, may_author};
use super::rules::{BadDocument, Document, Effect, Rules};
use super::seed::{Signed, push_step};
use super::versions::view_of;
use super::{Failure, Gateway};

/// Why nothing was changed, in words for the officer.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.phrase())]
pub enum ChangeFault {
    /// No version of that name.
    Unknown,
    /// The text is no document of its kind.
    Bad(BadDocument),
    /// It may not be in force: every reason.
    Findings(Vec<Finding>),
    /// The officer may not.
    MayNot(MayNot),
    /// The officer's word does not hold.
    Unsigned(Unsigned),
    /// The version is not where the act needs it to be.
    State(Phrase),
    /// A reason of 1 to 500 bytes is needed.
    Reason,
    /// Somebody else was faster.
    Raced,
    /// The gateway itself.
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
/// How far ahead a version may begin.
const AHEAD_S: i64 = 366 * 24 * 3600;
/// Largest number that a first version may have.
const FIRST_VERSION_MAX: u32 = 1_000_000;
/// How many drafts and proposals may be open at once, of one party's officers, and of one document
/// among them: each is read whenever the rules are built.
const OPEN_OF_PARTY_MAX: usize = 100;
const OPEN_OF_DOCUMENT_MAX: usize = 20;

/// Keeps a text as a draft: a new version, or another text of a draft. A policy's `version` is set
/// to the version it becomes.
///
/// # Errors
/// [`ChangeFault`].
pub async fn draft(gateway: &Gateway, ask: &DraftAsk) -> Result<VersionView, ChangeFault> {
    redraft(gateway, ask, None).await
}

/// As [`draft`], of a draft whose text was `made_from` (its SHA-256) when its author read it: what
/// somebody else has kept since is not overwritten.
///
/// # Errors
/// [`ChangeFault`]; [`ChangeFault::Raced`] where the draft has another text by now.
pub async fn redraft(
    gateway: &Gateway,
    ask: &DraftAsk,
    made_from: Option<Digest>,
) -> Result<VersionView, ChangeFault> {
    if ask.text.len() > TEXT_BYTES_MAX {
        let reason = Phrase::new("why-text-too-long");
        return Err(ChangeFault::Bad(BadDocument::because(reason)));
    }
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let officer = in_force(&rules, &ask.officer, now(gateway, &rows))?;
    let of = |row: &&VersionRow| row.key.kind == ask.kind && row.key.id == ask.id;
    let last = rows.iter().filter(of).map(|row| row.key.version).max();
    let next = match &Document::parse(ask.kind, &ask.id, &ask.text).map_err(ChangeFault::Bad)? {
        // the first version of a policy may have any number
        Document::Policy(source) if last.is_none() => match source.head.version {
            first if first > FIRST_VERSION_MAX => {
                let reason = Phrase::new("why-first-version").with("version", FIRST_VERSION_MAX);
                let line = source.line("version");
                return Err(ChangeFault::Bad(BadDocument { line, reason }));
            }
            first => first.max(1),
        },
        _ => last.unwrap_or(0).saturating_add(1),
    };
    if ask.version.is_none() {
        check_open(&rules, &rows, ask, &officer.party)?;
    }
    let key =
        VersionKey { kind: ask.kind, id: ask.id.clone(), version: ask.version.unwrap_or(next) };
    let text = numbered(ask.kind, &ask.text, key.version);
    let document = Document::parse(key.kind, &key.id, &text).map_err(ChangeFault::Bad)?;
    // what it changes is asked once it is proposed
    let any = Effect { needs: Needs::One, narrows: true, only_freezes: true };
    may_author(officer, &document, any, &rules.floor).map_err(ChangeFault::MayNot)?;
    let known = rows.iter().find(|row| row.key == key);
    let at = match (ask.version, known) {
        (None, None) => None,
        (Some(_), Some(row)) if row.state == VersionState::Draft => {
            check_own(&rules, row, &officer.party)?;
            if made_from.is_some_and(|made_from| made_from != Digest::of(row.text.as_bytes())) {
                return Err(ChangeFault::Raced);
            }
            Some(stands(row))
        }
        (Some(_), Some(_)) => return Err(ChangeFault::state("why-draft-no-more")),
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
    gateway.catch_up().await?;
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let now = now(gateway, &rows);
    let (row, word) = named(&rows, ask, SignerRole::Author)?;
    if row.state != VersionState::Draft {
        return Err(ChangeFault::state("why-only-draft-proposed"));
    }
    let document = parsed(row)?;
    let author = signed(gateway, &rules, row, (SignerRole::Author, &ask.word), now)?;
    let effective = begins(word.from, now)?;
    let (rules, rows) = (&rules, &rows);
    let (document, by) = (&document, Some(author));
    let proposal = Proposal { rules, rows, row, document, author: by, now, effective };
    let effect = proposal.effect();
    may_author(author, document, effect, &rules.floor).map_err(ChangeFault::MayNot)?;
    check(gateway, &proposal, effect)?;
    let state = match effect.needs {
        Needs::One => VersionState::Approved,
        Needs::TwoUnits | Needs::TwoAgencies => VersionState::Proposed,
    };
    take(gateway, &proposal, (state, effect), (Act::Proposed, &word.iss), ask).await
}

/// Approves what another officer proposed, by a signed word.
///
/// # Errors
/// [`ChangeFault`].
pub async fn approve(gateway: &Gateway, ask: &WordAsk) -> Result<VersionView, ChangeFault> {
    gateway.catch_up().await?;
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let now = now(gateway, &rows);
    let (row, word) = named(&rows, ask, SignerRole::Approver)?;
    if row.state != VersionState::Proposed {
        return Err(ChangeFault::state("why-only-proposed-approved"));
    }
    let document = parsed(row)?;
    let approver = signed(gateway, &rules, row, (SignerRole::Approver, &ask.word), now)?;
    let step = row.steps.iter().rfind(|step| step.act == Act::Proposed);
    let step = step.ok_or(ChangeFault::Unknown)?;
    let author = author_still(&rules, step, now)?;
    let proposed: Option<Approval> = step.jws.as_deref().and_then(claims);
    if proposed.and_then(|proposed| proposed.from) != word.from {
        return Err(ChangeFault::state("why-other-moments"));
    }
    let effective = begins(word.from, now)?;
    let (rules, rows) = (&rules, &rows);
    let (document, by) = (&document, Some(author));
    let proposal = Proposal { rules, rows, row, document, author: by, now, effective };
    if proposal.is_of_another_base() {
        return Err(ChangeFault::state("why-base-changed"));
    }
    let found = proposal.effect();
    // never fewer than its author was told
    let effect = Effect { needs: step.needs.map_or(found.needs, |n| n.max(found.needs)), ..found };
    may_author(author, document, effect, &rules.floor).map_err(ChangeFault::MayNot)?;
    may_approve(approver, author, &touched(row), effect.needs, &rules.floor)
        .map_err(ChangeFault::MayNot)?;
    check(gateway, &proposal, effect)?;
    let done = (Act::Approved, word.iss.as_str());
    let mut view = take(gateway, &proposal, (VersionState::Approved, effect), done, ask).await?;
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
        return Err(ChangeFault::state("why-only-proposed-returned"));
    }
    let officer = in_force(&rules, &ask.officer, now(gateway, &rows))?;
    if !officer.is(Role::Approver) {
        return Err(ChangeFault::MayNot(MayNot::Role));
    }
    act(gateway, &rows, row, (Act::Returned, VersionState::Draft), ask).await
}

/// Gives a draft or proposal up, by whoever touched it; what came with the home, by any editor.
///
/// # Errors
/// [`ChangeFault`].
pub async fn withdraw(gateway: &Gateway, ask: &ActAsk) -> Result<VersionView, ChangeFault> {
    let _one = gateway.changing().await;
    let (rules, rows) = snapshot(gateway).await?;
    let row = find(&rows, &key_of(ask))?;
    if !matches!(row.state, VersionState::Draft | VersionState::Proposed) {
        return Err(ChangeFault::state("why-only-open-withdrawn"));
    }
    let officer = in_force(&rules, &ask.officer, now(gateway, &rows))?;
    let is_seed = row.steps.iter().all(|step| step.act == Act::Seeded);
    if is_seed && !officer.is(Role::Editor) {
        return Err(ChangeFault::MayNot(MayNot::Role));
    }
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
pub(super) fn now(gateway: &Gateway, rows: &[VersionRow]) -> i64 {
    let last = rows.iter().flat_map(|row| &row.steps).map(|step| step.at).max();
    gateway.now().max(gateway.rules().at).max(last.unwrap_or(i64::MIN))
}

/// What speaks against it before anything is built with it.
fn check(gateway: &Gateway, proposal: &Proposal<'_>, effect: Effect) -> Result<(), ChangeFault> {
    if proposal.is_late() {
        return Err(ChangeFault::state("why-later-approved"));
    }
    if proposal.changes_nothing() {
        return Err(ChangeFault::state("why-says-the-same"));
    }
    if proposal.is_one_too_many() {
        return Err(ChangeFault::state("why-too-many-begin"));
    }
    let today = proposal.rules.today(gateway.clock());
    let findings = proposal.findings(gateway.id(), effect, today);
    if findings.is_empty() { Ok(()) } else { Err(ChangeFault::Findings(findings)) }
}

/// Moves a version on by a signed step. The rules are built with it as if it were approved, now and
/// whenever something begins, and must hold.
async fn take(
    gateway: &Gateway,
    proposal: &Proposal<'_>,
    (state, effect): (VersionState, Effect),
    (act, officer): (Act, &str),
    ask: &WordAsk,
) -> Result<VersionView, ChangeFault> {
    if ask.reason.len() > REASON_BYTES_MAX {
        return Err(ChangeFault::Reason);
    }
    let Proposal { rules, rows, row, now, effective, .. } = *proposal;
    let key = row.key.clone();
    let is_approved = state == VersionState::Approved;
    let needs = Some(effect.needs);
    let entries = rows.iter().flat_map(|row| &row.steps).map(|step| step.entry);
    let step = StepRow {
        act,
        officer: officer.to_owned(),
        reason: ask.reason.clone(),
        needs,
        jws: Some(ask.word.clone()),
        entry: entries.max().map_or(0, |last| last.saturating_add(1)),
        at: now,
    };
    let mut after = row.clone();
    (after.state, after.effective_at) = (VersionState::Approved, Some(effective));
    after.steps.push(step);
    let (id, files) = (gateway.id(), gateway.files());
    let supposed = (!is_approved).then_some(&key);
    let built = proposal.consequences((id, &files), after, supposed, effect);
    let (findings, mut next) = built.map_err(Failure::internal)?;
    if !findings.is_empty() {
        return Err(ChangeFault::Findings(findings));
    }
    let effective_at = is_approved.then_some(effective);
    let mut changes = Changes::default();
    changes.requires.push(Requirement::Generation(rules.generation));
    changes.requires.push(Requirement::Version { key: key.clone(), at: Some(stands(row)) });
    changes.writes.push(Write::VersionState { key: key.clone(), state, effective_at });
    let signed = Some(Signed { jws: ask.word.clone(), needs: effect.needs });
    let recorded = (act, officer, signed, ask.reason.as_str());
    push_step(&gateway.parts, &mut changes, (&key, row.digest), recorded, now)?;
    if is_approved {
        changes.writes.extend(rules_writes(&next));
    }
    commit(gateway, changes).await?;
    if is_approved {
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

/// The officer of that name, who may decide now.
fn in_force<'r>(rules: &'r Rules, name: &str, now: i64) -> Result<&'r Officer, ChangeFault> {
    let officer = rules.history.now(name, now).ok_or(ChangeFault::MayNot(MayNot::Unknown))?;
    who::active(officer, &rules.floor).map_err(ChangeFault::MayNot)?;
    Ok(officer)
}

/// The author of a proposal, who must still be in force, with the key that it signed with.
fn author_still<'r>(
    rules: &'r Rules,
    step: &StepRow,
    now: i64,
) -> Result<&'r Officer, ChangeFault> {
    let author = in_force(rules, &step.officer, now)?;
    let then = rules.history.at(&step.officer, (step.at, step.entry));
    if then.is_some_and(|then| who::share_key(author, then)) {
        Ok(author)
    } else {
        Err(ChangeFault::state("why-author-other-key"))
    }
}

/// From when a version is to be in force.
fn begins(from: Option<i64>, now: i64) -> Result<i64, ChangeFault> {
    if from.is_some_and(|from| from > now.saturating_add(AHEAD_S)) {
        return Err(ChangeFault::state("why-begins-too-late"));
    }
    Ok(from.unwrap_or(now).max(now))
}

/// Whether a draft is one of `party`'s: nobody else rewrites it before it is proposed. What came
/// with the home is anybody's.
fn check_own(rules: &Rules, row: &VersionRow, party: &PartyId) -> Result<(), ChangeFault> {
    let touched = touched(row);
    let known = touched.iter().filter_map(|name| rules.history.now(name, i64::MAX));
    let is_own = touched.is_empty() || known.into_iter().any(|other| other.party == *party);
    if is_own { Ok(()) } else { Err(ChangeFault::MayNot(MayNot::Concerned)) }
}

/// Whether another version may be opened. Of what was ever approved one may always be, by whoever
/// has none of it open: what stops something waits for nobody.
fn check_open(
    rules: &Rules,
    rows: &[VersionRow],
    ask: &DraftAsk,
    party: &PartyId,
) -> Result<(), ChangeFault> {
    let is_open =
        |row: &&VersionRow| matches!(row.state, VersionState::Draft | VersionState::Proposed);
    let of_document = |row: &&VersionRow| row.key.kind == ask.kind && row.key.id == ask.id;
    let is_own = |row: &VersionRow| touched(row).contains(&ask.officer.as_str());
    let mut approved = rows.iter().filter(|row| row.state == VersionState::Approved);
    let open = rows.iter().filter(is_open);
    if approved.any(|row| of_document(&row)) && !open.clone().filter(of_document).any(is_own) {
        return Ok(());
    }
    // counted for each party by itself: none locks others out
    let of_party = |row: &&VersionRow| {
        let first = row.steps.iter().find(|step| step.act == Act::Drafted);
        let officer = first.and_then(|step| rules.history.now(&step.officer, i64::MAX));
        officer.is_some_and(|officer| officer.party == *party)
    };
    let open = open.filter(of_party);
    if open.clone().filter(of_document).count() >= OPEN_OF_DOCUMENT_MAX {
        return Err(ChangeFault::state("why-too-many-of-it"));
    }
    if open.count() >= OPEN_OF_PARTY_MAX {
        return Err(ChangeFault::state("why-too-many-of-party"));
    }
    Ok(())
}

pub(super) fn parsed(row: &VersionRow) -> Result<Document, ChangeFault> {
    Document::parse(row.key.kind, &row.key.id, &row.text).map_err(ChangeFault::Bad)
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
    rules: &'o Rules,
    row: &VersionRow,
    (role, jws): (SignerRole, &str),
    now: i64,
) -> Result<&'o Officer, ChangeFault> {
    let judged = Judged { gateway: gateway.id(), officers: &rules.history };
    let (officer, word) = check_word(&judged, (&row.key, row.digest), role, jws, (now, u64::MAX))
        .map_err(ChangeFault::Unsigned)?;
    who::active(officer, &rules.floor).map_err(ChangeFault::MayNot)?;
    let (first, last) = (now.saturating_sub(WORD_AGE_S), now.saturating_add(SKEW_S));
    if !(first..=last).contains(&word.iat) {
        return Err(ChangeFault::state("why-word-too-old"));
    }
    Ok(officer)
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
    let bad = |_error| BadDocument::because(Phrase::new("why-no-toml"));
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

impl ChangeFault {
    fn state(key: &'static str) -> Self {
        Self::State(Phrase::new(key))
    }

    /// In words; findings are told by themselves.
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::Unknown => Phrase::new("why-no-version"),
            Self::Bad(bad) => bad.clone().phrase(),
            Self::Findings(_) => Phrase::new("why-findings"),
            Self::MayNot(why) => why.phrase(),
            Self::Unsigned(why) => why.phrase(),
            Self::State(why) => why.clone(),
            Self::Reason => Phrase::new("why-reason"),
            Self::Raced => Phrase::new("why-raced"),
            Self::Failed(_) => Phrase::new("why-busy"),
        }
    }

    /// The code under which it is told: stable.
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
