//! `service::running`

use super::Action;
use super::target::Target;
use super::target::managed;
use crate::event::Sign;
use crate::ops::args::{Many, absolute};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::resource::unit::{Enablement, Init, Unit, file_time};
use crate::ops::{Change, OpError, Operation, Plan, Resource, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Keeps a service running, and started after the files that it reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    name: String,
    enabled: Option<bool>,
    #[serde(default)]
    daemon_reload: bool,
    user: Option<String>,
    restart_if_older_than: Option<Many>,
    init: Option<Init>,
}

/// What was found of the service.
pub struct Seen {
    unit: Unit,
    /// The first file that is newer than its start.
    newer: Option<String>,
}

impl Running {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }

    fn files(&self) -> &[String] {
        self.restart_if_older_than.as_ref().map_or(&[], |files| files.0.as_slice())
    }

    /// A file that this plan changes will be newer than any start before.
    fn newer(&self, view: &mut View<'_>, unit: &Unit) -> Result<Option<String>, OpError> {
        let (Some(started), false) = (unit.started, self.files().is_empty()) else { return Ok(None) };
        let is_planned = |path: &&String| view.is_planned(|key| key.kind == Path::KIND && key.id == **path);
        if let Some(planned) = self.files().iter().find(is_planned) {
            return Ok((started != i128::MAX).then(|| planned.clone()));
        }
        let words: Vec<String> = self.files().iter().map(|path| quote(path)).collect();
        let command = Command::script(format!(
            "for p in {}; do stat -L -c '%Y %y' \"$p\" 2>/dev/null || echo absent; done",
            words.join(" ")
        ));
        let output = view.read(&command)?;
        let text = output.text();
        let newer = |(_, line): &(&String, &str)| file_time(line).is_some_and(|changed| changed > started);
        Ok(self.files().iter().zip(text.lines()).find(newer).map(|(path, _)| path.clone()))
    }
}

impl Operation for Running {
    const NAME: &'static str = "service::running";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        self.target().check()?;
        self.files().iter().try_for_each(|path| absolute("restart_if_older_than", path))
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![managed(args).aspect("running", true).takes(args, &["enabled"])]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let unit = self.target().see(view)?;
        let newer = if unit.running { self.newer(view, &unit)? } else { None };
        Ok(Seen { unit, newer })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let (target, unit) = (self.target(), &seen.unit);
        if unit.enablement == Enablement::Masked && !unit.running {
            return Err(target.masked());
        }
        let mut after = Unit { needs_reload: unit.needs_reload && !self.daemon_reload, ..unit.clone() };
        let mut plan = Plan::of(target.daemon_reload(self.daemon_reload, unit));
        plan.changes.extend(target.at_boot(self.enabled, unit, &mut after)?);
        let after = after.with_running(true);
        let change = match (&seen.newer, unit.running) {
            (_, false) => Some(target.act(Action::Start, unit, after)),
            (Some(newer), true) => {
                let restart = target.act(Action::Restart, unit, after);
                let text = format!("{}: {newer} is newer than its start", restart.text);
                Some(Change { sign: Sign::Update, text, ..restart })
            }
            (None, true) => None,
        };
        plan.changes.extend(change);
        Ok(plan)
    }
}
