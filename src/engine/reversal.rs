//! Taking changes back.

use super::actor::Actor;
use super::call::Call;
use super::host::HostRun;
use super::outcome::{Outcome, Stop};
use super::settings::{Becoming, Settings};
use crate::event::{Event, OpStatus};
use crate::ops::{Inverse, Managed, Past, Undo, again, undo};
use std::sync::Arc;

/// What takes one operation back that this run made.
pub struct Reversal {
    /// `file::put /etc/motd`.
    pub what: String,
    /// Where it was made.
    pub at: String,
    pub(super) host: Arc<HostRun>,
    pub(super) becoming: Becoming,
    pub(super) things: Vec<Past>,
    pub(super) notify: Vec<String>,
}

impl Reversal {
    /// True when it was a command, which nothing takes back.
    pub fn is_command(&self) -> bool {
        self.things.iter().any(|past| past.kind == "command")
    }

    /// True when the playbook itself knows the way back.
    pub fn is_custom(&self) -> bool {
        self.things.iter().any(|past| past.kind == "custom")
    }
}

impl std::fmt::Debug for Reversal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reversal").field("what", &self.what).finish_non_exhaustive()
    }
}

impl Actor {
    /// Brings back what was there before an operation; what it managed is as if it had never been declared.
    ///
    /// # Errors
    /// [`Stop`] of the first step back that failed.
    pub fn reverse(&self, reversal: &Reversal) -> Result<(), Stop> {
        let settings = Settings { becoming: Some(reversal.becoming.clone()), ..Settings::default() };
        for past in reversal.things.iter().rev() {
            let inverses = match undo(past) {
                Undo::Nothing => Vec::new(),
                Undo::Run(inverses) => inverses,
                Undo::Not(why) => {
                    self.warn(format!("{} cannot be undone: {why}", reversal.what));
                    continue;
                }
            };
            for inverse in &inverses {
                let call = Call { name: Some("undo".into()), ..back(inverse, &reversal.at, &settings) };
                let host = Arc::clone(&reversal.host);
                let outcome = self.on_host(host, || self.unplanned(|| self.perform(&call, &*inverse.planned)))?;
                if outcome.status == Some(OpStatus::Changed) {
                    reversal.notify.iter().for_each(|handler| self.notify(handler));
                }
            }
            self.take_back(&reversal.host, past);
        }
        Ok(())
    }

    /// Does again what was done with the state that was taken back: restarts of services, each once.
    ///
    /// # Errors
    /// [`Stop`] of the first that failed.
    pub fn reverse_actions(&self, reversals: &[Arc<Reversal>]) -> Result<(), Stop> {
        let mut done: Vec<(&Past, &str)> = Vec::new();
        for reversal in reversals.iter().rev() {
            let settings = Settings { becoming: Some(reversal.becoming.clone()), ..Settings::default() };
            for past in &reversal.things {
                let Some(inverse) = again(past).filter(|_| !done.contains(&(past, reversal.host.name()))) else {
                    continue;
                };
                done.push((past, reversal.host.name()));
                let call = Call { name: Some("undo".into()), ..back(&inverse, &reversal.at, &settings) };
                let host = Arc::clone(&reversal.host);
                self.on_host(host, || self.unplanned(|| self.perform(&call, &*inverse.planned)))?;
            }
        }
        Ok(())
    }

    /// What is on record of a thing is what was there before this run.
    fn take_back(&self, host: &HostRun, past: &Past) {
        if past.kind == Managed::ACTION {
            return;
        }
        let remember = self.run.remember();
        host.declared().undone(&past.kind, &past.id);
        match remember.known(host.name(), &past.kind, &past.id) {
            Some(owned) => remember.restores(&owned),
            None => remember.forgets(host.name(), &past.kind, &past.id),
        }
    }

    pub(super) fn warn(&self, text: String) {
        let host = Some(self.own().name().to_owned());
        self.run.emit(Event::Warning { host, text: crate::secret::redact(&text) });
    }

    /// Runs one step back of a prune.
    pub(super) fn step_back(&self, inverse: &Inverse, at: &str, settings: &Settings) -> Result<Outcome, Stop> {
        let call = Call { name: Some("prune".into()), ..back(inverse, at, settings) };
        self.unmanaged(|| self.perform(&call, &*inverse.planned))
    }
}

fn back<'a>(inverse: &Inverse, at: &str, settings: &Settings) -> Call<'a> {
    Call {
        op: inverse.op,
        target: inverse.target.clone(),
        at: at.to_owned(),
        settings: settings.clone(),
        ..Call::default()
    }
}
