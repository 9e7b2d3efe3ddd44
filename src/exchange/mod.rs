//! The use cases, one per file. Each reads a snapshot, decides, and hands the store one `Changes`.

pub mod acknowledge;
pub mod collect;
pub mod gather_evidence;
pub mod hold;
pub mod show;
pub mod submit;
pub mod token;

use std::sync::Arc;

use crate::auth::Directory;
use crate::clock::Clock;
use crate::domain::Refused;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A plain problem: nothing was recorded.
    #[error("{}", .0.code)]
    Problem(Refused),
    /// Refused, signed and recorded.
    #[error("{}", .refused.code)]
    Recorded {
        /// Why.
        refused: Refused,
        /// The signed refusal (`titian-refusal+jwt`).
        refusal: String,
    },
    /// The store cannot take it now: 503, nothing recorded.
    #[error("the gateway cannot take this now")]
    Unavailable,
    /// The gateway failed: 500, logged by its cause, told by request id only.
    #[error("the gateway failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The rules in force: swapped whole on reload.
#[derive(Debug)]
pub struct Rules {
    /// Parties.
    pub directory: Directory,
    /// Raised by every change of the rules.
    pub generation: u64,
}

/// Everything the use cases need.
#[derive(Debug)]
pub struct Gateway {
    _private: (),
}

impl Gateway {
    /// `iss` of what the gateway signs, `aud` of what it is sent.
    pub fn id(&self) -> &str {
        todo!()
    }
    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        todo!()
    }
    /// The rules in force.
    pub fn rules(&self) -> Arc<Rules> {
        todo!()
    }
    /// Whether the store can write now (`/health/ready`).
    pub async fn ready(&self) -> Result<(), Failure> {
        todo!()
    }
    /// What waits (`/metrics`).
    pub async fn backlog(&self) -> Result<crate::store::Backlog, Failure> {
        todo!()
    }
    /// A fresh id for a request.
    pub fn request_id(&self) -> crate::domain::RequestId {
        todo!()
    }
}
