//! Exchanges are found by what their reader sent or was handed, and by nothing else.

use std::sync::Arc;

use titian::domain::state::RecipientState;
use titian::store::{Store, ThreadsQuery};

use crate::Backend;
use crate::fixtures::*;

on_every_backend! {
    an_exchange_is_found_by_what_its_reader_sent_or_was_handed,
    a_unit_finds_what_it_is_a_side_of,
    pages_follow_one_another_and_end,
}

fn all(reader: &str) -> ThreadsQuery {
    ThreadsQuery {
        reader: at(reader),
        with: None,
        message_type: None,
        state: None,
        since: i64::MIN,
        until: i64::MAX,
        before: None,
    }
}

/// The numbers of the exchanges that are found.
async fn found(store: &Arc<dyn Store>, query: &ThreadsQuery) -> Vec<u64> {
    let found = store.threads(query, 100, 100).await.unwrap();
    assert_eq!(found.next, None);
    let which = u8::from(query.reader.party != party("bnpt"));
    let number = |found: &(_, _)| (1..=9).find(|n| reference(which, *n) == found.1).unwrap();
    found.threads.iter().map(number).collect()
}

async fn an_exchange_is_found_by_what_its_reader_sent_or_was_handed(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=3 {
        commit(&store, admit(n, "kemensos")).await;
    }
    assert_eq!(found(&store, &all("bnpt")).await, [3, 2, 1]);
    assert!(found(&store, &all("kemensos")).await.is_empty(), "what waits is not told");
    commit(&store, first_hand_out("kemensos", &[2])).await;
    assert_eq!(found(&store, &all("kemensos")).await, [2]);
    commit(&store, acknowledge(2, "kemensos", true)).await;

    let with = |it: &str| ThreadsQuery { with: Some(party(it)), ..all("bnpt") };
    assert_eq!(found(&store, &with("kemensos")).await, [3, 2, 1]);
    assert!(found(&store, &with("cuta-be")).await.is_empty());
    let from_bnpt = ThreadsQuery { with: Some(party("bnpt")), ..all("kemensos") };
    assert_eq!(found(&store, &from_bnpt).await, [2]);

    let state = |reader, state| ThreadsQuery { state: Some(state), ..all(reader) };
    for reader in ["bnpt", "kemensos"] {
        assert_eq!(found(&store, &state(reader, RecipientState::Acknowledged)).await, [2]);
        assert!(found(&store, &state(reader, RecipientState::Held)).await.is_empty());
    }
    assert_eq!(found(&store, &state("bnpt", RecipientState::Queued)).await, [3, 1]);

    let of = |it: &str| ThreadsQuery { message_type: Some(it.parse().unwrap()), ..all("bnpt") };
    assert_eq!(found(&store, &of("referral/1")).await, [3, 2, 1]);
    assert!(found(&store, &of("status/1")).await.is_empty());

    let row = store.message(&party("bnpt"), &message_id(2)).await.unwrap().unwrap();
    let at = row.admitted_at;
    let day = ThreadsQuery { since: at, until: at + 1, ..all("bnpt") };
    assert_eq!(found(&store, &day).await, [2]);
}

async fn a_unit_finds_what_it_is_a_side_of(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos/sentra-handayani")).await;
    commit(&store, admit(2, "kemensos/sentra-galih")).await;
    commit(&store, first_hand_out("kemensos", &[1, 2])).await;
    assert_eq!(found(&store, &all("kemensos")).await, [2, 1]);
    assert_eq!(found(&store, &all("kemensos/sentra-handayani")).await, [1]);
    assert!(found(&store, &all("kemensos/sentra-hand")).await.is_empty());
    assert!(found(&store, &all("bnpt/sentra-handayani")).await.is_empty());
}

async fn pages_follow_one_another_and_end(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=5 {
        commit(&store, admit(n, "kemensos")).await;
    }
    let mut query = all("bnpt");
    let mut lengths = Vec::new();
    loop {
        let page = store.threads(&query, 100, 2).await.unwrap();
        lengths.push(page.threads.len());
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(lengths, [2, 2, 1]);
    // what is looked at without a find is passed over page by page, and somebody else's reference
    // leads nowhere
    let none = ThreadsQuery { state: Some(RecipientState::Held), ..all("bnpt") };
    let page = store.threads(&none, 2, 2).await.unwrap();
    assert_eq!((page.threads.len(), page.next), (0, Some(reference(0, 4))));
    let last = ThreadsQuery { before: Some(reference(0, 3)), ..none };
    assert_eq!(store.threads(&last, 2, 2).await.unwrap().next, None);
    let stolen = ThreadsQuery { before: Some(reference(1, 5)), ..all("bnpt") };
    assert!(found(&store, &stolen).await.is_empty());
}
