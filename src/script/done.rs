//! What an operation gives back to the script.

use super::error::{RhaiResultOf, raise};
use super::opaque::Opaque;
use crate::engine::Outcome;
use crate::event::{Failure, OpStatus};
use rhai::plugin::*;
use rhai::{Dynamic, Position};

/// The handle of an operation that ended.
#[derive(Debug, Clone, Default)]
pub struct Done {
    outcomes: Vec<Outcome>,
    /// True in a plan: what a command would print is unknown.
    predicted: bool,
}

impl Done {
    /// The handle of one operation, or of one for each element of an array.
    pub fn new(outcomes: Vec<Outcome>, predicted: bool) -> Self {
        Self { outcomes, predicted }
    }

    /// True when one of the operations ended like this.
    pub fn any(&self, status: OpStatus) -> bool {
        self.outcomes.iter().any(|outcome| outcome.status == Some(status))
    }

    /// True for a handle that failed or did not run.
    pub fn is_missing(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.error.is_some()) || self.any(OpStatus::Skipped)
    }

    /// Whether something changed; in a plan that may be known only after apply.
    pub fn changed(&self) -> Dynamic {
        if !self.any(OpStatus::Changed) && self.any(OpStatus::Unknown) {
            return Dynamic::from(Opaque::unknown("whether an operation changes something"));
        }
        self.any(OpStatus::Changed).into()
    }

    /// The handle as `print` shows it.
    pub fn shown(&self) -> String {
        let shown = self.outcomes.iter().map(|outcome| {
            let status = outcome.status.map_or("nothing".into(), |status| format!("{status:?}").to_lowercase());
            format!("{} {}: {status}", outcome.op, crate::secret::redact(&outcome.target))
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The operations of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.outcomes.extend(other.outcomes);
        Self { predicted: self.predicted || other.predicted, ..self }
    }

    fn last(&self) -> Option<&Outcome> {
        self.outcomes.last()
    }

    fn said(&self, what: &str, pick: impl Fn(&crate::remote::Output) -> Dynamic) -> RhaiResultOf<Dynamic> {
        let Some(last) = self.last() else {
            return Ok(Dynamic::UNIT);
        };
        if last.earlier {
            return Err(forgotten(what, last));
        }
        let open = matches!(last.status, Some(OpStatus::Changed | OpStatus::Unknown));
        Ok(match &last.output {
            Some(output) => pick(output),
            None if self.predicted && open => {
                Dynamic::from(Opaque::unknown(format!("{what} of {} `{}`", last.op, last.target)))
            }
            None => Dynamic::UNIT,
        })
    }
}

/// What a command printed is not kept: it may be large, or a secret.
fn forgotten(what: &str, outcome: &Outcome) -> Box<rhai::EvalAltResult> {
    let target = crate::secret::redact(&outcome.target);
    let failure = Failure {
        hint: Some("`apply` runs everything again; `cmd::read` asks without being a change".into()),
        ..Failure::new(format!("{what} of {} `{target}` is not known: it ran in the run that is resumed", outcome.op))
    };
    raise(&failure, &outcome.op, "", Position::NONE)
}

fn text(bytes: &[u8]) -> Dynamic {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned().into()
}

/// The handle of an operation.
#[export_module]
pub mod done {
    use super::*;

    /// True when the operation changed something; in a plan, when it would.
    #[rhai_fn(get = "changed", pure)]
    pub fn changed(done: &mut Done) -> Dynamic {
        super::Done::changed(done)
    }

    /// True when the operation failed and `ignore_errors` let the script go on.
    #[rhai_fn(get = "failed", pure)]
    pub fn failed(done: &mut Done) -> bool {
        done.outcomes.iter().any(|outcome| outcome.error.is_some())
    }

    /// True when the operation did not run: `when`, `unless` or tags.
    #[rhai_fn(get = "skipped", pure)]
    pub fn skipped(done: &mut Done) -> bool {
        done.any(OpStatus::Skipped)
    }

    /// What the command printed, without the last line end; in a plan it may be known only after apply.
    #[rhai_fn(get = "stdout", pure, return_raw)]
    pub fn stdout(done: &mut Done) -> RhaiResultOf<Dynamic> {
        done.said("the output", |output| text(&output.stdout))
    }

    /// What the command printed as errors, without the last line end.
    #[rhai_fn(get = "stderr", pure, return_raw)]
    pub fn stderr(done: &mut Done) -> RhaiResultOf<Dynamic> {
        done.said("the error output", |output| text(&output.stderr))
    }

    /// The exit status of the command.
    #[rhai_fn(get = "code", pure, return_raw)]
    pub fn code(done: &mut Done) -> RhaiResultOf<Dynamic> {
        done.said("the exit status", |output| Dynamic::from(i64::from(output.code)))
    }

    /// The unified diff, or `()`.
    #[rhai_fn(get = "diff", pure)]
    pub fn diff(done: &mut Done) -> Dynamic {
        done.last().and_then(|last| last.diff.clone()).map_or(Dynamic::UNIT, Dynamic::from)
    }

    /// The name of the operation in plans and history.
    #[rhai_fn(get = "id", pure)]
    pub fn id(done: &mut Done) -> String {
        done.last().map(|last| last.id.clone()).unwrap_or_default()
    }

    /// Why the operation failed, or `()`.
    #[rhai_fn(get = "error", pure)]
    pub fn error(done: &mut Done) -> Dynamic {
        let failure = done.outcomes.iter().find_map(|outcome| outcome.error.as_ref());
        failure.map_or(Dynamic::UNIT, |failure| failure.message.clone().into())
    }

    /// The handle as `print` shows it.
    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn to_string(done: &mut Done) -> String {
        done.shown()
    }
}
