//! Removals that leave alone what is not ours.

use crate::event::Sign;
use crate::ops::file::{Entry, gone, listed, removals};
use crate::ops::pkg::needed_by;
use crate::ops::resource::{Checkout, Kind, Path, is_below};
use crate::ops::{Change, OpError, Plan, Planned, View};
use crate::remote::Command;
use std::collections::HashSet;

/// Removes what we put below a directory, and the directory itself once nothing is left in it.
pub struct RemoveOurs {
    pub path: String,
    /// Names from the directory; none for a directory that must be empty.
    pub only: Vec<String>,
}

impl Planned for RemoveOurs {
    fn plan(&self, view: &mut View<'_>) -> Result<Plan, OpError> {
        let at = view.see::<Path>(&self.path)?;
        match at.kind {
            Kind::Absent => return Ok(Plan::new()),
            Kind::Dir => {}
            other => return Ok(Plan::leaving(format!("it is a {} now", other.word()))),
        }
        let entries = listed(view, &self.path, !self.only.is_empty())?;
        let (goes, stays) = self.parted(entries);
        if stays.is_empty() {
            let options = if goes.is_empty() { "-d" } else { "-rf" };
            let remove = match options {
                "-d" => Command::new("rmdir").arg("--").arg(&self.path),
                _ => Command::new("rm").arg(options).arg("--").arg(&self.path),
            };
            return Ok(gone(Change::new(Sign::Remove, "remove the directory"), &self.path).run(remove).into());
        }
        let left = format!("`{}` in it is not ours", stays[0].name);
        Ok(Plan { left: Some(left), ..Plan::of(removals(&self.path, &goes)) })
    }
}

impl RemoveOurs {
    /// What goes, without what goes along with its directory; and what stays.
    fn parted(&self, entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
        let ours: HashSet<&str> = self.only.iter().map(String::as_str).collect();
        let foreign: Vec<String> = entries
            .iter()
            .filter(|entry| !ours.contains(entry.name.as_str()))
            .map(|entry| entry.name.clone())
            .collect();
        // A directory of ours with something foreign in it stays.
        let holds_foreign = |entry: &Entry| foreign.iter().any(|name| is_below(name, &entry.name));
        let goes = |entry: &Entry| ours.contains(entry.name.as_str()) && !holds_foreign(entry);
        let (goes, stays): (Vec<_>, Vec<_>) = entries.into_iter().partition(goes);
        let dirs: HashSet<String> =
            goes.iter().filter(|entry| entry.state.kind == Kind::Dir).map(|entry| entry.name.clone()).collect();
        let inside = |entry: &Entry| dirs.iter().any(|dir| is_below(&entry.name, dir));
        (goes.into_iter().filter(|entry| !inside(entry)).collect(), stays)
    }
}

/// Removes a working tree, unless work would be lost.
pub struct RemoveCheckout {
    pub path: String,
}

impl Planned for RemoveCheckout {
    fn plan(&self, view: &mut View<'_>) -> Result<Plan, OpError> {
        match view.see::<Checkout>(&self.path)? {
            Checkout::Absent => return Ok(Plan::new()),
            Checkout::Foreign => return Ok(Plan::leaving("it is no working tree of git any more")),
            Checkout::WorkTree(tree) => {
                if let Some(file) = tree.dirty.first() {
                    return Ok(Plan::leaving(format!("`{file}` in it was modified by hand")));
                }
                if tree.ahead {
                    return Ok(Plan::leaving("it has commits that were not pushed"));
                }
            }
        }
        let remove = Command::new("rm").arg("-rf").arg("--").arg(&self.path);
        let change = gone(Change::new(Sign::Remove, "remove the checkout"), &self.path);
        Ok(change.run(remove).makes(&self.path, Checkout::Absent).into())
    }
}

/// Removes a package that nothing else needs.
pub struct RemovePackage {
    pub name: String,
    pub planned: Box<dyn Planned>,
    /// `apt`, `apk`; whichever is there when empty.
    pub manager: String,
}

impl Planned for RemovePackage {
    fn plan(&self, view: &mut View<'_>) -> Result<Plan, OpError> {
        match needed_by(view, &self.manager, &self.name)? {
            Some(other) => Ok(Plan::leaving(format!("`{other}` needs it"))),
            None => self.planned.plan(view),
        }
    }
}
