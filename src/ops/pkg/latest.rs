//! `pkg::latest`

use super::manager::{Options, Verb, are_planned, becomes, brings, come_back, lists_are_planned, moved};
use super::simulated::{Simulated, summary};
use super::{metadata, names};
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::apt_index::AptIndex;
use crate::ops::resource::package::{Manager, Package, key};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps packages at the newest version that the repositories offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latest {
    names: Many,
    #[serde(default)]
    update: bool,
    cache_time: Option<u64>,
    recommends: Option<bool>,
    lock_wait: Option<u64>,
    manager: Option<Manager>,
}

/// What is to be done about the wanted packages.
pub struct Seen {
    manager: Manager,
    /// Those that may move: a held package keeps its version.
    names: Vec<String>,
    outcome: Outcome,
}

enum Outcome {
    /// The package manager said what it would do.
    Simulated(Simulated),
    /// Some are not there; the lists are read anew before, so that versions are not known.
    Missing(Vec<String>),
    /// The repositories offer other lists than the host has.
    Stale(Vec<String>),
}

impl Latest {
    fn options(&self) -> Options {
        let lock_wait = self.lock_wait.unwrap_or(super::LOCK_WAIT_SECS);
        Options { recommends: self.recommends, allow_downgrade: false, lock_wait }
    }

    fn is_due(&self, view: &mut View<'_>) -> Result<bool, OpError> {
        if !self.update && self.cache_time.is_none() {
            return Ok(false);
        }
        Ok(view.see::<AptIndex>(AptIndex::KEY)?.is_older_than(self.cache_time.unwrap_or(0)))
    }
}

impl Latest {
    fn outcome(
        &self,
        view: &mut View<'_>,
        manager: Manager,
        names: &[String],
        missing: Vec<String>,
    ) -> Result<Outcome, OpError> {
        if names.is_empty() {
            return Ok(Outcome::Simulated(Simulated::default()));
        }
        if lists_are_planned(view) {
            return match missing.is_empty() {
                true => Err(OpError::Unknown("the package lists change before".into())),
                false => Ok(Outcome::Missing(missing)),
            };
        }
        let stale = if self.is_due(view)? { metadata::stale(view, manager)? } else { Vec::new() };
        if !stale.is_empty() {
            return Ok(Outcome::Stale(stale));
        }
        match manager.simulate(view, Verb::Latest, names, &self.options()) {
            Err(OpError::Refused { .. }) if are_planned(view, self.manager, names) => {
                Err(OpError::Unknown("its packages change before".into()))
            }
            simulated => {
                let mut simulated = simulated?;
                come_back(view, names, &mut simulated)?;
                Ok(Outcome::Simulated(simulated))
            }
        }
    }
}

impl Operation for Latest {
    const NAME: &'static str = "pkg::latest";
    const TARGET: &'static str = "names";
    const TAKES_MANY: bool = true;
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        names::check(&self.names, false)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let package = |name| args.thing("package", name).state("present").reads::<Package>(names::key_of(args, name));
        args.texts("names").into_iter().map(|name| package(name).takes(args, &["manager"])).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let keys: Vec<String> = self.names.0.iter().map(|name| key(self.manager, name)).collect();
        let packages = view.see_all::<Package>(&keys)?;
        let manager = packages.first().expect("names are not empty").manager;
        let pairs: Vec<(&String, &Package)> =
            self.names.0.iter().zip(&packages).filter(|(_, package)| !package.held).collect();
        let names: Vec<String> = pairs.iter().map(|(name, _)| (*name).clone()).collect();
        let missing: Vec<String> =
            pairs.iter().filter(|(_, package)| !package.is_served()).map(|(name, _)| (*name).clone()).collect();
        let outcome = self.outcome(view, manager, &names, missing)?;
        Ok(Seen { manager, names, outcome })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let is_stale = matches!(seen.outcome, Outcome::Stale(_));
        let command = seen.manager.change(Verb::Latest, &seen.names, &self.options(), is_stale);
        let names = seen.names.join(", ");
        let change = match &seen.outcome {
            Outcome::Simulated(simulated) if simulated.moves.is_empty() => return Ok(Plan::new()),
            Outcome::Simulated(simulated) => {
                let change = Change::new(Sign::Update, summary(simulated, &seen.names));
                moved(change, seen.manager, self.manager, simulated)
            }
            Outcome::Missing(missing) => missing
                .iter()
                .fold(Change::new(Sign::Create, format!("install {}", missing.join(", "))), |change, name| {
                    becomes(change, self.manager, name, Package::planned(seen.manager, None))
                })
                .open_until_applied(),
            Outcome::Stale(stale) => {
                let text = format!("package lists of {}, then the newest {names}", stale.join(", "));
                Change::new(Sign::Update, text)
                    .makes_unknown::<AptIndex>(AptIndex::KEY, "the package lists are read anew before")
            }
        };
        Ok(brings(change.run(command), &names).into())
    }
}
