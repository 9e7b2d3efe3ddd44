//! Evidence for an officer: checked here under the gateway's own pins, or taken as a file, which is
//! recorded, because the file holds what the message says.

use serde_json::{Value, json};

use crate::domain::{Code, Id, MessageId, ReleaseId};
use crate::evidence::{self, Report};
use crate::store::Changes;

use super::change::ChangeFault;
use super::gateway::commit;
use super::reader::{self, Reader};
use super::{Failure, Gateway, gather_evidence, pins};

/// Evidence of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A message that the officer's party sent.
    Message(MessageId),
    /// A release that it was handed.
    Release(ReleaseId),
}

/// Checks it; shows no value.
///
/// # Errors
/// `not-found` for what the officer's party or unit neither sent nor was handed.
pub async fn check(gateway: &Gateway, officer: &str, of: Of) -> Result<Report, Failure> {
    let (_, reader) = reader::officer(gateway, officer)?;
    let bundle = gather(gateway, &reader, of).await?;
    let bytes = serde_json::to_vec(&bundle).map_err(Failure::internal)?;
    let pins = pins::own(gateway).await.map_err(failed)?;
    Ok(evidence::verify(&bytes, &pins))
}

/// The file. That the officer took it is recorded first.
///
/// # Errors
/// As [`check`].
pub async fn take(gateway: &Gateway, officer: &str, of: Of) -> Result<Vec<u8>, Failure> {
    let (_, reader) = reader::officer(gateway, officer)?;
    let bundle = gather(gateway, &reader, of).await?;
    let (kind, id): (_, Id) = match of {
        Of::Message(id) => ("message", id.0),
        Of::Release(id) => ("release", id.0),
    };
    let event = json!({
        "kind": "evidence-taken",
        "of": kind,
        "id": id,
        "officer": officer,
        "at": gateway.now(),
    });
    let event = crate::domain::json::canonical(&event).map_err(Failure::internal)?;
    let entry = gateway.entry(reader.address.party.as_str(), event)?;
    commit(gateway.store(), Changes { entries: vec![entry], ..Changes::default() }).await?;
    serde_json::to_vec_pretty(&bundle).map_err(Failure::internal)
}

async fn gather(gateway: &Gateway, reader: &Reader, of: Of) -> Result<Value, Failure> {
    match of {
        Of::Message(id) => gather_evidence::of_message(gateway, reader, id).await,
        Of::Release(id) => gather_evidence::of_release(gateway, reader, id).await,
    }
}

fn failed(fault: ChangeFault) -> Failure {
    match fault {
        ChangeFault::Failed(failure) => failure,
        _ => Failure::problem(Code::NotFound),
    }
}
