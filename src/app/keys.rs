//! The gateway's own key files: made once, read with their permissions checked, never overwritten.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use super::home::Home;
use crate::config::{Access, Mode, file};
use crate::mutant::{self, Mutant};
use crate::secret::SecretBytes;
use crate::sign::Algorithm;
use crate::sign::signing::SigningKey;

/// Length of the secret behind pseudonyms, in bytes.
pub const PSEUDONYM_BYTES: usize = 32;

const SIGNING: &str = "signing.jwk";
const TOKEN: &str = "token.jwk";
const LEDGER: &str = "ledger.jwk";
const PSEUDONYM: &str = "pseudonym";
const TLS_KEY: &str = "tls.key";
const TLS_CERTIFICATE: &str = "tls.pem";
const KEK: &str = "kek";
/// Member of a JWK (RFC 7517, 4: others than its own are ignored) that marks a throw-away key.
const THROW_AWAY: &str = "development";

/// The gateway's keys, parsed.
#[derive(Debug)]
pub struct GatewayKeys {
    /// Signs receipts, refusals and releases.
    pub signing: SigningKey,
    /// Signs access tokens.
    pub token: SigningKey,
    /// Signs checkpoints.
    pub ledger: SigningKey,
    /// Behind every pseudonym.
    pub pseudonym: SecretBytes,
}

impl GatewayKeys {
    /// Reads the keys of a home.
    pub fn read(home: &Home) -> anyhow::Result<Self> {
        file::check_private(home.root())?;
        file::check_private(&home.keys())?;
        let ledger = jwk(home, LEDGER)?;
        if ledger.public().algorithm() != Algorithm::EdDsa {
            bail!("`{}` must be an Ed25519 key", home.keys().join(LEDGER).display());
        }
        let pseudonym = file::read_secret(&home.keys().join(PSEUDONYM))?;
        if pseudonym.expose().len() != PSEUDONYM_BYTES && !mutant::is(Mutant::EmptyKeyAccepted) {
            let path = home.keys().join(PSEUDONYM);
            bail!("`{}` must hold {PSEUDONYM_BYTES} bytes", path.display());
        }
        Ok(Self { signing: jwk(home, SIGNING)?, token: jwk(home, TOKEN)?, ledger, pseudonym })
    }
}

/// Makes the keys of a home that are missing; says which files it made. `tls.key` and `tls.pem`
/// are made by `init`, because an issuer has its part in them. Those of a development home are
/// marked, so that they are told wherever they are taken to.
pub fn make(home: &Home, mode: Mode) -> anyhow::Result<Vec<PathBuf>> {
    file::make_directory(&kek_directory(home))?;
    let mut files = Vec::new();
    for name in [SIGNING, TOKEN, LEDGER] {
        files.extend(make_marked(home.keys().join(name), mode)?);
    }
    let path = home.keys().join(PSEUDONYM);
    if !path.exists() {
        let mut secret = zeroize::Zeroizing::new(vec![0u8; PSEUDONYM_BYTES]);
        aws_lc_rs::rand::fill(&mut secret).ok().context("the random generator failed")?;
        file::write_new(&path, &secret, Access::Owner)?;
        files.push(path);
    }
    Ok(files)
}

/// Makes an Ed25519 key file unless it is there.
pub fn make_jwk(path: PathBuf) -> anyhow::Result<Option<PathBuf>> {
    make_marked(path, Mode::Production)
}

fn make_marked(path: PathBuf, mode: Mode) -> anyhow::Result<Option<PathBuf>> {
    if path.exists() {
        return Ok(None);
    }
    let key = SigningKey::generate(Algorithm::EdDsa).context("no key could be made")?;
    let mut jwk = key.to_private_jwk().context("no key could be made")?;
    if mode == Mode::Development {
        let members = jwk.expose().strip_suffix(b"}").context("no key could be made")?;
        jwk = SecretBytes::new([members, format!(",\"{THROW_AWAY}\":true}}").as_bytes()].concat());
    }
    file::write_new(&path, jwk.expose(), Access::Owner)?;
    Ok(Some(path))
}

/// The public half of a development home's throw-away key, marked as one: whoever keeps it after
/// the home has become another can tell.
pub fn throw_away(key: &SigningKey) -> Value {
    let mut jwk = key.public().to_jwk();
    if let Some(members) = jwk.as_object_mut() {
        members.insert(THROW_AWAY.to_owned(), Value::from(true));
    }
    jwk
}

