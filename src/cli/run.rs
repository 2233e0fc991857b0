//! `plan`, `apply`, `drift`, `op`, `exec`: a playbook on the selected hosts, told to every sink.

use super::ahead;
use super::driver::Driver;
use super::failure::{CommandError, Exit};
use super::memory::{self, Memory};
use super::prepared::Prepared;
use super::saved_plan::Announced;
use super::session::{Session, shared_hosts};
use super::signals;
use super::sources;
use super::who::{who, whoami};
use crate::connect;
use crate::engine::{
    Connected, Contract, Earlier, Emit, Expected, Forgetful, Intended, Options, Remember, Run, TagFilter,
};
use crate::event::{Bus, Dropped, Event, Failure, Mode, RunStart, Sink, Totals, remedy};
use crate::inventory::Host;
use crate::remote::Interrupt;
use crate::report::{EventLines, Human, Json, Look, Outputs, Verbosity};
use crate::script::{Fault, HostEnd, drive};
use crate::secret::{FingerprintKey, fingerprint_by};
use crate::state::{Author, Lease, LockRequest, Scope, Store};
use indexmap::IndexMap;
use std::collections::{BTreeMap, HashMap};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Events(Arc<Bus>);

impl Emit for Events {
    fn emit(&self, event: Event) {
        self.0.emit(super::scrub::scrubbed(event));
    }
}

/// How a run is meant.
pub(super) struct Order {
    /// Plan, apply or drift.
    pub mode: Mode,
    /// Whether stdout is its.
    pub results: bool,
    /// Where its document goes instead.
    pub document: Option<Box<dyn Write + Send>>,
    /// What it is held to.
    pub contract: Option<Contract>,
    /// Who collects what it announces.
    pub announced: Option<Announced>,
    /// Shows nothing but warnings and errors.
    pub silent: bool,
    /// What commands print is what it is for.
    pub outputs: bool,
    /// The lock, when it is held already.
    pub lease: Option<Lease>,
    /// What the run did that this one resumes.
    pub done: Option<Earlier>,
    /// The run that this one resumes.
    pub resumes: Option<String>,
    /// The run that this one takes back.
    pub undoes: Option<String>,
}

impl Order {
    /// A run that is held to nothing.
    pub fn of(mode: Mode) -> Self {
        Self {
            mode,
            results: true,
            document: None,
            contract: None,
            announced: None,
            silent: false,
            outputs: false,
            lease: None,
            done: None,
            resumes: None,
            undoes: None,
        }
    }
}

/// A run that ended.
pub struct Finished {
    /// What it was.
    pub start: RunStart,
    /// Exit code by the verdicts of hosts.
    pub exit: Exit,
    /// The sums.
    pub totals: Totals,
    /// Digests of the facts that scripts read, by host.
    pub facts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Session {
    /// How a run is shown.
    pub fn look(&self) -> Look {
        let verbosity = match (self.flags.quiet, self.flags.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Detailed,
        };
        Look::for_stderr(verbosity, self.config.diff.value, !self.config.color.value)
    }

    /// Applies; at a terminal it shows the plan and asks first, and is then held to that plan.
    ///
    /// # Errors
    /// What keeps the run from starting; that of hosts is in the exit code.
    pub fn agree_and_apply(&self, prepared: &Prepared) -> Result<Finished, CommandError> {
        if self.flags.yes {
            self.ask_guards(prepared)?;
            return self.once(prepared, Order::of(Mode::Apply));
        }
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return Err(CommandError::needs_yes());
        }
        let announced = Announced::default();
        let order = Order { results: false, announced: Some(announced.clone()), ..Order::of(Mode::Plan) };
        let plan = self.once(prepared, order)?;
        let hopeless = plan.totals.failed + plan.totals.unreachable == plan.totals.hosts;
        let nothing = plan.totals.changes == 0 && plan.totals.unknown == 0 && plan.totals.not_predictable == 0;
        if hopeless || nothing || plan.exit == Exit::Interrupted || !agreed() {
            return Ok(plan);
        }
        let mut hosts = announced.take();
        for (host, facts) in plan.facts {
            hosts.entry(host).or_default().facts = facts;
        }
        let contract = Some(Contract::new(hosts, false));
        self.once(prepared, Order { contract, ..Order::of(Mode::Apply) })
    }

