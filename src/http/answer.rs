//! What handlers answer.

use super::problem::HttpProblem;

/// An answer, or a problem.
pub(super) type Answer<T> = Result<T, HttpProblem>;
