//! A store whose writes go through only while a token is the newest.

use super::super::backend::{Backend, Statements, Take};
use super::super::statement::{Row, Statement};
use super::super::{Place, StateError};
use super::Ticket;
use std::sync::Arc;

pub(super) struct Fenced {
    pub backend: Arc<dyn Backend>,
    pub ticket: Ticket,
}

impl Fenced {
    /// Touches the row of the lock: one who takes over waits for our transaction, or we for his.
    fn guard(&self) -> Statement {
        let sql = "UPDATE locks SET token = token WHERE project = $1 AND inventory = $2 AND token = $3";
        Statement { required: true, ..self.ticket.statement(sql) }
    }
}

impl Backend for Fenced {
    fn carry_out(&self, statements: Statements<'_>) -> Result<u64, StateError> {
        let mut all = std::iter::once(Ok(self.guard())).chain(statements);
        match self.backend.carry_out(&mut all) {
            Ok(written) => Ok(written - 1),
            Err(StateError::Fenced(None)) => Err(StateError::Fenced(self.ticket.successor(&self.backend))),
            Err(error) => Err(error),
        }
    }

    fn read(&self, question: Statement) -> Result<Vec<Row>, StateError> {
        self.backend.read(question)
    }

    fn snapshot(&self, questions: Vec<Statement>, take: Take<'_>) -> Result<(), StateError> {
        self.backend.snapshot(questions, take)
    }

    fn now_ms(&self) -> Result<i64, StateError> {
        self.backend.now_ms()
    }

    fn place(&self) -> &Place {
        self.backend.place()
    }
}
