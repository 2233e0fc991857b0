//! The sink that remembers a run.

use super::StateError;
use super::backend::Backend;
use super::contents::digest;
use super::intents::told_end;
use super::statement::{Statement, Value, json, word};
use crate::event::{Event, OpStatus, OperationEnd, RunStart, Sink, SinkError};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Events that may wait for the disk before a run waits for it too.
const QUEUE: usize = 50_000;
/// Events in one transaction.
const BATCH: usize = 1_000;
/// How long an event may wait for others to share its transaction.
const WAIT: Duration = Duration::from_millis(250);
/// The same for a change that was made: what is not told yet, a run that resumes a killed one does again.
const WAIT_OF_CHANGE: Duration = Duration::from_millis(20);

/// Writes the events of a run into the store, in batches, on a thread of its own: the run never waits for a disk.
pub struct HistorySink {
    // Dropping it tells the writer that nothing more comes.
    queue: Option<SyncSender<Event>>,
    writer: Option<JoinHandle<Result<(), StateError>>>,
}

impl HistorySink {
    /// Records the run and its hosts at once.
    pub(super) fn begin(backend: Arc<dyn Backend>, start: &RunStart) -> Result<Self, StateError> {
        backend.write(beginning(start))?;
        let (queue, events) = sync_channel(QUEUE);
        let mut writer = Writer {
            backend,
            run: start.run.clone(),
            started: start.started.clone(),
            inventory: start.mode.applies().then(|| start.inventory.clone()),
            next: 1,
        };
        let writer = std::thread::Builder::new().name("history".to_owned()).spawn(move || writer.work(&events));
        let writer = writer.map_err(StateError::Thread)?;
        Ok(Self { queue: Some(queue), writer: Some(writer) })
    }

    /// Waits for the writer and gives its verdict, once.
    fn stop(&mut self) -> Result<(), StateError> {
        self.queue = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(StateError::Stopped),
            None => Ok(()),
        }
    }
}

impl Sink for HistorySink {
    fn name(&self) -> &str {
        "history"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        let taken = self.queue.as_ref().is_some_and(|queue| queue.send(event.clone()).is_ok());
        if taken {
            return Ok(());
        }
        // The writer ends early only with an error, which tells more than the closed queue.
        Err(self.stop().err().unwrap_or(StateError::Stopped).into())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(self.stop()?)
    }
}

impl Drop for HistorySink {
    // A run that ends by an error before `finish` is written down to its last event, too.
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

struct Writer {
    backend: Arc<dyn Backend>,
    run: String,
    started: String,
    /// Only an apply has intents.
    inventory: Option<String>,
    next: u64,
}

impl Writer {
    fn work(&mut self, events: &Receiver<Event>) -> Result<(), StateError> {
        while let Ok(first) = events.recv() {
            let batch = gather(first, events);
            let statements = self.statements(batch);
            self.backend.write(statements)?;
        }
        Ok(())
    }

    /// Rows of the same table stand together, as they are then written together.
    fn statements(&mut self, batch: Vec<Event>) -> Vec<Statement> {
        let ended = ended(&batch);
        let (mut diffs, mut operations, mut events, mut verdicts) = (vec![], vec![], vec![], vec![]);
        let mut ends = vec![];
        for (index, event) in batch.into_iter().enumerate() {
            // Written with the run itself: one that is killed at once can still be shown.
            if matches!(event, Event::RunStarted(_)) {
                continue;
            }
            let seq = self.next;
            self.next += 1;
            match event {
                // Worth a row only as long as nobody knows how it ended: after a crash it names what was begun.
                Event::OperationStarted { .. } if ended.contains(&index) => {}
                Event::OperationFinished { host, mut end } => {
                    ends.extend(self.known_end(&end));
                    let diff = end.diff.take().map(|content| (digest(content.as_bytes()), content));
                    operations.push(self.operation(seq, host, *end, diff.as_ref().map(|(digest, _)| digest.clone())));
                    diffs.extend(diff.map(|(digest, content)| self.diff(digest, content)));
                }
                event => {
                    self.verdict(&mut verdicts, &event);
                    events.push(self.event(seq, &event));
                }
            }
        }
        // Two runs that keep the same diffs in different orders would wait for each other.
        diffs.sort_by(|one: &Statement, other| one.values[0].text().cmp(&other.values[0].text()));
        diffs.into_iter().chain(operations).chain(events).chain(verdicts).chain(ends).collect()
    }

    /// An intent goes in the same moment in which the history tells how it ended: at no time neither is there.
    fn known_end(&self, end: &OperationEnd) -> Option<Statement> {
        let inventory = self.inventory.as_deref()?;
        let begun = end.status == OpStatus::Failed || !end.changes.is_empty();
        begun.then(|| told_end(inventory, &self.run, &end.id))
    }

    fn event(&self, seq: u64, event: &Event) -> Statement {
        let sql = "INSERT INTO events (run, seq, event) VALUES ($1, $2, $3)";
        Statement::new(sql, [self.run.as_str().into(), seq.into(), json(event).into()])
    }

