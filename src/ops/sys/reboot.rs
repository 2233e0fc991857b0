//! `sys::reboot`

use crate::event::Sign;
use crate::ops::resource::reboot_flag::RebootFlag;
use crate::ops::{Change, OpError, Operation, Plan, Step, View};
use crate::remote::Command;
use serde::Deserialize;
use std::time::Duration;

/// Restarts a host and waits until it answers again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reboot {
    timeout: Option<u64>,
    #[serde(default)]
    only_if_required: bool,
}

const TIMEOUT_SECS: u64 = 600;

impl Operation for Reboot {
    const NAME: &'static str = "sys::reboot";
    const TARGET: &'static str = "";
    type Seen = bool;

    fn check(&self) -> Result<(), String> {
        match self.timeout {
            Some(0) => Err("argument `timeout` must be at least 1 second".into()),
            _ => Ok(()),
        }
    }

    fn probe(&self, view: &mut View<'_>) -> Result<bool, OpError> {
        if !self.only_if_required {
            return Ok(true);
        }
        Ok(view.see::<RebootFlag>(RebootFlag::KEY)?.required)
    }

    fn plan(&self, required: &bool) -> Result<Plan, OpError> {
        if !required {
            return Ok(Plan::new());
        }
        // Later, so that the answer to this request comes back before the line goes down.
        let command = Command::script(
            "command -v reboot >/dev/null || { echo 'no reboot(8) on this host' >&2; exit 1; }\n\
             ( sleep 1; if [ -d /run/systemd/system ]; then systemctl reboot; else reboot; fi ) \
             </dev/null >/dev/null 2>&1 &",
        );
        let timeout = Duration::from_secs(self.timeout.unwrap_or(TIMEOUT_SECS));
        let change = Change::new(Sign::Run, "restart the host").step(Step::Reboot { command, timeout });
        Ok(change.makes(RebootFlag::KEY, RebootFlag { required: false }).into())
    }
}
