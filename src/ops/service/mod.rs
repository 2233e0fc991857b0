//! Services of systemd and OpenRC: running, stopped, enabled, restarted.

mod act;
mod boot;
mod commands;
mod running;
mod stopped;
mod target;

pub use act::{Reloaded, Restarted};
pub use boot::{Disabled, Enabled, Masked};
pub use running::Running;
pub use stopped::Stopped;

pub(super) use commands::Action;
pub(super) use commands::reloaded;
pub(super) use target::{Target, check_unit, reloads_units};
