//! policy.

pub mod net;
