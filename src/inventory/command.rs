//! Inventories that a program prints.

use super::{InventoryError, Spot};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program as Ansible does, with `--list`.
pub(super) fn program(path: &Path, root: &Path, shown: &str) -> Result<Vec<u8>, InventoryError> {
    // A relative path would be looked for below the folder that the program starts in.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    run(Command::new(path).arg("--list").current_dir(root), shown)
}

/// Runs a command line with `sh -c`.
pub(super) fn line(line: &str, root: &Path, shown: &str) -> Result<Vec<u8>, InventoryError> {
    run(Command::new("sh").arg("-c").arg(line).current_dir(root), shown)
}

fn run(command: &mut Command, shown: &str) -> Result<Vec<u8>, InventoryError> {
    let spot = Spot::whole(shown);
    let output = command.stdin(Stdio::null()).output().map_err(|cause| {
        let error = InventoryError::at(&spot, format!("cannot run `{shown}`"));
        error.hint("a script needs a first line such as `#!/bin/sh`").because(cause)
    })?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(&spot, shown, &output)) }
}

fn failed(spot: &Spot, shown: &str, output: &Output) -> InventoryError {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing on stderr").trim().to_owned();
    let message = match output.status.code() {
        Some(code) => format!("`{shown}` exited with {code}"),
        None => format!("`{shown}` was killed by a signal"),
    };
    InventoryError::at(spot, message).hint(format!("it said: {last}"))
}
