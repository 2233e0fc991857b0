//! Evaluates a playbook once per host, all hosts at the same time.

use super::builder::for_host;
use super::error::{Ended, Ending, RhaiResultOf, ended, stopped_at_end};
use super::handler;
use super::here::Here;
use super::world::World;
use crate::engine::{Actor, Run};
use crate::event::{Event, Failure, HostStatus, remedy};
use rhai::{AST, Engine};
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

/// Stack of a host thread. Only touched pages cost memory; the depth limits of scripts must fit, unoptimised too.
const STACK_BYTES: usize = 8 << 20;

/// How a host ended.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEnd {
    /// Its name.
    pub host: String,
    /// How it ended.
    pub status: HostStatus,
    /// What ended it, beside what its status says.
    pub fault: Fault,
}

/// Who is to blame for the end of a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nobody, or the host.
    #[default]
    None,
    /// The playbook.
    Mistake,
    /// Reality is not what the saved plan was made for.
    Deviation,
}

/// Whether hosts may begin; not set while threads are still started.
type Begin = OnceLock<bool>;

/// Runs a compiled playbook on all selected hosts and waits for them. Where the system has no room for a thread a host,
/// none begins: half of the hosts of a playbook are not what was asked for.
pub fn drive(run: &Arc<Run>, world: &Arc<World>, playbook: &Arc<AST>) -> Vec<HostEnd> {
    let unknowns = crate::secret::unknowns();
    let begin = Arc::new(Begin::new());
    let mut threads = Vec::with_capacity(run.selected.len());
    let started: io::Result<()> = run.selected.iter().try_for_each(|name| {
        threads.push((name, spawn(run, world, playbook, &begin, (name, unknowns))?));
        Ok(())
    });
    begin.get_or_init(|| started.is_ok());
    let ends = threads.into_iter().map(|(name, thread)| thread.join().unwrap_or_else(|_| Some(crashed(run, name))));
    let ends = ends.flatten().collect();
    match started {
        Ok(()) => ends,
        Err(error) => no_room(run, &error),
    }
}

fn spawn(
    run: &Arc<Run>,
    world: &Arc<World>,
    playbook: &Arc<AST>,
    begin: &Arc<Begin>,
    (name, unknowns): (&str, usize),
) -> io::Result<JoinHandle<Option<HostEnd>>> {
    let (run, world, playbook, host) = (Arc::clone(run), Arc::clone(world), Arc::clone(playbook), name.to_owned());
    let begin = Arc::clone(begin);
    thread::Builder::new().name(name.chars().take(15).collect()).stack_size(STACK_BYTES).spawn(move || {
        super::error::begin(unknowns);
        begin.wait().then(|| one(&run, world, &playbook, &host))
    })
}

/// How all hosts end when not each of them can have a thread.
fn no_room(run: &Run, error: &io::Error) -> Vec<HostEnd> {
    let hosts = run.selected.len();
    let failure = Failure {
        causes: vec![error.to_string()],
        hint: remedy(error).map(str::to_owned),
        ..Failure::new(format!("the system has no room for {hosts} threads, one a host; nothing was begun"))
    };
    let end = |host: &String| {
        run.meetings.leave(host);
        finish(run, host, HostStatus::Failed, Some(failure.clone()));
        HostEnd { host: host.clone(), status: HostStatus::Failed, fault: Fault::Mistake }
    };
    run.selected.iter().map(end).collect()
}

fn crashed(run: &Run, host: &str) -> HostEnd {
    run.meetings.leave(host);
    let error = Failure {
        message: format!("rhapsode itself failed on `{host}`"),
        hint: Some("please report this, with the text above".into()),
        ..Failure::default()
    };
    finish(run, host, HostStatus::Failed, Some(error));
    HostEnd { host: host.to_owned(), status: HostStatus::Failed, fault: Fault::Mistake }
}

