//! What follows when unit files changed: daemon-reload, enablement, start.

use crate::event::Sign;
use crate::ops::resource::unit::{Enablement, Init, Unit};
use crate::ops::service::{Action, Target, reloads_units};
use crate::ops::{Change, OpError, Plan, View};
use crate::remote::Command;

/// The wanted state of a unit whose file we write.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// `app.service`.
    pub name: &'a str,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// Whether it runs.
    pub running: Option<bool>,
}

impl Wanted<'_> {
    fn target(&self) -> Target<'_> {
        Target { name: self.name, user: None, init: Some(Init::Systemd) }
    }

    /// Reads the state when one is wanted. A file about to be written makes its unit, whatever a package may bring.
    /// `restart` asks for it, too: only a running unit is restarted.
    pub fn see(&self, view: &mut View<'_>, is_created: bool, restart: bool) -> Result<Option<Unit>, OpError> {
        if self.enabled.is_none() && self.running.is_none() && !restart {
            return Ok(None);
        }
        match self.target().see_any(view) {
            Ok(unit) if unit.loaded => Ok(Some(unit)),
            Ok(_) | Err(OpError::Unknown(_)) if is_created => Ok(Some(Unit::fresh(Init::Systemd))),
            Ok(_) if self.enabled.is_none() && self.running.is_none() => Ok(None),
            Ok(_) => self.target().see(view).map(Some),
            Err(error) => Err(error),
        }
    }

    /// Adds what must follow the changes of files; `restart` says that a running unit takes them up only so.
    pub fn follow(&self, files: Vec<Change>, seen: Option<&Unit>, restart: bool) -> Result<Plan, OpError> {
        let target = self.target();
        let changed = !files.is_empty();
        let mut plan = Plan::of(files);
        if changed || seen.is_some_and(|unit| unit.needs_reload) {
            plan = plan.with(reload(&target, seen));
        }
        let Some(seen) = seen else { return Ok(plan) };
        let mut after = Unit { needs_reload: false, loaded: true, ..seen.clone() };
        plan.changes.extend(target.at_boot(self.enabled, seen, &mut after)?);
        if self.running == Some(true) && seen.enablement == Enablement::Masked {
            return Err(target.masked());
        }
        let turned = |action, on| target.act(action, seen, after.clone().with_running(on));
        Ok(match (self.running, seen.running) {
            (Some(true), false) => plan.with(turned(Action::Start, true)),
            (Some(false), true) => plan.with(turned(Action::Stop, false)),
            (_, true) if restart && changed => plan.with(turned(Action::Restart, true)),
            _ => plan,
        })
    }
}

/// `systemctl daemon-reload`, which makes a unit of each file. Without a running systemd there is nothing to tell.
fn reload(target: &Target<'_>, seen: Option<&Unit>) -> Change {
    let command = Command::script("[ ! -d /run/systemd/system ] || systemctl daemon-reload");
    let change = reloads_units(Change::new(Sign::Run, "daemon-reload").run(command));
    let unit = seen.cloned().unwrap_or_else(|| Unit::fresh(Init::Systemd));
    match seen {
        Some(_) => change.makes(target.key(), Unit { needs_reload: false, loaded: true, ..unit }),
        None => change.makes_unknown::<Unit>(target.key(), format!("the file of {} changes before", target.key())),
    }
}
