//! Why a key or a certificate of OpenSSH cannot be had.

use crate::secret::SecretError;

/// Why a key or a certificate of OpenSSH cannot be had; never holds a private key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SshError {
    /// What failed, on what.
    pub message: String,
    /// Something to do about it.
    pub hint: Option<String>,
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SshError {
    /// An error in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, cause: None }
    }

    /// Adds something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }
}

impl From<SecretError> for SshError {
    fn from(error: SecretError) -> Self {
        let hint = error.hint.clone();
        Self { message: "the secrets of the project are needed".into(), hint, cause: Some(Box::new(error)) }
    }
}
