//! Work on the project itself, such as a certificate: done once a run, by whichever host comes first.

use super::actor::Actor;
use super::call::Call;
use super::contract::Promise;
use super::outcome::{Outcome, Stop};
use super::recorded::Record;
use super::resumed::Told;
use super::verdict::Verdict;
use crate::event::{Event, OpStatus};
use crate::ops::{Change, OpError, Plan};
use crate::secret::redact;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One piece of such work.
pub trait Shared {
    /// What it is about: all that have the same key are the same.
    fn key(&self) -> String;

    /// What is wanted; another wish of the same key is refused.
    fn want(&self) -> String;

    /// What must change. Changes nothing.
    ///
    /// # Errors
    /// Why that cannot be told, or not be done.
    fn look(&self) -> Result<Vec<Change>, OpError>;

    /// Does it.
    ///
    /// # Errors
    /// Why it could not be done.
    fn work(&self) -> Result<(), OpError>;
}

/// What was done in a run, by key.
#[derive(Default)]
pub struct Works(Mutex<HashMap<String, Arc<Mutex<Turn>>>>);

/// One piece of work; locked while a host does it.
#[derive(Default)]
struct Turn {
    /// What is wanted, and where that is said.
    first: Option<(String, String)>,
    /// Whether it changed something, once it was done.
    done: Option<bool>,
}

impl Works {
    fn of(&self, key: String) -> Arc<Mutex<Turn>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }
}

impl Actor {
    /// Looks, and in an apply works, unless another host did; tells all sinks. The outcome is that of the one who did
    /// it, for every host.
    ///
    /// # Errors
    /// As [`Actor::perform`].
    pub fn perform_shared(&self, call: &Call<'_>, shared: &dyn Shared) -> Result<Outcome, Stop> {
        self.begin(call)?;
        let started = Instant::now();
        let host = Arc::clone(self.own());
        let settings = call.settings.clone().over(&self.settings());
        let kind = call.op.split("::").next().unwrap_or(call.op);
        let id = host.notes().id(host.name(), kind, &redact(&call.target));
        let skip = call.skip.clone().or_else(|| self.run.options.tags.refuses(&settings.tags));
        let (verdict, by_another) = match (skip, &call.unknown) {
            (Some(reason), _) => (Verdict::skipped(reason), false),
            (None, Some(reason)) => (Verdict::unknown(redact(reason)), false),
            (None, None) => self.turn(call, shared, &id)?,
        };
        let mut outcome = self.conclude(call, verdict, &host, &settings, (id, started))?;
        let earlier = self.run.earlier().and_then(|earlier| earlier.shared(host.name(), &outcome.id));
        if outcome.status == Some(OpStatus::Unchanged) && (by_another || earlier.is_some()) {
            outcome.status = Some(OpStatus::Changed);
            // Who came here in the run that is resumed was told then.
            if by_another || earlier == Some(Told::No) {
                call.notify.iter().for_each(|handler| self.notify(handler));
            }
        }
        Ok(outcome)
    }

    /// The verdict for this host, and whether another one changed something.
    fn turn(&self, call: &Call<'_>, shared: &dyn Shared, id: &str) -> Result<(Verdict, bool), Stop> {
        // Whoever works may need the place that this one would wait with.
        self.leave_place();
        let turn = self.run.works.of(shared.key());
        let mut turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.run.interrupted() {
            return Err(Stop::Interrupted);
        }
        let want = shared.want();
        let (first, at) = turn.first.get_or_insert_with(|| (want.clone(), call.at.clone()));
        if *first != want {
            return Ok((Verdict::failed(otherwise(&call.target, at)), false));
        }
        if let Some(changed) = turn.done {
            let mut verdict = Verdict::of(&Plan::new(), &call.target, false);
            self.keeps_word(call, &mut verdict, id, changed)?;
            return Ok((verdict, changed));
        }
        let verdict = self.first(call, shared, id)?;
        turn.done = match verdict.status {
            OpStatus::Changed => Some(true),
            OpStatus::Unchanged => Some(false),
            // Whoever comes next tries it again.
            OpStatus::Failed | OpStatus::Skipped | OpStatus::Unknown => None,
        };
        Ok((verdict, false))
    }

    fn first(&self, call: &Call<'_>, shared: &dyn Shared, id: &str) -> Result<Verdict, Stop> {
        let plan = match shared.look() {
            Ok(changes) => Plan::of(changes),
            Err(OpError::Unknown(why)) => return Ok(Verdict::unknown(redact(&why))),
            Err(error) => return Ok(Verdict::failed(error)),
        };
        let mut verdict = Verdict::of(&plan, &call.target, false);
        if !self.run.options.mode.applies() {
            return Ok(verdict);
        }
        self.keeps_word(call, &mut verdict, id, false)?;
        if plan.is_empty() {
            return Ok(verdict);
        }
        if let Some(why) = self.run.refuses(call.op, &call.target, true) {
            return Err(Stop::Deviated(Box::new(call.refusal(self.own().name(), &why))));
        }
        let mut record = Record::default();
        if let Err(error) = self.intend(call, self.own(), id, &mut record) {
            return Ok(Verdict::failed(error));
        }
        let worked = shared.work();
        self.ended(&mut record, worked.as_ref().err());
        if let Err(error) = worked {
            verdict.fail(error);
        }
        Ok(verdict)
    }

    /// Compares with the plan that the run is held to. Which host comes first, no plan can tell.
    fn keeps_word(&self, call: &Call<'_>, verdict: &mut Verdict, id: &str, by_another: bool) -> Result<(), Stop> {
        let contract = self.run.contract().filter(|_| self.run.options.mode.applies() && !self.is_unplanned());
        let Some(contract) = contract else { return Ok(()) };
        let now = Promise { status: verdict.status, changes: verdict.changes.clone(), diff: verdict.diff.clone() };
        let own = self.own().name();
        let Some(how) = contract.shared_deviation(own, id, &now, by_another) else { return Ok(()) };
        if contract.is_lenient() {
            let text = format!("`{id}` deviates from the saved plan at {}: {how}", call.at);
            self.run.emit(Event::Warning { host: Some(own.to_owned()), text });
            return Ok(());
        }
        Err(Stop::Deviated(Box::new(call.deviation(own, &how))))
    }
}

fn otherwise(target: &str, at: &str) -> OpError {
    OpError::refused_with(
        format!("`{}` is wanted otherwise at {at}", redact(target)),
        "one name stands for one thing in the whole project: say it the same way for all hosts, or give it two names",
    )
}