    /// Where something is guarded, a plan tells first whether the guards let the apply begin.
    fn ask_guards(&self, prepared: &Prepared) -> Result<(), CommandError> {
        let of_settings = !self.config.guards.of(&self.config.inventory.value).is_empty();
        if of_settings || prepared.world.project.mentions("plan::expect") {
            self.once(prepared, Order { results: false, silent: true, ..Order::of(Mode::Plan) })?;
        }
        Ok(())
    }

    /// The run itself.
    ///
    /// # Errors
    /// What keeps it from starting; that of hosts is in the exit code.
    pub(super) fn once(&self, prepared: &Prepared, mut order: Order) -> Result<Finished, CommandError> {
        let mode = order.mode;
        let started = Instant::now();
        // Before the store is made: half made, it would count as a change of the work tree.
        let start = self.describe(prepared, &order);
        let store = self.state()?.open()?;
        let key = FingerprintKey::of_project(&self.home);
        fingerprint_by(key.map_err(|error| unusable("cannot keep the key of fingerprints", &error))?);
        let lease = match order.lease.take() {
            None if mode.applies() => Some(self.lock(&store, &format!("rhapsode apply {}", prepared.shown))?),
            lease => lease,
        };
        let store = lease.as_ref().map_or(store, Lease::store);
        let intended = Intended::default();
        let mut sinks = self.sinks(&store, &start, &mut order)?;
        if mode == Mode::Plan {
            sinks.push(Box::new(intended.clone()));
        }
        let bus = Arc::new(Bus::new(sinks));
        let (run, driver) = self.assemble(prepared, order.contract, order.done, (&store, &start, &bus))?;
        signals::stop(&run);
        if let Some(lease) = &lease {
            let run = Arc::downgrade(&run);
            lease.when_lost(move || run.upgrade().iter().for_each(|run| run.interrupt()));
        }
        bus.emit(super::scrub::scrubbed(Event::RunStarted(start.clone())));
        if mode.applies() && prepared.recurs {
            sources::tell(&run, prepared);
        }
        let ends = drive(&run, &prepared.world, &prepared.script);
        run.close();
        run.remember().finish();
        if !self.flags.no_prefetch && prepared.recurs {
            ahead::keep(&store, &prepared.shown, &prepared.inventory, &run);
        }
        let totals = bus.totals();
        let refused = intended.against(&run.guards());
        let loss = lease.as_ref().and_then(Lease::loss);
        let exit = match loss {
            Some(_) => Exit::State,
            None => match verdict(&run, &ends, &totals, self.pending_counts) {
                Exit::Done | Exit::Pending if !refused.is_empty() => Exit::Deviated,
                exit => exit,
            },
        };
        refused.iter().for_each(|line| bus.emit(Event::Warning { host: None, text: line.clone() }));
        let duration_ms = started.elapsed().as_millis() as u64;
        bus.emit(Event::RunFinished { exit: exit.into(), duration_ms, totals: totals.clone() });
        let lost = bus.finish().into_iter().find(Dropped::is_loss);
        drop(driver);
        if loss.is_none() && mode.applies() && totals.changes > 0 {
            self.tidy(&store);
        }
        if let Some(loss) = loss {
            return Err(loss.into());
        }
        match lost {
            _ if !refused.is_empty() => Err(refusal(exit, &refused, order.silent)),
            Some(lost) if exit.is_good() && lost.sink == "history" => Err(CommandError::of(Exit::State, &*lost.error)),
            Some(lost) if exit.is_good() => Err(CommandError::unwritten(&lost.sink, &*lost.error)),
            _ => Ok(Finished { start, exit, totals, facts: run.facts() }),
        }
    }

