//! A shell that gives every command of one operation its variables, directory and limit.

use crate::ops::{Known, Overlay, View};
use crate::remote::{Command, Output, Shell, ShellError};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is added to each command; what a command says itself stays.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub chdir: Option<String>,
    /// Limit for the answer.
    pub timeout: Option<Duration>,
}

impl Style {
    /// A host as an operation of this style sees it.
    pub fn view<'a>(&self, shell: &'a mut Styled<'_>, overlay: &'a Overlay, known: &'a mut Known) -> View<'a> {
        let view = match self.env.is_empty() {
            true => View::remembering(shell, overlay, known),
            // With other variables the same question may have another answer.
            false => View::new(shell, overlay),
        };
        view.within(self.chdir.clone())
    }
}

/// See [`Style`].
pub struct Styled<'a> {
    inner: &'a mut dyn Shell,
    style: &'a Style,
}

impl<'a> Styled<'a> {
    /// Wraps a shell.
    pub fn new(inner: &'a mut dyn Shell, style: &'a Style) -> Self {
        Self { inner, style }
    }

    fn styled(&self, command: &Command) -> Command {
        let mut command = self.reading(command);
        command.chdir = command.chdir.or_else(|| self.style.chdir.clone());
        command
    }

    /// The things that an operation looks at have absolute names: the directory may not even be there yet.
    fn reading(&self, command: &Command) -> Command {
        let mut command = command.clone();
        for (key, value) in &self.style.env {
            command.env.entry(key.clone()).or_insert_with(|| value.clone());
        }
        command.timeout = command.timeout.or(self.style.timeout);
        command
    }
}

impl Shell for Styled<'_> {
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        let commands: Vec<_> = commands.iter().map(|command| self.reading(command)).collect();
        self.inner.read_all(&commands)
    }

    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError> {
        let commands: Vec<_> = commands.iter().map(|command| self.styled(command)).collect();
        self.inner.change_all(&commands)
    }

    fn stream(&mut self, command: &Command, content: &mut (dyn std::io::Read + Send)) -> Result<Output, ShellError> {
        let command = self.styled(command);
        self.inner.stream(&command, content)
    }

    fn exchanges(&self) -> u64 {
        self.inner.exchanges()
    }

    fn reconnect(&mut self) -> Result<(), ShellError> {
        self.inner.reconnect()
    }

    fn prove_login(&mut self) -> Result<(), ShellError> {
        self.inner.prove_login()
    }
}
