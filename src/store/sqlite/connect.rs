//! Opening the database file: mode, pragmas, migrations, and which file it is.
//!
//! The file is made with mode 0600 before SQLite sees it, so that its journal files get that mode
//! too. Which file is open is remembered by device and inode: a file that was deleted or replaced
//! while open would take commits that nobody can ever read again.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::StoreError;
use super::{Options, database};

/// Migrations in order; the n-th brings the database to version n.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_begin.sql"),
    include_str!("../migrations/sqlite/0002_fewer_pages.sql"),
    include_str!("../migrations/sqlite/0003_versions.sql"),
    include_str!("../migrations/sqlite/0004_budget.sql"),
    include_str!("../migrations/sqlite/0005_reviews.sql"),
    include_str!("../migrations/sqlite/0006_tickets.sql"),
    include_str!("../migrations/sqlite/0007_threads.sql"),
    include_str!("../migrations/sqlite/0008_desk.sql"),
    include_str!("../migrations/sqlite/0009_requests.sql"),
    include_str!("../migrations/sqlite/0010_messages.sql"),
];
/// `TITI`: says whose file this is.
const APPLICATION_ID: i64 = 0x5449_5449;
/// Pages in the write-ahead log before they are moved into the database (32 MiB): the more there
/// are, the more of them are the same page again and are moved once.
const CHECKPOINT_PAGES: i64 = 8192;
/// What the writer keeps in memory, used as it is needed: the pages of every index that random
/// ids fall into.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const STATEMENTS_CACHED: usize = 128;

/// Which file is open.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    files: Vec<(PathBuf, u64, u64)>,
}

impl Identity {
    /// Of the database at `path` and its write-ahead log, both open now.
    fn of(path: &Path) -> Result<Self, StoreError> {
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let mut files = Vec::new();
        for file in [path.to_path_buf(), PathBuf::from(wal)] {
            let metadata = fs::metadata(&file).map_err(database)?;
            files.push((file, metadata.dev(), metadata.ino()));
        }
        Ok(Self { files })
    }

    /// Whether the database has its name still and its write-ahead log has none, nor has another
    /// file taken it.
    pub(super) fn lost_only_its_log(&self) -> bool {
        let [database, (log, ..)] = self.files.as_slice() else { return false };
        let (path, dev, ino) = database;
        fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*dev, *ino))
            && matches!(fs::symlink_metadata(log), Err(e) if e.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the paths still name the files that are open.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let same = self.files.iter().all(|(path, dev, ino)| {
            fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*dev, *ino))
        });
        if same { Ok(()) } else { Err(StoreError::Gone) }
    }
}

/// The one connection that writes, on a database brought to the newest version.
pub(super) fn writer(path: &Path, options: &Options) -> Result<(Connection, Identity), StoreError> {
    make_private(path).map_err(database)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(database)?;
    set_up(&db, options).map_err(database)?;
    refuse_unknown(&db)?;
    set_up_writer(&db, options).map_err(database)?;
    migrate(&mut db)?;
    let identity = Identity::of(path)?;
    Ok((db, identity))
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(database)?;
    set_up(&db, options).map_err(database)?;
    db.pragma_update(None, "query_only", true).map_err(database)?;
    Ok(db)
}

fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all()?;
            let directory = path.parent().filter(|d| !d.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is no file"));
            }
            fs::set_permissions(path, Permissions::from_mode(0o600))
        }
        Err(e) => Err(e),
    }
}

