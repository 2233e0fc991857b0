//! Reading files: what was read is remembered, so that a saved plan can tell whether it still holds.

use super::node::Node;
use super::{InventoryError, Spot, yaml};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A file that an inventory was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    /// Its path as the user named it, or `cmd:…` for the output of a command.
    pub path: String,
    /// SHA-256 of what was read, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// Reads files below the project.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    pub read: Vec<FileRead>,
}

impl Files {
    /// Relative paths begin at `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), read: Vec::new() }
    }

    /// Where the project is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path as the system knows it.
    pub fn real(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Reads a document.
    pub fn document(&mut self, path: &Path) -> Result<Node, InventoryError> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(self.real(path)).map_err(|cause| {
            let error = InventoryError::at(&Spot::whole(shown.as_str()), format!("cannot read `{shown}`"));
            error.hint("check the path and its permissions").because(cause)
        })?;
        self.parse(&shown, bytes)
    }

    /// Parses what a file or a command gave.
    pub fn parse(&mut self, shown: &str, bytes: Vec<u8>) -> Result<Node, InventoryError> {
        self.note(shown, &bytes);
        let text = String::from_utf8(bytes).map_err(|cause| {
            let good = String::from_utf8_lossy(&cause.as_bytes()[..cause.utf8_error().valid_up_to()]).into_owned();
            let column = good.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
            let spot = Spot::new(shown, good.matches('\n').count() + 1, column);
            InventoryError::at(&spot, "this is not UTF-8 text").hint("save the file as UTF-8")
        })?;
        yaml::parse(&text, shown)
    }

    /// Remembers what was read.
    pub fn note(&mut self, shown: &str, bytes: &[u8]) {
        let digest = Sha256::digest(bytes);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let read = FileRead { path: shown.to_owned(), sha256 };
        if !self.read.contains(&read) {
            self.read.push(read);
        }
    }
}
