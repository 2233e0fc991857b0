//! Why an operation failed.

use crate::remote::{Command, Output, ShellError};

/// Why an operation failed, split by what a caller can do.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// Only an apply can tell: the operation is reported as unknown, not as failed.
    #[error("known only after apply: {0}")]
    Unknown(String),
    /// The line to the host failed.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// A command ended with a status that does not mean success.
    #[error("`{command}` exited with {code}")]
    Command {
        /// The command line, redacted.
        command: String,
        /// Its exit status.
        code: i32,
        /// What it wrote on stderr, redacted.
        stderr: String,
        /// What it wrote on stdout, redacted.
        stdout: String,
    },
    /// The wanted state cannot be reached; the user has to do something.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The host answered what no parser understands.
    #[error("cannot make sense of the answer to `{command}`: {answer}")]
    Answer {
        /// What was asked.
        command: String,
        /// What came back, shortened.
        answer: String,
    },
    /// A file on this machine cannot be read.
    #[error("cannot read `{path}`")]
    Local {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl OpError {
    /// An error that the user has to resolve.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: None }
    }

    /// The same with something to do about it.
    pub fn refused_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: Some(hint.into()) }
    }

    /// A command that did not succeed.
    pub fn command(command: &Command, output: &Output) -> Self {
        Self::Command {
            command: first_line(&command.shown()),
            code: output.code,
            stderr: crate::secret::redact(&output.complaint()),
            stdout: crate::secret::redact(&output.text()),
        }
    }

    /// An answer that no parser understands.
    pub fn answer(command: impl std::fmt::Display, answer: &[u8]) -> Self {
        let answer = crate::secret::redact(&String::from_utf8_lossy(answer));
        Self::Answer { command: first_line(&command.to_string()), answer: shorten(&answer, 200) }
    }

    /// Something to do about it, where known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint: Some(hint), .. } => Some(hint.clone()),
            Self::Refused { message, .. } => trouble(message),
            Self::Shell(error) => error.hint(),
            Self::Command { stderr, stdout, .. } => trouble(stderr).or_else(|| trouble(stdout)),
            Self::Local { source, .. } => crate::event::remedy(source).map(str::to_owned),
            _ => None,
        }
    }
}

/// What to do about the troubles that every program meets.
fn trouble(said: &str) -> Option<String> {
    const ROOT: &str = "is that for root? `sudo: true` on the operation, the play or the host acts as root";
    const KNOWN: &[(&str, &str)] = &[
        ("Permission denied", ROOT),
        ("Access denied", ROOT),
        ("Operation not permitted", ROOT),
        ("are you root", ROOT),
        ("No space left on device", "`df -h` and `df -i` on the host show what is full"),
        ("Read-only file system", "`mount` on the host shows how it is mounted"),
        ("invalid user", "an account that is not there yet is made by `user::present`, before"),
        ("invalid group", "a group that is not there yet is made by `group::present`, before"),
        (": not found", "is the program installed on the host, and in its `PATH`?"),
    ];
    KNOWN.iter().find(|(words, _)| said.contains(words)).map(|(_, hint)| (*hint).to_owned())
}

/// Of a script of ours, the first line tells people what it is about.
fn first_line(command: &str) -> String {
    match command.trim().split_once('\n') {
        Some((first, _)) => format!("{} …", shorten(first, 200)),
        None => shorten(command.trim(), 200),
    }
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_that_every_program_meets_come_with_something_to_do() {
        let command = |stderr: &str| OpError::Command {
            command: "useradd -- zed".into(),
            code: 1,
            stderr: stderr.into(),
            stdout: String::new(),
        };
        let hint = command("useradd: Permission denied.\n").hint().expect("a hint");
        assert!(hint.contains("sudo: true"), "{hint}");
        let refused = OpError::refused("cannot write `/x`: cat: write error: No space left on device");
        assert!(refused.hint().is_some_and(|hint| hint.contains("df -h")));
        assert_eq!(command("no idea\n").hint(), None);
        assert_eq!(OpError::refused_with("Permission denied", "its own").hint().as_deref(), Some("its own"));
    }
}
