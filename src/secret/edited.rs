//! Files of secrets that somebody had in an editor, while others may have changed them.

use super::sops::{Document, SopsError, merge};
use super::{SecretError, Store};
use std::path::Path;

/// Why an edited text is not kept.
#[derive(Debug)]
pub enum EditError {
    /// It is no document.
    Text(SopsError),
    /// These were changed by somebody else, too.
    Conflict(Vec<String>),
    /// The file cannot be read or written.
    Store(SecretError),
}

impl From<SecretError> for EditError {
    fn from(error: SecretError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// Writes the clear text of a file that was edited from what `opened` holds. What somebody else changed meanwhile
    /// stays, too.
    ///
    /// # Errors
    /// The text is no document, both changed the same value, or the file cannot be written: then nothing is.
    pub fn take_edited(&self, file: &str, opened: &Document, clear: &[u8]) -> Result<(), EditError> {
        let _lock = self.lock()?;
        let mut now = self.open_or_new(file)?;
        let unchanged = now.clear().ok() == opened.clear().ok();
        if unchanged {
            now.take_clear(clear).map_err(EditError::Text)?;
            return Ok(self.save(Path::new(file), &mut now)?);
        }
        let mut edited = opened.clone();
        edited.take_clear(clear).map_err(EditError::Text)?;
        let conflicts = merge(Some(opened), &mut now, &edited).map_err(EditError::Text)?;
        match conflicts.as_slice() {
            [] => Ok(self.save(Path::new(file), &mut now)?),
            conflicts => Err(EditError::Conflict(conflicts.to_vec())),
        }
    }
}
