//! The rest of a run: what an earlier one did counts as done by this one.

use super::verdict::Verdict;
use crate::event::{ChangeLine, OpStatus, OperationEnd, Sign};
use std::collections::HashMap;

/// What an earlier run did on the hosts that it left unfinished.
#[derive(Debug, Default)]
pub struct Earlier {
    run: String,
    hosts: HashMap<String, HashMap<String, Deed>>,
}

/// An operation that ended well.
#[derive(Debug)]
struct Deed {
    status: OpStatus,
    changes: Vec<ChangeLine>,
}

impl Deed {
    /// True for commands and restarts: a look at the host cannot tell that they were done.
    fn is_action(&self) -> bool {
        !self.changes.is_empty() && self.changes.iter().all(|change| change.sign == Sign::Run)
    }
}

impl Earlier {
    /// Nothing was done yet by the run of this id.
    pub fn new(run: impl Into<String>) -> Self {
        Self { run: run.into(), hosts: HashMap::new() }
    }

    /// Takes an operation of the earlier run, or of one that it resumed itself.
    pub fn note(&mut self, host: String, end: OperationEnd) {
        let deed = Deed { status: end.status, changes: end.changes };
        if end.status == OpStatus::Changed || end.status == OpStatus::Unchanged && deed.is_action() {
            self.hosts.entry(host).or_default().insert(end.id, deed);
        }
    }

    /// How the operation that `verdict` is about ended earlier, when doing it again would be once too often.
    pub(super) fn settles(&self, host: &str, id: &str, verdict: &Verdict) -> Option<Verdict> {
        let deed = self.deed(host, id)?;
        let again = deed.is_action() && deed.changes == verdict.changes;
        again.then(|| Verdict { earlier: Some(deed.status), ..Verdict::done_in(&self.run) })
    }

    /// True when the operation changed something then: the script goes on as if it had now.
    pub(super) fn changed(&self, host: &str, id: &str) -> bool {
        self.deed(host, id).is_some_and(|deed| deed.status == OpStatus::Changed)
    }

    fn deed(&self, host: &str, id: &str) -> Option<&Deed> {
        self.hosts.get(host)?.get(id)
    }
}
