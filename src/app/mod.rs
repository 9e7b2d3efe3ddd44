//! Builds every long-lived part.

pub mod certificates;
pub mod floor;
pub mod home;
pub mod keys;

pub use home::{Home, Lock};
