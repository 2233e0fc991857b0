//! A private folder for control sockets, gone with the last host that uses it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

/// The longest path of a folder in which a control socket can have a name of so many bytes.
///
/// ssh binds to the path with a dot and 16 random letters behind it first; sun_path holds 108 bytes (104 on the BSDs),
/// unix(7).
pub(super) const fn longest_for(name: usize) -> usize {
    104 - (1 + 16) - ("/".len() + name)
}

/// How names of our folders begin, and how many random letters follow.
const PREFIX: &str = "rh-";
const RANDOM: usize = 6;

/// Digits of a number that nobody counts to.
const NAME: usize = 15;

/// A folder of mode 0700 with a short path, made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Folder {
    folder: OnceLock<TempDir>,
    making: Mutex<()>,
    next: AtomicU64,
}

impl Folder {
    /// A path that nobody uses yet.
    ///
    /// # Errors
    /// When the folder for temporary files is not writable.
    pub fn fresh(&self) -> std::io::Result<PathBuf> {
        Ok(self.path()?.join(self.next.fetch_add(1, Ordering::Relaxed).to_string()))
    }

    fn path(&self) -> std::io::Result<&Path> {
        let _making = self.making.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(folder) = self.folder.get() {
            return Ok(folder.path());
        }
        let made = make()?;
        Ok(self.folder.get_or_init(|| made).path())
    }
}

fn make() -> std::io::Result<TempDir> {
    let base = std::env::temp_dir();
    let short = base.as_os_str().len() + ("/".len() + PREFIX.len() + RANDOM) <= longest_for(NAME);
    let base = if short { base.as_path() } else { Path::new("/tmp") };
    // tempfile makes folders with mode 0700.
    tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(base)
}
