//! Commands: the way out where no operation fits.

mod line;
mod read;
mod run;
mod script;

pub use line::Line;
pub(super) use line::Word;
pub use read::Read;
pub use run::Run;
pub use script::Script;

use super::args::absolute;
use super::managed::{Args, Managed, short_hash};
use super::resource::{Kind, Path};
use super::{Change, OpError, Plan, View};
use crate::event::Sign;
use crate::remote::Command;

/// Whether the paths that make a command needless say that it must run.
///
/// # Errors
/// As [`View::read`].
fn is_due(view: &mut View<'_>, creates: Option<&str>, removes: Option<&str>) -> Result<bool, OpError> {
    let missing = |view: &mut View<'_>, path| exists(view, path).map(|there| !there);
    let created = creates.map_or(Ok(true), |path| missing(view, path))?;
    let removable = removes.map_or(Ok(true), |path| exists(view, path))?;
    Ok(created && removable)
}

/// Through the overlay: what an earlier operation of the plan makes is there.
fn exists(view: &mut View<'_>, path: &str) -> Result<bool, OpError> {
    let plain = path.trim_end_matches('/');
    let found: Path = view.see(if plain.is_empty() { "/" } else { plain })?;
    Ok(found.kind != Kind::Absent)
}

fn check_paths(creates: Option<&str>, removes: Option<&str>) -> Result<(), String> {
    creates.map_or(Ok(()), |path| absolute("creates", path))?;
    removes.map_or(Ok(()), |path| absolute("removes", path))
}

fn plan(due: bool, command: Command) -> Plan {
    match due {
        true => Change::new(Sign::Run, "run").run(command).into(),
        false => Plan::new(),
    }
}

/// A command as the ledger remembers it: what it did, nobody knows.
fn managed(args: &Args<'_>, text: &str) -> Managed {
    const SHOWN: usize = 80;
    let line: String = text.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
    let whole = line == text && !crate::secret::contains_token(text);
    let id = if whole { line } else { format!("{}… {}", crate::secret::redact(&line), short_hash(text)) };
    args.thing("command", id).takes(args, &["args", "creates", "removes"])
}
