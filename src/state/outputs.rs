//! Values that playbooks give out, for others to read.

use super::ledger::{Author, Scope};
use super::statement::{Statement, json};
use super::{StateError, Store};
use serde::Serialize;
use serde_json::Value;

/// A value that a playbook gave out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// The host that gave it; `None` for one of the whole run.
    pub host: Option<String>,
    /// Its name.
    pub name: String,
    /// The value; no secret.
    pub value: Value,
}

impl Store {
    /// Records values; those of the same host and name are replaced.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn save_outputs(&self, scope: &Scope, author: &Author, outputs: &[Output]) -> Result<(), StateError> {
        let sql = "INSERT INTO outputs (inventory, playbook, host, name, value, run) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (inventory, playbook, host, name) DO UPDATE SET value = excluded.value, \
                   run = excluded.run";
        let statement = |output: &Output| {
            let values = [
                scope.inventory.as_str().into(),
                scope.playbook.as_str().into(),
                output.host.as_deref().unwrap_or_default().into(),
                output.name.as_str().into(),
                json(&output.value).into(),
                author.run.as_str().into(),
            ];
            Statement::new(sql, values)
        };
        self.backend.write(outputs.iter().map(statement).collect())?;
        Ok(())
    }

    /// The values of a playbook, those of the run first, then by host and name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn outputs(&self, scope: &Scope) -> Result<Vec<Output>, StateError> {
        let sql = "SELECT host, name, value FROM outputs WHERE inventory = $1 AND playbook = $2 ORDER BY host, name";
        let question = Statement::new(sql, [scope.inventory.as_str().into(), scope.playbook.as_str().into()]);
        let output = |mut row: super::statement::Row| {
            let host = Some(row.text(0)?).filter(|host| !host.is_empty());
            Ok(Output { host, name: row.text(1)?, value: row.json(2)?.unwrap_or_default() })
        };
        self.backend.read(question)?.into_iter().map(output).collect()
    }
}
