//! Statistical disclosure control: which cells of a report which party is shown.
//!
//! Pure. One table per period and one method for everyone: a number is rounded once, and whoever is
//! shown a cell is shown the same number. What differs between parties is only which cells they are
//! shown, because a party that referred a person, or holds a release about it, subtracts it.
//!
//! # The method
//! 1. **Primary suppression.** A cell is shown to a party only if at least `k` subjects remain after
//!    leaving out those the party knows of; empty cells are suppressed alike, so that nothing tells
//!    "none" from "few". No value that is sensitive may fill a row: where fewer than `k` of a row
//!    have another value, the row is suppressed (dominance).
//! 2. **Rounding.** Conventional rounding to the nearest multiple of `base`; nothing else is ever
//!    said about the cell again.
//! 3. **Complementary suppression.** What any coalition of recipients can still derive about each
//!    suppressed cell is computed ([`audit`]): the smallest and largest value that fits everything it
//!    was told. While an interval is too narrow, the smallest shown cell of its table, else of any,
//!    is suppressed too, and all is looked at again. Complementary suppression is Cox's (*Suppression
//!    methodology and statistical disclosure control*, JASA 75, 1980); intervals and protection levels
//!    are those of Fischetti and Salazar-González (Management Science 47, 2001) and of Duncan, Elliot
//!    and Salazar-González, *Statistical Confidentiality* (2011). Which choice leaves out least is
//!    NP-hard; this one is safe and may leave out more than needed.
//!
//! A small cell is protected if its interval holds at least `k` values; that fewer than `k` others
//! may stand in it follows, as they do. A cell suppressed to protect another one is, if its interval
//! holds at least `base` values: it is told no better than if it were shown.
//!
//! # What this cannot promise
//! A party may learn of persons of an earlier period later; what it then subtracts is not foreseen. A
//! reader who knows these rules may guess from *which* cells were left out. Parties that pool what
//! they know by name need no statistics.

mod audit;
mod count;
mod published;
mod record;
mod suppress;
#[cfg(test)]
mod tests;

pub use audit::{Contradiction, Interval, intervals};
pub use count::{Coalition, Counts, Subject, coalitions, outcome_cell, referral_cells};
pub use published::{BadFigures, Figure, Figures};
pub use record::{Mark, Record};
pub use suppress::{RECIPIENTS_MAX, Unprotected, suppress};
