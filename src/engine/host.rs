//! One host of a run: its line, its overlay, and what was noted of it so far.

use super::reach::Line;
use crate::event::HostStatus;
use crate::inventory::{Escalation, Host};
use crate::ops::Overlay;
use crate::remote::Shell;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A host while a run lasts. Shared: other hosts may delegate to it.
pub struct HostRun {
    /// Its inventory entry.
    pub host: Arc<Host>,
    line: Arc<dyn Line>,
    state: Mutex<HostState>,
    notes: Mutex<Notes>,
}

/// What an operation needs exclusively.
#[derive(Default)]
pub struct HostState {
    /// Predicted states; empty while applying.
    pub overlay: Overlay,
    shells: HashMap<Option<Escalation>, Box<dyn Shell>>,
    logged_in: bool,
}

/// What the run notes of a host.
#[derive(Default)]
pub struct Notes {
    /// Operations that changed something.
    pub changes: u64,
    /// Handlers to run, in the order of their first notification.
    pub notified: Vec<String>,
    /// Data set by the script.
    pub data: HashMap<String, Value>,
    ids: HashMap<String, u32>,
    /// How it ended, once it did.
    pub ended: Option<HostStatus>,
}

impl HostRun {
    /// A host that nothing was asked yet.
    pub fn new(host: Arc<Host>, line: Arc<dyn Line>) -> Self {
        Self { host, line, state: Mutex::default(), notes: Mutex::default() }
    }

    /// Its name in the inventory.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// Its line.
    pub fn line(&self) -> &dyn Line {
        &*self.line
    }

    /// The host for the time of one operation.
    pub fn lock(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What was noted of it.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl HostState {
    /// The shell of a user, and the overlay beside it. The first call says so by `fresh`.
    pub fn shell(&mut self, line: &dyn Line, becoming: Option<&Escalation>) -> (&mut dyn Shell, &mut Overlay) {
        let shell = self.shells.entry(becoming.cloned()).or_insert_with(|| line.shell(becoming));
        (shell.as_mut(), &mut self.overlay)
    }

    /// True the first time: a login is due.
    pub fn login_due(&mut self) -> bool {
        !std::mem::replace(&mut self.logged_in, true)
    }
}

impl Notes {
    /// A stable name for an operation of this run; a repeated one gets a number.
    pub fn id(&mut self, host: &str, kind: &str, target: &str) -> String {
        let id = format!("{host}/{kind}/{}", target.replace('\\', r"\\").replace('/', r"\/"));
        let seen = self.ids.entry(id.clone()).or_insert(0);
        *seen += 1;
        if *seen == 1 { id } else { format!("{id}#{seen}") }
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
