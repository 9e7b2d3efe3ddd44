//! Entries, proofs, heads.

use std::collections::BTreeMap;
use std::sync::Arc;

use titian::domain::Digest;
use titian::store::{Changes, Entry, Placed, Store};

use crate::Backend;
use crate::fixtures::*;

fn appending(entries: Vec<Entry>) -> Changes {
    Changes { entries, ..Changes::default() }
}

/// Commits `count` times at once, with an entry in one ledger and every third time in another.
async fn append_many(store: &Arc<dyn Store>, from: u64, count: u64) -> Vec<(Entry, Placed)> {
    let mut all = tokio::task::JoinSet::new();
    for n in from..from + count {
        let store = Arc::clone(store);
        all.spawn(async move {
            let mut entries = vec![entry("bnpt", n)];
            if n % 3 == 0 {
                entries.push(entry("governance", n));
                entries.push(entry("bnpt", 10_000 + n));
            }
            let placed = store.commit(appending(entries.clone())).await.unwrap().entries;
            entries.into_iter().zip(placed).collect::<Vec<_>>()
        });
    }
    all.join_all().await.into_iter().flatten().collect()
}

async fn an_empty_ledger_has_the_root_of_nothing(backend: &dyn Backend) {
    let store = backend.open();
    let head = store.head("nobody").await.unwrap();
    assert_eq!((head.size, head.root), (0, Digest::of(b"")));
    assert!(store.entry("nobody", 0).await.unwrap().is_none());
    assert!(store.proof("nobody", 0, 1).await.unwrap().is_none());
    assert!(store.proof("nobody", 0, 0).await.unwrap().is_none());
}

async fn every_entry_is_proven_at_once_and_ever_after(backend: &dyn Backend) {
    let mut all = {
        let store = backend.open();
        let mut all = append_many(&store, 0, 50).await;
        all.extend(append_many(&store, 50, 33).await);
        all
    };
    let store = backend.open();
    all.extend(append_many(&store, 100, 40).await);
    assert_eq!(store.head("bnpt").await.unwrap().size, 123 + (17 + 11 + 13));
    for (entry, placed) in &all {
        assert!(verifies(entry, placed), "at once: {placed:?}");
        let (ledger, index) = (placed.ledger.as_str(), placed.index);
        assert_eq!(ledger, entry.ledger);
        let row = store.entry(ledger, index).await.unwrap().unwrap();
        assert_eq!((&row.salt, &row.event), (&entry.salt, &entry.event));
        assert_eq!((row.index, row.size), (index, placed.size));
        // byte for byte the proof that was answered
        let again = store.proof(ledger, index, row.size).await.unwrap().unwrap();
        assert_eq!(&again, placed);
        let head = store.head(ledger).await.unwrap();
        let newest = store.proof(ledger, index, head.size).await.unwrap().unwrap();
        assert_eq!(newest.root, head.root);
        assert!(verifies(entry, &newest), "at the head: {newest:?}");
        assert!(store.proof(ledger, index, head.size + 1).await.unwrap().is_none());
        assert!(store.proof(ledger, index, index).await.unwrap().is_none());
    }
}

async fn an_entry_is_proven_at_every_size(backend: &dyn Backend) {
    let store = backend.open();
    for n in 0..21 {
        commit(&store, appending(vec![entry("bnpt", n)])).await;
    }
    let mut roots = std::collections::BTreeSet::new();
    for size in 1..=21 {
        for index in 0..size {
            let proof = store.proof("bnpt", index, size).await.unwrap().unwrap();
            assert!(verifies(&entry("bnpt", index), &proof), "{index} of {size}");
            roots.insert(proof.root);
        }
        assert_eq!(roots.len() as u64, size, "one root per size");
    }
}

async fn a_ledger_never_forks(backend: &dyn Backend) {
    let store = backend.open();
    let all = append_many(&store, 0, 90).await;
    let mut indices: BTreeMap<(String, u64), u32> = BTreeMap::new();
    let mut roots: BTreeMap<(String, u64), Digest> = BTreeMap::new();
    for (_, placed) in all {
        *indices.entry((placed.ledger.clone(), placed.index)).or_default() += 1;
        let root = roots.entry((placed.ledger, placed.size)).or_insert(placed.root);
        assert_eq!(*root, placed.root, "two roots of one size");
    }
    assert!(indices.values().all(|times| *times == 1), "an index given twice");
    for ledger in ["bnpt", "governance"] {
        let size = store.head(ledger).await.unwrap().size;
        let given = indices.keys().filter(|(of, _)| of == ledger).count();
        assert_eq!(size, given as u64, "an index left out");
    }
}

async fn entries_of_one_changes_follow_one_another(backend: &dyn Backend) {
    let store = backend.open();
    let entries: Vec<_> = (0..5).map(|n| entry("bnpt", n)).collect();
    let placed = commit(&store, appending(entries)).await.entries;
    assert_eq!(placed.iter().map(|p| p.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(placed.iter().all(|p| p.size == 5));
}

async fn a_conflict_takes_its_entries_back(backend: &dyn Backend) {
    let store = backend.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..60u64 {
        let store = Arc::clone(&store);
        all.spawn(async move {
            let mut changes = admit(if n % 2 == 0 { 1 } else { 10 + n }, "kemensos");
            // without the precondition it is noticed only after its entries were appended
            changes.requires.clear();
            changes.entries = vec![entry("bnpt", n), entry("kemensos", n)];
            let entries = changes.entries.clone();
            let outcome = store.commit(changes).await;
            assert_eq!(outcome.is_ok(), n % 2 == 1);
            outcome.map(|committed| (entries, committed.entries)).ok()
        });
    }
    for (entries, placed) in all.join_all().await.into_iter().flatten() {
        assert!(entries.iter().zip(&placed).all(|(entry, placed)| verifies(entry, placed)));
    }
    assert_eq!(store.head("bnpt").await.unwrap().size, 31);
    assert_eq!(store.head("kemensos").await.unwrap().size, 30);
}

on_every_backend! {
    an_empty_ledger_has_the_root_of_nothing,
    every_entry_is_proven_at_once_and_ever_after,
    an_entry_is_proven_at_every_size,
    a_ledger_never_forks,
    entries_of_one_changes_follow_one_another,
    a_conflict_takes_its_entries_back,
}
