//! The officers' console: pages that the server makes, over the same use cases as the command line.
//!
//! It adds no rule and skips none. Whoever is signed in acts under the own name; what is decided
//! carries a passkey's word of that very moment. No page loads anything from elsewhere, runs a
//! script that stands in it, or is kept by a browser.

mod chart;
mod desk;
mod edit;
mod edit_form;
mod edit_new;
mod enrol;
mod except;
mod exchanges;
mod fault;
mod guard;
mod matrix;
mod onboard;
mod overview;
mod page;
mod partners;
mod preview;
mod replay;
mod requests;
mod session;
mod sign_in;
mod statics;
mod stop;
mod versions;
mod words;
mod zone;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Extensions;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::exchange::Gateway;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 512 * 1024;

/// The menu: path, and the name of its words.
pub(super) const MENU: &[(&str, &str)] = &[
    ("/", "overview"),
    ("/waiting", "waiting"),
    ("/requests", "requests"),
    ("/exchanges", "exchanges"),
    ("/partners", "partners"),
    ("/rules", "rules"),
];

/// What the pages are made from.
#[derive(Debug, Clone)]
pub struct Site {
    /// The use cases.
    pub gateway: Arc<Gateway>,
    /// Where browsers find it, for example `https://konsol.example.org`.
    pub origin: String,
}

/// The router of the console's listener.
pub fn router(site: Site) -> Router {
    let sessions = session::layer(&site);
    Router::new()
        .merge(overview::routes())
        .merge(partners::routes())
        .merge(onboard::routes())
        .merge(versions::routes())
        .merge(edit::routes())
        .merge(edit_new::routes())
        .merge(except::routes())
        .merge(stop::routes())
        .merge(replay::routes())
        .merge(desk::routes())
        .merge(requests::routes())
        .merge(exchanges::routes())
        .merge(sign_in::routes())
        .merge(enrol::routes())
        .merge(statics::routes())
        .fallback(fault::not_found)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(sessions)
        .layer(axum::middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}

/// What the console's listener shows: TLS 1.3, no client certificate.
///
/// # Errors
/// When certificate and key do not fit.
pub fn tls_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// Nothing is asked of a browser's certificate: officers sign in with passkeys.
pub fn peer(_certificate: Option<&CertificateDer<'_>>) -> Option<Extensions> {
    Some(Extensions::new())
}
