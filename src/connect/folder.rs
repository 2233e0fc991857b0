//! A private folder for control sockets, gone with the last host that uses it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// ssh binds to `PATH.XXXXXXXXXXXXXXXX` first; sun_path holds 108 bytes (104 on the BSDs), unix(7).
const LONGEST: usize = 104 - 17 - 16;

/// A folder of mode 0700 with a short path.
#[derive(Debug)]
pub(super) struct Folder {
    folder: TempDir,
    next: AtomicU64,
}

impl Folder {
    pub fn new() -> std::io::Result<Self> {
        let base = std::env::temp_dir();
        let short = base.as_os_str().len() + "/rh-XXXXXX".len() <= LONGEST;
        let base = if short { base.as_path() } else { Path::new("/tmp") };
        // tempfile makes folders with mode 0700.
        let folder = tempfile::Builder::new().prefix("rh-").tempdir_in(base)?;
        Ok(Self { folder, next: AtomicU64::new(0) })
    }

    /// A path that nobody uses yet.
    pub fn fresh(&self) -> PathBuf {
        self.folder.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}
