//! The parties in force, by id and by certificate.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::config::{CertificatePin, KeyStatus, PartyRecord};
use crate::domain::{Address, Digest, PartyId, PartyKind, Phrase, UnitId};
use crate::sign::PublicKey;

/// What a client certificate says, read once per connection.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// SHA-256 of the DER (`x5t#S256`, RFC 8705).
    pub thumbprint: Digest,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub spki: Digest,
    /// First moment valid.
    pub not_before: OffsetDateTime,
    /// Last moment valid.
    pub not_after: OffsetDateTime,
    /// DNS names.
    pub names: Vec<String>,
    /// Its own DER.
    pub der: Vec<u8>,
}

/// The bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct BadCertificate;

impl Certificate {
    /// Reads the certificate a client presented.
    ///
    /// # Errors
    /// [`BadCertificate`].
    pub fn read(der: &[u8]) -> Result<Self, BadCertificate> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_cause| BadCertificate)?;
        if !rest.is_empty() {
            return Err(BadCertificate);
        }
        let names = match parsed.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            }),
            Ok(None) => return Self::of(der, &parsed, Vec::new()),
            Err(_) => return Err(BadCertificate),
        };
        let names = names.collect();
        Self::of(der, &parsed, names)
    }

    fn of(
        der: &[u8],
        parsed: &X509Certificate<'_>,
        names: Vec<String>,
    ) -> Result<Self, BadCertificate> {
        let moment =
            |at: i64| OffsetDateTime::from_unix_timestamp(at).map_err(|_cause| BadCertificate);
        Ok(Self {
            thumbprint: Digest::of(der),
            spki: Digest::of(parsed.public_key().raw),
            not_before: moment(parsed.validity().not_before.timestamp())?,
            not_after: moment(parsed.validity().not_after.timestamp())?,
            names,
            der: der.to_vec(),
        })
    }

    /// Whether `now` lies within its validity.
    pub fn valid_at(&self, now: OffsetDateTime) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

/// A party in force.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its id.
    pub id: PartyId,
    /// Its name in print.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// What it is.
    pub kind: PartyKind,
    /// Its units.
    pub units: Vec<UnitId>,
    /// Whether it is frozen.
    pub frozen: bool,
    keys: Vec<(Option<UnitId>, PublicKey)>,
    pins: Vec<Pin>,
}

#[derive(Debug, Clone)]
struct Pin {
    unit: Option<UnitId>,
    by: PinnedBy,
}

#[derive(Debug, Clone)]
enum PinnedBy {
    Spki(Digest),
    Ca { der: Vec<u8>, san: String },
}

/// Every party, by id, by certificate.
#[derive(Debug, Default)]
pub struct Directory {
    parties: BTreeMap<PartyId, Party>,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the record of `{party}`: {}", Phrase::new(.reason))]
pub struct BadRecord {
    /// Whose.
    pub party: PartyId,
    /// Why: a phrase of the catalogue.
    pub reason: &'static str,
}

impl Directory {
    /// Reads the records. Only active keys verify.
    ///
    /// # Errors
    /// [`BadRecord`] for the first record that cannot be used.
    pub fn new(records: &[PartyRecord]) -> Result<Self, BadRecord> {
        let mut directory = Self::default();
        let mut pinned: Vec<Digest> = Vec::new();
        for record in records {
            let bad = |reason| BadRecord { party: record.id.clone(), reason };
            let party = party(record).map_err(bad)?;
            for pin in &party.pins {
                if let PinnedBy::Spki(spki) = pin.by {
                    if pinned.contains(&spki) {
                        return Err(bad("why-pin-twice"));
                    }
                    pinned.push(spki);
                }
            }
            if directory.parties.insert(record.id.clone(), party).is_some() {
                return Err(bad("why-record-twice"));
            }
        }
        Ok(directory)
    }

    /// A party.
    pub fn party(&self, id: &PartyId) -> Option<&Party> {
        self.parties.get(id)
    }

    /// All parties.
    pub fn iter(&self) -> impl Iterator<Item = &Party> {
        self.parties.values()
    }

