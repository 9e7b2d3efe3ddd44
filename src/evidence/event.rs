//! The events that ledgers commit to, as canonical JSON (RFC 8785).
//!
//! `exchange` makes entries from these and the verifier makes them again, so that both hash the
//! same bytes. An event of a message holds digests only: no party, no time, no value.

use serde_json::json;

use crate::domain::json::canonical;
use crate::domain::{Act, Digest, DocumentKind, Needs};

/// A message was admitted or held: digest of the receipt's JWS.
pub fn receipt(receipt: Digest) -> Vec<u8> {
    format!(r#"{{"digest":"{receipt}","kind":"receipt"}}"#).into_bytes()
}

/// A message was refused: digest of the refusal's JWS.
pub fn refusal(refusal: Digest) -> Vec<u8> {
    format!(r#"{{"digest":"{refusal}","kind":"refusal"}}"#).into_bytes()
}

/// A release was handed out: digest of the whole SD-JWT, and of its statement (the JWS before the
/// first `~`), which can still be shown when the body is erased.
pub fn release(release: Digest, statement: Digest) -> Vec<u8> {
    format!(r#"{{"digest":"{release}","kind":"release","statement":"{statement}"}}"#).into_bytes()
}

/// An acknowledgement was taken: digest of its receipt's JWS.
pub fn acknowledgement(receipt: Digest) -> Vec<u8> {
    format!(r#"{{"digest":"{receipt}","kind":"acknowledgement"}}"#).into_bytes()
}

/// A recipient acknowledged a message of this ledger's party: digest of the acknowledgement.
pub fn acknowledged(word: Digest) -> Vec<u8> {
    format!(r#"{{"digest":"{word}","kind":"acknowledged"}}"#).into_bytes()
}

/// The rules changed: digest over all of them, and the generation they began.
pub fn rules(rules: Digest, generation: u64) -> Vec<u8> {
    format!(r#"{{"digest":"{rules}","generation":{generation},"kind":"rules"}}"#).into_bytes()
}

/// A step in the life of a governed document's version: what was done by whom, the digest of the
/// officer's word where the step is one, and how many officers the version was then found to take.
/// Officers act in office, so they are named.
///
/// # Errors
/// When the event has no canonical form, which its plain parts rule out.
pub fn step(
    (of, id, version): (DocumentKind, &str, u32),
    digest: Digest,
    (act, officer): (Act, &str),
    (word, needs): (Option<Digest>, Option<Needs>),
) -> Result<Vec<u8>, serde_json::Error> {
    canonical(&json!({
        "kind": "version", "of": of, "id": id, "version": version, "digest": digest,
        "act": act, "officer": officer, "word": word, "needs": needs,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_canonical() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let cases = [
            (receipt(a), json!({"kind": "receipt", "digest": a})),
            (refusal(a), json!({"kind": "refusal", "digest": a})),
            (release(a, b), json!({"kind": "release", "digest": a, "statement": b})),
            (acknowledged(a), json!({"kind": "acknowledged", "digest": a})),
            (rules(a, 7), json!({"kind": "rules", "digest": a, "generation": 7})),
            (acknowledgement(a), json!({"kind": "acknowledgement", "digest": a})),
        ];
        for (event, value) in cases {
            assert_eq!(event, canonical(&value).unwrap());
        }
    }
}
