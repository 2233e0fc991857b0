//! `pkg::installed`

use super::manager::{Options, Verb, are_planned, becomes, brings, come_back, lists_are_planned, moved};
use super::names::{self, Wanted};
use super::simulated::{Simulated, summary};
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::apt_index::AptIndex;
use crate::ops::resource::package::{Manager, Package, Status, key};
use crate::ops::{Change, OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps packages installed, of any or of an exact version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    names: Many,
    #[serde(default)]
    update: bool,
    cache_time: Option<u64>,
    recommends: Option<bool>,
    #[serde(default)]
    allow_downgrade: bool,
    lock_wait: Option<u64>,
    manager: Option<Manager>,
}

/// What was found of the wanted packages.
pub struct Seen {
    manager: Manager,
    missing: Vec<Wanted>,
    update: bool,
    simulated: Option<Simulated>,
}

impl Installed {
    fn options(&self) -> Options {
        Options {
            recommends: self.recommends,
            allow_downgrade: self.allow_downgrade,
            lock_wait: self.lock_wait.unwrap_or(super::LOCK_WAIT_SECS),
        }
    }

    fn may_update(&self) -> bool {
        self.update || self.cache_time.is_some()
    }

    /// Whether the lists are to be read first, and what the installation would do when that can be told.
    fn simulate(
        &self,
        view: &mut View<'_>,
        manager: Manager,
        words: &[String],
    ) -> Result<(bool, Option<Simulated>), OpError> {
        if lists_are_planned(view) {
            return Ok((self.may_update(), None));
        }
        let names: Vec<String> = names::wanted(&self.names).into_iter().map(|wanted| wanted.name).collect();
        let limit = self.cache_time.unwrap_or(0);
        if self.may_update() && view.see::<AptIndex>(AptIndex::KEY)?.is_older_than(limit) {
            return Ok((true, None));
        }
        match manager.simulate(view, Verb::Install, words, &self.options()) {
            Ok(mut simulated) => {
                come_back(view, &names, &mut simulated)?;
                Ok((false, Some(simulated)))
            }
            Err(OpError::Refused { .. }) if self.may_update() => Ok((true, None)),
            Err(OpError::Refused { .. }) if are_planned(view, self.manager, &names) => Ok((false, None)),
            Err(error) => Err(error),
        }
    }
}

impl Operation for Installed {
    const NAME: &'static str = "pkg::installed";
    const TARGET: &'static str = "names";
    const TAKES_MANY: bool = true;
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        names::check(&self.names, true)
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let package = |word: &str| {
            let (name, version) = word.split_once('=').map_or((word, None), |(name, version)| (name, Some(version)));
            let package = args.thing("package", name).state("present").takes(args, &["manager"]);
            let package = version.into_iter().fold(package, |package, version| package.aspect("version", version));
            package.reads::<Package>(names::key_of(args, name))
        };
        args.texts("names").into_iter().map(package).collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let wanted = names::wanted(&self.names);
        let keys: Vec<String> = wanted.iter().map(|wanted| key(self.manager, &wanted.name)).collect();
        let packages = view.see_all::<Package>(&keys)?;
        let manager = packages.first().expect("names are not empty").manager;
        let pairs = wanted.into_iter().zip(packages);
        let missing: Vec<Wanted> =
            pairs.filter(|(wanted, package)| !satisfies(wanted, package)).map(|(wanted, _)| wanted).collect();
        if missing.is_empty() {
            return Ok(Seen { manager, missing, update: false, simulated: None });
        }
        let words: Vec<String> = missing.iter().map(Wanted::word).collect();
        let (update, simulated) = self.simulate(view, manager, &words)?;
        Ok(Seen { manager, missing, update, simulated })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if seen.missing.is_empty() {
            return Ok(Plan::new());
        }
        let words: Vec<String> = seen.missing.iter().map(Wanted::word).collect();
        let command = seen.manager.change(Verb::Install, &words, &self.options(), seen.update);
        let mut change = seen.in_words(&words).run(command);
        for wanted in &seen.missing {
            let version = wanted.version.clone().filter(|version| !version.ends_with('*'));
            change = becomes(change, self.manager, &wanted.name, Package::planned(seen.manager, version));
        }
        if let Some(simulated) = &seen.simulated {
            change = moved(change, seen.manager, self.manager, simulated);
        }
        if seen.update {
            change = change.makes_unknown::<AptIndex>(AptIndex::KEY, "the package lists are read anew before");
        }
        Ok(brings(change, &seen.names().join(", ")).into())
    }
}

impl Seen {
    fn names(&self) -> Vec<String> {
        self.missing.iter().map(|wanted| wanted.name.clone()).collect()
    }

    fn in_words(&self, words: &[String]) -> Change {
        let Some(simulated) = &self.simulated else {
            let change = Change::new(Sign::Create, format!("install {}", words.join(", ")));
            return if self.update { change } else { change.open_until_applied() };
        };
        let text = summary(simulated, &self.names());
        let is_new = simulated.moves.iter().any(|moved| moved.from.is_none());
        match text.as_str() {
            // Unpacked before, and only to be configured.
            "" => Change::new(Sign::Update, format!("configure {}", self.names().join(", "))),
            _ => Change::new(if is_new { Sign::Create } else { Sign::Update }, text),
        }
    }
}

/// A version is asked of the package itself, never of one that provides its name.
fn satisfies(wanted: &Wanted, package: &Package) -> bool {
    match &package.status {
        Status::Installed(Some(version)) => wanted.accepts(version),
        Status::Installed(None) | Status::Provided(_) => wanted.version.is_none(),
        Status::Absent | Status::Config | Status::Broken => false,
    }
}
