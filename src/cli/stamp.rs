//! What tells a file, or all of a folder, from another one.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// A larger file is told from another one by size and time, as rsync(1) does: to read it may take longer than the run.
const READ: u64 = 1 << 20;

/// Adds what a file is told by.
type Add = fn(&mut Sha256, &Path) -> io::Result<()>;

/// The SHA-256 of a file, or of all names, modes and contents below a folder.
pub fn whole(path: &Path) -> io::Result<String> {
    stamp(path, add_content)
}

/// The same in less time: large files are told by size and time.
pub fn quick(path: &Path) -> io::Result<String> {
    stamp(path, |hasher, path| {
        let meta = path.metadata()?;
        match meta.len() > READ {
            true => hasher.update([meta.mtime(), meta.mtime_nsec()].map(i64::to_le_bytes).concat()),
            false => add_content(hasher, path)?,
        }
        Ok(())
    })
}

fn stamp(path: &Path, add: Add) -> io::Result<String> {
    let mut hasher = Sha256::new();
    match path.is_dir() {
        true => add_tree(&mut hasher, path, add)?,
        false => add(&mut hasher, path)?,
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add_content(hasher: &mut Sha256, path: &Path) -> io::Result<()> {
    let mut file = BufReader::with_capacity(64 * 1024, File::open(path)?);
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        hasher.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}

fn add_tree(hasher: &mut Sha256, folder: &Path, add: Add) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, meta) = (entry.path(), entry.metadata()?);
        hasher.update(format!("{:?} {:o}\n", entry.file_name(), meta.permissions().mode()));
        match meta.file_type() {
            kind if kind.is_dir() => add_tree(hasher, &path, add)?,
            kind if kind.is_symlink() => hasher.update(format!("{:?}\n", std::fs::read_link(&path)?)),
            kind if kind.is_file() => {
                // Where one content ends, no other one can pretend to.
                hasher.update(meta.len().to_le_bytes());
                add(hasher, &path)?;
            }
            _ => {}
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
        let first = quick(path).expect("it is there");
        let long_ago = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        std::fs::File::options().append(true).open(&file).and_then(|file| file.set_times(long_ago)).expect("a time");
        assert_eq!(quick(path).expect("it is there"), first);
        std::fs::write(&file, "two").expect("a file");
        assert_ne!(quick(path).expect("it is there"), first);
        assert!(quick(&path.join("none")).is_err());
    }

    #[test]
    fn a_large_file_is_told_by_size_and_time() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(READ + 1).expect("a hole");
        let first = quick(file.path()).expect("it is there");
        file.as_file().set_modified(std::time::UNIX_EPOCH).expect("a time");
        assert_ne!(quick(file.path()).expect("it is there"), first);
    }
}
