//! A commit of the project, checked out beside it for as long as it is needed.
//!
//! Spec: git-worktree(1).

use super::failure::CommandError;
use super::{signals, submodules};
use crate::event::Failure;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// A commit in a folder of its own, removed when dropped and by every signal that can be caught.
pub struct Tree {
    /// The folder of the project in it.
    pub project: PathBuf,
    repository: PathBuf,
    path: PathBuf,
    /// `None` once it is removed; held while git works in it.
    folder: Mutex<Option<TempDir>>,
}

/// What the folders of all trees begin with; the number of the process follows.
const PREFIX: &str = "rhapsode-tree-";

impl Tree {
    /// Checks a commit out for the project at `root`, which may be a folder of a larger repository. Files that git
    /// ignores are no part of any commit: keys, containers' data, what was built. They are there as links.
    ///
    /// # Errors
    /// What git says; the commit has no such folder.
    pub fn check_out(root: &Path, commit: &str) -> Result<Arc<Self>, CommandError> {
        let repository = PathBuf::from(OsStr::from_bytes(line(&git(root, ["rev-parse", "--show-toplevel"])?)));
        let below = PathBuf::from(OsStr::from_bytes(line(&git(root, ["rev-parse", "--show-prefix"])?)));
        sweep(&repository);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(|error| unusable(&error))?;
        let path = folder.path().join("tree");
        let tree = Self { project: path.join(&below), repository, path, folder: Mutex::new(Some(folder)) };
        let tree = Arc::new(tree);
        signals::remove(&tree);
        tree.fill(commit)?;
        if !tree.project.is_dir() {
            let message = format!("commit `{}` has no folder `{}`", short(commit), below.display());
            return Err(CommandError::mistake(message).hint("the project was somewhere else then; name a later commit"));
        }
        Ok(tree)
    }

    fn fill(&self, commit: &str) -> Result<(), CommandError> {
        let _busy = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.as_os_str();
        let words = [OsStr::new("worktree"), OsStr::new("add"), OsStr::new("--detach"), OsStr::new("--quiet"), path];
        git(&self.repository, words.into_iter().chain([OsStr::new(commit)]))?;
        submodules::fill(&self.repository, &self.path)?;
        self.link_ignored().map_err(|error| unusable(&error))
    }

    fn link_ignored(&self) -> std::io::Result<()> {
        let words = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
        let Ok(listed) = git(&self.repository, words) else { return Ok(()) };
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        for name in names.map(|name| Path::new(OsStr::from_bytes(name.strip_suffix(b"/").unwrap_or(name)))) {
            let there = self.path.join(name);
            let ours = name.components().any(|part| part.as_os_str() == ".rhapsode");
            if ours || there.symlink_metadata().is_ok() {
                continue;
            }
            if let Some(folder) = there.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::os::unix::fs::symlink(self.repository.join(name), there)?;
        }
        Ok(())
    }

    /// Removes it, once; waits for git to be done with it.
    pub fn remove(&self) {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(folder) = folder {
            forget(&self.repository, &self.path, || drop(folder));
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Takes a tree off git's list and its folder off the disk. git refuses a tree that was made by halves, and takes one
/// off its list that is gone.
fn forget(repository: &Path, path: &Path, remove: impl FnOnce()) {
    let words = || ["worktree", "remove", "--force"].map(OsStr::new).into_iter().chain([path.as_os_str()]);
    let known = git(repository, words()).is_ok();
    remove();
    if !known {
        let _ = git(repository, words());
    }
}

/// Removes what processes left that were killed.
fn sweep(repository: &Path) {
    let Ok(listed) = git(repository, ["worktree", "list", "--porcelain"]) else { return };
    let paths = listed.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"worktree "));
    for path in paths.map(|path| Path::new(OsStr::from_bytes(path))) {
        let Some(folder) = path.parent() else { continue };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            forget(repository, path, || drop(std::fs::remove_dir_all(folder)));
        }
    }
}

/// The full hash of what a user calls a commit: a hash, a tag, a branch.
///
/// # Errors
/// There is no git, no repository, or no such commit in it.
pub fn commit(root: &Path, name: &str) -> Result<String, CommandError> {
    git(root, ["rev-parse", "--git-dir"])?;
    let wanted = format!("{name}^{{commit}}");
    match git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]) {
        Ok(hash) => Ok(String::from_utf8_lossy(line(&hash)).into_owned()),
        Err(_) => Err(missing(root, name)),
    }
}

fn missing(root: &Path, name: &str) -> CommandError {
    let shallow = git(root, ["rev-parse", "--is-shallow-repository"]).is_ok_and(|said| line(&said) == b"true");
    let hint = match shallow {
        true => "this clone is shallow: `git fetch --unshallow` brings the rest",
        false => "`git fetch --all` may bring it; `rhapsode history` lists the commits that were applied",
    };
    CommandError::mistake(format!("there is no commit `{}` in this repository", short(name))).hint(hint)
}

/// The first digits of a hash; another name as it is.
pub fn short(name: &str) -> &str {
    match name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => &name[..7],
        false => name,
    }
}

/// Runs git in a folder, whatever repository our own environment names and without hooks; gives what it prints.
///
/// # Errors
/// There is no git, or it refuses.
pub(super) fn git<W: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = W>) -> Result<Vec<u8>, CommandError> {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "core.hooksPath=/dev/null"]).args(words);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(name);
    }
    git.env("LC_ALL", "C").stdin(Stdio::null());
    match git.output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(refused(folder, &output)),
        Err(error) => {
            let failure = Failure { causes: vec![error.to_string()], ..Failure::new("cannot start `git`") };
            Err(CommandError::from(failure).hint("install git: earlier commits can be had from it alone"))
        }
    }
}

fn refused(folder: &Path, output: &Output) -> CommandError {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("fatal: ");
    if said.contains("not a git repository") {
        let message = format!("`{}` is in no git repository", folder.display());
        return CommandError::mistake(message).hint("an earlier state can only be had from commits");
    }
    let failure = Failure { causes: vec![said.to_owned()], ..Failure::new("git refused") };
    failure.into()
}

fn unusable(error: &std::io::Error) -> CommandError {
    let failure = Failure { causes: vec![error.to_string()], ..Failure::new("cannot check the commit out") };
    CommandError::from(failure).hint("is there room in `/tmp`, or in the folder that `TMPDIR` names?")
}

fn line(said: &[u8]) -> &[u8] {
    said.strip_suffix(b"\n").unwrap_or(said)
}
