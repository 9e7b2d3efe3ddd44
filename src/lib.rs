//! Titian: the gateway through which agencies that do not fully trust one another exchange
//! messages about children and women in rehabilitation.

pub mod app;
pub mod auth;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod console;
pub mod domain;
pub mod evidence;
pub mod exchange;
pub mod http;
pub mod ledger;
pub mod listener;
pub mod mutant;
pub mod policy;
pub mod schema;
pub mod secret;
pub mod sign;
pub mod store;
pub mod telemetry;
pub mod wire;
