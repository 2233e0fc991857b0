//! What an operation leaves on record: what it manages, its intent, and how it ended.

use super::actor::Actor;
use super::call::Call;
use super::host::HostRun;
use super::ledger::{Conflict, Declaration, Origin, Work};
use super::perform::becoming;
use super::reach::Ticket;
use super::reversal::Reversal;
use super::settings::{Becoming, Settings};
use crate::event::{Event, OpStatus, Unsettled, UnsettledEnd};
use crate::ops::{Before, Managed, OpError, Past, Plan, Planned, View};
use crate::remote::ShellError;
use crate::secret::redact;
use std::sync::Arc;

/// An operation on record.
#[derive(Default)]
pub(super) struct Record {
    /// What it manages, with what was there before.
    pub things: Vec<Declaration>,
    /// Its intent, until it ended.
    ticket: Option<Ticket>,
}

impl Record {
    /// What is more than an action.
    fn lasting(&self) -> impl Iterator<Item = &Declaration> {
        self.things.iter().filter(|thing| thing.kind != Managed::ACTION)
    }
}

impl Actor {
    /// Takes what an operation manages, before any host is asked.
    pub(super) fn declare(&self, call: &Call<'_>, planned: &dyn Planned, host: &HostRun) -> Result<(), OpError> {
        if !self.manages() {
            return Ok(());
        }
        for thing in planned.manages().iter().filter(|thing| !thing.is_action()) {
            let taken = host.declared().take(thing, &call.at, call.redeclare);
            taken.map_err(|conflict| contradiction(thing, &conflict))?;
            self.note_once(thing);
        }
        Ok(())
    }

    /// Notes what an operation would manage that does not run: nobody gave it up.
    pub(super) fn spare(&self, call: &Call<'_>, planned: &dyn Planned, host: &HostRun) {
        let mut declared = host.declared();
        // Nobody asks for a secret only to skip what holds it.
        if planned.is_sealed() || planned.manages().is_empty() {
            declared.vague.insert(call.op.to_owned());
            return;
        }
        for thing in planned.manages().iter().filter(|thing| !thing.is_action()) {
            declared.spare(thing);
            self.note_once(thing);
        }
    }

    fn note_once(&self, thing: &Managed) {
        if self.is_in_once() {
            self.run.declared_once().insert((thing.kind.to_owned(), thing.id.clone()));
        }
    }

