//! A partner's kit: its keys, where the gateway is, and whom it takes for the gateway.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::fault::ClientFault;
use crate::config::{KitConfig, file};
use crate::domain::Address;
use crate::sign::signing::SigningKey;

/// Where a kit's parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Who it speaks as.
    pub address: Address,
    /// Holds `signing.jwk`, `tls.key`, `tls.pem`, and `gateway.json` once the gateway is pinned.
    pub directory: PathBuf,
    /// `https://host:port` of the gateway.
    pub gateway: String,
    /// PEM of the CA that issued the gateway's certificate.
    pub ca: PathBuf,
}

impl Location {
    /// What the `party.toml` of the kit in `directory` says.
    pub fn of_kit(directory: &Path) -> Result<Self, ClientFault> {
        let config = KitConfig::read(&directory.join("party.toml"))?;
        Ok(Self {
            address: config.address,
            directory: directory.to_owned(),
            gateway: config.gateway.trim_end_matches('/').to_owned(),
            ca: directory.join(config.ca),
        })
    }
}

/// A kit, its keys parsed.
pub struct Kit {
    pub(super) address: Address,
    pub(super) gateway: String,
    pub(super) pins: PathBuf,
    pub(super) signing: SigningKey,
    pub(super) tls: rustls::ClientConfig,
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kit({})", self.address)
    }
}

impl Kit {
    /// Reads the keys; refused if anyone but their owner may.
    pub fn open(location: &Location) -> Result<Self, ClientFault> {
        let secret = file::read_secret(&location.directory.join("signing.jwk"))?;
        let signing = SigningKey::read(&secret).map_err(|_rejected| {
            ClientFault::Unusable("`signing.jwk` is no Ed25519 or P-256 private JWK")
        })?;
        Ok(Self {
            address: location.address.clone(),
            gateway: location.gateway.clone(),
            pins: location.directory.join("gateway.json"),
            signing,
            tls: tls(location)?,
        })
    }

    /// Who it speaks as.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// TLS 1.3 with the partner's certificate, trusting the named CA and no other.
fn tls(location: &Location) -> Result<rustls::ClientConfig, ClientFault> {
    const NO_CA: ClientFault = ClientFault::Unusable("the gateway's CA file holds no certificate");
    const NO_CHAIN: ClientFault = ClientFault::Unusable("`tls.pem` holds no certificate");
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(&file::read_bytes(&location.ca)?).ok_or(NO_CA)? {
        roots.add(certificate).map_err(|_rejected| NO_CA)?;
    }
    let chain = certificates(&file::read_bytes(&location.directory.join("tls.pem"))?);
    let key = file::read_secret(&location.directory.join("tls.key"))?;
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_rejected| ClientFault::Unusable("`tls.key` is no private key in PEM"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_rejected| ClientFault::Unusable("TLS 1.3 is not to be had"))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain.ok_or(NO_CHAIN)?, key)
        .map_err(|_rejected| ClientFault::Unusable("`tls.pem` and `tls.key` do not fit"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of a PEM file; `None` if there is none or one does not parse.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    parsed.ok().filter(|certificates| !certificates.is_empty())
}
