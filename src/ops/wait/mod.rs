//! Waiting for something to come true. No change: a plan has nothing to say about it.

mod file;
mod http;
mod port;
mod ssh;

pub use file::File;
pub use http::Http;
pub use port::Port;
pub use ssh::Ssh;

use super::{Plan, Step};
use crate::remote::Command;
use std::time::Duration;

const TIMEOUT_SECS: f64 = 60.0;
const EVERY_SECS: f64 = 1.0;

/// A wait of `timeout` seconds with one try each `every` seconds.
fn until(command: Command, timeout: Option<f64>, every: Option<f64>, what: String) -> Plan {
    let every = Duration::from_secs_f64(every.unwrap_or(EVERY_SECS));
    let timeout = Duration::from_secs_f64(timeout.unwrap_or(TIMEOUT_SECS));
    Plan::new().wait(Step::Wait { command, every, timeout, what })
}

fn check_times(timeout: Option<f64>, every: Option<f64>) -> Result<(), String> {
    for (argument, seconds) in [("timeout", timeout), ("every", every)] {
        // A day is more than any deployment waits, and far from what a Duration cannot hold.
        if seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 86_400.0)) {
            return Err(format!("argument `{argument}`: seconds must be above 0 and at most 86400"));
        }
    }
    Ok(())
}

fn check_host(host: Option<&str>) -> Result<(), String> {
    let odd = |c: char| !(c.is_alphanumeric() || ".-_:%".contains(c));
    match host {
        Some(host) if host.is_empty() || host.starts_with('-') || host.contains(odd) => {
            Err(format!("argument `host`: {host:?} is no host name or address"))
        }
        _ => Ok(()),
    }
}
