//! Checks of a recipient's bundle: the release, its body, its schema, its place in the ledger, and
//! the recipient's own acknowledgement.

use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

use super::bundle::{BodyEvidence, ProvenAcknowledgement, RecipientBundle};
use super::report::Outcome;
use super::sender::acknowledged;
use super::verify::{Claims, Signer, Verifier};
use super::{event, typ};
use crate::domain::{Address, Digest, json};
use crate::ledger::Checkpoint;
use crate::sign::sd_jwt;

const UNVERIFIED: &str = "why-statement-unverified";

pub(super) fn check(verifier: &mut Verifier<'_>, bundle: &RecipientBundle) {
    verifier.origin(&bundle.gateway, &bundle.keys);
    let claims = statement(verifier, bundle);
    let recipient = claims.as_ref().and_then(|claims| claims.address("aud"));
    let body = body(verifier, bundle, claims.as_ref());
    policy(verifier, bundle, claims.as_ref());
    schema(verifier, bundle, claims.as_ref(), body.as_ref());
    let statement = Digest::of(bundle.release.as_bytes());
    let event = event::release(bundle.release_digest, statement);
    let party = recipient.as_ref().map(|recipient| &recipient.party);
    let handed_out = verifier.entry("entry", &bundle.proof, &event, party);
    if let Some(evidence) = &bundle.acknowledgement {
        let seen = acknowledgement(verifier, bundle, evidence, recipient.as_ref());
        one_view(verifier, handed_out.zip(seen));
    }
}

/// The SD-JWT as far as the bundle has it.
fn object(bundle: &RecipientBundle) -> String {
    match &bundle.body {
        BodyEvidence::Present { disclosure } => sd_jwt::assemble(&bundle.release, &[disclosure]),
        BodyEvidence::Erased | BodyEvidence::Missing => sd_jwt::assemble(&bundle.release, &[]),
    }
}

fn statement(verifier: &mut Verifier<'_>, bundle: &RecipientBundle) -> Option<Claims> {
    // The statement alone, so that a damaged disclosure is told as what it is.
    let alone = sd_jwt::assemble(&bundle.release, &[]);
    let opened = verifier.signed("release.signature", &alone, Signer::Gateway, &[typ::RELEASE]);
    let Some((_, claims)) = opened else {
        verifier.skip("release.claims", UNVERIFIED);
        return None;
    };
    let facts = [
        (!bundle.release.contains('~'), "why-statement-tilde"),
        (claims.text("iss") == Some(&bundle.gateway), "why-iss-not-gateway"),
        (claims.address("aud").is_some(), "why-aud-no-address"),
        (claims.text("jti") == Some(bundle.release_id.as_str()), "why-jti-other-release"),
    ];
    verifier.all("release.claims", &facts).then_some(claims)
}

/// The body, where it is here and is the one the statement signs.
fn body(
    verifier: &mut Verifier<'_>,
    bundle: &RecipientBundle,
    claims: Option<&Claims>,
) -> Option<Value> {
    let gone = |verifier: &mut Verifier<'_>, result, why| {
        for name in ["release.body", "release.digest"] {
            verifier.note(name, result, why);
        }
        None
    };
    let disclosure = match &bundle.body {
        BodyEvidence::Present { disclosure } => disclosure,
        BodyEvidence::Erased => return gone(verifier, Outcome::Erased, "why-body-erased"),
        BodyEvidence::Missing => return gone(verifier, Outcome::Missing, "why-body-missing"),
    };
    let body = match claims {
        None => {
            verifier.skip("release.body", UNVERIFIED);
            None
        }
        Some(claims) => {
            let mut claims = claims.0.clone();
            let fits = sd_jwt::reveal(&mut claims, std::slice::from_ref(disclosure)).is_ok();
            let body = claims.remove("body").filter(|_| fits);
            let why = "why-body-not-signed";
            verifier.all("release.body", &[(body.is_some(), why)]);
            body
        }
    };
    let same = Digest::of(object(bundle).as_bytes()) == bundle.release_digest;
    verifier.all("release.digest", &[(same, "why-release-other-digest")]);
    body
}

fn policy(verifier: &mut Verifier<'_>, bundle: &RecipientBundle, claims: Option<&Claims>) {
    let Some(claims) = claims else { return verifier.skip("policy.reference", UNVERIFIED) };
    let signed = |name: &str| claims.0.get("policy").and_then(|policy| policy.get(name));
    let text = |name: &str| signed(name).and_then(Value::as_str);
    let named = &bundle.policy;
    let digest = named.digest.to_string();
    let version = signed("version").and_then(Value::as_u64);
    let facts = [
        (text("id") == Some(&named.id), "why-statement-other-id"),
        (version == Some(u64::from(named.version)), "why-statement-other-version"),
        (text("digest") == Some(&digest), "why-statement-other-digest"),
    ];
    verifier.all("policy.reference", &facts);
}

