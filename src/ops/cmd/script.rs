//! `cmd::script`: a script of this machine, run on the host without a file there.

use super::{check_paths, is_due, plan};
use crate::ops::args::Many;
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;
use std::path::PathBuf;

/// Sends a local script to its interpreter by stdin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    src: PathBuf,
    #[serde(default)]
    args: Many,
    creates: Option<String>,
    removes: Option<String>,
}

/// Whether it must run, and the script.
pub struct Seen {
    due: bool,
    content: Vec<u8>,
}

impl Operation for Script {
    const NAME: &'static str = "cmd::script";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    const TARGET: &'static str = "src";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        check_paths(self.creates.as_deref(), self.removes.as_deref())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![super::managed(args, args.text("src"))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let unreadable = |source| OpError::Local { path: self.src.display().to_string(), source };
        let content = std::fs::read(&self.src).map_err(unreadable)?;
        Ok(Seen { due: is_due(view, self.creates.as_deref(), self.removes.as_deref())?, content })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let command = interpreter(&seen.content).args(&self.args.0).stdin(seen.content.clone());
        let text = format!("{} {}", command.text(), String::from_utf8_lossy(&seen.content));
        Ok(plan(seen.due, command, &text, self.creates.as_deref(), self.removes.as_deref()))
    }
}

/// The interpreter that the `#!` line names, told to read the script from stdin; `sh` without one.
fn interpreter(script: &[u8]) -> Command {
    let line = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.strip_prefix("#!").unwrap_or("sh").split_ascii_whitespace().collect();
    let program = |word: &&&str| !word.ends_with("/env") && !word.starts_with('-');
    let name = words.iter().find(program).map_or("sh", |word| word.rsplit('/').next().unwrap_or(word));
    let is_shell = ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"].contains(&name);
    let command = Command::new(words.first().unwrap_or(&"sh")).args(&words[words.len().min(1)..]);
    if is_shell { command.arg("-s").arg("--") } else { command.arg("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_interpreter() {
        let text = |script: &str| interpreter(script.as_bytes()).text().to_owned();
        assert_eq!(text("echo hi\n"), "sh -s --");
        assert_eq!(text("#!/bin/bash -eu\n"), "/bin/bash -eu -s --");
        assert_eq!(text("#!/usr/bin/env python3\n"), "/usr/bin/env python3 -");
        assert_eq!(text(""), "sh -s --");
    }
}
