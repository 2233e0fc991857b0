//! What is wrong with an inventory.

use super::{Spot, nearest};
use std::error::Error;
use std::sync::Arc;

/// An inventory that cannot be used: what is wrong, where, and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct InventoryError {
    /// What is wrong: a fragment without place, cause and hint.
    pub message: String,
    /// The file as the user named it; empty when no file is to blame.
    pub file: Arc<str>,
    /// Line, counted from 1; 0 when unknown.
    pub line: usize,
    /// Column, counted in characters from 1; 0 when unknown.
    pub column: usize,
    /// Something to do.
    pub hint: Option<String>,
    #[source]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// Something that is probably a mistake, though the inventory works.
pub type InventoryWarning = InventoryError;

impl InventoryError {
    /// An error at a place.
    pub fn at(spot: &Spot, message: impl Into<String>) -> Self {
        let Spot { file, line, column } = spot.clone();
        Self { message: message.into(), file, line, column, hint: None, cause: None }
    }

    /// The same with something to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with what caused it.
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// Where it is, as `file:line:column`; `None` when no file is to blame.
    pub fn position(&self) -> Option<String> {
        let spot = Spot::new(self.file.clone(), self.line, self.column);
        (!self.file.is_empty()).then(|| spot.to_string())
    }

    /// The same with the nearest of the names as a hint, or else the given one.
    pub(super) fn nearest<'a>(
        self,
        word: &str,
        names: impl IntoIterator<Item = &'a str>,
        otherwise: impl FnOnce() -> String,
    ) -> Self {
        match nearest(word, names) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self.hint(otherwise()),
        }
    }
}