/// Whether a public JWK is marked as a throw-away one.
pub fn is_throw_away(jwk: &Value) -> bool {
    jwk.get(THROW_AWAY).is_some()
}

/// Whether a private JWK was made for a development home. Nothing else of it is read.
pub fn is_of_development(path: &std::path::Path) -> anyhow::Result<bool> {
    #[derive(serde::Deserialize)]
    struct Mark {
        #[serde(default)]
        development: bool,
    }
    let secret = file::read_secret(path)?;
    Ok(serde_json::from_slice(secret.expose()).is_ok_and(|mark: Mark| mark.development))
}

/// Reads a private JWK.
pub fn read_jwk(path: &std::path::Path) -> anyhow::Result<SigningKey> {
    let secret = file::read_secret(path)?;
    SigningKey::read(&secret)
        .with_context(|| format!("`{}` is no Ed25519 or P-256 private JWK", path.display()))
}

fn jwk(home: &Home, name: &str) -> anyhow::Result<SigningKey> {
    read_jwk(&home.keys().join(name))
}

/// Everything that may lie in `keys/`.
pub fn names() -> [&'static str; 7] {
    [SIGNING, TOKEN, LEDGER, PSEUDONYM, TLS_KEY, TLS_CERTIFICATE, KEK]
}

/// The key files without which a database is of no use.
pub fn files(home: &Home) -> Vec<PathBuf> {
    [SIGNING, TOKEN, LEDGER, PSEUDONYM].map(|name| home.keys().join(name)).into()
}

/// The key of the server's certificate, PKCS #8 in PEM.
pub fn tls_key(home: &Home) -> PathBuf {
    home.keys().join(TLS_KEY)
}

/// The server's certificate and what must be sent with it, in PEM.
pub fn tls_certificate(home: &Home) -> PathBuf {
    home.keys().join(TLS_CERTIFICATE)
}

/// Where the retention months' keys lie.
pub fn kek_directory(home: &Home) -> PathBuf {
    home.keys().join(KEK)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("home"));
        assert_eq!(make(&home, Mode::Production).unwrap().len(), 4);
        (directory, home)
    }

    #[test]
    fn keys_are_made_once() {
        let (_directory, home) = home();
        let first = GatewayKeys::read(&home).unwrap();
        assert_eq!(make(&home, Mode::Production).unwrap(), Vec::<PathBuf>::new());
        let again = GatewayKeys::read(&home).unwrap();
        assert_eq!(first.signing.public(), again.signing.public());
        assert_eq!(first.pseudonym, again.pseudonym);
    }

    #[test]
    fn keys_that_were_made_for_development_can_be_told() {
        for (mode, is_marked) in [(Mode::Development, true), (Mode::Production, false)] {
            let directory = tempfile::tempdir().unwrap();
            let home = Home::at(directory.path().join("home"));
            make(&home, mode).unwrap();
            for name in [SIGNING, TOKEN, LEDGER] {
                let path = home.keys().join(name);
                assert_eq!(is_of_development(&path).unwrap(), is_marked, "{name}");
                read_jwk(&path).unwrap();
            }
        }
    }

    #[test]
    fn loose_permissions_are_refused_on_every_key_and_directory() {
        let (_directory, home) = home();
        for name in
            ["keys", "keys/signing.jwk", "keys/token.jwk", "keys/ledger.jwk", "keys/pseudonym"]
        {
            let path = home.root().join(name);
            let kept = std::fs::metadata(&path).unwrap().permissions();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(kept.mode() | 0o040))
                .unwrap();
            let fault = GatewayKeys::read(&home).unwrap_err().to_string();
            assert!(fault.contains("open to others"), "{name}: {fault}");
            std::fs::set_permissions(&path, kept).unwrap();
        }
        assert!(GatewayKeys::read(&home).is_ok());
    }

    #[test]
    fn a_short_pseudonym_secret_is_refused() {
        let (_directory, home) = home();
        let path = home.keys().join(PSEUDONYM);
        file::replace(&path, &[7; PSEUDONYM_BYTES - 1], Access::Owner).unwrap();
        assert!(GatewayKeys::read(&home).is_err());
    }
}
