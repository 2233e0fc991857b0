//! How the engine reaches hosts, tells what happens and has things remembered, without knowing who listens.

use crate::event::Event;
use crate::inventory::{Escalation, Host};
use crate::remote::{Shell, ShellError};
use std::sync::Arc;
use std::time::Duration;

/// The connection to one host; its shells share the login, the cache of reads and the count of exchanges.
pub trait Line: Send + Sync {
    /// Logs in as the user that operations will act as, unless that was done; gives the wall time it took.
    ///
    /// # Errors
    /// [`ShellError::Unreachable`], [`ShellError::Escalation`].
    fn login(&self, becoming: Option<&Escalation>) -> Result<Duration, ShellError>;

    /// A shell as the login user, or as another one. Opened at its first use.
    fn shell(&self, becoming: Option<&Escalation>) -> Box<dyn Shell>;

    /// Request and answer pairs since the login, over all shells.
    fn exchanges(&self) -> u64;

    /// Drops the answers that are kept.
    fn forget(&self);

    /// Logs out.
    fn close(&self);
}

/// Makes lines.
pub trait Reach: Send + Sync {
    /// The line to a host; nothing is contacted yet.
    fn line(&self, host: &Host) -> Arc<dyn Line>;
}

/// Takes events from many host threads.
pub trait Emit: Send + Sync {
    /// Takes one event; never blocks for long, never fails.
    fn emit(&self, event: Event);
}

/// Remembers what must outlive a run that fails: handlers that are still due.
pub trait Remember: Send + Sync {
    /// A handler is due on a host.
    fn notified(&self, host: &str, handler: &str);

    /// A handler ran on a host.
    fn handled(&self, host: &str, handler: &str);

    /// Waits until all is kept; called once, when the hosts are done.
    fn finish(&self);
}

/// Remembers nothing: for plans.
pub struct Forgetful;

impl Remember for Forgetful {
    fn notified(&self, _: &str, _: &str) {}

    fn handled(&self, _: &str, _: &str) {}

    fn finish(&self) {}
}
