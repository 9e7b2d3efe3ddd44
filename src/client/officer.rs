//! An officer's key file: an Ed25519 key that only a passphrase opens.
//!
//! ```text
//! {"officer", "kdf": {"name": "argon2id", "memory_kib", "passes", "lanes", "salt"},
//!  "cipher": "AES-256-GCM", "nonce", "sealed", "public": JWK}
//! ```
//!
//! The key that seals is Argon2id (RFC 9106) of the passphrase; the officer's name and the public
//! key are bound as additional data, so that nobody's file passes for another's. The private key
//! never reaches the gateway: it is opened where the officer sits and signs there.

use std::fmt;
use std::path::Path;

use argon2::{Algorithm as Kdf, Argon2, Block, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::fault::ClientFault;
use super::kit::Location;
use crate::clock::Entropy;
use crate::config::file::{self, FileError};
use crate::domain::{Approval, Digest, KeyEndorsement};
use crate::secret::SecretBytes;
use crate::sign::signing::SigningKey;
use crate::sign::{Algorithm, PublicKey};

/// An officer's key, opened.
pub struct OfficerKey {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for OfficerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfficerKey({})", self.name)
    }
}

/// The second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// A file that asks for more than these is no key file but an attack on memory and time.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 64;
/// Where plain keys may lie: a development home's `development/` and what is in it.
const DEVELOPMENT: &str = "development";
const SALT_BYTES: usize = 16;
/// Shortest passphrase, in characters.
pub const PASSPHRASE_MIN: usize = 12;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    officer: String,
    kdf: KdfFile,
    cipher: String,
    nonce: String,
    sealed: String,
    public: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfFile {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

impl KdfFile {
    fn is_greedy(&self) -> bool {
        self.memory_kib > MEMORY_KIB_MAX || self.passes > PASSES_MAX || self.lanes > LANES_MAX
    }
}

impl OfficerKey {
    /// Makes a key for `name` and the text of the file that holds it; and its public JWK.
    ///
    /// # Errors
    /// [`ClientFault::Unusable`] for a passphrase that is too short.
    pub fn make(
        name: &str,
        passphrase: &SecretBytes,
        entropy: &dyn Entropy,
    ) -> Result<(String, Value), ClientFault> {
        let length = std::str::from_utf8(passphrase.expose()).map_or(0, |p| p.chars().count());
        if length < PASSPHRASE_MIN {
            return Err(ClientFault::Unusable("a passphrase has at least 12 characters"));
        }
        let key = SigningKey::generate(Algorithm::EdDsa).map_err(|_failed| ClientFault::Signing)?;
        let mut salt = [0u8; SALT_BYTES];
        let mut nonce = [0u8; NONCE_LEN];
        entropy.fill(&mut salt).map_err(|_failed| ClientFault::Signing)?;
        entropy.fill(&mut nonce).map_err(|_failed| ClientFault::Signing)?;
        let kdf = KdfFile {
            name: "argon2id".to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: URL_SAFE_NO_PAD.encode(salt),
        };
        let public = key.public().to_jwk();
        let private = key.to_private_jwk().map_err(|_failed| ClientFault::Signing)?;
        let mut sealed = private.expose().to_vec();
        sealing_key(passphrase, &kdf)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound(name, &public)),
                &mut sealed,
            )
            .map_err(|_failed| ClientFault::Signing)?;
        let file = KeyFile {
            officer: name.to_owned(),
            kdf,
            cipher: "AES-256-GCM".to_owned(),
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            sealed: URL_SAFE_NO_PAD.encode(sealed),
            public: public.clone(),
        };
        let text = serde_json::to_string_pretty(&file).map_err(|_form| ClientFault::Signing)?;
        Ok((format!("{text}\n"), public))
    }

    /// Opens the key file of `name` with its passphrase, which is asked for only if the file needs
    /// one: a development home's throw-away keys are plain JWKs. Anywhere else a plain one is
    /// refused, because whoever copies the file would sign in the officer's name.
    ///
    /// # Errors
    /// [`ClientFault::File`] or [`ClientFault::Unusable`].
    pub fn open(
        name: &str,
        path: &Path,
        passphrase: impl FnOnce() -> Result<SecretBytes, ClientFault>,
    ) -> Result<Self, ClientFault> {
        let unusable = |why: &str| ClientFault::File(FileError::unusable(path, why));
        let secret = file::read_secret(path)?;
        // what it holds decides, not what it is called
        if let Ok(key) = SigningKey::read(&secret) {
            if !is_development(path) {
                return Err(unusable(
                    "is a private key without a passphrase, which signs in development only: \
                     `titian officer key` makes one that is sealed",
                ));
            }
            return Ok(Self { name: name.to_owned(), key });
        }
        let file: KeyFile = serde_json::from_slice(secret.expose())
            .map_err(|_form| unusable("is no officer's key file"))?;
        if file.officer != name {
            return Err(unusable("is another officer's key file: `--as` names whose it is"));
        }
        if file.kdf.name != "argon2id" || file.cipher != "AES-256-GCM" {
            return Err(unusable("is sealed in a way not known here"));
        }
        if file.kdf.is_greedy() {
            return Err(unusable(
                "asks for more than 256 MiB, 10 passes or 64 lanes to be opened: no key file that \
                 was made here does",
            ));
        }
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text);
        let (nonce, sealed) = (decode(&file.nonce), decode(&file.sealed));
        let nonce = nonce.ok().and_then(|nonce| Nonce::try_assume_unique_for_key(&nonce).ok());
        let (Some(nonce), Ok(sealed)) = (nonce, sealed) else {
            return Err(unusable("is no officer's key file"));
        };
        let mut sealed = Zeroizing::new(sealed);
        let wrong = || unusable("does not open: another passphrase, or the file was changed");
        let opened = sealing_key(&passphrase()?, &file.kdf)?
            .open_in_place(nonce, Aad::from(bound(name, &file.public)), &mut sealed)
            .map_err(|_failed| wrong())?;
        let key = SigningKey::read(&SecretBytes::new(opened.to_vec())).map_err(|_form| wrong())?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// The key itself, to sign another word of its officer's with.
    pub fn signing(&self) -> &SigningKey {
        &self.key
    }

    /// Signs an approval; its `iss` becomes this officer.
    ///
    /// # Errors
    /// [`ClientFault::Signing`].
    pub fn sign(&self, word: Approval) -> Result<String, ClientFault> {
        let word = Approval { iss: self.name.clone(), ..word };
        let signed = self.key.sign(word).map_err(|_failed| ClientFault::Signing)?;
        Ok(signed.compact().to_owned())
    }
}

