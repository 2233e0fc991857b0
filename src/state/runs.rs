//! Questions about runs.

use super::record::{HostRecord, RunRecord};
use super::statement::{Row, Statement, Value};
use super::{Scope, StateError, Store};
use crate::event::{Event, OperationEnd};
use std::collections::BTreeMap;

/// Rows that one question for events fetches.
const PAGE: u64 = 2_000;

const OPERATION: &str = "SELECT o.seq, o.host, o.id, o.op, o.target, o.name, o.status, o.changes, d.content, o.reason, \
                         o.error, o.output, o.script_at, o.play, o.duration_ms, o.drift \
                         FROM operations o LEFT JOIN diffs d ON d.digest = o.diff \
                         WHERE o.run = $1 AND o.seq >= $2 AND o.seq < $3 ORDER BY o.seq";

/// The statement that selects runs: `select_runs!("WHERE run = $1")`.
macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "SELECT run, mode, playbook, revision, dirty, inventory, arguments, who, started, host_count, finished, ",
            "exit_code, duration_ms, totals, sources, resumes, undoes FROM runs ",
            $rest
        )
    };
}

/// Which applies are asked for; what is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Inventory.
    pub inventory: Option<String>,
    /// Playbook.
    pub playbook: Option<String>,
}

impl Store {
    /// The newest runs, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn runs(&self, limit: u64) -> Result<Vec<RunRecord>, StateError> {
        self.select(select_runs!("ORDER BY run DESC LIMIT $1"), [limit.into()])
    }

    /// The run of that id, or the one whose id begins so, or the newest for `last`.
    ///
    /// # Errors
    /// [`StateError::NoRun`], [`StateError::Ambiguous`]; the store cannot be read.
    pub fn run(&self, name: &str) -> Result<RunRecord, StateError> {
        let mut found = if name == "last" {
            self.runs(1)?
        } else {
            let begin = name.to_ascii_uppercase();
            let sql = select_runs!("WHERE substr(run, 1, length($1)) = $1 ORDER BY run DESC LIMIT 20");
            if begin.is_empty() { Vec::new() } else { self.select(sql, [begin.into()])? }
        };
        match found.len() {
            0 => Err(StateError::NoRun(name.to_owned())),
            1 => Ok(found.remove(0)),
            _ => {
                let runs = found.into_iter().map(|run| run.run).collect();
                Err(StateError::Ambiguous { prefix: name.to_owned(), runs })
            }
        }
    }

    /// Every apply of a playbook, newest first; `exec` and `op` are none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn applies(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateError> {
        let sql = select_runs!(
            "WHERE mode = 'apply' AND sources IS NOT NULL AND ($1 IS NULL OR inventory = $1) \
             AND ($2 IS NULL OR playbook = $2) ORDER BY run DESC"
        );
        self.select(sql, [filter.inventory.clone().into(), filter.playbook.clone().into()])
    }

    /// The newest run that went on with another one, given by its full id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn resumed_by(&self, run: &str) -> Result<Option<RunRecord>, StateError> {
        let sql = select_runs!("WHERE resumes = $1 ORDER BY run DESC LIMIT 1");
        Ok(self.select(sql, [run.into()])?.pop())
    }

    /// The newest apply that ended with exit code 0, of this playbook and inventory.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_good_run(&self, playbook: &str, inventory: &str) -> Result<Option<RunRecord>, StateError> {
        let sql = select_runs!(
            "WHERE playbook = $1 AND inventory = $2 AND mode = 'apply' AND exit_code = 0 ORDER BY run DESC LIMIT 1"
        );
        Ok(self.select(sql, [playbook.into(), inventory.into()])?.pop())
    }

    /// Every playbook that was ever applied, with its inventory, the one applied last first: what `drift --all` looks at.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn applied(&self) -> Result<Vec<Scope>, StateError> {
        let sql = "SELECT inventory, playbook FROM runs WHERE mode = 'apply' \
                   GROUP BY inventory, playbook ORDER BY max(run) DESC";
        let rows = self.backend.read(Statement::new(sql, []))?;
        rows.into_iter().map(|mut row| Ok(Scope::new(row.text(0)?, row.text(1)?))).collect()
    }

    /// What `@failed` selects: the hosts that failed, were unreachable, or got no verdict because the process died, in
    /// the newest apply, of one playbook where given. Plans in between do not count.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn failed_hosts_of_last_run(&self, playbook: Option<&str>) -> Result<Vec<String>, StateError> {
        let any = "SELECT host FROM hosts WHERE run = (SELECT max(run) FROM runs WHERE mode = 'apply') \
                   AND (status IS NULL OR status IN ('failed', 'unreachable')) ORDER BY position";
        let one = "SELECT host FROM hosts WHERE run = (SELECT max(run) FROM runs WHERE mode = 'apply' AND playbook = $1) \
                   AND (status IS NULL OR status IN ('failed', 'unreachable')) ORDER BY position";
        let question = match playbook {
            Some(playbook) => Statement::new(one, [playbook.into()]),
            None => Statement::new(any, []),
        };
        self.backend.read(question)?.into_iter().map(|mut row| row.text(0)).collect()
    }

    /// How a run, by its full id, ended on each host, in inventory order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn hosts(&self, run: &str) -> Result<Vec<HostRecord>, StateError> {
        let sql = "SELECT host, status, exchanges, error FROM hosts WHERE run = $1 ORDER BY position";
        self.backend.read(Statement::new(sql, [run.into()]))?.into_iter().map(HostRecord::read).collect()
    }

    /// The operations of a run, by its full id, each with its host, in the order in which they ended.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn operations(&self, run: &str) -> Result<Vec<(String, OperationEnd)>, StateError> {
        let all = [run.into(), 0_u64.into(), u64::MAX.into()];
        let rows = self.backend.read(Statement::new(OPERATION, all))?;
        rows.into_iter().map(|row| operation(row).map(|(_, host, end)| (host, end))).collect()
    }

    /// Gives every event of a run, by its full id, in order; replayed through a sink they show the run again.
    ///
    /// # Errors
    /// The store cannot be read; or the first error of `take`.
    pub fn replay<E: From<StateError>>(
        &self,
        run: &str,
        mut take: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(end) = self.end(run)? else { return Ok(()) };
        for first in (0..=end).step_by(PAGE as usize) {
            for event in self.page(run, first)? {
                take(event)?;
            }
        }
        Ok(())
    }

    /// The files that a run read here, by its full id, with their stamps.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn sources(&self, run: &str) -> Result<BTreeMap<String, String>, StateError> {
        let sql = r#"SELECT event FROM events WHERE run = $1 AND event LIKE '{"type":"source_read",%' ORDER BY seq"#;
        let rows = self.backend.read(Statement::new(sql, [run.into()]))?.into_iter();
        let read = |mut row: Row| match row.json(0)? {
            Some(Event::SourceRead { path, stamp }) => Ok((path, stamp)),
            _ => Err(StateError::record("an event without text")),
        };
        rows.map(read).collect()
    }

    /// The events of a run, by its full id, in order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn events(&self, run: &str) -> Result<Vec<Event>, StateError> {
        let mut events = Vec::new();
        self.replay(run, |event| {
            events.push(event);
            Ok::<_, StateError>(())
        })?;
        Ok(events)
    }

    /// The number of the last event.
    fn end(&self, run: &str) -> Result<Option<u64>, StateError> {
        let sql = "SELECT max(seq) FROM (SELECT seq FROM events WHERE run = $1 \
                   UNION ALL SELECT seq FROM operations WHERE run = $1) AS all_events";
        let mut rows = self.backend.read(Statement::new(sql, [run.into()]))?;
        let end = rows.pop().map(|row| row.maybe_int(0)).transpose()?.flatten();
        Ok(end.and_then(|end| u64::try_from(end).ok()))
    }

    fn page(&self, run: &str, first: u64) -> Result<Vec<Event>, StateError> {
        let span = || [run.into(), first.into(), (first + PAGE).into()];
        let sql = "SELECT seq, event FROM events WHERE run = $1 AND seq >= $2 AND seq < $3 ORDER BY seq";
        let mut events = Vec::new();
        for mut row in self.backend.read(Statement::new(sql, span()))? {
            let event = row.json(1)?.ok_or_else(|| StateError::record("an event without text"))?;
            events.push((row.number(0)?, event));
        }
        for row in self.backend.read(Statement::new(OPERATION, span()))? {
            let (seq, host, end) = operation(row)?;
            events.push((seq, Event::OperationFinished { host, end: Box::new(end) }));
        }
        events.sort_by_key(|(seq, _)| *seq);
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    fn select<const N: usize>(&self, sql: &'static str, values: [Value; N]) -> Result<Vec<RunRecord>, StateError> {
        self.backend.read(Statement::new(sql, values))?.into_iter().map(RunRecord::read).collect()
    }
}

fn operation(mut row: Row) -> Result<(u64, String, OperationEnd), StateError> {
    let missing = || StateError::record("an operation without status or changes");
    let end = OperationEnd {
        id: row.text(2)?,
        op: row.text(3)?,
        target: row.text(4)?,
        name: row.maybe_text(5)?,
        status: row.word(6)?.ok_or_else(missing)?,
        changes: row.json(7)?.ok_or_else(missing)?,
        diff: row.maybe_text(8)?,
        reason: row.maybe_text(9)?,
        error: row.json(10)?,
        output: row.maybe_text(11)?,
        at: row.text(12)?,
        play: row.maybe_text(13)?,
        duration_ms: row.number(14)?,
        drift: row.json(15)?,
    };
    Ok((row.number(0)?, row.text(1)?, end))
}
