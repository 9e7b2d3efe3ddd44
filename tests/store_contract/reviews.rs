//! Reviews: one stands of a kind and party, one officer decides, and what a decision or a hand-out
//! rests on is checked again in its commit.

use std::sync::Arc;

use super::Backend;
use super::fixtures::*;
use titian::domain::state::{RecipientState, ReviewKind};
use titian::domain::{Id, PartyId};
use titian::store::{Changes, Decision, NewReview, Requirement, ReviewRow, Store, Write};

fn new_review(n: u64, exchange: u64, kind: ReviewKind, about: Option<&str>) -> NewReview {
    NewReview {
        id: id(8, n),
        exchange: exchange_id(exchange),
        kind,
        party: about.map(party),
        opened_at: NOW.saturating_add_unsigned(n),
        due_at: NOW.saturating_add_unsigned(n) + 1_209_600,
    }
}

fn opening(review: &NewReview) -> Changes {
    writing(vec![Write::OpenReview(review.clone())])
}

fn deciding(n: u64, resumed: bool) -> Changes {
    let decision = Decision {
        released: resumed,
        officer: String::from("petugas-1"),
        reason: String::from("checked"),
        at: NOW + 99,
    };
    let mut changes = writing(vec![Write::DecideReview { review: id(8, n), decision }]);
    changes.requires = vec![Requirement::ReviewOpen(id(8, n))];
    changes
}

async fn in_exchange(store: &Arc<dyn Store>, n: u64) -> Vec<(Id, bool)> {
    let rows = store.reviews_in(&[exchange_id(n)]).await.unwrap();
    rows.iter().map(|row| (row.review.id, row.stands)).collect()
}

pub(crate) async fn a_review_reads_back_and_is_decided_once(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    commit(&store, admit(2, "kemensos")).await;
    let named = new_review(1, 1, ReviewKind::Withheld, Some("cuta-be"));
    let all = new_review(2, 2, ReviewKind::ConsentWithdrawn, None);
    for review in [&all, &named] {
        commit(&store, opening(review)).await;
        let written = ReviewRow { review: review.clone(), stands: true, decision: None };
        assert_eq!(store.review(&review.id).await.unwrap(), Some(written));
    }
    let listed = |rows: Vec<ReviewRow>| rows.iter().map(|row| row.review.id).collect::<Vec<_>>();
    assert_eq!(listed(store.reviews(false).await.unwrap()), [id(8, 1), id(8, 2)]);
    assert_eq!(store.backlog().await.unwrap().reviews_open, 2);

    commit(&store, deciding(1, true)).await;
    assert_eq!(conflict(&store, deciding(1, false)).await, Requirement::ReviewOpen(id(8, 1)));
    let mut unguarded = deciding(1, false);
    unguarded.requires.clear();
    assert_eq!(conflict(&store, unguarded).await, Requirement::ReviewOpen(id(8, 1)));
    let decided = store.review(&id(8, 1)).await.unwrap().unwrap();
    assert!(decided.decision.unwrap().released && !decided.stands);
    assert_eq!(listed(store.reviews(false).await.unwrap()), [id(8, 2)]);
    assert_eq!(store.reviews(true).await.unwrap().len(), 2);
    assert_eq!(store.backlog().await.unwrap().reviews_open, 1);
    let both = store.reviews_in(&[exchange_id(1), exchange_id(2), exchange_id(3)]).await.unwrap();
    assert_eq!(both.len(), 2);
    assert!(store.review(&id(8, 9)).await.unwrap().is_none());
}

pub(crate) async fn one_review_stands_of_a_kind_and_party(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let withheld = |n, about| new_review(n, 1, ReviewKind::Withheld, Some(about));
    commit(&store, opening(&withheld(1, "cuta-be"))).await;
    commit(&store, opening(&withheld(2, "cuta-be"))).await;
    assert_eq!(in_exchange(&store, 1).await, [(id(8, 1), true)], "opening again is no change");
    commit(&store, opening(&withheld(3, "bnpt"))).await;
    for n in [4, 5] {
        commit(&store, opening(&new_review(n, 1, ReviewKind::Majority, None))).await;
    }
    let expected = [1, 3, 4].map(|n| (id(8, n), true));
    assert_eq!(in_exchange(&store, 1).await, expected);
    // kept it stands for good, until one that is opened anew takes its place
    commit(&store, deciding(1, false)).await;
    assert_eq!(in_exchange(&store, 1).await, expected);
    commit(&store, opening(&withheld(6, "cuta-be"))).await;
    let expected = [(1, false), (3, true), (4, true), (6, true)].map(|(n, s)| (id(8, n), s));
    assert_eq!(in_exchange(&store, 1).await, expected);
    commit(&store, deciding(6, true)).await;
    commit(&store, opening(&withheld(7, "cuta-be"))).await;
    assert_eq!(in_exchange(&store, 1).await.last(), Some(&(id(8, 7), true)));
}

pub(crate) async fn of_many_officers_exactly_one_decides(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    commit(&store, opening(&new_review(1, 1, ReviewKind::Majority, None))).await;
    let mut racing = tokio::task::JoinSet::new();
    for n in 0..32u64 {
        let store = Arc::clone(&store);
        racing.spawn(async move { store.commit(deciding(1, n % 2 == 0)).await.is_ok() });
    }
    let decided = racing.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(decided, 1);
}

