//! Checks of a sender's bundle: its message, the gateway's word about it, its place in the ledger.

use serde_json::Value;

use super::bundle::{AcknowledgementEvidence, EventKind, PolicyEvidence, SenderBundle};
use super::report::Outcome;
use super::verify::{Claims, Signer, Verifier};
use super::{event, typ};
use crate::domain::{Address, Digest};
use crate::sign::{sd_jwt, unverified_claims};

const UNVERIFIED: &str = "why-word-unverified";

pub(super) fn check(verifier: &mut Verifier<'_>, bundle: &SenderBundle) {
    verifier.origin(&bundle.gateway, &bundle.keys);
    let claims = receipt(verifier, bundle);
    let sender = claims.as_ref().and_then(|claims| claims.address("aud"));
    let message = message(verifier, bundle, claims.as_ref(), sender.as_ref());
    let recipients = recipients(&[claims.as_ref(), message.as_ref()]);
    let digest = Digest::of(bundle.receipt.as_bytes());
    let event = match bundle.event {
        EventKind::Receipt => event::receipt(digest),
        EventKind::Refusal => event::refusal(digest),
    };
    let party = sender.as_ref().map(|sender| &sender.party);
    verifier.entry("entry", &bundle.proof, &event, party);
    for (at, evidence) in bundle.acknowledgements.iter().enumerate() {
        let prefix = format!("acknowledgements.{at}");
        recipient(verifier, &prefix, &evidence.party, recipients.as_deref());
        acknowledgement(verifier, &prefix, evidence);
    }
    for (at, evidence) in bundle.policies.iter().enumerate() {
        let prefix = format!("policies.{at}");
        recipient(verifier, &prefix, &evidence.party, recipients.as_deref());
        policy(verifier, &prefix, evidence, sender.as_ref());
    }
}

/// Whom the receipt, or else the message, names as recipients: addresses, or objects with `party`.
fn recipients(objects: &[Option<&Claims>]) -> Option<Vec<Address>> {
    let named = objects.iter().flatten().find_map(|claims| claims.0.get("recipients"))?;
    let address = |item: &Value| item.get("party").unwrap_or(item).as_str()?.parse().ok();
    named.as_array()?.iter().map(address).collect()
}

fn recipient(
    verifier: &mut Verifier<'_>,
    prefix: &str,
    party: &Address,
    recipients: Option<&[Address]>,
) {
    let name = format!("{prefix}.party");
    match recipients {
        None => verifier.skip(&name, "why-no-recipients"),
        Some(recipients) => {
            let named = recipients.contains(party);
            verifier.all(&name, &[(named, "why-no-recipient")]);
        }
    }
}

fn receipt(verifier: &mut Verifier<'_>, bundle: &SenderBundle) -> Option<Claims> {
    let (typ, is_for) = match bundle.event {
        EventKind::Receipt => (typ::RECEIPT, Some("message")),
        EventKind::Refusal => (typ::REFUSAL, None),
    };
    let signed = verifier.signed("receipt.signature", &bundle.receipt, Signer::Gateway, &[typ]);
    let Some((_, claims)) = signed else {
        verifier.skip("receipt.claims", UNVERIFIED);
        return None;
    };
    let id = claims.text("message_id") == Some(bundle.message_id.as_str());
    let facts = [
        (claims.text("iss") == Some(&bundle.gateway), "why-iss-not-gateway"),
        (claims.address("aud").is_some(), "why-aud-no-address"),
        (claims.text("for") == is_for, "why-for-not-message"),
        (id, "why-other-message"),
        (claims.digest("digest").is_some(), "why-digest-none"),
    ];
    verifier.all("receipt.claims", &facts).then_some(claims)
}

