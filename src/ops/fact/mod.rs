//! Facts: what a host tells about itself, by name. Names are those that pyinfra made known.

mod args;
mod basic;
mod files;
mod hardware;
mod packages;
mod server;
mod services;
mod tables;
mod tools;

pub use basic::{Basic, Os};

use super::{OpError, View};
use crate::remote::{Command, Output};
use args::Args;
use serde_json::Value;

/// One fact of the list.
struct Fact {
    /// `server.Which`.
    name: &'static str,
    /// Names of its arguments; those that end in `!` must be given.
    args: &'static [&'static str],
    /// True when no change of a playbook touches it.
    stable: bool,
    ask: fn(&Args) -> Command,
    /// Nothing when the answer cannot be understood.
    parse: fn(&Args, &Output) -> Option<Value>,
}

const fn fact(
    name: &'static str,
    args: &'static [&'static str],
    ask: fn(&Args) -> Command,
    parse: fn(&Args, &Output) -> Option<Value>,
) -> Fact {
    Fact { name, args, stable: false, ask, parse }
}

impl Fact {
    const fn stable(mut self) -> Self {
        self.stable = true;
        self
    }
}

const GROUPS: &[&[Fact]] =
    &[files::FACTS, server::FACTS, tables::FACTS, hardware::FACTS, services::FACTS, packages::FACTS, tools::FACTS];

fn all() -> impl Iterator<Item = &'static Fact> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// The names of all facts.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|fact| fact.name)
}

/// Whether a fact changes by itself, so that no plan can stand on it: the time, free memory, what a command prints.
pub fn moves(name: &str) -> bool {
    const MOVING: &[&str] = &["server.Date", "server.Uptime", "server.Command", "hardware.Memory"];
    MOVING.contains(&name) || name.starts_with("docker.")
}

/// Reads the basic set in one exchange.
///
/// # Errors
/// [`OpError`] when the host cannot be asked or understood.
pub fn basic(view: &mut View<'_>) -> Result<Basic, OpError> {
    let command = basic::script();
    let output = view.read(&command)?;
    basic::parse(&output.text()).ok_or_else(|| OpError::answer(&command, &output.stdout))
}

/// Reads one fact. `args` is a map, or nothing; a thing that is not there is `null`.
///
/// # Errors
/// [`OpError::Refused`] for an unknown name or argument, with the nearest one; [`OpError::Unknown`] when a change that
/// is only planned may touch the answer; [`OpError::Answer`] when it cannot be understood.
pub fn read(view: &mut View<'_>, name: &str, args: Value) -> Result<Value, OpError> {
    let fact = all().find(|fact| fact.name == name).ok_or_else(|| no_such("fact", name, names()))?;
    let args = Args::accept(fact, args)?;
    let path = args.text("path");
    let is_untouched = || fact.name.starts_with("files.") && view.is_untouched(path.trim_end_matches('/'));
    if !fact.stable && view.planned_changes() > 0 && !is_untouched() {
        return Err(OpError::Unknown(format!("fact {name}")));
    }
    let command = (fact.ask)(&args);
    let output = view.read(&command)?;
    (fact.parse)(&args, &output).ok_or_else(|| {
        let shown = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        OpError::answer(format!("fact {name}"), shown)
    })
}

fn no_such<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> OpError {
    let nearest = known.max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    OpError::Refused {
        message: format!("there is no {what} `{name}`"),
        hint: nearest.map(|nearest| format!("did you mean `{nearest}`?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_grouped() {
        let mut seen = std::collections::BTreeSet::new();
        for name in names() {
            assert!(name.contains('.') && seen.insert(name), "{name}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let error = no_such("fact", "files.Fil", names());
        assert_eq!(error.hint().as_deref(), Some("did you mean `files.File`?"));
    }
}