    fn diff(&self, digest: String, content: String) -> Statement {
        let sql = "INSERT INTO diffs (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
        Statement::new(sql, [digest.into(), content.into()])
    }

    fn operation(&self, seq: u64, host: String, end: OperationEnd, diff: Option<String>) -> Statement {
        let sql = "INSERT INTO operations (run, seq, host, id, op, target, name, status, changes, diff, reason, error, \
                   output, script_at, play, duration_ms, drift) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
        let values: [Value; 17] = [
            self.run.as_str().into(),
            seq.into(),
            host.into(),
            end.id.into(),
            end.op.into(),
            end.target.into(),
            end.name.into(),
            word(&end.status).into(),
            json(&end.changes).into(),
            diff.into(),
            end.reason.into(),
            end.error.map(|error| json(&error)).into(),
            end.output.into(),
            end.at.into(),
            end.play.into(),
            end.duration_ms.into(),
            end.drift.map(|drift| json(&drift)).into(),
        ];
        Statement::new(sql, values)
    }

    /// What an event says about the run or a host as a whole.
    fn verdict(&self, statements: &mut Vec<Statement>, event: &Event) {
        let run = Value::from(self.run.as_str());
        match event {
            Event::HostFinished { host, status, exchanges, error } => {
                let sql = "UPDATE hosts SET status = $3, exchanges = $4, error = $5 WHERE run = $1 AND host = $2";
                let error = error.as_ref().map(json);
                let values = [run, host.as_str().into(), word(status).into(), (*exchanges).into(), error.into()];
                statements.push(Statement::new(sql, values));
            }
            Event::RunFinished { exit, duration_ms, totals } => {
                let sql = "UPDATE runs SET finished = $2, exit_code = $3, duration_ms = $4, totals = $5 WHERE run = $1";
                let finished = later(&self.started, *duration_ms);
                let values =
                    [run, finished.into(), i64::from(*exit).into(), (*duration_ms).into(), json(totals).into()];
                statements.push(Statement::new(sql, values));
            }
            _ => {}
        }
    }
}

/// Takes what comes within a short time; the end of a run waits for nothing.
fn gather(first: Event, events: &Receiver<Event>) -> Vec<Event> {
    let mut deadline = Instant::now() + patience(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH && !matches!(batch.last(), Some(Event::RunFinished { .. })) {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(event) => {
                deadline = deadline.min(Instant::now() + patience(&event));
                batch.push(event);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    batch
}

fn patience(event: &Event) -> Duration {
    match event {
        Event::OperationFinished { end, .. } if end.status == OpStatus::Changed => WAIT_OF_CHANGE,
        _ => WAIT,
    }
}

/// Positions of the operation starts whose end is in the same batch.
fn ended(batch: &[Event]) -> HashSet<usize> {
    let mut finished = HashSet::new();
    let mut ended = HashSet::new();
    for (index, event) in batch.iter().enumerate().rev() {
        match event {
            Event::OperationFinished { host, end } => {
                finished.insert((host, &end.op, &end.target, &end.at));
            }
            Event::OperationStarted { host, op, target, at } if finished.remove(&(host, op, target, at)) => {
                ended.insert(index);
            }
            _ => {}
        }
    }
    ended
}

fn beginning(start: &RunStart) -> Vec<Statement> {
    let sql = "INSERT INTO runs (run, mode, playbook, revision, dirty, inventory, arguments, who, started, host_count, \
               sources, resumes, undoes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let values: [Value; 13] = [
        start.run.as_str().into(),
        word(&start.mode).into(),
        start.playbook.as_str().into(),
        start.commit.clone().into(),
        u64::from(start.dirty).into(),
        start.inventory.as_str().into(),
        json(&start.arguments).into(),
        start.who.as_str().into(),
        start.started.as_str().into(),
        (start.hosts.len() as u64).into(),
        start.sources.clone().into(),
        start.resumes.clone().into(),
        start.undoes.clone().into(),
    ];
    let event = "INSERT INTO events (run, seq, event) VALUES ($1, 0, $2)";
    let told = json(&Event::RunStarted(start.clone()));
    let mut statements =
        vec![Statement::new(sql, values), Statement::new(event, [start.run.as_str().into(), told.into()])];
    for (position, host) in start.hosts.iter().enumerate() {
        let sql = "INSERT INTO hosts (run, position, host) VALUES ($1, $2, $3) ON CONFLICT (run, host) DO NOTHING";
        let values = [start.run.as_str().into(), (position as u64).into(), host.as_str().into()];
        statements.push(Statement::new(sql, values));
    }
    statements
}

/// The moment some milliseconds after an RFC 3339 one; `None` when that is none.
fn later(started: &str, duration_ms: u64) -> Option<String> {
    let started: jiff::Timestamp = started.parse().ok()?;
    let duration = std::time::Duration::from_millis(duration_ms);
    Some(started.checked_add(duration).ok()?.to_string())
}
