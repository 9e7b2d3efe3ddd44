//! Append-only Merkle ledgers: RFC 9162 hashing, proofs, and C2SP checkpoints.
//!
//! Pure: no storage, no clock, no key of its own. Whoever keeps the nodes hands them in, whoever
//! holds the key signs. Only complete subtrees are ever kept, because their hashes never change;
//! the ragged right edge is folded from them each time.

pub mod batch;
pub mod note;
pub mod proof;
pub mod tree;

pub use batch::{Batch, Mark, Node};
pub use note::{Checkpoint, NotSigned, NoteFault, VerifierKey};
pub use proof::{consistency, inclusion, root, verify_consistency, verify_inclusion};
pub use tree::{EMPTY_ROOT, Frontier, SIZE_MAX, entry_data, leaf_hash, node_hash};
