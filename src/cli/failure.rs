//! Exit codes, and errors on their way to the terminal.

use crate::event::{Failure, Mode, Totals};
use crate::report::{Paint, failure_text};
use crate::secret::redact;
use crate::state::StateError;
use std::error::Error;
use std::io::Write;
use std::process::{ExitCode, Termination};

/// How a command ends: the exit codes of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; nothing pending.
    Done = 0,
    /// Script, inventory or configuration error.
    Invalid = 1,
    /// Changes pending: `plan --exit-code`, `drift`.
    Pending = 2,
    /// An operation failed on at least one host.
    Failed = 3,
    /// At least one host unreachable, none failed otherwise.
    Unreachable = 4,
    /// State store or lock.
    State = 5,
    /// No host matched.
    NoHost = 6,
    /// Apply deviated from the saved plan.
    Deviated = 7,
    /// Wrong usage of the command line.
    Usage = 64,
    /// Not allowed.
    Permission = 77,
    /// Interrupted by the user: 128 and SIGINT.
    Interrupted = 130,
}

impl Exit {
    /// The exit code of a run. `pending` makes changes that were only predicted count, as `plan --exit-code` asks;
    /// for drift they always do.
    pub fn of_run(mode: Mode, totals: &Totals, interrupted: bool, pending: bool) -> Self {
        let pending = pending && !mode.applies() || mode == Mode::Drift;
        match totals {
            _ if interrupted => Self::Interrupted,
            Totals { hosts: 0, .. } => Self::NoHost,
            Totals { failed: 1.., .. } => Self::Failed,
            Totals { unreachable: 1.., .. } => Self::Unreachable,
            // What cannot be predicted may be a change; whoever asks must not be told that there is none.
            Totals { changes: 0, unknown: 0, not_predictable: 0, .. } => Self::Done,
            _ if pending => Self::Pending,
            _ => Self::Done,
        }
    }

    /// Whether all went well, with changes pending or without.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::Pending)
    }

    /// The number that the process gives back.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for i32 {
    fn from(exit: Exit) -> Self {
        i32::from(exit.code())
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a command ended without a result: what is printed, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// What is printed; boxed, as it is rare and large.
    pub failure: Box<Failure>,
}

impl CommandError {
    /// An error with this exit code.
    pub fn new(exit: Exit, failure: Failure) -> Self {
        Self { exit, failure: Box::new(failure) }
    }

    /// Any error with its chain of causes.
    pub fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        Self::new(exit, Failure::of(error))
    }

    /// Results that nobody has: what was done is done.
    pub fn unwritten(what: &str, error: &(dyn Error + 'static)) -> Self {
        let causes = vec![error.to_string()];
        Self::new(Exit::Invalid, Failure { causes, ..Failure::new(format!("cannot write the {what}")) })
    }

    /// Adds something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure.hint = Some(hint.into());
        self
    }

    /// Adds the position in a file, `inventories/local.yaml:12:5`.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.failure.at = Some(at.into());
        self
    }

    /// Prints it as people read it, and gives the exit code.
    ///
    /// ```text
    /// error: cannot start unit `nginx.service` on `web-1`
    ///     at playbooks/web.rhai:12:5
    /// caused by: `systemctl start -- nginx.service` exited with 1
    /// hint: `nginx -t` on the host names the faulty line
    /// ```
    pub fn print(&self, err: &mut dyn Write, paint: Paint) -> Exit {
        // Nobody is left to be told when stderr is gone; the exit code still says it.
        let text = failure_text(&self.failure, paint);
        let _ = err.write_all(redact(&text).as_bytes()).and_then(|()| err.flush());
        self.exit
    }
}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        // A name that fits nothing is a mistake of the caller; the store is well.
        let exit = match error {
            StateError::NoRun(_) | StateError::Ambiguous { .. } => Exit::Invalid,
            StateError::NoResource(_) | StateError::ResourceExists(_) => Exit::Invalid,
            StateError::Import { .. } | StateError::Stream(..) | StateError::Address(_) => Exit::Invalid,
            _ => Exit::State,
        };
        let failure = Failure { hint: error.hint(), ..Failure::of(&error) };
        Self::new(exit, failure)
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::unwritten("output", &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mode: Mode, edit: impl FnOnce(&mut Totals)) -> Exit {
        let mut totals = Totals { hosts: 3, ok: 3, ..Totals::default() };
        edit(&mut totals);
        Exit::of_run(mode, &totals, false, false)
    }

    #[test]
    fn the_worst_host_decides() {
        assert_eq!(run(Mode::Apply, |_| {}), Exit::Done);
        assert_eq!(run(Mode::Apply, |totals| totals.changes = 4), Exit::Done);
        assert_eq!(run(Mode::Apply, |totals| totals.unreachable = 1), Exit::Unreachable);
        let both = |totals: &mut Totals| (totals.failed, totals.unreachable) = (1, 1);
        assert_eq!(run(Mode::Apply, both), Exit::Failed);
        assert_eq!(run(Mode::Drift, both), Exit::Failed);
        assert_eq!(run(Mode::Plan, |totals| totals.hosts = 0), Exit::NoHost);
    }

    #[test]
    fn pending_changes_count_for_drift_and_where_a_plan_is_asked() {
        let one = |edit: fn(&mut Totals)| {
            let mut totals = Totals { hosts: 1, ..Totals::default() };
            edit(&mut totals);
            totals
        };
        for totals in [one(|t| t.changes = 1), one(|t| t.unknown = 1), one(|t| t.not_predictable = 1)] {
            assert_eq!(Exit::of_run(Mode::Drift, &totals, false, false), Exit::Pending);
            assert_eq!(Exit::of_run(Mode::Plan, &totals, false, true), Exit::Pending);
            assert_eq!(Exit::of_run(Mode::Plan, &totals, false, false), Exit::Done);
            assert_eq!(Exit::of_run(Mode::Apply, &totals, false, true), Exit::Done);
        }
        assert_eq!(Exit::of_run(Mode::Drift, &one(|_| {}), false, true), Exit::Done);
    }

    #[test]
    fn an_interrupt_is_told_before_all_else() {
        let totals = Totals { hosts: 1, failed: 1, ..Totals::default() };
        assert_eq!(Exit::of_run(Mode::Apply, &totals, true, false).code(), 130);
    }

    #[test]
    fn a_store_that_cannot_be_used_is_code_5_and_a_wrong_run_is_code_1() {
        let newer = StateError::Newer { path: ".rhapsode/state.db".into(), version: 9 };
        let mut text = Vec::new();
        assert_eq!(CommandError::from(newer).print(&mut text, Paint::default()), Exit::State);
        insta::assert_snapshot!(String::from_utf8(text).expect("text"), @"
        error: the state store `.rhapsode/state.db` has schema 9, newer than this rhapsode knows
        hint: use the rhapsode that wrote it, or a newer one
        ");
        assert_eq!(CommandError::from(StateError::NoRun("x".into())).exit, Exit::Invalid);
    }

    #[test]
    fn causes_are_told_once_each() {
        let source = std::io::Error::other("input/output error");
        let error = StateError::Database { path: "s.db".into(), source: source.into() };
        let failure = CommandError::of(Exit::State, &error).failure;
        assert_eq!(
            (failure.message.as_str(), failure.causes),
            ("the state store `s.db` failed", vec!["input/output error".to_owned()])
        );
    }
}
