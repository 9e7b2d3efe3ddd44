//! Evidence bundles: what a sender or a recipient can show to anyone, offline.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::domain::{Act, DocumentKind, MessageId, ReleaseId};
use crate::evidence::bundle::{
    AcknowledgementEvidence, BodyEvidence, Bundle, EventKind, FORMAT, Keys, LedgerKey,
    PolicyEvidence, PolicyReference, ProvenAcknowledgement, RecipientBundle, SchemaEvidence,
    SenderBundle,
};
use crate::sign::KeySet;
use crate::store::ReleaseRow;
use crate::store::rows::PolicyPin;

use super::disclose::stored_object;
use super::reader::Reader;
use super::{Failure, Gateway, acknowledge, collect, show};

/// The sender's evidence.
///
/// # Errors
/// `not-found` for a message that this reader did not send.
pub async fn of_message(
    gateway: &Gateway,
    reader: &Reader,
    id: MessageId,
) -> Result<Value, Failure> {
    let row = show::own_message(gateway, &reader.address, id).await?;
    let party = &row.sender.party;
    let object = stored_object(gateway, &row)?;
    let message = object.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let (mut acknowledgements, mut policies) = (Vec::new(), Vec::new());
    if !reader.is_foreign {
        let releases = gateway.store().releases_of(party, &id).await?;
        for recipient in gateway.store().recipients(party, &id).await? {
            if let Some(pin) = recipient.policy {
                let approvals = approvals(gateway, &pin).await?;
                policies.push(PolicyEvidence {
                    party: recipient.recipient.clone(),
                    id: pin.id,
                    version: pin.version,
                    digest: pin.digest,
                    text: gateway.store().policy_text(&pin.digest).await?,
                    approvals,
                });
            }
            let first =
                |r: &&ReleaseRow| r.recipient == recipient.recipient && r.supplements.is_none();
            let Some(release) = releases.iter().find(first) else { continue };
            if let Some(word) = gateway.store().acknowledgement(&release.release_id).await? {
                acknowledgements.push(AcknowledgementEvidence {
                    party: recipient.recipient,
                    jws: word.jws,
                    receipt: Some(word.receipt),
                });
            }
        }
    }
    let bundle = Bundle::Sender(SenderBundle {
        format: FORMAT.to_owned(),
        gateway: gateway.id().to_owned(),
        message_id: id,
        message,
        event: EventKind::Receipt,
        receipt: row.receipt.clone(),
        proof: gateway.recorded_proof(party.as_str(), row.entry).await?,
        acknowledgements,
        policies,
        keys: keys(gateway, party.as_str()),
    });
    bundle.to_value().map_err(Failure::internal)
}

/// The signed words of the officers behind a policy version; none for a fixed plan.
async fn approvals(gateway: &Gateway, pin: &PolicyPin) -> Result<Vec<String>, Failure> {
    for kind in [DocumentKind::Policy, DocumentKind::Exception] {
        let rows = gateway.store().versions_of(kind, &pin.id).await?;
        if let Some(row) = rows.into_iter().find(|row| row.key.version == pin.version) {
            // of a version that was given back only the last round counts
            let last = row.steps.iter().rposition(|step| step.act == Act::Proposed);
            let steps = row.steps.into_iter().skip(last.unwrap_or(0));
            return Ok(steps.filter_map(|step| step.jws).collect());
        }
    }
    Ok(Vec::new())
}

/// The recipient's evidence: its own release and nothing about anyone else.
///
/// # Errors
/// `not-found` for a release that was not handed out to this reader.
pub async fn of_release(
    gateway: &Gateway,
    reader: &Reader,
    id: ReleaseId,
) -> Result<Value, Failure> {
    let row = acknowledge::own_release(gateway, &reader.address, id).await?;
    let ledger = row.recipient.party.as_str();
    let entry = row.entry.ok_or(Failure::Unavailable)?;
    let schema = show::release_schema(gateway, &reader.address.party, row.release_schema).await?;
    let body = match collect::disclosure(gateway, &row)? {
        Some(disclosure) => BodyEvidence::Present { disclosure },
        None => BodyEvidence::Erased,
    };
    let acknowledgement = match gateway.store().acknowledgement(&id).await? {
        None => None,
        Some(word) => Some(ProvenAcknowledgement {
            jws: word.jws,
            receipt: word.receipt,
            proof: gateway.recorded_proof(ledger, word.entry).await?,
        }),
    };
    let bundle = Bundle::Recipient(RecipientBundle {
        format: FORMAT.to_owned(),
        gateway: gateway.id().to_owned(),
        release_id: id,
        release: row.statement.clone(),
        release_digest: row.digest,
        body,
        policy: PolicyReference {
            id: row.policy.id.clone(),
            version: row.policy.version,
            digest: row.policy.digest,
        },
        release_schema: SchemaEvidence {
            digest: row.release_schema,
            schema: serde_json::from_str(&schema).map_err(Failure::internal)?,
        },
        proof: gateway.recorded_proof(ledger, entry).await?,
        acknowledgement,
        keys: keys(gateway, ledger),
    });
    bundle.to_value().map_err(Failure::internal)
}

fn keys(gateway: &Gateway, ledger: &str) -> Keys {
    let keys = gateway.keys();
    let raw = keys.ledger.public().ed25519_bytes().unwrap_or_default();
    Keys {
        jwks: KeySet::new(vec![keys.signing.public().clone()]).to_jwks(),
        ledger: LedgerKey {
            name: gateway.checkpoints.origin(ledger),
            public_key: URL_SAFE_NO_PAD.encode(raw),
        },
    }
}
