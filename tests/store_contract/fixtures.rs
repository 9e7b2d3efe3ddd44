//! Synthetic rows, named by small numbers, and an independent check of proofs.

use std::sync::Arc;

use time::macros::date;
use titian::domain::state::{MessageState, RecipientState, ThreadState, Urgency};
use titian::domain::{
    Address, Digest, ExchangeRef, Id, LeafName, MessageId, PartyId, Purpose, ReleaseId,
};
use titian::store::rows::PolicyPin;
use titian::store::{
    Acknowledgement, Changes, CommitError, Committed, Entry, EntrySlot, ExchangeRow, MemberRow,
    NewHold, NewMessage, NewRelease, Placed, RecipientRow, Requirement, Sealed, Store, Write,
};

pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn id(kind: u8, n: u64) -> Id {
    let mut bits = [kind; 16];
    bits[8..].copy_from_slice(&n.to_be_bytes());
    // spread, as random ids are
    bits[0] = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    bits[1] = kind;
    Id::from_bits(bits)
}

pub(crate) fn message_id(n: u64) -> MessageId {
    MessageId(id(1, n))
}

pub(crate) fn release_id(n: u64) -> ReleaseId {
    ReleaseId(id(2, n))
}

pub(crate) fn exchange_id(n: u64) -> Id {
    id(3, n)
}

pub(crate) fn reference(party: u8, n: u64) -> ExchangeRef {
    ExchangeRef(id(10 + party, n))
}

