//! The folder `dns/` of a project: what everybody may read of its keys and zones.

use super::{Dns, DnsError};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Write;

/// Where it is, from the project.
pub(super) const FOLDER: &str = "dns";

/// The folder, kept from other threads and processes until it is dropped.
pub(super) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file would do it too, but a child may have it open.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Dns {
    /// Keeps others from changing the folder; who only reads needs no lock, as files are replaced whole.
    pub(super) fn lock(&self) -> Result<Locked, DnsError> {
        let failed = |source| DnsError::File { verb: "write", file: FOLDER.into(), source };
        let folder = self.store.root().join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let folder = File::open(folder).map_err(failed)?;
        flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        Ok(Locked(folder))
    }

    /// Reads a file of the folder; what is not there is as good as empty.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, file: &str) -> Result<T, DnsError> {
        let failed = |source| DnsError::File { verb: "read", file: format!("{FOLDER}/{file}"), source };
        let text = match std::fs::read(self.store.root().join(FOLDER).join(file)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(failed(error)),
        };
        serde_json::from_slice(&text).map_err(|error| failed(error.into()))
    }

    /// Writes a file of the folder whole, or not at all.
    pub(super) fn write(&self, _held: &Locked, file: &str, content: &impl Serialize) -> Result<(), DnsError> {
        let path = self.store.root().join(FOLDER).join(file);
        let folder = path.parent().expect("below the project");
        let text = serde_json::to_string_pretty(content).expect("plain data") + "\n";
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            draft.write_all(text.as_bytes())?;
            draft.as_file().sync_all()?;
            // Public, like everything in the repository.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            draft.as_file().set_permissions(mode)?;
            draft.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(|source| DnsError::File { verb: "write", file: format!("{FOLDER}/{file}"), source })
    }
}

/// A name that files can have: of a key, or of a zone.
pub(super) fn plain(kind: &str, name: &str) -> Result<(), DnsError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(fine) {
        true => Ok(()),
        false => Err(DnsError::wrong(format!("`{name}` cannot name {kind}"))
            .hinted("it may have letters, digits, `-`, `_`, and dots inside")),
    }
}
