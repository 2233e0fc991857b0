//! What a change may alter, and what is known across it.
//!
//! A command may alter anything, and all that is known of the host is forgotten. A change that writes one file says so,
//! and what is known of other things stays: else each of fifty files would be looked at again after each other one.

use super::change::{Change, Step};
use super::resource::{Key, Kind, Path, is_below, parent};
use std::collections::{HashMap, HashSet};

/// What the tools of accounts write.
///
/// Spec: useradd(8), groupadd(8), "FILES".
pub const ACCOUNTS: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/var/log/lastlog",
    "/var/log/faillog",
    "/var/mail",
    "/var/spool/mail",
];

/// Where accounts come from.
const ACCOUNT_SOURCES: &[&str] = &["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/nsswitch.conf"];

/// Directories above what changes of the system touch: whether they are plain ones is asked along with any path.
const SYSTEM_FOLDERS: &[&str] = &["/etc", "/home", "/var", "/var/log", "/var/spool"];

/// What a change may alter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// Nobody can say.
    Anything,
    /// These paths, by these names; and time and size of the directories that hold them, which no operation looks at.
    Paths(Vec<Touched>),
}

/// A path that a change may alter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its name.
    pub path: String,
    /// With all that is below it; else it is what stands there itself.
    pub whole: bool,
    /// The only accounts that this adds to it; empty when it may alter any.
    pub adds: Vec<Key>,
}

impl Touched {
    /// What stands at a path, and all below it when `whole`.
    pub fn new(path: impl Into<String>, whole: bool) -> Self {
        Self { path: path.into(), whole, adds: Vec::new() }
    }

    fn alters(&self, path: &str) -> bool {
        self.path == path || is_below(&self.path, path) || (self.whole && is_below(path, &self.path))
    }
}

impl Touch {
    /// Nothing.
    pub const NOTHING: Self = Self::Paths(Vec::new());

    /// Adds what another change may alter.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Paths(paths), Self::Paths(others)) => Self::Paths([paths, others].concat()),
            _ => Self::Anything,
        }
    }

    /// What a change alters by its steps alone: only writing a file is sure to alter nothing else. A check of the
    /// new file is a command of the playbook's, and a copy of the old one has a name that nobody knows before.
    pub(super) fn of_steps(change: &Change) -> Self {
        change.steps.iter().fold(Self::NOTHING, |touch, step| {
            touch.and(match step {
                Step::Write(write) if write.validate.is_none() && !write.backup => {
                    Self::Paths(vec![Touched::new(&write.path, false)])
                }
                _ => Self::Anything,
            })
        })
    }
}

/// What is known of directories above the things that were looked at: a name is one thing only as long as no link or
/// second mount leads to it.
#[derive(Debug, Default)]
pub struct Folders {
    known: HashMap<String, Folder>,
    inodes: HashMap<(u64, u64), String>,
    /// One directory has two names.
    doubled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    Plain,
    Absent,
    Odd,
}

impl Folders {
    /// Takes note of what stands at a path.
    pub fn note(&mut self, path: &str, state: &Path) {
        let folder = match (state.kind, state.inode) {
            (Kind::Absent, _) => Folder::Absent,
            (Kind::Dir, Some(inode)) => {
                let other = self.inodes.insert(inode, path.to_owned());
                self.doubled |= other.is_some_and(|other| other != path);
                Folder::Plain
            }
            _ => Folder::Odd,
        };
        self.known.insert(path.to_owned(), folder);
    }

    /// The directories above these paths of which nothing is known yet.
    pub fn missing<'a>(&self, paths: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        let above = paths.into_iter().flat_map(|path| above(path)).chain(SYSTEM_FOLDERS.iter().copied());
        for dir in above.filter(|dir| !self.known.contains_key(*dir)) {
            if seen.insert(dir) {
                missing.push(dir.to_owned());
            }
        }
        missing
    }

    /// Forgets the directories at and below altered paths.
    pub fn forget_all(&mut self, paths: &[Touched]) {
        paths.iter().for_each(|touched| self.forget(touched));
    }

    /// Forgets what is at and below a path; what was missing above it may be there now.
    fn forget(&mut self, touched: &Touched) {
        self.known.retain(|path, folder| match folder {
            Folder::Plain | Folder::Odd if is_below(&touched.path, path) => true,
            _ => !touched.alters(path),
        });
    }

    /// Whether a path has no link above it. Below a directory that is missing there is nothing.
    fn is_plain(&self, path: &str) -> bool {
        let mut above: Vec<&str> = above(path).collect();
        above.reverse();
        for dir in above {
            match self.known.get(dir) {
                Some(Folder::Plain) => {}
                Some(Folder::Absent) => return true,
                Some(Folder::Odd) | None => return false,
            }
        }
        true
    }
}

