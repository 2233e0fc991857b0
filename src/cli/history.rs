//! `history` and `show RUN`: what the store remembers.

use super::failure::{CommandError, Exit};
use crate::event::{Sink, SinkError};
use crate::report::{Align, Cell, Human, Json, Look, Paint, SHORT_RUN, Table, one_line};
use crate::state::{RunRecord, Store};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::HashMap;
use std::io::Write;

/// When "now" is, and where: for `2 h ago` and the local time beside it.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Now.
    pub now: Timestamp,
    /// The zone in which times are shown.
    pub zone: TimeZone,
}

impl Clock {
    /// The clock and the zone of this machine.
    pub fn system() -> Self {
        Self { now: Timestamp::now(), zone: TimeZone::system() }
    }
}

/// Lists the newest runs, newest first; no store is an empty list.
///
/// # Errors
/// The store cannot be read, or `out` not written.
pub fn history(
    store: Option<&Store>,
    limit: u64,
    clock: &Clock,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let runs = store.map_or_else(|| Ok(Vec::new()), |store| store.runs(limit))?;
    if runs.is_empty() {
        writeln!(out, "no run is recorded yet")?;
        return Ok(Exit::Done);
    }
    for line in table(&runs, clock, paint).lines() {
        writeln!(out, "{line}")?;
    }
    Ok(Exit::Done)
}

/// The same as one JSON array of [`RunRecord`]s.
///
/// # Errors
/// As [`history`].
pub fn history_json(store: Option<&Store>, limit: u64, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let runs = store.map_or_else(|| Ok(Vec::new()), |store| store.runs(limit))?;
    serde_json::to_writer_pretty(&mut *out, &runs).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(Exit::Done)
}

/// Shows a run again as it was shown when it happened. `run` is an id, a unique beginning of one, or `last`.
///
/// # Errors
/// No such run; the store cannot be read, or `out` not written.
pub fn show(store: &Store, run: &str, look: Look, out: Box<dyn Write + Send>) -> Result<Exit, CommandError> {
    replay(store, run, &mut Human::new(out, look))
}

/// The same as the document of `--json`.
///
/// # Errors
/// As [`show`].
pub fn show_json(store: &Store, run: &str, out: Box<dyn Write + Send>) -> Result<Exit, CommandError> {
    replay(store, run, &mut Json::new(out))
}

fn replay(store: &Store, run: &str, sink: &mut dyn Sink) -> Result<Exit, CommandError> {
    let run = store.run(run)?;
    store.replay(&run.run, |event| sink.emit(&event).map_err(unwritten))?;
    sink.finish().map_err(unwritten)?;
    Ok(Exit::Done)
}

fn unwritten(error: SinkError) -> CommandError {
    match error.downcast::<std::io::Error>() {
        Ok(error) => (*error).into(),
        Err(error) => CommandError::of(Exit::Invalid, error.as_ref()),
    }
}

fn table(runs: &[RunRecord], clock: &Clock, paint: Paint) -> Table {
    let undone: HashMap<_, _> = runs
        .iter()
        .filter(|run| run.mode.applies())
        .filter_map(|run| Some((run.undoes.as_deref()?, run.run.as_str())))
        .collect();
    let mut columns = [Align::Left; 10];
    columns[5] = Align::Right;
    columns[6] = Align::Right;
    columns[7] = Align::Right;
    let mut table = Table::new(&columns);
    let head = ["run", "when", "mode", "playbook", "commit", "hosts", "changes", "exit", "who", ""];
    table.row(head.map(|text| Cell::painted(text, |text| faint(paint, text))));
    for run in runs {
        let changes = run.totals.as_ref().map(|totals| totals.changes.to_string());
        table.row([
            Cell::from(short(&run.run)),
            Cell::from(when(&run.started, clock)),
            Cell::from(run.mode.as_str()),
            Cell::from(one_line(&run.playbook)),
            Cell::from(commit(run)),
            Cell::from(run.hosts),
            Cell::from(changes.unwrap_or_else(|| "?".to_owned())),
            exit(run, paint),
            Cell::from(one_line(&run.who)),
            Cell::from(links(run, undone.get(run.run.as_str()).copied())),
        ]);
    }
    table
}

/// The first digits of the commit, with `*` when the work tree differed from it.
fn commit(run: &RunRecord) -> String {
    let commit = run.commit.as_deref().map_or("-", |commit| commit.get(..7).unwrap_or(commit));
    format!("{commit}{}", if run.dirty { "*" } else { "" })
}

/// What ties a run to others.
fn links(run: &RunRecord, undone_by: Option<&str>) -> String {
    let links = [
        ("resumes", run.resumes.as_deref()),
        ("undoes", run.undoes.as_deref().filter(|_| run.mode.applies())),
        ("undone by", undone_by),
    ];
    let told = links.iter().filter_map(|(verb, run)| Some(format!("{verb} {}", short((*run)?))));
    told.collect::<Vec<_>>().join(", ")
}

fn short(run: &str) -> &str {
    run.get(..SHORT_RUN).unwrap_or(run)
}

fn exit(run: &RunRecord, paint: Paint) -> Cell {
    match run.exit {
        None => Cell::painted("unfinished", |text| bad(paint, text)),
        Some(code @ (0 | 2)) => Cell::from(code),
        Some(code) => Cell::painted(code.to_string(), |text| bad(paint, text)),
    }
}

fn bad(paint: Paint, text: &str) -> String {
    paint.with(anstyle::AnsiColor::Red.on_default(), text)
}

fn faint(paint: Paint, text: &str) -> String {
    paint.with(anstyle::Style::new().dimmed(), text)
}

/// `2 h ago (2026-11-20 10:00)`.
fn when(started: &str, clock: &Clock) -> String {
    let Ok(moment) = started.parse::<Timestamp>() else { return one_line(started).into_owned() };
    let local = moment.to_zoned(clock.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let seconds = clock.now.as_second() - moment.as_second();
    let ago = match seconds {
        ..0 => return local,
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    };
    format!("{ago} ({local})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_told_in_words_and_in_local_time() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let clock = Clock { now: "2026-11-20T12:00:00Z".parse().expect("a time"), zone };
        let told = ["2026-11-20T11:59:30Z", "2026-11-20T11:20:00Z", "2026-11-19T09:00:00Z", "2026-10-01T00:00:00Z"]
            .map(|started| when(started, &clock));
        assert_eq!(
            told,
            [
                "just now (2026-11-20 12:59)",
                "40 min ago (2026-11-20 12:20)",
                "1 day ago (2026-11-19 10:00)",
                "50 days ago (2026-10-01 01:00)",
            ]
        );
        assert_eq!(when("2026-11-20T13:00:00Z", &clock), "2026-11-20 14:00", "a clock that was wrong");
        assert_eq!(when("yesterday", &clock), "yesterday");
    }
}
