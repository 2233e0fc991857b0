//! `service::restarted`, `service::reloaded`: actions, done whenever they are asked for.

use super::Action;
use super::target::Target;
use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::unit::{Enablement, Init, Unit};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Restarts a service, or starts it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restarted {
    name: String,
    #[serde(default)]
    daemon_reload: bool,
    user: Option<String>,
    init: Option<Init>,
}

/// Lets a service read its configuration anew; one that cannot is restarted, one that is stopped is started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reloaded {
    name: String,
    #[serde(default)]
    daemon_reload: bool,
    user: Option<String>,
    init: Option<Init>,
}

impl Operation for Restarted {
    const NAME: &'static str = "service::restarted";
    type Seen = Option<Unit>;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.action(Self::NAME, args.text("name"), &["user", "init"])]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Option<Unit>, OpError> {
        see(&self.target(), view)
    }

    fn plan(&self, seen: &Option<Unit>) -> Result<Plan, OpError> {
        act(&self.target(), Action::Restart, self.daemon_reload, seen.as_ref())
    }
}

impl Operation for Reloaded {
    const NAME: &'static str = "service::reloaded";
    type Seen = Option<Unit>;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.action(Self::NAME, args.text("name"), &["user", "init"])]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Option<Unit>, OpError> {
        see(&self.target(), view)
    }

    fn plan(&self, seen: &Option<Unit>) -> Result<Plan, OpError> {
        act(&self.target(), Action::Reload, self.daemon_reload, seen.as_ref())
    }
}

/// An action is certain even where the state is not: a unit that a planned package brings is restarted as well.
fn see(target: &Target<'_>, view: &mut View<'_>) -> Result<Option<Unit>, OpError> {
    match target.see(view) {
        Ok(unit) => Ok(Some(unit)),
        Err(OpError::Unknown(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn act(target: &Target<'_>, action: Action, daemon_reload: bool, seen: Option<&Unit>) -> Result<Plan, OpError> {
    let Some(unit) = seen else {
        return Ok(Change::new(Sign::Run, format!("{} {}", action.as_str(), target.key())).into());
    };
    if unit.enablement == Enablement::Masked {
        return Err(target.masked());
    }
    let reload = target.daemon_reload(daemon_reload, unit);
    let after = Unit { needs_reload: unit.needs_reload && !daemon_reload, ..unit.clone() };
    let after = match action {
        Action::Reload => Unit { running: true, ..after },
        _ => after.with_running(true),
    };
    let change = target.act(action, unit, after);
    Ok(Plan::of(reload.into_iter().chain([change])))
}

impl Restarted {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}

impl Reloaded {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}
