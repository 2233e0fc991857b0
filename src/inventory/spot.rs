//! Where something was written.

use std::fmt;
use std::sync::Arc;

/// A place in an inventory or data file.
///
/// Prints as `file:line:column`, or `file` alone where no line is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file as the user named it, or what stands for it: `--data`, `cmd:./hosts`.
    pub file: Arc<str>,
    /// Counted from 1; 0 when unknown.
    pub line: usize,
    /// Counted in characters from 1; 0 when unknown.
    pub column: usize,
}

impl Spot {
    /// A place with line and column.
    pub fn new(file: impl Into<Arc<str>>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column }
    }

    /// A file as a whole.
    pub fn whole(file: impl Into<Arc<str>>) -> Self {
        Self::new(file, 0, 0)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}