/// The directories above a path, the nearest first, without the root.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |dir| Some(parent(dir))).take_while(|dir| *dir != "/")
}

/// A change that altered certain paths alone, as seen from what was known before it.
pub struct Altered<'a> {
    paths: &'a [Touched],
    folders: &'a Folders,
    at: &'a dyn Fn(&str) -> Option<&'a Path>,
    /// Of the files that were there: a hard link gives one of them another name.
    inodes: Vec<(u64, u64)>,
}

impl<'a> Altered<'a> {
    /// Nothing when the names do not tell what is altered: a link or a second mount leads somewhere else.
    ///
    /// `at` gives what is known to stand at a path.
    pub fn new(paths: &'a [Touched], folders: &'a Folders, at: &'a dyn Fn(&str) -> Option<&'a Path>) -> Option<Self> {
        if folders.doubled || !paths.iter().all(|touched| folders.is_plain(&touched.path)) {
            return None;
        }
        let files = paths.iter().filter_map(|touched| at(&touched.path)).filter(|state| state.kind == Kind::File);
        let inodes = files.filter_map(|state| state.inode).collect();
        Some(Self { paths, folders, at, inodes })
    }

    /// Whether a path or something above or below it was altered, by its name.
    pub fn concerns(&self, path: &str) -> bool {
        self.paths.iter().any(|touched| touched.alters(path))
    }

