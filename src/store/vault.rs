//! Sealed payloads: AES-256-GCM, one key per payload, wrapped by a key of its retention month.
//!
//! A payload is bound to its place (table, row, column): ciphertext moved elsewhere does not open.
//! Its key is wrapped under `kek/<YYYY-MM>`, one file per retention month outside the database and
//! its backups, made when first needed. Destroying that file destroys every payload of the month,
//! wherever copies of the database lie; what the file system keeps of a deleted file is not in
//! this module's hands.
//!
//! Keys and nonces come from the system's generator directly, never from the injected one: a
//! seeded run must not be able to repeat a key.
//!
//! INVARIANT: opening never makes a key; only sealing does.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use data_encoding::HEXLOWER;
use time::Date;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// Nonce, wrapped key, tag.
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + TAG_BYTES;
/// Ending of a key file that is not in its place yet.
const UNPLACED: &str = ".new";

/// A sealed payload.
#[derive(Clone)]
pub struct Sealed {
    /// Retention month `YYYY-MM` whose key wraps this payload's key.
    pub month: String,
    /// The payload's own key, wrapped: nonce ‖ ciphertext ‖ tag.
    pub wrapped_key: Vec<u8>,
    /// Nonce ‖ ciphertext ‖ tag.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("month", &self.month).finish_non_exhaustive()
    }
}

/// Where a payload belongs; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Table.
    pub table: &'a str,
    /// Key of the row: ids only.
    pub row: &'a str,
    /// Column.
    pub column: &'a str,
}

/// Why a payload was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The system's random generator failed; nothing was sealed.
    #[error("the system's random generator failed")]
    NoEntropy,
    /// A key file could not be read, written or destroyed.
    #[error("key file `{file}` cannot be used")]
    File {
        /// Name of the file within the key directory.
        file: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others than the owner may read or write the key file.
    #[error("key file `{file}` has mode {mode:03o}; it must be 600")]
    LoosePermissions {
        /// Name of the file within the key directory.
        file: String,
        /// The mode found.
        mode: u32,
    },
    /// The key file does not hold exactly 32 bytes.
    #[error("key file `{file}` does not hold 32 bytes")]
    KeyLength {
        /// Name of the file within the key directory.
        file: String,
    },
    /// The month's key is not there: destroyed, or never made.
    #[error("the key of month `{month}` is not there")]
    NoKey {
        /// Which month.
        month: String,
    },
    /// The text is not `YYYY-MM`.
    #[error("a month is `YYYY-MM`")]
    NotAMonth,
    /// Altered, moved to another row, or sealed under another key.
    #[error("the payload does not open")]
    DoesNotOpen,
    /// The payload is too long to seal.
    #[error("the payload cannot be sealed")]
    DoesNotSeal,
}

/// Seals and opens payloads.
pub struct Vault {
    directory: PathBuf,
    random: SystemRandom,
    /// Month keys in use; the library keeps and wipes their bytes.
    months: RwLock<HashMap<String, Arc<LessSafeKey>>>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Opens the directory of month keys, making it (mode 0700) if it is not there.
    ///
    /// # Errors
    /// When the directory cannot be used, or any key in it has loose permissions or a wrong length.
    pub fn open(kek_dir: &Path) -> Result<Self, VaultError> {
        let failed = |cause| VaultError::File { file: String::from("."), cause };
        fs::create_dir_all(kek_dir).map_err(failed)?;
        fs::set_permissions(kek_dir, Permissions::from_mode(0o700)).map_err(failed)?;
        for entry in fs::read_dir(kek_dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.ends_with(UNPLACED) {
                // left by a crash between writing a key and putting it in its place
                wipe(&kek_dir.join(name), name)?;
            } else if is_month(name) {
                read_key(kek_dir, name)?;
            }
        }
        Ok(Self {
            directory: kek_dir.to_path_buf(),
            random: SystemRandom::new(),
            months: RwLock::default(),
        })
    }

    /// Whether the key of `month` is there.
    pub fn has(&self, month: &str) -> bool {
        is_month(month) && self.directory.join(month).is_file()
    }

