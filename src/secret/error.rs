//! Why a secret cannot be had.

use std::error::Error;
use std::sync::Arc;

/// Why a secret cannot be had or kept; never holds its value.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SecretError {
    /// What failed, on what.
    pub message: String,
    /// Something to do about it.
    pub hint: Option<String>,
    /// Where it is asked for: `inventories/group_data/web.yaml:3:13`.
    pub at: Option<String>,
    #[source]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl SecretError {
    /// An error in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, at: None, cause: None }
    }

    /// Adds something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place that asks for it, unless one is known.
    #[must_use]
    pub fn placed(mut self, at: Option<&str>) -> Self {
        self.at = self.at.or_else(|| at.map(str::to_owned));
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }
}

impl SecretError {
    /// The cause, where it is of this type.
    pub fn cause<T: Error + 'static>(&self) -> Option<&T> {
        self.cause.as_deref().and_then(|cause| cause.downcast_ref())
    }
}

impl PartialEq for SecretError {
    fn eq(&self, other: &Self) -> bool {
        (&self.message, &self.hint, &self.at) == (&other.message, &other.hint, &other.at)
    }
}

impl Eq for SecretError {}