/// Signs, with the key of the kit at `location`, that the key in the file `new` (a public or
/// private JWK) is to be the party's next one. Answers the word and the new key's thumbprint.
///
/// # Errors
/// [`ClientFault::File`] for a file that is no such key; [`ClientFault::Signing`].
pub fn endorse(
    location: &Location,
    new: &Path,
    gateway: &str,
    at: i64,
) -> Result<(String, Digest), ClientFault> {
    let own = location.directory.join("signing.jwk");
    let key = SigningKey::read(&file::read_secret(&own)?)
        .map_err(|_form| FileError::unusable(&own, "is no private JWK"))?;
    let jwk: Option<Value> = serde_json::from_slice(&file::read_bytes(new)?).ok();
    let public = jwk.and_then(|jwk| PublicKey::from_jwk(&jwk).ok());
    let thumbprint =
        public.ok_or_else(|| FileError::unusable(new, "is no Ed25519 or P-256 JWK"))?.thumbprint();
    let word = KeyEndorsement {
        iss: location.address.party.to_string(),
        aud: gateway.to_owned(),
        iat: at,
        thumbprint,
    };
    let signed = key.sign(word).map_err(|_failed| ClientFault::Signing)?;
    Ok((signed.compact().to_owned(), thumbprint))
}

fn sealing_key(passphrase: &SecretBytes, kdf: &KdfFile) -> Result<LessSafeKey, ClientFault> {
    let unusable = || ClientFault::Unusable("the key file names no usable Argon2id parameters");
    let salt = URL_SAFE_NO_PAD.decode(&kdf.salt).map_err(|_form| unusable())?;
    let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32));
    let params = params.map_err(|_form| unusable())?;
    let mut key = Zeroizing::new([0u8; 32]);
    let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
    Argon2::new(Kdf::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.expose(),
            &salt,
            key.as_mut_slice(),
            memory.as_mut_slice(),
        )
        .map_err(|_failed| unusable())?;
    let unbound = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_failed| unusable())?;
    Ok(LessSafeKey::new(unbound))
}

