//! What commands printed, and nothing else: for pipes.

use crate::event::{Event, Sink, SinkError};
use std::io::Write;

/// Writes what loud operations printed; each line behind the name of its host, when there are several.
pub struct Outputs {
    out: Box<dyn Write + Send>,
    several: bool,
}

impl Outputs {
    /// Writes to any stream; `several` hosts are told apart.
    pub fn new(out: Box<dyn Write + Send>, several: bool) -> Self {
        Self { out, several }
    }
}

impl Sink for Outputs {
    fn name(&self) -> &str {
        "outputs"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        let Event::OperationFinished { host, end } = event else { return Ok(()) };
        for line in end.output.iter().flat_map(|output| output.lines()) {
            match self.several {
                true => writeln!(self.out, "{host}: {line}")?,
                false => writeln!(self.out, "{line}")?,
            }
        }
        Ok(self.out.flush()?)
    }
}
