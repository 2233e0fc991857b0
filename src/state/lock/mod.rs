//! One run at a time: a lease a project and inventory, with a fencing token.
//!
//! The token grows with every holder, and a write of a run goes through only while its token is the newest. So a
//! process that was stopped for longer than its lease cannot write any more once another one took over, whenever it
//! wakes up. See Kleppmann, "How to do distributed locking" (2016).

mod fence;
mod holder;
mod lease;
mod process;

pub use holder::Holder;
pub use lease::Lease;

use super::backend::Backend;
use super::statement::Statement;
use super::{StateError, Store};
use holder::COLUMNS;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often one who waits looks again.
const LOOK: Duration = Duration::from_millis(250);

/// Who asks for a lock, and how.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// A name that all checkouts of the project share; empty when the store is the project's own.
    pub project: String,
    /// The inventory, as in the history.
    pub inventory: String,
    /// Who asks.
    pub user: String,
    /// Name of this machine.
    pub host: String,
    /// What it is asked for: `rhapsode apply playbooks/site.rhai`.
    pub command: String,
    /// Silence after which others may take over. A sign of life is given six times as often.
    pub lease: Duration,
    /// How long to wait for another holder.
    pub wait: Duration,
}

impl LockRequest {
    /// The length of a lease when nothing else is said.
    pub const LEASE: Duration = Duration::from_secs(30);

    /// A request that does not wait, for the usual lease.
    pub fn new(inventory: &str, user: &str, host: &str, command: &str) -> Self {
        Self {
            project: String::new(),
            inventory: inventory.to_owned(),
            user: user.to_owned(),
            host: host.to_owned(),
            command: command.to_owned(),
            lease: Self::LEASE,
            wait: Duration::ZERO,
        }
    }
}

impl Store {
    /// Takes the lock for a run that writes. A holder whose process is dead, or that was silent for its whole lease,
    /// loses it to us. `waiting` is told once whom we wait for.
    ///
    /// # Errors
    /// [`StateError::Locked`] when another one still holds it after the wait; the store cannot be used.
    pub fn lock(&self, request: &LockRequest, mut waiting: impl FnMut(&Holder)) -> Result<Lease, StateError> {
        let started = Instant::now();
        let mut told = false;
        loop {
            let holder = match take(&*self.backend, request)? {
                Taken::Ours { token, from } => return Lease::start(self.backend.clone(), request, token, from),
                Taken::Raced => continue,
                Taken::By(holder) => holder,
            };
            let left = request.wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(StateError::Locked(holder));
            }
            if !std::mem::replace(&mut told, true) {
                waiting(&holder);
            }
            std::thread::sleep(LOOK.min(left));
        }
    }

    /// Every lock that is held now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn holders(&self) -> Result<Vec<Holder>, StateError> {
        let sql = format!("SELECT {COLUMNS} FROM locks ORDER BY project, inventory");
        let now = self.backend.now_ms()?;
        let rows = self.backend.read(Statement { sql: sql.into(), ..Statement::new("", []) })?;
        rows.into_iter().filter_map(|row| Holder::read(row, now).map(|(_, holder)| holder).transpose()).collect()
    }

    /// Takes a lock away, whoever holds it, and gives who that was. A run that still holds it cannot write any more.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn unlock(&self, project: &str, inventory: &str) -> Result<Option<Holder>, StateError> {
        loop {
            let (token, holder) = look(&*self.backend, project, inventory)?;
            let Some(holder) = holder else { return Ok(None) };
            let sql = "UPDATE locks SET holder = NULL, token = token + 1 \
                       WHERE project = $1 AND inventory = $2 AND token = $3 AND holder IS NOT NULL";
            let free = Statement::new(sql, [project.into(), inventory.into(), token.into()]);
            if self.backend.write(vec![free])? > 0 {
                return Ok(Some(holder));
            }
        }
    }

    /// A number that grows with every run that took the lock: a plan made at another revision may be stale.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn revision(&self, project: &str, inventory: &str) -> Result<u64, StateError> {
        look(&*self.backend, project, inventory).map(|(token, _)| token)
    }
}

enum Taken {
    Ours {
        token: u64,
        from: Option<Box<Holder>>,
    },
    By(Box<Holder>),
    /// Another one was quicker; look again.
    Raced,
}

/// The token, 0 before the first holder, and who holds the lock.
fn look(backend: &dyn Backend, project: &str, inventory: &str) -> Result<(u64, Option<Holder>), StateError> {
    let sql = format!("SELECT {COLUMNS} FROM locks WHERE project = $1 AND inventory = $2");
    let question = Statement { sql: sql.into(), ..Statement::new("", [project.into(), inventory.into()]) };
    let row = backend.read(question)?.pop();
    // Asked after the row was read: a sign of life in between must not look as if it lay in the future.
    let now = backend.now_ms()?;
    row.map_or(Ok((0, None)), |row| Holder::read(row, now))
}

fn take(backend: &dyn Backend, request: &LockRequest) -> Result<Taken, StateError> {
    let (token, holder) = look(backend, &request.project, &request.inventory)?;
    if let Some(holder) = &holder
        && !holder.is_gone()
    {
        return Ok(Taken::By(Box::new(holder.clone())));
    }
    // Both conditions make it one step: whoever took the lock, or gave a sign of life meanwhile, changed one of them.
    let sql = "INSERT INTO locks (project, inventory, token, holder, host, machine, pid, born, command, since, \
               heartbeat, lease_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
               ON CONFLICT (project, inventory) DO UPDATE SET token = excluded.token, holder = excluded.holder, \
               host = excluded.host, machine = excluded.machine, pid = excluded.pid, born = excluded.born, \
               command = excluded.command, since = excluded.since, heartbeat = excluded.heartbeat, \
               lease_ms = excluded.lease_ms \
               WHERE locks.token = $13 AND (locks.holder IS NULL OR locks.heartbeat = $14)";
    let pid = u64::from(std::process::id());
    let statement = Statement::new(
        sql,
        [
            request.project.as_str().into(),
            request.inventory.as_str().into(),
            (token + 1).into(),
            request.user.as_str().into(),
            request.host.as_str().into(),
            process::machine().into(),
            pid.into(),
            super::statement::Value::Int(process::born(pid)),
            request.command.as_str().into(),
            jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string().into(),
            backend.now_ms()?.into(),
            (request.lease.as_millis() as u64).into(),
            token.into(),
            holder.as_ref().map_or(0, |holder| holder.heartbeat).into(),
        ],
    );
    Ok(match backend.write(vec![statement])? {
        0 => Taken::Raced,
        _ => Taken::Ours { token: token + 1, from: holder.map(Box::new) },
    })
}

/// What names the lock and the token of one holder, in this order.
#[derive(Debug, Clone)]
struct Ticket {
    project: String,
    inventory: String,
    token: u64,
}

impl Ticket {
    /// A statement with `$1` to `$3` for project, inventory and token.
    fn statement(&self, sql: &'static str) -> Statement {
        Statement::new(sql, [self.project.as_str().into(), self.inventory.as_str().into(), self.token.into()])
    }

    /// Who holds the lock now, unless it is nobody or still the one with this ticket.
    fn successor(&self, backend: &Arc<dyn Backend>) -> Option<Box<Holder>> {
        let (_, holder) = look(&**backend, &self.project, &self.inventory).ok()?;
        holder.filter(|holder| holder.token != self.token).map(Box::new)
    }
}
