//! Certificates that Titian makes itself: the development CA and server certificate, and a
//! partner's self-signed client certificate, which is pinned by its key and trusted by no CA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};

use crate::domain::Digest;
use crate::secret::SecretBytes;

/// Common name of every development CA; production refuses a certificate of this name.
pub const DEVELOPMENT_CA: &str = "Titian development CA, trusts loopback only";

const CA_LIFETIME: Duration = Duration::days(3650);
const LEAF_LIFETIME: Duration = Duration::days(730);
/// Clocks differ; a certificate made now must be good everywhere now.
const BACKDATED: Duration = Duration::hours(1);

/// A fresh P-256 key as PKCS #8 in PEM.
pub fn new_key() -> anyhow::Result<SecretBytes> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("no key could be made")?;
    Ok(SecretBytes::new(key.serialize_pem().into_bytes()))
}

/// The certificate of a development CA. It may issue for loopback only, so that whoever trusts it
/// by mistake trusts it with nothing else.
pub fn development_ca(key: &SecretBytes, now: OffsetDateTime) -> anyhow::Result<String> {
    let mut params = params(DEVELOPMENT_CA, now, CA_LIFETIME)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                Ipv6Addr::LOCALHOST.octets(),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    let certificate = params.self_signed(&read_key(key)?);
    Ok(pem_of(&certificate.context("the development CA could not be made")?))
}

/// The server's certificate for loopback, issued by a development CA.
pub fn server(
    key: &SecretBytes,
    ca: &str,
    ca_key: &SecretBytes,
    now: OffsetDateTime,
) -> anyhow::Result<String> {
    let mut params = params("Titian development gateway", now, LEAF_LIFETIME)?;
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().context("`localhost` is no DNS name")?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_pem(ca, read_key(ca_key)?)
        .context("the development CA does not parse")?;
    let certificate = params.signed_by(&read_key(key)?, &issuer);
    Ok(pem_of(&certificate.context("the server's certificate could not be made")?))
}

/// A self-signed client certificate for `name`.
pub fn client(key: &SecretBytes, name: &str, now: OffsetDateTime) -> anyhow::Result<String> {
    let mut params = params(name, now, LEAF_LIFETIME)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&read_key(key)?);
    Ok(pem_of(&certificate.context("the client's certificate could not be made")?))
}

/// SHA-256 of the `SubjectPublicKeyInfo` of the first certificate in `pem` (RFC 7469, 2.4).
pub fn spki(pem: &str) -> anyhow::Result<Digest> {
    with_first(pem, |certificate| Digest::of(certificate.tbs_certificate.subject_pki.raw))
}

/// Whether a certificate in `pem` is a development CA or was issued by one.
pub fn is_development(pem: &str) -> anyhow::Result<bool> {
    let is_it = |name: &x509_parser::x509::X509Name<'_>| {
        name.iter_common_name().any(|cn| cn.as_str().is_ok_and(|cn| cn == DEVELOPMENT_CA))
    };
    with_first(pem, |certificate| is_it(certificate.subject()) || is_it(certificate.issuer()))
}

/// Whether the first certificate in `pem` may issue others: no client takes a CA's own certificate
/// for a server's.
pub fn is_ca(pem: &str) -> anyhow::Result<bool> {
    with_first(pem, |certificate| certificate.is_ca())
}

fn with_first<T>(
    pem: &str,
    read: impl FnOnce(&x509_parser::certificate::X509Certificate<'_>) -> T,
) -> anyhow::Result<T> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).context("no certificate in PEM")?;
    let (_rest, certificate) =
        x509_parser::parse_x509_certificate(&der).context("the certificate does not parse")?;
    Ok(read(&certificate))
}

fn params(
    name: &str,
    now: OffsetDateTime,
    lifetime: Duration,
) -> anyhow::Result<CertificateParams> {
    let mut serial = [0u8; 16];
    aws_lc_rs::rand::fill(&mut serial).ok().context("the random generator failed")?;
    // RFC 5280, 4.1.2.2: positive.
    let [first, ..] = &mut serial;
    *first = (*first & 0x7f) | 0x40;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - BACKDATED;
    params.not_after = now + lifetime;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn read_key(key: &SecretBytes) -> anyhow::Result<KeyPair> {
    let pem = std::str::from_utf8(key.expose()).ok().context("the key is not PEM")?;
    KeyPair::from_pem(pem).ok().context("the key is not PKCS #8 in PEM")
}

fn pem_of(certificate: &Certificate) -> String {
    certificate.pem()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

    #[test]
    fn the_development_server_is_trusted_on_loopback_and_nowhere_else() {
        let (ca_key, key) = (new_key().unwrap(), new_key().unwrap());
        let ca = development_ca(&ca_key, NOW).unwrap();
        let pem = server(&key, &ca, &ca_key, NOW).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let judge = built.build().unwrap();
        let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let seconds = u64::try_from(NOW.unix_timestamp()).unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        for (name, trusted) in
            [("localhost", true), ("127.0.0.1", true), ("::1", true), ("example.org", false)]
        {
            let name = ServerName::try_from(name).unwrap();
            let verified = judge.verify_server_cert(&leaf, &[], &name, &[], at);
            assert_eq!(verified.is_ok(), trusted, "{name:?}");
        }
    }

    #[test]
    fn a_certificate_is_pinned_by_its_key() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        let first = client(&one, "bnpt", NOW).unwrap();
        let renewed = client(&one, "bnpt", NOW + Duration::days(700)).unwrap();
        assert_ne!(first, renewed);
        assert_eq!(spki(&first).unwrap(), spki(&renewed).unwrap());
        assert_ne!(spki(&first).unwrap(), spki(&client(&other, "bnpt", NOW).unwrap()).unwrap());
    }

    #[test]
    fn a_development_ca_and_what_it_issued_are_recognised() {
        let (ca_key, key) = (new_key().unwrap(), new_key().unwrap());
        let ca = development_ca(&ca_key, NOW).unwrap();
        assert!(is_development(&ca).unwrap());
        assert!(is_development(&server(&key, &ca, &ca_key, NOW).unwrap()).unwrap());
        assert!(!is_development(&client(&key, "bnpt", NOW).unwrap()).unwrap());
    }
}
