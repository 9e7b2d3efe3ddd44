//! Corrections, and what is left of an erased payload.

use titian::domain::Address;
use titian::store::{Confirmed, NewConfirmation, NewErasure, Requirement, Write};

use crate::Backend;
use crate::fixtures::*;

fn erasure(n: u64, whole: bool) -> NewErasure {
    let day = time::macros::date!(2027 - 02 - 01);
    NewErasure {
        id: id(9, n),
        exchange: exchange_id(1),
        whole,
        messages: 1,
        reason: "error".to_owned(),
        party: Address::party(party("kemensos")),
        officer: Some("petugas-jaga".to_owned()),
        erase_by: day,
        include_backups: true,
        recoverable_until: day,
        at: NOW,
    }
}

fn erase_message() -> Write {
    Write::EraseMessage { sender: party("bnpt"), message_id: message_id(1) }
}

async fn an_erased_payload_is_gone_from_every_row_and_its_proofs_are_not(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    commit(&store, first_hand_out("kemensos", &[1])).await;
    let before = store.message(&party("bnpt"), &message_id(1)).await.unwrap().unwrap();
    let there = Requirement::Message {
        sender: party("bnpt"),
        message_id: message_id(1),
        state: before.state,
        releases: vec![release_id(1)],
    };
    let mut changes = writing(vec![Write::Erase(erasure(1, true)), erase_message()]);
    changes.requires = vec![there.clone(), Requirement::Unerased(exchange_id(1))];
    commit(&store, changes).await;
    drop(store);
    let store = backend.open();
    let after = store.message(&party("bnpt"), &message_id(1)).await.unwrap().unwrap();
    assert!(after.object.is_none());
    assert_eq!(
        (after.receipt, after.digest, after.entry),
        (before.receipt, before.digest, before.entry)
    );
    let release = store.release(&release_id(1)).await.unwrap().unwrap();
    assert!(release.disclosure.is_none() && !release.statement.is_empty());
    assert_eq!(store.oldest_unacknowledged(&at("kemensos")).await.unwrap(), None);
    assert_eq!(store.erasures().await.unwrap(), [erasure(1, true)]);
    assert!(store.is_erased(&exchange_id(1)).await.unwrap());
    // what is there no more cannot be decided about, and not erased again
    let mut late = writing(Vec::new());
    late.requires = vec![there.clone()];
    assert_eq!(conflict(&store, late).await, there);
    let again = conflict(&store, writing(vec![Write::Erase(erasure(2, true))])).await;
    assert_eq!(again, Requirement::Unerased(exchange_id(1)));
}

async fn what_was_admitted_meanwhile_stops_an_erasure(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut message = new_message(2);
    message.exchange = exchange_id(1);
    let mut changes = writing(vec![
        Write::Message(message),
        Write::Correction {
            sender: party("bnpt"),
            message_id: message_id(2),
            target: message_id(1),
        },
    ]);
    changes.entries = vec![entry("bnpt", 2)];
    commit(&store, changes).await;
    let corrections = store.corrections_of(&party("bnpt"), &message_id(1)).await.unwrap();
    assert_eq!(corrections.len(), 1);
    assert_eq!(corrections[0].message_id, message_id(2));
    for stale in [
        Requirement::Messages {
            exchange: exchange_id(1),
            all: vec![(party("bnpt"), message_id(1))],
        },
        Requirement::Corrections { sender: party("bnpt"), target: message_id(1), all: Vec::new() },
    ] {
        let mut changes = writing(vec![Write::Erase(erasure(1, true)), erase_message()]);
        changes.requires = vec![stale.clone()];
        assert_eq!(conflict(&store, changes).await, stale);
    }
    assert!(store.erasures().await.unwrap().is_empty());
    assert!(store.message(&party("bnpt"), &message_id(1)).await.unwrap().unwrap().object.is_some());
}

async fn a_notice_is_answered_as_long_as_it_may_be(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    // any message stands for the notice here
    let notify = Write::Notify {
        erasure: id(9, 1),
        sender: party("bnpt"),
        notice: message_id(1),
        parties: vec![party("cuta-be"), party("kemensos")],
    };
    commit(&store, writing(vec![Write::Erase(erasure(1, false)), notify])).await;
    assert!(!store.is_erased(&exchange_id(1)).await.unwrap());
    let own = || async { store.notices_in(&exchange_id(1), &party("cuta-be")).await.unwrap() };
    assert!(own().await[0].confirmed.is_none());
    let answer = |result: &str, before: Option<&str>| {
        let mut changes = writing(vec![Write::Confirm(NewConfirmation {
            sender: party("bnpt"),
            notice: message_id(1),
            party: party("cuta-be"),
            confirmed: Confirmed {
                result: result.to_owned(),
                legal_basis: None,
                erased_on: time::macros::date!(2027 - 01 - 02),
                at: NOW,
            },
        })]);
        changes.requires = vec![Requirement::Answered {
            sender: party("bnpt"),
            notice: message_id(1),
            party: party("cuta-be"),
            result: before.map(str::to_owned),
        }];
        changes
    };
    commit(&store, answer("retained", None)).await;
    conflict(&store, answer("erased", None)).await;
    commit(&store, answer("erased", Some("retained"))).await;
    assert_eq!(own().await[0].confirmed.as_ref().unwrap().result, "erased");
    let all = store.notices().await.unwrap();
    let open = all.iter().filter(|notice| notice.confirmed.is_none());
    assert_eq!(open.map(|notice| notice.party.as_str()).collect::<Vec<_>>(), ["kemensos"]);
}

on_every_backend! {
    an_erased_payload_is_gone_from_every_row_and_its_proofs_are_not,
    what_was_admitted_meanwhile_stops_an_erasure,
    a_notice_is_answered_as_long_as_it_may_be,
}
