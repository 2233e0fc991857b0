//! Saved plans.

use super::contents::{pack, unpack};
use super::statement::{Row, Statement, Value};
use super::{StateError, Store};
use serde::Serialize;

/// A plan that was saved, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanRecord {
    /// Its id; the run that made it.
    pub id: String,
    /// Playbook.
    pub playbook: String,
    /// Inventory.
    pub inventory: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// Length of its JSON in bytes.
    pub size: u64,
}

impl Store {
    /// Saves a plan. One of the same id is replaced; `size` of the record is not looked at.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn save_plan(&self, plan: &PlanRecord, json: &str) -> Result<(), StateError> {
        let sql = "INSERT INTO plans (id, playbook, inventory, created, size, content) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET playbook = excluded.playbook, \
                   inventory = excluded.inventory, created = excluded.created, size = excluded.size, \
                   content = excluded.content";
        let values = [
            plan.id.as_str().into(),
            plan.playbook.as_str().into(),
            plan.inventory.as_str().into(),
            plan.created.as_str().into(),
            (json.len() as u64).into(),
            Value::Bytes(Some(pack(json.as_bytes()))),
        ];
        self.backend.write(vec![Statement::new(sql, values)])?;
        Ok(())
    }

    /// The JSON of a plan.
    ///
    /// # Errors
    /// [`StateError::Record`] when it is not what it was; the store cannot be read.
    pub fn plan(&self, id: &str) -> Result<Option<String>, StateError> {
        let sql = "SELECT size, content FROM plans WHERE id = $1";
        let Some(mut row) = self.backend.read(Statement::new(sql, [id.into()]))?.pop() else { return Ok(None) };
        let packed = row.maybe_bytes(1)?.unwrap_or_default();
        let json = unpack(&packed, row.number(0)?)?;
        String::from_utf8(json).map(Some).map_err(StateError::record)
    }

    /// Saved plans, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn plans(&self, limit: u64) -> Result<Vec<PlanRecord>, StateError> {
        let sql = "SELECT id, playbook, inventory, created, size FROM plans ORDER BY created DESC, id DESC LIMIT $1";
        let rows = self.backend.read(Statement::new(sql, [limit.into()]))?;
        rows.into_iter().map(PlanRecord::read).collect()
    }

    /// Forgets a plan; false when there is none of that id.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget_plan(&self, id: &str) -> Result<bool, StateError> {
        let statement = Statement::new("DELETE FROM plans WHERE id = $1", [id.into()]);
        Ok(self.backend.write(vec![statement])? > 0)
    }
}

impl PlanRecord {
    fn read(mut row: Row) -> Result<Self, StateError> {
        Ok(Self {
            id: row.text(0)?,
            playbook: row.text(1)?,
            inventory: row.text(2)?,
            created: row.text(3)?,
            size: row.number(4)?,
        })
    }
}
