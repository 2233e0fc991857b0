//! Commands: the way out where no operation fits.

mod line;
mod read;
mod run;
mod script;
mod touched;

pub use line::Line;
pub(super) use line::Word;
pub use read::Read;
pub use run::Run;
pub use script::Script;

use super::args::absolute;
use super::managed::{Args, Managed, short_hash};
use super::resource::{Contents, Digest, Kind, Path};
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
    let path = if plain.is_empty() { "/" } else { plain };
    if let Some(there) = view.foreseen::<Path>(path) {
        return Ok(there);
    }
    let found: Path = view.see(path)?;
    Ok(found.kind != Kind::Absent)
}

fn check_paths(creates: Option<&str>, removes: Option<&str>) -> Result<(), String> {
    creates.map_or(Ok(()), |path| absolute("creates", path))?;
    removes.map_or(Ok(()), |path| absolute("removes", path))
}

/// The plan of a command, and the texts that tell what it touches.
fn plan(due: bool, command: Command, says: &str, creates: Option<&str>, removes: Option<&str>) -> Plan {
    if !due {
        return Plan::new();
    }
    let why = format!("what `{}` does", command.text().lines().next().unwrap_or_default());
    let mut change = touched::all(says).fold(Change::new(Sign::Run, "run"), |change, path| touch(change, path, &why));
    if let Some(path) = creates {
        change = change.brings_there::<Path>(path.trim_end_matches('/'), &why);
    }
    if let Some(path) = removes {
        change = change.makes(path.trim_end_matches('/'), Path::absent()).makes(path, Contents::Absent);
    }
    change.run(command).into()
}

/// A command may do anything to what it names, and to what is below.
fn touch(change: Change, path: &str, why: &str) -> Change {
    let change = change.makes_unknown::<Path>(path, why).makes_unknown::<Contents>(path, why);
    change.makes_unknown::<Digest>(path, why).unknown_below(path, why)
}

/// A command as the ledger remembers it: what it did, nobody knows.
fn managed(args: &Args<'_>, text: &str) -> Managed {
    const SHOWN: usize = 80;
    let line: String = text.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
    let whole = line == text && !crate::secret::contains_token(text);
    let id = if whole { line } else { format!("{}… {}", crate::secret::redact(&line), short_hash(text)) };
    args.thing("command", id).takes(args, &["args", "creates", "removes"])
}
