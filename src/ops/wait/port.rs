//! `wait::port`: something listens.

use super::{check_host, check_times, until};
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Waits until a TCP port accepts a connection, as seen from the host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    port: u16,
    host: Option<String>,
    timeout: Option<f64>,
    every: Option<f64>,
}

impl Operation for Port {
    const NAME: &'static str = "wait::port";
    const TARGET: &'static str = "port";
    type Seen = ();

    fn check(&self) -> Result<(), String> {
        if self.port == 0 {
            return Err("argument `port`: nothing listens on port 0".into());
        }
        check_host(self.host.as_deref())?;
        check_times(self.timeout, self.every)
    }

    fn probe(&self, _: &mut View<'_>) -> Result<(), OpError> {
        Ok(())
    }

    fn plan(&self, (): &()) -> Result<Plan, OpError> {
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        let what = format!("port {} of {host} to open", self.port);
        Ok(until(connect(host, self.port), self.timeout, self.every, what))
    }
}

/// Succeeds when a connection is accepted.
fn connect(host: &str, port: u16) -> Command {
    Command::script(format!("h={} p={port}\n{}", quote(host), include_str!("connect.sh")))
}
