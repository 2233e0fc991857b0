//! How the engine reaches hosts, tells what happens and has things remembered, without knowing who listens.

use super::ledger::{Declaration, Owned, Unfinished, Work};
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

    /// False where no host is behind it: nothing is asked then, of people neither.
    fn is_real(&self) -> bool {
        true
    }

    /// Whether answers are guessed, to learn what a playbook asks; only where nothing is real.
    fn guesses(&self) -> bool {
        false
    }

    /// Drops the answers that are kept.
    fn forget(&self);

    /// Ends the shells, not the login; a later use opens them again.
    fn rest(&self);

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

/// A change that [`Remember::begins`] recorded and that did not end yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// Remembers what must outlive a run: what it manages, what it began, handlers that are still due.
///
/// Everything but `begins` returns at once. The defaults remember nothing: they are for plans.
pub trait Remember: Send + Sync {
    /// A handler is due on a host.
    fn notified(&self, host: &str, handler: &str) {
        let _ = (host, handler);
    }

    /// A handler ran on a host.
    fn handled(&self, host: &str, handler: &str) {
        let _ = (host, handler);
    }

    /// What earlier runs of the playbook recorded of a thing.
    fn known(&self, host: &str, kind: &str, id: &str) -> Option<Arc<Owned>> {
        let _ = (host, kind, id);
        None
    }

    /// All that a host declared in earlier runs, on whatever host, in the order in which it came.
    fn owned(&self, actor: &str) -> Vec<Arc<Owned>> {
        let _ = actor;
        Vec::new()
    }

    /// A content that was put away, unless it is gone or was too large.
    fn content(&self, digest: &str) -> Option<Vec<u8>> {
        let _ = digest;
        None
    }

    /// Records a change before it is made; when this returns, even the death of the process loses nothing.
    ///
    /// # Errors
    /// Why it could not be recorded; the change must not be made then.
    fn begins(&self, work: &Work) -> Result<Option<Ticket>, String> {
        let _ = work;
        Ok(None)
    }

    /// Records how a change ended.
    fn ended(&self, ticket: Ticket, done: bool) {
        let _ = (ticket, done);
    }

    /// Records things that are as wanted, without a change.
    fn declares(&self, things: &[Declaration]) {
        let _ = things;
    }

    /// Records that nothing is new about these things of a host.
    fn declares_again(&self, host: &str, seqs: &[u64]) {
        let _ = (host, seqs);
    }

    /// Records that a thing is managed no more.
    fn forgets(&self, host: &str, kind: &str, id: &str) {
        let _ = (host, kind, id);
    }

    /// Puts back what was recorded of a thing before this run.
    fn restores(&self, owned: &Owned) {
        let _ = owned;
    }

    /// Changes of earlier runs on a host of which nobody knows how they ended.
    fn unfinished(&self, host: &str) -> Vec<Unfinished> {
        let _ = host;
        Vec::new()
    }

    /// Records that it is known how a change of an earlier run ended.
    fn settles(&self, host: &str, id: &str) {
        let _ = (host, id);
    }

    /// Waits until all is kept; called once, when the hosts are done.
    fn finish(&self) {}
}

/// Remembers nothing.
pub struct Forgetful;

impl Remember for Forgetful {}
