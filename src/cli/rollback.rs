//! `rollback`: what an earlier commit made of the hosts, by that commit's own playbook, inventory and modules.

use super::failure::{CommandError, Exit};
use super::git::{Checkout, checkout};
use super::prepared::Prepared;
use super::recorded::{Recorded, selected};
use super::resume::brief;
use super::run::{Order, agreed};
use super::saved_plan::Announced;
use super::session::Session;
use super::worktree::{self, Tree, short};
use crate::engine::Contract;
use crate::event::{Failure, Mode};
use crate::script::Project;
use crate::state::{RunFilter, RunRecord, StateError, Store};
use std::io::IsTerminal;

/// Where a rollback goes.
struct Goal {
    /// Full hash.
    commit: String,
    /// The run whose playbook and arguments it takes.
    like: RunRecord,
    /// The newest apply of that playbook: what is taken back.
    undoes: Option<String>,
}

impl Session {
    /// `rollback [RUN|COMMIT]`
    ///
    /// # Errors
    /// Nothing to go back to; git does not have the commit; the work tree is dirty, unless `dirty` says that this is
    /// known; a mistake in the playbook or inventory of the commit; what keeps a run from starting.
    pub fn rollback(&mut self, to: Option<&str>, playbook: Option<&str>, dirty: bool) -> Result<Exit, CommandError> {
        self.may_ask()?;
        let narrowed = (self.flags.limit.take(), self.flags.exclude.take());
        if selected(&self.flags) {
            let failure = Failure::new("a rollback brings its own tags and data");
            return Err(CommandError::new(Exit::Usage, failure).hint("`--limit` and `--exclude` narrow it"));
        }
        let store = self.state()?.open_existing()?.ok_or_else(|| CommandError::mistake("no run is recorded yet"))?;
        worktree::commit(&self.home, "HEAD")?;
        if !dirty && checkout(&self.home).dirty {
            return Err(CommandError::mistake("the work tree differs from its commit")
                .hint("commit or stash it first, or let `--allow-dirty` leave it as it is"));
        }
        let goal = self.goal(&store, to, playbook)?;
        if goal.like.dirty && !dirty && goal.like.commit.as_deref() == Some(&goal.commit) {
            let (run, commit) = (brief(&goal.like.run), short(&goal.commit));
            let message = format!("run {run} was made from a work tree that differed from commit `{commit}`");
            return Err(CommandError::mistake(message)
                .hint("what it applied cannot be had again; `--allow-dirty` takes the commit"));
        }
        let tree = Tree::check_out(&self.home, &goal.commit)?;
        self.ruled_by(&Recorded::of(&goal.like))?;
        // What came later is declared no more.
        self.flags.prune = true;
        self.project = Project::new(&tree.project);
        self.take_secrets_of_project();
        self.pinned = Some(Checkout { commit: Some(goal.commit.clone()), dirty: false });
        let prepared = self.of_commit(&goal, narrowed).map_err(|error| refused(&goal.commit, error))?;
        self.go_back(&prepared, &goal)
    }

