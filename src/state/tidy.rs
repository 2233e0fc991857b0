//! What the store forgets: runs of long ago, and contents that nothing refers to.

use super::statement::Statement;
use super::{StateError, Store};
use std::time::Duration;

impl Store {
    /// Forgets runs that started longer ago than `age`, with their operations, diffs and events, and gives their
    /// number. Of each playbook and inventory the newest apply and the newest good one stay, whatever their age:
    /// resume, rollback and `@failed` ask for them.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget_runs(&self, age: Duration) -> Result<u64, StateError> {
        let Ok(before) = jiff::Timestamp::now().checked_sub(age) else { return Ok(0) };
        let before = before.to_string();
        let old = "SELECT run FROM runs WHERE started < $1 LIMIT 1";
        if self.backend.read(Statement::new(old, [before.as_str().into()]))?.is_empty() {
            return Ok(0);
        }
        let runs = "DELETE FROM runs WHERE started < $1 \
                    AND run NOT IN (SELECT max(run) FROM runs WHERE mode = 'apply' GROUP BY inventory, playbook) \
                    AND run NOT IN (SELECT max(run) FROM runs WHERE mode = 'apply' AND exit_code = 0 \
                    GROUP BY inventory, playbook)";
        let gone = self.backend.write(vec![Statement::new(runs, [before.into()])])?;
        if gone > 0 {
            let diffs = "DELETE FROM diffs WHERE digest NOT IN (SELECT diff FROM operations WHERE diff IS NOT NULL)";
            self.backend.write(vec![Statement::new(diffs, [])])?;
        }
        Ok(gone)
    }
}
