//! The resident shell: what operations speak to. Blocking; its streams are driven by the runtime.

use super::line::Line;
use super::seat::{Seat, settled};
use super::{Command, Output, Shell, ShellError};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

/// Stdin of more than this many bytes is streamed on a channel of its own.
const STDIN_LIMIT: usize = 256 * 1024;

/// One exchange carries at most about this many bytes: the host's shell holds a request in memory.
const REQUEST_LIMIT: usize = 1024 * 1024;

/// One user's shell on one host.
///
/// Call it from plain threads only: it blocks on the runtime, which must have threads of its own.
pub struct Resident {
    line: Arc<Line>,
    seat: Arc<Seat>,
    /// The login user's seat, taken when no escalation turns out to be needed.
    login: Arc<Seat>,
}

impl Resident {
    /// The shell of one seat; `login` is the seat of the user who logs in, maybe the same.
    pub fn new(line: Arc<Line>, seat: Arc<Seat>, login: Arc<Seat>) -> Self {
        Self { line, seat, login }
    }

    /// Opens the shell now instead of at its first use.
    ///
    /// # Errors
    /// [`ShellError`] when nobody could log in, or become the wanted user.
    pub fn open(&self) -> Result<(), ShellError> {
        let seat = self.seat();
        self.line.runtime.block_on(seat.greet(&self.line))?;
        self.settle(&seat);
        Ok(())
    }

    /// Closes the shell and the connection of its host.
    pub fn close(&self) {
        self.line.runtime.block_on(async {
            self.seat.close(&self.line, false).await;
            self.login.close(&self.line, true).await;
        });
    }

    /// Closes the shells and leaves the connection of its host alone.
    pub fn leave(&self) {
        self.line.runtime.block_on(async {
            self.seat.close(&self.line, false).await;
            self.login.close(&self.line, false).await;
        });
    }

    fn seat(&self) -> Arc<Seat> {
        Arc::clone(if self.seat.is_login_user(&self.line) { &self.login } else { &self.seat })
    }

    /// The first answer may have told that no escalation was needed.
    fn settle(&self, seat: &Seat) {
        if !std::ptr::eq(seat, &*self.login) && seat.is_login_user(&self.line) {
            self.line.runtime.block_on(seat.hand_over(&self.login));
        }
    }

    fn run(&self, commands: &[&Command], stop: bool) -> Result<Vec<Output>, ShellError> {
        let mut outputs = Vec::with_capacity(commands.len());
        let mut rest = commands;
        while !rest.is_empty() {
            let (group, after) = rest.split_at(group_of(rest));
            outputs.extend(self.run_group(group, if stop { group.len() } else { 0 })?);
            rest = after;
            let last = outputs.len().checked_sub(1).map(|last| (commands[last], &outputs[last]));
            if stop && last.is_some_and(|(command, output)| !command.succeeds_with(output.code)) {
                break;
            }
        }
        Ok(outputs)
    }

    /// Tells changes from reads in the trace: a run that finds all as wanted sends none.
    fn tell_changes(&self, commands: &[Command]) {
        for command in commands {
            tracing::trace!(host = self.line.host, %command, "change");
        }
    }

    fn run_group(&self, group: &[&Command], strict: usize) -> Result<Vec<Output>, ShellError> {
        self.line.interrupt.check()?;
        let seat = self.seat();
        for command in group {
            tracing::trace!(host = self.line.host, %command, "request");
        }
        let outputs = match group {
            [command] if is_large(command) => {
                let stdin = super::frame::revealed(command.stdin.as_deref().unwrap_or_default())?;
                let mut content = stdin.as_slice();
                let sent = seat.stream(&self.line, command, &mut content);
                vec![self.line.runtime.block_on(sent)?]
            }
            _ => self.line.runtime.block_on(seat.exchange(&self.line, group, strict))?,
        };
        self.settle(&seat);
        for (command, output) in group.iter().zip(&outputs) {
            trace(&self.line.host, command, output);
        }
        Ok(outputs)
    }
}