/// The message's claims, where they verify.
fn message(
    verifier: &mut Verifier<'_>,
    bundle: &SenderBundle,
    receipt: Option<&Claims>,
    sender: Option<&Address>,
) -> Option<Claims> {
    // What was refused need not be well formed beyond its signature: that may be why.
    let admitted = bundle.event == EventKind::Receipt;
    let Some(object) = &bundle.message else {
        for name in ["message.digest", "message.signature"] {
            verifier.note(name, Outcome::Erased, "why-message-erased");
        }
        if admitted {
            verifier.note("message.claims", Outcome::Erased, "why-message-erased");
        }
        return None;
    };
    match receipt.and_then(|receipt| receipt.digest("digest")) {
        None => verifier.skip("message.digest", UNVERIFIED),
        Some(digest) => {
            let same = digest == Digest::of(object.as_bytes());
            let why = "why-receipt-other-bytes";
            verifier.all("message.digest", &[(same, why)]);
        }
    }
    let signer = sender.map_or(Signer::Unknown, |sender| Signer::Party(&sender.party));
    let typs = [typ::MESSAGE_JWT, typ::MESSAGE_SD_JWT];
    let opened = verifier.signed("message.signature", object, signer, &typs);
    if !admitted {
        return None;
    }
    let Some((whole, mut claims)) = opened else {
        verifier.skip("message.claims", "why-message-unverified");
        return None;
    };
    let disclosed = sd_jwt::reveal(&mut claims.0, whole.disclosures()).is_ok();
    let from = claims.address("iss");
    let by_sender = sender.zip(from.as_ref()).is_some_and(|(sender, from)| sender.covers(from));
    let facts = [
        (disclosed, "why-disclosures-misfit"),
        (by_sender, "why-iss-not-receipts"),
        (claims.text("aud") == Some(&bundle.gateway), "why-aud-not-gateway"),
        (claims.text("jti") == Some(bundle.message_id.as_str()), "why-jti-other-message"),
        (claims.0.contains_key("body"), "why-no-body"),
    ];
    verifier.all("message.claims", &facts).then_some(claims)
}

fn acknowledgement(verifier: &mut Verifier<'_>, prefix: &str, evidence: &AcknowledgementEvidence) {
    let gateway = verifier.pins.gateway.clone();
    let signer = Signer::Party(&evidence.party.party);
    let name = format!("{prefix}.signature");
    let opened = verifier.signed(&name, &evidence.jws, signer, &[typ::ACKNOWLEDGEMENT]);
    let ack = acknowledged(verifier, prefix, opened.map(|(_, claims)| claims), &evidence.party);
    let Some(receipt) = &evidence.receipt else { return };
    let name = format!("{prefix}.receipt.signature");
    let opened = verifier.signed(&name, receipt, Signer::Gateway, &[typ::RECEIPT]);
    let name = format!("{prefix}.receipt.claims");
    let Some((_, claims)) = opened else { return verifier.skip(&name, UNVERIFIED) };
    let digest = Digest::of(evidence.jws.as_bytes());
    let same_release = ack.is_none_or(|ack| ack.text("release_id") == claims.text("release_id"));
    let facts = [
        (claims.text("iss") == Some(&gateway), "why-iss-not-gateway"),
        (claims.text("for") == Some("acknowledgement"), "why-for-not-acknowledgement"),
        (claims.digest("digest") == Some(digest), "why-other-bytes"),
        (same_release, "why-other-release"),
        (
            claims.address("aud").is_some_and(|aud| aud.party == evidence.party.party),
            "why-aud-not-recipient",
        ),
    ];
    verifier.all(&name, &facts);
}

/// The claims of an acknowledgement as such; what it must say about a release is the caller's.
pub(super) fn acknowledged(
    verifier: &mut Verifier<'_>,
    prefix: &str,
    claims: Option<Claims>,
    recipient: &Address,
) -> Option<Claims> {
    let name = format!("{prefix}.claims");
    let Some(claims) = claims else {
        verifier.skip(&name, "why-ack-unverified");
        return None;
    };
    let from = claims.address("iss");
    let result = claims.text("result");
    let facts = [
        (
            from.is_some_and(|from| recipient.covers(&from) || from.covers(recipient)),
            "why-iss-not-recipient",
        ),
        (claims.text("aud") == Some(&verifier.pins.gateway), "why-aud-not-gateway"),
        (claims.text("release_id").is_some(), "why-no-release-id"),
        (matches!(result, Some("received" | "rejected")), "why-result-unknown"),
        (claims.digest("digest").is_some(), "why-digest-none"),
    ];
    verifier.all(&name, &facts).then_some(claims)
}

