//! The files that a run stands on: what they were when it read them, and whether they still are.

use super::prepared::Prepared;
use crate::engine::Run;
use crate::event::Event;
use crate::inventory::FileRead;
use crate::script::Project;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A larger file is told from another one by size and time, as rsync(1) does: to read it may take longer than the run.
const READ: u64 = 1 << 20;

/// Has a run tell what it reads: what was read before it began, and each other file once a host asks for it. Before
/// anything made of it reaches a host, so that a run that is killed has told it too.
pub(super) fn tell(run: &Arc<Run>, prepared: &Prepared) {
    let project = &prepared.world.project;
    let root = project.root.clone();
    let weak = Arc::downgrade(run);
    let tell = move |path: &Path| {
        // One that is not there any more fails the operation that wants it.
        if let (Some(run), Ok(stamp)) = (weak.upgrade(), stamp(path)) {
            let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
            run.emit(Event::SourceRead { path, stamp });
        }
    };
    known(project, prepared.inventory.files_read()).iter().for_each(|path| tell(path));
    project.listen(tell);
}

/// What was read so far; what a command printed is no file.
fn known(project: &Project, inventories: &[FileRead]) -> BTreeSet<PathBuf> {
    let inventories = inventories.iter().filter(|file| !file.path.contains(':')).map(|file| &file.path);
    let settings = project.root.join("rhapsode.yaml");
    let below_root = inventories.map(|path| project.root.join(path)).chain(settings.exists().then_some(settings));
    below_root.chain(project.files_read().into_keys()).chain(project.locals()).collect()
}

/// The first of the files that is another one now.
pub(super) fn changed<'a>(root: &Path, read: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let other = |(path, known): &(&String, &String)| stamp(&root.join(path)).ok().as_ref() != Some(*known);
    read.iter().find(other).map(|(path, _)| path.as_str())
}

/// Another text for another content of a file, or of anything below a directory.
fn stamp(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    match path.is_dir() {
        true => add_tree(&mut hasher, path)?,
        false => add_file(&mut hasher, path)?,
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add_file(hasher: &mut Sha256, path: &Path) -> io::Result<()> {
    let meta = path.metadata()?;
    hasher.update(meta.len().to_le_bytes());
    if meta.len() > READ {
        hasher.update([meta.mtime(), meta.mtime_nsec()].map(i64::to_le_bytes).concat());
    } else if meta.is_file() {
        hasher.update(std::fs::read(path)?);
    }
    Ok(())
}

fn add_tree(hasher: &mut Sha256, folder: &Path) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, meta) = (entry.path(), entry.metadata()?);
        hasher.update(format!("{:?} {:o}\n", entry.file_name(), meta.permissions().mode()));
        match meta.file_type() {
            kind if kind.is_dir() => add_tree(hasher, &path)?,
            kind if kind.is_symlink() => hasher.update(format!("{:?}\n", std::fs::read_link(&path)?)),
            _ => add_file(hasher, &path)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_below_a_folder_is_another_stamp_and_another_time_of_a_small_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, file) = (folder.path(), folder.path().join("sub/file"));
        std::fs::create_dir(path.join("sub")).expect("a folder");
        std::fs::write(&file, "one").expect("a file");
        let first = stamp(path).expect("it is there");
        let long_ago = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        std::fs::File::options().append(true).open(&file).and_then(|file| file.set_times(long_ago)).expect("a time");
        assert_eq!(stamp(path).expect("it is there"), first);
        std::fs::write(&file, "two").expect("a file");
        assert_ne!(stamp(path).expect("it is there"), first);
        assert!(stamp(&path.join("none")).is_err());
    }

    #[test]
    fn a_large_file_is_told_by_size_and_time() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(READ + 1).expect("a hole");
        let first = stamp(file.path()).expect("it is there");
        file.as_file().set_modified(std::time::UNIX_EPOCH).expect("a time");
        assert_ne!(stamp(file.path()).expect("it is there"), first);
    }
}
