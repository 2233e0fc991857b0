//! How reality differs from the playbook, and who is to be asked about it.

use super::actor::Actor;
use super::call::Call;
use super::host::HostRun;
use super::settings::Settings;
use crate::event::{Cause, Drift, Mode, Sign};
use crate::ops::{Difference, Managed, Plan, Planned, View};

impl Actor {
    /// What an operation would change, as wanted and found; nothing where that is not asked.
    pub(super) fn drift(
        &self,
        call: &Call<'_>,
        planned: &dyn Planned,
        host: &HostRun,
        settings: &Settings,
        (plan, view): (&Plan, &mut View<'_>),
    ) -> Option<Box<Drift>> {
        if self.run.options.mode != Mode::Drift || plan.is_empty() {
            return None;
        }
        let hide = settings.sensitive.unwrap_or(false);
        let Difference { found, wanted } = Difference::of(plan, &call.target, view, hide);
        let acts = plan.changes.iter().all(|change| change.sign == Sign::Run);
        let causes = planned.manages().iter().map(|thing| self.cause(host, thing));
        // Whoever changed the playbook knows of it; that somebody changed the host as well comes out by the next look.
        let cause = causes.max_by_key(|cause| match cause {
            Cause::Hand => 0,
            Cause::Unfinished => 1,
            Cause::Repository => 2,
        });
        Some(Box::new(Drift { cause: cause.filter(|_| !acts), wanted, found }))
    }

    /// Compares what is wanted now with what the last apply wanted.
    fn cause(&self, host: &HostRun, thing: &Managed) -> Cause {
        match self.run.remember().known(host.name(), thing.kind, &thing.id) {
            Some(owned) if thing.want.iter().any(|(aspect, wanted)| owned.thing.want.get(aspect) != Some(wanted)) => {
                Cause::Repository
            }
            Some(owned) if !owned.settled => Cause::Unfinished,
            Some(_) => Cause::Hand,
            None => Cause::Repository,
        }
    }
}
