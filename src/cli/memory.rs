//! What a run remembers and what it is reminded of: what it manages, what it began, handlers that are due.

use crate::engine::{Declaration, Origin, Owned, Remember, Ticket, Unfinished, Work};
use crate::ops::Before;
use crate::state::{
    Author, Content, Declared, Intended, Intent, Journal, LedgerEntry, Prior, ResourceId, Scope, StateError, Store,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

/// Reads the ledger, and writes to the journal of the state store in an apply. A store that fails while it is written
/// is told once, by the history that fails with it.
pub struct Memory {
    store: Store,
    journal: Mutex<Option<Journal>>,
    begun: Mutex<HashMap<u64, Intended>>,
    next: AtomicU64,
    past: OnceLock<Past>,
    asked: Mutex<Option<mpsc::Receiver<Past>>>,
}

/// What earlier runs recorded.
#[derive(Default)]
struct Past {
    things: HashMap<(String, String, String), Arc<Owned>>,
    /// In the order in which they came.
    by_actor: HashMap<String, Vec<Arc<Owned>>>,
    unfinished: HashMap<String, Vec<Unfinished>>,
}

impl Memory {
    /// Reads what earlier runs recorded of these hosts, beside the first logins. With an author it is an apply, which
    /// records too.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(store: &Store, scope: Scope, author: Option<Author>, hosts: &[String]) -> Result<Self, StateError> {
        let (tell, asked) = mpsc::sync_channel(1);
        let (reader, hosts, of) = (store.clone(), hosts.to_vec(), scope.clone());
        let read = move || {
            let past = Past::read(&reader, &of, &hosts).unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot read what earlier runs recorded");
                Past::default()
            });
            // Nobody asks in a run that ended before its first operation.
            let _ = tell.send(past);
        };
        std::thread::Builder::new().name("memory".to_owned()).spawn(read).map_err(StateError::Thread)?;
        let journal = author.map(|author| store.journal(scope, author)).transpose()?;
        Ok(Self {
            store: store.clone(),
            journal: Mutex::new(journal),
            begun: Mutex::default(),
            next: AtomicU64::new(0),
            past: OnceLock::new(),
            asked: Mutex::new(Some(asked)),
        })
    }

    fn past(&self) -> &Past {
        self.past.get_or_init(|| {
            let asked = kept(&self.asked).take();
            asked.and_then(|asked| asked.recv().ok()).unwrap_or_default()
        })
    }

    /// Writes a note; one that cannot be written is told by the history.
    fn note(&self, note: impl FnOnce(&Journal) -> Result<(), Arc<StateError>>) {
        if let Some(journal) = &*kept(&self.journal)
            && let Err(error) = note(journal)
        {
            tracing::debug!(%error, "not written to the journal");
        }
    }

    fn declared(&self, thing: &Declaration) -> Declared {
        // What is known, was there at first sight; it is not sent again.
        let first = self.known(&thing.host, &thing.kind, &thing.id).is_none();
        let prior = if first { prior(&thing.before) } else { Prior::default() };
        let Origin { op, acting, notify } = &thing.origin;
        Declared {
            resource: ResourceId::new(&thing.host, &thing.kind, &thing.id),
            want: Value::Object(thing.want.clone()),
            at: thing.at.clone(),
            keep: thing.keep,
            prior,
            actor: if thing.actor == thing.host { String::new() } else { thing.actor.clone() },
            origin: Some(json!({ "op": op, "as": acting, "notify": notify })),
        }
    }
}

fn prior(before: &Before) -> Prior {
    let state = (!before.state.is_empty()).then(|| Value::Object(before.state.clone()));
    Prior { existed: before.existed, state, content: before.content.as_ref().map(|bytes| bytes.to_vec()) }
}

impl Past {
    fn read(store: &Store, scope: &Scope, hosts: &[String]) -> Result<Self, StateError> {
        let mut past = Self::default();
        for entry in store.ledger(scope, hosts)? {
            let owned = Arc::new(owned(entry));
            past.by_actor.entry(owned.thing.actor.clone()).or_default().push(Arc::clone(&owned));
            let Declaration { host, kind, id, .. } = owned.thing.clone();
            past.things.insert((host, kind, id), owned);
        }
        for open in store.unfinished(&scope.inventory, hosts)? {
            let crate::state::Unfinished { host, id, op, target, at, playbook, run, .. } = open;
            past.unfinished.entry(host).or_default().push(Unfinished { id, op, target, at, playbook, run });
        }
        Ok(past)
    }
}