    /// The engine's run, and what drives its connections.
    fn assemble(
        &self,
        prepared: &Prepared,
        contract: Option<Contract>,
        earlier: Option<Earlier>,
        (store, start, bus): (&Store, &RunStart, &Arc<Bus>),
    ) -> Result<(Arc<Run>, Driver), CommandError> {
        super::room::make_room(prepared.hosts.len());
        let driver = Driver::start()?;
        let interrupt = Interrupt::new();
        let connections = connect::Settings::new(driver.handle(), interrupt.clone());
        let connections = connections.keeping_logins(self.config.keep_logins.value);
        let (mode, playbook) = (start.mode, start.playbook.clone());
        let tags = TagFilter { only: self.flags.tags.clone(), skip: self.flags.skip_tags.clone() };
        let (keeps, prune) = (!self.flags.no_prefetch, self.flags.prune);
        let options = Options { mode, forks: self.config.forks.value, tags, keeps, prune, playbook };
        let emit = Arc::new(Events(Arc::clone(bus)));
        let reach = Box::new(Connected(connections));
        let hosts = shared_hosts(&prepared.inventory);
        let expected = self.expected(store, prepared, &hosts);
        let run = Run::new(options, hosts, prepared.hosts.clone(), reach, emit, interrupt);
        let scope = Scope::new(start.inventory.clone(), start.playbook.clone());
        let due = memory::due(store, &scope, &prepared.hosts)?;
        let author = Author { run: start.run.clone(), commit: start.commit.clone() };
        let remember: Box<dyn Remember> = match prepared.recurs {
            true => Box::new(Memory::open(store, scope, mode.applies().then_some(author), &prepared.hosts)?),
            // A line of script owns nothing: the next one would orphan it.
            false => Box::new(Forgetful),
        };
        let run = run.expecting(expected).remembering(due, remember).held_to(contract).resuming(earlier);
        self.config.guards.of(&self.config.inventory.value).into_iter().for_each(|guard| run.guard(guard));
        Ok((Arc::new(run), driver))
    }

    /// Keeps the store small. One that cannot be tidied serves all the same.
    fn tidy(&self, store: &Store) {
        /// A run that goes on may be about to refer to a content again.
        const YOUNG: Duration = Duration::from_secs(24 * 3600);
        let days = u64::from(self.config.keep_runs.value);
        let age = Duration::from_secs(days * 24 * 3600);
        let runs = if days > 0 { store.forget_runs(age).map(drop) } else { Ok(()) };
        if let Err(error) = runs.and_then(|()| store.tidy(YOUNG).map(drop)) {
            tracing::warn!(%error, "the state store could not be tidied");
        }
    }

    /// One apply at a time for the hosts of an inventory.
    pub(super) fn lock(&self, store: &Store, command: &str) -> Result<Lease, CommandError> {
        let (user, machine) = whoami();
        let mut request = LockRequest::new(&self.config.inventory.value.join(" "), &user, &machine, command);
        request.wait = Duration::from_secs(self.flags.lock_wait);
        Ok(store.lock(&request, |holder| super::state::waiting(holder, &mut std::io::stderr()))?)
    }

    fn expected(&self, store: &Store, prepared: &Prepared, hosts: &IndexMap<String, Arc<Host>>) -> Expected {
        if self.flags.no_prefetch {
            return Expected::default();
        }
        let traces = match prepared.recurs {
            true => ahead::traces(store, &prepared.shown, &prepared.inventory, &prepared.hosts),
            false => HashMap::new(),
        };
        ahead::expected(traces, &prepared.world, hosts, &prepared.hosts, &prepared.script)
    }

