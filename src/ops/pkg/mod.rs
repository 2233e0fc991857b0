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
pub use update::Update;
pub use upgrade::Upgrade;

pub(super) use apt::{environment, update_script};
pub(super) use manager::{Options, brings};
pub(super) use simulated::{Simulated, summary};

/// How long to wait for a lock of the package manager unless asked otherwise: unattended upgrades hold it for a while.
pub(super) const LOCK_WAIT_SECS: u64 = 60;
