//! Evaluates a playbook once per host, all hosts at the same time.

use super::builder::for_host;
use super::error::{Ended, Ending, ended};
use super::handler;
use super::here::Here;
use super::world::World;
use crate::engine::{Actor, Run};
use crate::event::{Event, Failure, HostStatus};
use rhai::AST;
use std::sync::Arc;
use std::thread;

/// Stack of a host thread. Only touched pages cost memory; the depth limits of scripts must fit, unoptimised too.
const STACK_BYTES: usize = 8 << 20;

/// How a host ended.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEnd {
    /// Its name.
    pub host: String,
    /// How it ended.
    pub status: HostStatus,
    /// True when the playbook itself is at fault.
    pub mistake: bool,
}

/// Runs a compiled playbook on all selected hosts and waits for them.
pub fn drive(run: &Arc<Run>, world: &Arc<World>, playbook: &Arc<AST>) -> Vec<HostEnd> {
    let threads: Vec<_> = run.selected.iter().map(|name| spawn(run, world, playbook, name)).collect();
    threads.into_iter().map(|(name, thread)| thread.join().unwrap_or_else(|_| crashed(run, name))).collect()
}

fn spawn(run: &Arc<Run>, world: &Arc<World>, playbook: &Arc<AST>, name: &str) -> (String, thread::JoinHandle<HostEnd>) {
    let (run, world, playbook, host) = (Arc::clone(run), Arc::clone(world), Arc::clone(playbook), name.to_owned());
    let thread = thread::Builder::new()
        .name(name.chars().take(15).collect())
        .stack_size(STACK_BYTES)
        .spawn(move || one(&run, world, &playbook, &host))
        .expect("the system has room for a thread a host");
    (name.to_owned(), thread)
}

fn crashed(run: &Run, host: String) -> HostEnd {
    run.meetings.leave(&host);
    let error = Failure {
        message: format!("rhapsode itself failed on `{host}`"),
        hint: Some("please report this, with the text above".into()),
        ..Failure::default()
    };
    finish(run, &host, HostStatus::Failed, Some(error));
    HostEnd { host, status: HostStatus::Failed, mistake: true }
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
    let (status, error, mistake) = match result {
        Ok(()) => (quiet(&host), None, false),
        Err(error) => verdict(run, name, quiet(&host), ended(&error, playbook.source().unwrap_or("script"))),
    };
    host.notes().ended = Some(status);
    match status {
        HostStatus::Ok | HostStatus::Changed if error.is_none() => run.meetings.end(name),
        _ => run.meetings.leave(name),
    }
    here.actor().leave_place();
    finish(run, name, status, error);
    HostEnd { host: name.to_owned(), status, mistake }
}

/// How a host ends on which nothing went wrong.
fn quiet(host: &crate::engine::HostRun) -> HostStatus {
    if host.notes().changes > 0 { HostStatus::Changed } else { HostStatus::Ok }
}

/// How a host ends that was stopped though nothing is wrong with it: what it changed until then is not denied.
fn cut_short(quiet: HostStatus) -> HostStatus {
    if quiet == HostStatus::Changed { quiet } else { HostStatus::Skipped }
}

fn verdict(run: &Run, host: &str, quiet: HostStatus, ended: Ended) -> (HostStatus, Option<Failure>, bool) {
    match ended {
        Ended::Failed(failure) => (HostStatus::Failed, Some(failure), false),
        Ended::Mistake(failure) => (HostStatus::Failed, Some(failure), true),
        Ended::Ending(Ending::Unreachable(failure), _) => (HostStatus::Unreachable, Some(failure), false),
        Ended::Ending(Ending::Interrupted, at) => {
            let failure = Failure { message: "interrupted".into(), at: Some(at), ..Failure::default() };
            (cut_short(quiet), Some(failure), false)
        }
        Ended::Ending(Ending::Aborted(failure), _) => (cut_short(quiet), Some(failure), false),
        Ended::Ending(Ending::NotPredictable { reason }, at) => {
            run.emit(Event::NotPredictable { host: host.to_owned(), at: at.clone(), reason: reason.clone() });
            let message = format!("not predictable after {at}: {reason}");
            (quiet, Some(Failure { message, at: Some(at), ..Failure::default() }), false)
        }
    }
}

fn finish(run: &Run, host: &str, status: HostStatus, error: Option<Failure>) {
    let exchanges = run.host(host).map_or(0, |host| host.line().exchanges());
    run.emit(Event::HostFinished { host: host.to_owned(), status, exchanges, error });
}
