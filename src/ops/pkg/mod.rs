//! Packages of apt and apk: installed, removed, latest, upgraded, held.

mod apk;
mod apt;
mod hold;
mod installed;
mod latest;
mod manager;
mod metadata;
mod names;
mod removed;
mod simulated;
mod update;
mod upgrade;

pub use hold::Hold;
pub use installed::Installed;
pub use latest::Latest;
pub use removed::Removed;
pub(super) use removed::needed_by;
pub use update::Update;
pub use upgrade::Upgrade;

pub(super) use apt::{environment, update_script};
pub(super) use manager::{Options, brings};

use super::args::Many;
use crate::remote::Command;

/// Refuses what is no package name; versions are refused too.
pub(super) fn check_names(names: &Many) -> Result<(), String> {
    names::check(names, false)
}

/// Installs a package from a file of the host, with what it depends on.
pub(super) fn install_file(path: &str, options: &Options) -> Command {
    apt::change("install", &[path.to_owned()], options, false)
}

/// Removes one package.
pub(super) fn remove_package(name: &str, options: &Options) -> Command {
    apt::change("remove", &[name.to_owned()], options, false)
}

/// How long to wait for a lock of the package manager unless asked otherwise: unattended upgrades hold it for a while.
pub(super) const LOCK_WAIT_SECS: u64 = 60;
