//! The keys a verifier trusts, obtained beforehand and by another way than the bundle.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::domain::PartyId;
use crate::ledger::VerifierKey;
use crate::sign::KeySet;

/// What is pinned.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The gateway's id: `iss` of what it signs, `aud` of what it is sent.
    pub gateway: String,
    /// Keys the gateway signs receipts, refusals and releases with.
    pub keys: KeySet,
    /// Keys the gateway signs checkpoints with. `name` is a ledger's origin
    /// (`titian.example.org/kemensos`), or what stands before the last `/` of all of them.
    pub ledgers: Vec<VerifierKey>,
    /// Keys parties sign messages and acknowledgements with, where known.
    pub parties: BTreeMap<PartyId, KeySet>,
    /// Keys officers sign approvals with, by name, where known. Where no officer is pinned at all,
    /// approvals are shown and not vouched for.
    pub officers: BTreeMap<String, KeySet>,
    /// `kid` of keys that were revoked. A signature by one counts only if a cosigned checkpoint
    /// from before covers it; no bundle of this version carries one, so it never counts.
    pub revoked: BTreeSet<String>,
}

/// The file does not pin anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPins {
    /// Not JSON of the documented shape.
    #[error(
        "pins are `gateway`, `keys` and `ledgers`, and maybe `parties`, `officers` and `revoked`"
    )]
    Shape,
    /// A JWK set with a key we do not take, or one twice.
    #[error("a JWK set has a key that is not Ed25519 or P-256, or one `kid` twice")]
    Key,
    /// Not `name+hash+key`.
    #[error("a ledger's key is written `name+hash+key`")]
    LedgerKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinsFile {
    gateway: String,
    keys: Value,
    ledgers: Vec<String>,
    #[serde(default)]
    parties: BTreeMap<PartyId, Value>,
    #[serde(default)]
    officers: BTreeMap<String, Value>,
    #[serde(default)]
    revoked: BTreeSet<String>,
}

impl Pins {
    /// Reads a file of pins: JSON `{gateway, keys: <JWK set>, ledgers: ["name+hash+key"],
    /// parties?: {<party>: <JWK set>}, officers?: {<name>: <JWK set>}, revoked?: [kid]}`.
    ///
    /// # Errors
    /// [`BadPins`]; a file is read whole or not at all.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BadPins> {
        let file: PinsFile = serde_json::from_slice(bytes).map_err(|_shape| BadPins::Shape)?;
        let set = |jwks: &Value| KeySet::from_jwks(jwks).map_err(|_key| BadPins::Key);
        let ledgers = file.ledgers.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        let parties = file.parties.iter().map(|(id, jwks)| Ok((id.clone(), set(jwks)?)));
        let officers = file.officers.iter().map(|(name, jwks)| Ok((name.clone(), set(jwks)?)));
        Ok(Self {
            gateway: file.gateway,
            keys: set(&file.keys)?,
            ledgers: ledgers.map_err(|_note| BadPins::LedgerKey)?,
            parties: parties.collect::<Result<_, BadPins>>()?,
            officers: officers.collect::<Result<_, BadPins>>()?,
            revoked: file.revoked,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwks() -> Value {
        json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        ]})
    }

    fn file() -> Value {
        let ledger = VerifierKey { name: "titian.example.org".to_owned(), public_key: [7; 32] };
        json!({
            "gateway": "https://titian.example.org", "keys": jwks(),
            "ledgers": [ledger.to_string()], "parties": {"bnpt": jwks()}, "revoked": ["old"],
        })
    }

    #[test]
    fn a_file_of_pins_is_read() {
        let pins = Pins::from_json(file().to_string().as_bytes()).unwrap();
        assert_eq!(pins.gateway, "https://titian.example.org");
        assert_eq!(pins.keys.iter().count(), 1);
        assert_eq!(pins.ledgers[0].public_key, [7; 32]);
        assert_eq!(pins.parties[&"bnpt".parse().unwrap()].iter().count(), 1);
        assert!(pins.revoked.contains("old"));
    }

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let with = |name: &str, value: Value| {
            let mut changed = file();
            changed[name] = value;
            Pins::from_json(changed.to_string().as_bytes()).unwrap_err()
        };
        assert_eq!(with("gateway", json!(7)), BadPins::Shape);
        assert_eq!(with("kyes", json!({})), BadPins::Shape);
        assert_eq!(with("parties", json!({"NOT A PARTY": jwks()})), BadPins::Shape);
        assert_eq!(with("keys", json!({"keys": [{"kty": "oct", "k": "AA"}]})), BadPins::Key);
        assert_eq!(with("parties", json!({"bnpt": {}})), BadPins::Key);
        assert_eq!(with("ledgers", json!(["titian.example.org"])), BadPins::LedgerKey);
        assert_eq!(Pins::from_json(b"").unwrap_err(), BadPins::Shape);
    }
}
