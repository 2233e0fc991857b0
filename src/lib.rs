//! rhapsode: an agentless infrastructure engine, scripted with Rhai playbooks.
//!
//! Lowest first: a folder uses only what stands above it here, as `tests/layout.rs` checks.

pub mod event;
pub mod secret;
pub mod remote;
pub mod inventory;
pub mod connect;
pub mod ops;
pub mod engine;
pub mod state;
pub mod report;
pub mod pki;
pub mod script;
pub mod cli;
