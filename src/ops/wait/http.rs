//! `wait::http`: a web server answers as it should.

use super::{check_times, until};
use crate::ops::{OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Waits until a URL answers with a status, and a body that holds a text, as seen from the host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    url: String,
    status: Option<u16>,
    body: Option<String>,
    timeout: Option<f64>,
    every: Option<f64>,
}

impl Operation for Http {
    const NAME: &'static str = "wait::http";
    const TARGET: &'static str = "url";
    type Seen = ();

    fn check(&self) -> Result<(), String> {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if !(self.url.starts_with("http://") || self.url.starts_with("https://")) || self.url.contains(odd) {
            return Err(format!("argument `url`: `{}` is no http or https address", self.url));
        }
        if self.status.is_some_and(|status| !(100..600).contains(&status)) {
            return Err("argument `status`: it is between 100 and 599".into());
        }
        check_times(self.timeout, self.every)
    }

    fn probe(&self, _: &mut View<'_>) -> Result<(), OpError> {
        Ok(())
    }

    fn plan(&self, (): &()) -> Result<Plan, OpError> {
        let status = self.status.unwrap_or(200);
        let script = format!(
            "u={} s={status} b={}\n{}",
            quote(&self.url),
            quote(self.body.as_deref().unwrap_or_default()),
            include_str!("http.sh")
        );
        let with = self.body.as_ref().map(|body| format!(" and {body:?}")).unwrap_or_default();
        let what = format!("{} to answer with {status}{with}", self.url);
        Ok(until(Command::script(script), self.timeout, self.every, what))
    }
}
