//! `cmd::read`: a command that only reads.

use super::Line;
use crate::ops::args::Content;
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, Output};
use serde::Deserialize;

/// Runs a command that changes nothing, in plans too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    command: Line,
    stdin: Option<Content>,
    #[serde(default)]
    stable: bool,
    success_codes: Option<Vec<i32>>,
}

impl Operation for Read {
    const NAME: &'static str = "cmd::read";
    const TARGET: &'static str = "command";
    const TAKES_MANY: bool = true;
    type Seen = Output;

    fn check(&self) -> Result<(), String> {
        self.command.check(&[])
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Output, OpError> {
        let command = self.command();
        self.command.known(&[])?;
        if view.planned_changes() > 0 && !self.stable {
            return Err(OpError::Unknown(format!("output of `{command}`")));
        }
        let output = view.read_for_playbook(&command)?;
        match command.succeeds_with(output.code) {
            true => Ok(output),
            false => Err(OpError::command(&command, &output)),
        }
    }

    fn plan(&self, output: &Output) -> Result<Plan, OpError> {
        Ok(Plan { output: Some(output.clone()), ..Plan::default() })
    }
}

impl Read {
    fn command(&self) -> Command {
        let mut command = self.command.command(&[]);
        command.stdin = self.stdin.as_ref().map(|content| content.0.to_vec());
        command.success_codes = self.success_codes.clone().unwrap_or_else(|| vec![0]);
        command
    }
}
