//! What every backend of the store keeps to, written once over `Arc<dyn Store>`.
//!
//! SQLite always runs; a second backend is one more `Backend` and one more module per rule.
#![cfg(test)]

/// One test per rule and backend; another backend is another module here.
macro_rules! on_every_backend {
    ($($rule:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $rule() {
                super::$rule(&crate::sqlite::Database::new()).await;
            })*
        }
    };
}

#[path = "store_contract/budget.rs"]
mod budget;
#[path = "store_contract/desk.rs"]
mod desk;
#[path = "store_contract/erasures.rs"]
mod erasures;
#[path = "store_contract/fixtures.rs"]
mod fixtures;
#[path = "store_contract/inbox.rs"]
mod inbox;
#[path = "store_contract/kept.rs"]
mod kept;
#[path = "store_contract/ledger.rs"]
mod ledger;
#[path = "store_contract/requests.rs"]
mod requests;
#[path = "store_contract/reviews.rs"]
mod reviews;
#[path = "store_contract/sqlite.rs"]
mod sqlite;
#[path = "store_contract/threads.rs"]
mod threads;
#[path = "store_contract/versions.rs"]
mod versions;

use std::sync::Arc;

use fixtures::*;
use titian::domain::state::{MessageState, RecipientState, ThreadState};
use titian::domain::{Digest, LeafName};
use titian::store::{
    Backlog, CommitError, Decision, Refusal, Requirement, Store, StoreError, Write,
};

/// A database of its own, that outlives the store opened on it.
pub(crate) trait Backend: Sync {
    /// Opens it, again if it was open before.
    fn open(&self) -> Arc<dyn Store>;
}

async fn an_admitted_message_reads_back_as_written(backend: &dyn Backend) {
    let store = backend.open();
    let committed = commit(&store, admit(1, "kemensos/sentra-handayani")).await;
    let written = new_message(1);
    let row = store.message(&party("bnpt"), &message_id(1)).await.unwrap().unwrap();
    assert_eq!(row.sender, written.sender);
    assert_eq!(row.message_id, written.message_id);
    assert_eq!(row.message_type, written.message_type);
    assert_eq!(row.purpose, written.purpose);
    assert_eq!(row.digest, written.digest);
    assert_eq!(row.state, written.state);
    assert_eq!(row.exchange, written.exchange);
    assert_eq!(row.receipt, written.receipt);
    assert_eq!(row.entry, committed.entries[0].index);
    assert_eq!(row.admitted_at, written.admitted_at);
    assert_eq!(row.retention_until, written.retention_until);
    let object = row.object.unwrap();
    assert_eq!(object.month, written.object.month);
    assert_eq!(object.wrapped_key, written.object.wrapped_key);
    assert_eq!(object.ciphertext, written.object.ciphertext);

    let receiver = at("kemensos/sentra-handayani");
    assert_eq!(
        store.recipients(&party("bnpt"), &message_id(1)).await.unwrap(),
        [new_recipient(1, &receiver)]
    );
    assert_eq!(store.exchange(&exchange_id(1)).await.unwrap(), Some(new_exchange(1, &receiver)));
    let of = store.members(&exchange_id(1)).await.unwrap();
    assert_eq!(of.len(), 2);
    for member in of {
        assert_eq!(store.member(&member.reference).await.unwrap(), Some(member));
    }

    let written = new_release(1, 1, &receiver);
    let row = store.release(&release_id(1)).await.unwrap().unwrap();
    assert_eq!(row.release_id, written.release_id);
    assert_eq!(row.recipient, written.recipient);
    assert_eq!(row.exchange, written.exchange);
    assert_eq!(row.sender, written.sender);
    assert_eq!(row.message_id, written.message_id);
    assert_eq!(row.message_type, written.message_type);
    assert_eq!(row.statement, written.statement);
    assert_eq!(row.digest, written.digest);
    assert_eq!(row.policy, written.policy);
    assert_eq!(row.release_schema, written.release_schema);
    assert_eq!(row.origin_salt, written.origin_salt);
    assert_eq!(row.supplements, written.supplements);
    assert_eq!((row.made_at, row.entry), (written.made_at, None));
    assert_eq!(row.disclosure.unwrap().ciphertext, written.disclosure.ciphertext);
}

