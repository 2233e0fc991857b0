//! Runs one operation on the current host, in either mode.

use super::actor::Actor;
use super::call::{Act, Ask, Call};
use super::contract::Promise;
use super::host::HostRun;
use super::meeting::NoMeeting;
use super::outcome::{Failed, Outcome, Stop, failure, unreachable};
use super::reversal::Reversal;
use super::settings::{Becoming, Settings};
use super::styled::{Style, Styled};
use super::topping::done;
use super::verdict::Verdict;
use crate::event::{Event, OpStatus, OperationEnd};
use crate::inventory::Escalation;
use crate::ops::resource::Path;
use crate::ops::{OpError, Overlay, Plan, Planned, Resource, Step, Touch, blur};
use crate::remote::ShellError;
use crate::secret::{RevealError, redact};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Actor {
    /// Probes, plans, and in an apply does what must change; tells all sinks.
    ///
    /// # Errors
    /// [`Stop`], when the script cannot simply go on.
    pub fn perform(&self, call: &Call<'_>, planned: &dyn Planned) -> Result<Outcome, Stop> {
        self.begin(call)?;
        let host = self.on();
        let started = Instant::now();
        let settings = call.settings.clone().over(&self.settings());
        let kind = call.op.split("::").next().unwrap_or(call.op);
        let id = host.notes().id(host.name(), kind, &redact(&call.target));
        let verdict = self.verdict(call, planned, &host, &settings, &id)?;
        self.conclude(call, verdict, &host, &settings, (id, started))
    }

    /// Waits for its turn in a linear play, and tells that it starts.
    pub(super) fn begin(&self, call: &Call<'_>) -> Result<(), Stop> {
        self.step(&call.at).map_err(|error| match error {
            NoMeeting::Interrupted => Stop::Interrupted,
            NoMeeting::Disagree(_) => unreachable!("linear steps never disagree"),
        })?;
        self.run.emit(Event::OperationStarted {
            host: self.own().name().to_owned(),
            op: call.op.to_owned(),
            target: redact(&call.target),
            at: call.at.clone(),
        });
        Ok(())
    }

    fn verdict(
        &self,
        call: &Call<'_>,
        planned: &dyn Planned,
        host: &Arc<HostRun>,
        settings: &Settings,
        id: &str,
    ) -> Result<Verdict, Stop> {
        if let Some(reason) = call.skip.clone().or_else(|| self.run.options.tags.refuses(&settings.tags)) {
            self.spare(call, planned, host);
            return Ok(Verdict::skipped(reason));
        }
        if let Some(reason) = &call.unknown {
            self.spare(call, planned, host);
            blurred(&mut host.lock().overlay, call, host);
            return Ok(Verdict::unknown(redact(reason)));
        }
        if let Err(conflict) = self.declare(call, planned, host) {
            return Ok(Verdict::failed(conflict));
        }
        self.take_place();
        self.login(host, Some(&call.at))?;
        let tries = settings.retries.unwrap_or(if call.retry_until.is_some() { 3 } else { 0 });
        // What the first try found is what was there before.
        let mut reversal = None;
        for left in (0..=tries).rev() {
            // Only the first try is what the plan announced: a later one finds what the tries before it did.
            let first = left == tries;
            let mut verdict = match self.attempt(call, planned, host, settings, (id, first), &mut reversal) {
                Ok(verdict) => verdict,
                Err(error) => Verdict::failed(self.fatal(error, host, call)?),
            };
            verdict.reversal.clone_from(&reversal);
            if let Some(how) = &verdict.deviates {
                return Err(Stop::Deviated(Box::new(call.deviation(host.name(), how))));
            }
            if let Some(why) = &verdict.refused {
                return Err(Stop::Deviated(Box::new(call.refusal(host.name(), why))));
            }
            if verdict.earlier.is_some() {
                return Ok(verdict);
            }
            if let Some(act) = call.act.filter(|_| verdict.status == OpStatus::Changed) {
                self.act(act, &mut verdict, id);
            }
            let satisfied = verdict.error.is_some() || self.satisfied(call, &verdict)?;
            if (satisfied && verdict.error.is_none()) || !self.run.options.mode.applies() {
                return Ok(verdict);
            }
            if left == 0 {
                return Ok(if satisfied { verdict } else { verdict.never_satisfied(tries + 1) });
            }
            let pause = settings.delay.unwrap_or(Duration::from_secs(1));
            self.run.meetings.pause(pause).map_err(|_| Stop::Interrupted)?;
            self.forget();
        }
        unreachable!("the last try returns")
    }

    /// Runs the operations of an own one. What its plan could not see to the end is not held against it.
    fn act(&self, act: Act<'_>, verdict: &mut Verdict, id: &str) {
        let open = self.run.contract().is_some_and(|contract| contract.is_open(self.own().name(), id));
        match if open { self.unplanned(act) } else { act() } {
            Ok(seen) => verdict.changes.iter_mut().for_each(|change| change.open = !seen),
            Err(failure) => verdict.fail(OpError::Refused { message: failure.message, hint: failure.hint }),
        }
    }

    /// A lost host or an interrupt is no verdict of the operation.
    fn fatal(&self, error: OpError, host: &HostRun, call: &Call<'_>) -> Result<OpError, Stop> {
        match &error {
            OpError::Shell(ShellError::Interrupted) => Err(Stop::Interrupted),
            OpError::Shell(lost) => match unreachable(host.name(), Some(&call.at), lost) {
                Some(failure) => Err(Stop::Unreachable(failure)),
                None => Ok(error),
            },
            _ => Ok(error),
        }
    }

    fn satisfied(&self, call: &Call<'_>, verdict: &Verdict) -> Result<bool, Stop> {
        match call.retry_until {
            Some(ask) if self.run.options.mode.applies() => self.ask(ask, call, &verdict.outcome(call)),
            _ => Ok(true),
        }
    }

    fn ask(&self, ask: Ask<'_>, call: &Call<'_>, outcome: &Outcome) -> Result<bool, Stop> {
        ask(outcome).map_err(|failure| {
            let failure = *failure;
            Stop::Failed(Box::new(Failed {
                op: call.op.into(),
                host: self.on().name().into(),
                failure,
                reversal: None,
            }))
        })
    }

    /// One try: probe, plan, and do.
    fn attempt(
        &self,
        call: &Call<'_>,
        planned: &dyn Planned,
        host: &Arc<HostRun>,
        settings: &Settings,
        (id, announced): (&str, bool),
        reversal: &mut Option<Arc<Reversal>>,
    ) -> Result<Verdict, OpError> {
        let mut state = host.lock();
        let becoming = becoming(settings, host);
        let style = Style { env: settings.env.clone(), chdir: settings.chdir.clone(), timeout: settings.timeout };
        let (seat, overlay) = state.seat(host.line(), becoming.as_ref());
        let mut shell = Styled::new(&mut *seat.shell, &style);
        let mut view = style.view(&mut shell, overlay, &mut seat.known);
        let plan = match planned.plan(&mut view) {
            Err(OpError::Unknown(why) | OpError::Shell(ShellError::Reveal(RevealError::Unknown(why)))) => {
                blurred(overlay, call, host);
                return Ok(Verdict::unknown(redact(&why)));
            }
            // A guess may contradict another one.
            Err(_) if host.line().guesses() => return Ok(Verdict::unknown("nobody was asked".into())),
            plan => plan?,
        };
        let mut plan = with_call(plan, call);
        let mut record = self.found(call, planned, host, settings, (&plan, &mut view));
        let mut verdict = Verdict::of(&plan, &call.target, settings.sensitive.unwrap_or(false));
        verdict.output = plan.output.take();
        verdict.left = plan.left.take();
        verdict.drift = self.drift(call, planned, host, settings, (&plan, &mut view));
        let own = self.own().name();
        let earlier = self.run.earlier().filter(|_| announced).and_then(|earlier| earlier.settles(own, id, &verdict));
        if let Some(earlier) = earlier {
            return Ok(earlier);
        }
        if !self.run.options.mode.applies() {
            for change in std::mem::take(&mut plan.changes).into_iter().filter(|_| call.act.is_none()) {
                overlay.take(change.effects);
            }
        } else if announced && self.deviates(&mut verdict, id, &call.at) {
            return Ok(verdict);
        } else if let Some(why) =
            (!plan.is_empty()).then(|| self.run.refuses(call.op, &call.target, announced)).flatten()
        {
            verdict.refused = Some(why);
            return Ok(verdict);
        } else if plan.has_steps() {
            if !plan.is_empty() {
                self.intend(call, host, id, &mut record)?;
            }
            // With variables of its own a command may do something else.
            let precise = self.run.options.keeps && style.env.is_empty();
            let touch = if precise { plan.touch() } else { Touch::Anything };
            let output = done(&plan, &mut state, host, becoming.as_ref(), &style, &touch);
            if !plan.is_empty() {
                state.note_change();
                self.run.note_change();
                self.ended(&mut record, output.as_ref().err());
                reversal.get_or_insert_with(|| self.reversal(call, host, settings, &record));
            }
            verdict.output = output?.or(verdict.output);
        }
        self.as_wanted(host, &record);

        state.overlay.declare(call.target.clone());
        for key in planned.manages().iter().flat_map(|thing| &thing.reads).filter(|key| key.kind == Path::KIND) {
            state.overlay.declare(key.id.clone());
        }
        Ok(verdict)
    }

    /// Compares with the plan that the run is held to, before anything is done.
    fn deviates(&self, verdict: &mut Verdict, id: &str, at: &str) -> bool {
        let Some(contract) = self.run.contract().filter(|_| !self.is_unplanned()) else {
            return false;
        };
        let now = Promise { status: verdict.status, changes: verdict.changes.clone(), diff: verdict.diff.clone() };
        let own = self.own().name();
        let how = contract.deviation(own, id, &now);
        if contract.is_lenient() {
            if let Some(how) = how {
                let text = format!("`{id}` deviates from the saved plan at {at}: {how}");
                self.run.emit(Event::Warning { host: Some(own.to_owned()), text });
            }
            return false;
        }
        verdict.deviates = how;
        verdict.deviates.is_some()
    }

    pub(super) fn conclude(
        &self,
        call: &Call<'_>,
        mut verdict: Verdict,
        host: &Arc<HostRun>,
        settings: &Settings,
        (id, started): (String, Instant),
    ) -> Result<Outcome, Stop> {
        if self.run.options.mode.applies() && verdict.status != OpStatus::Skipped && verdict.earlier.is_none() {
            self.script_verdict(call, &mut verdict)?;
        }
        let mut outcome = verdict.outcome(call);
        let error = verdict.error.take();
        let failure = error.map(|error| failure(call.op, &call.target, host.name(), &call.at, &error));
        outcome.error = failure.clone();
        self.as_if_done_now(&mut outcome, verdict.earlier, &id);
        outcome.id = id;
        outcome.left = verdict.left.take();
        outcome.reversal = verdict.reversal.take();
        self.settle(host, &outcome.id, verdict.status, call.skip.is_none());
        if verdict.status == OpStatus::Changed {
            host.notes().changes += 1;
        }
        if let (OpStatus::Failed, Some(contract)) = (verdict.status, self.run.contract()) {
            contract.failed(self.own().name(), &outcome.id);
        }
        if verdict.status == OpStatus::Changed {
            call.notify.iter().for_each(|handler| self.notify(handler));
        }
        self.run.emit(self.finished(call, &verdict, &outcome, started));
        match failure {
            Some(failure) if !settings.ignore_errors.unwrap_or(false) => {
                self.own().notes().stumbled = true;
                let reversal = outcome.reversal.take();
                let host = host.name().into();
                Err(Stop::Failed(Box::new(Failed { op: call.op.into(), host, failure, reversal })))
            }
            _ => Ok(outcome),
        }
    }

    /// What the resumed run did, the script sees as done now: a condition on it leads where it led then.
    fn as_if_done_now(&self, outcome: &mut Outcome, earlier: Option<OpStatus>, id: &str) {
        let changed = || self.run.earlier().is_some_and(|earlier| earlier.changed(self.own().name(), id));
        outcome.earlier = earlier.is_some();
        if earlier.is_some() {
            outcome.status = earlier;
        } else if outcome.status == Some(OpStatus::Unchanged) && changed() {
            outcome.status = Some(OpStatus::Changed);
        }
    }

    /// `failed_when` and `changed_when` have the last word.
    fn script_verdict(&self, call: &Call<'_>, verdict: &mut Verdict) -> Result<(), Stop> {
        if let Some(ask) = call.failed_when {
            let failed = self.ask(ask, call, &verdict.outcome(call))?;
            if failed && verdict.error.is_none() {
                verdict.fail(OpError::refused("`failed_when` says so"));
            } else if !failed && matches!(verdict.error, Some(OpError::Command { .. })) {
                verdict.error = None;
                verdict.status = OpStatus::Changed;
            }
        }
        if let (Some(ask), None) = (call.changed_when, &verdict.error) {
            let changed = self.ask(ask, call, &verdict.outcome(call))?;
            verdict.status = if changed { OpStatus::Changed } else { OpStatus::Unchanged };
        }
        Ok(())
    }

    fn finished(&self, call: &Call<'_>, verdict: &Verdict, outcome: &Outcome, started: Instant) -> Event {
        let on = self.on();
        let host = self.own().name().to_owned();
        let output = outcome.output.as_ref().filter(|_| call.loud).map(|output| match verdict.status {
            // The error tells the rest.
            OpStatus::Failed => redact(&output.text()),
            _ => redact(format!("{}\n{}", output.text(), output.err_text()).trim_matches('\n')),
        });
        let delegated = (on.name() != host).then(|| format!("on {}", on.name()));
        let end = OperationEnd {
            id: outcome.id.clone(),
            op: call.op.to_owned(),
            target: redact(&call.target),
            name: call.name.as_deref().map(redact).or(delegated),
            status: verdict.status,
            changes: verdict.changes.clone(),
            diff: verdict.diff.clone(),
            reason: verdict.reason.clone().or_else(|| outcome.left.clone()),
            error: outcome.error.clone(),
            output,
            at: call.at.clone(),
            play: self.play_name(),
            duration_ms: started.elapsed().as_millis() as u64,
            drift: verdict.drift.clone(),
        };
        Event::OperationFinished { host, end: Box::new(end) }
    }
}

