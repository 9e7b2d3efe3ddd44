//! SQLite's own: the file, its versions, and what happens when it fails.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use titian::domain::MessageId;
use titian::store::sqlite::{Options, Sqlite};
use titian::store::{CommitError, Requirement, Store, StoreError, Write};

use crate::Backend;
use crate::fixtures::*;

const DAY: i64 = 86_400;

/// A database in a directory of its own.
pub(crate) struct Database {
    directory: tempfile::TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("titian.db")
    }

    fn open_with(&self, options: Options) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.path(), options).unwrap())
    }

    /// Another process on the same file.
    fn beside(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

impl Backend for Database {
    fn open(&self) -> Arc<dyn Store> {
        self.open_with(Options::default())
    }
}

fn impatient() -> Options {
    Options { busy_timeout: Duration::ZERO, ..Options::default() }
}

#[tokio::test]
async fn a_group_is_counted_among_a_hundred_thousand_cases() {
    let database = Database::new();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    let rows = "WITH RECURSIVE case_of (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM case_of
            WHERE n < 100001)
        INSERT INTO exchanges SELECT n, 'x' || n, 'accepted', 'bnpt', 'kemensos', 'bnpt', NULL,
            NULL, 's' || n, '2026-11-24', 1 FROM case_of;
        INSERT INTO known SELECT row, 'cuta-be', '{}', iif(row % 2, zeroblob(32),
            randomblob(32)), 1 FROM exchanges WHERE row > 1;";
    database.beside().execute_batch(rows).unwrap();
    let key = titian::domain::Digest::from_bytes([0; 32]);
    let count =
        async |most| store.group(&party("cuta-be"), &key, &exchange_id(1), most).await.unwrap();
    assert_eq!(count(9).await, 9);
    assert_eq!(count(u32::MAX).await, 50_000);
}

fn unavailable(outcome: Result<titian::store::Committed, CommitError>) -> StoreError {
    match outcome {
        Err(CommitError::Unavailable(error)) => error,
        other => panic!("not unavailable but {other:?}"),
    }
}

async fn known(store: &Arc<dyn Store>, id: MessageId) -> bool {
    store.message(&party("bnpt"), &id).await.unwrap().is_some()
}

#[tokio::test]
async fn the_files_are_the_owners_alone() {
    let database = Database::new();
    std::fs::write(database.path(), b"").unwrap();
    std::fs::set_permissions(database.path(), PermissionsExt::from_mode(0o666)).unwrap();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    let mut seen = 0;
    for file in std::fs::read_dir(database.directory.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
        seen += 1;
    }
    assert_eq!(seen, 3, "database, write-ahead log and its index");
}

#[tokio::test]
async fn the_first_version_is_brought_to_the_newest_with_what_it_holds() {
    let database = Database::new();
    let first = include_str!("../../src/store/migrations/sqlite/0001_begin.sql");
    let rows = format!(
        "INSERT INTO exchanges VALUES
             (1, '{}', 'submitted', 'bnpt/deradikalisasi', 'kemensos', 'bnpt', NULL, NULL, '{}',
              '2026-11-24', 1);
         INSERT INTO members VALUES (1, 'bnpt', '{}', '{}'), (1, 'kemensos', '{}', '{}');
         PRAGMA user_version = 1; PRAGMA application_id = {};",
        exchange_id(1),
        id(4, 1),
        reference(0, 1),
        id(5, 1),
        reference(1, 1),
        id(5, 2),
        0x5449_5449,
    );
    database.beside().execute_batch(&format!("{first}{rows}")).unwrap();
    let store = database.open();
    assert_eq!(store.members(&exchange_id(1)).await.unwrap().len(), 2);
    assert!(store.knows_subject_as(&party("kemensos"), &id(5, 2)).await.unwrap());
    assert!(!store.knows_subject_as(&party("bnpt"), &id(5, 1)).await.unwrap());
}

#[tokio::test]
async fn an_unknown_version_does_not_start_and_is_left_as_it_is() {
    let database = Database::new();
    drop(database.open());
    database.beside().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(database.path()).unwrap();
    let refused = Sqlite::open(database.path(), Options::default());
    assert!(matches!(refused, Err(StoreError::UnknownVersion { found: 99, known: 10 })));
    assert_eq!(std::fs::read(database.path()).unwrap(), before);
}

#[tokio::test]
async fn somebody_elses_database_does_not_start() {
    let database = Database::new();
    database.beside().execute_batch("CREATE TABLE other (a); PRAGMA user_version = 1").unwrap();
    let refused = Sqlite::open(database.path(), Options::default());
    assert!(matches!(refused, Err(StoreError::UnknownVersion { .. })));
    database.beside().execute_batch("PRAGMA user_version = 0").unwrap();
    let refused = Sqlite::open(database.path(), Options::default());
    assert!(matches!(refused, Err(StoreError::UnknownVersion { .. })));
}

#[tokio::test]
async fn what_is_no_database_does_not_start() {
    let database = Database::new();
    std::fs::write(database.path(), vec![b'x'; 8192]).unwrap();
    let refused = Sqlite::open(database.path(), Options::default());
    assert!(matches!(refused, Err(StoreError::Database(_))));
}

