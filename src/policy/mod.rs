//! Policies: what a recipient receives, leaf by leaf.
//!
//! Pure. A policy is compiled against a schema under the floor into a plan: finite, total, one
//! operation per leaf. A body is *projected* by building the output from the plan, never by
//! copying and trimming. The [`net`] looks at what may still vary, the release schema at all of
//! it.

mod batch;
mod both;
mod budget;
mod compile;
mod diff;
mod disclose;
mod exception;
mod explain;
mod floor;
mod lines;
mod matrix;
pub mod net;
mod offer;
mod operation;
mod plan;
mod planted;
mod preview;
mod prove;
mod release_schema;
mod rewrite;
mod set;
mod source;
pub mod statistics;
mod template;

pub use batch::{BadBatch, Batch, Window};
pub use both::{Both, both};
pub use budget::{BadBaseline, Baseline, NotAProfile, Profile};
pub use compile::{Compiled, Finding, compile};
pub use diff::{Change, ChangeKind, Diff, HeadChange, NotComparable, diff};
pub use disclose::{
    Disclosure, Withheld, direct_values, disclose, project_unchecked, would_disclose,
};
pub use exception::{EXCEPTION_DAYS_MAX, ExceptionSource};
pub use explain::{DiffSentences, explain, explain_diff, print};
pub use floor::{BadFloor, Floor};
pub use lines::changed_lines;
pub use matrix::{Cell, cells};
pub use offer::{Choice, Offer, key_of, offers, offers_by_exception, offers_of_arrays};
pub use operation::{Band, Operation};
pub use plan::Plan;
pub use preview::{Preview, flat, preview};
pub use prove::{Proof, ProofRow, prove};
pub use rewrite::{HeadEdit, Row, reasons, rewritten};
pub use set::{Edge, Fixed, PolicySet};
pub use source::{BadSource, Head, Source};
pub use template::{NoTemplate, Template};
