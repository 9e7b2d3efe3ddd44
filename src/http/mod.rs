//! The agencies' edge: router, limits, extractors, problem documents, one file per resource.
//!
//! A handler reads its request, calls one use case and shapes the answer. It decides nothing.

mod answer;
mod exchanges;
mod extract;
mod inbox;
mod ledger;
pub mod limits;
mod management;
mod messages;
mod middleware;
pub mod problem;
mod router;
mod schemas;
mod tls;
mod token;
mod verifier;
mod well_known;

pub use limits::{Limits, Rates};
pub use management::management;
pub use router::{Edge, PUBLIC, ROUTES, router};
pub use tls::{peer, tls_config};
