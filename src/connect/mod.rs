//! Local, ssh, docker, podman, command template: opens a shell on a host.

use crate::inventory::{Connection, Escalation};
use crate::remote::Shell;

/// Opens a line to a host.
pub fn open(_connection: &Connection, _become: Option<&Escalation>) -> Box<dyn Shell> {
    todo!()
}
