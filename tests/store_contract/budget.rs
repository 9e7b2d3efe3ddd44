//! What foreign parties know of each case, and how groups are counted.

use titian::domain::state::ThreadState;
use titian::domain::{Digest, Id};
use titian::store::{GroupSize, KnownRow, NewHold, Requirement, Write};

use crate::Backend;
use crate::fixtures::*;

on_every_backend! {
    what_a_party_knows_of_a_case_is_kept_once_and_read_back,
    a_group_counts_taken_cases_of_that_party_and_key_only,
    a_group_that_shrank_stops_the_commit,
    a_folded_case_counts_on_without_a_row,
    what_was_taken_back_counts_for_nobody_until_it_is_told_again,
    a_hold_says_how_many_share_the_combination,
}

fn known(n: u64, to: &str, key: &[u8], releases: u32) -> KnownRow {
    KnownRow {
        exchange: exchange_id(n),
        party: party(to),
        profile: format!(r#"{{"n":{n}}}"#),
        key: Digest::of(key),
        releases,
    }
}

/// Cases `1..=count` in `state`, each known to `cuta-be` by `key`.
async fn cases(
    store: &std::sync::Arc<dyn titian::store::Store>,
    (first, last): (u64, u64),
    state: ThreadState,
    key: &[u8],
) {
    for n in first..=last {
        commit(store, admit(n, "kemensos")).await;
        let writes = vec![
            Write::Thread { exchange: exchange_id(n), state },
            Write::Known(known(n, "cuta-be", key, 1)),
        ];
        commit(store, writing(writes)).await;
    }
}

fn group(key: &[u8], exchange: Id, at_least: u32) -> Requirement {
    Requirement::Group { party: party("cuta-be"), key: Digest::of(key), exchange, at_least }
}

async fn what_a_party_knows_of_a_case_is_kept_once_and_read_back(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let asked =
        || Requirement::Known { exchange: exchange_id(1), party: party("cuta-be"), key: None };
    let first = known(1, "cuta-be", b"one", 1);
    let mut changes = writing(vec![Write::Known(first.clone())]);
    changes.requires = vec![asked()];
    commit(&store, changes).await;
    let read = |to: &str| {
        let (store, to) = (store.clone(), party(to));
        async move { store.known(&exchange_id(1), &to).await.unwrap() }
    };
    assert_eq!(read("cuta-be").await, Some(first));
    assert_eq!(read("bnpt").await, None);

    let mut again = writing(vec![Write::Known(known(1, "cuta-be", b"two", 2))]);
    again.requires = vec![asked()];
    assert_eq!(conflict(&store, again).await, asked());
    commit(&store, writing(vec![Write::Known(known(1, "cuta-be", b"two", 2))])).await;
    drop(store);
    let store = backend.open();
    let row = store.known(&exchange_id(1), &party("cuta-be")).await.unwrap();
    assert_eq!(row, Some(known(1, "cuta-be", b"two", 2)), "after reopening");
}

async fn a_group_counts_taken_cases_of_that_party_and_key_only(backend: &dyn Backend) {
    let store = backend.open();
    for (at, state) in (1..).zip(ThreadState::ALL) {
        cases(&store, (at, at), *state, b"key").await;
    }
    let taken = ThreadState::ALL.iter().filter(|state| state.is_taken()).count() as u64;
    assert_eq!(taken, 7);
    cases(&store, (20, 20), ThreadState::Accepted, b"other").await;
    commit(&store, writing(vec![Write::Known(known(20, "zarqolin", b"key", 1))])).await;
    let count = |key: &[u8], but: u64, most: u32| {
        let (store, key) = (store.clone(), Digest::of(key));
        async move { store.group(&party("cuta-be"), &key, &exchange_id(but), most).await.unwrap() }
    };
    assert_eq!(count(b"key", 99, 100).await, taken);
    let accepted = 1 + ThreadState::ALL.iter().position(|s| *s == ThreadState::Accepted).unwrap();
    assert_eq!(count(b"key", accepted as u64, 100).await, taken - 1, "not the case itself");
    assert_eq!(count(b"key", 99, 3).await, 3, "no further than asked");
    assert_eq!(count(b"other", 99, 100).await, 1);
    assert_eq!(count(b"none", 99, 100).await, 0);
}

async fn a_group_that_shrank_stops_the_commit(backend: &dyn Backend) {
    let store = backend.open();
    cases(&store, (1, 3), ThreadState::InService, b"key").await;
    commit(&store, admit(4, "kemensos")).await;
    let tell = |at_least| {
        let mut changes = writing(vec![Write::Known(known(4, "cuta-be", b"key", 1))]);
        changes.requires = vec![group(b"key", exchange_id(4), at_least)];
        changes
    };
    assert_eq!(conflict(&store, tell(4)).await, group(b"key", exchange_id(4), 4));
    let error = Write::Thread { exchange: exchange_id(2), state: ThreadState::EnteredInError };
    commit(&store, writing(vec![error])).await;
    assert_eq!(conflict(&store, tell(3)).await, group(b"key", exchange_id(4), 3));
    assert!(store.known(&exchange_id(4), &party("cuta-be")).await.unwrap().is_none());
    commit(&store, tell(2)).await;
    assert!(store.known(&exchange_id(4), &party("cuta-be")).await.unwrap().is_some());
}

async fn a_folded_case_counts_on_without_a_row(backend: &dyn Backend) {
    let store = backend.open();
    cases(&store, (1, 3), ThreadState::Completed, b"key").await;
    cases(&store, (4, 4), ThreadState::Declined, b"key").await;
    let count = |store: std::sync::Arc<dyn titian::store::Store>| async move {
        let key = Digest::of(b"key");
        store.group(&party("cuta-be"), &key, &exchange_id(99), 100).await.unwrap()
    };
    assert_eq!(count(store.clone()).await, 3);
    for n in [1, 2, 4] {
        commit(&store, writing(vec![Write::Fold(exchange_id(n))])).await;
        assert!(store.known(&exchange_id(n), &party("cuta-be")).await.unwrap().is_none());
        assert_eq!(count(store.clone()).await, 3, "one that never counted is not counted now");
    }
    // what happens to a folded case later no longer changes the number
    let error = Write::Thread { exchange: exchange_id(1), state: ThreadState::EnteredInError };
    commit(&store, writing(vec![error, Write::Fold(exchange_id(1))])).await;
    drop(store);
    let store = backend.open();
    assert_eq!(count(store.clone()).await, 3);
    let mut changes = writing(Vec::new());
    changes.requires = vec![group(b"key", exchange_id(3), 2)];
    commit(&store, changes).await;
}

async fn what_was_taken_back_counts_for_nobody_until_it_is_told_again(backend: &dyn Backend) {
    let store = backend.open();
    cases(&store, (1, 3), ThreadState::Accepted, b"key").await;
    let count = async || {
        let (to, key) = (party("cuta-be"), Digest::of(b"key"));
        store.group(&to, &key, &exchange_id(9), 10).await.unwrap()
    };
    let uncount = |to: &str| Write::Uncount {
        exchange: exchange_id(2),
        party: party(to),
        key: Digest::of(b"of its own"),
    };
    commit(&store, writing(vec![uncount("bnpt")])).await;
    assert_eq!(count().await, 3);
    commit(&store, writing(vec![uncount("cuta-be")])).await;
    assert_eq!(count().await, 2);
    commit(&store, writing(vec![Write::Known(known(2, "cuta-be", b"key", 2))])).await;
    assert_eq!(count().await, 3);
}

async fn a_hold_says_how_many_share_the_combination(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let group = Some(GroupSize { alike: 3, needed: 10 });
    let held = NewHold { group, leaves: Vec::new(), ..new_hold(1, 1) };
    commit(&store, writing(vec![Write::Hold(held.clone()), Write::Hold(new_hold(2, 1))])).await;
    assert_eq!(store.hold(&id(6, 1)).await.unwrap().unwrap().hold, held);
    assert_eq!(store.hold(&id(6, 2)).await.unwrap().unwrap().hold.group, None);
}