/// A policy's text against its digest, and what the text says of itself against what the bundle
/// says of it.
fn policy(
    verifier: &mut Verifier<'_>,
    prefix: &str,
    evidence: &PolicyEvidence,
    sender: Option<&Address>,
) {
    let (digest, says) = (format!("{prefix}.digest"), format!("{prefix}.reference"));
    let Some(text) = &evidence.text else {
        verifier.skip(&digest, "why-policy-text-absent");
        return verifier.skip(&says, "why-policy-text-absent");
    };
    let same = Digest::of(text.as_bytes()) == evidence.digest;
    verifier.all(&digest, &[(same, "why-text-other-digest")]);
    let text = serde_json::from_str::<Value>(text).ok();
    let Some(Value::Object(text)) = text else {
        return verifier.fail(&says, "why-policy-no-object");
    };
    let says_of = |name: &str, fits: &dyn Fn(&Value) -> bool| text.get(name).is_none_or(fits);
    let address = |value: &Value| value.as_str().and_then(|text| text.parse::<Address>().ok());
    let covers = |value: &Value, of: &Address| address(value).is_some_and(|a| a.covers(of));
    let facts = [
        (says_of("id", &|id| *id == evidence.id), "why-text-other-id"),
        (says_of("version", &|v| *v == evidence.version), "why-text-other-version"),
        (says_of("recipient", &|to| covers(to, &evidence.party)), "why-other-recipient"),
        (
            says_of("sender", &|from| sender.is_none_or(|sender| covers(from, sender))),
            "why-other-sender",
        ),
    ];
    verifier.all(&says, &facts);
    approvals(verifier, prefix, evidence, &text);
}

/// The officers' words: about this very version, by different people, the author's among them.
/// They sign an exception as it was written; the text says which one it was made from.
fn approvals(
    verifier: &mut Verifier<'_>,
    prefix: &str,
    evidence: &PolicyEvidence,
    text: &serde_json::Map<String, Value>,
) {
    if evidence.approvals.is_empty() {
        return;
    }
    let above = text.get("exception").and_then(|above| above.get("digest"));
    let kind = if above.is_some() { "exception" } else { "policy" };
    let digest = above.cloned().unwrap_or_else(|| serde_json::json!(evidence.digest));
    let mut people = std::collections::BTreeSet::new();
    let mut roles = std::collections::BTreeSet::new();
    for (at, word) in evidence.approvals.iter().enumerate() {
        let name = format!("{prefix}.approvals.{at}");
        if verifier.pins.officers.is_empty() {
            verifier.note(&name, Outcome::Unpinned, "why-no-officer-pinned");
            continue;
        }
        let said = unverified_claims(word);
        let officer = said.as_ref().and_then(|said| said.get("iss")?.as_str());
        let signer = officer.map_or(Signer::Unknown, Signer::Officer);
        let Some(claims) = verifier.word(&name, word, signer, typ::APPROVAL) else { continue };
        let by_its_officer = claims.text("iss") == officer;
        let gateway = verifier.pins.gateway.clone();
        let facts = [
            (by_its_officer, "why-iss-not-whose-key"),
            (claims.text("aud") == Some(&gateway), "why-aud-not-gateway"),
            (claims.text("kind") == Some(kind), "why-other-kind"),
            (claims.text("id") == Some(&evidence.id), "why-other-policy"),
            (claims.0.get("version").is_some_and(|v| *v == evidence.version), "why-other-version"),
            (claims.0.get("digest") == Some(&digest), "why-other-text"),
        ];
        verifier.all(&format!("{name}.claims"), &facts);
        roles.extend(claims.text("role").map(str::to_owned));
        people.extend(claims.text("iss").map(str::to_owned));
    }
    if !verifier.pins.officers.is_empty() {
        let facts = [
            (roles.contains("author"), "why-author-missing"),
            (people.len() == evidence.approvals.len(), "why-officer-twice"),
        ];
        verifier.all(&format!("{prefix}.approvals"), &facts);
    }
}
