//! Connectors that are a child process of ours: this machine, a container, a command template.

use super::host::Target;
use crate::inventory::Connect;
use crate::remote::{Channel, ShellError};
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Starts the process whose stdin, stdout and stderr are those of a shell on the host. `launch` is what this
/// shell runs instead of reading its stdin; a command template cannot take it, see [`takes_launch`].
pub(super) fn open(target: &Target, launch: Option<&str>) -> Result<Channel, ShellError> {
    let connect = target.connection.connect;
    let mut argv = match connect {
        Connect::Local => local(),
        Connect::Docker => container("docker", target),
        Connect::Podman => container("podman", target),
        Connect::Exec => template(target)?,
        Connect::Ssh => unreachable!("ssh has a connector of its own"),
    };
    if let Some(launch) = launch.filter(|_| takes_launch(connect)) {
        argv.extend(["-c".to_owned(), launch.to_owned()]);
    }
    start(&argv, connect != Connect::Local).map_err(|error| ShellError::Unreachable {
        reason: format!("cannot start `{}`: {error}", argv[0]),
        hint: Some(remedy(&argv[0], &error)),
    })
}

fn remedy(program: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("is `{program}` installed here?"),
        _ => crate::event::remedy(error)
            .map_or_else(|| format!("try `{program}` by hand on this machine"), str::to_owned),
    }
}

/// True when the connector can hand a script to the first shell. A template only gives a shell.
pub(super) fn takes_launch(connect: Connect) -> bool {
    connect != Connect::Exec
}

/// In a session of its own: no command can ask on our terminal or be stopped by it, and `^C` there does not
/// reach it before us. setsid(1) is in util-linux and busybox; without it a group of its own must do.
fn local() -> Vec<String> {
    static SETSID: OnceLock<bool> = OnceLock::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = SETSID.get_or_init(|| std::env::split_paths(&path).any(|dir| dir.join("setsid").is_file()));
    if *found { vec!["setsid".to_owned(), "sh".to_owned()] } else { vec!["sh".to_owned()] }
}

fn container(program: &str, target: &Target) -> Vec<String> {
    let connection = &target.connection;
    let mut argv = vec![program.to_owned(), "exec".to_owned(), "-i".to_owned()];
    if let Some(user) = &connection.user {
        argv.extend(["-u".to_owned(), user.clone()]);
    }
    let name = connection.container.as_ref().unwrap_or(&target.name);
    argv.extend(["--".to_owned(), name.clone(), "sh".to_owned()]);
    argv
}

fn template(target: &Target) -> Result<Vec<String>, ShellError> {
    let connection = &target.connection;
    if connection.command.is_empty() {
        let reason = "`connect: exec` has no `command`".to_owned();
        let hint = Some("give the words of a command that starts a shell on the host".to_owned());
        return Err(ShellError::Unreachable { reason, hint });
    }
    let address = connection.address.as_ref().unwrap_or(&target.name);
    let port = connection.port.map(|port| port.to_string()).unwrap_or_default();
    let user = connection.user.clone().unwrap_or_default();
    let values = [("{host}", &target.name), ("{address}", address), ("{user}", &user), ("{port}", &port)];
    Ok(connection.command.iter().map(|word| replaced(word, &values)).collect())
}

/// Replaces in one pass: what a value holds is not replaced again.
fn replaced(word: &str, values: &[(&str, &String)]) -> String {
    let mut done = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                done.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                done.push('{');
                rest = &rest[1..];
            }
        }
    }
    done + rest
}

/// `client`: the process only carries the shell, and ends with the channel. A local shell ends at the end of
/// its stdin, as remote ones do, so that what runs in its background lives on.
fn start(argv: &[String], client: bool) -> std::io::Result<Channel> {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(client);
    if argv[0] != "setsid" {
        // setsid(1) needs no fork when it leads no group yet.
        command.process_group(0);
    }
    Ok(channel(command.spawn()?))
}

fn channel(mut child: Child) -> Channel {
    Channel {
        stdin: Box::new(child.stdin.take().expect("piped")),
        stdout: Box::new(child.stdout.take().expect("piped")),
        stderr: Box::new(child.stderr.take().expect("piped")),
        preamble: Vec::new(),
        guard: Box::new(child),
    }
}

/// Has a fresh shell say a word.
pub(super) async fn prove(target: &Target, channel: &mut Channel) -> Result<(), ShellError> {
    const WORD: &str = "rhapsode-answers";
    let mut said = (Vec::new(), Vec::new());
    let talk = async {
        let (mut stdout, mut stderr) = ((&mut channel.stdout).take(65_536), (&mut channel.stderr).take(65_536));
        // A shell that does not read says why on stderr.
        let _ = channel.stdin.write_all(format!("printf {WORD}; exit\n").as_bytes()).await;
        let _ = tokio::join!(stdout.read_to_end(&mut said.0), stderr.read_to_end(&mut said.1));
    };
    let ended = tokio::time::timeout(target.connect_timeout, talk).await.is_ok();
    if String::from_utf8_lossy(&said.0).contains(WORD) {
        return Ok(());
    }
    if ended {
        return Err(explain(target, &String::from_utf8_lossy(&said.1)));
    }
    let reason = format!("no answer within {}s", target.connect_timeout.as_secs());
    Err(ShellError::Unreachable { reason, hint: None })
}

/// Why a process ended before the shell at its other end answered.
pub(super) fn explain(target: &Target, stderr: &str) -> ShellError {
    let program = match target.connection.connect {
        Connect::Local => "sh",
        Connect::Docker => "docker",
        Connect::Podman => "podman",
        _ => target.connection.command.first().map_or("", |program| Path::new(program.as_str()).to_str().unwrap_or("")),
    };
    let line = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let reason = line.map_or_else(|| format!("`{program}` ended without a word"), str::to_owned);
    ShellError::Unreachable { hint: hint(&reason), reason }
}

fn hint(reason: &str) -> Option<String> {
    let hint = if reason.contains("No such container") || reason.contains("no such container") {
        "is the container's name right? `staging up` starts those of an inventory"
    } else if reason.contains("is not running") || reason.contains("is paused") {
        "start or unpause the container; `staging up` does for those of an inventory"
    } else if reason.contains("Cannot connect to the Docker daemon") || reason.contains("docker daemon") {
        "is the docker daemon running, and may you use its socket?"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in_one_pass() {
        let (host, address) = ("{port}".to_owned(), "10.0.0.1".to_owned());
        let values = [("{host}", &host), ("{address}", &address)];
        assert_eq!(replaced("x{host}{y}{address}{", &values), "x{port}{y}10.0.0.1{");
    }
}
