//! A directory, and what may be in it.

use super::attributes::{Attributes, chmod};
use super::many::{Entry, many, overlaid, removals};
use super::place::{HostPath, Keys, MOST_LINKS, Place};
use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Children, Kind, Path, Tree};
use crate::ops::{Change, OpError, Operation, Plan, Question, View};
use crate::remote::{Command, quote};
use serde::Deserialize;

/// Keeps a directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dir {
    path: HostPath,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    purge: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    /// Everything below, when `recursive`.
    below: Vec<Entry>,
    /// Children that no operation before this one named, when `purge`.
    unmanaged: Vec<Entry>,
}

impl Operation for Dir {
    const NAME: &'static str = "file::dir";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        if self.recursive && self.attributes().account().is_none() && self.mode.is_none() {
            return Err("`recursive` needs an `owner`, `group` or `mode` to set".into());
        }
        if (self.recursive || self.purge) && self.path.as_str() == "/" {
            return Err("`recursive` and `purge` are refused for `/`".into());
        }
        self.attributes().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("directory")]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let mut path = self.path.as_str().to_owned();
        for _ in 0..MOST_LINKS {
            let seen = self.look(view, &path)?;
            match seen.place.elsewhere().or_else(|| seen.place.leads_to()) {
                Some(target) => path = target,
                None => return Ok(seen),
            }
        }
        Err(OpError::refused(format!("`{path}` is a link in a circle")))
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let mut changes = match seen.place.at.kind {
            Kind::Dir => self.attributes().changes(&seen.place.path, &seen.place.at)?,
            Kind::Absent => made_dir(&seen.place, &self.attributes())?,
            other => {
                return Err(OpError::refused_with(
                    format!("`{}` is a {}", seen.place.path, other.word()),
                    "remove it before with `file::absent`",
                ));
            }
        };
        changes.extend(removals(&seen.place.path, &seen.unmanaged));
        let left = |entry: &&Entry| !seen.unmanaged.iter().any(|gone| entry.is_or_is_below(gone));
        changes.extend(self.spread(seen.below.iter().filter(left))?);
        Ok(Plan::of(changes))
    }
}

impl Dir {
    fn attributes(&self) -> Attributes<'_> {
        Attributes::new(&self.owner, &self.group, self.mode)
    }

    fn look(&self, view: &mut View<'_>, path: &str) -> Result<Seen, OpError> {
        let id = [path.to_owned()];
        let keys = Keys::new(view, path, true);
        let mut paths = keys.ask(view)?;
        let mut tree = if self.recursive { Some(view.ask::<Tree>(&id)?) } else { None };
        let mut children = if self.purge { Some(view.ask::<Children>(&id)?) } else { None };
        let mut questions: Vec<&mut dyn Question> = vec![&mut paths];
        questions.extend(tree.as_mut().map(|asked| asked as &mut dyn Question));
        questions.extend(children.as_mut().map(|asked| asked as &mut dyn Question));
        view.answer(&mut questions)?;
        let place = keys.place(paths);
        let below = tree.map(|asked| asked.states().remove(0).entries);
        let inside = children.map(|asked| asked.states().remove(0).entries);
        let below = below.map(|found| overlaid(view, &place, found, true)).unwrap_or_default();
        let mut unmanaged = inside.map(|found| overlaid(view, &place, found, false)).unwrap_or_default();
        unmanaged.retain(|entry| !view.declared().any(|target| entry.holds(target)));
        Ok(Seen { place, below, unmanaged })
    }

    /// Owner, group and mode for everything below. Files get no execute bit that they did not have, as chmod's `X`.
    fn spread<'a>(&self, below: impl Iterator<Item = &'a Entry>) -> Result<Vec<Change>, OpError> {
        let (mut changes, mut owned, mut modes) = (Vec::new(), Vec::new(), Vec::new());
        for entry in below {
            let attributes = Attributes { mode: self.mode_for(&entry.state), ..self.attributes() };
            let differences = attributes.differences(&entry.path, &entry.state)?;
            if differences.is_empty() {
                continue;
            }
            let owns = differences.iter().any(|difference| difference.owns);
            let after = attributes.on(entry.state.clone());
            let suid = entry.state.kind == Kind::File && after.mode & 0o6000 != 0;
            if owns {
                owned.push((attributes.account().unwrap_or_default(), quote(&entry.path)));
            }
            if differences.iter().any(|difference| !difference.owns) || (owns && suid) {
                modes.push((format!("{:05o}", after.mode), quote(&entry.path)));
            }
            let texts: Vec<String> = differences.into_iter().map(|difference| difference.text).collect();
            let text = format!("{}: {}", entry.name, texts.join(", "));
            changes.push(Change::new(Sign::Update, text).makes(&entry.path, after));
        }
        Ok(many(changes, "chown -h --", owned, modes))
    }

    fn mode_for(&self, state: &Path) -> Option<Mode> {
        let Mode(mode) = self.mode?;
        match state.kind {
            Kind::Dir => Some(Mode(mode)),
            Kind::File if state.mode & 0o111 != 0 => Some(Mode(mode & 0o777)),
            Kind::File => Some(Mode(mode & 0o666)),
            _ => None,
        }
    }
}

/// The changes that make a directory and those above it. It never has a wider mode than in the end.
pub(super) fn made_dir(place: &Place, attributes: &Attributes<'_>) -> Result<Vec<Change>, OpError> {
    let mut changes = place.makes_parents()?;
    let made = place.made(Kind::Dir, 0o755);
    // mkdir(1) leaves bits above 0777 to the umask or to the directory around it.
    let plain = attributes.mode.filter(|mode| mode.0 <= 0o777 && made.mode <= 0o777);
    let make = match (plain, attributes.mode) {
        (Some(mode), _) => format!("exec mkdir -m {mode} -- {}", quote(&place.path)),
        (None, Some(_)) => format!("umask 077; exec mkdir -- {}", quote(&place.path)),
        (None, None) => format!("umask 022; exec mkdir -- {}", quote(&place.path)),
    };
    let make = Command::script(make);
    let mut change = Change::new(Sign::Create, "create").run(make).touching_itself(&place.path);
    if let Some(account) = attributes.account_for(&made) {
        change = change.run(Command::new("chown").arg("--").arg(account).arg(&place.path));
    }
    let after = attributes.on(made);
    if let Some(mode) = attributes.mode.filter(|_| plain.is_none()) {
        change = change.run(chmod(mode.0, &place.path, Kind::Dir));
    }
    changes.push(change.makes(&place.path, after));
    Ok(changes)
}