    fn sinks(&self, store: &Store, start: &RunStart, order: &mut Order) -> Result<Vec<Box<dyn Sink>>, CommandError> {
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(store.begin(start)?)];
        if let Some(path) = self.flags.events.as_ref().filter(|_| !order.silent) {
            let lines = match path.as_os_str() == "-" {
                true => EventLines::new(Box::new(std::io::stdout())),
                false => EventLines::open(path)
                    .map_err(|error| unusable(&format!("cannot write `{}`", path.display()), &error))?,
            };
            sinks.push(Box::new(lines));
        }
        if let Some(announced) = &order.announced {
            sinks.push(Box::new(announced.clone()));
        }
        if self.flags.json && order.results {
            sinks.push(Box::new(Json::new(order.document.take().unwrap_or_else(|| Box::new(std::io::stdout())))));
        }
        let look = self.look();
        let bare = look.verbosity == Verbosity::Quiet || !std::io::stdout().is_terminal();
        let outputs = order.outputs && bare && !self.flags.json && self.flags.events.as_deref() != Some(Path::new("-"));
        if outputs {
            sinks.push(Box::new(Outputs::new(Box::new(std::io::stdout()), start.hosts.len() > 1)));
        }
        let look = if order.silent || outputs && look.verbosity == Verbosity::Normal {
            Look { verbosity: Verbosity::Quiet, ..look }
        } else {
            look
        };
        sinks.push(Box::new(Human::stderr(look)));
        Ok(sinks)
    }

    fn describe(&self, prepared: &Prepared, order: &Order) -> RunStart {
        RunStart {
            run: ulid::Ulid::generate().to_string(),
            mode: order.mode,
            playbook: prepared.shown.clone(),
            commit: prepared.checkout.commit.clone(),
            dirty: prepared.checkout.dirty,
            inventory: self.config.inventory.value.join(" "),
            arguments: self.arguments(),
            who: who(),
            started: jiff::Timestamp::now().to_string(),
            hosts: prepared.hosts.clone(),
            sources: prepared.sources.clone(),
            resumes: order.resumes.clone(),
            undoes: order.undoes.clone(),
        }
    }

    fn arguments(&self) -> BTreeMap<String, serde_json::Value> {
        let mut arguments = BTreeMap::new();
        let mut note = |name: &str, value: serde_json::Value| {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !empty {
                arguments.insert(name.to_owned(), value);
            }
        };
        // `runs.inventory` joins them with blanks.
        let inventory = &self.config.inventory.value;
        if inventory.iter().any(|word| word.contains(char::is_whitespace)) {
            note("inventory", inventory.clone().into());
        }
        note("limit", self.config.limit.value.clone().into());
        note("exclude", self.flags.exclude.clone().into());
        note("tags", self.flags.tags.clone().into());
        note("skip_tags", self.flags.skip_tags.clone().into());
        note("data", self.flags.data.clone().into());
        note("prune", if self.flags.prune { true.into() } else { serde_json::Value::Null });
        arguments
    }
}

fn verdict(run: &Run, ends: &[HostEnd], totals: &Totals, pending: bool) -> Exit {
    let of_hosts = Exit::of_run(run.options.mode, totals, run.interrupted(), pending);
    let any = |fault| ends.iter().any(|end| end.fault == fault);
    match of_hosts {
        Exit::Interrupted => of_hosts,
        _ if any(Fault::Mistake) => Exit::Invalid,
        _ if any(Fault::Deviation) => Exit::Deviated,
        _ => of_hosts,
    }
}

/// Names what offends where no plan did.
fn refusal(exit: Exit, offends: &[String], silent: bool) -> CommandError {
    let what = if silent { "this apply" } else { "what is named above" };
    let causes = if silent { offends.to_vec() } else { Vec::new() };
    let failure = Failure { causes, ..Failure::new(format!("the guards refuse {what}; nothing was changed")) };
    CommandError::new(exit, failure)
        .hint("change the playbook, or the guards: `plan::expect`, `guards:` in rhapsode.yaml")
}

fn unusable(message: &str, error: &std::io::Error) -> CommandError {
    let hint = remedy(error).map(str::to_owned);
    CommandError::new(Exit::Invalid, Failure { causes: vec![error.to_string()], hint, ..Failure::new(message) })
}

pub(super) fn agreed() -> bool {
    let mut err = std::io::stderr();
    let _ = write!(err, "Apply these changes? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    let agreed = matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        // Ctrl-D leaves the question without the end of its line.
        let end = if matches!(read, Ok(0)) { "\n" } else { "" };
        super::commands::tell(format!("{end}nothing was applied"));
    }
    agreed
}
