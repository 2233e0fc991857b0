//! What a database has to do.

use super::StateError;
use super::statement::{Row, Statement};

/// Carries statements out; blocking, and shared by threads.
pub(super) trait Backend: Send + Sync {
    /// Carries out all of them in one transaction, or none.
    fn write(&self, statements: Vec<Statement>) -> Result<(), StateError>;

    /// Answers a question.
    fn read(&self, question: Statement) -> Result<Vec<Row>, StateError>;
}