fn set_up(db: &Connection, options: &Options) -> rusqlite::Result<()> {
    db.busy_timeout(options.busy_timeout)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // a plan never depends on the values bound: otherwise SQLite, where it is built with
    // statistics, prepares every cached statement anew at each use
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn set_up_writer(db: &Connection, options: &Options) -> rusqlite::Result<()> {
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    // a commit that was answered survives a power cut
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // what is deleted is overwritten
    db.pragma_update_and_check(None, "secure_delete", true, |_row| Ok(()))?;
    // savepoints then keep their undo pages in memory rather than in a temporary file
    db.pragma_update(None, "temp_store", "memory")?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_row| Ok(()))?;
    if let Some(pages) = options.pages_max {
        db.pragma_update_and_check(None, "max_page_count", pages, |_row| Ok(()))?;
    }
    Ok(())
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses a database of an unknown version or of somebody else before anything is changed in it.
fn refuse_unknown(db: &Connection) -> Result<(), StoreError> {
    let found = version(db).map_err(database)?;
    let whose: i64 =
        db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(database)?;
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(database)?;
    let fresh = found == 0 && whose == 0 && tables == 0;
    let ours = (1..=known()).contains(&found) && whose == APPLICATION_ID;
    if fresh || ours { Ok(()) } else { Err(StoreError::UnknownVersion { found, known: known() }) }
}

/// Brings the database to the newest version, each step in a transaction of its own.
fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let found = version(db).map_err(database)?;
    for (step, sql) in (1..).zip(MIGRATIONS) {
        if step <= found {
            continue;
        }
        let apply = |db: &mut Connection| {
            let transaction = db.transaction()?;
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", step)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.commit()
        };
        apply(db).map_err(database)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    #[test]
    fn landed_migrations_never_change() {
        let landed: Vec<String> =
            MIGRATIONS.iter().map(|sql| Digest::of(sql.as_bytes()).to_string()).collect();
        assert_eq!(
            landed,
            [
                "EXSM4mqAPZr2r9TK-p8JeoZzuLyCYyTBuIGwFvb27yE",
                "_JvmHQ4VArEkYn63O20JFJnuzF3bcezBZkcDQnDj5A4",
                "lPFSYAPKH1yN-mfmL1o5s0n7FxVPHmrJNi-oFEwLdFg",
                "-x1fl0kQu4iwoF_Df5nYg5AKAJuuz9ALPUjjNMlHt9w",
                "ooc__TWySVMwM_18KHXuhNnEqLpSr2YulGesXztglH4",
                "-pP5WuXwHaCf5oJ1acJ2YrpTvsurzeX04wppoeLFUEA",
                "dI83k2HQpkwYrZLCDGaWLj2GnFLcOOlx6PfDs5xebfc",
                "8VyN2cwn_L_7QAZkiwjdoQL5Z50uci9zCooukhZdUXc",
                "Dft7lebxCwFu8U2qmM8oThoET0lBPUXCnlDewT8m0VA",
                "sDx2ImlucqGDE3TGFzJ_gtqHepMCDrXkCqbGxNP-XSU",
            ]
        );
    }

    /// Who was not to be informed before there were reviews stays uninformed, and an officer can
    /// end it.
    #[test]
    fn exchanges_from_before_have_a_review_per_party_not_to_be_informed() {
        let db = Connection::open_in_memory().unwrap();
        let reviews = MIGRATIONS.iter().position(|sql| sql.contains("TABLE reviews")).unwrap();
        for sql in MIGRATIONS.iter().take(reviews) {
            db.execute_batch(sql).unwrap();
        }
        db.execute_batch(
            r#"INSERT INTO exchanges VALUES
                (1, 'x1', 'received', 'bnpt/a', 'kemensos/b', 'bnpt', NULL, '["cuta-be","bnpt"]',
                    's1', '2026-11-24', 1),
                (2, 'x2', 'received', 'kemensos/b', 'cuta-be', 'bnpt', NULL, '["cuta-be"]',
                    's1', '2026-11-24', 2),
                (3, 'x3', 'received', 'bnpt', 'kemensos', 'bnpt', NULL, NULL,
                    's2', '2026-11-24', 3);
               INSERT INTO members (exchange, party, reference) VALUES
                (1, 'kemensos', 'r1'), (2, 'kemensos', 'r2'), (3, 'kemensos', 'r3');"#,
        )
        .unwrap();
        db.execute_batch(MIGRATIONS.get(reviews).unwrap()).unwrap();
        let all = |sql: &str| -> Vec<(String, String)> {
            let mut select = db.prepare(sql).unwrap();
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let found = all("SELECT exchange, party FROM reviews WHERE stands = 1 ORDER BY 1, 2");
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(found, [pair("x1", "bnpt"), pair("x1", "cuta-be"), pair("x2", "cuta-be")]);
        let ids = all("SELECT DISTINCT id, kind FROM reviews");
        assert_eq!(ids.len(), 3, "an id of its own for each");
        for (id, kind) in ids {
            id.parse::<crate::domain::Id>().unwrap();
            assert_eq!(kind, "withheld");
        }
        assert_eq!(all("SELECT exchange, parent FROM passed_on"), [pair("x2", "x1")]);
    }
}
