//! Programs of this machine that give secrets: they may ask somebody, and they may hang.

use std::io::{Error, ErrorKind, Write};
use std::process::{Command, Output};
use std::time::Duration;

/// After this long, people are told what is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// After this long, nobody will answer any more: an unattended run must come to an end.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a program to its end; `what` it is asked for is told when that takes long.
///
/// # Errors
/// It cannot be run, or takes longer than five minutes ([`ErrorKind::TimedOut`]); then it is ended.
pub fn output(command: Command, what: &str) -> std::io::Result<Output> {
    output_within(command, what, PATIENCE, LIMIT)
}

fn output_within(command: Command, what: &str, patience: Duration, limit: Duration) -> std::io::Result<Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut command = tokio::process::Command::from(command);
        let mut running = std::pin::pin!(command.kill_on_drop(true).output());
        if let Ok(output) = tokio::time::timeout(patience, &mut running).await {
            return output;
        }
        // Nobody is left to be told when stderr is gone.
        let _ = writeln!(std::io::stderr(), "waiting for {} (Ctrl-C gives up)", super::redact(what));
        let rest = limit.saturating_sub(patience);
        let late = |_| Error::new(ErrorKind::TimedOut, format!("it gave no answer in {} s", limit.as_secs()));
        tokio::time::timeout(rest, running).await.unwrap_or_else(|late_by| Err(late(late_by)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let error = output_within(sh("exec sleep 1000"), "it", Duration::ZERO, Duration::ZERO).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_that_ends_gives_what_it_said() {
        let output = output(sh("echo one; echo two >&2; exit 3"), "it").expect("it ran");
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"one\n"[..], &b"two\n"[..]));
        assert_eq!(output.status.code(), Some(3));
    }
}
