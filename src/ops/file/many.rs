//! Changes to many paths below one directory.

use super::absent::gone;
use super::place::Place;
use crate::event::Sign;
use crate::ops::resource::{Children, Kind, Path, Tree, is_below, parent};
use crate::ops::tree_write::{chunks, grouped};
use crate::ops::{Change, OpError, View};
use crate::remote::{Command, quote};
use std::collections::BTreeMap;

/// A plan that touches more paths than this names the rest only by their number.
const SHOWN: usize = 100;

/// Something below a directory.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Entry {
    /// From the directory: `a/b`.
    pub name: String,
    /// Absolute.
    pub path: String,
    pub state: Path,
}

impl Entry {
    /// True when a path is this one or below it.
    pub fn holds(&self, path: &str) -> bool {
        path == self.path || is_below(path, &self.path)
    }

    /// True when this is another entry or below it.
    pub fn is_or_is_below(&self, other: &Entry) -> bool {
        other.holds(&self.path)
    }
}

/// What is in a directory, with a plan's predictions over it.
pub(super) fn overlaid(view: &View<'_>, place: &Place, found: Vec<(String, Path)>, deep: bool) -> Vec<Entry> {
    let dir = place.path.as_str();
    let mut states: BTreeMap<String, Path> = BTreeMap::new();
    if place.at.kind == Kind::Dir {
        states.extend(found.into_iter().map(|(name, state)| (format!("{}/{name}", dir.trim_end_matches('/')), state)));
    }
    let inside = |path: &str| if deep { is_below(path, dir) } else { parent(path) == dir && path != dir };
    let (gone, there): (Vec<_>, Vec<_>) = view
        .predicted::<Path>()
        .into_iter()
        .filter(|(path, _)| inside(path))
        .partition(|(_, state)| state.kind == Kind::Absent);
    states.retain(|path, _| !gone.iter().any(|(lost, _)| path == lost || is_below(path, lost)));
    states.extend(there);
    let entry = |(path, state): (String, Path)| Entry {
        name: path[dir.trim_end_matches('/').len() + 1..].to_owned(),
        path,
        state,
    };
    states.into_iter().map(entry).collect()
}

/// What is in a directory that is there.
///
/// # Errors
/// As [`View::see`].
pub(in crate::ops) fn listed(view: &mut View<'_>, path: &str, deep: bool) -> Result<Vec<Entry>, OpError> {
    let place = Place::see(view, path, false)?;
    let found = match deep {
        true => view.see::<Tree>(path)?.entries,
        false => view.see::<Children>(path)?.entries,
    };
    Ok(overlaid(view, &place, found, deep))
}

/// One change for each thing that goes, all done by one command.
pub(in crate::ops) fn removals(dir: &str, entries: &[Entry]) -> Vec<Change> {
    let changes = entries.iter().map(|entry| {
        let slash = if entry.state.kind == Kind::Dir { "/" } else { "" };
        gone(Change::new(Sign::Remove, format!("{}{slash}", entry.name)), &entry.path)
    });
    let words = entries.iter().map(|entry| quote(&format!("./{}", entry.name)));
    let commands =
        chunks(words).into_iter().map(|words| Command::script(format!("cd -- {} && rm -rf -- {words}", quote(dir))));
    with_commands(changes.collect(), commands.collect())
}

/// Gives many changes that few commands do together: owners first, since chown clears set-user-ID bits.
pub(super) fn many(
    changes: Vec<Change>,
    chown: &str,
    owned: Vec<(String, String)>,
    modes: Vec<(String, String)>,
) -> Vec<Change> {
    let owners = grouped(owned.into_iter());
    let owners = owners.into_iter().map(|(whom, words)| format!("{chown} {} {words}", quote(&whom)));
    let modes = grouped(modes.into_iter());
    let modes = modes.into_iter().map(|(mode, words)| format!("chmod {mode} -- {words}"));
    with_commands(changes, owners.chain(modes).map(Command::script).collect())
}

/// The first change carries the commands; the ones that are not shown leave their effects to the last.
pub(super) fn with_commands(mut changes: Vec<Change>, commands: Vec<Command>) -> Vec<Change> {
    if changes.len() > SHOWN + 1 {
        let hidden = changes.split_off(SHOWN);
        let mut rest = Change::new(hidden[0].sign, format!("and {} more", hidden.len()));
        rest.effects = hidden.into_iter().flat_map(|change| change.effects).collect();
        changes.push(rest);
    }
    if let Some(first) = changes.first_mut() {
        first.steps.extend(commands.into_iter().map(crate::ops::Step::Run));
    }
    changes
}
