//! Information requests: decided once, closed once, and releases that are kept until then.

use time::macros::date;
use titian::domain::Purpose;
use titian::domain::state::RequestOutcome;
use titian::store::{RequestDecision, RequestRow, Requirement, Write};

use crate::Backend;
use crate::fixtures::*;

fn new_request(n: u64, answer_at: Option<i64>) -> RequestRow {
    RequestRow {
        exchange: exchange_id(n),
        about: (n > 1).then(|| exchange_id(n - 1)),
        is_topic: n == 1,
        asker: at("cuta-be"),
        asked: at("kemensos/sentra-handayani"),
        message_id: message_id(n),
        purpose: Purpose::Reintegration,
        respond_by: date!(2027 - 02 - 03),
        answer_at,
        opened_at: NOW,
        decision: None,
        is_closed: false,
    }
}

fn decision(answer: Option<u64>) -> RequestDecision {
    RequestDecision {
        outcome: RequestOutcome::Partial,
        answer: answer.map(message_id),
        officer: answer.is_none().then(|| String::from("petugas-1")),
        reason: answer.is_none().then(|| String::from("checked")),
        at: NOW + 7,
    }
}

fn deciding(n: u64, decision: &RequestDecision) -> Vec<Write> {
    let (exchange, decision) = (exchange_id(n), decision.clone());
    vec![Write::DecideRequest { exchange, decision }]
}

async fn a_request_reads_back_and_is_decided_and_closed_once(backend: &dyn Backend) {
    let store = backend.open();
    for n in [1, 2, 3] {
        commit(&store, admit(n, "kemensos")).await;
        let row = new_request(n, (n > 1).then_some(NOW.saturating_add_unsigned(n)));
        commit(&store, writing(vec![Write::Request(Box::new(row.clone()))])).await;
        assert_eq!(store.request(&exchange_id(n)).await.unwrap(), Some(row));
    }
    assert_eq!(store.request(&exchange_id(9)).await.unwrap(), None);
    let due = |now| {
        let store = store.clone();
        async move {
            let rows = store.requests_due(now).await.unwrap();
            rows.into_iter().map(|row| row.exchange).collect::<Vec<_>>()
        }
    };
    assert_eq!(due(NOW + 2).await, [exchange_id(2)]);
    assert_eq!(due(NOW + 3).await, [exchange_id(2), exchange_id(3)]);
    let next = |party, now| store.next_answer(party, now);
    let (cuta, cut) = (party("cuta-be"), party("cuta"));
    assert_eq!(next(&cuta, NOW).await.unwrap(), Some(NOW + 2));
    assert_eq!(next(&cuta, NOW + 2).await.unwrap(), Some(NOW + 3));
    assert_eq!(next(&cuta, NOW + 3).await.unwrap(), None);
    assert_eq!(next(&cut, NOW).await.unwrap(), None, "another party");

    let answered = decision(Some(2));
    commit(&store, writing(deciding(2, &answered))).await;
    let row = RequestRow { decision: Some(answered), ..new_request(2, Some(NOW + 2)) };
    let second = message_id(2);
    let by = |sender, n| store.request_answered_by(sender, n);
    let (kemensos, bnpt) = (party("kemensos"), party("bnpt"));
    assert_eq!(by(&kemensos, &second).await.unwrap(), Some(row));
    assert_eq!(by(&bnpt, &second).await.unwrap(), None, "an id is its sender's own");
    let again = conflict(&store, writing(deciding(2, &decision(None)))).await;
    assert_eq!(again, Requirement::RequestUndecided(exchange_id(2)));
    let mut rests = writing(Vec::new());
    rests.requires = vec![Requirement::RequestUndecided(exchange_id(2))];
    assert_eq!(conflict(&store, rests).await, Requirement::RequestUndecided(exchange_id(2)));

    let closing = || writing(vec![Write::CloseRequest(exchange_id(3))]);
    commit(&store, closing()).await;
    assert_eq!(conflict(&store, closing()).await, Requirement::RequestOpen(exchange_id(3)));
    let late = conflict(&store, writing(deciding(3, &decision(None)))).await;
    assert_eq!(late, Requirement::RequestUndecided(exchange_id(3)), "closed is decided");
    assert_eq!(due(NOW + 3).await, [exchange_id(2)]);
    let open = store.requests(false).await.unwrap();
    assert_eq!(open.iter().map(|row| row.exchange).collect::<Vec<_>>(), [1, 2].map(exchange_id));
    assert_eq!(store.requests(true).await.unwrap().len(), 3);
}

async fn a_release_that_is_kept_waits_in_no_view_before(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let unit = at("kemensos/sentra-handayani");
    let keep = |n| {
        let mut release = new_release(n, 1, &unit);
        release.kept = true;
        release.urgent = true;
        writing(vec![Write::Release(release)])
    };
    for n in [2, 3] {
        commit(&store, keep(n)).await;
    }
    let views = [at("kemensos"), unit.clone()];
    let waiting = |view| {
        let store = store.clone();
        async move {
            let rows = store.waiting(&view, 10).await.unwrap();
            rows.into_iter().map(|row| row.release_id).collect::<Vec<_>>()
        }
    };
    for view in views.clone() {
        assert!(!waiting(view).await.contains(&release_id(2)));
    }
    // it may be taken back, and is handed out by nobody before
    commit(&store, writing(vec![Write::CancelRelease(release_id(3))])).await;
    assert_eq!(
        conflict(&store, first_hand_out("kemensos", &[2])).await,
        Requirement::Queued(vec![release_id(2)])
    );
    for _ in 0..2 {
        commit(&store, writing(vec![Write::Wait(release_id(2))])).await;
        for view in views.clone() {
            assert_eq!(waiting(view).await.first(), Some(&release_id(2)), "and then it overtakes");
        }
    }
    commit(&store, first_hand_out("kemensos", &[2])).await;
}

on_every_backend!(
    a_request_reads_back_and_is_decided_and_closed_once,
    a_release_that_is_kept_waits_in_no_view_before,
);
