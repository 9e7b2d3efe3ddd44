//! The words of the field as plain data: ids, addresses, leaves, bodies, strict JSON.
//!
//! Nothing here reads a clock, a file, a key or a socket, and nothing here decides: every layer
//! above may name this one, and this one names none.

#[macro_use]
pub mod words;

pub mod address;
pub mod aggregate;
pub mod agreement;
pub mod body;
pub mod code;
pub mod digest;
pub mod governance;
pub mod id;
pub mod json;
pub mod leaf;
pub mod phrase;
pub mod problem;
pub mod state;
pub mod statement;

pub use address::{Address, PartyId, PartyKind, UnitId};
pub use aggregate::{CellId, Period, TableId};
pub use agreement::Agreement;
pub use body::{Body, Context, Pseudonyms};
pub use code::{MessageType, Purpose};
pub use digest::Digest;
pub use governance::{
    Act, Approval, DocumentKind, KeyEndorsement, Needs, SignerRole, VersionState,
};
pub use id::{ExchangeRef, Id, MessageId, ReleaseId, RequestId};
pub use leaf::{Class, Leaf, LeafName, LeafTable, Shape};
pub use phrase::{Language, Phrase};
pub use problem::{Code, Fault, Refused};
pub use statement::Statement;
