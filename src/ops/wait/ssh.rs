//! `wait::ssh`: an SSH server greets.

use super::{check_host, check_times, until};
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Waits until an SSH server sends its greeting, as seen from the host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    host: Option<String>,
    port: Option<u16>,
    timeout: Option<f64>,
    every: Option<f64>,
}

impl Operation for Ssh {
    const NAME: &'static str = "wait::ssh";
    const TARGET: &'static str = "host";
    type Seen = ();

    fn check(&self) -> Result<(), String> {
        check_host(self.host.as_deref())?;
        check_times(self.timeout, self.every)
    }

    fn probe(&self, _: &mut View<'_>) -> Result<(), OpError> {
        Ok(())
    }

    fn plan(&self, (): &()) -> Result<Plan, OpError> {
        let (host, port) = (self.host.as_deref().unwrap_or("127.0.0.1"), self.port.unwrap_or(22));
        let what = format!("the SSH server of {host}, port {port}, to greet");
        let script = format!("h={} p={port}\n{}", quote(host), include_str!("greeting.sh"));
        Ok(until(Command::script(script), self.timeout, self.every, what))
    }
}