    /// Whether one of these was altered, by its name.
    pub fn concerns_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.concerns(path))
    }

    /// Whether an account may be another one now.
    pub fn alters_account(&self, key: &Key) -> bool {
        let mut sources = self.account_sources();
        sources.any(|touched| touched.adds.is_empty() || touched.adds.contains(key))
    }

    /// Whether owner or group may have another name now. A new account gives one to a number that had none.
    pub fn renames_owners(&self, state: &Path) -> bool {
        let nameless = state.kind != Kind::Absent && (state.owner.name.is_none() || state.group.name.is_none());
        self.account_sources().any(|touched| nameless || touched.adds.is_empty())
    }

    fn account_sources(&self) -> impl Iterator<Item = &Touched> {
        self.paths.iter().filter(|touched| ACCOUNT_SOURCES.iter().any(|source| touched.alters(source)))
    }

    /// Whether one of these directories was altered with all below it.
    pub fn holds_any(&self, folders: &[&str]) -> bool {
        let holds = |touched: &Touched, path: &str| touched.path == path || is_below(path, &touched.path);
        self.paths.iter().any(|touched| touched.whole && folders.iter().any(|path| holds(touched, path)))
    }

    /// Whether something below a directory of this name was altered.
    pub fn names(&self, folder: &str) -> bool {
        self.paths.iter().any(|touched| touched.path.split('/').any(|part| part == folder))
    }

    /// Whether whole directories were altered.
    pub fn is_wide(&self) -> bool {
        let is_dir = |path: &str| (self.at)(path).map_or(!ACCOUNTS.contains(&path), |state| state.kind == Kind::Dir);
        self.paths.iter().any(|touched| touched.whole && is_dir(&touched.path))
    }

    /// Whether what stands at a path is certainly as before.
    pub fn spares(&self, path: &str, state: &Path) -> bool {
        let hard_link = state.inode.is_some_and(|inode| self.inodes.contains(&inode));
        let altered = self.paths.iter().any(|touched| {
            // A directory stays the one it is, whatever is made or removed in it.
            let holds = state.kind == Kind::Dir && is_below(&touched.path, path);
            !holds && touched.alters(path)
        });
        !hard_link && !altered && self.folders.is_plain(path)
    }

    /// Whether all below a directory is certainly as before; nobody knows that of a link.
    pub fn spares_tree<'b>(&self, path: &str, entries: impl IntoIterator<Item = &'b Path>) -> bool {
        let is_plain = (self.at)(path).is_some_and(|state| matches!(state.kind, Kind::Dir | Kind::Absent));
        let mut inodes = entries.into_iter().filter_map(|entry| entry.inode);
        is_plain
            && !self.concerns(path)
            && self.folders.is_plain(path)
            && inodes.all(|inode| !self.inodes.contains(&inode))
    }

    /// Whether what a path holds is certainly as before; nobody knows that of a link.
    pub fn spares_content(&self, path: &str) -> bool {
        let state = (self.at)(path).filter(|state| state.kind != Kind::Link);
        state.is_some_and(|state| self.spares(path, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(inode: u64) -> Path {
        Path { kind: Kind::Dir, inode: Some((1, inode)), ..Path::absent() }
    }

    fn file(inode: u64) -> Path {
        Path { kind: Kind::File, ..dir(inode) }
    }

    fn link() -> Path {
        Path { kind: Kind::Link, inode: Some((1, 99)), target: Some("real".into()), ..Path::absent() }
    }

    /// What is spared of `paths` when `touched` is written, on a host with these things.
    fn spared(things: &[(&str, Path)], touched: &str, paths: &[&str]) -> Option<Vec<String>> {
        let mut folders = Folders::default();
        things.iter().for_each(|(path, state)| folders.note(path, state));
        let at = |path: &str| things.iter().find(|(name, _)| *name == path).map(|(_, state)| state);
        let touched = [Touched::new(touched, false)];
        let altered = Altered::new(&touched, &folders, &at)?;
        let stays =
            |path: &&&str| at(path).map_or_else(|| altered.spares(path, &Path::absent()), |s| altered.spares(path, s));
        Some(paths.iter().filter(stays).map(|path| (*path).to_owned()).collect())
    }

    #[test]
    fn what_has_another_name_stays_known() {
        let things = [("/etc", dir(1)), ("/etc/app", dir(2)), ("/etc/app/x", file(3)), ("/etc/app/y", file(4))];
        let paths = ["/etc", "/etc/app", "/etc/app/x", "/etc/app/y", "/etc/app/none", "/etc/passwd"];
        let stays = spared(&things, "/etc/app/x", &paths).expect("plain names");
        assert_eq!(stays, ["/etc", "/etc/app", "/etc/app/y", "/etc/app/none", "/etc/passwd"]);
    }

    #[test]
    fn a_hard_link_is_the_same_file() {
        let things = [("/srv", dir(1)), ("/srv/x", file(3)), ("/srv/y", file(3)), ("/srv/z", file(4))];
        assert_eq!(spared(&things, "/srv/x", &["/srv/y", "/srv/z"]).expect("plain names"), ["/srv/z"]);
    }

    #[test]
    fn what_is_written_through_a_link_or_an_unknown_directory_may_be_anything() {
        let things = [("/srv", dir(1)), ("/srv/link", link()), ("/srv/real", dir(2))];
        assert_eq!(spared(&things, "/srv/link/x", &["/srv/real/x"]), None);
        assert_eq!(spared(&things, "/opt/x", &["/srv/real/x"]), None);
        assert_eq!(spared(&things, "/srv/real/x", &["/srv/link/x", "/srv/real/y"]).expect("plain"), ["/srv/real/y"]);
    }

    #[test]
    fn a_directory_that_is_mounted_twice_has_no_sure_name() {
        let things = [("/srv", dir(1)), ("/srv/a", dir(2)), ("/mnt", dir(3)), ("/mnt/b", dir(2))];
        assert_eq!(spared(&things, "/srv/x", &["/mnt/y"]), None);
    }

    #[test]
    fn nothing_is_below_a_missing_directory_until_it_is_made() {
        let things = [("/srv", dir(1)), ("/srv/app", Path::absent())];
        assert_eq!(spared(&things, "/srv/app", &["/srv/app/x"]).expect("plain"), ["/srv/app/x"]);
        let mut folders = Folders::default();
        things.iter().for_each(|(path, state)| folders.note(path, state));
        folders.forget_all(&[Touched::new("/srv/app/sub/x", false)]);
        assert!(!folders.is_plain("/srv/app/x") && folders.is_plain("/srv/other"));
    }

    #[test]
    fn only_a_write_that_nothing_else_comes_with_is_sure_to_alter_one_file() {
        use crate::event::Sign;
        use crate::ops::{FileWrite, Source};
        use crate::remote::Command;
        let write = || FileWrite::new("/etc/x", Source::Bytes(Vec::new().into()));
        let touch = |step| Change::new(Sign::Update, "x").step(step).touch();
        assert_eq!(touch(Step::Write(write())), Touch::Paths(vec![Touched::new("/etc/x", false)]));
        assert_eq!(touch(Step::Write(FileWrite { backup: true, ..write() })), Touch::Anything);
        assert_eq!(touch(Step::Write(FileWrite { validate: Some("true %s".into()), ..write() })), Touch::Anything);
        assert_eq!(touch(Step::Run(Command::new("true"))), Touch::Anything);
    }
}