async fn what_is_not_there_is_none(backend: &dyn Backend) {
    let store = backend.open();
    let view = at("kemensos");
    assert!(store.message(&party("bnpt"), &message_id(1)).await.unwrap().is_none());
    assert!(store.recipients(&party("bnpt"), &message_id(1)).await.unwrap().is_empty());
    assert!(store.member(&reference(0, 1)).await.unwrap().is_none());
    assert!(store.members(&exchange_id(1)).await.unwrap().is_empty());
    assert!(store.exchange(&exchange_id(1)).await.unwrap().is_none());
    assert!(store.messages_of(&exchange_id(1)).await.unwrap().is_empty());
    assert!(store.release(&release_id(1)).await.unwrap().is_none());
    assert!(store.waiting(&view, 10).await.unwrap().is_empty());
    assert!(store.page(&view, 0, 10).await.unwrap().is_empty());
    assert_eq!(store.oldest_unacknowledged(&view).await.unwrap(), None);
    assert_eq!(store.newest_seq(&view).await.unwrap(), 0);
    assert!(store.acknowledgement(&release_id(1)).await.unwrap().is_none());
    assert!(store.hold(&id(6, 1)).await.unwrap().is_none());
    assert!(store.policy_text(&Digest::of(b"p")).await.unwrap().is_none());
    assert_eq!(store.generation().await.unwrap(), 0);
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    store.ready().await.unwrap();
}

async fn an_id_is_admitted_once(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut other = admit(2, "kemensos");
    let again = admit(1, "kemensos");
    assert_eq!(conflict(&store, again).await, unseen(1));
    // without the precondition the row itself is in the way, and that is the same conflict
    other.requires.clear();
    for write in &mut other.writes {
        if let Write::Message(new) = write {
            new.message_id = message_id(1);
        }
    }
    assert_eq!(conflict(&store, other).await, unseen(1));
    assert!(store.exchange(&exchange_id(2)).await.unwrap().is_none(), "written before it failed");
    assert_eq!(store.head("bnpt").await.unwrap().size, 1);
    // the id belongs to its sender alone
    let mut elsewhere = admit(3, "kemensos");
    elsewhere.requires =
        vec![Requirement::MessageUnseen { sender: party("cuta-be"), message_id: message_id(1) }];
    commit(&store, elsewhere).await;
}

async fn of_many_that_race_for_one_id_exactly_one_wins(backend: &dyn Backend) {
    let store = backend.open();
    let mut racing = tokio::task::JoinSet::new();
    for n in 0..64u64 {
        let store = Arc::clone(&store);
        racing.spawn(async move {
            let mut changes = admit(100 + n, "kemensos");
            changes.requires = vec![unseen(1)];
            for write in &mut changes.writes {
                match write {
                    Write::Message(new) => new.message_id = message_id(1),
                    Write::Recipient(row) => row.message_id = message_id(1),
                    Write::Release(new) => new.message_id = message_id(1),
                    _ => {}
                }
            }
            match store.commit(changes).await {
                Ok(_) => true,
                Err(CommitError::Conflict(requirement)) => {
                    assert_eq!(requirement, unseen(1));
                    false
                }
                Err(CommitError::Unavailable(error)) => panic!("{error:?}"),
            }
        });
    }
    let won = racing.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(store.head("bnpt").await.unwrap().size, 1);
    assert_eq!(store.waiting(&at("kemensos"), 100).await.unwrap().len(), 1);
    assert_eq!(store.releases_of(&party("bnpt"), &message_id(1)).await.unwrap().len(), 1);
}

