//! Messages with their exchange and recipients, page after page.

use titian::store::{KeptMessage, Store, Write};

use crate::Backend;
use crate::fixtures::*;

async fn page(store: &dyn Store, after: i64, limit: u32) -> Vec<KeptMessage> {
    let kind = "referral/1".parse().unwrap();
    store.messages_from(&party("bnpt"), &kind, NOW + 2, after, limit).await.unwrap()
}

/// A message of `sender` and `kind` in the exchange of message `of`, to two parties.
async fn add(store: &std::sync::Arc<dyn Store>, n: u64, of: u64, sender: &str, kind: &str) {
    let mut message = new_message(n);
    message.exchange = exchange_id(of);
    message.sender = at(sender);
    message.message_type = kind.parse().unwrap();
    let to = |position, address: &str| {
        let mut row = new_recipient(n, &at(address));
        (row.sender, row.position) = (at(sender).party, position);
        Write::Recipient(row)
    };
    let mut changes = writing(vec![Write::Message(message), to(1, "cuta-be"), to(0, "kemensos")]);
    changes.entries = vec![entry(at(sender).party.as_str(), n)];
    commit(store, changes).await;
}

async fn kept_messages_come_whole_and_in_order(backend: &dyn Backend) {
    let store = backend.open();
    // ids in no order; message 1 is too old, 6 of another type, 7 of another sender
    for n in [1, 9, 4, 8] {
        commit(&store, admit(n, "kemensos/sentra-handayani")).await;
    }
    add(&store, 5, 9, "bnpt", "referral/1").await;
    add(&store, 6, 9, "bnpt", "status/1").await;
    add(&store, 7, 9, "kemensos", "referral/1").await;
    add(&store, 3, 4, "bnpt/deradikalisasi", "referral/1").await;

    let all = page(store.as_ref(), 0, 100).await;
    let ids: Vec<_> = all.iter().map(|kept| kept.message.message_id).collect();
    assert_eq!(ids, [9, 4, 8, 5, 3].map(message_id));
    assert!(all.windows(2).all(|two| two[0].row < two[1].row));
    let opens: Vec<_> = all.iter().map(|kept| kept.opens).collect();
    assert_eq!(opens, [true, true, true, false, false]);
    for kept in &all {
        let (sender, id) = (&kept.message.sender.party, &kept.message.message_id);
        let alone = store.message(sender, id).await.unwrap().unwrap();
        assert_eq!(format!("{:?}", kept.message), format!("{alone:?}"));
        let (sealed, same) = (kept.message.object.as_ref().unwrap(), alone.object.unwrap());
        assert_eq!(sealed.ciphertext, same.ciphertext);
        assert_eq!(kept.recipients, store.recipients(sender, id).await.unwrap());
        let exchange = store.exchange(&kept.message.exchange).await.unwrap();
        assert_eq!(Some(&kept.exchange), exchange.as_ref());
    }
    assert_eq!(all[3].recipients.len(), 2);

    // in pages, a message with two recipients is never cut
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map_or(0, |kept: &KeptMessage| kept.row);
        let next = page(store.as_ref(), after, 2).await;
        let count = next.len();
        paged.extend(next);
        if count < 2 {
            break;
        }
    }
    let paged: Vec<_> =
        paged.iter().map(|kept| (kept.message.message_id, kept.recipients.len())).collect();
    assert_eq!(paged, [(9, 1), (4, 1), (8, 1), (5, 2), (3, 2)].map(|(n, to)| (message_id(n), to)));
}

on_every_backend! { kept_messages_come_whole_and_in_order, }