    /// What an operation manages, as it found it. A plan records nothing.
    pub(super) fn found(
        &self,
        call: &Call<'_>,
        planned: &dyn Planned,
        host: &HostRun,
        settings: &Settings,
        (plan, view): (&Plan, &mut View<'_>),
    ) -> Record {
        if !self.run.options.mode.applies() {
            return Record::default();
        }
        let hide = settings.sensitive.unwrap_or(false);
        let remember = self.run.remember();
        let thing = |thing: &Managed| {
            let known = remember.known(host.name(), thing.kind, &thing.id).is_some();
            let before = match plan.is_empty() && known {
                true => Before::default(),
                false => Before::of(thing, view, plan, hide),
            };
            Declaration {
                host: host.name().to_owned(),
                kind: thing.kind.to_owned(),
                id: thing.id.clone(),
                actor: self.own().name().to_owned(),
                want: thing.want.clone(),
                at: call.at.clone(),
                keep: call.keep,
                before,
                origin: Origin { op: call.op.to_owned(), acting: acting(settings), notify: call.notify.clone() },
            }
        };
        Record { things: planned.manages().iter().map(thing).collect(), ticket: None }
    }

    /// Records the intent of a change that is about to be made.
    pub(super) fn intend(&self, call: &Call<'_>, host: &HostRun, id: &str, record: &mut Record) -> Result<(), OpError> {
        let things = match self.manages() {
            true => record.lasting().map(|thing| host.declared().note(thing.clone())).collect(),
            false => Vec::new(),
        };
        // Whether it counts as a change, is only known afterwards then.
        let told = if call.changed_when.is_some() { &[] } else { call.notify.as_slice() };
        let work = Work {
            host: host.name().to_owned(),
            id: id.to_owned(),
            op: call.op.to_owned(),
            target: redact(&call.target),
            at: call.at.clone(),
            things,
            notifies: told.iter().map(|handler| (self.own().name().to_owned(), handler.clone())).collect(),
        };
        let begun = self.run.remember().begins(&work);
        record.ticket = begun.map_err(|why| {
            OpError::refused_with(
                format!("it was not changed, as that could not be recorded: {why}"),
                "look at the state store: `rhapsode config` names it",
            )
        })?;
        for thing in &work.things {
            host.declared().wrote(&thing.kind, &thing.id);
        }
        Ok(())
    }

    /// Records how a change ended. One that was cut off stays open: only the host can tell.
    pub(super) fn ended(&self, record: &mut Record, error: Option<&OpError>) {
        let cut_off = matches!(error, Some(OpError::Shell(ShellError::Interrupted | ShellError::Unreachable { .. })));
        if let Some(ticket) = record.ticket.take().filter(|_| !cut_off) {
            self.run.remember().ended(ticket, error.is_none());
        }
    }

    /// Notes what is as wanted without a change; it is recorded when the host is done.
    pub(super) fn as_wanted(&self, host: &HostRun, record: &Record) {
        if self.manages() {
            record.lasting().for_each(|thing| {
                host.declared().note(thing.clone());
            });
        }
    }

    /// What takes a change back that was just made.
    pub(super) fn reversal(
        &self,
        call: &Call<'_>,
        host: &Arc<HostRun>,
        settings: &Settings,
        record: &Record,
    ) -> Arc<Reversal> {
        let past = |thing: &Declaration| Past {
            kind: thing.kind.clone(),
            id: thing.id.clone(),
            want: thing.want.clone(),
            before: thing.before.clone(),
            fresh: true,
        };
        let becoming = becoming(settings, host).map_or(Becoming::Nobody, Becoming::User);
        Arc::new(Reversal {
            what: format!("{} {}", call.op, redact(&call.target)),
            at: call.at.clone(),
            host: Arc::clone(host),
            becoming,
            things: record.things.iter().map(past).collect(),
            notify: call.notify.clone(),
        })
    }

    /// Tells how a change of an earlier run ended that nobody knew of, once this run sees it. One whose condition does
    /// not hold, so that it is not `wanted` now, is settled: a command that has `unless` leaves no other trace.
    pub(super) fn settle(&self, host: &HostRun, id: &str, status: OpStatus, wanted: bool) {
        let open = self.run.remember().unfinished(host.name());
        let Some(open) = open.into_iter().find(|open| open.id == id) else { return };
        let end = match status {
            OpStatus::Unchanged => UnsettledEnd::Done,
            OpStatus::Changed => UnsettledEnd::Repeated,
            OpStatus::Skipped if !wanted => UnsettledEnd::Dropped,
            OpStatus::Failed | OpStatus::Skipped | OpStatus::Unknown => UnsettledEnd::Open,
        };
        if self.run.options.mode.applies() && end != UnsettledEnd::Open {
            self.run.remember().settles(host.name(), id);
        }
        host.notes().settled.insert(id.to_owned());
        let unsettled = Unsettled { id: open.id, op: open.op, target: open.target, at: open.at, run: open.run, end };
        self.run.emit(Event::Unfinished { host: self.own().name().to_owned(), unsettled });
    }

    /// Tells of changes of earlier runs that this run did not look at. One that a whole run of their playbook did not
    /// come across will never be settled: it is dropped.
    pub(super) fn settle_rest(&self, whole: bool) {
        let host = self.own();
        for open in self.run.remember().unfinished(host.name()) {
            if host.notes().settled.contains(&open.id) {
                continue;
            }
            // That of another playbook is nothing that this run could settle: its own next run tells of it.
            if open.playbook != self.run.options.playbook {
                continue;
            }
            let gone = whole && self.run.options.mode.applies();
            if gone {
                self.run.remember().settles(host.name(), &open.id);
            }
            let end = if gone { UnsettledEnd::Dropped } else { UnsettledEnd::Open };
            let unsettled =
                Unsettled { id: open.id, op: open.op, target: open.target, at: open.at, run: open.run, end };
            self.run.emit(Event::Unfinished { host: host.name().to_owned(), unsettled });
        }
    }

    /// Records what this thread declared, without what an intent recorded.
    pub(super) fn record_declared(&self) {
        if !self.run.options.mode.applies() {
            return;
        }
        let remember = self.run.remember();
        for host in self.acted_on() {
            let declared = host.declared().of(self.own().name());
            let (mut again, mut new) = (Vec::new(), Vec::new());
            for (thing, _) in declared.into_iter().filter(|(_, written)| !written) {
                match remember.known(host.name(), &thing.kind, &thing.id) {
                    Some(owned) if owned.is_same(&thing) => again.push(owned.seq),
                    _ => new.push(thing),
                }
            }
            remember.declares(&new);
            if !again.is_empty() {
                remember.declares_again(host.name(), &again);
            }
        }
    }
}

fn acting(settings: &Settings) -> Option<String> {
    match &settings.becoming {
        None => None,
        Some(Becoming::Nobody) => Some("nobody".to_owned()),
        Some(Becoming::User(escalation)) => Some(format!("{} {}", escalation.method.name(), escalation.user)),
    }
}

fn contradiction(thing: &Managed, conflict: &Conflict) -> OpError {
    let Conflict { aspect, wanted, other, at } = conflict;
    OpError::refused_with(
        format!(
            "{} `{}` is wanted otherwise at {at}: `{aspect}` is {other} there and {wanted} here",
            thing.kind, thing.id
        ),
        "say it once, or `redeclare: true` where one state shall follow the other in the same run",
    )
}
