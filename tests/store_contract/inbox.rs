//! Queue, hand out, cancel, acknowledge.

use std::sync::Arc;

use titian::domain::state::{MessageState, RecipientState, ReleaseState};
use titian::domain::{Address, ReleaseId};
use titian::store::{
    Backlog, Changes, CommitError, EntrySlot, Requirement, Store, StoreError, WaitingCursor, Write,
};

use crate::Backend;
use crate::fixtures::*;

const UNIT: &str = "kemensos/sentra-handayani";

fn inconsistent(outcome: &Result<titian::store::Committed, CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Unavailable(StoreError::Inconsistent { .. })))
}

async fn waiting(store: &Arc<dyn Store>, view: &str) -> Vec<ReleaseId> {
    let waiting = store.waiting(&at(view), 100).await.unwrap();
    waiting.into_iter().map(|r| r.release_id).collect()
}

async fn page(store: &Arc<dyn Store>, view: &str) -> Vec<(i64, ReleaseId)> {
    let page = store.page(&at(view), 0, 100).await.unwrap();
    page.into_iter().map(|(seq, r)| (seq, r.release_id)).collect()
}

async fn recipient_state(store: &Arc<dyn Store>, n: u64) -> RecipientState {
    store.recipients(&party("bnpt"), &message_id(n)).await.unwrap()[0].state
}

/// Another release of message `n`.
fn queue_another(release: u64, n: u64, recipient: &str, urgent: bool) -> Changes {
    let mut new = new_release(release, n, &at(recipient));
    new.urgent = urgent;
    writing(vec![Write::Release(new)])
}

async fn releases_wait_in_the_order_made_and_urgent_ones_overtake(backend: &dyn Backend) {
    let store = backend.open();
    for n in [3, 1, 2] {
        commit(&store, admit(n, "kemensos")).await;
    }
    for (release, urgent) in [(50, true), (40, false), (30, true)] {
        commit(&store, queue_another(release, 1, "kemensos", urgent)).await;
    }
    let order = [50, 30, 3, 1, 2, 40].map(release_id);
    assert_eq!(waiting(&store, "kemensos").await, order);
    let first = store.waiting(&at("kemensos"), 2).await.unwrap();
    assert_eq!(first.iter().map(|r| r.release_id).collect::<Vec<_>>(), order[..2]);
}

async fn what_waits_is_listed_whole_in_parts_of_any_size(backend: &dyn Backend) {
    let store = backend.open();
    for n in [3, 1, 2] {
        commit(&store, admit(n, UNIT)).await;
    }
    commit(&store, admit(9, "cuta-be")).await;
    for (release, urgent) in [(50, true), (40, false), (30, true)] {
        commit(&store, queue_another(release, 1, "kemensos", urgent)).await;
    }
    let order = [50, 30, 3, 1, 2, 40].map(release_id);
    for limit in [1, 2, 4, 6, 100] {
        let (mut after, mut all) = (WaitingCursor::BEGIN, Vec::new());
        loop {
            let part = store.waiting_after(&at("kemensos"), after, limit).await.unwrap();
            let Some(last) = part.last() else { break };
            assert!(part.len() <= usize::try_from(limit).unwrap() && last.cursor > after);
            after = last.cursor;
            all.extend(part);
        }
        assert_eq!(all.iter().map(|row| row.release_id).collect::<Vec<_>>(), order, "{limit}");
        let calm: Vec<_> = all.iter().map(|row| row.cursor.calm).collect();
        assert_eq!(calm, [false, false, true, true, true, true]);
    }
    commit(&store, first_hand_out("kemensos", &[3])).await;
    let part = store.waiting_after(&at("kemensos"), WaitingCursor::BEGIN, 100).await.unwrap();
    assert_eq!(part.len(), 5);
    let row = part.iter().find(|row| row.release_id == release_id(1)).unwrap();
    let whole = store.release(&release_id(1)).await.unwrap().unwrap();
    assert_eq!(row.recipient, whole.recipient);
    assert_eq!(row.sender, whole.sender);
    assert_eq!(row.message_type, whole.message_type);
    assert_eq!((&row.policy, row.made_at), (&whole.policy, whole.made_at));
}

