//! Where a file operation acts: its path, what stands there, and the directories above.

use crate::event::Sign;
use crate::ops::resource::{Contents, Kind, Path, joined, parent};
use crate::ops::{Asked, Change, OpError, Resource, View, args};
use crate::remote::{Command, quote};
use crate::secret::{contains_token, contains_unknown};
use serde::{Deserialize, Deserializer};

/// Links in a row that the kernel follows at most (path_resolution(7)).
pub(super) const MOST_LINKS: usize = 40;

/// An absolute path on a host, without `..`, `.` and doubled or final slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath(String);

impl HostPath {
    /// Checks and cleans a path.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub fn parse(path: &str) -> Result<Self, String> {
        // In a plan a path may hang on what a command prints; such an operation is unknown and asks the host nothing.
        if contains_unknown(path) {
            return Ok(Self(path.to_owned()));
        }
        if contains_token(path) {
            return Err("a path cannot hold a secret: every user of the host can read it".into());
        }
        if path.contains('\0') {
            return Err("a path cannot hold a NUL character".into());
        }
        args::absolute("path", path).map_err(|problem| problem.replacen("argument `path`: ", "", 1))?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        Ok(Self(format!("/{}", parts.join("/"))))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where an operation acts, and what was found there.
#[derive(Debug)]
pub struct Place {
    /// The path, with links followed where the operation follows them.
    pub path: String,
    /// What stands there.
    pub at: Path,
    /// Directories above, nearest first: the parent alone, or all when they may be made.
    pub above: Vec<(String, Path)>,
    /// A directory of the shell's user.
    pub me: Path,
}

/// Which paths a place is about, in the order in which they are asked.
pub(super) struct Keys {
    path: String,
    all: Vec<String>,
}

impl Keys {
    /// The path, its parent or all directories above, and who we are. Once something is planned, a link anywhere above
    /// may lead to what is planned by another name.
    pub fn new(view: &View<'_>, path: &str, all_above: bool) -> Self {
        let all_above = all_above || view.planned_changes() > 0;
        let mut all = vec![path.to_owned()];
        let mut dir = path;
        while dir != "/" {
            dir = parent(dir);
            all.push(dir.to_owned());
            if !all_above {
                break;
            }
        }
        all.push(Path::ME.to_owned());
        Self { path: path.to_owned(), all }
    }

    pub fn ask(&self, view: &View<'_>) -> Result<Asked<Path>, OpError> {
        view.ask(&self.all)
    }

    pub fn place(self, asked: Asked<Path>) -> Place {
        let mut states = asked.states();
        let me = states.pop().expect("asked last");
        let at = states.remove(0);
        let above = self.all[1..].iter().cloned().zip(states).collect();
        Place { path: self.path, at, above, me }
    }
}

impl Place {
    /// Looks at a path itself.
    pub fn see(view: &mut View<'_>, path: &str, all_above: bool) -> Result<Self, OpError> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let keys = Keys::new(view, &path, all_above);
            let mut paths = keys.ask(view)?;
            view.answer(&mut [&mut paths])?;
            let place = keys.place(paths);
            match place.elsewhere() {
                Some(real) => path = real,
                None => return Ok(place),
            }
        }
        Err(OpError::refused(format!("`{path}` is below a link in a circle")))
    }

    /// Looks at a path and what it holds, in one exchange; links are followed, each by one more.
    pub fn see_contents(view: &mut View<'_>, path: &str, all_above: bool) -> Result<(Self, Contents), OpError> {
        Self::see_with::<Contents>(view, path, all_above, true)
    }

    /// The same with another resource of that path.
    pub fn see_with<R: Resource>(
        view: &mut View<'_>,
        path: &str,
        all_above: bool,
        follow: bool,
    ) -> Result<(Self, R), OpError> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let keys = Keys::new(view, &path, all_above);
            let mut paths = keys.ask(view)?;
            let mut others = view.ask::<R>(std::slice::from_ref(&path))?;
            view.answer(&mut [&mut paths, &mut others])?;
            let place = keys.place(paths);
            match place.elsewhere().or_else(|| place.leads_to().filter(|_| follow)) {
                Some(target) => path = target,
                None => return Ok((place, others.states().remove(0))),
            }
        }
        Err(OpError::refused(format!("`{path}` is a link in a circle")))
    }

    /// Looks at a path with links followed.
    pub fn follow(view: &mut View<'_>, path: &str) -> Result<Self, OpError> {
        let mut place = Self::see(view, path, false)?;
        for _ in 0..MOST_LINKS {
            match place.leads_to() {
                Some(target) => place = Self::see(view, &target, false)?,
                None => return Ok(place),
            }
        }
        Err(OpError::refused(format!("`{path}` is a link in a circle")))
    }

    /// The same place by the name of the directory that a link above it leads to: one thing has one name in a plan.
    pub fn elsewhere(&self) -> Option<String> {
        let through = |(dir, state): &(String, Path)| Some((leads_to(dir, state)?, dir.len() + 1));
        let (real, rest) = self.above.iter().rev().find_map(through)?;
        Some(joined(&real, &self.path[rest..]))
    }

    /// Where the link that stands here leads.
    pub fn leads_to(&self) -> Option<String> {
        leads_to(&self.path, &self.at)
    }

    /// A new thing made here by the user of the shell.
    pub fn made(&self, kind: Kind, mode: u32) -> Path {
        Path::made(kind, mode, &self.me, self.above.first().map(|(_, path)| path))
    }

    /// Refuses a path whose directory is not there and not made by an earlier operation either.
    pub fn needs_parent(&self, hint: &str) -> Result<(), OpError> {
        let Some((dir, state)) = self.above.first() else { return Ok(()) };
        match state.kind {
            Kind::Dir | Kind::Link => Ok(()),
            Kind::Absent => Err(OpError::refused_with(format!("directory `{dir}` does not exist"), hint)),
            other => Err(OpError::refused(format!("`{dir}` is no directory but a {}", other.word()))),
        }
    }

    /// One change for each directory above that is missing, outermost first.
    pub fn makes_parents(&self) -> Result<Vec<Change>, OpError> {
        let mut changes = Vec::new();
        for (at, (dir, state)) in self.above.iter().enumerate().rev() {
            match state.kind {
                Kind::Dir | Kind::Link => {}
                Kind::Absent => {
                    let made = Path::made(Kind::Dir, 0o755, &self.me, self.above.get(at + 1).map(|(_, path)| path));
                    changes.push(Change::new(Sign::Create, format!("directory {dir}")).makes(dir, made));
                }
                other => return Err(OpError::refused(format!("`{dir}` is no directory but a {}", other.word()))),
            }
        }
        // One command makes them all.
        if let Some(last) = changes.pop() {
            let make = format!("umask 022; exec mkdir -p -- {}", quote(&self.above[0].0));
            changes.push(last.run(Command::script(make)).touching([&self.above[0].0]));
        }
        Ok(changes)
    }
}

/// Where the link at a path leads; nothing when there is no link.
pub(super) fn leads_to(path: &str, at: &Path) -> Option<String> {
    let target = at.target.as_deref().filter(|_| at.kind == Kind::Link)?;
    Some(joined(parent(path), target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_or_refused() {
        assert_eq!(HostPath::parse("//srv/./app/").map(|path| path.0), Ok("/srv/app".into()));
        assert_eq!(HostPath::parse("/").map(|path| path.0), Ok("/".into()));
        for bad in ["srv", "/srv/../etc", "/a\0b", ""] {
            assert!(HostPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