    /// Whether no key was ever made, or all are destroyed.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn is_empty(&self) -> Result<bool, VaultError> {
        let failed = |cause| VaultError::File { file: String::from("."), cause };
        let mut entries = fs::read_dir(&self.directory).map_err(failed)?;
        Ok(!entries
            .any(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(is_month))))
    }

    /// Seals `plaintext` for `place` under a fresh key, wrapped by the key of the month in which
    /// `retention_until` lies.
    pub fn seal(
        &self,
        place: Place<'_>,
        retention_until: Date,
        plaintext: &[u8],
    ) -> Result<Sealed, VaultError> {
        let month = month_of(retention_until);
        let month_key = self.month_key(&month, Absent::Make)?;
        let mut drawn = Zeroizing::new([0u8; KEY_BYTES + 2 * NONCE_LEN]);
        self.random.fill(drawn.as_mut_slice()).map_err(|_unspecified| VaultError::NoEntropy)?;
        let (key, nonces) = drawn.split_at(KEY_BYTES);
        let (wrap_nonce, nonce) = nonces.split_at(NONCE_LEN);
        let wrapped_key =
            encrypt(&month_key, wrap_nonce, &bound("titian-key/1", place, &month), key)?;
        let ciphertext =
            encrypt(&parse_key(key)?, nonce, &bound("titian-payload/1", place, &month), plaintext)?;
        Ok(Sealed { month, wrapped_key, ciphertext })
    }

    /// Opens a payload that was sealed for `place`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] once its month was destroyed; [`VaultError::DoesNotOpen`] when it was
    /// altered or moved.
    pub fn unseal(
        &self,
        place: Place<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if sealed.wrapped_key.len() != WRAPPED_BYTES {
            return Err(VaultError::DoesNotOpen);
        }
        let month_key = self.month_key(&sealed.month, Absent::Refuse)?;
        let key =
            decrypt(&month_key, &bound("titian-key/1", place, &sealed.month), &sealed.wrapped_key)?;
        decrypt(
            &parse_key(&key)?,
            &bound("titian-payload/1", place, &sealed.month),
            &sealed.ciphertext,
        )
    }

    /// Destroys a month's key, and with it every payload of that month. Destroying it again is no
    /// error: a run that was interrupted is simply repeated.
    ///
    /// A running gateway must do this through its own vault: another process would leave the key
    /// in this one's memory, and what it then sealed could never be opened after a restart.
    pub fn destroy(&self, month: &str) -> Result<(), VaultError> {
        if !is_month(month) {
            return Err(VaultError::NotAMonth);
        }
        let mut months = self.months.write().unwrap_or_else(PoisonError::into_inner);
        months.remove(month);
        wipe(&self.directory.join(month), month)?;
        sync_directory(&self.directory, month)
    }

    fn month_key(&self, month: &str, absent: Absent) -> Result<Arc<LessSafeKey>, VaultError> {
        if let Some(key) = self.months.read().unwrap_or_else(PoisonError::into_inner).get(month) {
            return Ok(Arc::clone(key));
        }
        if !is_month(month) {
            return Err(VaultError::NotAMonth);
        }
        let mut months = self.months.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = months.get(month) {
            return Ok(Arc::clone(key));
        }
        let bytes = match (read_key(&self.directory, month)?, absent) {
            (Some(bytes), _) => bytes,
            (None, Absent::Refuse) => return Err(VaultError::NoKey { month: month.to_owned() }),
            (None, Absent::Make) => self.make_key(month)?,
        };
        let key = Arc::new(parse_key(&bytes)?);
        months.insert(month.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    /// Makes a month's key and puts it in its place whole and durable; if another process was
    /// faster, its key is the one.
    fn make_key(&self, month: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let failed = |cause| VaultError::File { file: month.to_owned(), cause };
        let mut key = Zeroizing::new(vec![0u8; KEY_BYTES]);
        let mut mark = [0u8; 8];
        for bytes in [key.as_mut_slice(), mark.as_mut_slice()] {
            self.random.fill(bytes).map_err(|_unspecified| VaultError::NoEntropy)?;
        }
        let unplaced = self.directory.join(format!("{month}-{}{UNPLACED}", HEXLOWER.encode(&mark)));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unplaced)
            .map_err(failed)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
        let placed = fs::hard_link(&unplaced, self.directory.join(month));
        let lost = matches!(&placed, Err(e) if e.kind() == ErrorKind::AlreadyExists);
        if lost {
            wipe(&unplaced, month)?;
            return read_key(&self.directory, month)?
                .ok_or_else(|| VaultError::NoKey { month: month.to_owned() });
        }
        placed.and_then(|()| fs::remove_file(&unplaced)).map_err(failed)?;
        sync_directory(&self.directory, month)?;
        Ok(key)
    }
}

