//! Live lines on a terminal: one a host while it runs, as many as fit.

use super::operation::{count, duration};
use super::{Align, Cell, Paint, Table, keys, one_line, screen};
use crate::event::{Event, OpStatus};
use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// Draws the lines on a thread of its own, so that events cost nothing but a few numbers.
pub(super) struct Live {
    board: Arc<Mutex<Board>>,
    screen: MultiProgress,
    stop: Option<Sender<()>>,
    painter: Option<JoinHandle<()>>,
}

impl Live {
    /// Lines at the bottom of the terminal that stderr is.
    pub fn on_stderr(paint: Paint) -> Self {
        keys::hush();
        let board = Arc::new(Mutex::new(Board::new(paint)));
        let screen = MultiProgress::with_draw_target(screen::on_stderr(20));
        let (stop, stopped) = channel();
        let painter = {
            let (board, screen) = (board.clone(), screen.clone());
            let paint = move || {
                let mut bars = Bars::new(screen);
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                    let (rows, columns) = console::Term::stderr().size();
                    let lines = lock(&board).lines(usize::from(rows), usize::from(columns));
                    bars.draw(lines);
                }
            };
            // Without the thread there are no live lines; the run does not depend on them.
            std::thread::Builder::new().name("progress".to_owned()).spawn(paint).ok()
        };
        Self { board, screen, stop: Some(stop), painter }
    }

    pub fn update(&self, event: &Event) {
        lock(&self.board).update(event);
    }

    /// Takes the lines away while something is printed above them.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.screen.suspend(print)
    }

    /// Takes the lines away for good.
    pub fn stop(&mut self) {
        self.stop = None;
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
            let _ = self.screen.clear();
        }
        keys::restore();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Bars {
    screen: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Bars {
    fn new(screen: MultiProgress) -> Self {
        Self { screen, bars: Vec::new() }
    }

    fn draw(&mut self, lines: Vec<String>) {
        while self.bars.len() > lines.len() {
            let Some(bar) = self.bars.pop() else { break };
            self.screen.remove(&bar);
        }
        let style =
            || ProgressStyle::with_template("{spinner} {msg}").expect("a valid template").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ");
        while self.bars.len() < lines.len() {
            self.bars.push(self.screen.add(ProgressBar::new_spinner().with_style(style())));
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line);
            bar.tick();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bars.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// What the lines say.
struct Board {
    paint: Paint,
    since: Instant,
    total: usize,
    done: usize,
    changes: u64,
    failed: u64,
    /// Hosts at work, those that began first in front: a host that hangs stays in sight.
    running: IndexMap<String, Line>,
}

#[derive(Default)]
struct Line {
    now: String,
    ok: u64,
    changed: u64,
    failed: u64,
}

impl Board {
    fn new(paint: Paint) -> Self {
        let running = IndexMap::new();
        Self { paint, since: Instant::now(), total: 0, done: 0, changes: 0, failed: 0, running }
    }

    fn update(&mut self, event: &Event) {
        match event {
            Event::RunStarted(start) => {
                self.since = Instant::now();
                self.total = start.hosts.len();
            }
            Event::HostConnecting { host } => self.line(host).now = "connecting".to_owned(),
            Event::HostConnected { host, .. } => self.line(host).now = "connected".to_owned(),
            Event::PlayStarted { host, play } => self.line(host).now = format!("play {}", one_line(play)),
            Event::OperationStarted { host, op, target, .. } => {
                self.line(host).now = format!("{} {}", one_line(op), one_line(target));
            }
            Event::OperationFinished { host, end } => self.ended(host, end.status),
            Event::HostFinished { host, .. } => {
                self.running.shift_remove(host);
                self.done += 1;
            }
            _ => {}
        }
    }

    fn ended(&mut self, host: &str, status: OpStatus) {
        self.changes += u64::from(status == OpStatus::Changed);
        self.failed += u64::from(status == OpStatus::Failed);
        let line = self.line(host);
        match status {
            OpStatus::Changed => line.changed += 1,
            OpStatus::Failed => line.failed += 1,
            _ => line.ok += 1,
        }
    }

    fn line(&mut self, host: &str) -> &mut Line {
        self.running.entry(host.to_owned()).or_default()
    }

    /// Lines of at most `columns` cells, the two of the spinner among them. They take the lower half of the terminal:
    /// what changes is printed above.
    fn lines(&self, rows: usize, columns: usize) -> Vec<String> {
        let fit = (rows / 2).saturating_sub(1).max(1);
        let shown = if self.running.len() > fit { fit - 1 } else { self.running.len() };
        let mut table = Table::new(&[Align::Left, Align::Left, Align::Left]);
        for (host, line) in self.running.iter().take(shown) {
            let now = console::truncate_str(&line.now, columns / 2, "…");
            table.row([one_line(host).into(), now.into(), self.counts(line)]);
        }
        let mut lines = table.lines();
        if self.running.len() > shown {
            lines.push(self.paint.faint(format!("… and {} more", self.running.len() - shown)));
        }
        if self.total > 1 {
            lines.push(self.footer());
        }
        lines.iter().map(|line| console::truncate_str(line, columns.saturating_sub(3), "…").into_owned()).collect()
    }

    fn counts(&self, line: &Line) -> Cell {
        let mut counts = format!("{} ok", line.ok);
        if line.changed > 0 {
            counts.push_str(&self.paint.changed(format!(" {} changed", line.changed)));
        }
        if line.failed > 0 {
            counts.push_str(&self.paint.bad(format!(" {} failed", line.failed)));
        }
        Cell::from(counts)
    }

    fn footer(&self) -> String {
        let waiting = self.total.saturating_sub(self.done + self.running.len());
        let mut text = format!("{} of {} hosts done", self.done, self.total);
        if waiting > 0 {
            text.push_str(&format!(", {waiting} waiting"));
        }
        text.push_str(&format!(", {}", count(self.changes, "change")));
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", self.failed));
        }
        let seconds = self.since.elapsed().as_secs();
        let elapsed = if seconds < 60 { format!("{seconds} s") } else { duration(seconds * 1_000) };
        format!("{text}, {elapsed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mode, RunStart};

    fn board(hosts: usize, connecting: usize) -> Board {
        let mut board = Board::new(Paint::default());
        let hosts: Vec<String> = (0..hosts).map(|n| format!("web-{n}")).collect();
        for host in hosts.iter().take(connecting) {
            board.update(&Event::HostConnecting { host: host.clone() });
        }
        board.update(&Event::RunStarted(RunStart {
            run: String::new(),
            mode: Mode::Apply,
            playbook: String::new(),
            commit: None,
            dirty: false,
            inventory: String::new(),
            arguments: [].into(),
            who: String::new(),
            started: String::new(),
            hosts,
            sources: None,
            resumes: None,
            undoes: None,
        }));
        board
    }

    #[test]
    fn no_more_lines_are_drawn_than_fit_the_terminal() {
        let lines = board(1_000, 200).lines(20, 80);
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], "web-0  connecting  0 ok");
        assert_eq!(lines[8], "… and 192 more");
        assert_eq!(lines[9], "0 of 1000 hosts done, 800 waiting, 0 changes, 0 s");
    }

    #[test]
    fn a_tiny_terminal_still_gets_its_lines_cut() {
        let lines = board(3, 3).lines(1, 12);
        assert_eq!(lines, ["… and 3 …", "0 of 3 h…"]);
    }

    #[test]
    fn a_host_that_is_done_has_no_line() {
        let mut board = board(2, 2);
        let (status, error) = (crate::event::HostStatus::Ok, None);
        board.update(&Event::HostFinished { host: "web-0".into(), status, exchanges: 1, error });
        assert_eq!(board.lines(20, 80), ["web-1  connecting  0 ok", "1 of 2 hosts done, 0 changes, 0 s"]);
    }
}
