//! What is said to a host: commands, answers, and the resident shell that carries them.

mod answers;
mod cache;
mod channel;
mod command;
mod feed;
mod frame;
mod interrupt;
mod line;
mod print;
mod resident;
mod seat;
mod session;

pub use channel::{Channel, Opener, Task};
pub use command::{Command, Output, quote};
pub use frame::random_mark;
pub use interrupt::Interrupt;
pub use line::{Line, OUTPUT_LIMIT};
pub use resident::Resident;
pub use seat::Seat;

use crate::secret::RevealError;
use std::time::Duration;

/// One line to a host, as one user of it. Operations see nothing else of a connection.
///
/// Blocking: async stays behind it. Every method may open the connection first.
pub trait Shell: Send {
    /// Runs commands that only read, in one exchange; an answer is kept until the next change on this host.
    ///
    /// # Errors
    /// [`ShellError`] when the line fails; a command that fails is an [`Output`] like any other.
    fn read_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError>;

    /// Runs commands that may change the host, in order and in one exchange. Stops after the first whose exit
    /// status is not among its [`Command::success_codes`]; the answers so far are returned. Drops what was read.
    ///
    /// # Errors
    /// [`ShellError`] when the line fails.
    fn change_all(&mut self, commands: &[Command]) -> Result<Vec<Output>, ShellError>;

    /// Runs commands that may change the host, and then others that only read, in one exchange where they fit. The
    /// answers to the reads are those after the changes, also where a change failed.
    ///
    /// # Errors
    /// As [`Shell::change_all`].
    fn change_then_read(
        &mut self,
        changes: &[Command],
        reads: &[Command],
    ) -> Result<(Vec<Output>, Vec<Output>), ShellError> {
        Ok((self.change_all(changes)?, self.read_all(reads)?))
    }

    /// Runs one command with `content` streamed to its stdin on a channel of its own; for content too large
    /// to travel inline. The command must check that all of it arrived: a lost connection looks like its end.
    ///
    /// # Errors
    /// [`ShellError`] when the line fails.
    fn stream(&mut self, command: &Command, content: &mut (dyn std::io::Read + Send)) -> Result<Output, ShellError>;

    /// Request and answer pairs since the login.
    fn exchanges(&self) -> u64;

    /// Closes the line; the next call opens a fresh one (after a reboot, or to prove that a login still works).
    fn reconnect(&mut self) -> Result<(), ShellError>;

    /// Logs in once more on a connection of its own, beside the open one, and closes it again.
    ///
    /// # Errors
    /// [`ShellError::Unreachable`] when nobody could log in any more.
    fn prove_login(&mut self) -> Result<(), ShellError>;

    /// Runs one command that only reads.
    ///
    /// # Errors
    /// As [`Shell::read_all`].
    fn read(&mut self, command: &Command) -> Result<Output, ShellError> {
        let mut outputs = self.read_all(std::slice::from_ref(command))?;
        Ok(outputs.pop().expect("one answer a command"))
    }

    /// Runs one command that may change the host.
    ///
    /// # Errors
    /// As [`Shell::change_all`].
    fn change(&mut self, command: &Command) -> Result<Output, ShellError> {
        let mut outputs = self.change_all(std::slice::from_ref(command))?;
        Ok(outputs.pop().expect("one answer a command"))
    }
}

/// Why a line to a host failed, split by what a caller can do.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// No connection, or it was lost: the host is unreachable.
    #[error("cannot reach the host: {reason}")]
    Unreachable {
        /// What the connector said.
        reason: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// `sudo`, `su` or `doas` refused.
    #[error("cannot become `{user}` with {method}: {reason}")]
    Escalation {
        /// `sudo`, `su` or `doas`.
        method: &'static str,
        /// The wanted user.
        user: String,
        /// What it said.
        reason: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// The command wrote more than is kept in memory; the line was replaced.
    #[error("the command wrote more than {} MiB", limit / (1024 * 1024))]
    TooMuch {
        /// The limit in bytes.
        limit: usize,
    },
    /// The command did not end in time; the line was replaced.
    #[error("no answer within {}s", timeout.as_secs_f32())]
    Timeout {
        /// The limit that was reached.
        timeout: Duration,
    },
    /// The command ended the shell that ran it; the line was replaced.
    #[error("the command ended the shell that ran it")]
    Broken,
    /// A command holds a value that is not known yet.
    #[error(transparent)]
    Reveal(#[from] RevealError),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// Reading the content to send failed.
    #[error("cannot read the content to send")]
    Content(#[source] std::io::Error),
}

impl ShellError {
    /// Something to do about it, where known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } | Self::Escalation { hint, .. } => hint.clone(),
            Self::Reveal(RevealError::Unresolved(error)) => error.hint.clone(),
            Self::Timeout { .. } => Some("`timeout`, in seconds, gives a command more time".to_owned()),
            _ => None,
        }
    }
}
