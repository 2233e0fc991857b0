//! `service::stopped`

use super::Action;
use super::target::Target;
use super::target::managed;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::unit::{Init, Unit};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps a service stopped. One that is not there is stopped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    name: String,
    enabled: Option<bool>,
    user: Option<String>,
    init: Option<Init>,
}

impl Stopped {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}

impl Operation for Stopped {
    const NAME: &'static str = "service::stopped";
    type Seen = Unit;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![managed(args).aspect("running", false).takes(args, &["enabled"])]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        match self.enabled {
            Some(true) => self.target().see(view),
            _ => self.target().see_any(view),
        }
    }

    fn plan(&self, unit: &Unit) -> Result<Plan, OpError> {
        let target = self.target();
        let mut after = unit.clone();
        let boot = target.at_boot(self.enabled, unit, &mut after)?;
        let stop = unit.running.then(|| target.act(Action::Stop, unit, after.with_running(false)));
        Ok(Plan::of(boot.into_iter().chain(stop)))
    }
}
