//! One host of a run: its line, its overlay, and what was noted of it so far.

use super::ledger::Declared;
use super::reach::Line;
use crate::event::HostStatus;
use crate::inventory::{Escalation, Host};
use crate::ops::{Known, Overlay, Touch, Trace};
use crate::remote::Shell;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A host while a run lasts. Shared: other hosts may delegate to it.
pub struct HostRun {
    /// Its inventory entry.
    pub host: Arc<Host>,
    line: Arc<dyn Line>,
    state: Mutex<HostState>,
    notes: Mutex<Notes>,
    declared: Mutex<Declared>,
}

/// What an operation needs exclusively.
#[derive(Default)]
pub struct HostState {
    /// Predicted states; empty while applying.
    pub overlay: Overlay,
    seats: HashMap<Option<Escalation>, Seat>,
    expected: Traces,
    logged_in: bool,
    /// Changes on this host, and those on others before what is known of this one was read.
    changes: u64,
    before: u64,
}

/// The shell of one user of the host, with what is known through it.
pub struct Seat {
    /// Its shell.
    pub shell: Box<dyn Shell>,
    /// What it was asked and is expected to be asked.
    pub known: Known,
}

/// What was asked of a host, by the user that asked: empty for the one who logs in, else `sudo root`.
pub type Traces = BTreeMap<String, Trace>;

/// What the run notes of a host.
#[derive(Default)]
pub struct Notes {
    /// Operations that changed something.
    pub changes: u64,
    /// Handlers to run, in the order of their first notification.
    pub notified: Vec<String>,
    /// Data set by the script.
    pub data: HashMap<String, Value>,
    /// Digests of the facts that its script read, in the order of reading when one was read again.
    pub facts: BTreeMap<String, String>,
    ids: HashMap<String, u32>,
    /// An operation failed, so that others may not have been reached.
    pub stumbled: bool,
    /// Changes of earlier runs of which it was told how they ended.
    pub settled: HashSet<String>,
    /// How it ended, once it did.
    pub ended: Option<HostStatus>,
}

impl HostRun {
    /// A host that nothing was asked yet, with what it is expected to be asked.
    pub fn new(host: Arc<Host>, line: Arc<dyn Line>, expected: Traces) -> Self {
        let state = HostState { expected, ..HostState::default() };
        Self { host, line, state: Mutex::new(state), notes: Mutex::default(), declared: Mutex::default() }
    }

    /// Its name in the inventory.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// Its line.
    pub fn line(&self) -> &dyn Line {
        &*self.line
    }

    /// Ends its shells once no operation is under way: a host that is done would keep them, and what they cost here,
    /// until the last one is.
    pub fn rest(&self) {
        let _idle = self.lock();
        self.line().rest();
    }

    /// The host for the time of one operation.
    pub fn lock(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What is declared on it.
    pub fn declared(&self) -> MutexGuard<'_, Declared> {
        self.declared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What was noted of it.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl HostState {
    /// The seat of a user, and the overlay beside it.
    pub fn seat(&mut self, line: &dyn Line, becoming: Option<&Escalation>) -> (&mut Seat, &mut Overlay) {
        let expected = &mut self.expected;
        let seat = self.seats.entry(becoming.cloned()).or_insert_with(|| {
            let mut known = Known::default().guessing(line.guesses());
            known.expect(expected.remove(&label(becoming)).unwrap_or_default());
            Seat { shell: line.shell(becoming), known }
        });
        (seat, &mut self.overlay)
    }

    /// The host changed: what may be another way now is known no more, whoever asked.
    pub fn forget(&mut self, touch: &Touch) {
        self.seats.values_mut().for_each(|seat| seat.known.forget(touch));
    }

    /// An operation changed the host, or tried to.
    pub fn note_change(&mut self) {
        self.changes += 1;
    }

    /// Whether other hosts changed since this was asked last; `all` counts the changes of the run.
    pub fn others_changed(&mut self, all: u64) -> bool {
        let others = all.saturating_sub(self.changes);
        std::mem::replace(&mut self.before, others) != others
    }

    /// What was asked, for the next run.
    pub fn asked(&self) -> Traces {
        self.seats.iter().map(|(who, seat)| (label(who.as_ref()), seat.known.asked().clone())).collect()
    }

    /// True the first time: a login is due.
    pub fn login_due(&mut self) -> bool {
        !std::mem::replace(&mut self.logged_in, true)
    }
}

fn label(becoming: Option<&Escalation>) -> String {
    becoming.map(|becoming| format!("{} {}", becoming.method.name(), becoming.user)).unwrap_or_default()
}

impl Notes {
    /// A stable name for an operation of this run; a repeated one gets a number.
    pub fn id(&mut self, host: &str, kind: &str, target: &str) -> String {
        let id = format!("{host}/{kind}/{}", target.replace('\\', r"\\").replace('/', r"\/"));
        let seen = self.ids.entry(id.clone()).or_insert(0);
        *seen += 1;
        if *seen == 1 { id } else { format!("{id}#{seen}") }
    }

    /// Notes a fact, and gives the name under which it is noted; one that is read again gets a number.
    pub fn fact(&mut self, fact: String, digest: String) -> String {
        let seen = self.ids.entry(format!("fact {fact}")).or_insert(0);
        *seen += 1;
        let name = if *seen == 1 { fact } else { format!("{fact}#{seen}") };
        self.facts.insert(name.clone(), digest);
        name
    }

    /// Notes a handler, once.
    pub fn notify(&mut self, handler: &str) {
        if !self.notified.iter().any(|notified| notified == handler) {
            self.notified.push(handler.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_ids_are_stable_and_unique() {
        let mut notes = Notes::default();
        assert_eq!(notes.id("web-1", "file", "/etc/motd"), r"web-1/file/\/etc\/motd");
        assert_eq!(notes.id("web-1", "file", "/etc/motd"), r"web-1/file/\/etc\/motd#2");
    }
}
