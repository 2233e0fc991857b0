//! What a run writes down while it changes hosts: intent before, result after.

use super::backend::Backend;
use super::contents::contents_first;
use super::intents::{Intent, beginning, known_end};
use super::ledger::{Author, Declared, ResourceId, Scope, declaration, forgetting, now, seen_again, settlement};
use super::notifications::{completion, notification};
use super::statement::Statement;
use super::{StateError, Store};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Notes that may wait for the disk before host threads wait for it too.
const QUEUE: usize = 10_000;
/// Notes in one transaction.
const BATCH: usize = 1_000;
/// How long a note may wait that nobody waits for.
const WAIT: Duration = Duration::from_millis(250);

/// The journal of a run, shared by its host threads.
///
/// One thread writes. What it must know before a change is sent ([`Journal::intend`]) is committed when the call
/// returns, together with all that other hosts asked for meanwhile; results follow in the next transaction.
pub struct Journal {
    scope: Scope,
    author: Author,
    backend: Arc<dyn Backend>,
    // Dropping it tells the writer that nothing more comes.
    queue: Option<SyncSender<Note>>,
    writer: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<Arc<StateError>>>>,
}

/// A change that is being made; it stays recorded as unfinished until the history tells how it ended.
#[derive(Debug)]
#[must_use]
pub struct Intended {
    resources: Vec<ResourceId>,
}

/// A change whose intent is being written.
#[must_use]
pub struct Intending {
    intended: Intended,
    verdict: Receiver<Result<(), Arc<StateError>>>,
    failed: Arc<Mutex<Option<Arc<StateError>>>>,
}

impl Intending {
    /// Waits until the intent is committed.
    ///
    /// # Errors
    /// As [`Journal::intend`].
    pub fn wait(self) -> Result<Intended, Arc<StateError>> {
        let stopped = || kept(&self.failed).clone().unwrap_or_else(|| Arc::new(StateError::Stopped));
        self.verdict.recv().unwrap_or_else(|_| Err(stopped()))?;
        Ok(self.intended)
    }
}

struct Note {
    statements: Vec<Statement>,
    /// Told when all is committed, or why not.
    waits: Option<SyncSender<Result<(), Arc<StateError>>>>,
}

impl Store {
    /// Opens the journal of a run. Take the store of the [`Lease`](super::Lease), so that it ends with the lock.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn journal(&self, scope: Scope, author: Author) -> Result<Journal, StateError> {
        let (queue, notes) = sync_channel(QUEUE);
        let failed = Arc::default();
        let writer = Writer { backend: self.backend.clone(), failed: Arc::clone(&failed) };
        let writer = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.work(&notes));
        let writer = Some(writer.map_err(StateError::Thread)?);
        Ok(Journal { scope, author, backend: self.backend.clone(), queue: Some(queue), writer, failed })
    }
}

impl Journal {
    /// Records what is about to be changed. When this returns, it is known even if the process dies: the change, what
    /// was there before, and the handlers that become due. Only then may the change be sent.
    ///
    /// # Errors
    /// The store cannot be written, or the lock was lost; the change must not be made then.
    pub fn intend(&self, intent: Intent) -> Result<Intended, Arc<StateError>> {
        self.begin(intent)?.wait()
    }

    /// The same in two steps: the change may be sent once [`Intending::wait`] returned.
    ///
    /// # Errors
    /// As [`Journal::intend`].
    pub fn begin(&self, intent: Intent) -> Result<Intending, Arc<StateError>> {
        let now = now();
        let mut statements = vec![beginning(&self.scope, &self.author, &intent, &now)];
        for declared in &intent.resources {
            statements.extend(self.declaration(declared, false, &now)?);
        }
        let due = intent.notifies.iter();
        statements.extend(due.map(|(host, handler)| notification(&self.scope, &self.author, host, handler, &now)));
        let (waits, verdict) = sync_channel(1);
        self.send(Note { statements, waits: Some(waits) })?;
        let resources = intent.resources.into_iter().map(|declared| declared.resource).collect();
        let intended = Intended { resources };
        Ok(Intending { intended, verdict, failed: Arc::clone(&self.failed) })
    }