/// What an operation touches of which nobody can tell what it does. Where no host answers, all is unknown anyway, and
/// what the operations behind it would ask is to be learnt.
fn blurred(overlay: &mut Overlay, call: &Call<'_>, host: &HostRun) {
    if host.line().is_real() {
        overlay.take(blur(call.op, &call.target));
    }
}

/// The user to act as: the call, the block and the play around it, then the host's own setting.
pub(super) fn becoming(settings: &Settings, host: &HostRun) -> Option<Escalation> {
    match &settings.becoming {
        Some(Becoming::Nobody) => None,
        Some(Becoming::User(escalation)) => {
            let mut escalation = escalation.clone();
            let known = host.host.connection.passwords.get(escalation.method);
            escalation.password = escalation.password.or_else(|| known.map(str::to_owned));
            Some(escalation)
        }
        None => host.host.connection.become_user.clone(),
    }
}

fn with_call(mut plan: Plan, call: &Call<'_>) -> Plan {
    let steps = plan.changes.iter_mut().flat_map(|change| &mut change.steps);
    for command in steps.filter_map(|step| match step {
        Step::Run(command) => Some(command),
        _ => None,
    }) {
        if command.shell.is_none() {
            command.shell.clone_from(&call.shell);
        }
        if let Some(codes) = &call.success_codes {
            command.success_codes.clone_from(codes);
        }
    }
    plan
}