/// What to do when a month has no key.
#[derive(Clone, Copy)]
enum Absent {
    Make,
    Refuse,
}

/// `YYYY-MM` of a day.
fn month_of(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), u8::from(day.month()))
}

/// Whether `text` is `YYYY-MM`. Months come back from the database and become file names, so
/// nothing else may pass.
fn is_month(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else { return false };
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    digits(year, 4) && digits(month, 2) && month.parse().is_ok_and(|m: u8| (1..=12).contains(&m))
}

/// Additional data: what it is, and where. Every part carries its length, so that no two places
/// run into one another.
fn bound(what: &str, place: Place<'_>, month: &str) -> Vec<u8> {
    let parts = [what, place.table, place.row, place.column, month];
    let mut out = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

fn parse_key(bytes: &[u8]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, bytes)
        .map(LessSafeKey::new)
        .map_err(|_unspecified| VaultError::DoesNotOpen)
}

fn encrypt(
    key: &LessSafeKey,
    nonce: &[u8],
    bound_to: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let unspecified = |_| VaultError::DoesNotSeal;
    let mut out = Vec::with_capacity(nonce.len() + plaintext.len() + TAG_BYTES);
    out.extend_from_slice(nonce);
    out.extend_from_slice(plaintext);
    let (_, body) = out.split_at_mut(nonce.len());
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(unspecified)?;
    let tag =
        key.seal_in_place_separate_tag(nonce, Aad::from(bound_to), body).map_err(unspecified)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

fn decrypt(
    key: &LessSafeKey,
    bound_to: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let unspecified = |_| VaultError::DoesNotOpen;
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::DoesNotOpen)?;
    let length = rest.len().checked_sub(TAG_BYTES).ok_or(VaultError::DoesNotOpen)?;
    let (body, tag) = rest.split_at(length);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(unspecified)?;
    let mut out = Zeroizing::new(vec![0u8; length]);
    key.open_separate_gather(nonce, Aad::from(bound_to), body, tag, &mut out)
        .map_err(unspecified)?;
    Ok(out)
}

/// The month's key, or `None` where there is no file.
fn read_key(directory: &Path, month: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let failed = |cause| VaultError::File { file: month.to_owned(), cause };
    let file = match File::open(directory.join(month)) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::LoosePermissions { file: month.to_owned(), mode });
    }
    // INVARIANT: the buffer never grows, so no copy of the key stays behind unwiped
    let mut key = Zeroizing::new(Vec::with_capacity(2 * KEY_BYTES));
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut key).map_err(failed)?;
    if key.len() == KEY_BYTES {
        Ok(Some(key))
    } else {
        Err(VaultError::KeyLength { file: month.to_owned() })
    }
}

/// Overwrites and removes a key file; one that is not there is already gone.
fn wipe(path: &Path, name: &str) -> Result<(), VaultError> {
    let failed = |cause| VaultError::File { file: name.to_owned(), cause };
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    file.write_all(&[0u8; KEY_BYTES]).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::remove_file(path).map_err(failed)
}

