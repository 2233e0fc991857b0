//! Hosts, groups, variables.

mod host;

pub use host::{Connect, Connection, Escalation, Host, Method};
