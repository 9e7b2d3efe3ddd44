//! RFC 9162 trees.

pub mod tree;

pub use tree::{Batch, Frontier, Mark, Node, entry_data, inclusion, leaf_hash, node_hash};
