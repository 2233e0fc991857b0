//! Why a SOPS file cannot be read or written.

use crate::secret::SecretError;

/// Split by what a caller can do; never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SopsError {
    /// The text is no document of the format.
    #[error("line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// There is no `sops` block: nothing is encrypted.
    #[error("it is not encrypted: there is no `sops` block")]
    Plain,
    /// Git merged it as a text, and left its marks there.
    #[error("line {0}: git merged it as a text, and both sides changed it")]
    Merged(usize),
    /// Something that the format of SOPS does not have.
    #[error("{0}")]
    Format(String),
    /// No key of the user opens it.
    #[error("none of your keys opens it; it is encrypted to {recipients}")]
    NoKey {
        /// For whom it is.
        recipients: String,
        /// Where keys were looked for.
        tried: String,
    },
    /// A value was changed without the key.
    #[error("the value of `{path}` is not what was encrypted")]
    Value {
        /// Keys joined by dots.
        path: String,
    },
    /// Something was changed without the key.
    #[error("MAC mismatch: it was changed without its key")]
    Mac,
    /// No such key.
    #[error("there is no `{path}` in it")]
    Missing {
        /// Keys joined by dots.
        path: String,
        /// What is there instead.
        near: Option<String>,
    },
    /// The place is taken by something else.
    #[error("{0}")]
    Shape(String),
    /// A recipient that is none.
    #[error("`{0}` is no recipient")]
    Recipient(String),
    /// age failed.
    #[error("{0}")]
    Age(String),
    /// The `sops` program, which opens what we cannot.
    #[error("{0}")]
    Program(String),
}

impl SopsError {
    /// Something to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plain => "`rhapsode secret edit FILE` makes an encrypted file, `sops encrypt` encrypts one".into(),
            Self::NoKey { tried, .. } => format!("looked for keys in {tried}"),
            Self::Mac | Self::Value { .. } => {
                "take the file back from git; who must change it by hand uses `rhapsode secret edit`".into()
            }
            Self::Missing { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Missing { near: None, .. } => "`rhapsode secret list` shows what there is".into(),
            Self::Merged(_) => {
                "run `rhapsode secret init` in this clone, then `git merge --abort`, and merge again: by value, this time"
                    .into()
            }
            Self::Recipient(_) => "give `age1...`, `ssh-ed25519 ...`, `ssh-rsa ...` or a file with such a line".into(),
            _ => return None,
        })
    }

    /// The error of a file.
    pub fn of(self, what: impl Into<String>) -> SecretError {
        let error = SecretError::new(what);
        let error = match self.hint() {
            Some(hint) => error.hint(hint),
            None => error,
        };
        error.because(self)
    }
}
