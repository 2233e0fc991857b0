//! What a database has to do.

use super::statement::{Row, Statement};
use super::{Place, StateError};

/// Statements on their way; one that cannot be had ends the transaction.
pub(super) type Statements<'a> = &'a mut dyn Iterator<Item = Result<Statement, StateError>>;

/// Takes the rows of an answer as they come, with the number of their question.
pub(super) type Take<'a> = &'a mut dyn FnMut(usize, Row) -> Result<(), StateError>;

/// Carries statements out; blocking, and shared by threads.
pub(super) trait Backend: Send + Sync {
    /// Carries out all of them in one transaction, or none. Gives the number of rows written.
    fn carry_out(&self, statements: Statements<'_>) -> Result<u64, StateError>;

    /// Answers a question.
    fn read(&self, question: Statement) -> Result<Vec<Row>, StateError>;

    /// Answers questions about one moment, whoever writes meanwhile.
    fn snapshot(&self, questions: Vec<Statement>, take: Take<'_>) -> Result<(), StateError>;

    /// Milliseconds since 1970 by the one clock of all who share the database.
    fn now_ms(&self) -> Result<i64, StateError>;

    /// Where it is.
    fn place(&self) -> &Place;

    /// [`Backend::carry_out`] for statements at hand.
    fn write(&self, statements: Vec<Statement>) -> Result<u64, StateError> {
        self.carry_out(&mut statements.into_iter().map(Ok))
    }
}

/// Why a transaction ended early.
pub(super) enum Stop {
    Sql(sqlx::Error),
    State(StateError),
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StateError> for Stop {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}
