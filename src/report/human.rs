//! A run as people watch it.

use super::clean::printed;
use super::diff::diff_lines;
use super::live::Live;
use super::operation::{count, operation_lines, visible};
use super::orphans::{Orphans, unsettled_line};
use super::page::{Entry, Page};
use super::problems::Problems;
use super::summary::{Finished, INTERRUPTED, closing, host_table};
use super::{Look, SHORT_RUN, Verbosity, failure_text, one_line};
use crate::event::{Event, Failure, HostStatus, OpStatus, OperationEnd, RunStart, Sink, SinkError, Tally, Totals};
use std::collections::{HashMap, HashSet};
use std::io::Write;

/// Cells of the column of hosts, at most; longer names push their line to the right.
const HOST: usize = 24;

/// Prints a run for people: changes of an apply as they happen, a plan as one page, then why hosts failed, a table,
/// and one closing sentence.
pub struct Human {
    out: Box<dyn Write + Send>,
    live: Option<Live>,
    look: Look,
    tally: Tally,
    run: Option<RunStart>,
    page: Option<Page>,
    width: usize,
    problems: Problems,
    /// The last operation that failed on each host: the host's own error may tell less.
    op_errors: HashMap<String, Failure>,
    /// Diffs shown so far, and on which host.
    diffs: HashMap<String, String>,
    plays: HashSet<String>,
    orphans: Orphans,
}

impl Human {
    /// Prints to any stream; never draws live lines.
    pub fn new(out: Box<dyn Write + Send>, look: Look) -> Self {
        Self {
            out,
            live: None,
            look,
            tally: Tally::default(),
            run: None,
            page: None,
            width: 0,
            problems: Problems::default(),
            op_errors: HashMap::new(),
            diffs: HashMap::new(),
            plays: HashSet::new(),
            orphans: Orphans::default(),
        }
    }

    /// Prints to stderr, with live lines where the look asks for them.
    pub fn stderr(look: Look) -> Self {
        let live = look.live.then(|| Live::on_stderr(look.paint));
        Self { live, ..Self::new(Box::new(std::io::stderr()), look) }
    }

    fn started(&mut self, start: &RunStart) -> Vec<String> {
        self.page = (!start.mode.applies()).then(|| Page::new(&start.hosts));
        self.width = start.hosts.iter().map(|host| one_line(host).chars().count()).max().unwrap_or(0).min(HOST);
        self.run = Some(start.clone());
        let mut from = one_line(&start.inventory).into_owned();
        if let Some(commit) = &start.commit {
            from.push_str(&format!(", commit {}", commit.get(..7).unwrap_or(commit)));
        }
        if start.dirty {
            from.push_str(", dirty");
        }
        for (verb, run) in [("resumes", &start.resumes), ("undoes", &start.undoes)] {
            if let Some(run) = run {
                from.push_str(&format!(", {verb} {}", run.get(..SHORT_RUN).unwrap_or(run)));
            }
        }
        let what = format!("{} {}", start.mode.as_str(), one_line(&start.playbook));
        let hosts = match &start.hosts[..] {
            [host] => one_line(host).into_owned(),
            hosts => count(hosts.len() as u64, "host"),
        };
        let paint = self.look.paint;
        vec![format!("{} on {hosts} {}", paint.strong(what), paint.faint(format!("({from})")))]
    }

    fn operation(&mut self, host: &str, end: &OperationEnd) -> Vec<String> {
        if let (OpStatus::Failed, Some(error)) = (end.status, &end.error) {
            self.op_errors.insert(host.to_owned(), error.clone());
        }
        if !visible(end.status, self.look.verbosity) {
            return Vec::new();
        }
        let mut lines = operation_lines(end, &self.look);
        // Its message stands beside the operation already.
        if let (Some(error), true) = (&end.error, self.look.verbosity >= Verbosity::Verbose) {
            lines.below.extend(failure_text(error, self.look.paint).lines().skip(1).map(str::to_owned));
        }
        if let Some(page) = &mut self.page {
            let place = format!("{} {} {}", end.at, end.op, end.target);
            page.add(host, Entry { place, play: end.play.clone(), lines, diff: end.diff.clone() });
            return Vec::new();
        }
        let diff = end.diff.as_deref().filter(|_| self.shows_diffs());
        let first = diff.and_then(|diff| self.shown_on(host, diff));
        let mut text = vec![self.beside(host, &lines.head)];
        if let Some(first) = &first {
            text[0].push_str(&format!("  {}", self.look.paint.faint(format!("(diff as on {first})"))));
        }
        text.extend(lines.below.iter().map(|line| format!("    {line}")));
        if let (Some(diff), None) = (diff, &first) {
            let lines = diff_lines(diff, self.look.verbosity >= Verbosity::Verbose, self.look.paint);
            text.extend(lines.iter().map(|line| format!("    {line}")));
        }
        text
    }

