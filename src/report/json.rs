//! A run as one JSON document.

use crate::event::{
    ChangeLine, Drift, Event, Failure, HostStatus, Mode, OpStatus, OperationEnd, Orphan, RunStart, Sink, SinkError,
    Tally, Totals, Unsettled,
};
use indexmap::IndexMap;
use serde::Serialize;
use std::io::Write;

/// The document of `--json`. Fields may be added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// ULID of the run.
    pub run: String,
    /// Plan, apply or drift.
    pub mode: Mode,
    /// Path of the playbook from the project root.
    pub playbook: String,
    /// Git commit of the project, where there is one.
    pub commit: Option<String>,
    /// True when the work tree differs from that commit.
    pub dirty: bool,
    /// Exit code of the process; `null` for a run that was killed.
    pub exit: Option<i32>,
    /// Wall time in milliseconds; `null` for a run that was killed.
    pub duration_ms: Option<u64>,
    /// The sums.
    pub totals: Totals,
    /// In inventory order.
    pub hosts: IndexMap<String, HostDocument>,
    /// Inventory path.
    pub inventory: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// `user@machine` that runs it.
    pub who: String,
    /// The run whose rest this one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// The run that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// What concerns the whole run.
    pub warnings: Vec<String>,
}

/// One host of a [`Document`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HostDocument {
    /// How it ended; `null` for a run that was killed.
    pub status: Option<HostStatus>,
    /// Request and answer pairs after the login.
    pub exchanges: u64,
    /// Why it failed, is unreachable or was skipped.
    pub error: Option<Failure>,
    /// In the order in which they ended.
    pub operations: Vec<OperationDocument>,
    /// What the playbook managed on it and declares no more, the youngest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Orphan>,
    /// Changes of earlier runs of which nobody knew how they ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<Unsettled>,
    /// Where and why its plan ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_predictable: Option<NotPredictable>,
    /// Lines of `log()`, `print` and `debug`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What the user should know that is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Where and why the plan of a host ended early.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotPredictable {
    /// Script position.
    pub at: String,
    /// What is unknown.
    pub reason: String,
}

/// One operation of a [`HostDocument`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationDocument {
    /// Stable between runs, unique in one.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// `/etc/motd`.
    pub target: String,
    /// Its verdict; in plan mode `changed` means would change.
    pub status: OpStatus,
    /// Unified diff, where there is one.
    pub diff: Option<String>,
    /// Script position.
    pub at: String,
    /// Name of its play, where it has one.
    pub play: Option<String>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// The `name` argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What changed or would change.
    pub changes: Vec<ChangeLine>,
    /// Why it was skipped or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What the command printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// `cause`, `wanted` and `found`, in a run that asks how reality differs.
    #[serde(flatten)]
    pub drift: Option<Drift>,
}

impl From<&OperationEnd> for OperationDocument {
    fn from(end: &OperationEnd) -> Self {
        let end = end.clone();
        Self {
            id: end.id,
            op: end.op,
            target: end.target,
            status: end.status,
            diff: end.diff,
            at: end.at,
            play: end.play,
            duration_ms: end.duration_ms,
            name: end.name,
            changes: end.changes,
            reason: end.reason,
            error: end.error,
            output: end.output,
            drift: end.drift.map(|drift| *drift),
        }
    }
}

impl Document {
    fn new(start: &RunStart) -> Self {
        let start = start.clone();
        Self {
            run: start.run,
            mode: start.mode,
            playbook: start.playbook,
            commit: start.commit,
            dirty: start.dirty,
            exit: None,
            duration_ms: None,
            totals: Totals::default(),
            hosts: start.hosts.into_iter().map(|host| (host, HostDocument::default())).collect(),
            inventory: start.inventory,
            started: start.started,
            who: start.who,
            resumes: start.resumes,
            undoes: start.undoes,
            warnings: Vec::new(),
        }
    }

    fn host(&mut self, host: &str) -> &mut HostDocument {
        self.hosts.entry(host.to_owned()).or_default()
    }

    fn add(&mut self, event: &Event) {
        match event {
            Event::OperationFinished { host, end } => self.host(host).operations.push((&**end).into()),
            Event::Log { host, text } => self.host(host).log.push(text.clone()),
            Event::Warning { host: Some(host), text } => self.host(host).warnings.push(text.clone()),
            Event::Warning { host: None, text } => self.warnings.push(text.clone()),
            Event::Orphaned { host, orphan } => self.host(host).orphans.push(orphan.clone()),
            Event::Unfinished { host, unsettled } => self.host(host).unfinished.push(unsettled.clone()),
            Event::NotPredictable { host, at, reason } => {
                self.host(host).not_predictable = Some(NotPredictable { at: at.clone(), reason: reason.clone() });
            }
            Event::HostFinished { host, status, exchanges, error } => {
                let host = self.host(host);
                host.status = Some(*status);
                host.exchanges = *exchanges;
                host.error.clone_from(error);
            }
            Event::RunFinished { exit, duration_ms, totals } => {
                self.exit = Some(*exit);
                self.duration_ms = Some(*duration_ms);
                self.totals.clone_from(totals);
            }
            _ => {}
        }
    }
}

/// Collects a run and writes its document when it is over.
pub struct Json {
    out: Box<dyn Write + Send>,
    document: Option<Document>,
    tally: Tally,
}

impl Json {
    /// Writes the document to this stream.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, document: None, tally: Tally::default() }
    }

    /// What was collected so far; `None` before the run began. A run without end has the sums of its events.
    pub fn document(&self) -> Option<Document> {
        let mut document = self.document.clone()?;
        if document.exit.is_none() {
            document.totals = self.tally.totals();
        }
        Some(document)
    }
}

impl Sink for Json {
    fn name(&self) -> &str {
        "JSON document"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        self.tally.add(event);
        match (event, &mut self.document) {
            (Event::RunStarted(start), document) => *document = Some(Document::new(start)),
            (event, Some(document)) => document.add(event),
            (_, None) => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let Some(document) = self.document() else { return Ok(()) };
        let mut text = serde_json::to_vec_pretty(&document)?;
        text.push(b'\n');
        self.out.write_all(&text)?;
        Ok(self.out.flush()?)
    }
}
