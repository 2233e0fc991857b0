//! The end of a run: a table of hosts and one sentence.

use super::operation::{count, duration};
use super::{Align, Cell, Paint, SHORT_RUN, Table, one_line};
use crate::event::{Count, HostStatus, Mode, RunStart, Tally, Totals};

/// More hosts than this, and only those with problems get a row.
const ROWS: usize = 20;
/// Rows for hosts with problems.
const PROBLEMS: usize = 40;

/// The table of hosts; of many only those that someone has to look at, the rest counted.
pub(super) fn host_table(tally: &Tally, all: bool, paint: Paint) -> Vec<String> {
    let hosts: Vec<(&str, &Count)> = tally.hosts().collect();
    let all = all || hosts.len() <= ROWS;
    let (rows, rest): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(_, count)| all || is_problem(count));
    let (rows, more) = rows.split_at(if all { rows.len() } else { rows.len().min(PROBLEMS) });
    let mut lines = if rows.is_empty() { Vec::new() } else { table(rows, paint).lines() };
    lines.extend(
        (!more.is_empty()).then(|| paint.bad(format!("… and {} more with problems: {}", more.len(), kinds(more)))),
    );
    if !rest.is_empty() {
        let and = if lines.is_empty() { "" } else { "… and " };
        lines.push(format!("{and}{} without problems: {}", count(rest.len() as u64, "host"), kinds(&rest)));
    }
    lines
}

fn is_problem(count: &Count) -> bool {
    !matches!(count.status, Some(HostStatus::Ok | HostStatus::Changed)) || count.not_predictable
}

fn table(rows: &[(&str, &Count)], paint: Paint) -> Table {
    let skipped = rows.iter().any(|(_, count)| count.skipped > 0);
    let unknown = rows.iter().any(|(_, count)| count.unknown > 0);
    let columns = 7 + usize::from(skipped) + usize::from(unknown);
    let align: Vec<Align> = (0..columns).map(|column| if column < 2 { Align::Left } else { Align::Right }).collect();
    let mut table = Table::new(&align);
    let mut head = vec!["host", "result", "ok", "changed", "failed"];
    head.extend(skipped.then_some("skipped"));
    head.extend(unknown.then_some("unknown"));
    head.extend(["exchanges", "time"]);
    table.row(head.into_iter().map(|text| Cell::painted(text, |text| paint.faint(text))));
    for (host, count) in rows {
        let painted = |number: u64, how: fn(Paint, &str) -> String| {
            Cell::painted(number.to_string(), |text| if number > 0 { how(paint, text) } else { text.to_owned() })
        };
        let mut row = vec![
            Cell::from(one_line(host)),
            result(count, paint),
            Cell::from(count.unchanged),
            painted(count.changed, |paint, text| paint.changed(text)),
            painted(count.failed, |paint, text| paint.bad(text)),
        ];
        row.extend(skipped.then(|| Cell::from(count.skipped)));
        row.extend(unknown.then(|| painted(count.unknown, |paint, text| paint.unsure(text))));
        row.extend([Cell::from(count.exchanges), Cell::from(duration(count.busy_ms))]);
        table.row(row);
    }
    table
}

fn result(count: &Count, paint: Paint) -> Cell {
    match count.status {
        Some(status @ (HostStatus::Failed | HostStatus::Unreachable)) => {
            Cell::painted(word(Some(status)), |text| paint.error(text))
        }
        Some(HostStatus::Changed) => Cell::painted("changed", |text| paint.changed(text)),
        Some(HostStatus::Ok) => Cell::painted("ok", |text| paint.good(text)),
        status => Cell::painted(word(status), |text| paint.faint(text)),
    }
}

fn word(status: Option<HostStatus>) -> &'static str {
    match status {
        Some(HostStatus::Ok) => "ok",
        Some(HostStatus::Changed) => "changed",
        Some(HostStatus::Failed) => "failed",
        Some(HostStatus::Unreachable) => "unreachable",
        Some(HostStatus::Skipped) => "skipped",
        None => "unfinished",
    }
}

/// `950 ok, 46 changed`.
fn kinds(hosts: &[(&str, &Count)]) -> String {
    let order = [
        Some(HostStatus::Failed),
        Some(HostStatus::Unreachable),
        None,
        Some(HostStatus::Skipped),
        Some(HostStatus::Ok),
        Some(HostStatus::Changed),
    ];
    let counted = order.map(|status| (word(status), hosts.iter().filter(|(_, count)| count.status == status).count()));
    let shown = counted.iter().filter(|(_, number)| *number > 0).map(|(word, number)| format!("{number} {word}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// The exit status of a run that a signal ended.
pub(super) const INTERRUPTED: i32 = 130;

/// How a run ended that was not killed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// By a signal.
    pub interrupted: bool,
}

/// The sentence that closes a run. `changed` counts the hosts with a change, those that failed later among them;
/// `finished` is missing when the run was killed.
pub(super) fn closing(
    start: &RunStart,
    totals: &Totals,
    changed: u64,
    finished: Option<Finished>,
    paint: Paint,
) -> String {
    let run = start.run.get(..SHORT_RUN).unwrap_or(&start.run);
    let name = paint.strong(format!("{} {run}:", start.mode.as_str()));
    let mut parts = vec![match start.mode {
        Mode::Apply => applied(totals),
        Mode::Plan => predicted(totals, changed, "change"),
        Mode::Drift => predicted(totals, changed, "difference"),
    }];
    let bad = totals.failed > 0 || totals.unreachable > 0;
    if start.mode.applies() || totals.failed > 0 {
        parts.push(format!("{} failed", totals.failed));
    }
    let hosts = |number| count(number, "host");
    parts.extend((totals.unreachable > 0).then(|| format!("{} unreachable", totals.unreachable)));
    parts.extend((totals.skipped > 0).then(|| format!("{} skipped", hosts(totals.skipped))));
    parts.extend((totals.unknown > 0).then(|| format!("{} known only after apply", totals.unknown)));
    parts.extend((totals.not_predictable > 0).then(|| format!("{} not predictable", hosts(totals.not_predictable))));
    let sums = parts.join(", ");
    let sums = if bad { paint.bad(sums) } else { paint.good(sums) };
    let end = match (finished, start.mode) {
        (None, _) => "; it did not end".to_owned(),
        (Some(Finished { interrupted: true, duration_ms }), Mode::Apply) => {
            format!(", {} after {}; `rhapsode resume` goes on", paint.bad("interrupted"), duration(duration_ms))
        }
        (Some(Finished { interrupted: true, .. }), _) => format!(", {}", paint.bad("interrupted")),
        (Some(Finished { duration_ms, .. }), Mode::Apply) => format!(" in {}", duration(duration_ms)),
        (Some(_), _) if totals.changes + totals.unknown == 0 => String::new(),
        (Some(_), _) => "; nothing was changed".to_owned(),
    };
    format!("{name} {sums}{end}")
}

fn applied(totals: &Totals) -> String {
    format!("{}, {}", count(totals.hosts, "host"), count(totals.changes, "change"))
}

fn predicted(totals: &Totals, changed: u64, noun: &str) -> String {
    match totals.changes {
        0 => format!("no {noun}s on {}", count(totals.hosts, "host")),
        changes => format!("{} on {} of {}", count(changes, noun), changed, count(totals.hosts, "host")),
    }
}
