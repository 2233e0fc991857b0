//! `sys::hostname`

use crate::event::Sign;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::hostname::Hostname;
use crate::ops::{Change, FileWrite, OpError, Operation, Plan, Source, Step, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Keeps the name of a host, now and after a restart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetHostname {
    name: String,
}

impl Operation for SetHostname {
    const NAME: &'static str = "sys::hostname";
    type Seen = Hostname;

    /// Spec: hostname(5): at most 64 letters, digits, `-` and dots, no empty label.
    fn check(&self) -> Result<(), String> {
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.len() < 64
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        match self.name.len() <= 64 && self.name.split('.').all(label) {
            true => Ok(()),
            false => Err(format!("argument `name`: `{}` is no host name", self.name)),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.thing("hostname", Hostname::KEY).takes(args, &["name"]).reads::<Hostname>(Hostname::KEY)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Hostname, OpError> {
        view.see::<Hostname>(Hostname::KEY)
    }

    fn plan(&self, seen: &Hostname) -> Result<Plan, OpError> {
        if seen.current == self.name && seen.stored == self.name {
            return Ok(Plan::new());
        }
        let before = if seen.current == self.name { &seen.stored } else { &seen.current };
        let mut change = Change::new(Sign::Update, format!("hostname {before} -> {}", self.name));
        if seen.stored != self.name {
            let content = Source::Bytes(format!("{}\n", self.name).into_bytes().into());
            change =
                change.step(Step::Write(FileWrite { mode: Some(0o644), ..FileWrite::new("/etc/hostname", content) }));
        }
        if seen.current != self.name {
            change = change.run(set_now(&self.name));
        }
        let after = Hostname { current: self.name.clone(), stored: self.name.clone() };
        Ok(change.makes(Hostname::KEY, after).into())
    }
}

/// Not `hostnamectl`: it renames over `/etc/hostname`, which is a mount in containers. systemd-hostnamed notices
/// both changes by itself.
fn set_now(name: &str) -> Command {
    let name = quote(name);
    Command::script(format!(
        "if command -v hostname >/dev/null; then hostname {name}; else echo {name} > /proc/sys/kernel/hostname; fi"
    ))
}
