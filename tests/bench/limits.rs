//! What the machine itself can do, measured in the same run: the figures of the scenarios mean
//! nothing without them.

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Serialize;

use crate::party::{Authority, Identity};

/// Microseconds each.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Limits {
    /// Latency of `fdatasync` after a write of 4 KiB at the end of a file, median.
    pub(crate) fsync_4k_p50: f64,
    pub(crate) ed25519_sign_4k: f64,
    pub(crate) ed25519_verify_4k: f64,
    pub(crate) sha256_4k: f64,
    /// The server's part of a whole mutual-TLS handshake with X25519MLKEM768.
    pub(crate) handshake_mlkem: f64,
    /// The same with X25519.
    pub(crate) handshake_x25519: f64,
}

impl Limits {
    /// Measures for about two seconds, with files in `directory`.
    pub(crate) fn measure(directory: &Path, authority: &Authority) -> Result<Self> {
        let block = vec![0x5a_u8; 4096];
        let key = Ed25519KeyPair::generate().ok().context("no key")?;
        let signature = key.sign(&block);
        let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
        ensure!(public.verify(&block, signature.as_ref()).is_ok(), "own signature");
        Ok(Self {
            fsync_4k_p50: fsync(directory, &block)?,
            ed25519_sign_4k: typical_us(|| key.sign(&block)),
            ed25519_verify_4k: typical_us(|| public.verify(&block, signature.as_ref())),
            sha256_4k: typical_us(|| digest(&SHA256, &block)),
            handshake_mlkem: handshake(authority, kx_group::X25519MLKEM768)?,
            handshake_x25519: handshake(authority, kx_group::X25519)?,
        })
    }
}

/// Time of one call: the median of batches of about ten milliseconds, so that a batch in which
/// another process had the processor does not count.
pub(crate) fn typical_us<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut batch = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    };
    // warms up, and says how many calls make a batch
    let first = batch(64).max(0.01);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,000,000")]
    let calls = (10_000.0 / first).clamp(1.0, 1e6) as u32;
    let mut batches: Vec<f64> = (0..41).map(|_| batch(calls)).collect();
    batches.sort_by(f64::total_cmp);
    batches.get(20).copied().unwrap_or(f64::NAN)
}

fn fsync(directory: &Path, block: &[u8]) -> Result<f64> {
    let mut file = tempfile::tempfile_in(directory)?;
    let mut took = Vec::new();
    for _ in 0..400 {
        let start = Instant::now();
        file.write_all(block)?;
        file.sync_data()?;
        took.push(start.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2).copied().context("no measurement")
}

/// Handshakes that are averaged.
const HANDSHAKES: u32 = 300;

fn handshake(
    authority: &Authority,
    group: &'static dyn rustls::crypto::SupportedKxGroup,
) -> Result<f64> {
    let mut provider = default_provider();
    provider.kx_groups = vec![group];
    let provider = Arc::new(provider);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes())?)?;
    let roots = Arc::new(roots);
    let (chain, key) = der(&authority.issue("server")?)?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build()?;
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    let (chain, key) = der(&authority.issue("client")?)?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    client.resumption = rustls::client::Resumption::disabled();
    let (server, client) = (Arc::new(server), Arc::new(client));
    let mut server_time = Duration::ZERO;
    for _ in 0..HANDSHAKES {
        server_time += one_handshake(&server, &client)?;
    }
    Ok(server_time.as_secs_f64() * 1e6 / f64::from(HANDSHAKES))
}

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn der(identity: &Identity) -> Result<Chain> {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
    Ok((vec![certificate], PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?))
}

fn one_handshake(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> Result<Duration> {
    let mut near = ClientConnection::new(client.clone(), ServerName::try_from("localhost")?)?;
    let start = Instant::now();
    let mut far = ServerConnection::new(server.clone())?;
    let mut took = start.elapsed();
    while near.is_handshaking() || far.is_handshaking() {
        let mut wire = Vec::new();
        while near.wants_write() {
            near.write_tls(&mut wire)?;
        }
        let start = Instant::now();
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            far.read_tls(&mut bytes)?;
            far.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while far.wants_write() {
            far.write_tls(&mut wire)?;
        }
        took += start.elapsed();
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            near.read_tls(&mut bytes)?;
            near.process_new_packets()?;
        }
    }
    Ok(took)
}