async fn seq_has_no_gap_and_follows_the_order_of_hand_out(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=6 {
        commit(&store, admit(n, "kemensos")).await;
        commit(&store, admit(100 + n, "cuta-be")).await;
    }
    let committed = commit(&store, first_hand_out("kemensos", &[3, 1])).await;
    commit(&store, first_hand_out("cuta-be", &[101])).await;
    // a hand-out that fails uses no number up
    conflict(&store, first_hand_out("kemensos", &[2, 3])).await;
    commit(&store, first_hand_out("kemensos", &[2, 6, 4])).await;
    let expected = [(1, 3), (2, 1), (3, 2), (4, 6), (5, 4)].map(|(s, n)| (s, release_id(n)));
    assert_eq!(page(&store, "kemensos").await, expected);
    assert_eq!(page(&store, "cuta-be").await, [(1, release_id(101))]);
    assert_eq!(waiting(&store, "kemensos").await, [release_id(5)]);
    assert_eq!(store.newest_seq(&at("kemensos")).await.unwrap(), 5);
    let part = store.page(&at("kemensos"), 2, 2).await.unwrap();
    assert_eq!(part.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3, 4]);

    let release = store.release(&release_id(1)).await.unwrap().unwrap();
    assert_eq!(release.state, ReleaseState::Collected);
    assert_eq!(release.entry, Some(committed.entries[1].index));
    assert_eq!(recipient_state(&store, 1).await, RecipientState::Collected);
    assert_eq!(recipient_state(&store, 5).await, RecipientState::Queued);
}

async fn hand_outs_that_race_leave_no_gap_and_no_double(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=40 {
        commit(&store, admit(n, "kemensos")).await;
    }
    let mut racing = tokio::task::JoinSet::new();
    for n in 1..=40u64 {
        for _ in 0..2 {
            let store = Arc::clone(&store);
            racing.spawn(async move {
                match store.commit(first_hand_out("kemensos", &[n])).await {
                    Ok(_) => 1,
                    Err(CommitError::Conflict(Requirement::Queued(_))) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            });
        }
    }
    assert_eq!(racing.join_all().await.into_iter().sum::<u64>(), 40);
    let handed = page(&store, "kemensos").await;
    assert_eq!(
        handed.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        (1..=40).collect::<Vec<_>>()
    );
    let mut ids: Vec<_> = handed.into_iter().map(|(_, id)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    assert_eq!(store.head("kemensos").await.unwrap().size, 40);
}

async fn each_view_is_handed_a_units_release_once(backend: &dyn Backend) {
    let store = backend.open();
    for n in [1, 2] {
        commit(&store, admit(n, UNIT)).await;
    }
    commit(&store, admit(3, "kemensos")).await;
    assert_eq!(waiting(&store, UNIT).await, [1, 2].map(release_id));
    assert_eq!(waiting(&store, "kemensos").await, [1, 2, 3].map(release_id));
    let first = commit(&store, first_hand_out(UNIT, &[2])).await;
    assert_eq!(waiting(&store, UNIT).await, [release_id(1)]);
    assert_eq!(waiting(&store, "kemensos").await, [1, 2, 3].map(release_id));

    // the whole party is handed it too, without a second record
    commit(&store, hand_out_again("kemensos", &[2])).await;
    assert_eq!(page(&store, "kemensos").await, [(1, release_id(2))]);
    assert_eq!(page(&store, UNIT).await, [(1, release_id(2))]);
    let release = store.release(&release_id(2)).await.unwrap().unwrap();
    assert_eq!(release.entry, Some(first.entries[0].index));

    // who believes to be the first and is not decides again, and nothing is recorded
    let mut late = first_hand_out("kemensos", &[1]);
    late.requires.clear();
    commit(&store, first_hand_out(UNIT, &[1])).await;
    assert_eq!(conflict(&store, late).await, Requirement::Queued(vec![release_id(1)]));
    assert_eq!(store.head("kemensos").await.unwrap().size, 2);
    // and no view is handed the same release twice
    let twice = hand_out_again("kemensos", &[2]);
    assert_eq!(conflict(&store, twice).await, Requirement::Queued(vec![release_id(2)]));
    commit(&store, hand_out_again("kemensos", &[1])).await;
    assert_eq!(store.newest_seq(&at("kemensos")).await.unwrap(), 2);
}

async fn no_release_is_handed_out_without_its_record(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    assert!(inconsistent(&store.commit(hand_out_again("kemensos", &[1])).await));
    // nor with an entry of another ledger, nor with one that is not there
    let mut foreign = first_hand_out("kemensos", &[1]);
    foreign.entries = vec![entry("cuta-be", 1)];
    assert!(inconsistent(&store.commit(foreign).await));
    let mut missing = first_hand_out("kemensos", &[1]);
    missing.entries.clear();
    assert!(inconsistent(&store.commit(missing).await));
    assert_eq!(waiting(&store, "kemensos").await, [release_id(1)]);
    assert_eq!(store.head("cuta-be").await.unwrap().size, 0);
}

async fn nobody_is_handed_what_is_not_in_his_view(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, UNIT)).await;
    for view in ["cuta-be", "kemensos/sentra-mulya-jaya"] {
        let mut changes = first_hand_out(view, &[1]);
        changes.requires.clear();
        changes.entries = vec![entry("kemensos", 1)];
        let refused = conflict(&store, changes).await;
        assert_eq!(refused, Requirement::Queued(vec![release_id(1)]), "{view}");
        assert!(page(&store, view).await.is_empty());
    }
}

