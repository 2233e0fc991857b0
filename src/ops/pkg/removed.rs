//! `pkg::removed`

use super::manager::{Options, Verb, becomes, moved};
use super::names;
use super::simulated::Simulated;
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::package::{Manager, Package, Status, key};
use crate::ops::{Change, OpError, Operation, Plan, Resource, View};
use serde::Deserialize;

/// Keeps packages away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    names: Many,
    #[serde(default)]
    purge: bool,
    lock_wait: Option<u64>,
    manager: Option<Manager>,
}

/// What was found of the unwanted packages.
pub struct Seen {
    manager: Manager,
    present: Vec<String>,
    simulated: Option<Simulated>,
}

impl Removed {
    fn verb(&self) -> Verb {
        if self.purge { Verb::Purge } else { Verb::Remove }
    }

    fn options(&self) -> Options {
        Options { lock_wait: self.lock_wait.unwrap_or(super::LOCK_WAIT_SECS), ..Options::default() }
    }

    fn is_present(&self, package: &Package) -> bool {
        match package.status {
            Status::Installed(_) | Status::Broken => true,
            Status::Config => self.purge,
            Status::Absent | Status::Provided(_) => false,
        }
    }
}

impl Operation for Removed {
    const NAME: &'static str = "pkg::removed";
    const TARGET: &'static str = "names";
    const TAKES_MANY: bool = true;
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        names::check(&self.names, false)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let package = |name| args.thing("package", name).state("absent").reads::<Package>(names::key_of(args, name));
        args.texts("names").into_iter().map(|name| package(name).takes(args, &["manager"])).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let keys: Vec<String> = self.names.0.iter().map(|name| key(self.manager, name)).collect();
        let packages = view.see_all::<Package>(&keys)?;
        let manager = packages.first().expect("names are not empty").manager;
        let pairs = self.names.0.iter().zip(packages);
        let present: Vec<String> =
            pairs.filter(|(_, package)| self.is_present(package)).map(|(name, _)| name.clone()).collect();
        // What a plan installs before is not there yet: nothing to simulate.
        let is_planned =
            |name: &String| view.is_planned(|planned| planned.id == *name && planned.kind == Package::KIND);
        if present.is_empty() || present.iter().any(is_planned) {
            return Ok(Seen { manager, present, simulated: None });
        }
        let simulated = manager.simulate(view, self.verb(), &present, &self.options())?;
        Ok(Seen { manager, present, simulated: Some(simulated) })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if seen.present.is_empty() {
            return Ok(Plan::new());
        }
        let verb = if self.purge { "purge" } else { "remove" };
        let mut text = format!("{verb} {}", seen.present.join(", "));
        let simulated = seen.simulated.clone().unwrap_or_default();
        let others: Vec<&str> =
            simulated.removes.iter().filter(|name| !seen.present.contains(name)).map(String::as_str).collect();
        if !others.is_empty() {
            text.push_str(&format!(" (with {})", others.join(", ")));
        }
        let command = seen.manager.change(self.verb(), &seen.present, &self.options(), false);
        let status = if self.purge || seen.manager == Manager::Apk { Status::Absent } else { Status::Config };
        let gone = Package { manager: seen.manager, status, held: false };
        let change = moved(Change::new(Sign::Remove, text).run(command), seen.manager, self.manager, &simulated);
        let names = seen.present.iter();
        Ok(names.fold(change, |change, name| becomes(change, self.manager, name, gone.clone())).into())
    }
}

/// A package that would go along with this one.
///
/// # Errors
/// As [`View::see`].
pub fn needed_by(view: &mut View<'_>, manager: &str, name: &str) -> Result<Option<String>, OpError> {
    let within = |name: &str| if manager.is_empty() { name.to_owned() } else { format!("{manager} {name}") };
    let package = view.see::<Package>(&within(name))?;
    if !matches!(package.status, Status::Installed(_)) {
        return Ok(None);
    }
    let options = Options { lock_wait: super::LOCK_WAIT_SECS, ..Options::default() };
    let simulated = package.manager.simulate(view, Verb::Remove, &[name.to_owned()], &options)?;
    for other in simulated.removes.into_iter().filter(|other| other != name) {
        // In a plan, one that is removed before needs nothing any more.
        if view.see::<Package>(&within(&other))?.is_served() {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
