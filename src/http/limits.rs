//! Rates: one per party, and one per party at the token endpoint.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::HttpProblem;
use crate::domain::{Code, PartyId};

/// What one party may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests of one party in a minute.
    pub requests_per_minute: u32,
    /// Tokens of one party in a minute.
    pub tokens_per_minute: u32,
    /// Open connections in all.
    pub connections_max: usize,
}

/// The rate limiters of one edge.
#[derive(Debug)]
pub struct Rates {
    requests: DefaultKeyedRateLimiter<PartyId>,
    tokens: DefaultKeyedRateLimiter<PartyId>,
}

impl Rates {
    /// Limiters for these limits; zero counts as one.
    pub fn new(limits: Limits) -> Self {
        let quota = |each: u32| Quota::per_minute(NonZeroU32::new(each).unwrap_or(NonZeroU32::MIN));
        Self {
            requests: RateLimiter::keyed(quota(limits.requests_per_minute)),
            tokens: RateLimiter::keyed(quota(limits.tokens_per_minute)),
        }
    }

    pub(super) fn take(&self, party: &PartyId) -> Result<(), HttpProblem> {
        let taken = self.requests.check_key(party);
        taken.map_err(|_cause| HttpProblem::because(Code::RateLimited))
    }

    pub(super) fn take_token(&self, party: &PartyId) -> Result<(), HttpProblem> {
        let taken = self.tokens.check_key(party);
        taken.map_err(|_cause| HttpProblem::because(Code::RateLimited))
    }
}
