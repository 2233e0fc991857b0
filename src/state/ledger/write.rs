//! Writing the ledger.

use super::super::contents::{contents_first, digest, keep};
use super::super::statement::{Statement, Value, json};
use super::super::{StateError, Store};
use super::{Author, Declared, LedgerEntry, LedgerFilter, ResourceId, Scope};

/// At the first sight of a resource by this playbook, another playbook may know what was there before us both.
const DECLARE: &str = "INSERT INTO resources (inventory, playbook, host, kind, id, want, script_at, revision, run, \
     first_seen, last_seen, existed, prior, prior_content, keep, settled, seq, actor, origin) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, coalesce(o.existed, $11), \
     CASE WHEN o.host IS NULL THEN $12 ELSE o.prior END, CASE WHEN o.host IS NULL THEN $13 ELSE o.prior_content END, \
     $14, $15, (SELECT coalesce(max(seq), 0) + 1 FROM resources WHERE inventory = $1 AND host = $3), \
     $16, $17 FROM (SELECT 1 AS one) AS always LEFT JOIN (SELECT host, existed, prior, prior_content FROM resources \
     WHERE inventory = $1 AND host = $3 AND kind = $4 AND id = $5 ORDER BY seq LIMIT 1) AS o ON 1 = 1 WHERE 1 = 1 \
     ON CONFLICT (inventory, playbook, host, kind, id) DO UPDATE SET want = excluded.want, \
     script_at = excluded.script_at, revision = excluded.revision, run = excluded.run, \
     last_seen = excluded.last_seen, keep = excluded.keep, settled = excluded.settled, actor = excluded.actor, \
     origin = excluded.origin";

const FORGET: &str = "DELETE FROM resources \
                      WHERE inventory = $1 AND playbook = $2 AND host = $3 AND kind = $4 AND id = $5";

impl Store {
    /// Records resources that a playbook declares, in this order. What is known is updated; what was there before us
    /// is kept from the first time, of whichever playbook.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn record(&self, scope: &Scope, author: &Author, declared: &[Declared]) -> Result<(), StateError> {
        let (now, now_ms) = (now(), self.backend.now_ms()?);
        let statements = declared.iter().flat_map(|one| declaration(scope, author, one, true, &now, now_ms));
        self.backend.write(contents_first(statements).collect())?;
        Ok(())
    }

    /// Forgets resources of a playbook: the hosts keep them, and nobody manages them any more. Gives how many were
    /// known.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget(&self, scope: &Scope, resources: &[ResourceId]) -> Result<u64, StateError> {
        self.backend.write(resources.iter().map(|one| forgetting(scope, one)).collect())
    }

    /// Gives a resource another address, after it was renamed on the host or in the playbook; what was there before
    /// us goes along.
    ///
    /// # Errors
    /// [`StateError::NoResource`], [`StateError::ResourceExists`]; the store cannot be written.
    pub fn mv(&self, scope: &Scope, from: &ResourceId, to: &ResourceId) -> Result<(), StateError> {
        let known = |resource| -> Result<bool, StateError> { Ok(self.entry(scope, resource)?.is_some()) };
        if !known(from)? {
            return Err(StateError::NoResource(from.to_string()));
        }
        if known(to)? {
            return Err(StateError::ResourceExists(to.to_string()));
        }
        let sql = "UPDATE resources SET host = $6, kind = $7, id = $8, seq = CASE WHEN host = $6 THEN seq ELSE \
                   (SELECT coalesce(max(o.seq), 0) + 1 FROM resources o WHERE o.inventory = $1 AND o.host = $6) END \
                   WHERE inventory = $1 AND playbook = $2 AND host = $3 AND kind = $4 AND id = $5";
        let mut statement = Statement::new(sql, key(scope, from));
        statement.values.extend([&to.host, &to.kind, &to.id].map(|text| Value::from(text.as_str())));
        self.backend.write(vec![statement])?;
        Ok(())
    }

    /// One resource of a playbook.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn entry(&self, scope: &Scope, resource: &ResourceId) -> Result<Option<LedgerEntry>, StateError> {
        let filter = LedgerFilter {
            inventory: Some(scope.inventory.clone()),
            playbook: Some(scope.playbook.clone()),
            ..LedgerFilter::of(resource)
        };
        Ok(self.resources(&filter)?.pop())
    }
}

/// The statements that record one resource, its prior content first.
pub(in super::super) fn declaration(
    scope: &Scope,
    author: &Author,
    declared: &Declared,
    settled: bool,
    now: &str,
    now_ms: i64,
) -> Vec<Statement> {
    let mut statements = Vec::with_capacity(2);
    let content = declared.prior.content.as_deref().map(|content| {
        let digest = digest(content);
        statements.push(keep(&digest, content, now_ms));
        digest
    });
    let mut statement = Statement::new(DECLARE, key(scope, &declared.resource));
    let rest: [Value; 12] = [
        json(&declared.want).into(),
        declared.at.as_str().into(),
        author.commit.clone().into(),
        author.run.as_str().into(),
        now.into(),
        declared.prior.existed.into(),
        declared.prior.state.as_ref().map(json).into(),
        content.into(),
        declared.keep.into(),
        settled.into(),
        declared.actor.as_str().into(),
        declared.origin.as_ref().map(json).into(),
    ];
    statement.values.extend(rest);
    statements.push(statement);
    statements
}

/// The statement that says that a resource is as it was wanted.
pub(in super::super) fn settlement(scope: &Scope, resource: &ResourceId) -> Statement {
    let sql = "UPDATE resources SET settled = 1 \
               WHERE inventory = $1 AND playbook = $2 AND host = $3 AND kind = $4 AND id = $5";
    Statement::new(sql, key(scope, resource))
}

fn key(scope: &Scope, resource: &ResourceId) -> [Value; 5] {
    let ResourceId { host, kind, id } = resource;
    [&scope.inventory, &scope.playbook, host, kind, id].map(|text| text.as_str().into())
}

/// The statement that says that resources of a host are declared as before, by their `seq`.
pub(in super::super) fn seen_again(scope: &Scope, author: &Author, host: &str, ids: &[u64], now: &str) -> Statement {
    let sql = "UPDATE resources SET run = $4, revision = $5, last_seen = $6, settled = 1 \
               WHERE inventory = $1 AND playbook = $2 AND host = $3 AND CAST(seq AS TEXT) IN (EACH($7))";
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let values = [
        scope.inventory.as_str().into(),
        scope.playbook.as_str().into(),
        host.into(),
        author.run.as_str().into(),
        author.commit.clone().into(),
        now.into(),
        ids.as_slice().into(),
    ];
    Statement::new(sql, values)
}

/// The statement that forgets a resource.
pub(in super::super) fn forgetting(scope: &Scope, resource: &ResourceId) -> Statement {
    Statement::new(FORGET, key(scope, resource))
}

/// RFC 3339, UTC.
pub(in super::super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}