fn owned(entry: LedgerEntry) -> Owned {
    let map = |value: Option<Value>| match value {
        Some(Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let origin = map(entry.origin);
    let text = |name: &str| origin.get(name).and_then(Value::as_str).map(str::to_owned);
    let notify = origin.get("notify").and_then(Value::as_array).into_iter().flatten();
    let actor = if entry.actor.is_empty() { entry.host.clone() } else { entry.actor };
    let thing = Declaration {
        actor,
        origin: Origin {
            op: text("op").unwrap_or_default(),
            acting: text("as"),
            notify: notify.filter_map(Value::as_str).map(str::to_owned).collect(),
        },
        host: entry.host,
        kind: entry.kind,
        id: entry.id,
        want: map(Some(entry.want)),
        at: entry.at,
        keep: entry.keep,
        before: Before { existed: entry.existed, state: map(entry.prior), content: None },
    };
    Owned {
        thing,
        content: entry.prior_content,
        seq: entry.seq,
        settled: entry.settled,
        shared_with: entry.shared_with,
    }
}

fn kept<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remember for Memory {
    fn notified(&self, host: &str, handler: &str) {
        self.note(|journal| journal.notify(host, handler));
    }

    fn handled(&self, host: &str, handler: &str) {
        self.note(|journal| journal.handled(host, handler));
    }

    fn known(&self, host: &str, kind: &str, id: &str) -> Option<Arc<Owned>> {
        let key = (host.to_owned(), kind.to_owned(), id.to_owned());
        self.past().things.get(&key).cloned()
    }

    fn owned(&self, actor: &str) -> Vec<Arc<Owned>> {
        self.past().by_actor.get(actor).cloned().unwrap_or_default()
    }

    fn content(&self, digest: &str) -> Option<Vec<u8>> {
        match self.store.content(digest) {
            Ok(Some(Content::Whole(bytes))) => Some(bytes),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "cannot read a content of the ledger");
                None
            }
        }
    }

    fn begins(&self, work: &Work) -> Result<Option<Ticket>, String> {
        let intent = Intent {
            host: work.host.clone(),
            id: work.id.clone(),
            op: work.op.clone(),
            target: work.target.clone(),
            at: work.at.clone(),
            resources: work.things.iter().map(|thing| self.declared(thing)).collect(),
            notifies: work.notifies.clone(),
        };
        // The journal commits what all hosts ask for at once: nobody may hold it while waiting.
        let intending = match &*kept(&self.journal) {
            Some(journal) => journal.begin(intent).map_err(|error| told(&error))?,
            None => return Ok(None),
        };
        let intended = intending.wait().map_err(|error| told(&error))?;
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        kept(&self.begun).insert(ticket, intended);
        Ok(Some(Ticket(ticket)))
    }

    fn ended(&self, ticket: Ticket, done: bool) {
        let Some(intended) = kept(&self.begun).remove(&ticket.0) else { return };
        if done {
            self.note(|journal| journal.done(intended));
        }
    }

    fn declares(&self, things: &[Declaration]) {
        for thing in things {
            let declared = self.declared(thing);
            self.note(|journal| journal.declare(&declared));
        }
    }

    fn declares_again(&self, host: &str, seqs: &[u64]) {
        self.note(|journal| journal.declare_again(host, seqs));
    }

    fn forgets(&self, host: &str, kind: &str, id: &str) {
        self.note(|journal| journal.forget(&ResourceId::new(host, kind, id)));
    }

    fn restores(&self, owned: &Owned) {
        let thing = Declaration { before: Before::default(), ..owned.thing.clone() };
        self.declares(&[thing]);
    }

    fn unfinished(&self, host: &str) -> Vec<Unfinished> {
        self.past().unfinished.get(host).cloned().unwrap_or_default()
    }

    fn settles(&self, host: &str, id: &str) {
        self.note(|journal| journal.settle(host, id));
    }

    fn finish(&self) {
        if let Some(journal) = kept(&self.journal).take()
            && let Err(error) = journal.finish()
        {
            tracing::debug!(%error, "not written to the journal");
        }
    }
}

fn told(error: &StateError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
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