/// A hand-out that looked before a suspension hands nothing out after it.
pub(crate) async fn a_suspension_undoes_what_rests_on_there_being_none(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let exchange = exchange_id(1);
    let standing = |reviews: &[u64]| {
        let reviews = reviews.iter().map(|n| id(8, *n)).collect();
        Requirement::Standing { exchange, reviews }
    };
    let hand_out = |seen: &[u64]| {
        let mut changes = first_hand_out("kemensos", &[1]);
        changes.requires.push(standing(seen));
        changes
    };
    let review = |n, about| new_review(n, 1, ReviewKind::Withheld, Some(about));
    commit(&store, opening(&review(1, "kemensos"))).await;
    assert_eq!(conflict(&store, hand_out(&[])).await, standing(&[]));
    commit(&store, opening(&review(2, "cuta-be"))).await;
    assert_eq!(conflict(&store, hand_out(&[1])).await, standing(&[1]));
    commit(&store, deciding(1, true)).await;
    assert_eq!(conflict(&store, hand_out(&[1, 2])).await, standing(&[1, 2]));
    assert_eq!(store.waiting(&at("kemensos"), 10).await.unwrap().len(), 1);
    assert_eq!(store.queued_in(&exchange).await.unwrap().len(), 1);
    commit(&store, hand_out(&[2])).await;
    assert!(store.queued_in(&exchange).await.unwrap().is_empty());
}

/// A decision that looked before a message was suspended, or taken back, is made again.
pub(crate) async fn a_decision_rests_on_what_is_suspended(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let exchange = exchange_id(1);
    let suspend = |state| Write::RecipientState {
        sender: party("bnpt"),
        message_id: message_id(1),
        recipient: at("kemensos"),
        state,
        pending: Vec::new(),
    };
    let seen = |all: Vec<(PartyId, _, _)>| {
        let mut changes = writing(Vec::new());
        changes.requires = vec![Requirement::Suspended { exchange, all }];
        changes
    };
    let one = || vec![(party("bnpt"), message_id(1), at("kemensos"))];
    commit(&store, seen(Vec::new())).await;
    commit(&store, writing(vec![suspend(RecipientState::Suspended)])).await;
    conflict(&store, seen(Vec::new())).await;
    commit(&store, seen(one())).await;
    let row = store.suspended_in(&exchange).await.unwrap().remove(0);
    assert_eq!((row.sender, row.message_id, row.recipient), one().remove(0));
    assert_eq!(row.policy, Some(pin()));
    commit(&store, writing(vec![suspend(RecipientState::Cancelled)])).await;
    conflict(&store, seen(one())).await;
    assert!(store.suspended_in(&exchange).await.unwrap().is_empty());
}

pub(crate) async fn a_case_is_known_wherever_it_was_passed_on_to(backend: &dyn Backend) {
    let store = backend.open();
    for n in 1..=6 {
        commit(&store, admit(n, "kemensos")).await;
    }
    let pass = |exchange, parent| {
        let (exchange, parent) = (exchange_id(exchange), exchange_id(parent));
        writing(vec![Write::PassedOn { exchange, parent }])
    };
    for (exchange, parent) in [(2, 1), (3, 1), (4, 3)] {
        commit(&store, pass(exchange, parent)).await;
    }
    let mut all: Vec<Id> = (1..=4).map(exchange_id).collect();
    all.sort();
    for n in 1..=4 {
        assert_eq!(store.family(&exchange_id(n)).await.unwrap(), all, "{n}");
    }
    assert_eq!(store.family(&exchange_id(5)).await.unwrap(), [exchange_id(5)]);
    let mut rests = writing(Vec::new());
    rests.requires = vec![Requirement::Family { exchange: exchange_id(2), all: all.clone() }];
    commit(&store, pass(6, 4)).await;
    let failed = conflict(&store, rests).await;
    assert_eq!(failed, Requirement::Family { exchange: exchange_id(2), all });
}

pub(crate) async fn a_recipient_is_pinned_later(backend: &dyn Backend) {
    let store = backend.open();
    let mut changes = admit(1, "kemensos");
    for write in &mut changes.writes {
        if let Write::Recipient(row) = write {
            row.policy = None;
        }
    }
    commit(&store, changes).await;
    let pinned = |recipient: &str| Write::RecipientPolicy {
        sender: party("bnpt"),
        message_id: message_id(1),
        recipient: at(recipient),
        policy: pin(),
    };
    commit(&store, writing(vec![pinned("kemensos")])).await;
    let row = store.recipients(&party("bnpt"), &message_id(1)).await.unwrap().remove(0);
    assert_eq!(row.policy, Some(pin()));
    assert!(store.commit(writing(vec![pinned("cuta-be")])).await.is_err());
}

on_every_backend! {
    a_review_reads_back_and_is_decided_once,
    one_review_stands_of_a_kind_and_party,
    of_many_officers_exactly_one_decides,
    a_suspension_undoes_what_rests_on_there_being_none,
    a_decision_rests_on_what_is_suspended,
    a_case_is_known_wherever_it_was_passed_on_to,
    a_recipient_is_pinned_later,
}