/// The schema is the one the statement names, and the body fits it. A schema that is not signed
/// for is never compiled.
fn schema(
    verifier: &mut Verifier<'_>,
    bundle: &RecipientBundle,
    claims: Option<&Claims>,
    body: Option<&Value>,
) {
    let schema = &bundle.release_schema;
    let trusted = match claims {
        None => {
            verifier.skip("release_schema.digest", UNVERIFIED);
            false
        }
        Some(claims) => {
            let signed = claims.digest("release_schema");
            let digest = canonical_digest(&schema.schema);
            let facts = [
                (signed == Some(schema.digest), "why-statement-other-schema"),
                (digest == Some(schema.digest), "why-schema-other-digest"),
            ];
            verifier.all("release_schema.digest", &facts)
        }
    };
    let name = "release_schema.body";
    match (&bundle.body, body) {
        (BodyEvidence::Erased, _) => verifier.note(name, Outcome::Erased, "why-body-erased"),
        (BodyEvidence::Missing, _) => verifier.note(name, Outcome::Missing, "why-body-missing"),
        (BodyEvidence::Present { .. }, Some(body)) if trusted => {
            let why = "why-body-misfit";
            verifier.all(name, &[(fits(&schema.schema, body), why)]);
        }
        (BodyEvidence::Present { .. }, _) => {
            verifier.skip(name, "why-body-or-schema");
        }
    }
}

/// The digest of the RFC 8785 form, where that form says the same as the value.
fn canonical_digest(value: &Value) -> Option<Digest> {
    let text = json::canonical(value).ok()?;
    let same = serde_json::from_slice::<Value>(&text).is_ok_and(|again| again == *value);
    same.then(|| Digest::of(&text))
}

fn fits(schema: &Value, body: &Value) -> bool {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(schema)
        .is_ok_and(|validator| validator.is_valid(body))
}

fn acknowledgement(
    verifier: &mut Verifier<'_>,
    bundle: &RecipientBundle,
    evidence: &ProvenAcknowledgement,
    recipient: Option<&Address>,
) -> Option<Checkpoint> {
    let prefix = "acknowledgement";
    let signer = recipient.map_or(Signer::Unknown, |recipient| Signer::Party(&recipient.party));
    let name = "acknowledgement.signature";
    let opened = verifier.signed(name, &evidence.jws, signer, &[typ::ACKNOWLEDGEMENT]);
    let claims = if let Some(recipient) = recipient {
        acknowledged(verifier, prefix, opened.map(|(_, claims)| claims), recipient)
    } else {
        verifier.skip("acknowledgement.claims", UNVERIFIED);
        None
    };
    let id = Some(bundle.release_id.as_str());
    match claims {
        None => verifier.skip("acknowledgement.release", "why-ack-does-not-verify"),
        Some(claims) => {
            let same = claims.digest("digest") == Some(bundle.release_digest);
            let facts = [
                (claims.text("release_id") == id, "why-other-release"),
                (same, "why-digest-not-release"),
            ];
            verifier.all("acknowledgement.release", &facts);
        }
    }
    acknowledgement_receipt(verifier, bundle, evidence, recipient);
    let event = event::acknowledgement(Digest::of(evidence.receipt.as_bytes()));
    let party = recipient.map(|recipient| &recipient.party);
    verifier.entry("acknowledgement.entry", &evidence.proof, &event, party)
}

fn acknowledgement_receipt(
    verifier: &mut Verifier<'_>,
    bundle: &RecipientBundle,
    evidence: &ProvenAcknowledgement,
    recipient: Option<&Address>,
) {
    let name = "acknowledgement.receipt.signature";
    let opened = verifier.signed(name, &evidence.receipt, Signer::Gateway, &[typ::RECEIPT]);
    let name = "acknowledgement.receipt.claims";
    let Some((_, claims)) = opened else {
        return verifier.skip(name, "why-word-unverified");
    };
    let digest = Digest::of(evidence.jws.as_bytes());
    let aud = claims.address("aud");
    let for_recipient =
        recipient.zip(aud.as_ref()).is_none_or(|(recipient, aud)| recipient.party == aud.party);
    let id = claims.text("release_id") == Some(bundle.release_id.as_str());
    let facts = [
        (claims.text("iss") == Some(&bundle.gateway), "why-iss-not-gateway"),
        (aud.is_some() && for_recipient, "why-aud-not-recipient"),
        (claims.text("for") == Some("acknowledgement"), "why-for-not-acknowledgement"),
        (id, "why-other-release"),
        (claims.digest("digest") == Some(digest), "why-other-bytes"),
    ];
    verifier.all(name, &facts);
}

/// Two checkpoints of one ledger at one size must be one: anything else is a forked ledger.
fn one_view(verifier: &mut Verifier<'_>, pair: Option<(Checkpoint, Checkpoint)>) {
    if let Some((one, other)) = pair
        && one.size == other.size
    {
        verifier.all("ledger.one_view", &[(one == other, "why-two-faces")]);
    }
}
