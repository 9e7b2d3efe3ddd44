//! Builds every long-lived part.

pub mod certificates;
pub mod floor;
pub mod home;
pub mod keys;
pub mod kit;
pub mod records;

pub use home::{Home, Lock};
