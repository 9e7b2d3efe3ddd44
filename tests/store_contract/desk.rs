//! What waits for an officer: counted by whose it is, read urgent first and by the page.

use std::sync::Arc;

use super::Backend;
use super::fixtures::*;
use titian::domain::state::{ReviewKind, Urgency};
use titian::domain::{Id, PartyId};
use titian::store::desk::{DeskCount, DeskPage, DeskRow, HoldsOf, ReviewsOf, Undecided};
use titian::store::{Decision, GroupSize, NewHold, NewReview, Store, Write};

on_every_backend! {
    what_waits_is_counted_by_whose_it_is,
    the_desk_is_read_urgent_first_and_by_the_page,
    the_desk_answers_only_whose_was_asked_for,
}

fn holds_of(recipient: &str, is_group: bool) -> HoldsOf {
    HoldsOf { sender: at("bnpt/deradikalisasi"), recipient: at(recipient), is_group }
}

fn reviews_of(exchange: u64, party: Option<PartyId>) -> ReviewsOf {
    let case = new_exchange(exchange, &at("kemensos"));
    ReviewsOf { referrer: case.referrer, receiver: case.receiver, party }
}

fn held(n: u64, urgency: Urgency) -> NewHold {
    NewHold { urgency, ..new_hold(n, 1) }
}

fn review(n: u64, party: Option<PartyId>, due_at: i64) -> NewReview {
    let kind = ReviewKind::Withheld;
    let opened_at = NOW.saturating_add_unsigned(n);
    NewReview { id: id(8, n), exchange: exchange_id(1), kind, party, opened_at, due_at }
}

fn decision(released: bool) -> Decision {
    let (officer, reason) = (String::from("petugas-1"), String::from("checked"));
    Decision { released, officer, reason, at: NOW + 99 }
}

/// Six holds, one of them too small a group and one decided; two reviews and one that is decided.
async fn waiting_at(store: &Arc<dyn Store>) {
    commit(store, admit(1, "kemensos")).await;
    let group = Some(GroupSize { alike: 3, needed: 10 });
    let abroad = NewHold { recipient: at("cuta-be"), group, ..new_hold(4, 1) };
    let holds = [
        held(1, Urgency::Routine),
        held(2, Urgency::Urgent),
        held(3, Urgency::Immediate),
        abroad,
        held(5, Urgency::Immediate),
        held(6, Urgency::Immediate),
    ];
    let mut writes: Vec<Write> = holds.into_iter().map(Write::Hold).collect();
    let soon = review(1, None, NOW + 50);
    let late = review(2, Some(party("cuta-be")), NOW + 500);
    let done = review(3, Some(party("bnpt")), NOW + 500);
    writes.extend([late, soon, done].into_iter().map(Write::OpenReview));
    writes.push(Write::Decide { hold: id(6, 6), decision: decision(true) });
    writes.push(Write::DecideReview { review: id(8, 3), decision: decision(true) });
    commit(store, writing(writes)).await;
}

fn named(rows: &[DeskRow]) -> Vec<Id> {
    let name = |row: &DeskRow| match row {
        DeskRow::Hold(row) => row.hold.id,
        DeskRow::Review(row) => row.review.id,
    };
    rows.iter().map(name).collect()
}

pub(crate) async fn what_waits_is_counted_by_whose_it_is(backend: &dyn Backend) {
    let store = backend.open();
    assert_eq!(store.undecided(NOW).await.unwrap(), Undecided::default());
    waiting_at(&store).await;
    let undecided = store.undecided(NOW + 51).await.unwrap();
    let count =
        |count, opened, overdue| DeskCount { count, oldest_at: Some(NOW + opened), overdue };
    let mut holds = undecided.holds;
    holds.sort_by_key(|(of, _)| of.recipient.to_string());
    let own = (holds_of("kemensos", false), count(4, 1, 0));
    assert_eq!(holds, [(holds_of("cuta-be", true), count(1, 4, 0)), own]);
    let mut reviews = undecided.reviews;
    reviews.sort_by_key(|(of, _)| of.party.clone());
    let named = (reviews_of(1, Some(party("cuta-be"))), count(1, 2, 0));
    assert_eq!(reviews, [(reviews_of(1, None), count(1, 1, 1)), named]);
}

pub(crate) async fn the_desk_is_read_urgent_first_and_by_the_page(backend: &dyn Backend) {
    let store = backend.open();
    waiting_at(&store).await;
    let all = DeskPage {
        holds: vec![holds_of("kemensos", false), holds_of("cuta-be", true)],
        reviews: vec![reviews_of(1, None), reviews_of(1, Some(party("cuta-be")))],
        now: NOW + 51,
        from: 0,
        limit: 50,
    };
    let order = [id(6, 3), id(6, 5), id(8, 1), id(6, 2), id(6, 1), id(8, 2), id(6, 4)];
    assert_eq!(named(&store.desk(all.clone()).await.unwrap()), order);
    let part = |from, limit| store.desk(DeskPage { from, limit, ..all.clone() });
    assert_eq!(named(&part(2, 3).await.unwrap()), order[2..5]);
    assert_eq!(named(&part(7, 3).await.unwrap()), []);
    // not due yet, it stands in its turn
    let before = store.desk(DeskPage { now: NOW, ..all.clone() }).await.unwrap();
    assert_eq!(named(&before)[3..], [id(8, 1), id(6, 1), id(8, 2), id(6, 4)]);
}

pub(crate) async fn the_desk_answers_only_whose_was_asked_for(backend: &dyn Backend) {
    let store = backend.open();
    waiting_at(&store).await;
    let none = DeskPage { holds: vec![], reviews: vec![], now: NOW, from: 0, limit: 50 };
    assert_eq!(named(&store.desk(none.clone()).await.unwrap()), []);
    let only = DeskPage { holds: vec![holds_of("cuta-be", true)], ..none.clone() };
    assert_eq!(named(&store.desk(only).await.unwrap()), [id(6, 4)]);
    let others = vec![holds_of("cuta-be", false), holds_of("kemensos/elsewhere", false)];
    let none_of = DeskPage { holds: others, ..none.clone() };
    assert_eq!(named(&store.desk(none_of).await.unwrap()), []);
    let reviews = vec![reviews_of(1, Some(party("cuta-be")))];
    let only = DeskPage { reviews, ..none };
    assert_eq!(named(&store.desk(only).await.unwrap()), [id(8, 2)]);
}
