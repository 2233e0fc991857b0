//! The folder `dns/` of a project: what everybody may read of its keys and zones.

use super::{Dns, DnsError};
use crate::secret::committed::{Locked, write_whole};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where it is, from the project.
pub(super) const FOLDER: &str = "dns";

impl Dns {
    /// Keeps others from changing the folder; who only reads needs no lock, as files are replaced whole.
    pub(super) fn lock(&self) -> Result<Locked, DnsError> {
        let failed = |source| DnsError::File { verb: "write", file: FOLDER.into(), source };
        Locked::to_change(&self.store.root().join(FOLDER)).map_err(failed)
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
        let written = write_whole(&path, text(content).as_bytes());
        written.map_err(|source| DnsError::File { verb: "write", file: format!("{FOLDER}/{file}"), source })
    }
}

/// The text of a file.
pub(super) fn text(content: &impl Serialize) -> String {
    serde_json::to_string_pretty(content).expect("plain data") + "\n"
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