    /// Whose certificate this is, if it is pinned and valid now.
    pub fn identify(&self, certificate: &Certificate, now: OffsetDateTime) -> Option<Address> {
        if !certificate.valid_at(now) {
            return None;
        }
        self.parties.values().find_map(|party| {
            let pin = party.pins.iter().find(|pin| pin.matches(certificate))?;
            Some(Address { party: party.id.clone(), unit: pin.unit.clone() })
        })
    }

    /// Whether the address names a known party and, where it names one, a known unit.
    pub fn knows(&self, address: &Address) -> bool {
        self.parties
            .get(&address.party)
            .is_some_and(|p| address.unit.as_ref().is_none_or(|u| p.units.contains(u)))
    }

    /// The active key of `address` with this `kid`: a key of the party, or of that very unit.
    pub fn signing_key(&self, address: &Address, kid: &str) -> Option<&PublicKey> {
        let party = self.parties.get(&address.party)?;
        party
            .keys
            .iter()
            .find(|(unit, key)| key.kid() == kid && (unit.is_none() || *unit == address.unit))
            .map(|(_, key)| key)
    }
}

impl Pin {
    fn matches(&self, certificate: &Certificate) -> bool {
        match &self.by {
            PinnedBy::Spki(spki) => *spki == certificate.spki,
            PinnedBy::Ca { der, san } => {
                certificate.names.contains(san) && issued_by(&certificate.der, der)
            }
        }
    }
}

/// Whether `ca` signed the certificate.
fn issued_by(certificate: &[u8], ca: &[u8]) -> bool {
    let (Ok((_, certificate)), Ok((_, ca))) =
        (X509Certificate::from_der(certificate), X509Certificate::from_der(ca))
    else {
        return false;
    };
    certificate.issuer() == ca.subject()
        && certificate.verify_signature(Some(ca.public_key())).is_ok()
}

fn party(record: &PartyRecord) -> Result<Party, &'static str> {
    let mut keys: Vec<(Option<UnitId>, PublicKey)> = Vec::new();
    let knows = |unit: &Option<UnitId>| unit.as_ref().is_none_or(|u| record.units.contains(u));
    for key in &record.keys {
        let public = PublicKey::from_jwk(&key.jwk).map_err(|_cause| "why-key-no-jwk")?;
        if !knows(&key.unit) {
            return Err("why-key-unit");
        }
        if keys.iter().any(|(_, known)| known.kid() == public.kid()) {
            return Err("why-kid-twice");
        }
        if key.status == KeyStatus::Active {
            keys.push((key.unit.clone(), public));
        }
    }
    let mut pins = Vec::with_capacity(record.certificates.len());
    for pin in &record.certificates {
        if !knows(&pin.unit) {
            return Err("why-pin-unit");
        }
        pins.push(Pin { unit: pin.unit.clone(), by: pinned_by(pin)? });
    }
    Ok(Party {
        id: record.id.clone(),
        name: record.name.clone(),
        country: record.country.clone(),
        kind: record.kind,
        units: record.units.clone(),
        frozen: record.frozen,
        keys,
        pins,
    })
}

/// Whether a pin can be used.
///
/// # Errors
/// Why not.
pub fn check_pin(pin: &CertificatePin) -> Result<(), &'static str> {
    pinned_by(pin).map(drop)
}

/// First and last moment at which a pinned CA is valid; `None` where the text is none.
pub fn ca_validity(pem: &str) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = Certificate::read(&pem.contents).ok()?;
    Some((certificate.not_before, certificate.not_after))
}

fn pinned_by(pin: &CertificatePin) -> Result<PinnedBy, &'static str> {
    match (&pin.spki, &pin.ca, &pin.san) {
        (Some(spki), None, None) => Ok(PinnedBy::Spki(*spki)),
        (None, Some(pem), Some(san)) => {
            let none = "why-pin-ca";
            let (_, pem) =
                x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_form| none)?;
            X509Certificate::from_der(&pem.contents).map_err(|_form| none)?;
            Ok(PinnedBy::Ca { der: pem.contents, san: san.clone() })
        }
        _ => Err("why-pin-form"),
    }
}
