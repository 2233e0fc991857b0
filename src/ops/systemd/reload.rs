//! `systemd::daemon_reload`

use crate::event::Sign;
use crate::ops::resource::Path;
use crate::ops::service::{reloaded, reloads_units};
use crate::ops::{Change, OpError, Operation, Plan, Resource, View};
use crate::remote::Command;
use serde::Deserialize;

/// Lets systemd read its unit files anew when some are newer than what it read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonReload {}

impl Operation for DaemonReload {
    const NAME: &'static str = "systemd::daemon_reload";
    const TARGET: &'static str = "";
    /// The units whose files are newer.
    type Seen = Vec<String>;

    fn probe(&self, view: &mut View<'_>) -> Result<Vec<String>, OpError> {
        let is_unit_file = |id: &str| {
            ["/etc/systemd/", "/usr/lib/systemd/", "/lib/systemd/", "/etc/fstab"]
                .iter()
                .any(|start| id.starts_with(start))
        };
        let changed = view.planned_at(|key| key.kind == Path::KIND && is_unit_file(&key.id));
        let read = view.planned_at(|key| *key == reloaded());
        if changed.is_some() && read < changed {
            return Err(OpError::Unknown("which units have changed files".into()));
        }
        if read.is_some() {
            return Ok(Vec::new());
        }
        let command = Command::script(
            "[ -d /run/systemd/system ] || { echo none; exit 0; }\n\
             LC_ALL=C systemctl show --property=Id,NeedDaemonReload '*'",
        );
        let output = view.read(&command)?;
        let text = output.text();
        if text == "none" {
            return Err(OpError::refused("systemd does not run on this host"));
        }
        if !output.ok() {
            return Err(OpError::command(&command, &output));
        }
        let outdated = text.split("\n\n").filter(|block| block.contains("NeedDaemonReload=yes"));
        let name = |block: &str| block.lines().find_map(|line| line.strip_prefix("Id=")).map(str::to_owned);
        Ok(outdated.filter_map(name).collect())
    }

    fn plan(&self, seen: &Vec<String>) -> Result<Plan, OpError> {
        if seen.is_empty() {
            return Ok(Plan::new());
        }
        let command = Command::new("systemctl").arg("daemon-reload");
        let change = Change::new(Sign::Run, format!("daemon-reload for {}", seen.join(", "))).run(command);
        Ok(reloads_units(change).into())
    }
}