pub(crate) fn at(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn party(text: &str) -> PartyId {
    text.parse().unwrap()
}

pub(crate) fn sealed(tag: u8, length: usize) -> Sealed {
    Sealed {
        month: String::from("2027-03"),
        wrapped_key: vec![tag; 60],
        ciphertext: (0..=u8::MAX).cycle().map(|byte| byte ^ tag).take(length).collect(),
    }
}

pub(crate) fn entry(ledger: &str, n: u64) -> Entry {
    let event = format!(r#"{{"event":"synthetic","n":{n}}}"#).into_bytes();
    let mut salt = [7; 16];
    salt[..8].copy_from_slice(&n.to_be_bytes());
    Entry { ledger: ledger.to_owned(), salt, event }
}

pub(crate) fn pin() -> PolicyPin {
    PolicyPin { id: String::from("p-1"), version: 3, digest: Digest::of(b"policy") }
}

pub(crate) fn new_message(n: u64) -> NewMessage {
    NewMessage {
        sender: at("bnpt/deradikalisasi"),
        message_id: message_id(n),
        message_type: "referral/1".parse().unwrap(),
        purpose: Purpose::ChildProtection,
        digest: Digest::of(&n.to_be_bytes()),
        state: MessageState::Admitted,
        exchange: exchange_id(n),
        receipt: format!("receipt.{n}.{}", "r".repeat(600)),
        entry: EntrySlot(0),
        admitted_at: NOW.saturating_add_unsigned(n),
        retention_until: date!(2027 - 03 - 31),
        object: sealed(n.to_le_bytes()[0], 5_900),
    }
}

pub(crate) fn new_exchange(n: u64, receiver: &Address) -> ExchangeRow {
    ExchangeRow {
        id: exchange_id(n),
        state: ThreadState::Submitted,
        referrer: at("bnpt/deradikalisasi"),
        receiver: receiver.clone(),
        origin: party("bnpt"),
        onward: vec![party("cuta-be")],
        withheld: Vec::new(),
        subject: id(4, n),
        reference_date: date!(2026 - 11 - 24),
        opened_at: NOW.saturating_add_unsigned(n),
    }
}

pub(crate) fn new_recipient(n: u64, recipient: &Address) -> RecipientRow {
    RecipientRow {
        sender: party("bnpt"),
        message_id: message_id(n),
        position: 0,
        recipient: recipient.clone(),
        state: RecipientState::Queued,
        pending: vec![LeafName::new("/note")],
        code: None,
        policy: Some(pin()),
    }
}

/// Release `release` made from message `n`.
pub(crate) fn new_release(release: u64, n: u64, recipient: &Address) -> NewRelease {
    NewRelease {
        release_id: release_id(release),
        recipient: recipient.clone(),
        exchange: exchange_id(n),
        sender: at("bnpt/deradikalisasi"),
        message_id: message_id(n),
        message_type: "referral/1".parse().unwrap(),
        statement: format!("statement.{release}.{}", "s".repeat(1_400)),
        disclosure: sealed(release.to_le_bytes()[0], 3_000),
        digest: Digest::of(&release.to_be_bytes()),
        policy: pin(),
        release_schema: Digest::of(b"schema"),
        origin_salt: String::from("salt"),
        supplements: None,
        urgent: false,
        kept: false,
        made_at: NOW.saturating_add_unsigned(n),
    }
}

pub(crate) fn members(n: u64) -> [Write; 2] {
    let member = |which: u8, name: &str, subject: Option<Id>| {
        Write::Member(MemberRow {
            reference: reference(which, n),
            exchange: exchange_id(n),
            party: party(name),
            subject_ref: subject,
        })
    };
    [member(0, "bnpt", Some(id(5, n))), member(1, "kemensos", None)]
}

pub(crate) fn unseen(n: u64) -> Requirement {
    Requirement::MessageUnseen { sender: party("bnpt"), message_id: message_id(n) }
}

/// What admitting message `n` to `recipient` writes.
pub(crate) fn admit(n: u64, recipient: &str) -> Changes {
    let recipient = at(recipient);
    let mut writes = vec![
        Write::Message(new_message(n)),
        Write::Recipient(new_recipient(n, &recipient)),
        Write::Exchange(new_exchange(n, &recipient)),
    ];
    writes.extend(members(n));
    writes.push(Write::Release(new_release(n, n, &recipient)));
    Changes { requires: vec![unseen(n)], writes, entries: vec![entry("bnpt", n)] }
}

pub(crate) fn writing(writes: Vec<Write>) -> Changes {
    Changes { requires: Vec::new(), writes, entries: Vec::new() }
}

/// Hands `releases` out for the first time in `view`.
pub(crate) fn first_hand_out(view: &str, releases: &[u64]) -> Changes {
    let view = at(view);
    Changes {
        requires: vec![Requirement::Queued(releases.iter().map(|n| release_id(*n)).collect())],
        entries: releases.iter().map(|n| entry(view.party.as_str(), 1_000 + n)).collect(),
        writes: vec![Write::HandOut {
            releases: (0..)
                .zip(releases)
                .map(|(slot, n)| (release_id(*n), Some(EntrySlot(slot))))
                .collect(),
            view,
        }],
    }
}

/// Hands `releases` out in `view` after another view had them.
pub(crate) fn hand_out_again(view: &str, releases: &[u64]) -> Changes {
    writing(vec![Write::HandOut {
        view: at(view),
        releases: releases.iter().map(|n| (release_id(*n), None)).collect(),
    }])
}

pub(crate) fn acknowledge(release: u64, ledger: &str, received: bool) -> Changes {
    Changes {
        requires: vec![Requirement::Unacknowledged(release_id(release))],
        writes: vec![Write::Acknowledge(Acknowledgement {
            release_id: release_id(release),
            received,
            jws: String::from("word"),
            receipt: String::from("receipt of the word"),
            entry: EntrySlot(0),
            at: NOW + 500,
        })],
        entries: vec![entry(ledger, 2_000 + release)],
    }
}

pub(crate) fn new_hold(n: u64, message: u64) -> NewHold {
    NewHold {
        id: id(6, n),
        sender: at("bnpt/deradikalisasi"),
        message_id: message_id(message),
        recipient: at("kemensos"),
        release: None,
        leaves: vec![LeafName::new("/note")],
        findings: vec![titian::domain::Fault::at("/note", "digits")],
        group: None,
        urgency: Urgency::Routine,
        opened_at: NOW.saturating_add_unsigned(n),
    }
}

pub(crate) async fn commit(store: &Arc<dyn Store>, changes: Changes) -> Committed {
    store.commit(changes).await.unwrap()
}

/// The precondition that did not hold.
pub(crate) async fn conflict(store: &Arc<dyn Store>, changes: Changes) -> Requirement {
    match store.commit(changes).await {
        Err(CommitError::Conflict(requirement)) => requirement,
        other => panic!("no conflict but {other:?}"),
    }
}

/// Whether the proof leads from the entry to the root: RFC 9162, 2.1.3.2, written from the text.
pub(crate) fn verifies(entry: &Entry, placed: &Placed) -> bool {
    let salted = Digest::of_parts(&[&entry.salt, &entry.event]);
    let mut hash = Digest::of_parts(&[&[0], &[1], salted.as_bytes()]);
    if placed.index >= placed.size {
        return false;
    }
    let (mut f, mut s) = (placed.index, placed.size - 1);
    for sibling in &placed.hashes {
        if s == 0 {
            return false;
        }
        if f & 1 == 1 || f == s {
            hash = Digest::of_parts(&[&[1], sibling.as_bytes(), hash.as_bytes()]);
            while f & 1 == 0 && f != 0 {
                f >>= 1;
                s >>= 1;
            }
        } else {
            hash = Digest::of_parts(&[&[1], hash.as_bytes(), sibling.as_bytes()]);
        }
        f >>= 1;
        s >>= 1;
    }
    s == 0 && hash == placed.root
}