fn sync_directory(directory: &Path, month: &str) -> Result<(), VaultError> {
    File::open(directory)
        .and_then(|d| d.sync_all())
        .map_err(|cause| VaultError::File { file: month.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const PLACE: Place<'_> = Place { table: "messages", row: "aaaa", column: "object" };
    const DAY: Date = date!(2027 - 03 - 31);

    fn vault() -> (tempfile::TempDir, Vault) {
        let home = tempfile::tempdir().unwrap();
        let vault = Vault::open(&home.path().join("kek")).unwrap();
        (home, vault)
    }

    #[test]
    fn a_payload_opens_in_its_own_place_only() {
        let (_home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        assert_eq!(vault.unseal(PLACE, &sealed).unwrap().as_slice(), b"payload");
        for elsewhere in [
            Place { row: "aaab", ..PLACE },
            Place { table: "releases", ..PLACE },
            Place { column: "receipt", ..PLACE },
            // the same characters, cut elsewhere
            Place { table: "messagesa", row: "aaa", ..PLACE },
        ] {
            let outcome = vault.unseal(elsewhere, &sealed);
            assert!(matches!(outcome, Err(VaultError::DoesNotOpen)), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_payload_said_to_be_of_another_month_does_not_open() {
        let (_home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        vault.seal(PLACE, date!(2027 - 04 - 01), b"other").unwrap();
        let moved = Sealed { month: String::from("2027-04"), ..sealed };
        assert!(matches!(vault.unseal(PLACE, &moved), Err(VaultError::DoesNotOpen)));
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed() {
        let (_home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        for at in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[at] ^= 1;
            assert!(matches!(vault.unseal(PLACE, &changed), Err(VaultError::DoesNotOpen)));
        }
        for at in 0..sealed.wrapped_key.len() {
            let mut changed = sealed.clone();
            changed.wrapped_key[at] ^= 1;
            assert!(matches!(vault.unseal(PLACE, &changed), Err(VaultError::DoesNotOpen)));
        }
        for length in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext.truncate(length);
            assert!(matches!(vault.unseal(PLACE, &changed), Err(VaultError::DoesNotOpen)));
        }
    }

    #[test]
    fn no_two_seals_share_key_or_nonce() {
        let (_home, vault) = vault();
        let a = vault.seal(PLACE, DAY, b"payload").unwrap();
        let b = vault.seal(PLACE, DAY, b"payload").unwrap();
        assert_ne!(a.wrapped_key, b.wrapped_key);
        assert_ne!(a.ciphertext, b.ciphertext);
        let mixed = Sealed { wrapped_key: a.wrapped_key, ..b };
        assert!(matches!(vault.unseal(PLACE, &mixed), Err(VaultError::DoesNotOpen)));
    }

    #[test]
    fn a_month_key_is_made_once_with_mode_600_and_read_again() {
        let (home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        let file = home.path().join("kek/2027-03");
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.len()), (0o600, 32));
        assert_eq!(fs::read_dir(home.path().join("kek")).unwrap().count(), 1, "nothing beside it");
        let again = Vault::open(&home.path().join("kek")).unwrap();
        assert_eq!(again.unseal(PLACE, &sealed).unwrap().as_slice(), b"payload");
    }

    #[test]
    fn loose_permissions_and_wrong_lengths_are_refused() {
        let (home, vault) = vault();
        vault.seal(PLACE, DAY, b"payload").unwrap();
        let file = home.path().join("kek/2027-03");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let opened = Vault::open(&home.path().join("kek"));
        assert!(matches!(opened, Err(VaultError::LoosePermissions { mode: 0o640, .. })));
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        for length in [0usize, 31, 33] {
            fs::write(&file, vec![1u8; length]).unwrap();
            let opened = Vault::open(&home.path().join("kek"));
            assert!(matches!(opened, Err(VaultError::KeyLength { .. })), "{length}");
        }
    }

    #[test]
    fn a_destroyed_month_opens_no_payload_and_makes_no_key() {
        let (home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        vault.destroy("2027-03").unwrap();
        assert!(matches!(vault.unseal(PLACE, &sealed), Err(VaultError::NoKey { .. })));
        assert!(!home.path().join("kek/2027-03").exists());
        vault.destroy("2027-03").unwrap();
        // a key made anew under the same name opens nothing old
        vault.seal(PLACE, DAY, b"later").unwrap();
        assert!(matches!(vault.unseal(PLACE, &sealed), Err(VaultError::DoesNotOpen)));
    }

    #[test]
    fn a_month_never_leaves_the_key_directory() {
        let (_home, vault) = vault();
        let sealed = vault.seal(PLACE, DAY, b"payload").unwrap();
        for month in ["../kek/2027-03", "2027-13", "2027-00", "2027-3", "", "202703", "+027-03"] {
            let moved = Sealed { month: month.to_owned(), ..sealed.clone() };
            assert!(matches!(vault.unseal(PLACE, &moved), Err(VaultError::NotAMonth)), "{month}");
            assert!(matches!(vault.destroy(month), Err(VaultError::NotAMonth)), "{month}");
        }
    }

    #[test]
    fn a_key_left_unplaced_by_a_crash_is_removed() {
        let (home, vault) = vault();
        drop(vault);
        let left = home.path().join("kek/2027-03-00.new");
        fs::write(&left, [7u8; 32]).unwrap();
        Vault::open(&home.path().join("kek")).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn threads_that_race_for_a_new_month_agree_on_its_key() {
        let (_home, vault) = vault();
        let sealed: Vec<_> = std::thread::scope(|scope| {
            let seal = || vault.seal(PLACE, DAY, b"payload").unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(seal)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let other = Vault::open(&vault.directory).unwrap();
        for sealed in sealed {
            assert_eq!(other.unseal(PLACE, &sealed).unwrap().as_slice(), b"payload");
        }
    }
}