/// Whether a file lies in a directory named `development`, or in one of that.
fn is_development(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let mut above = path.ancestors().skip(1).take(2);
    above.any(|directory| directory.file_name().is_some_and(|name| name == DEVELOPMENT))
}

fn bound(name: &str, public: &Value) -> Vec<u8> {
    let x = public.get("x").and_then(Value::as_str).unwrap_or_default();
    format!("titian/officer-key/1\0{name}\0{x}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use crate::config::Access;

    fn passphrase(text: &str) -> SecretBytes {
        SecretBytes::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_key_file_opens_with_its_passphrase_and_name_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zarqolin.key");
        let good = passphrase("tiga belas kata");
        let entropy = SystemEntropy::default();
        let (text, public) = OfficerKey::make("zarqolin", &good, &entropy).unwrap();
        assert!(!text.contains("\"d\""));
        file::write_new(&path, text.as_bytes(), Access::Owner).unwrap();
        let open = |name: &str, words: &str| {
            OfficerKey::open(name, &path, || Ok(passphrase(words))).map(|key| key.key)
        };
        let key = open("zarqolin", "tiga belas kata").unwrap();
        assert_eq!(key.public().to_jwk()["x"], public["x"]);
        let said = |fault: Result<SigningKey, ClientFault>| fault.unwrap_err().to_string();
        assert!(said(open("zarqolin", "tiga belas kate")).contains("does not open"));
        assert!(said(open("meswadi", "tiga belas kata")).contains("another officer"));
        file::replace(&path, text.replace("zarqolin", "meswadi").as_bytes(), Access::Owner)
            .unwrap();
        assert!(said(open("meswadi", "tiga belas kata")).contains("does not open"));
    }

    #[test]
    fn a_short_passphrase_and_a_greedy_file_are_refused() {
        let entropy = SystemEntropy::default();
        assert!(OfficerKey::make("zarqolin", &passphrase("pendek"), &entropy).is_err());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zarqolin.key");
        let good = passphrase("tiga belas kata");
        let (text, _) = OfficerKey::make("zarqolin", &good, &entropy).unwrap();
        for (from, to) in [
            ("\"memory_kib\": 65536", "\"memory_kib\": 1048576"),
            ("\"passes\": 3", "\"passes\": 11"),
            ("\"lanes\": 4", "\"lanes\": 65"),
        ] {
            assert!(text.contains(from), "{text}");
            file::replace(&path, text.replace(from, to).as_bytes(), Access::Owner).unwrap();
            // before anybody is asked for anything
            let unasked = || Err(ClientFault::Unusable("asked"));
            let fault = OfficerKey::open("zarqolin", &path, unasked).unwrap_err().to_string();
            assert!(fault.contains("asks for more than 256 MiB"), "{fault}");
        }
    }

    #[test]
    fn what_a_key_file_holds_decides_and_a_plain_key_signs_in_development_only() {
        let directory = tempfile::tempdir().unwrap();
        let sealed = directory.path().join("zarqolin.jwk");
        let good = passphrase("tiga belas kata");
        let entropy = SystemEntropy::default();
        let (text, _) = OfficerKey::make("zarqolin", &good, &entropy).unwrap();
        file::write_new(&sealed, text.as_bytes(), Access::Owner).unwrap();
        let ask = || Ok(passphrase("tiga belas kata"));
        assert!(OfficerKey::open("zarqolin", &sealed, ask).is_ok());
        let plain = SigningKey::generate(Algorithm::EdDsa).unwrap().to_private_jwk().unwrap();
        let officers = directory.path().join("development/officers");
        file::make_directory(&officers).unwrap();
        for (path, good) in [
            (directory.path().join("plain.key"), false),
            (directory.path().join("development/plain.key"), true),
            (officers.join("plain.jwk"), true),
        ] {
            file::write_new(&path, plain.expose(), Access::Owner).unwrap();
            let opened = OfficerKey::open("zarqolin", &path, ask);
            assert_eq!(opened.is_ok(), good, "{}", path.display());
            if let Err(fault) = opened {
                assert!(fault.to_string().contains("`titian officer key`"), "{fault}");
            }
        }
    }
}