/// How many of the commands go into the next exchange.
fn group_of(commands: &[&Command]) -> usize {
    let mut size = 0;
    let fits = |command: &&&Command| {
        size += command.size();
        !is_large(command) && size <= REQUEST_LIMIT
    };
    commands.iter().take_while(fits).count().max(1)
}

fn is_large(command: &Command) -> bool {
    command.stdin.as_ref().is_some_and(|stdin| stdin.len() > STDIN_LIMIT)
}

fn trace(host: &str, command: &Command, output: &Output) {
    if tracing::enabled!(tracing::Level::TRACE) {
        // Cut after redaction: half a secret would not be recognised.
        let shown = |bytes: &[u8]| {
            let text = crate::secret::redact(&String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]));
            text.chars().take(2000).collect::<String>()
        };
        // What was asked for may hold secrets that nobody knows here: a file as it was, hashes of passwords.
        let bytes = output.stdout.len();
        tracing::trace!(host, %command, code = output.code, bytes, stderr = shown(&output.stderr), "answer");
    }
}

impl Shell for Resident {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.line.interrupt.check()?;
        let who = self.seat().id;
        let (mut known, age) = {
            let cache = self.line.cache();
            let hit = |command| cache.get(who, command).map(|output| (command, output));
            (commands.iter().filter_map(hit).collect::<HashMap<_, _>>(), cache.age())
        };
        let mut asked = HashSet::new();
        let missing: Vec<&Command> =
            commands.iter().filter(|command| !known.contains_key(command) && asked.insert(*command)).collect();
        if !missing.is_empty() {
            let outputs = self.run(&missing, false)?;
            let who = self.seat().id;
            let mut cache = self.line.cache();
            for (command, output) in missing.into_iter().zip(outputs) {
                cache.keep(age, who, command, &output);
                known.insert(command, output);
            }
        }
        Ok(commands.iter().map(|command| known.get(command).cloned().expect("asked above")).collect())
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.line.interrupt.check()?;
        self.line.cache().drop_all();
        self.tell_changes(commands);
        let outputs = self.run(&commands.iter().collect::<Vec<_>>(), true);
        self.line.cache().drop_all();
        outputs
    }

    fn change_then_read(
        &mut self,
        changes: &[Command],
        reads: &[Command],
    ) -> Result<(Vec<Output>, Vec<Output>), ShellError> {
        let all: Vec<&Command> = changes.iter().chain(reads).collect();
        if group_of(&all) < all.len() {
            return Ok((self.change_all(changes)?, self.read_all(reads)?));
        }
        self.line.interrupt.check()?;
        self.line.cache().drop_all();
        self.tell_changes(changes);
        let outputs = self.run_group(&all, changes.len());
        let mut cache = self.line.cache();
        cache.drop_all();
        let mut changed = outputs?;
        let due = settled(&all[..changes.len()], &changed).unwrap_or(changed.len());
        let answers = changed.split_off(due);
        let (age, who) = (cache.age(), self.seat().id);
        for (command, output) in reads.iter().zip(&answers) {
            cache.keep(age, who, command, output);
        }
        Ok((changed, answers))
    }

    fn stream(&mut self, command: &Command, content: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        self.line.interrupt.check()?;
        self.line.cache().drop_all();
        self.tell_changes(std::slice::from_ref(command));
        let seat = self.seat();
        let output = self.line.runtime.block_on(seat.stream(&self.line, command, content));
        self.line.cache().drop_all();
        let output = output?;
        trace(&self.line.host, command, &output);
        Ok(output)
    }

    fn exchanges(&self) -> u64 {
        self.line.exchanges()
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        self.line.interrupt.check()?;
        self.line.cache().drop_all();
        self.close();
        Ok(())
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        self.line.interrupt.check()?;
        self.line.runtime.block_on(self.login.prove(&self.line))
    }
}
