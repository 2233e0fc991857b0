//! OpenSSH: one master connection a host, channels on it through the `openssh` crate.
//!
//! We start the master ourselves instead of the crate's builder, which would override `StrictHostKeyChecking`:
//! what the user's ssh_config says must hold.

mod failure;
mod kept;
mod master;

pub(super) use failure::no_shell;
pub(super) use kept::Kept;
pub(super) use master::by_hand;
pub(super) use master::{Master, prove};

use crate::remote::{Channel, ShellError, quote};
use openssh::{Session, Stdio};
use std::sync::Arc;

/// Opens a channel. `launch` is what the shell runs instead of reading its stdin.
pub(super) async fn open(session: &Arc<Session>, launch: Option<&str>) -> Result<Channel, ShellError> {
    let line = match launch {
        Some(launch) => format!("exec sh -c {}", quote(launch)),
        None => "exec sh".to_owned(),
    };
    let mut command = Arc::clone(session).arc_raw_command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().await.map_err(|error| ShellError::Unreachable {
        reason: format!("the connection takes no further channel: {}", chain(&error)),
        hint: Some("was the connection lost, or is `MaxSessions` of its sshd too low?".to_owned()),
    })?;
    Ok(Channel {
        stdin: Box::new(child.stdin().take().expect("piped")),
        stdout: Box::new(child.stdout().take().expect("piped")),
        stderr: Box::new(child.stderr().take().expect("piped")),
        preamble: Vec::new(),
        guard: Box::new(child),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
