//! Secrets of this machine: its environment, its files, its programs, and whoever sits at it.

use super::{Provider, one_line};
use crate::secret::sops::passphrase;
use crate::secret::{SecretError, program};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// `env:NAME`
pub struct Env;

impl Provider for Env {
    fn fetch(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        use std::os::unix::ffi::OsStringExt;
        match std::env::var_os(name) {
            Some(value) => Ok(Zeroizing::new(value.into_vec())),
            None => {
                let error = SecretError::new(format!("the environment has no secret in `{name}`"));
                Err(error.hint(format!("export `{name}` before the run")))
            }
        }
    }
}

/// `file:PATH`, from the project's folder.
pub struct Files(pub PathBuf);

impl Provider for Files {
    fn fetch(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let full = self.0.join(at_home(path));
        let bytes = std::fs::read(full).map(Zeroizing::new);
        bytes.map(one_line).map_err(|error| {
            SecretError::new(format!("cannot read the secret file `{path}`"))
                .hint("the path is relative to the project")
                .because(error)
        })
    }
}

/// `~/` is the home directory.
pub(super) fn at_home(path: &str) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
        None => PathBuf::from(path),
    }
}

/// `cmd:COMMAND`, run by `sh` in the project's folder; what it prints is the value.
pub struct Cmd(pub PathBuf);

impl Provider for Cmd {
    fn fetch(&self, command: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let failed = |how: String| SecretError::new(format!("the command `{command}` gave no secret: {how}"));
        let mut child = Command::new("sh");
        child.args(["-c", command]).current_dir(&self.0).stdin(Stdio::null());
        let output = program::output(child, &format!("`{command}`"));
        let output = output.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => failed(error.to_string()),
            _ => failed("it cannot be run".into()).because(error),
        })?;
        let value = Zeroizing::new(output.stdout);
        if !output.status.success() {
            let error = failed(format!("it ended with {}", output.status));
            return Err(match last_line(&output.stderr) {
                Some(said) => error.hint(format!("it said: {said}")),
                None => error,
            });
        }
        if value.is_empty() {
            return Err(failed("it printed nothing".into()));
        }
        Ok(one_line(value))
    }
}

/// The last line that a program said: the reason stands there.
pub(super) fn last_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty())?.trim();
    Some(crate::secret::redact(line).chars().take(300).collect())
}

/// `prompt:LABEL`
pub struct Prompt;

impl Provider for Prompt {
    fn fetch(&self, label: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        static ASKING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        match passphrase(label) {
            Some(answer) => Ok(Zeroizing::new(answer.into_bytes())),
            None => {
                let error = SecretError::new(format!("nobody gave `{label}`, which is asked for at the terminal"));
                Err(error.hint("run it at a terminal, or keep the secret: `env:`, `sops:`, `cmd:`"))
            }
        }
    }

    fn asks(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gives_what_it_prints() {
        let cmd = Cmd("/".into());
        assert_eq!(cmd.fetch("echo value; echo noise >&2").expect("printed").as_slice(), b"value");
        assert_eq!(cmd.fetch("printf 'one\\ntwo\\n'").expect("printed").as_slice(), b"one\ntwo\n");
        let error = cmd.fetch("echo 'vault is locked' >&2; exit 3").expect_err("failed");
        assert_eq!(error.hint.as_deref(), Some("it said: vault is locked"));
        assert!(cmd.fetch("true").is_err());
    }
}
