//! A shell that asks, in the exchange of a change, what is expected to be asked next.

use crate::remote::{Command, Output, Shell, ShellError};
use std::io::Read;

/// Wraps the shell of one operation. Only its first change asks along; after a second one the answers are void.
pub struct ToppingUp<'a> {
    inner: &'a mut dyn Shell,
    reads: &'a [Command],
    asked: bool,
    answers: Option<Vec<Output>>,
}

impl<'a> ToppingUp<'a> {
    /// Asks `reads` along with the first change.
    pub fn new(inner: &'a mut dyn Shell, reads: &'a [Command]) -> Self {
        Self { inner, reads, asked: reads.is_empty(), answers: None }
    }

    /// The answers, unless something changed after them.
    pub fn answers(self) -> Option<Vec<Output>> {
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