    /// Records that the change was made: its resources are as wanted. That it was begun is forgotten when the
    /// [`HistorySink`](super::HistorySink) tells how it ended. A change that failed needs no note: handlers that it
    /// named stay due, as part of it may be done. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn done(&self, intended: Intended) -> Result<(), Arc<StateError>> {
        let settled = intended.resources.iter().map(|resource| settlement(&self.scope, resource));
        self.send(Note { statements: settled.collect(), waits: None })
    }

    /// Records a resource that is as wanted, without a change. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn declare(&self, declared: &Declared) -> Result<(), Arc<StateError>> {
        let statements = self.declaration(declared, true, &now())?;
        self.send(Note { statements, waits: None })
    }

    /// Records that resources of a host are declared as before and are as wanted, by their
    /// [`seq`](super::LedgerEntry::seq). Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn declare_again(&self, host: &str, ids: &[u64]) -> Result<(), Arc<StateError>> {
        let statement = seen_again(&self.scope, &self.author, host, ids, &now());
        self.send(Note { statements: vec![statement], waits: None })
    }

    /// Records that a resource is managed no more. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn forget(&self, resource: &ResourceId) -> Result<(), Arc<StateError>> {
        self.send(Note { statements: vec![forgetting(&self.scope, resource)], waits: None })
    }

    /// Records that it is known how a change of an earlier run ended. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn settle(&self, host: &str, id: &str) -> Result<(), Arc<StateError>> {
        self.send(Note { statements: vec![known_end(&self.scope.inventory, host, id)], waits: None })
    }

    /// Records that a handler is due where no intent named it. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn notify(&self, host: &str, handler: &str) -> Result<(), Arc<StateError>> {
        let statement = notification(&self.scope, &self.author, host, handler, &now());
        self.send(Note { statements: vec![statement], waits: None })
    }

    /// Records that a handler ran, after it did. Does not wait.
    ///
    /// # Errors
    /// An earlier note could not be written.
    pub fn handled(&self, host: &str, handler: &str) -> Result<(), Arc<StateError>> {
        self.send(Note { statements: vec![completion(&self.scope, host, handler)], waits: None })
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// The first note that could not be written; later ones were not tried.
    pub fn finish(mut self) -> Result<(), Arc<StateError>> {
        self.stop();
        kept(&self.failed).take().map_or(Ok(()), Err)
    }

    fn declaration(&self, declared: &Declared, settled: bool, now: &str) -> Result<Vec<Statement>, Arc<StateError>> {
        // The time of a content is all that needs the clock of the database.
        let now_ms = match declared.prior.content {
            Some(_) => self.backend.now_ms()?,
            None => 0,
        };
        Ok(declaration(&self.scope, &self.author, declared, settled, now, now_ms))
    }

    fn send(&self, note: Note) -> Result<(), Arc<StateError>> {
        if let Some(error) = kept(&self.failed).clone() {
            return Err(error);
        }
        let queue = self.queue.as_ref().expect("taken by `finish` and `drop` alone");
        queue.send(note).map_err(|_| self.error())
    }

    fn error(&self) -> Arc<StateError> {
        kept(&self.failed).clone().unwrap_or_else(|| Arc::new(StateError::Stopped))
    }

    fn stop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            kept(&self.failed).get_or_insert_with(|| Arc::new(StateError::Stopped));
        }
    }
}

impl Drop for Journal {
    // A run that ends by an error is written down to its last result, too.
    fn drop(&mut self) {
        self.stop();
    }
}

struct Writer {
    backend: Arc<dyn Backend>,
    failed: Arc<Mutex<Option<Arc<StateError>>>>,
}

impl Writer {
    /// Ends with the first error: what comes then has no ground to stand on.
    fn work(&self, notes: &Receiver<Note>) {
        while let Ok(first) = notes.recv() {
            let batch = gather(first, notes);
            let (statements, waits): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|note| (note.statements, note.waits)).unzip();
            let verdict = self.backend.carry_out(&mut contents_first(statements.into_iter().flatten()).map(Ok));
            let verdict = verdict.map(|_| ()).map_err(Arc::new);
            if let Err(error) = &verdict {
                *kept(&self.failed) = Some(error.clone());
            }
            for wait in waits.into_iter().flatten() {
                // One that waits no more lost its interest.
                let _ = wait.send(verdict.clone());
            }
            if verdict.is_err() {
                return;
            }
        }
    }
}

/// Takes all that is there; as long as nobody waits, also what comes within a short time.
fn gather(first: Note, notes: &Receiver<Note>) -> Vec<Note> {
    let deadline = Instant::now() + WAIT;
    let mut waited_for = first.waits.is_some();
    let mut batch = vec![first];
    while batch.len() < BATCH {
        let left = if waited_for { Duration::ZERO } else { deadline.saturating_duration_since(Instant::now()) };
        match notes.recv_timeout(left) {
            Ok(note) => {
                waited_for |= note.waits.is_some();
                batch.push(note);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    batch
}

fn kept(failed: &Mutex<Option<Arc<StateError>>>) -> MutexGuard<'_, Option<Arc<StateError>>> {
    failed.lock().unwrap_or_else(PoisonError::into_inner)
}
