//! What the agencies' listener shows and asks for.

use std::sync::Arc;

use axum::http::Extensions;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::verifier::PinnedClients;
use crate::auth::Certificate;
use crate::exchange::Gateway;

/// What the listener shows and asks for: TLS 1.3 only, X25519MLKEM768 first, a client certificate
/// that is in force.
///
/// # Errors
/// When certificate and key do not fit.
pub fn tls_config(
    gateway: Arc<Gateway>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        PinnedClients { gateway, algorithms: provider.signature_verification_algorithms };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// Puts the client's certificate beside each of its requests.
pub fn peer(certificate: Option<&CertificateDer<'_>>) -> Option<Extensions> {
    let certificate = Certificate::read(certificate?).ok()?;
    let mut known = Extensions::new();
    known.insert(Arc::new(certificate));
    Some(known)
}