fn one(run: &Arc<Run>, world: Arc<World>, playbook: &AST, name: &str) -> HostEnd {
    let host = run.host(name).expect("selected hosts are in the inventory");
    for handler in run.due(name) {
        host.notes().notify(handler);
    }
    let actor = Actor::new(Arc::clone(run), Arc::clone(&host));
    let here = Here::new(actor, world);
    let engine = for_host(&here);
    let result = engine.run_ast(playbook).and_then(|()| handler::flush(&here, &engine, true));
    let result = close(&here, &engine, result);
    let (status, error, fault) = match result {
        Ok(()) => kept_its_word(run, name, quiet(&host)),
        Err(error) => verdict(run, name, quiet(&host), ended(&error, playbook.source().unwrap_or("script"))),
    };
    host.notes().ended = Some(status);
    match status {
        HostStatus::Ok | HostStatus::Changed if error.is_none() => run.meetings.end(name),
        _ => run.meetings.leave(name),
    }
    here.actor().leave_place();
    host.rest();
    finish(run, name, status, error);
    HostEnd { host: name.to_owned(), status, fault }
}

/// Ends the record of the host; what is declared no more can be told only when the playbook ran to its end.
fn close(here: &Here, engine: &Engine, result: RhaiResultOf<()>) -> RhaiResultOf<()> {
    let closed = here.actor().close_ledger(result.is_ok());
    result?;
    let notified = closed.map_err(stopped_at_end)?;
    // A handler may have left the playbook together with what notified it.
    let defined: Vec<&String> = notified.iter().filter(|name| here.handlers().contains_key(*name)).collect();
    defined.iter().for_each(|name| here.actor().notify(name));
    handler::flush(here, engine, true)
}

/// How a host ends on which nothing went wrong.
fn quiet(host: &crate::engine::HostRun) -> HostStatus {
    if host.notes().changes > 0 { HostStatus::Changed } else { HostStatus::Ok }
}

/// How a host ends that was stopped though nothing is wrong with it: what it changed until then is not denied.
fn cut_short(quiet: HostStatus) -> HostStatus {
    if quiet == HostStatus::Changed { quiet } else { HostStatus::Skipped }
}

/// A host that came to its end must have done all that its saved plan announced.
fn kept_its_word(run: &Run, name: &str, quiet: HostStatus) -> Verdict {
    let missing = run.contract().filter(|contract| !contract.is_lenient()).map(|contract| contract.missing(name));
    let missing = missing.unwrap_or_default();
    if missing.is_empty() {
        return (quiet, None, Fault::None);
    }
    let failure = Failure {
        hint: Some("make a new plan; `--allow-deviation` applies all the same".into()),
        ..Failure::new(format!("`{name}` deviates from the saved plan: {} did not come", missing.join(", ")))
    };
    (HostStatus::Failed, Some(failure), Fault::Deviation)
}

/// Status, reason and blame.
type Verdict = (HostStatus, Option<Failure>, Fault);

fn verdict(run: &Run, host: &str, quiet: HostStatus, ended: Ended) -> Verdict {
    match ended {
        Ended::Failed(failure) => (HostStatus::Failed, Some(failure), Fault::None),
        Ended::Mistake(failure) => (HostStatus::Failed, Some(failure), Fault::Mistake),
        Ended::Ending(Ending::Deviated(failure), _) => (HostStatus::Failed, Some(failure), Fault::Deviation),
        Ended::Ending(Ending::Unreachable(failure), _) => (HostStatus::Unreachable, Some(failure), Fault::None),
        Ended::Ending(Ending::Interrupted, at) => {
            let failure = Failure { message: "interrupted".into(), at: Some(at), ..Failure::default() };
            (cut_short(quiet), Some(failure), Fault::None)
        }
        Ended::Ending(Ending::Aborted(failure), _) => (cut_short(quiet), Some(failure), Fault::None),
        Ended::Ending(Ending::NotPredictable { reason }, at) => {
            run.emit(Event::NotPredictable { host: host.to_owned(), at: at.clone(), reason: reason.clone() });
            let message = format!("not predictable after {at}: {reason}");
            (quiet, Some(Failure { message, at: Some(at), ..Failure::default() }), Fault::None)
        }
    }
}

fn finish(run: &Run, host: &str, status: HostStatus, error: Option<Failure>) {
    let exchanges = run.host(host).map_or(0, |host| host.line().exchanges());
    run.emit(Event::HostFinished { host: host.to_owned(), status, exchanges, error });
}