    /// What takes neither `--yes` nor a terminal to find out should not be found out first.
    fn may_ask(&self) -> Result<(), CommandError> {
        match self.flags.yes || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            true => Ok(()),
            false => Err(CommandError::needs_yes()),
        }
    }

    fn of_commit(
        &mut self,
        goal: &Goal,
        (limit, exclude): (Option<String>, Option<String>),
    ) -> Result<Prepared, CommandError> {
        let by_history = Recorded::of(&goal.like).selects_by_history();
        if limit.is_some() {
            self.config.limit.value = limit;
        }
        if exclude.is_some() {
            self.flags.exclude = exclude;
        }
        let prepared = self.prepare(&self.project.root.join(&goal.like.playbook))?;
        if !by_history {
            return Ok(prepared);
        }
        prepared.on(&self.hosts_of(&goal.like)?, &format!("commit `{}`", short(&goal.commit)))
    }

    fn go_back(&self, prepared: &Prepared, goal: &Goal) -> Result<Exit, CommandError> {
        let announced = Announced::default();
        let order = Order { results: false, announced: Some(announced.clone()), ..self.back(goal, Mode::Plan) };
        let plan = self.once(prepared, order)?;
        let hopeless = plan.totals.failed + plan.totals.unreachable == plan.totals.hosts;
        if hopeless || plan.exit == Exit::Interrupted || !(self.flags.yes || agreed()) {
            return Ok(plan.exit);
        }
        let contract = Some(Contract::new(announced.take(), false));
        let order = Order { contract, ..self.back(goal, Mode::Apply) };
        Ok(self.once(prepared, order)?.exit)
    }

    fn back(&self, goal: &Goal, mode: Mode) -> Order {
        Order { undoes: goal.undoes.clone(), ..Order::of(mode) }
    }

    fn goal(&self, store: &Store, to: Option<&str>, playbook: Option<&str>) -> Result<Goal, CommandError> {
        let Some(name) = to else { return self.last_good(store, playbook) };
        match store.run(name) {
            Ok(like) => self.goal_of_run(store, like),
            Err(StateError::NoRun(_) | StateError::Ambiguous { .. }) => self.goal_of_commit(store, name, playbook),
            Err(error) => Err(error.into()),
        }
    }

    fn goal_of_run(&self, store: &Store, like: RunRecord) -> Result<Goal, CommandError> {
        if like.sources.is_none() || !like.mode.applies() {
            return Err(CommandError::mistake(format!("run {} is no apply of a playbook", brief(&like.run)))
                .hint("`rhapsode history` lists the runs; name an apply, or a commit"));
        }
        let Some(commit) = like.commit.clone() else {
            return Err(CommandError::mistake(format!("run {} was made from no commit", brief(&like.run)))
                .hint("an earlier state can only be had from commits"));
        };
        let commit = worktree::commit(&self.home, &commit)?;
        let undoes = applies(store, Some(&like.inventory), Some(&like.playbook))?.into_iter().next();
        Ok(Goal { commit, like, undoes: undoes.map(|run| run.run) })
    }

    fn goal_of_commit(&self, store: &Store, name: &str, playbook: Option<&str>) -> Result<Goal, CommandError> {
        let commit = worktree::commit(&self.home, name)?;
        let runs = self.applies_here(store, playbook)?;
        let newest = runs.first().ok_or_else(never)?.clone();
        let same = |run: &&RunRecord| run.playbook == newest.playbook && run.inventory == newest.inventory;
        let at_commit = runs.iter().filter(same).find(|run| run.commit.as_deref() == Some(&commit) && !run.dirty);
        let like = at_commit.unwrap_or(&newest).clone();
        Ok(Goal { commit, like, undoes: Some(newest.run) })
    }

    /// The newest good run before what is in force now, those that were taken back already left out.
    fn last_good(&self, store: &Store, playbook: Option<&str>) -> Result<Goal, CommandError> {
        let mut all = self.applies_here(store, playbook)?;
        // One that did not get to its end took nothing back: the same way is open.
        all.retain(|run| run.undoes.is_none() || run.exit == Some(0));
        let newest = all.first().ok_or_else(never)?.clone();
        let same = |run: &RunRecord| run.playbook == newest.playbook && run.inventory == newest.inventory;
        let mut runs: &[RunRecord] = &all.into_iter().filter(same).collect::<Vec<_>>();
        let mut force = newest.clone();
        while force.undoes.is_some() {
            let back = runs.iter().position(|run| run.run < force.run && run.undoes.is_none() && is_like(run, &force));
            let Some(back) = back else { break };
            runs = &runs[back..];
            force = runs[0].clone();
        }
        let good = |run: &&RunRecord| run.run < force.run && run.exit == Some(0) && !is_like(run, &force);
        let like = runs.iter().filter(|run| run.undoes.is_none()).find(good);
        let Some(like) = like else {
            let message = format!("no good run of `{}` comes before {}", newest.playbook, brief(&force.run));
            return Err(CommandError::mistake(message).hint("name a run of `rhapsode history`, or a commit"));
        };
        self.goal_of_run(store, like.clone())
    }

    fn applies_here(&self, store: &Store, playbook: Option<&str>) -> Result<Vec<RunRecord>, CommandError> {
        let inventory = self.config.inventory.value.join(" ");
        let inventory = (!inventory.is_empty()).then_some(inventory.as_str());
        // One that is not there any more may be there at the commit.
        let file = |name: &str| self.project.playbook(name.as_ref()).unwrap_or_else(|_| name.into());
        let shown = playbook.map(|name| self.project.shown(&file(name)));
        applies(store, inventory, shown.as_deref())
    }
}

fn applies(store: &Store, inventory: Option<&str>, playbook: Option<&str>) -> Result<Vec<RunRecord>, CommandError> {
    let filter = RunFilter { inventory: inventory.map(str::to_owned), playbook: playbook.map(str::to_owned) };
    Ok(store.applies(&filter)?)
}

/// True when both made the same of the hosts, as far as it was in their hands.
fn is_like(one: &RunRecord, other: &RunRecord) -> bool {
    let asked = |run: &RunRecord| {
        let arguments = run.arguments.iter().filter(|(name, _)| *name != "prune");
        arguments.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    one.commit == other.commit && one.dirty == other.dirty && asked(one) == asked(other)
}

fn never() -> CommandError {
    CommandError::mistake("no apply is recorded of this").hint("`rhapsode history` lists the runs")
}

fn refused(commit: &str, error: CommandError) -> CommandError {
    let mut failure = *error.failure;
    let message = format!("commit `{}` cannot be applied", short(commit));
    failure.causes.insert(0, std::mem::replace(&mut failure.message, message));
    CommandError::new(error.exit, failure)
}
