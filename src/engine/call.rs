//! One call of an operation, as the script means it.

use super::outcome::Outcome;
use super::settings::Settings;
use crate::event::Failure;
use crate::secret::redact;

/// Asks the script about an outcome: `changed_when`, `failed_when`, `retry_until`.
pub type Ask<'a> = &'a dyn Fn(&Outcome) -> Result<bool, Box<Failure>>;

/// Does what the script does for an operation of its own, once the plan allows it. Gives `false` when a plan could not
/// see to its end.
pub type Act<'a> = &'a dyn Fn() -> Result<bool, Box<Failure>>;

/// One call of an operation, with what every operation takes.
#[derive(Default)]
pub struct Call<'a> {
    /// `file::put`.
    pub op: &'static str,
    /// The thing on the host.
    pub target: String,
    /// Script position.
    pub at: String,
    /// A name for people.
    pub name: Option<String>,
    /// Why it shall not run: `when` was false.
    pub skip: Option<String>,
    /// What it depends on that only an apply can tell.
    pub unknown: Option<String>,
    /// Handlers to run when it changed something.
    pub notify: Vec<String>,
    /// Settings of this call.
    pub settings: Settings,
    /// Interpreter of its commands.
    pub shell: Option<String>,
    /// Exit statuses that mean success.
    pub success_codes: Option<Vec<i32>>,
    /// Whether it counts as changed.
    pub changed_when: Option<Ask<'a>>,
    /// Whether it counts as failed.
    pub failed_when: Option<Ask<'a>>,
    /// Tried again until this is true.
    pub retry_until: Option<Ask<'a>>,
    /// Operations of the script's own, in a plan too: they predict themselves.
    pub act: Option<Act<'a>>,
    /// Show its output.
    pub loud: bool,
    /// Never removed by a prune.
    pub keep: bool,
    /// May contradict what was declared before.
    pub redeclare: bool,
}

impl Call<'_> {
    /// It is not what the saved plan says.
    pub(super) fn deviation(&self, host: &str, how: &str) -> Failure {
        let what = format!("{} `{}` on `{host}`", self.op, redact(&self.target));
        let hint = Some("make a new plan; `--allow-deviation` applies all the same".into());
        Failure {
            at: Some(self.at.clone()),
            hint,
            ..Failure::new(format!("{what} deviates from the saved plan: {how}"))
        }
    }

    /// A guard does not let it be.
    pub(super) fn refusal(&self, host: &str, why: &str) -> Failure {
        let what = format!("{} `{}` on `{host}`", self.op, redact(&self.target));
        let hint = Some("change the playbook, or the guard".into());
        Failure { at: Some(self.at.clone()), hint, ..Failure::new(format!("{what} is refused: {why}")) }
    }
}
