//! `pkg::upgrade`

use super::manager::{Options, Verb, brings, lists_are_planned, manager_of, moved};
use super::names;
use super::simulated::{Simulated, summary};
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::resource::package::Manager;
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps all installed packages, or some, at the newest version that the package lists name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    #[serde(default)]
    dist: bool,
    only: Option<Many>,
    recommends: Option<bool>,
    lock_wait: Option<u64>,
    manager: Option<Manager>,
}

/// What the package manager says it would do.
pub struct Seen {
    manager: Manager,
    simulated: Simulated,
}

impl Upgrade {
    fn verb(&self) -> Verb {
        match (&self.only, self.dist) {
            (Some(_), _) => Verb::OnlyUpgrade,
            (None, true) => Verb::DistUpgrade,
            (None, false) => Verb::Upgrade,
        }
    }

    fn words(&self) -> &[String] {
        self.only.as_ref().map_or(&[], |only| only.0.as_slice())
    }

    fn options(&self) -> Options {
        let lock_wait = self.lock_wait.unwrap_or(super::LOCK_WAIT_SECS);
        Options { recommends: self.recommends, allow_downgrade: false, lock_wait }
    }
}

impl Operation for Upgrade {
    const NAME: &'static str = "pkg::upgrade";
    const TARGET: &'static str = "";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        match &self.only {
            Some(_) if self.dist => Err("arguments `dist` and `only` exclude each other".into()),
            Some(only) => names::check(only, false).map_err(|problem| problem.replace("`names`", "`only`")),
            None => Ok(()),
        }
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        if lists_are_planned(view) {
            return Err(OpError::Unknown("the package lists change before".into()));
        }
        let manager = manager_of(view, self.manager)?;
        let simulated = manager.simulate(view, self.verb(), self.words(), &self.options())?;
        Ok(Seen { manager, simulated })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let moves = &seen.simulated.moves;
        if moves.is_empty() && seen.simulated.removes.is_empty() {
            return Ok(Plan::new());
        }
        let command = seen.manager.change(self.verb(), self.words(), &self.options(), false);
        let change = Change::new(Sign::Update, summary(&seen.simulated, self.words())).run(command);
        let change = moved(change, seen.manager, self.manager, &seen.simulated);
        Ok(brings(change, "upgrades").into())
    }
}
