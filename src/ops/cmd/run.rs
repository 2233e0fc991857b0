//! `cmd::run`: a command that changes something.

use super::{Line, check_paths, is_due, plan};
use crate::ops::args::{Content, Many};
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

/// Runs a command; counted as a change unless a path says that it is done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    command: Line,
    #[serde(default)]
    args: Many,
    stdin: Option<Content>,
    creates: Option<String>,
    removes: Option<String>,
}

impl Operation for Run {
    const NAME: &'static str = "cmd::run";
    const TARGET: &'static str = "command";
    const TAKES_MANY: bool = true;
    type Seen = bool;

    fn check(&self) -> Result<(), String> {
        self.command.check(&self.args.0)?;
        check_paths(self.creates.as_deref(), self.removes.as_deref())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![super::managed(args, &args.texts("command").join(" "))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<bool, OpError> {
        self.command.known(&self.args.0)?;
        is_due(view, self.creates.as_deref(), self.removes.as_deref())
    }

    fn plan(&self, due: &bool) -> Result<Plan, OpError> {
        let mut command = self.command.command(&self.args.0);
        command.stdin = self.stdin.as_ref().map(|content| content.0.to_vec());
        let text = command.text().to_owned();
        Ok(plan(*due, command, &text, self.creates.as_deref(), self.removes.as_deref()))
    }
}
