//! `wait::file`: a path appears, or vanishes.

use super::{check_times, until};
use crate::ops::args::absolute;
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Waits until a path is there; with `present: false` until it is gone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    path: String,
    present: Option<bool>,
    timeout: Option<f64>,
    every: Option<f64>,
}

impl Operation for File {
    const NAME: &'static str = "wait::file";
    const TARGET: &'static str = "path";
    type Seen = ();

    fn check(&self) -> Result<(), String> {
        absolute("path", &self.path)?;
        check_times(self.timeout, self.every)
    }

    fn probe(&self, _: &mut View<'_>) -> Result<(), OpError> {
        Ok(())
    }

    fn plan(&self, (): &()) -> Result<Plan, OpError> {
        let path = quote(&self.path);
        let (test, state) = match self.present {
            Some(false) => (format!("[ ! -e {path} ] && [ ! -L {path} ]"), "gone"),
            _ => (format!("[ -e {path} ]"), "there"),
        };
        let what = format!("{} to be {state}", self.path);
        Ok(until(Command::script(test), self.timeout, self.every, what))
    }
}
