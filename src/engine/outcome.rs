//! What came of an operation.

use super::reversal::Reversal;
use crate::event::{Failure, OpStatus};
use crate::ops::OpError;
use crate::remote::{Output, ShellError};
use std::error::Error;
use std::sync::Arc;

/// An operation that ended, as the script sees it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Unique in the run, stable between runs.
    pub id: String,
    /// `file::put`.
    pub op: String,
    /// The thing on the host.
    pub target: String,
    /// Its verdict.
    pub status: Option<OpStatus>,
    /// The last command's answer, when one was run.
    pub output: Option<Output>,
    /// Unified diff, where there is one.
    pub diff: Option<String>,
    /// Why it failed, when errors are ignored.
    pub error: Option<Failure>,
    /// Why nothing was done though something could be.
    pub left: Option<String>,
    /// What takes it back, when it changed something.
    pub reversal: Option<Arc<Reversal>>,
    /// It ran in the run that this one resumes: what it printed is not known any more.
    pub earlier: bool,
}

/// Why an operation gave no outcome.
#[derive(Debug, Clone)]
pub enum Stop {
    /// It failed; the script may catch this.
    Failed(Box<Failed>),
    /// The host cannot be reached; it takes no further part.
    Unreachable(Box<Failure>),
    /// It is not what the saved plan announced; nothing was changed.
    Deviated(Box<Failure>),
    /// The user asked to stop.
    Interrupted,
}

/// A failed operation, as a script catches it.
#[derive(Debug, Clone)]
pub struct Failed {
    /// `file::put`.
    pub op: String,
    /// Where it was tried.
    pub host: String,
    /// What went wrong.
    pub failure: Failure,
    /// What takes back the part that was done.
    pub reversal: Option<Arc<Reversal>>,
}

/// Turns an operation's error into what people read.
pub(super) fn failure(op: &str, target: &str, host: &str, at: &str, error: &OpError) -> Failure {
    let mut failure = Failure {
        message: format!("{op} `{}` failed on `{host}`", crate::secret::redact(target)),
        at: Some(at.to_owned()),
        causes: causes(error),
        hint: error.hint(),
        ..Failure::default()
    };
    if let OpError::Command { code, stderr, .. } = error {
        failure.code = Some(*code);
        failure.stderr = Some(stderr.clone());
        if let Some(said) = last_words(stderr).or_else(|| last_words(said_on_stdout(error))) {
            failure.causes.push(said);
        }
    }
    failure
}

fn said_on_stdout(error: &OpError) -> &str {
    match error {
        OpError::Command { stdout, .. } => stdout,
        _ => "",
    }
}

/// The error and its sources, outermost first, secrets redacted.
pub(super) fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = crate::secret::redact(&error.to_string());
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

/// The end of what a command printed: that is where the reason stands.
fn last_words(text: &str) -> Option<String> {
    const LINES: usize = 8;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    (!lines.is_empty()).then(|| lines[from..].join("\n"))
}

/// Whether the host or the operation is to blame.
pub(super) fn unreachable(host: &str, at: Option<&str>, error: &ShellError) -> Option<Box<Failure>> {
    let ShellError::Unreachable { hint, .. } = error else {
        return None;
    };
    Some(Box::new(Failure {
        message: format!("`{host}` is unreachable"),
        at: at.map(str::to_owned),
        causes: causes(error),
        hint: hint.clone(),
        ..Failure::default()
    }))
}
