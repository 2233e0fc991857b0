//! Who holds a lock.

use super::super::StateError;
use super::super::statement::Row;
use super::process;

/// Who holds a lock, or held it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The project, see [`LockRequest`](super::LockRequest).
    pub project: String,
    /// The inventory.
    pub inventory: String,
    /// `ada`
    pub user: String,
    /// Name of the machine.
    pub host: String,
    /// The process there.
    pub pid: u64,
    /// `rhapsode apply playbooks/site.rhai`
    pub command: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// Age of the last sign of life in milliseconds, when it was looked at.
    pub silent_ms: u64,
    /// Silence after which others may take over, in milliseconds.
    pub lease_ms: u64,
    /// Its fencing token.
    pub token: u64,
    pub(super) machine: Option<String>,
    pub(super) born: Option<i64>,
    pub(super) heartbeat: i64,
}

pub(super) const COLUMNS: &str =
    "project, inventory, token, holder, host, machine, pid, born, command, since, heartbeat, lease_ms";

impl Holder {
    /// `ada@desk (pid 4242)`
    pub fn who(&self) -> String {
        format!("`{}@{}` (pid {})", self.user, self.host, self.pid)
    }

    /// What it runs, and since when.
    pub fn doing(&self) -> String {
        format!("which runs `{}` since {}", self.command, self.since)
    }

    /// What one who wants the lock can do.
    pub fn hint(&self) -> String {
        let wait = "`--lock-wait SECS` waits for it";
        if self.silent_ms > self.lease_ms / 2 {
            let (silent, lease) = (self.silent_ms / 1_000, self.lease_ms / 1_000);
            return format!("it is silent for {silent} s and loses the lock after {lease} s; {wait}");
        }
        format!("{wait}; `rhapsode state unlock` takes it away, and that run then stops")
    }

    /// True when it cannot come back, or was silent for longer than its lease.
    pub(super) fn is_gone(&self) -> bool {
        self.silent_ms >= self.lease_ms || self.is_dead()
    }

    /// True when its process was on this machine and is no more.
    fn is_dead(&self) -> bool {
        self.machine.is_some() && self.machine == process::machine() && process::is_gone(self.pid, self.born)
    }

    /// Reads [`COLUMNS`]; the token alone when nobody holds the lock.
    pub(super) fn read(mut row: Row, now: i64) -> Result<(u64, Option<Self>), StateError> {
        let token = row.number(2)?;
        let Some(user) = row.maybe_text(3)? else { return Ok((token, None)) };
        let heartbeat = row.int(10)?;
        let holder = Self {
            project: row.text(0)?,
            inventory: row.text(1)?,
            user,
            host: row.text(4)?,
            machine: row.maybe_text(5)?,
            pid: row.number(6)?,
            born: row.maybe_int(7)?,
            command: row.text(8)?,
            since: row.text(9)?,
            silent_ms: u64::try_from(now.saturating_sub(heartbeat)).unwrap_or(0),
            lease_ms: row.number(11)?,
            token,
            heartbeat,
        };
        Ok((token, Some(holder)))
    }
}
