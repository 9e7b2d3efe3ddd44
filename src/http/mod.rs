//! The agencies' edge: router, limits, extractors, problem documents, one file per resource.
//!
//! A handler reads its request, calls one use case and shapes the answer. It decides nothing.

mod answer;
mod exchanges;
mod extract;
mod inbox;
mod ledger;
pub mod limits;
pub mod listener;
mod management;
mod messages;
mod middleware;
pub mod problem;
mod router;
mod schemas;
mod token;
mod verifier;
mod well_known;

pub use limits::{Limits, Rates};
pub use listener::{Listener, tls_config};
pub use management::management;
pub use router::{Deadlines, Edge, PUBLIC, ROUTES, router};
