//! Where keys and certificates of OpenSSH are kept in a project: `pki/ssh`, in clear, and the secrets beside it.

use super::SshError;
use crate::secret::committed::{Locked, write_whole};
use std::path::{Path, PathBuf};

const FOLDER: &str = "pki/ssh";

/// The folder of one project.
pub struct Place {
    root: PathBuf,
}

impl Place {
    /// That of a project.
    pub fn of_project(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The path of a file of ours, on this machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(FOLDER).join(name)
    }

    /// The path of a file of ours, from the project.
    pub fn shown(name: &str) -> String {
        format!("{FOLDER}/{name}")
    }

    /// The content of a file; nothing when there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<String>, SshError> {
        match std::fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SshError::new(format!("cannot read `{}`", Self::shown(name))).because(error)),
        }
    }

    /// All files, by their paths from the folder, sorted.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn files(&self) -> Result<Vec<String>, SshError> {
        let mut files = Vec::new();
        let failed = |error| SshError::new(format!("cannot list `{FOLDER}`")).because(error);
        walk(&self.root.join(FOLDER), "", &mut files).map_err(failed)?;
        files.sort();
        Ok(files)
    }

    /// Writes a file whole, or not at all; one that holds this already is left alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), SshError> {
        let failed = |error| SshError::new(format!("cannot write `{}`", Self::shown(name))).because(error);
        write_whole(&self.path(name), content).map_err(failed)
    }

    /// Keeps other threads and processes from making keys and certificates of this project.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub fn lock(&self) -> Result<Locked, SshError> {
        let locked = Locked::to_change(&self.root.join(FOLDER));
        locked.map_err(|error| SshError::new(format!("cannot lock the folder `{FOLDER}`")).because(error))
    }
}

fn walk(folder: &Path, front: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{front}{name}");
        match entry.file_type()?.is_dir() {
            true => walk(&entry.path(), &format!("{path}/"), files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// Refuses names that are no path below our folder.
///
/// # Errors
/// What a name may be.
pub fn check_name(what: &str, name: &str) -> Result<(), SshError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-@+".contains(c))
    };
    match name.split('/').all(plain) {
        true => Ok(()),
        false => Err(SshError::new(format!("{name:?} is no name of {what}"))
            .hint("letters, digits, `.`, `_`, `-`, `@` and `+`, with `/` between folders")),
    }
}
