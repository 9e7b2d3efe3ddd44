//! Governed documents: what is approved is never changed, a step is recorded once and in order, and
//! two officers who act at once do not both succeed.

use std::sync::Arc;

use super::Backend;
use super::fixtures::*;
use titian::domain::{Act, Digest, DocumentKind, Needs, VersionState};
use titian::store::{
    Changes, CommitError, EntrySlot, NewStep, NewVersion, Requirement, Store, StoreError,
    VersionKey, Write,
};

fn key(id: &str, version: u32) -> VersionKey {
    VersionKey { kind: DocumentKind::Policy, id: id.to_owned(), version }
}

fn version(key: &VersionKey, text: &str) -> Write {
    Write::Version(NewVersion {
        key: key.clone(),
        text: text.to_owned(),
        digest: Digest::of(text.as_bytes()),
        state: VersionState::Draft,
        effective_at: None,
    })
}

/// Writes, with a step and its entry.
fn doing(key: &VersionKey, act: Act, mut writes: Vec<Write>) -> Changes {
    let step = NewStep {
        act,
        officer: String::from("petugas-1"),
        reason: String::from("contoh"),
        needs: Some(Needs::TwoUnits),
        jws: Some(String::from("a.b.c")),
        entry: EntrySlot(0),
        at: NOW,
    };
    writes.push(Write::Step { key: key.clone(), step });
    Changes { writes, entries: vec![entry("governance", 1)], ..Changes::default() }
}

fn moving(key: &VersionKey, act: Act, state: VersionState, at: Option<i64>) -> Changes {
    let state = Write::VersionState { key: key.clone(), state, effective_at: at };
    doing(key, act, vec![state])
}

async fn refused(store: &Arc<dyn Store>, changes: Changes) -> CommitError {
    store.commit(changes).await.unwrap_err()
}

async fn a_version_reads_back_with_its_steps(backend: &dyn Backend) {
    let store = backend.open();
    let (one, two) = (key("p-1", 1), key("p-1", 2));
    commit(&store, doing(&one, Act::Drafted, vec![version(&one, "# said\na = 1")])).await;
    commit(&store, moving(&one, Act::Approved, VersionState::Approved, Some(NOW + 5))).await;
    commit(&store, doing(&two, Act::Drafted, vec![version(&two, "a = 2")])).await;
    let rows = store.versions_of(DocumentKind::Policy, "p-1").await.unwrap();
    let [first, second] = rows.as_slice() else { panic!("two versions") };
    assert_eq!((&first.key, first.text.as_str()), (&one, "# said\na = 1"));
    assert_eq!((first.state, first.effective_at), (VersionState::Approved, Some(NOW + 5)));
    let acts: Vec<_> = first.steps.iter().map(|step| (step.act, step.entry)).collect();
    assert_eq!(acts, [(Act::Drafted, 0), (Act::Approved, 1)]);
    assert_eq!(first.steps[0].jws.as_deref(), Some("a.b.c"));
    assert_eq!(first.steps[0].needs, Some(Needs::TwoUnits));
    assert_eq!((second.state, second.effective_at), (VersionState::Draft, None));
    assert_eq!(store.versions().await.unwrap(), rows);
    assert!(store.versions_of(DocumentKind::Party, "p-1").await.unwrap().is_empty());
}

async fn what_is_approved_is_never_changed(backend: &dyn Backend) {
    let store = backend.open();
    let one = key("p-1", 1);
    commit(&store, doing(&one, Act::Drafted, vec![version(&one, "a = 1")])).await;
    // a draft may get another text
    commit(&store, doing(&one, Act::Drafted, vec![version(&one, "a = 2")])).await;
    commit(&store, moving(&one, Act::Approved, VersionState::Approved, Some(NOW))).await;
    let again = doing(&one, Act::Drafted, vec![version(&one, "a = 3")]);
    assert!(matches!(refused(&store, again).await, CommitError::Conflict(_)));
    let back = moving(&one, Act::Withdrawn, VersionState::Withdrawn, None);
    assert!(matches!(refused(&store, back).await, CommitError::Conflict(_)));
    let rows = store.versions().await.unwrap();
    assert_eq!((rows[0].text.as_str(), rows[0].state), ("a = 2", VersionState::Approved));
    assert_eq!(rows[0].steps.len(), 3, "what was refused left no step");
}

async fn of_two_officers_at_once_one_succeeds(backend: &dyn Backend) {
    let store = backend.open();
    let one = key("p-1", 1);
    commit(&store, doing(&one, Act::Drafted, vec![version(&one, "a = 1")])).await;
    let approving = || {
        let mut changes = moving(&one, Act::Approved, VersionState::Approved, Some(NOW));
        let at = Some((VersionState::Draft, 1));
        changes.requires.push(Requirement::Version { key: one.clone(), at });
        changes
    };
    let (first, second) = tokio::join!(store.commit(approving()), store.commit(approving()));
    assert_ne!(first.is_ok(), second.is_ok());
    assert_eq!(store.versions().await.unwrap()[0].steps.len(), 2);
    let mut unseen = doing(&one, Act::Drafted, vec![version(&one, "a = 9")]);
    unseen.requires.push(Requirement::Version { key: one.clone(), at: None });
    assert!(matches!(refused(&store, unseen).await, CommitError::Conflict(_)));
}

async fn a_step_of_nothing_is_refused(backend: &dyn Backend) {
    let store = backend.open();
    let changes = doing(&key("p-9", 1), Act::Proposed, Vec::new());
    let fault = refused(&store, changes).await;
    let inconsistent = matches!(
        fault,
        CommitError::Unavailable(StoreError::Inconsistent { table: "versions", .. })
    );
    assert!(inconsistent, "{fault:?}");
}

async fn a_release_is_made_anew_in_its_place_until_it_is_handed_out(backend: &dyn Backend) {
    let store = backend.open();
    let receiver = at("kemensos/sentra-handayani");
    commit(&store, admit(1, "kemensos/sentra-handayani")).await;
    commit(&store, admit(2, "kemensos/sentra-handayani")).await;
    let mut anew = new_release(1, 1, &receiver);
    anew.statement = String::from("anew");
    anew.disclosure = sealed(9, 500);
    anew.policy.version = 4;
    commit(&store, writing(vec![Write::Remake(anew.clone())])).await;
    let waiting = store.waiting(&receiver, 10).await.unwrap();
    assert_eq!(waiting[0].release_id, release_id(1), "its place in the queue stays");
    assert_eq!((waiting[0].statement.as_str(), waiting[0].policy.version), ("anew", 4));
    assert_eq!(waiting[0].disclosure.as_ref().unwrap().ciphertext, anew.disclosure.ciphertext);
    let releases = vec![(release_id(1), Some(EntrySlot(0)))];
    let mut hand_out = writing(vec![Write::HandOut { view: receiver, releases }]);
    hand_out.entries.push(entry("kemensos", 7));
    commit(&store, hand_out).await;
    let late = refused(&store, writing(vec![Write::Remake(anew)])).await;
    assert!(matches!(late, CommitError::Conflict(Requirement::Queued(_))), "{late:?}");
}

on_every_backend! {
    a_version_reads_back_with_its_steps,
    what_is_approved_is_never_changed,
    of_two_officers_at_once_one_succeeds,
    a_step_of_nothing_is_refused,
    a_release_is_made_anew_in_its_place_until_it_is_handed_out,
}
