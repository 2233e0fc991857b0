//! What the store gives back.

use super::StateError;
use super::statement::Row;
use crate::event::{Failure, HostStatus, Mode, Totals};
use serde::Serialize;
use std::collections::BTreeMap;

/// A run as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRecord {
    /// Its ULID.
    pub run: String,
    /// Plan, apply or drift.
    pub mode: Mode,
    /// Path of the playbook from the project root.
    pub playbook: String,
    /// Git commit of the project, where there was one.
    pub commit: Option<String>,
    /// True when the work tree differed from that commit.
    pub dirty: bool,
    /// Inventory path.
    pub inventory: String,
    /// Selection and data given on the command line.
    pub arguments: BTreeMap<String, serde_json::Value>,
    /// `user@machine` that ran it.
    pub who: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// Hosts selected.
    pub hosts: u64,
    /// RFC 3339, UTC; `None` while it runs, and after a crash.
    pub finished: Option<String>,
    /// Exit code of the process.
    pub exit: Option<i32>,
    /// Wall time in milliseconds.
    pub duration_ms: Option<u64>,
    /// The sums.
    pub totals: Option<Totals>,
    /// Digest of the scripts and inventories that were read when it started.
    pub sources: Option<String>,
    /// The run whose rest this one did.
    pub resumes: Option<String>,
    /// The run that this one took back.
    pub undoes: Option<String>,
}

/// How a run ended on one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostRecord {
    /// Host name.
    pub host: String,
    /// `None` when the run ended without a verdict on it: a crash, or a process that was killed.
    pub status: Option<HostStatus>,
    /// Request and answer pairs after the login.
    pub exchanges: u64,
    /// Why it failed, is unreachable or was skipped.
    pub error: Option<Failure>,
}

impl RunRecord {
    pub(super) fn read(mut row: Row) -> Result<Self, StateError> {
        let missing = || StateError::record("a run without mode or arguments");
        Ok(Self {
            run: row.text(0)?,
            mode: row.word(1)?.ok_or_else(missing)?,
            playbook: row.text(2)?,
            commit: row.maybe_text(3)?,
            dirty: row.number(4)? != 0,
            inventory: row.text(5)?,
            arguments: row.json(6)?.ok_or_else(missing)?,
            who: row.text(7)?,
            started: row.text(8)?,
            hosts: row.number(9)?,
            finished: row.maybe_text(10)?,
            exit: row.maybe_int(11)?.and_then(|exit| i32::try_from(exit).ok()),
            duration_ms: row.maybe_int(12)?.and_then(|ms| u64::try_from(ms).ok()),
            totals: row.json(13)?,
            sources: row.maybe_text(14)?,
            resumes: row.maybe_text(15)?,
            undoes: row.maybe_text(16)?,
        })
    }
}

impl HostRecord {
    pub(super) fn read(mut row: Row) -> Result<Self, StateError> {
        Ok(Self { host: row.text(0)?, status: row.word(1)?, exchanges: row.number(2)?, error: row.json(3)? })
    }
}
