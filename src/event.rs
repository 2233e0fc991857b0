//! What happened in a run: plain data, and the sinks that take it.

mod bus;
mod failure;
mod leftover;
mod limit;
mod tally;

pub use bus::{Bus, Dropped};
pub use leftover::{Orphan, OrphanFate, Unsettled, UnsettledEnd};
pub use limit::remedy;
pub use tally::{Count, Tally};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a run changes hosts or only predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Predicts every change; the hosts are only read.
    Plan,
    /// Does the changes.
    Apply,
    /// A plan that asks whether reality still is as declared.
    Drift,
}

impl Mode {
    /// The word used in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Plan => "plan",
            Mode::Apply => "apply",
            Mode::Drift => "drift",
        }
    }

    /// True when hosts are changed.
    pub fn applies(self) -> bool {
        self == Mode::Apply
    }
}

/// How one operation ended; in plan mode `Changed` means would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpStatus {
    /// Reality is as wanted.
    Unchanged,
    /// Before and after differ.
    Changed,
    /// The operation raised an error.
    Failed,
    /// Not asked for: `when`, tags, or an interrupted host.
    Skipped,
    /// Depends on what only an apply can tell.
    Unknown,
}

/// How one host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostStatus {
    /// Nothing changed.
    Ok,
    /// At least one operation changed something.
    Changed,
    /// An operation or the script failed on this host.
    Failed,
    /// No connection, or it was lost.
    Unreachable,
    /// The host took no part, or the run ended before its turn.
    Skipped,
}

/// What kind of change a line of a plan announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Something new: `+`.
    Create,
    /// Something different: `~`.
    Update,
    /// Something gone: `-`.
    Remove,
    /// A command that is run: `!`.
    Run,
}

/// One change of an operation, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// What kind of change.
    pub sign: Sign,
    /// A few words: `mode 0600 -> 0644`.
    pub text: String,
    /// In a plan: that it comes is certain, but only an apply can tell it in full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// A keyed fingerprint of the secrets in it: the same as long as they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<String>,
}

/// An error as people and machines read it; never holds a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed, on what, where: a lower-case fragment without full stop.
    pub message: String,
    /// `playbooks/web.rhai:12:5`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The calls of functions that led there, the last one first: `playbooks/web.rhai:3:1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// The chain of causes, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Something to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Exit status of the command that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// What it printed on stderr.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

/// Why reality differs from the playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// What is wanted is what the last apply wanted: somebody changed the host.
    Hand,
    /// The playbook or its data want something else since the last apply, or something new.
    Repository,
    /// The last apply did not tell how it ended there.
    Unfinished,
}

/// One difference between a playbook and reality, as `drift` tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Unknown for commands and restarts, which keep nothing in a state.
    pub cause: Option<Cause>,
    /// How it should be: the aspects that differ.
    pub wanted: serde_json::Map<String, serde_json::Value>,
    /// How it is.
    pub found: serde_json::Map<String, serde_json::Value>,
}

/// An operation that ended on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationEnd {
    /// `web-1/file/\/etc\/motd`: stable between runs, unique in one.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// The thing on the host: `/etc/motd`.
    pub target: String,
    /// The `name` argument, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its verdict.
    pub status: OpStatus,
    /// What changed or would change.
    #[serde(default)]
    pub changes: Vec<ChangeLine>,
    /// Unified diff, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Why it was skipped, or why it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Output of a command, where the operation has one to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// `playbooks/site.rhai:12:5`.
    pub at: String,
    /// Name of the play it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play: Option<String>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// How reality differs, in a run that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Box<Drift>>,
}

/// The sums of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Hosts selected.
    pub hosts: u64,
    /// Hosts on which nothing changed.
    pub ok: u64,
    /// Hosts on which something changed.
    pub changed: u64,
    /// Hosts that failed.
    pub failed: u64,
    /// Hosts without connection.
    pub unreachable: u64,
    /// Hosts that took no part.
    pub skipped: u64,
    /// Operations over all hosts.
    pub operations: u64,
    /// Operations that changed something.
    pub changes: u64,
    /// Operations whose outcome only an apply can tell.
    pub unknown: u64,
    /// Request and answer pairs after the logins.
    pub exchanges: u64,
    /// Hosts whose plan ended early: a condition needs what only an apply can tell.
    #[serde(default)]
    pub not_predictable: u64,
    /// Things that the playbook managed and declares no more, over all hosts; those that were pruned among them.
    #[serde(default)]
    pub orphans: u64,
}