    /// The host on which this diff was shown before: twenty hosts that get the same file show it once.
    fn shown_on(&mut self, host: &str, diff: &str) -> Option<String> {
        let first = self.diffs.get(diff).map(|first| one_line(first).into_owned());
        if first.is_none() {
            self.diffs.insert(diff.to_owned(), host.to_owned());
        }
        first
    }

    fn shows_diffs(&self) -> bool {
        let predicts = self.run.as_ref().is_some_and(|run| !run.mode.applies());
        self.look.diff.unwrap_or(predicts)
    }

    fn beside(&self, host: &str, text: &str) -> String {
        format!("{:<width$}  {text}", one_line(host), width = self.width)
    }

    fn not_predictable(&mut self, host: &str, at: &str, reason: &str) -> Vec<String> {
        let paint = self.look.paint;
        let place = match at.rsplit(':').nth(1) {
            Some(line) if line.parse::<u32>().is_ok() => format!("line {line}"),
            _ => one_line(at).into_owned(),
        };
        let told = format!("not predictable after {place}: {}", one_line(reason));
        let head = format!("{} {}  {}", paint.unsure("?"), paint.unsure(told), paint.faint(one_line(at)));
        let Some(page) = &mut self.page else { return vec![self.beside(host, &head)] };
        page.end(host, format!("{at} ?"), head);
        Vec::new()
    }

    fn host_finished(&mut self, host: &str, status: HostStatus, error: Option<&Failure>) -> Vec<String> {
        let paint = self.look.paint;
        let op_error = self.op_errors.remove(host);
        match status {
            HostStatus::Failed => self.lost(host, "failed", error, op_error),
            HostStatus::Unreachable => self.lost(host, "unreachable", error, op_error),
            HostStatus::Skipped => {
                let text = with_message("skipped", error);
                vec![self.beside(host, &format!("{} {}", paint.faint("."), paint.faint(text)))]
            }
            HostStatus::Ok | HostStatus::Changed => Vec::new(),
        }
    }

    /// Keeps for the end why a host failed, and tells it in a line when no operation has done so.
    fn lost(&mut self, host: &str, word: &str, error: Option<&Failure>, op: Option<Failure>) -> Vec<String> {
        let paint = self.look.paint;
        let told = op.as_ref().is_some_and(|op| error.is_none_or(|error| tells_of(error, op)));
        let failure = match (error, op) {
            (Some(error), Some(op)) if told && tells_less(error, &op) => Failure { calls: error.calls.clone(), ..op },
            (Some(error), _) => error.clone(),
            (None, Some(op)) => op,
            (None, None) => Failure::new(word),
        };
        self.problems.add(host, failure);
        if told || self.page.is_some() {
            return Vec::new();
        }
        vec![self.beside(host, &format!("{} {}", paint.error("x"), paint.bad(with_message(word, error))))]
    }

    fn play(&mut self, play: &str) -> Vec<String> {
        let shown = self.look.verbosity >= Verbosity::Verbose && self.page.is_none();
        let first = shown && self.plays.insert(play.to_owned());
        first.then(|| self.look.paint.strong(format!("play {}", one_line(play)))).into_iter().collect()
    }

    fn warning(&self, host: Option<&str>, text: &str) -> Vec<String> {
        let host = host.map(|host| format!("{}: ", one_line(host))).unwrap_or_default();
        let mut lines = printed(text).into_iter();
        let first = format!("{} {host}{}", self.look.paint.changed("warning:"), lines.next().unwrap_or_default());
        std::iter::once(first).chain(lines.map(|line| format!("    {line}"))).collect()
    }

