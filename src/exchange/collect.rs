//! The inbox.
use std::time::Duration;

use super::{Failure, Gateway};
use crate::auth::Caller;
use crate::wire::InboxPage;

/// What is asked of an inbox.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Cursor of the previous page.
    pub after: Option<i64>,
    /// 1-100.
    pub limit: u32,
    /// 0-30 s.
    pub wait: Duration,
}

/// Answers a page, waiting up to `ask.wait` for the first release. `still` is asked again after
/// the wait: the caller's party, certificate and token must still hold when releases are handed out.
pub async fn collect(
    _gateway: &Gateway,
    _caller: &Caller,
    _ask: Ask,
    _still: &(dyn Fn() -> Result<Caller, Failure> + Send + Sync),
) -> Result<InboxPage, Failure> {
    todo!()
}
