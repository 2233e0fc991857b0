//! What a fresh checkout of a commit lacks: submodules, and contents that git LFS keeps elsewhere.
//!
//! Spec: gitsubmodules(7), gitmodules(5), git-clone(1) `--shared`; git-lfs specification, "The Pointer".

use super::failure::CommandError;
use super::worktree::{git, short};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The mode of a commit in a tree.
const GITLINK: &[u8] = b"160000";
/// The folder of a submodule that was removed since is not there any more, and git would go to it first.
const ANYWHERE: &str = "--work-tree=.";
/// How the pointer of a content begins.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Fills the submodules of a checkout, and theirs, from the clones that are here already. Nothing is fetched, and nothing
/// that outlives the folder is made. `here` is the work tree of the user, which may do without one that is not cloned.
///
/// # Errors
/// A clone does not have the commit; git refuses; a file is a pointer of git LFS.
pub(super) fn fill(here: &Path, tree: &Path) -> Result<(), CommandError> {
    let top = git(here, ["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    fill_from(&PathBuf::from(OsStr::from_bytes(line(&top))), here, tree)
}

fn fill_from(git_dir: &Path, here: &Path, tree: &Path) -> Result<(), CommandError> {
    no_pointers(tree)?;
    let names = names(tree);
    for (path, commit) in gitlinks(tree)? {
        let name = names.get(&path).unwrap_or(&path);
        let clones = [git_dir.join("modules").join(name), here.join(&path)];
        let cloned = clones[0].is_dir() || clones[1].join(".git").exists();
        let object = format!("{commit}^{{commit}}");
        let Some(clone) =
            clones.iter().find(|clone| clone.is_dir() && git(clone, [ANYWHERE, "cat-file", "-e", &object]).is_ok())
        else {
            if !cloned && clones[1].is_dir() {
                continue;
            }
            return Err(missing(&path, &commit));
        };
        let place = tree.join(&path);
        let words = ["clone", "--quiet", "--shared", "--no-checkout", "--"].map(OsStr::new);
        git(tree, words.into_iter().chain([clone.as_os_str(), place.as_os_str()]))?;
        git(&place, ["checkout", "--quiet", "--detach", &commit])?;
        let inner = git(clone, [ANYWHERE, "rev-parse", "--absolute-git-dir"])?;
        fill_from(Path::new(OsStr::from_bytes(line(&inner))), &here.join(&path), &place)?;
    }
    Ok(())
}

/// Paths of submodules with their commits.
fn gitlinks(tree: &Path) -> Result<Vec<(PathBuf, String)>, CommandError> {
    let listed = git(tree, ["ls-files", "-z", "--stage"])?;
    let link = |entry: &[u8]| {
        let (head, path) = entry.split_at(entry.iter().position(|byte| *byte == b'\t')?);
        let mut words = head.split(|byte| *byte == b' ');
        let commit = words.next().filter(|mode| *mode == GITLINK).and_then(|_| words.next())?;
        Some((PathBuf::from(OsStr::from_bytes(&path[1..])), String::from_utf8_lossy(commit).into_owned()))
    };
    Ok(listed.split(|byte| *byte == 0).filter_map(link).collect())
}

/// Names of submodules by their paths; without a file of theirs there are none.
fn names(tree: &Path) -> HashMap<PathBuf, PathBuf> {
    let words = ["config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$"];
    let listed = git(tree, words).unwrap_or_default();
    let named = |entry: &[u8]| {
        let (key, path) = entry.split_at(entry.iter().position(|byte| *byte == b'\n')?);
        let name = key.strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
        Some((PathBuf::from(OsStr::from_bytes(&path[1..])), PathBuf::from(OsStr::from_bytes(name))))
    };
    listed.split(|byte| *byte == 0).filter_map(named).collect()
}

/// Where git LFS is not at work, its pointers would be taken for the contents.
fn no_pointers(tree: &Path) -> Result<(), CommandError> {
    let listed = git(tree, ["ls-files", "-z", "--", ":(attr:filter=lfs)"])?;
    let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    match paths.map(|path| Path::new(OsStr::from_bytes(path))).find(|path| is_pointer(&tree.join(path))) {
        None => Ok(()),
        Some(path) => Err(CommandError::mistake(format!("the content of `{}` is not here", path.display()))
            .hint("git LFS keeps it: `git lfs install`, then `git lfs fetch --all`")),
    }
}

fn is_pointer(path: &Path) -> bool {
    let mut head = [0; POINTER.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == POINTER
}

fn missing(path: &Path, commit: &str) -> CommandError {
    let message = format!("submodule `{}` is not here at its commit `{}`", path.display(), short(commit));
    CommandError::mistake(message).hint(
        "`git submodule update --init --recursive` clones it, `git fetch --recurse-submodules` brings its commits",
    )
}

fn line(said: &[u8]) -> &[u8] {
    said.strip_suffix(b"\n").unwrap_or(said)
}
