//! `resume`: the hosts and operations that a run left.

use super::config::Config;
use super::failure::{CommandError, Exit};
use super::prepared::Prepared;
use super::recorded::{Recorded, selected};
use super::run::Order;
use super::session::Session;
use super::sources::changed;
use super::worktree::short;
use crate::engine::Earlier;
use crate::event::{Failure, HostStatus, Mode};
use crate::report::SHORT_RUN;
use crate::state::{HostRecord, RunFilter, RunRecord, Store};
use std::collections::{BTreeMap, HashSet};

impl Session {
    /// `resume [RUN]`
    ///
    /// # Errors
    /// Nothing is left to do; the sources are other ones by now, unless `changed` says that this is known; what keeps
    /// a run from starting.
    pub fn resume(&mut self, run: Option<&str>, changed: bool) -> Result<Exit, CommandError> {
        if selected(&self.flags) {
            let failure = Failure::new("a resumed run brings its own selection and data");
            return Err(CommandError::new(Exit::Usage, failure).hint("`apply` takes others"));
        }
        let store = self.state()?.open_existing()?.ok_or_else(|| CommandError::mistake("no run is recorded yet"))?;
        let found = self.unfinished(&store, run)?;
        self.ruled_by(&Recorded::of(&found))?;
        let lease = self.lock(&store, &format!("rhapsode resume {}", brief(&found.run)))?;
        // Only now nobody else goes on with it.
        let found = latest(&store, store.run(&found.run)?)?;
        let left = left(&store, &found)?;
        if left.is_empty() {
            return Err(complete(&found));
        }
        if let Some(commit) = found.undoes.as_ref().and(found.commit.as_deref()) {
            let message =
                format!("run {} is a rollback: it goes on with the sources of an earlier commit", brief(&found.run));
            return Err(
                CommandError::mistake(message).hint(format!("`rhapsode rollback {commit}` goes the same way again"))
            );
        }
        let playbook = self.project.root.join(&found.playbook);
        let prepared = self.prepare(&playbook)?.on(&left, &format!("run {}", brief(&found.run)))?;
        if !changed {
            same_sources(&store, &found, &prepared)?;
        }
        let done = done(&store, &found, &left)?;
        let order =
            Order { lease: Some(lease), done: Some(done), resumes: Some(found.run.clone()), ..Order::of(Mode::Apply) };
        Ok(self.once(&prepared, order)?.exit)
    }

    /// Does as a recorded run was asked to do. Where its selection meant hosts by how a run had ended, all are selected,
    /// and the caller takes those of the run.
    pub(super) fn ruled_by(&mut self, recorded: &Recorded) -> Result<(), CommandError> {
        let (given, known) = (&self.config.inventory.value, &recorded.inventory);
        if !self.flags.inventory.is_empty() && given != known {
            let message = format!("that run was made with inventory `{}`, not `{}`", known.join(" "), given.join(" "));
            return Err(CommandError::mistake(message).hint("leave out `-i`"));
        }
        recorded.rule(&mut self.flags);
        let named = !recorded.selects_by_history();
        self.flags.exclude = self.flags.exclude.take().filter(|_| named);
        self.config = Config::load(&self.flags, &self.home)?;
        self.config.limit.value = self.flags.limit.clone().filter(|_| named);
        // What was recorded began at the project already, wherever the user stands now.
        self.flags.inventory.clear();
        Ok(())
    }

    fn unfinished(&self, store: &Store, run: Option<&str>) -> Result<RunRecord, CommandError> {
        if let Some(name) = run {
            let found = latest(store, store.run(name)?)?;
            if found.sources.is_none() || !found.mode.applies() {
                let message =
                    format!("run {} is no apply of a playbook: there is nothing to resume", brief(&found.run));
                return Err(CommandError::mistake(message));
            }
            return Ok(found);
        }
        let inventory = Some(self.config.inventory.value.join(" ")).filter(|inventory| !inventory.is_empty());
        let filter = RunFilter { inventory, ..RunFilter::default() };
        let mut settled = HashSet::new();
        for run in store.applies(&filter)? {
            let hosts = left(store, &run)?;
            // A later run of the same playbook that did all these hosts left nothing of it.
            if hosts.iter().any(|host| !settled.contains(&(run.playbook.clone(), host.clone()))) {
                return Ok(run);
            }
            let all = store.hosts(&run.run)?.into_iter().filter(is_complete);
            settled.extend(all.map(|host| (run.playbook.clone(), host.host)));
        }
        Err(CommandError::mistake("every apply is complete: there is nothing to resume"))
    }
}

/// The newest run that went on with this one, or itself.
fn latest(store: &Store, run: RunRecord) -> Result<RunRecord, CommandError> {
    let mut run = run;
    while let Some(next) = store.resumed_by(&run.run)? {
        run = next;
    }
    Ok(run)
}

fn is_complete(host: &HostRecord) -> bool {
    matches!(host.status, Some(HostStatus::Ok | HostStatus::Changed)) && host.error.is_none()
}

fn left(store: &Store, run: &RunRecord) -> Result<Vec<String>, CommandError> {
    let hosts = store.hosts(&run.run)?.into_iter();
    Ok(hosts.filter(|host| !is_complete(host)).map(|host| host.host).collect())
}

fn complete(run: &RunRecord) -> CommandError {
    CommandError::mistake(format!("run {} is complete: there is nothing to resume", brief(&run.run)))
}

/// The runs that this one went on with, first to last, and itself.
fn chain(store: &Store, run: &RunRecord) -> Result<Vec<RunRecord>, CommandError> {
    let mut chain = vec![run.clone()];
    while let Some(earlier) = chain.last().and_then(|run| run.resumes.clone()) {
        chain.push(store.run(&earlier)?);
    }
    chain.reverse();
    Ok(chain)
}

/// What this run and those that it resumed did on the hosts that are left.
fn done(store: &Store, run: &RunRecord, left: &[String]) -> Result<Earlier, CommandError> {
    let mut done = Earlier::new(&run.run);
    for run in chain(store, run)? {
        for (host, end) in store.operations(&run.run)? {
            let is_left = left.contains(&host);
            done.note(host, end, is_left);
        }
    }
    Ok(done)
}

/// A run that goes on with other sources is another run.
fn same_sources(store: &Store, run: &RunRecord, prepared: &Prepared) -> Result<(), CommandError> {
    let (before, now) = (run.commit.as_deref(), prepared.checkout.commit.as_deref());
    let mut read = BTreeMap::new();
    for run in chain(store, run)? {
        read.extend(store.sources(&run.run)?);
    }
    let message = match (before, now) {
        (Some(before), Some(now)) if before != now => {
            format!("run {} was made from commit `{}`, and this is `{}`", brief(&run.run), short(before), short(now))
        }
        _ => match changed(&prepared.world.project.root, &read) {
            Some(path) => format!("`{path}` is another one than in run {}", brief(&run.run)),
            // One that was not read then.
            None if run.sources != prepared.sources => {
                format!("the playbook or the inventory reads other files than in run {}", brief(&run.run))
            }
            None => return Ok(()),
        },
    };
    Err(CommandError::mistake(message)
        .hint("`apply` starts anew; `resume --changed` goes on with what is there now, or check the commit out"))
}

pub(super) fn brief(run: &str) -> String {
    format!("`{}`", run.get(..SHORT_RUN).unwrap_or(run))
}
