//! The system itself: its name, time zone, kernel parameters, restarts.

mod hostname;
mod reboot;
mod sysctl;
mod timezone;

pub use hostname::SetHostname;
pub use reboot::Reboot;
pub use sysctl::SetSysctl;
pub use timezone::SetTimezone;
