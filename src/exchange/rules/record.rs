//! Party records: what must hold of one, and of all of them together.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::auth::check_pin;
use crate::config::{KeyStatus, PartyRecord};
use crate::domain::{Digest, PartyKind, Phrase};
use crate::sign::{Algorithm, PublicKey};

/// Members that only a private or symmetric JWK has (RFC 7518, 6.2.2, 6.3.2, 6.4).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What must hold of a record by itself.
pub fn check(record: &PartyRecord) -> Result<(), Phrase> {
    if record.kind == PartyKind::Gateway || record.id.as_str() == "titian" {
        return Err(Phrase::new("why-gateway-no-record"));
    }
    if record.name.trim().is_empty() || record.name.chars().any(char::is_control) {
        return Err(Phrase::new("why-name-empty"));
    }
    if record.country.len() != 3 || !record.country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Phrase::new("why-country-form"));
    }
    let units: BTreeSet<_> = record.units.iter().collect();
    if units.len() != record.units.len() {
        return Err(Phrase::new("why-unit-twice"));
    }
    let bound = record.keys.iter().map(|key| &key.unit);
    let bound = bound.chain(record.certificates.iter().map(|pin| &pin.unit));
    if let Some(unit) = bound.flatten().find(|unit| !units.contains(unit)) {
        return Err(Phrase::new("why-no-unit").with("unit", unit));
    }
    check_keys(record)?;
    check_pins(record)
}

fn check_keys(record: &PartyRecord) -> Result<(), Phrase> {
    let mut kids = BTreeSet::new();
    for key in &record.keys {
        let public =
            PublicKey::from_jwk(&key.jwk).map_err(|_rejected| Phrase::new("why-key-form"))?;
        if !kids.insert(public.kid().to_owned()) {
            return Err(Phrase::new("why-kid-twice"));
        }
    }
    if record.keys.iter().any(|key| key.status == KeyStatus::Active) {
        Ok(())
    } else {
        Err(Phrase::new("why-not-active"))
    }
}

fn check_pins(record: &PartyRecord) -> Result<(), Phrase> {
    for pin in &record.certificates {
        check_pin(pin).map_err(Phrase::new)?;
    }
    let mut pinned = BTreeSet::new();
    if !record.certificates.iter().filter_map(|pin| pin.spki).all(|spki| pinned.insert(spki)) {
        return Err(Phrase::new("why-pin-twice"));
    }
    if record.certificates.is_empty() {
        return Err(Phrase::new("why-no-pin"));
    }
    Ok(())
}

/// What must hold between a record and those of other parties: no key and no certificate belongs
/// to two.
pub fn check_apart(record: &PartyRecord, others: &[PartyRecord]) -> Result<(), Phrase> {
    let (own_keys, own_pins) = (thumbprints(record), pins(record));
    for other in others.iter().filter(|other| other.id != record.id) {
        if !own_keys.is_disjoint(&thumbprints(other)) {
            return Err(Phrase::new("why-key-taken").with("party", &other.id));
        }
        if !own_pins.is_disjoint(&pins(other)) {
            return Err(Phrase::new("why-pin-taken").with("party", &other.id));
        }
    }
    Ok(())
}

/// The keys of a record, whatever `kid` it gives them.
pub fn thumbprints(record: &PartyRecord) -> BTreeSet<Digest> {
    let keys = record.keys.iter().filter_map(|key| PublicKey::from_jwk(&key.jwk).ok());
    keys.map(|key| key.thumbprint()).collect()
}

fn pins(record: &PartyRecord) -> BTreeSet<(Option<Digest>, Option<&str>, Option<&str>)> {
    let pins = record.certificates.iter();
    pins.map(|pin| (pin.spki, pin.ca.as_deref(), pin.san.as_deref())).collect()
}