async fn a_cancelled_release_is_never_handed_out(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, UNIT)).await;
    commit(&store, writing(vec![Write::CancelRelease(release_id(1))])).await;
    let release = store.release(&release_id(1)).await.unwrap().unwrap();
    assert_eq!(release.state, ReleaseState::Cancelled);
    for view in [UNIT, "kemensos"] {
        assert!(waiting(&store, view).await.is_empty());
        conflict(&store, first_hand_out(view, &[1])).await;
        conflict(&store, hand_out_again(view, &[1])).await;
    }
    let again = writing(vec![Write::CancelRelease(release_id(1))]);
    assert_eq!(conflict(&store, again).await, Requirement::Queued(vec![release_id(1)]));
}

async fn what_one_view_was_handed_cannot_be_cancelled(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, UNIT)).await;
    commit(&store, first_hand_out(UNIT, &[1])).await;
    let cancel = writing(vec![Write::CancelRelease(release_id(1))]);
    assert_eq!(conflict(&store, cancel).await, Requirement::Queued(vec![release_id(1)]));
    assert_eq!(waiting(&store, "kemensos").await, [release_id(1)], "still waits there");
}

async fn a_message_is_as_it_was_looked_at(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, UNIT)).await;
    let looked_at = |state, releases: &[u64]| {
        let releases = releases.iter().map(|n| release_id(*n)).collect();
        let (sender, message_id) = (party("bnpt"), message_id(1));
        let requires = vec![Requirement::Message { sender, message_id, state, releases }];
        Changes { requires, ..Changes::default() }
    };
    commit(&store, looked_at(MessageState::Admitted, &[1])).await;
    for (state, releases) in [
        (MessageState::Withdrawn, &[1][..]),
        (MessageState::Admitted, &[]),
        (MessageState::Admitted, &[1, 2]),
    ] {
        let changes = looked_at(state, releases);
        let asked = changes.requires[0].clone();
        assert_eq!(conflict(&store, changes).await, asked);
    }
    commit(&store, queue_another(2, 1, UNIT, false)).await;
    conflict(&store, looked_at(MessageState::Admitted, &[1])).await;
    conflict(&store, looked_at(MessageState::Admitted, &[2, 1])).await;
    commit(&store, looked_at(MessageState::Admitted, &[1, 2])).await;
    // what is cancelled was made all the same
    commit(&store, writing(vec![Write::CancelRelease(release_id(2))])).await;
    commit(&store, looked_at(MessageState::Admitted, &[1, 2])).await;
}

