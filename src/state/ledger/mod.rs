//! The ledger: what we manage where, and what was there before us.

mod entry;
mod write;

pub use entry::{Author, Declared, LedgerEntry, Prior, ResourceId, Scope};
pub(super) use write::{declaration, forgetting, now, seen_again, settlement};

use super::statement::{Statement, Value};
use super::{StateError, Store};
use entry::COLUMNS;
use std::collections::HashMap;

/// Which entries are asked for; what is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Inventory.
    pub inventory: Option<String>,
    /// Playbook.
    pub playbook: Option<String>,
    /// Host name.
    pub host: Option<String>,
    /// Kind of resource.
    pub kind: Option<String>,
    /// Id of the resource.
    pub id: Option<String>,
}

impl LedgerFilter {
    /// One resource, whoever manages it.
    pub fn of(resource: &ResourceId) -> Self {
        let ResourceId { host, kind, id } = resource.clone();
        Self { host: Some(host), kind: Some(kind), id: Some(id), ..Self::default() }
    }
}

impl Store {
    /// What a playbook manages on these hosts, and what they manage on others: by host, then in the order in which it
    /// came. What this run did not declare of it is orphaned.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn ledger(&self, scope: &Scope, hosts: &[String]) -> Result<Vec<LedgerEntry>, StateError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM resources WHERE inventory = $1 AND playbook = $2 \
             AND (host IN (EACH($3)) OR actor IN (EACH($3))) ORDER BY host, seq"
        );
        let values = [scope.inventory.as_str().into(), scope.playbook.as_str().into(), hosts.into()];
        let mut entries = self.entries(sql, values.into())?;
        let mut hosts: Vec<String> = entries.iter().map(|entry| entry.host.clone()).collect();
        hosts.dedup();
        let mut others = self.others(scope, &hosts)?;
        for entry in &mut entries {
            entry.shared_with = others.remove(&entry.resource()).unwrap_or_default();
        }
        Ok(entries)
    }

    /// Entries of any playbook, by inventory, playbook and host; `shared_with` stays empty.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn resources(&self, filter: &LedgerFilter) -> Result<Vec<LedgerEntry>, StateError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM resources WHERE ($1 IS NULL OR inventory = $1) AND ($2 IS NULL OR playbook = $2) \
             AND ($3 IS NULL OR host = $3) AND ($4 IS NULL OR kind = $4) AND ($5 IS NULL OR id = $5) \
             ORDER BY inventory, playbook, host, seq"
        );
        let LedgerFilter { inventory, playbook, host, kind, id } = filter.clone();
        self.entries(sql, [inventory, playbook, host, kind, id].map(Value::from).into())
    }

    fn entries(&self, sql: String, values: Vec<Value>) -> Result<Vec<LedgerEntry>, StateError> {
        let rows = self.backend.read(Statement { sql: sql.into(), values, required: false })?;
        rows.into_iter().map(LedgerEntry::read).collect()
    }

    /// The other playbooks that manage a resource of these hosts.
    fn others(&self, scope: &Scope, hosts: &[String]) -> Result<HashMap<ResourceId, Vec<String>>, StateError> {
        let sql = "SELECT host, kind, id, playbook FROM resources \
                   WHERE inventory = $1 AND playbook <> $2 AND host IN (EACH($3)) ORDER BY playbook";
        let values = [scope.inventory.as_str().into(), scope.playbook.as_str().into(), hosts.into()];
        let mut others = HashMap::<_, Vec<_>>::new();
        for mut row in self.backend.read(Statement::new(sql, values))? {
            let resource = ResourceId::new(row.text(0)?, row.text(1)?, row.text(2)?);
            others.entry(resource).or_default().push(row.text(3)?);
        }
        Ok(others)
    }
}
