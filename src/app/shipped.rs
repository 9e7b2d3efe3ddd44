//! The rules that ship with Titian, as `titian init` writes them.

/// `floor.toml`.
pub(super) const FLOOR: &str = "";
/// Agreements: file name and text.
pub(super) const AGREEMENTS: &[(&str, &str)] = &[];
/// Policies: file name and text.
pub(super) const POLICIES: &[(&str, &str)] = &[];
