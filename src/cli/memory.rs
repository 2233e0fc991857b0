//! What an apply remembers while it runs: handlers that are due.

use crate::engine::Remember;
use crate::state::{Author, Journal, Scope, StateError, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Writes to the journal of the state store. A store that fails is told once, by the history that fails with it.
pub struct Memory(Mutex<Option<Journal>>);

impl Memory {
    /// Opens the journal of a run.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(store: &Store, scope: Scope, author: Author) -> Result<Self, StateError> {
        Ok(Self(Mutex::new(Some(store.journal(scope, author)?))))
    }

    fn journal(&self) -> MutexGuard<'_, Option<Journal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remember for Memory {
    fn notified(&self, host: &str, handler: &str) {
        if let Some(journal) = &*self.journal() {
            told(journal.notify(host, handler));
        }
    }

    fn handled(&self, host: &str, handler: &str) {
        if let Some(journal) = &*self.journal() {
            told(journal.handled(host, handler));
        }
    }

    fn finish(&self) {
        if let Some(journal) = self.journal().take() {
            told(journal.finish());
        }
    }
}

fn told(result: Result<(), Arc<StateError>>) {
    if let Err(error) = result {
        tracing::debug!(%error, "not written to the journal");
    }
}

/// Handlers that earlier runs of the playbook left due, by host.
///
/// # Errors
/// The store cannot be read.
pub fn due(store: &Store, scope: &Scope, hosts: &[String]) -> Result<HashMap<String, Vec<String>>, StateError> {
    let mut due: HashMap<String, Vec<String>> = HashMap::new();
    for pending in store.notified(scope, hosts)? {
        due.entry(pending.host).or_default().push(pending.handler);
    }
    Ok(due)
}
