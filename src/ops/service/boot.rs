//! `service::enabled`, `service::disabled`, `service::masked`

use super::Action;
use super::target::Target;
use super::target::managed;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::unit::{Enablement, Init, Unit};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

/// Starts a service at boot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enabled {
    name: String,
    user: Option<String>,
    init: Option<Init>,
}

/// Does not start a service at boot. One that is not there is not started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {
    name: String,
    user: Option<String>,
    init: Option<Init>,
}

/// Lets nobody start a unit, or lets them again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masked {
    name: String,
    present: Option<bool>,
    user: Option<String>,
    init: Option<Init>,
}

impl Operation for Enabled {
    const NAME: &'static str = "service::enabled";
    type Seen = Unit;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![managed(args).aspect("enabled", true)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        self.target().see(view)
    }

    fn plan(&self, unit: &Unit) -> Result<Plan, OpError> {
        let change = self.target().at_boot(Some(true), unit, &mut unit.clone())?;
        Ok(Plan::of(change))
    }
}

impl Operation for Disabled {
    const NAME: &'static str = "service::disabled";
    type Seen = Unit;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![managed(args).aspect("enabled", false)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        self.target().see_any(view)
    }

    fn plan(&self, unit: &Unit) -> Result<Plan, OpError> {
        let change = self.target().at_boot(Some(false), unit, &mut unit.clone())?;
        Ok(Plan::of(change))
    }
}

impl Operation for Masked {
    const NAME: &'static str = "service::masked";
    type Seen = Unit;

    fn check(&self) -> Result<(), String> {
        self.target().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![managed(args).aspect("masked", args.is_present())]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Unit, OpError> {
        self.target().see_any(view)
    }

    fn plan(&self, unit: &Unit) -> Result<Plan, OpError> {
        if unit.init == Init::Openrc {
            return Err(OpError::refused_with(
                "OpenRC cannot mask a service",
                "service::disabled(name) is what it has",
            ));
        }
        let target = self.target();
        let mask = self.present.unwrap_or(true);
        Ok(match (mask, unit.enablement == Enablement::Masked) {
            (true, false) => {
                let after = Unit { enablement: Enablement::Masked, loaded: true, ..unit.clone() };
                target.act(Action::Mask, unit, after).into()
            }
            // What is below the mask shows only when it is gone.
            (false, true) => {
                let mut change = target.act(Action::Unmask, unit, unit.clone());
                change.effects.clear();
                change.makes_unknown::<Unit>(target.key(), format!("unit {} is masked now", target.key())).into()
            }
            _ => Plan::new(),
        })
    }
}

impl Enabled {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}

impl Disabled {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}

impl Masked {
    fn target(&self) -> Target<'_> {
        Target { name: &self.name, user: self.user.as_deref(), init: self.init }
    }
}
