//! Handlers that were notified and did not run yet: they outlive a failed run.

use super::ledger::{Author, Scope};
use super::statement::{Statement, Value};
use super::{StateError, Store};
use serde::Serialize;

/// A handler that waits to be run on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Host name.
    pub host: String,
    /// Name of the handler.
    pub handler: String,
    /// The run that notified it first.
    pub run: String,
    /// RFC 3339, UTC.
    pub since: String,
}

impl Store {
    /// Remembers that handlers are due, each given as host and name. One that is due already stays as it is.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn notify(&self, scope: &Scope, author: &Author, due: &[(String, String)]) -> Result<(), StateError> {
        let now = super::ledger::now();
        let statements = due.iter().map(|(host, handler)| notification(scope, author, host, handler, &now));
        self.backend.write(statements.collect())?;
        Ok(())
    }

    /// Handlers that earlier runs of a playbook left undone on these hosts, by host, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn notified(&self, scope: &Scope, hosts: &[String]) -> Result<Vec<Pending>, StateError> {
        let sql = "SELECT host, handler, run, since FROM notifications \
                   WHERE inventory = $1 AND playbook = $2 AND host IN (EACH($3)) ORDER BY host, since, handler";
        let values = [scope.inventory.as_str().into(), scope.playbook.as_str().into(), hosts.into()];
        let pending = |mut row: super::statement::Row| {
            Ok(Pending { host: row.text(0)?, handler: row.text(1)?, run: row.text(2)?, since: row.text(3)? })
        };
        self.backend.read(Statement::new(sql, values))?.into_iter().map(pending).collect()
    }

    /// Takes handlers off the list, each given as host and name: they ran, or the playbook no longer has them.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn handled(&self, scope: &Scope, done: &[(String, String)]) -> Result<(), StateError> {
        self.backend.write(done.iter().map(|(host, handler)| completion(scope, host, handler)).collect())?;
        Ok(())
    }
}

pub(super) fn notification(scope: &Scope, author: &Author, host: &str, handler: &str, now: &str) -> Statement {
    let sql = "INSERT INTO notifications (inventory, playbook, host, handler, run, since) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (inventory, playbook, host, handler) DO NOTHING";
    let values = [&scope.inventory, &scope.playbook, host, handler, &author.run, now];
    Statement::new(sql, values.map(Value::from))
}

pub(super) fn completion(scope: &Scope, host: &str, handler: &str) -> Statement {
    let sql = "DELETE FROM notifications WHERE inventory = $1 AND playbook = $2 AND host = $3 AND handler = $4";
    Statement::new(sql, [&scope.inventory, &scope.playbook, host, handler].map(Value::from))
}
