//! Why something of DNS cannot be had.

use crate::secret::SecretError;

/// Why a key, a zone or a name cannot be had; never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// What is wanted makes no sense.
    #[error("{message}")]
    Wrong {
        /// What is wrong, and where.
        message: String,
        /// Something to do about it.
        hint: Option<String>,
    },
    /// A secret cannot be read or kept.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file of the project cannot be read or written.
    #[error("cannot {verb} `{file}`")]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file, from the project.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl DnsError {
    /// A mistake in what is wanted.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::Wrong { message: message.into(), hint: None }
    }

    /// Adds something to do about it.
    #[must_use]
    pub(super) fn hinted(self, text: impl Into<String>) -> Self {
        match self {
            Self::Wrong { message, .. } => Self::Wrong { message, hint: Some(text.into()) },
            other => other,
        }
    }

    /// Says where a mistake stands: `zone \`internal.\`, host \`web1\``.
    #[must_use]
    pub(super) fn at(self, place: impl std::fmt::Display) -> Self {
        match self {
            Self::Wrong { message, hint } => Self::Wrong { message: format!("{place}: {message}"), hint },
            other => other,
        }
    }

    /// Something to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Wrong { hint, .. } => hint.clone(),
            Self::Secret(error) => error.hint.clone(),
            Self::File { .. } => None,
        }
    }
}
