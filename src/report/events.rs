//! Events as JSON lines.

use crate::event::{Event, Sink, SinkError};
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes one JSON object a line, at once, each with its `type` and the `run` it belongs to.
pub struct EventLines {
    out: Box<dyn Write + Send>,
    run: String,
}

#[derive(Serialize)]
struct Line<'a> {
    /// The first event names its run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventLines {
    /// Writes to any stream.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, run: String::new() }
    }

    /// Writes to a file, which is emptied first; `-` is stdout.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::new(Box::new(std::io::stdout())));
        }
        Ok(Self::new(Box::new(File::create(path)?)))
    }
}

impl Sink for EventLines {
    fn name(&self) -> &str {
        "events file"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        let run = match event {
            Event::RunStarted(start) => {
                self.run.clone_from(&start.run);
                None
            }
            _ => Some(self.run.as_str()),
        };
        let mut line = serde_json::to_vec(&Line { run, event })?;
        line.push(b'\n');
        // In one piece: a reader of the file never meets half a line.
        self.out.write_all(&line)?;
        Ok(self.out.flush()?)
    }
}
