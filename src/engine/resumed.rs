//! The rest of a run: what an earlier one did counts as done by this one.

use super::verdict::Verdict;
use crate::event::{ChangeLine, OpStatus, OperationEnd, Sign};
use std::collections::{HashMap, HashSet};

/// What an earlier run did on the hosts that it left unfinished.
#[derive(Debug, Default)]
pub struct Earlier {
    run: String,
    hosts: HashMap<String, HashMap<String, Deed>>,
    /// Ids, without the host, of what some host changed: of work on the project it holds for all of them.
    anywhere: HashSet<String>,
}

/// Whether a host came to a piece of work on the project that the earlier run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    No,
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
        Self { run: run.into(), ..Self::default() }
    }

    /// Takes an operation of the earlier run, or of one that it resumed itself; `left` says that its host goes on now.
    pub fn note(&mut self, host: String, end: OperationEnd, left: bool) {
        if end.status == OpStatus::Changed {
            self.anywhere.insert(without_host(&host, &end.id).to_owned());
        }
        if left && matches!(end.status, OpStatus::Changed | OpStatus::Unchanged) {
            let deed = Deed { status: end.status, changes: end.changes };
            let deeds = self.hosts.entry(host).or_default();
            // What a later run found done is what an earlier one did.
            if deed.is_action() || deed.status == OpStatus::Changed || !deeds.contains_key(&end.id) {
                deeds.insert(end.id, deed);
            }
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

    /// Whether some host did a piece of work on the project, and whether this one was told.
    pub(super) fn shared(&self, host: &str, id: &str) -> Option<Told> {
        let told = if self.deed(host, id).is_some() { Told::Yes } else { Told::No };
        self.anywhere.contains(without_host(host, id)).then_some(told)
    }

    fn deed(&self, host: &str, id: &str) -> Option<&Deed> {
        self.hosts.get(host)?.get(id)
    }
}

fn without_host<'a>(host: &str, id: &'a str) -> &'a str {
    id.strip_prefix(host).unwrap_or(id)
}
