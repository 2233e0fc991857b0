//! How an operation came out, before it is told.

use super::call::Call;
use super::outcome::Outcome;
use super::reversal::Reversal;
use crate::event::{ChangeLine, Drift, OpStatus};
use crate::ops::{Change, OpError, Plan};
use crate::remote::Output;
use crate::secret::redact;
use std::sync::Arc;

/// How one try of an operation came out.
pub(super) struct Verdict {
    pub status: OpStatus,
    pub reason: Option<String>,
    pub changes: Vec<ChangeLine>,
    pub diff: Option<String>,
    pub output: Option<Output>,
    pub error: Option<OpError>,
    /// How it deviates from the plan that the run is held to; nothing was done then.
    pub deviates: Option<String>,
    /// How reality differs, where that is asked.
    pub drift: Option<Box<Drift>>,
    /// Why a guard refuses it; nothing was done then.
    pub refused: Option<String>,
    /// Why nothing was done though something could be.
    pub left: Option<String>,
    /// What takes it back.
    pub reversal: Option<Arc<Reversal>>,
    /// How it ended in the run that this one resumes; nothing was done now.
    pub earlier: Option<OpStatus>,
}

impl Verdict {
    fn bare(status: OpStatus, reason: Option<String>) -> Self {
        Self {
            status,
            reason,
            changes: Vec::new(),
            diff: None,
            output: None,
            error: None,
            deviates: None,
            drift: None,
            refused: None,
            left: None,
            reversal: None,
            earlier: None,
        }
    }

    pub fn skipped(reason: String) -> Self {
        Self::bare(OpStatus::Skipped, Some(reason))
    }

    pub fn unknown(reason: String) -> Self {
        Self::bare(OpStatus::Unknown, Some(reason))
    }

    /// What an earlier run did.
    pub fn done_in(run: &str) -> Self {
        Self::bare(OpStatus::Unchanged, Some(format!("done in run {run}")))
    }

    pub fn failed(error: OpError) -> Self {
        Self { error: Some(error), ..Self::bare(OpStatus::Failed, None) }
    }

    pub fn of(plan: &Plan, target: &str, sensitive: bool) -> Self {
        let status = if plan.is_empty() { OpStatus::Unchanged } else { OpStatus::Changed };
        let line = |change: &Change| ChangeLine {
            sign: change.sign,
            text: redact(&change.text),
            open: change.open,
            secrets: change.secrets(),
        };
        // Of several files each is named; one alone is the target, which a plan may have followed through a planned link.
        let several =
            plan.changes.iter().filter(|change| change.diff.is_some()).count() > 1 || !target.starts_with('/');
        let diff = |change: &Change| {
            let (before, after) = change.diff.as_ref()?;
            let path = change.file().filter(|_| several).unwrap_or(target);
            Some(super::diff::unified(path, before, after))
        };
        let diff: String = plan.changes.iter().filter_map(diff).collect();
        let diff = (!sensitive && !diff.is_empty()).then_some(diff);
        Self { changes: plan.changes.iter().map(line).collect(), diff, ..Self::bare(status, None) }
    }

    pub fn fail(&mut self, error: OpError) {
        self.status = OpStatus::Failed;
        self.error = Some(error);
    }

    pub fn never_satisfied(mut self, tries: u32) -> Self {
        self.fail(OpError::refused(format!("`retry_until` was not true after {tries} tries")));
        self
    }

    pub fn outcome(&self, call: &Call<'_>) -> Outcome {
        Outcome {
            op: call.op.to_owned(),
            target: call.target.clone(),
            status: Some(self.status),
            output: self.output.clone().or_else(|| self.error.as_ref().and_then(output_of)),
            diff: self.diff.clone(),
            ..Outcome::default()
        }
    }
}

/// `failed_when` may look at the answer of a command that failed.
fn output_of(error: &OpError) -> Option<Output> {
    match error {
        OpError::Command { code, stdout, stderr, .. } => {
            Some(Output { stdout: stdout.clone().into(), stderr: stderr.clone().into(), code: *code })
        }
        _ => None,
    }
}