/// What private material a text holds, if any: PEM of a private key, or a private JWK in TOML or
/// JSON, whatever surrounds it.
pub fn private_material(text: &str) -> Option<Phrase> {
    if text.contains("PRIVATE KEY-----") {
        return Some(Phrase::new("why-private-pem"));
    }
    let parsed = serde_json::from_str(text).ok().or_else(|| toml::from_str::<Value>(text).ok());
    parsed.as_ref().is_some_and(holds_private_jwk).then(|| Phrase::new("why-private-jwk"))
}

/// The Ed25519 key of a public JWK.
pub fn ed25519(jwk: &Value) -> Option<PublicKey> {
    public(jwk).filter(|key| key.algorithm() == Algorithm::EdDsa)
}

/// A public key that comes with nothing private.
pub fn public(jwk: &Value) -> Option<PublicKey> {
    PublicKey::from_jwk(jwk).ok().filter(|_| !holds_private_jwk(jwk))
}

fn holds_private_jwk(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.contains_key("kty") && PRIVATE_MEMBERS.iter().any(|m| members.contains_key(*m))
                || members.values().any(holds_private_jwk)
        }
        Value::Array(items) => items.iter().any(holds_private_jwk),
        Value::String(text) => text.contains("\"kty\"") && private_material(text).is_some(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is said of a record, and the change that makes it so.
    type Case = (&'static str, fn(&mut Value));

    fn record(change: impl FnOnce(&mut Value)) -> Result<(), Phrase> {
        let mut value = json!({
            "id": "zarqolin", "name": "Zarqolin", "country": "NLD", "kind": "foreign",
            "units": ["desk-one"],
            "keys": [{"status": "active", "jwk": {
                "kty": "OKP", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }}],
            "certificates": [{"spki": Digest::of(b"spki")}],
        });
        change(&mut value);
        check(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_record_must_hold_together() {
        assert_eq!(record(|_| {}), Ok(()));
        let cases: &[Case] = &[
            ("gateway", |r| r["kind"] = json!("gateway")),
            ("gateway", |r| r["id"] = json!("titian")),
            ("country", |r| r["country"] = json!("nld")),
            ("name", |r| r["name"] = json!("a\u{1b}[2J")),
            ("twice", |r| r["units"] = json!(["desk-one", "desk-one"])),
            ("none of its", |r| r["keys"][0]["unit"] = json!("desk-two")),
            ("none of its", |r| r["certificates"][0]["unit"] = json!("desk-two")),
            ("active", |r| r["keys"][0]["status"] = json!("revoked")),
            ("active", |r| r["keys"] = json!([])),
            ("public JWK", |r| r["keys"][0]["jwk"]["x"] = json!("AAAA")),
            ("kid", |r| r["keys"] = json!([r["keys"][0], r["keys"][0]])),
            ("no certificate", |r| r["certificates"] = json!([])),
            ("pinned by", |r| r["certificates"] = json!([{"san": "a.example.org"}])),
            ("twice", |r| {
                r["certificates"] = json!([r["certificates"][0], r["certificates"][0]]);
            }),
            ("no certificate", |r| {
                let ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
                r["certificates"] = json!([{"san": "a.example.org", "ca": ca}]);
            }),
            ("pinned by", |r| r["certificates"][0]["san"] = json!("a.example.org")),
        ];
        for (says, change) in cases {
            let fault = record(change).unwrap_err();
            assert!(fault.to_string().contains(says), "{says}: {fault}");
        }
    }

    #[test]
    fn private_material_is_seen_in_json_toml_and_pem() {
        for text in [
            r#"{"kty":"OKP","crv":"Ed25519","x":"x","d":"d"}"#,
            r#"{"keys":[{"kty":"oct","k":"AQAB"}]}"#,
            "[jwk]\nkty = \"EC\"\nd = \"d\"\n",
            "jwk = '{\"kty\":\"EC\",\"d\":\"d\"}'",
            "-----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        ] {
            assert!(private_material(text).is_some(), "{text}");
        }
        for text in [r#"{"kty":"OKP","x":"x"}"#, "d = 1", "-----BEGIN CERTIFICATE-----"] {
            assert!(private_material(text).is_none(), "{text}");
        }
    }
}
