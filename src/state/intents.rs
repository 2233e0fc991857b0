//! Changes that were begun: a row stands from before the change is sent until its result is known.

use super::ledger::{Author, Declared, Scope};
use super::statement::{Row, Statement, Value};
use super::{StateError, Store};
use serde::Serialize;

/// A change that is about to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Host name.
    pub host: String,
    /// Id of the operation: `web-1/file/\/etc\/motd`.
    pub id: String,
    /// `file::put`
    pub op: String,
    /// `/etc/motd`
    pub target: String,
    /// `playbooks/site.rhai:12:5`
    pub at: String,
    /// What it manages; recorded with what is there now, before the change can destroy it.
    pub resources: Vec<Declared>,
    /// Handlers that are due once the change is made, each with its host. They are due after a crash, too.
    pub notifies: Vec<(String, String)>,
}

/// A change of which nobody knows how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// Host name.
    pub host: String,
    /// Id of the operation.
    pub id: String,
    /// `file::put`
    pub op: String,
    /// `/etc/motd`
    pub target: String,
    /// `playbooks/site.rhai:12:5`
    pub at: String,
    /// Playbook that it belongs to.
    pub playbook: String,
    /// The run that began it.
    pub run: String,
    /// RFC 3339, UTC.
    pub begun: String,
}

impl Store {
    /// Changes that earlier runs began on these hosts, of any playbook, by host and time. Reality tells how they
    /// ended: the next change of the same operation takes the row away, and so does [`Store::settle`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn unfinished(&self, inventory: &str, hosts: &[String]) -> Result<Vec<Unfinished>, StateError> {
        let sql = "SELECT host, id, op, target, script_at, playbook, run, begun FROM intents \
                   WHERE inventory = $1 AND host IN (EACH($2)) ORDER BY host, begun, id";
        let rows = self.backend.read(Statement::new(sql, [inventory.into(), hosts.into()]))?;
        rows.into_iter().map(Unfinished::read).collect()
    }

    /// Takes changes off the list, each given as host and id of the operation: a look at the host told how they ended.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn settle(&self, inventory: &str, known: &[(String, String)]) -> Result<(), StateError> {
        self.backend.write(known.iter().map(|(host, id)| known_end(inventory, host, id)).collect())?;
        Ok(())
    }
}

impl Unfinished {
    fn read(mut row: Row) -> Result<Self, StateError> {
        Ok(Self {
            host: row.text(0)?,
            id: row.text(1)?,
            op: row.text(2)?,
            target: row.text(3)?,
            at: row.text(4)?,
            playbook: row.text(5)?,
            run: row.text(6)?,
            begun: row.text(7)?,
        })
    }
}

pub(super) fn beginning(scope: &Scope, author: &Author, intent: &Intent, now: &str) -> Statement {
    let sql = "INSERT INTO intents (inventory, host, id, playbook, run, op, target, script_at, begun) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (inventory, host, id) DO UPDATE SET \
               playbook = excluded.playbook, run = excluded.run, op = excluded.op, target = excluded.target, \
               script_at = excluded.script_at, begun = excluded.begun";
    let Intent { host, id, op, target, at, .. } = intent;
    let values = [&scope.inventory, host, id, &scope.playbook, &author.run, op, target, at, now];
    Statement::new(sql, values.map(Value::from))
}

/// The end of a change that this run began.
pub(super) fn told_end(inventory: &str, run: &str, id: &str) -> Statement {
    let sql = "DELETE FROM intents WHERE inventory = $1 AND run = $2 AND id = $3";
    Statement::new(sql, [inventory, run, id].map(Value::from))
}

pub(super) fn known_end(inventory: &str, host: &str, id: &str) -> Statement {
    let sql = "DELETE FROM intents WHERE inventory = $1 AND host = $2 AND id = $3";
    Statement::new(sql, [inventory, host, id].map(Value::from))
}
