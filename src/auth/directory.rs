//! The parties in force.
use time::OffsetDateTime;

use crate::config::PartyRecord;
use crate::domain::{Address, Digest, PartyId, PartyKind, UnitId};
use crate::sign::PublicKey;

/// What a client certificate says, read once per connection.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// SHA-256 of the DER (`x5t#S256`).
    pub thumbprint: Digest,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki: Digest,
    /// First moment valid.
    pub not_before: OffsetDateTime,
    /// Last moment valid.
    pub not_after: OffsetDateTime,
    /// DNS names.
    pub names: Vec<String>,
    /// The DER of it and what the client sent with it.
    pub chain: Vec<Vec<u8>>,
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
}

/// Every party, by id, by certificate.
#[derive(Debug, Default)]
pub struct Directory {
    parties: std::collections::BTreeMap<PartyId, Party>,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the record of `{party}`: {reason}")]
pub struct BadRecord {
    /// Whose.
    pub party: PartyId,
    /// Why.
    pub reason: &'static str,
}

impl Directory {
    /// Reads the records.
    pub fn new(_records: &[PartyRecord]) -> Result<Self, BadRecord> {
        todo!()
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
    pub fn identify(&self, _certificate: &Certificate, _now: OffsetDateTime) -> Option<Address> {
        todo!()
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
