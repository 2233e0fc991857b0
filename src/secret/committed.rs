//! Files of a project that are meant for git: nothing in them is secret, or it is encrypted.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A folder that others are kept from, as long as this lives. Two of one process exclude each other too: each opens the
/// folder itself.
pub struct Locked(File);

impl Locked {
    /// Waits until nobody else changes the folder, which is made when it is missing. Who only reads needs no lock, where
    /// one file is the whole of it: files are replaced whole.
    ///
    /// # Errors
    /// It can be neither made nor locked.
    pub fn to_change(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Self::by(folder, FlockOperation::LockExclusive)
    }

    /// Waits until nobody changes the folder; others may read, too.
    ///
    /// # Errors
    /// It is missing, or cannot be locked.
    pub fn to_read(folder: &Path) -> std::io::Result<Self> {
        Self::by(folder, FlockOperation::LockShared)
    }

    fn by(folder: &Path, how: FlockOperation) -> std::io::Result<Self> {
        let folder = File::open(folder)?;
        flock(&folder, how)?;
        Ok(Self(folder))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file would do it too, but a child may have it open.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Writes a file whole, or not at all, with the folders above it; mode 0644, whatever the umask: git gives it to everybody
/// who may read the repository. One that holds this already is left alone.
///
/// # Errors
/// It cannot be written.
pub fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|before| before == content) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    draft.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    draft.persist(path).map(drop).map_err(|error| error.error)
}