/// What is known of a run when it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
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
    /// Inventory path.
    pub inventory: String,
    /// Selection and data given on the command line, for replay and resume.
    #[serde(default)]
    pub arguments: BTreeMap<String, serde_json::Value>,
    /// `user@machine` that runs it.
    pub who: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// Selected hosts in inventory order.
    pub hosts: Vec<String>,
    /// Digest of the scripts and inventories that were read when it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    /// The run whose rest this one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// The run that this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
}

/// Everything a sink can be told. Serialised with a `type` tag, one JSON object a line in `--events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted(RunStart),
    /// A login begins.
    HostConnecting {
        /// Host name.
        host: String,
    },
    /// A login succeeded.
    HostConnected {
        /// Host name.
        host: String,
        /// Wall time in milliseconds.
        duration_ms: u64,
    },
    /// A host enters the body of a play.
    PlayStarted {
        /// Host name.
        host: String,
        /// Name of the play.
        play: String,
    },
    /// An operation begins on a host.
    OperationStarted {
        /// Host name.
        host: String,
        /// `file::put`.
        op: String,
        /// `/etc/motd`.
        target: String,
        /// Script position.
        at: String,
    },
    /// An operation ended on a host.
    OperationFinished {
        /// Host name.
        host: String,
        /// All about it.
        #[serde(flatten)]
        end: Box<OperationEnd>,
    },
    /// A line from `log()`, `print` or `debug`.
    Log {
        /// Host name.
        host: String,
        /// The text.
        text: String,
    },
    /// Something the user should know that is no failure.
    Warning {
        /// Host name, unless it concerns the whole run.
        host: Option<String>,
        /// The text.
        text: String,
    },
    /// A file was read here whose content decides about hosts: a playbook, a template, data, what an operation sends.
    SourceRead {
        /// From the root of the project where it is below it.
        path: String,
        /// Another one when its content is another one.
        stamp: String,
    },
    /// The plan of a host cannot go on: a condition needs what only an apply can tell.
    NotPredictable {
        /// Host name.
        host: String,
        /// Script position.
        at: String,
        /// What is unknown.
        reason: String,
    },
    /// A change of an earlier run of which nobody knew how it ended.
    Unfinished {
        /// Host name.
        host: String,
        /// All about it.
        #[serde(flatten)]
        unsettled: Unsettled,
    },
    /// The playbook managed something on the host and declares it no more.
    Orphaned {
        /// Host name.
        host: String,
        /// All about it.
        #[serde(flatten)]
        orphan: Orphan,
    },
    /// A host is done.
    HostFinished {
        /// Host name.
        host: String,
        /// How it ended.
        status: HostStatus,
        /// Request and answer pairs after the login.
        exchanges: u64,
        /// Why it failed or is unreachable, or why it was skipped.
        error: Option<Failure>,
    },
    /// The run is over.
    RunFinished {
        /// Exit code of the process.
        exit: i32,
        /// Wall time in milliseconds.
        duration_ms: u64,
        /// The sums.
        totals: Totals,
    },
}

/// Takes events in order. A sink that fails is reported once and dropped; the run goes on.
pub trait Sink: Send {
    /// A short name for the report of its failure: `history`, `events file`.
    fn name(&self) -> &str;

    /// Whether the run is no success without it: somebody asked for what it writes.
    fn is_needed(&self) -> bool {
        true
    }

    /// Takes one event.
    ///
    /// # Errors
    /// Any I/O error of the sink.
    fn emit(&mut self, event: &Event) -> Result<(), SinkError>;

    /// Writes out what is buffered; called once after `RunFinished`.
    ///
    /// # Errors
    /// Any I/O error of the sink.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Why a sink failed.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;
