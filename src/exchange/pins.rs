//! The keys that this gateway itself would check evidence under: its own, and those in every record
//! of a party or an officer that is or was in force here.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::config::KeyStatus;
use crate::domain::PartyId;
use crate::evidence::Pins;
use crate::ledger::VerifierKey;
use crate::sign::{KeySet, PublicKey};
use crate::wire::{VersionView, VersionsAsk};

use super::change::ChangeFault;
use super::rules::Document;
use super::{Gateway, versions};

/// The gateway's own pins.
///
/// # Errors
/// [`ChangeFault::Failed`] when the store does not answer.
pub async fn own(gateway: &Gateway) -> Result<Pins, ChangeFault> {
    let keys = gateway.keys();
    let public_key = keys.ledger.public().ed25519_bytes();
    let ledger =
        |public_key| VerifierKey { name: gateway.checkpoints.host().to_owned(), public_key };
    let mut pins = Pins {
        gateway: gateway.id().to_owned(),
        keys: KeySet::new(vec![keys.signing.public().clone()]),
        ledgers: public_key.map(ledger).into_iter().collect(),
        ..Pins::default()
    };
    pin(&mut pins, versions::list(gateway, &VersionsAsk::default()).await?);
    Ok(pins)
}

/// Pins what is or was in force. A key that its party has revoked, by the last record that names
/// it, is pinned by no earlier one. It is left out rather than named as revoked: that goes by
/// `kid`, which a party chooses, for the keys of everybody.
pub fn pin(pins: &mut Pins, mut versions: Vec<VersionView>) {
    versions.retain(|view| matches!(view.stands.as_str(), "in_force" | "superseded" | "ended"));
    // of two keys with one `kid` the later one is pinned
    versions.sort_by_key(|view| Reverse(view.version));
    let mut parties: BTreeMap<PartyId, Vec<(PublicKey, KeyStatus)>> = BTreeMap::new();
    let mut officers: BTreeMap<String, Vec<PublicKey>> = BTreeMap::new();
    for view in versions {
        match Document::parse(view.kind, &view.id, &view.text) {
            Ok(Document::Party(record)) => {
                let keys = parties.entry(record.id).or_default();
                for key in record.keys {
                    let Ok(public) = PublicKey::from_jwk(&key.jwk) else { continue };
                    let is_this =
                        |(known, _): &(PublicKey, _)| known.thumbprint() == public.thumbprint();
                    if !keys.iter().any(is_this) {
                        keys.push((public, key.status));
                    }
                }
            }
            Ok(Document::Officer(officer)) => {
                let keys = officers.entry(officer.name).or_default();
                let passkeys = officer.passkeys.iter().map(|passkey| &passkey.key);
                let all = officer.key.iter().chain(passkeys);
                keys.extend(all.filter_map(|jwk| PublicKey::from_jwk(jwk).ok()));
            }
            _ => {}
        }
    }
    pins.parties.extend(parties.into_iter().map(|(id, keys)| {
        let kept = keys.into_iter().filter(|(_, status)| *status != KeyStatus::Revoked);
        (id, KeySet::new(kept.map(|(key, _)| key).collect()))
    }));
    pins.officers.extend(officers.into_iter().map(|(name, keys)| (name, KeySet::new(keys))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, DocumentKind, VersionState};
    use crate::sign::Algorithm;
    use crate::sign::signing::SigningKey;

    fn key() -> PublicKey {
        SigningKey::generate(Algorithm::EdDsa).unwrap().public().clone()
    }

    fn toml_of(key: &PublicKey) -> toml::Value {
        toml::Value::try_from(key.to_jwk()).unwrap()
    }

    fn view(kind: DocumentKind, (version, stands): (u32, &str), text: String) -> VersionView {
        VersionView {
            kind,
            id: "bnpt".to_owned(),
            version,
            digest: String::new(),
            state: VersionState::Approved,
            stands: stands.to_owned(),
            unusable: None,
            effective_at: None,
            needs: None,
            applied: None,
            text,
            steps: Vec::new(),
        }
    }

    fn record(at: (u32, &str), keys: &[(&PublicKey, &str)]) -> VersionView {
        let head = "id = \"bnpt\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"justice\"\n";
        let keys = keys.iter().map(|(key, status)| {
            format!("[[keys]]\nstatus = \"{status}\"\njwk = {}\n", toml_of(key))
        });
        let pin = format!("[[certificates]]\nspki = \"{}\"\n", Digest::of(b"certificate"));
        view(DocumentKind::Party, at, format!("{head}{pin}{}", keys.collect::<String>()))
    }

    fn pinned(versions: Vec<VersionView>) -> Vec<Digest> {
        let mut pins = Pins::default();
        pin(&mut pins, versions);
        let parties = pins.parties.values().flat_map(KeySet::iter);
        let officers = pins.officers.values().flat_map(KeySet::iter);
        parties.chain(officers).map(PublicKey::thumbprint).collect()
    }

    #[test]
    fn what_is_or_was_in_force_is_pinned_and_nothing_else() {
        let officer = |at, key: &PublicKey| {
            let text = format!(
                "name = \"bnpt\"\nparty = \"bnpt\"\nroles = [\"editor\"]\nkey = {}",
                toml_of(key)
            );
            view(DocumentKind::Officer, at, text)
        };
        for (stands, is_pinned) in [
            ("in_force", true),
            ("superseded", true),
            ("unusable", false),
            ("scheduled", false),
            ("proposed", false),
            ("draft", false),
            ("withdrawn", false),
        ] {
            let key = key();
            let expected = if is_pinned { vec![key.thumbprint()] } else { Vec::new() };
            let at = (1, stands);
            assert_eq!(pinned(vec![record(at, &[(&key, "active")])]), expected, "{stands}");
            assert_eq!(pinned(vec![officer(at, &key)]), expected, "{stands}");
        }
    }

    #[test]
    fn a_key_that_was_revoked_is_pinned_by_no_record() {
        let (old, next) = (key(), key());
        let first = |stands| record((1, stands), &[(&old, "active")]);
        let second = |stands, status| record((2, stands), &[(&next, "active"), (&old, status)]);
        let both = |status| pinned(vec![second("in_force", status), first("superseded")]);
        assert_eq!(both("revoked"), [next.thumbprint()]);
        assert!(both("retired").contains(&old.thumbprint()));
        // dropped afterwards, it stays revoked
        let third = record((3, "in_force"), &[(&next, "active")]);
        let all = vec![first("superseded"), second("superseded", "revoked"), third];
        assert_eq!(pinned(all), [next.thumbprint()]);
        // what does not hold revokes nothing
        let unheld = pinned(vec![first("in_force"), second("scheduled", "revoked")]);
        assert_eq!(unheld, [old.thumbprint()]);
    }
}