    /// The page of a plan, why hosts failed, the table, and the closing sentence.
    fn ending(&mut self, totals: &Totals, finished: Option<Finished>) -> Vec<String> {
        let Some(run) = self.run.take() else { return Vec::new() };
        let (look, paint) = (self.look, self.look.paint);
        let diffs = look.diff.unwrap_or(!run.mode.applies());
        let mut parts = vec![self.page.take().map(|mut page| page.lines(&look, diffs)).unwrap_or_default()];
        parts.push(std::mem::take(&mut self.problems).lines(paint));
        let orphans = std::mem::take(&mut self.orphans);
        if look.verbosity == Verbosity::Quiet {
            return parts.pop().unwrap_or_default();
        }
        parts.push(orphans.lines(run.mode.applies(), paint));
        let changed = self.tally.hosts().filter(|(_, count)| count.changed > 0).count() as u64;
        let mut end = host_table(&self.tally, look.verbosity >= Verbosity::Verbose, paint);
        end.push(closing(&run, totals, changed, finished, paint));
        parts.push(end);
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.flat_map(|part| std::iter::once(String::new()).chain(part)).collect()
    }

    fn text(&mut self, event: &Event) -> Vec<String> {
        let quiet = self.look.verbosity == Verbosity::Quiet;
        match event {
            Event::RunStarted(start) => self.started(start),
            Event::PlayStarted { play, .. } => self.play(play),
            Event::OperationFinished { host, end } => self.operation(host, end),
            Event::Log { host, text } if !quiet => {
                let host = self.look.paint.note(format!("{}:", one_line(host)));
                printed(text).iter().map(|line| format!("{host} {line}")).collect()
            }
            Event::Warning { host, text } if !quiet => self.warning(host.as_deref(), text),
            Event::Orphaned { host, orphan } => {
                self.orphans.add(host, orphan);
                Vec::new()
            }
            Event::Unfinished { host, unsettled } => vec![unsettled_line(host, unsettled, self.look.paint)],
            Event::NotPredictable { host, at, reason } => self.not_predictable(host, at, reason),
            Event::HostFinished { host, status, error, .. } => self.host_finished(host, *status, error.as_ref()),
            _ => Vec::new(),
        }
    }

    fn print(&mut self, lines: &[String]) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let text: String = lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect();
        let out = &mut self.out;
        let mut write = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }
}

fn with_message(word: &str, error: Option<&Failure>) -> String {
    error.map_or_else(|| word.to_owned(), |error| format!("{word}: {}", one_line(&error.message)))
}

/// True when the host failed by this operation and its error says so.
fn tells_of(host: &Failure, op: &Failure) -> bool {
    host.message.contains(&op.message) || host.causes.iter().any(|cause| cause.contains(&op.message))
}

fn tells_less(host: &Failure, op: &Failure) -> bool {
    let details = |failure: &Failure| {
        failure.causes.len()
            + usize::from(failure.at.is_some())
            + usize::from(failure.hint.is_some())
            + usize::from(failure.stderr.is_some())
    };
    details(host) < details(op)
}

impl Sink for Human {
    fn name(&self) -> &str {
        "terminal"
    }

    // A run goes on, and well, where nobody watches it.
    fn is_needed(&self) -> bool {
        false
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        self.tally.add(event);
        if let Some(live) = &self.live {
            live.update(event);
        }
        if let Event::RunFinished { duration_ms, totals, exit } = event {
            if let Some(live) = &mut self.live {
                live.stop();
            }
            let lines =
                self.ending(totals, Some(Finished { duration_ms: *duration_ms, interrupted: *exit == INTERRUPTED }));
            return Ok(self.print(&lines)?);
        }
        let lines = self.text(event);
        let quiet = self.look.verbosity == Verbosity::Quiet;
        if quiet { Ok(()) } else { Ok(self.print(&lines)?) }
    }

    /// A run that was killed is closed with what is known of it.
    fn finish(&mut self) -> Result<(), SinkError> {
        self.live = None;
        let totals = self.tally.totals();
        let lines = self.ending(&totals, None);
        Ok(self.print(&lines)?)
    }
}
