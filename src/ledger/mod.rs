//! RFC 9162 trees.