#[tokio::test]
async fn a_deleted_database_takes_no_commit() {
    let database = Database::new();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    std::fs::remove_file(database.path()).unwrap();
    assert!(matches!(store.ready().await, Err(StoreError::Gone)));
    for n in [2, 3] {
        assert!(matches!(unavailable(store.commit(admit(n, "kemensos")).await), StoreError::Gone));
    }
    assert!(!database.path().exists(), "nothing is made anew in its place");
}

#[tokio::test]
async fn a_replaced_database_takes_no_commit_and_is_not_touched() {
    let database = Database::new();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    let other = Database::new();
    {
        let other = other.open();
        commit(&other, admit(7, "kemensos")).await;
    }
    std::fs::rename(other.path(), database.path()).unwrap();
    let before = std::fs::read(database.path()).unwrap();
    assert!(matches!(store.ready().await, Err(StoreError::Gone)));
    assert!(matches!(unavailable(store.commit(admit(2, "kemensos")).await), StoreError::Gone));
    drop(store);
    assert_eq!(std::fs::read(database.path()).unwrap(), before);
}

#[tokio::test]
async fn a_deleted_write_ahead_log_takes_no_commit() {
    let database = Database::new();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    std::fs::remove_file(database.directory.path().join("titian.db-wal")).unwrap();
    assert!(matches!(store.ready().await, Err(StoreError::Gone)));
    assert!(matches!(unavailable(store.commit(admit(2, "kemensos")).await), StoreError::Gone));
    // what was answered is not lost with the file's name
    drop(store);
    let store = database.open();
    assert!(known(&store, message_id(1)).await && !known(&store, message_id(2)).await);
    commit(&store, admit(2, "kemensos")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_and_loses_nothing() {
    let database = Database::new();
    let store = database.open_with(Options {
        queue_max: 4,
        batch_max: 2,
        busy_timeout: Duration::from_mins(1),
        ..Options::default()
    });
    let lock = database.beside();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // the writer holds at most one batch and the queue four; the rest must be told at once
    let mut all = tokio::task::JoinSet::new();
    let (told, mut busy) = tokio::sync::mpsc::unbounded_channel();
    for n in 0..20 {
        let (store, told) = (Arc::clone(&store), told.clone());
        all.spawn(async move {
            match store.commit(admit(n, "kemensos")).await {
                Ok(_) => true,
                Err(CommitError::Unavailable(StoreError::Busy)) => {
                    told.send(n).unwrap();
                    false
                }
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    for _ in 0..14 {
        busy.recv().await.unwrap();
    }
    lock.execute_batch("ROLLBACK").unwrap();
    let taken = all.join_all().await.into_iter().filter(|taken| *taken).count();
    assert!((4..=6).contains(&taken), "{taken}");
    assert_eq!(store.head("bnpt").await.unwrap().size, taken as u64);
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_locked_database_fails_the_batch_and_recovers() {
    let database = Database::new();
    let store = database.open_with(impatient());
    commit(&store, admit(1, "kemensos")).await;
    let lock = database.beside();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    for n in [2, 3] {
        let error = unavailable(store.commit(admit(n, "kemensos")).await);
        assert!(matches!(error, StoreError::Database(_)));
        assert!(store.ready().await.is_err(), "the next commit would fail too");
    }
    lock.execute_batch("ROLLBACK").unwrap();
    store.ready().await.unwrap();
    let committed = commit(&store, admit(2, "kemensos")).await;
    assert!(verifies(&entry("bnpt", 2), &committed.entries[0]));
    assert_eq!(committed.entries[0].index, 1, "what failed left no entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_whole_batches_and_loses_nothing_answered() {
    let database = Database::new();
    let mut answered = Vec::new();
    let mut failed = 0;
    {
        let store = database.open_with(Options { pages_max: Some(400), ..Options::default() });
        let mut all = tokio::task::JoinSet::new();
        for n in 0..200 {
            let store = Arc::clone(&store);
            all.spawn(async move { (n, store.commit(admit(n, "kemensos")).await) });
        }
        for (n, outcome) in all.join_all().await {
            match outcome {
                Ok(committed) => answered.push((n, committed)),
                Err(CommitError::Unavailable(StoreError::Database(_))) => failed += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(failed > 0);
        assert!(!answered.is_empty());
        for (n, _) in &answered {
            assert!(known(&store, message_id(*n)).await, "reads go on");
        }
    }
    let store = database.open();
    assert_eq!(store.head("bnpt").await.unwrap().size, answered.len() as u64);
    for n in 0..200 {
        let committed = answered.iter().find(|(of, _)| *of == n);
        assert_eq!(known(&store, message_id(n)).await, committed.is_some(), "{n}");
        if let Some((_, committed)) = committed {
            let placed = &committed.entries[0];
            assert!(verifies(&entry("bnpt", n), placed));
            let again = store.proof("bnpt", placed.index, placed.size).await.unwrap().unwrap();
            assert_eq!(&again, placed);
        } else {
            commit(&store, admit(n, "kemensos")).await;
        }
    }
    assert_eq!(store.head("bnpt").await.unwrap().size, 200);
}

#[tokio::test]
async fn a_full_disk_is_not_ready_although_a_small_commit_fits() {
    let database = Database::new();
    let store = database.open_with(Options { pages_max: Some(200), ..Options::default() });
    let mut n = 0;
    while store.commit(admit(n, "kemensos")).await.is_ok() {
        n += 1;
    }
    assert!(n > 1);
    assert!(store.ready().await.is_err());
}

#[tokio::test]
async fn two_writers_on_one_file_never_fork_a_ledger() {
    let database = Database::new();
    let (one, other) = (database.open(), database.open());
    commit(&one, admit(1, "kemensos")).await;
    commit(&other, admit(2, "kemensos")).await;
    // this one's head is stale: the commit fails whole, and the next starts from the disk
    unavailable(one.commit(admit(3, "kemensos")).await);
    assert!(!known(&one, message_id(3)).await);
    let committed = commit(&one, admit(3, "kemensos")).await;
    assert_eq!(committed.entries[0].index, 2);
    assert!(verifies(&entry("bnpt", 3), &committed.entries[0]));
}

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let (database, crashed) = (Database::new(), Database::new());
    let store = database.open();
    for n in 0..20 {
        commit(&store, admit(n, "kemensos")).await;
    }
    // what a crash leaves behind: the files as they are, never closed
    for ending in ["", "-wal"] {
        let name = format!("titian.db{ending}");
        std::fs::copy(database.directory.path().join(&name), crashed.directory.path().join(&name))
            .unwrap();
    }
    let after = crashed.open();
    assert_eq!(after.head("bnpt").await.unwrap(), store.head("bnpt").await.unwrap());
    for n in 0..20 {
        assert!(known(&after, message_id(n)).await);
    }
    commit(&after, admit(20, "kemensos")).await;
}

#[tokio::test]
async fn closing_writes_what_is_queued_and_leaves_one_file() {
    let database = Database::new();
    let store = Sqlite::open(database.path(), Options::default()).unwrap();
    let pending: Vec<_> = (0..50).map(|n| store.commit(admit(n, "kemensos"))).collect();
    let all = async {
        for commit in pending {
            commit.await.unwrap();
        }
    };
    all.await;
    store.close().unwrap();
    let wal = database.directory.path().join("titian.db-wal");
    assert_eq!(std::fs::metadata(wal).map_or(0, |m| m.len()), 0);
    let store = database.open();
    assert_eq!(store.head("bnpt").await.unwrap().size, 50);
}

#[tokio::test]
async fn a_row_that_does_not_parse_is_named_without_its_value() {
    let database = Database::new();
    let store = database.open();
    commit(&store, admit(1, "kemensos")).await;
    database.beside().execute("UPDATE messages SET state = 'secret-value'", []).unwrap();
    let error = store.message(&party("bnpt"), &message_id(1)).await.unwrap_err();
    let key = message_id(1).to_string();
    assert!(matches!(
        &error,
        StoreError::Inconsistent { table: "messages", column: "state", row } if *row == key
    ));
    assert!(!format!("{error} {error:?}").contains("secret-value"));
}

#[tokio::test]
async fn a_damaged_frontier_takes_no_entry() {
    let database = Database::new();
    {
        let store = database.open();
        commit(&store, admit(1, "kemensos")).await;
    }
    database.beside().execute("UPDATE ledger_heads SET root = zeroblob(32)", []).unwrap();
    let store = database.open();
    let error = unavailable(store.commit(admit(2, "kemensos")).await);
    assert!(matches!(error, StoreError::Inconsistent { table: "ledger_heads", .. }));
    assert!(!known(&store, message_id(2)).await);
    store.ready().await.unwrap();
}

#[tokio::test]
async fn only_assertions_expired_for_a_day_are_forgotten() {
    let database = Database::new();
    let store = database.open();
    // the clock of the gateway, as its own rows tell it
    commit(&store, admit(0, "kemensos")).await;
    let ages = [("old", NOW - DAY - 1), ("spent", NOW - DAY), ("fresh", NOW + 300)];
    for (jti, expires_at) in ages {
        let jti = jti.to_owned();
        let write = Write::Assertion { party: party("bnpt"), jti, expires_at };
        commit(&store, writing(vec![write])).await;
    }
    for n in 0..300 {
        let write = Write::Assertion {
            party: party("cuta-be"),
            jti: format!("filler-{n}"),
            // far in the future: moves no clock
            expires_at: NOW + 1_000 * DAY,
        };
        commit(&store, writing(vec![write])).await;
    }
    for (jti, _) in ages {
        let mut changes = writing(Vec::new());
        changes.requires =
            vec![Requirement::AssertionUnseen { party: party("bnpt"), jti: jti.to_owned() }];
        assert_eq!(store.commit(changes).await.is_ok(), jti == "old", "{jti}");
    }
}
