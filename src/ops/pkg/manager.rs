//! What all package operations share: the manager of a host, its commands, and what a package brings.

use super::simulated::{Move, Simulated};
use super::{apk, apt};
use crate::ops::resource::apt_index::AptIndex;
use crate::ops::resource::crontab::Crontab;
use crate::ops::resource::package::{Manager, Package, Status, key};
use crate::ops::resource::reboot_flag::RebootFlag;
use crate::ops::resource::timezone::Timezone;
use crate::ops::resource::unit::Unit;
use crate::ops::{Change, Effect, OpError, Resource, View};
use crate::remote::Command;
use std::time::Duration;

/// How a package manager is called.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Install what packages recommend; the host's own setting when unset.
    pub recommends: Option<bool>,
    /// Let a version go back.
    pub allow_downgrade: bool,
    /// Seconds to wait for a lock.
    pub lock_wait: u64,
}

/// What is asked of a package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Installs, or moves to the version in a word.
    Install,
    /// Installs, or moves to the newest version.
    Latest,
    /// Moves installed packages to the newest version.
    OnlyUpgrade,
    /// Removes.
    Remove,
    /// Removes with configuration.
    Purge,
    /// Moves everything without removing anything.
    Upgrade,
    /// Moves everything, whatever it takes.
    DistUpgrade,
}

impl Verb {
    fn apt(self) -> &'static str {
        match self {
            Verb::Install | Verb::Latest => "install",
            Verb::OnlyUpgrade => "--only-upgrade install",
            Verb::Remove => "remove",
            Verb::Purge => "--purge remove",
            Verb::Upgrade => "--with-new-pkgs upgrade",
            Verb::DistUpgrade => "dist-upgrade",
        }
    }

    fn apk(self) -> &'static str {
        match self {
            Verb::Install => "add",
            Verb::Latest => "add --upgrade",
            Verb::OnlyUpgrade | Verb::Upgrade => "upgrade",
            Verb::Remove => "del",
            Verb::Purge => "del --purge",
            Verb::DistUpgrade => "upgrade --available",
        }
    }
}

impl Manager {
    /// The command of a change. Packages may take long to fetch and unpack: half an hour, besides the lock.
    pub(super) fn change(self, verb: Verb, words: &[String], options: &Options, update: bool) -> Command {
        let command = match self {
            Manager::Apt => apt::change(verb.apt(), words, options, update),
            Manager::Apk => apk::change(verb.apk(), words, options, update),
        };
        command.timeout(Duration::from_secs(options.lock_wait.saturating_add(1800)))
    }

    /// What a change would do on the host as it is.
    pub(super) fn simulate(
        self,
        view: &mut View<'_>,
        verb: Verb,
        words: &[String],
        options: &Options,
    ) -> Result<Simulated, OpError> {
        let mut simulated = match self {
            Manager::Apt => Simulated::apt(&view.read(&apt::simulate(verb.apt(), words, options))?),
            Manager::Apk => Simulated::apk(&view.read(&apk::simulate(verb.apk(), words))?),
        }?;
        let mut open = Vec::new();
        for moved in simulated.moves {
            open.extend(through_plan(view, moved)?);
        }
        simulated.moves = open;
        Ok(simulated)
    }

    /// The script that reads the package lists anew.
    pub(super) fn update(self, lock_wait: u64) -> String {
        match self {
            Manager::Apt => apt::update_script(lock_wait, true),
            Manager::Apk => apk::update_script(lock_wait),
        }
    }
}

/// The simulation knows only the host; a plan may have moved a package before, to that version or to another.
fn through_plan(view: &mut View<'_>, moved: Move) -> Result<Option<Move>, OpError> {
    if !view.is_planned(|key| key.kind == Package::KIND && key.id == moved.name) {
        return Ok(Some(moved));
    }
    Ok(match view.see::<Package>(&moved.name)?.status {
        Status::Installed(None) => None,
        Status::Installed(Some(version)) if version == moved.to => None,
        Status::Installed(from) => Some(Move { from, ..moved }),
        Status::Absent | Status::Config | Status::Broken | Status::Provided(_) => Some(Move { from: None, ..moved }),
    })
}

/// Packages that a plan removed or moved before: the host still has the version that would come back.
pub fn come_back(view: &mut View<'_>, names: &[String], simulated: &mut Simulated) -> Result<(), OpError> {
    for name in names {
        let is_planned = view.is_planned(|key| key.kind == Package::KIND && key.id == *name);
        if !is_planned || simulated.moves.iter().any(|moved| moved.name == *name) {
            continue;
        }
        let from = match view.see::<Package>(name)?.status {
            Status::Absent | Status::Config => None,
            Status::Installed(Some(planned)) => Some(planned),
            Status::Installed(None) | Status::Broken | Status::Provided(_) => continue,
        };
        if let Status::Installed(Some(to)) = view.see_real::<Package>(name)?.status
            && from.as_ref() != Some(&to)
        {
            simulated.moves.push(Move { name: name.clone(), from, to });
        }
    }
    Ok(())
}

/// The manager of a host.
pub fn manager_of(view: &mut View<'_>, forced: Option<Manager>) -> Result<Manager, OpError> {
    Ok(view.see::<Package>(&key(forced, "apt"))?.manager)
}

/// Whether this plan changes one of the packages before, so that a refusal of the simulation proves nothing.
pub fn are_planned(view: &View<'_>, forced: Option<Manager>, names: &[String]) -> bool {
    let keys: Vec<String> = names.iter().map(|name| key(forced, name)).collect();
    view.is_planned(|planned| planned.kind == Package::KIND && keys.contains(&planned.id))
}

/// Whether this plan changes repositories or lists before: then no simulation holds.
pub fn lists_are_planned(view: &View<'_>) -> bool {
    view.is_planned(|key| {
        key.kind == AptIndex::KIND || key.id.starts_with("/etc/apt/") || key.id.starts_with("/etc/apk/")
    })
}

/// Adds what a change of packages makes of the host: their states, and what they may bring along.
pub fn moved(change: Change, manager: Manager, forced: Option<Manager>, simulated: &Simulated) -> Change {
    let change = simulated.moves.iter().fold(change, |change, moved| {
        becomes(change, forced, &moved.name, Package::planned(manager, Some(moved.to.clone())))
    });
    let gone = Package { manager, status: Status::Absent, held: false };
    simulated.removes.iter().fold(change, |change, name| becomes(change, forced, name, gone.clone()))
}

/// Adds the state of one package afterwards, under each name by which it may be asked for.
pub fn becomes(change: Change, forced: Option<Manager>, name: &str, state: Package) -> Change {
    let change = change.makes(key(None, name), state.clone());
    if forced.is_some() { change.makes(key(forced, name), state) } else { change }
}

/// Adds what new packages may bring: files, units, users, groups, commands.
pub fn brings(change: Change, names: &str) -> Change {
    let why = format!("package {names}");
    let mut change = change
        .may_bring::<Unit>(&why)
        .may_bring::<Crontab>(&why)
        .may_bring::<Timezone>(&why)
        .may_bring::<RebootFlag>(&why);
    for kind in ["path", "user", "group"] {
        change.effects.push(Effect::MayAppear { kind, why: why.clone() });
    }
    change
}
