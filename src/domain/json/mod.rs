//! Strict and canonical JSON: one reading of every byte string, one writing of every value.

mod strict;

use serde_json::Value;

pub use strict::{DEPTH_MAX, JsonFault, parse};

/// The RFC 8785 form. Values from [`parse`] hold only integers below 2^53, so none is changed.
///
/// # Errors
/// When the value cannot be written, which no value from [`parse`] causes.
pub fn canonical(value: &Value) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}