async fn a_failing_neighbour_leaves_no_row_and_no_entry(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut all = tokio::task::JoinSet::new();
    for n in 2..130u64 {
        let store = Arc::clone(&store);
        all.spawn(async move {
            let mut changes = admit(n, "kemensos");
            let fails = n % 2 == 1;
            if fails {
                // fails at its last row, after all others were written
                let state = RecipientState::Held;
                changes.writes.push(Write::RecipientState {
                    sender: party("bnpt"),
                    message_id: message_id(n),
                    recipient: at("cuta-be"),
                    state,
                    pending: Vec::new(),
                });
            }
            let mine = entry("bnpt", n);
            match store.commit(changes).await {
                Ok(committed) => {
                    assert!(!fails);
                    assert!(verifies(&mine, &committed.entries[0]));
                    Some(n)
                }
                Err(CommitError::Unavailable(StoreError::Inconsistent { .. })) => {
                    assert!(fails);
                    None
                }
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    let committed = all.join_all().await.into_iter().flatten().count();
    assert_eq!(committed, 64);
    assert_eq!(store.head("bnpt").await.unwrap().size, 65);
    for n in 2..130u64 {
        let there = n % 2 == 0;
        let sender = party("bnpt");
        assert_eq!(store.message(&sender, &message_id(n)).await.unwrap().is_some(), there);
        assert_eq!(store.exchange(&exchange_id(n)).await.unwrap().is_some(), there);
        assert_eq!(store.release(&release_id(n)).await.unwrap().is_some(), there);
        assert_eq!(store.member(&reference(0, n)).await.unwrap().is_some(), there);
    }
}

async fn an_update_of_nothing_is_refused(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let nobody = [
        Write::MessageState {
            sender: party("bnpt"),
            message_id: message_id(9),
            state: MessageState::Held,
        },
        Write::Thread { exchange: exchange_id(9), state: ThreadState::Closed },
        Write::Withheld { exchange: exchange_id(9), parties: vec![party("bnpt")] },
        Write::MemberSubject {
            exchange: exchange_id(1),
            party: party("cuta-be"),
            subject_ref: id(5, 1),
        },
        Write::CancelRelease(release_id(9)),
        Write::Hold(new_hold(1, 9)),
    ];
    for write in nobody {
        let shown = format!("{write:?}");
        let outcome = store.commit(writing(vec![write])).await;
        let inconsistent =
            matches!(outcome, Err(CommitError::Unavailable(StoreError::Inconsistent { .. })));
        assert!(inconsistent, "{shown}: {outcome:?}");
    }
    store.ready().await.unwrap();
}

async fn threads_members_and_projections_change_as_asked(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let exchange = exchange_id(1);
    let submitted = Requirement::Thread { exchange, state: ThreadState::Submitted };
    let accept = || {
        let mut changes = writing(vec![Write::Thread { exchange, state: ThreadState::Accepted }]);
        changes.requires = vec![submitted.clone()];
        changes
    };
    commit(&store, accept()).await;
    assert_eq!(conflict(&store, accept()).await, submitted);

    for parties in [vec!["bnpt"], vec!["cuta-be", "bnpt"]] {
        let parties = parties.into_iter().map(party).collect();
        commit(&store, writing(vec![Write::Withheld { exchange, parties }])).await;
    }
    let row = store.exchange(&exchange).await.unwrap().unwrap();
    assert_eq!(row.state, ThreadState::Accepted);
    assert_eq!(row.withheld, [party("bnpt"), party("cuta-be")]);

    let told = Write::MemberSubject { exchange, party: party("kemensos"), subject_ref: id(5, 9) };
    commit(&store, writing(vec![told])).await;
    let member = store.member(&reference(1, 1)).await.unwrap().unwrap();
    assert_eq!(member.subject_ref, Some(id(5, 9)));

    let project = |before: Option<&[u8]>, after: &[u8]| {
        let mut changes = writing(vec![Write::LastProjection {
            exchange,
            party: party("kemensos"),
            message_type: String::from("status/1"),
            digest: Digest::of(after),
        }]);
        changes.requires = vec![Requirement::LastProjection {
            exchange,
            party: party("kemensos"),
            message_type: String::from("status/1"),
            digest: before.map(Digest::of),
        }];
        changes
    };
    commit(&store, project(None, b"one")).await;
    conflict(&store, project(None, b"two")).await;
    conflict(&store, project(Some(b"other"), b"two")).await;
    commit(&store, project(Some(b"one"), b"two")).await;
    let last = store.last_projection(&exchange, &party("kemensos"), "status/1").await.unwrap();
    assert_eq!(last, Some(Digest::of(b"two")));
}

/// A party's own reference of its own case is no reference that was handed to it.
async fn a_handed_reference_is_known_and_an_own_one_is_not(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos/sentra-handayani")).await;
    let knows = async |name: &str, subject: u64| {
        store.knows_subject_as(&party(name), &id(5, subject)).await.unwrap()
    };
    let exchange = exchange_id(1);
    let told = Write::MemberSubject { exchange, party: party("kemensos"), subject_ref: id(5, 9) };
    commit(&store, writing(vec![told])).await;
    assert!(knows("kemensos", 9).await);
    assert!(!knows("bnpt", 1).await, "its own");
    assert!(!knows("bnpt", 9).await, "handed to another");
    assert!(!knows("kemensos", 1).await, "another's own");
}

async fn message_and_recipient_change_state(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    commit(
        &store,
        writing(vec![
            Write::MessageState {
                sender: party("bnpt"),
                message_id: message_id(1),
                state: MessageState::Withdrawn,
            },
            Write::RecipientState {
                sender: party("bnpt"),
                message_id: message_id(1),
                recipient: at("kemensos"),
                state: RecipientState::Cancelled,
                pending: Vec::new(),
            },
        ]),
    )
    .await;
    let message = store.message(&party("bnpt"), &message_id(1)).await.unwrap().unwrap();
    assert_eq!(message.state, MessageState::Withdrawn);
    let recipients = store.recipients(&party("bnpt"), &message_id(1)).await.unwrap();
    assert_eq!(recipients[0].state, RecipientState::Cancelled);
    assert!(recipients[0].pending.is_empty());
}

/// An officer's decision and the recipient's own acts cross: neither undoes the other.
async fn what_waits_for_an_officer_changes_apart_from_the_state(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let of = |state, pending| Write::RecipientState {
        sender: party("bnpt"),
        message_id: message_id(1),
        recipient: at("kemensos"),
        state,
        pending,
    };
    commit(&store, writing(vec![of(RecipientState::Collected, vec![LeafName::new("/note")])]))
        .await;
    let decided = Write::RecipientPending {
        sender: party("bnpt"),
        message_id: message_id(1),
        recipient: at("kemensos"),
        pending: Vec::new(),
    };
    commit(&store, writing(vec![decided])).await;
    let row = store.recipients(&party("bnpt"), &message_id(1)).await.unwrap().remove(0);
    assert_eq!((row.state, row.pending.len()), (RecipientState::Collected, 0));
    assert_eq!(store.sealed_months().await.unwrap(), ["2027-03"]);
}

async fn a_hold_is_decided_once(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let holds = [new_hold(2, 1), new_hold(1, 1)];
    commit(&store, writing(holds.iter().cloned().map(Write::Hold).collect())).await;
    let open = store.holds(false).await.unwrap();
    assert_eq!(open.iter().map(|h| h.hold.id).collect::<Vec<_>>(), [id(6, 1), id(6, 2)]);
    let backlog = store.backlog().await.unwrap();
    assert_eq!((backlog.holds_open, backlog.oldest_hold_at), (2, Some(NOW + 1)));

    let decide = |released| {
        let decision = Decision {
            released,
            officer: String::from("petugas-1"),
            reason: String::from("checked"),
            at: NOW + 9,
        };
        let mut changes = writing(vec![Write::Decide { hold: id(6, 1), decision }]);
        changes.requires = vec![Requirement::HoldOpen(id(6, 1))];
        changes
    };
    commit(&store, decide(true)).await;
    assert_eq!(conflict(&store, decide(false)).await, Requirement::HoldOpen(id(6, 1)));
    let mut unguarded = decide(false);
    unguarded.requires.clear();
    assert_eq!(conflict(&store, unguarded).await, Requirement::HoldOpen(id(6, 1)));

    let decided = store.hold(&id(6, 1)).await.unwrap().unwrap();
    assert_eq!(decided.hold, holds[1]);
    assert!(decided.decision.unwrap().released);
    assert_eq!(store.holds(false).await.unwrap().len(), 1);
    assert_eq!(store.holds(true).await.unwrap().len(), 2);
    assert_eq!(store.holds_of(&party("bnpt"), &message_id(1)).await.unwrap().len(), 2);
    assert!(store.holds_of(&party("bnpt"), &message_id(2)).await.unwrap().is_empty());
    assert_eq!(store.backlog().await.unwrap().holds_open, 1);
}

async fn the_generation_rises_when_the_rules_differ(backend: &dyn Backend) {
    let store = backend.open();
    let rules = |text: &[u8]| writing(vec![Write::Rules { digest: Digest::of(text) }]);
    for (text, generation) in [(b"a", 1), (b"a", 1), (b"b", 2), (b"a", 3)] {
        commit(&store, rules(text)).await;
        assert_eq!(store.generation().await.unwrap(), generation);
    }
    let mut stale = rules(b"c");
    stale.requires = vec![Requirement::Generation(2)];
    assert_eq!(conflict(&store, stale).await, Requirement::Generation(2));
    assert_eq!(store.generation().await.unwrap(), 3);
}

async fn texts_are_kept_by_digest_and_told_to_their_own(backend: &dyn Backend) {
    let store = backend.open();
    let digest = Digest::of(b"text");
    let keep = || {
        writing(vec![
            Write::Policy { digest, text: String::from("policy") },
            Write::ReleaseSchema {
                digest,
                recipient: party("cuta-be"),
                text: String::from("schema"),
            },
        ])
    };
    commit(&store, keep()).await;
    commit(&store, keep()).await;
    assert_eq!(store.policy_text(&digest).await.unwrap().as_deref(), Some("policy"));
    let own = store.release_schema(&digest, &party("cuta-be")).await.unwrap();
    assert_eq!(own.as_deref(), Some("schema"));
    assert!(store.release_schema(&digest, &party("bnpt")).await.unwrap().is_none());
}

async fn an_assertion_is_used_once(backend: &dyn Backend) {
    let store = backend.open();
    let jti = String::from("j-1");
    let unused = Requirement::AssertionUnseen { party: party("bnpt"), jti: jti.clone() };
    let used = |requires: Vec<Requirement>, who: &str| {
        let write = Write::Assertion { party: party(who), jti: jti.clone(), expires_at: NOW };
        let mut changes = writing(vec![write]);
        changes.requires = requires;
        changes
    };
    commit(&store, used(vec![unused.clone()], "bnpt")).await;
    assert_eq!(conflict(&store, used(vec![unused.clone()], "bnpt")).await, unused);
    assert_eq!(conflict(&store, used(Vec::new(), "bnpt")).await, unused);
    commit(&store, used(Vec::new(), "cuta-be")).await;
}

async fn a_refusal_is_recorded_in_its_senders_ledger(backend: &dyn Backend) {
    let store = backend.open();
    let refuse = |n: u64, ledger: &str| {
        let refusal = Refusal {
            id: id(7, n),
            sender: party("bnpt"),
            message_id: None,
            digest: Digest::of(b"object"),
            code: String::from("schema"),
            jws: String::from("refusal"),
            entry: titian::store::EntrySlot(0),
            at: NOW,
        };
        let mut changes = writing(vec![Write::Refusal(refusal)]);
        changes.entries = vec![entry(ledger, n)];
        changes
    };
    let committed = commit(&store, refuse(1, "bnpt")).await;
    assert!(verifies(&entry("bnpt", 1), &committed.entries[0]));
    // an entry in somebody else's ledger would be evidence in the wrong hands
    let outcome = store.commit(refuse(2, "kemensos")).await;
    assert!(matches!(outcome, Err(CommitError::Unavailable(StoreError::Inconsistent { .. }))));
    assert_eq!(store.head("kemensos").await.unwrap().size, 0);
}

async fn a_thread_is_read_oldest_first(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(9, "kemensos")).await;
    for n in [5, 7, 3] {
        let mut message = new_message(n);
        message.exchange = exchange_id(9);
        let mut release = new_release(n, n, &at("kemensos"));
        release.exchange = exchange_id(9);
        let mut changes = writing(vec![
            Write::Release(release),
            Write::Recipient(new_recipient(n, &at("kemensos"))),
            Write::Message(message),
        ]);
        changes.entries = vec![entry("bnpt", n)];
        commit(&store, changes).await;
    }
    let messages = store.messages_of(&exchange_id(9)).await.unwrap();
    let ids: Vec<_> = messages.iter().map(|m| m.message_id).collect();
    assert_eq!(ids, [9, 5, 7, 3].map(message_id));

    commit(&store, first_hand_out("kemensos", &[9, 7])).await;
    let handed = store.handed_out(&exchange_id(9), &party("kemensos")).await.unwrap();
    let ids: Vec<_> = handed.iter().map(|r| r.release_id).collect();
    assert_eq!(ids, [9, 7].map(release_id));
    assert!(store.handed_out(&exchange_id(9), &party("cuta-be")).await.unwrap().is_empty());
}

async fn what_was_committed_is_there_after_reopening(backend: &dyn Backend) {
    let before = {
        let store = backend.open();
        for n in 1..=10 {
            commit(&store, admit(n, "kemensos/sentra-handayani")).await;
        }
        commit(&store, first_hand_out("kemensos", &[1, 2])).await;
        commit(&store, acknowledge(1, "kemensos", true)).await;
        commit(&store, writing(vec![Write::Rules { digest: Digest::of(b"r") }])).await;
        (store.head("bnpt").await.unwrap(), store.backlog().await.unwrap())
    };
    let store = backend.open();
    assert_eq!((store.head("bnpt").await.unwrap(), store.backlog().await.unwrap()), before);
    assert_eq!(store.generation().await.unwrap(), 1);
    assert_eq!(store.waiting(&at("kemensos"), 100).await.unwrap().len(), 8);
    assert_eq!(store.waiting(&at("kemensos/sentra-handayani"), 100).await.unwrap().len(), 10);
    assert_eq!(store.newest_seq(&at("kemensos")).await.unwrap(), 2);
    assert_eq!(store.oldest_unacknowledged(&at("kemensos")).await.unwrap(), Some(2));
    commit(&store, first_hand_out("kemensos", &[3])).await;
    assert_eq!(store.newest_seq(&at("kemensos")).await.unwrap(), 3);
    assert_eq!(conflict(&store, admit(4, "kemensos")).await, unseen(4));
}

on_every_backend! {
    an_admitted_message_reads_back_as_written,
    what_is_not_there_is_none,
    an_id_is_admitted_once,
    of_many_that_race_for_one_id_exactly_one_wins,
    a_failing_neighbour_leaves_no_row_and_no_entry,
    an_update_of_nothing_is_refused,
    threads_members_and_projections_change_as_asked,
    a_handed_reference_is_known_and_an_own_one_is_not,
    message_and_recipient_change_state,
    what_waits_for_an_officer_changes_apart_from_the_state,
    a_hold_is_decided_once,
    the_generation_rises_when_the_rules_differ,
    texts_are_kept_by_digest_and_told_to_their_own,
    an_assertion_is_used_once,
    a_refusal_is_recorded_in_its_senders_ledger,
    a_thread_is_read_oldest_first,
    what_was_committed_is_there_after_reopening,
}