async fn a_ticket_is_taken_once(backend: &dyn Backend) {
    let store = backend.open();
    let keep = |value: &str, expires_at| Write::Ticket {
        key: "session:a".to_owned(),
        value: value.to_owned(),
        expires_at,
    };
    commit(&store, writing(vec![keep("one", 7)])).await;
    commit(&store, writing(vec![keep("two", 8)])).await;
    assert_eq!(store.ticket("session:a").await.unwrap(), Some(("two".to_owned(), 8)));
    assert_eq!(store.ticket("session:b").await.unwrap(), None);
    let take = || Changes {
        requires: vec![Requirement::Ticket("session:a".to_owned())],
        writes: vec![Write::DropTicket("session:a".to_owned())],
        entries: Vec::new(),
    };
    commit(&store, take()).await;
    assert_eq!(conflict(&store, take()).await, Requirement::Ticket("session:a".to_owned()));
    let once = || Changes {
        requires: vec![Requirement::NoTicket("used:a".to_owned())],
        writes: vec![Write::Ticket {
            key: "used:a".to_owned(),
            value: String::new(),
            expires_at: i64::MAX,
        }],
        entries: Vec::new(),
    };
    commit(&store, once()).await;
    assert_eq!(conflict(&store, once()).await, Requirement::NoTicket("used:a".to_owned()));
    // what has expired long ago goes with the next that comes
    commit(&store, writing(vec![keep("old", 9)])).await;
    let other = Write::Ticket { key: "x".to_owned(), value: String::new(), expires_at: i64::MAX };
    commit(&store, writing(vec![other])).await;
    assert_eq!(store.ticket("session:a").await.unwrap(), None);
}

async fn cancel_and_hand_out_never_both_win(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=40 {
        commit(&store, admit(n, UNIT)).await;
    }
    let mut racing = tokio::task::JoinSet::new();
    for n in 1..=40u64 {
        for cancels in [n % 2 == 0, n % 2 == 1] {
            let store = Arc::clone(&store);
            racing.spawn(async move {
                let changes = if cancels {
                    writing(vec![Write::CancelRelease(release_id(n))])
                } else {
                    first_hand_out("kemensos", &[n])
                };
                match store.commit(changes).await {
                    Ok(_) => (n, Some(cancels)),
                    Err(CommitError::Conflict(Requirement::Queued(_))) => (n, None),
                    Err(other) => panic!("{other:?}"),
                }
            });
        }
    }
    let outcomes = racing.join_all().await;
    let handed = page(&store, "kemensos").await;
    for n in 1..=40 {
        let won: Vec<_> =
            outcomes.iter().filter(|(of, _)| *of == n).filter_map(|(_, won)| *won).collect();
        assert_eq!(won.len(), 1, "release {n}");
        let was_handed = handed.iter().any(|(_, id)| *id == release_id(n));
        assert_eq!(was_handed, won == [false]);
    }
    let newest = store.newest_seq(&at("kemensos")).await.unwrap();
    assert_eq!(usize::try_from(newest).unwrap(), handed.len());
}

async fn an_acknowledgement_closes_a_release_in_every_view(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=3 {
        commit(&store, admit(n, UNIT)).await;
    }
    commit(&store, first_hand_out(UNIT, &[1, 2, 3])).await;
    commit(&store, hand_out_again("kemensos", &[2, 1])).await;
    assert_eq!(store.oldest_unacknowledged(&at(UNIT)).await.unwrap(), Some(1));

    let committed = commit(&store, acknowledge(1, "kemensos", true)).await;
    assert_eq!(store.oldest_unacknowledged(&at(UNIT)).await.unwrap(), Some(2));
    assert_eq!(store.oldest_unacknowledged(&at("kemensos")).await.unwrap(), Some(1));
    let word = store.acknowledgement(&release_id(1)).await.unwrap().unwrap();
    assert!(word.received);
    assert_eq!((word.jws.as_str(), word.at), ("word", NOW + 500));
    assert_eq!(word.entry, committed.entries[0].index);
    assert_eq!(recipient_state(&store, 1).await, RecipientState::Acknowledged);

    commit(&store, acknowledge(2, "kemensos", false)).await;
    assert_eq!(store.oldest_unacknowledged(&at("kemensos")).await.unwrap(), None);
    assert_eq!(recipient_state(&store, 2).await, RecipientState::Rejected);
    let release = store.release(&release_id(2)).await.unwrap().unwrap();
    assert_eq!(release.state, ReleaseState::Rejected);

    // handed out elsewhere afterwards it is acknowledged there too
    commit(&store, acknowledge(3, "kemensos", true)).await;
    commit(&store, hand_out_again("kemensos", &[3])).await;
    assert_eq!(store.oldest_unacknowledged(&at("kemensos")).await.unwrap(), None);
    assert_eq!(store.oldest_unacknowledged(&at(UNIT)).await.unwrap(), None);
    // acknowledging removes nothing
    assert_eq!(page(&store, "kemensos").await.len(), 3);
}

