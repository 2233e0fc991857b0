//! Names of secrets, and the files that they lead to.

use super::SecretError;
use super::sops::{Document, KeyPath, SopsError};
use std::fmt;

/// Where the files are, from the project.
pub(super) const FOLDER: &str = "secrets";
pub(super) const ENDING: &str = ".sops.yaml";
/// The file of names that name none.
pub(super) const MAIN: &str = "main";

/// The name of a secret: `FILE/KEY`, or `KEY` alone in the file `main`; `FILE` may have folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    file: String,
    pub(super) key: String,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// One that is no path below the project's secrets.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let (file, key) = text.rsplit_once('/').unwrap_or((MAIN, text));
        let plain = |part: &str| {
            !part.is_empty() && !part.starts_with('.') && part.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
        };
        // Behind a colon, what is before it would name a place for secrets.
        let scheme = text.contains(':');
        if scheme
            || key.trim() != key
            || key.is_empty()
            || key.chars().any(char::is_control)
            || !file.split('/').all(plain)
        {
            let error = SecretError::new(format!("`{text}` is no name of a secret"));
            return Err(error.hint("write `KEY` or `FILE/KEY`: `db/password` is `password` in secrets/db.sops.yaml"));
        }
        Ok(Self { file: file.to_owned(), key: key.to_owned() })
    }

    /// The file, from the project.
    pub fn file(&self) -> String {
        format!("{FOLDER}/{}{ENDING}", self.file)
    }

    /// The path in the file: as it stands when there is such a key, else with dots as steps.
    pub(super) fn path(&self, document: &Document) -> Result<KeyPath, SopsError> {
        let whole = KeyPath::key(&self.key);
        if document.get(&whole).is_ok() { Ok(whole) } else { KeyPath::parse(&self.key) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.as_str() {
            MAIN => f.write_str(&self.key),
            file => write!(f, "{file}/{}", self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_secrets_of_the_project() {
        for bad in ["", "../x/y", "/etc/x", "a//b", ".git/x", "a/../b", "x/", "env:X", "a/ b", "a\nb"] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Name::parse("a/b/c").expect("a name").file(), "secrets/a/b.sops.yaml");
    }
}
