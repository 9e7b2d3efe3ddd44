//! The shipped policies against the shipped schemas: the worked example leaf by leaf, what the
//! floor must turn away, and properties over random bodies. All data is synthetic.
#![cfg(test)]

mod batch;
mod budget;
mod floor;
mod properties;
mod support;
mod worked;
