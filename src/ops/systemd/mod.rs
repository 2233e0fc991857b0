//! Unit files of systemd.

mod ini;
mod reload;
mod state;
mod timer;
mod unit;

pub use reload::DaemonReload;
pub use timer::Timer;
pub use unit::UnitFile;

/// Where the administrator's unit files are: systemd.unit(5).
const FOLDER: &str = "/etc/systemd/system";