async fn a_release_is_acknowledged_once_and_only_after_hand_out(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    assert!(inconsistent(&store.commit(acknowledge(1, "kemensos", true)).await));
    assert!(store.acknowledgement(&release_id(1)).await.unwrap().is_none());
    commit(&store, first_hand_out("kemensos", &[1])).await;
    commit(&store, acknowledge(1, "kemensos", true)).await;
    let already = Requirement::Unacknowledged(release_id(1));
    assert_eq!(conflict(&store, acknowledge(1, "kemensos", false)).await, already);
    let mut unguarded = acknowledge(1, "kemensos", false);
    unguarded.requires.clear();
    assert_eq!(conflict(&store, unguarded).await, already);
    assert_eq!(store.head("kemensos").await.unwrap().size, 2);
    assert_eq!(recipient_state(&store, 1).await, RecipientState::Acknowledged);
}

async fn a_supplement_leaves_a_closed_recipient_alone(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut supplement = new_release(2, 1, &at("kemensos"));
    supplement.supplements = Some(release_id(1));
    commit(&store, writing(vec![Write::Release(supplement)])).await;
    commit(&store, first_hand_out("kemensos", &[1, 2])).await;
    commit(&store, acknowledge(1, "kemensos", true)).await;
    commit(&store, acknowledge(2, "kemensos", false)).await;
    assert_eq!(recipient_state(&store, 1).await, RecipientState::Acknowledged);
    let release = store.release(&release_id(2)).await.unwrap().unwrap();
    assert_eq!(release.supplements, Some(release_id(1)));
    assert_eq!(release.state, ReleaseState::Rejected);
    let of = store.releases_of(&party("bnpt"), &message_id(1)).await.unwrap();
    assert_eq!(of.iter().map(|r| r.release_id).collect::<Vec<_>>(), [1, 2].map(release_id));
}

async fn the_backlog_counts_what_no_view_was_handed(backend: &dyn Backend) {
    let store = backend.open();
    for n in [5, 2, 8] {
        commit(&store, admit(n, UNIT)).await;
    }
    let queued =
        |queued, oldest| Backlog { queued, oldest_queued_at: oldest, ..Backlog::default() };
    assert_eq!(store.backlog().await.unwrap(), queued(3, Some(NOW + 2)));
    commit(&store, first_hand_out(UNIT, &[2])).await;
    assert_eq!(store.backlog().await.unwrap(), queued(2, Some(NOW + 5)));
    commit(&store, writing(vec![Write::CancelRelease(release_id(5))])).await;
    commit(&store, first_hand_out("kemensos", &[8])).await;
    assert_eq!(store.backlog().await.unwrap(), queued(0, None));
}

async fn what_is_queued_and_handed_out_at_once_keeps_its_order(backend: &dyn Backend) {
    // one `Changes` may queue and hand out, whatever the order of its writes
    let store = backend.open();
    let mut changes = admit(1, "kemensos");
    let view: Address = at("kemensos");
    changes.entries.push(entry("kemensos", 1));
    let hand_out =
        Write::HandOut { view: view.clone(), releases: vec![(release_id(1), Some(EntrySlot(1)))] };
    changes.writes.insert(0, hand_out);
    commit(&store, changes).await;
    assert_eq!(store.newest_seq(&view).await.unwrap(), 1);
}

on_every_backend! {
    releases_wait_in_the_order_made_and_urgent_ones_overtake,
    what_waits_is_listed_whole_in_parts_of_any_size,
    seq_has_no_gap_and_follows_the_order_of_hand_out,
    hand_outs_that_race_leave_no_gap_and_no_double,
    each_view_is_handed_a_units_release_once,
    no_release_is_handed_out_without_its_record,
    nobody_is_handed_what_is_not_in_his_view,
    a_cancelled_release_is_never_handed_out,
    what_one_view_was_handed_cannot_be_cancelled,
    a_message_is_as_it_was_looked_at,
    a_ticket_is_taken_once,
    cancel_and_hand_out_never_both_win,
    an_acknowledgement_closes_a_release_in_every_view,
    a_release_is_acknowledged_once_and_only_after_hand_out,
    a_supplement_leaves_a_closed_recipient_alone,
    the_backlog_counts_what_no_view_was_handed,
    what_is_queued_and_handed_out_at_once_keeps_its_order,
}
