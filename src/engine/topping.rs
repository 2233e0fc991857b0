//! A shell that asks, in the exchange of a change, what is expected to be asked next.

use super::host::{HostRun, HostState};
use super::styled::{Style, Styled};
use crate::inventory::Escalation;
use crate::ops::{OpError, Plan, Touch, apply};
use crate::remote::{Command, Output, Shell, ShellError};
use std::io::Read;

/// Does what the plan says; what is expected to be asked next comes back with the last answer.
pub(super) fn done(
    plan: &Plan,
    state: &mut HostState,
    host: &HostRun,
    becoming: Option<&Escalation>,
    style: &Style,
    touch: &Touch,
) -> Result<Option<Output>, OpError> {
    // Asked along with the change is what will be known no more after it.
    state.forget(touch);
    let (seat, _) = state.seat(host.line(), becoming);
    let questions = seat.known.expected();
    let mut topping = ToppingUp::new(&mut *seat.shell, &questions.commands);
    let applied = apply(plan, &mut Styled::new(&mut topping, style));
    match (topping.answers(), &applied) {
        (Some(answers), Ok(_)) => drop(seat.known.learn(&questions, &answers)),
        (None, Ok(_)) => {}
        // What came before the failure may have done anything.
        (_, Err(_)) => state.forget(&Touch::Anything),
    }
    Ok(applied?.output)
}

/// Wraps the shell of one operation. Only its first change asks along; after a second one the answers are void.
struct ToppingUp<'a> {
    inner: &'a mut dyn Shell,
    reads: &'a [Command],
    asked: bool,
    answers: Option<Vec<Output>>,
}

impl<'a> ToppingUp<'a> {
    /// Asks `reads` along with the first change.
    fn new(inner: &'a mut dyn Shell, reads: &'a [Command]) -> Self {
        Self { inner, reads, asked: reads.is_empty(), answers: None }
    }

    /// The answers, unless something changed after them.
    fn answers(self) -> Option<Vec<Output>> {
        self.answers
    }
}

impl Shell for ToppingUp<'_> {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.inner.read_all(commands)
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        self.answers = None;
        if self.asked {
            return self.inner.change_all(commands);
        }
        self.asked = true;
        let (outputs, answers) = self.inner.change_then_read(commands, self.reads)?;
        self.answers = Some(answers);
        Ok(outputs)
    }

    fn stream(&mut self, command: &Command, content: &mut (dyn Read + Send)) -> Result<Output, ShellError> {
        self.answers = None;
        self.inner.stream(command, content)
    }

    fn exchanges(&self) -> u64 {
        self.inner.exchanges()
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        self.answers = None;
        self.inner.reconnect()
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        self.inner.prove_login()
    }
}
