//! What is taken from the environment; nothing else reads it.

/// Names the home for every command that takes `--home`.
pub const HOME: &str = "TITIAN_HOME";
/// Overrides `[log] filter` of `titian.toml`.
pub const LOG: &str = "TITIAN_LOG";

/// The filter in [`LOG`], if it is set and is text.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn log_filter() -> Option<String> {
    std::env::var(LOG).ok().filter(|filter| !filter.is_empty())
}
