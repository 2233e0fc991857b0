//! `plan` and `apply`: plans that are saved, and applies that are held to them.

use super::commands::tell;
use super::config::Config;
use super::failure::{CommandError, Exit};
use super::prepared::Prepared;
use super::run::{Finished, Order};
use super::saved_plan::{Announced, SavedPlan, files, stale};
use super::session::Session;
use crate::engine::Contract;
use crate::event::Mode;
use std::path::Path;

impl Session {
    /// `plan PLAYBOOK [--save FILE]`
    ///
    /// # Errors
    /// What keeps the run from starting; a plan that is incomplete is not saved.
    pub fn plan(&self, playbook: &Path, save: Option<&Path>) -> Result<Exit, CommandError> {
        let prepared = self.prepare(playbook)?;
        let Some(path) = save else {
            return Ok(self.once(&prepared, Order::of(Mode::Plan))?.exit);
        };
        let revision = self.revision()?;
        let announced = Announced::default();
        let order = Order { announced: Some(announced.clone()), ..Order::of(Mode::Plan) };
        let finished = self.once(&prepared, order)?;
        if finished.totals.failed + finished.totals.unreachable > 0 {
            tell("the plan is not saved: it is incomplete");
            return Ok(finished.exit);
        }
        self.save(path, &prepared, &finished, revision, &announced)?;
        if !self.flags.quiet {
            tell(format!("saved: `rhapsode apply {}` does this and nothing else", path.display()));
        }
        Ok(finished.exit)
    }

    fn save(
        &self,
        path: &Path,
        prepared: &Prepared,
        finished: &Finished,
        revision: u64,
        announced: &Announced,
    ) -> Result<(), CommandError> {
        let files = files(&self.project, prepared.inventory.files_read())?;
        let inventory = self.config.inventory.value.clone();
        let mut hosts = announced.take();
        for (host, facts) in &finished.facts {
            hosts.entry(host.clone()).or_default().facts.clone_from(facts);
        }
        SavedPlan::new(finished.start.clone(), inventory, revision, files, hosts).write(path)
    }

    /// Counts the applies of the inventory.
    fn revision(&self) -> Result<u64, CommandError> {
        let inventory = self.config.inventory.value.join(" ");
        let store = self.state()?.open_existing()?;
        Ok(store.map_or(Ok(0), |store| store.revision("", &inventory))?)
    }

    /// `apply PLAYBOOK|PLANFILE`
    ///
    /// # Errors
    /// What keeps the run from starting; a saved plan that does not hold any more.
    pub fn apply(&mut self, path: &Path, lenient: bool, expect_no_changes: bool) -> Result<Exit, CommandError> {
        let Some(plan) = SavedPlan::read(path)? else {
            let prepared = self.prepare(path)?;
            if expect_no_changes {
                let contract = Some(Contract::of_no_changes());
                return Ok(self.once(&prepared, Order { contract, ..Order::of(Mode::Apply) })?.exit);
            }
            return Ok(self.agree_and_apply(&prepared)?.exit);
        };
        plan.rule(&mut self.flags)?;
        self.config = Config::load(&self.flags, &self.project.root)?;
        if !lenient {
            self.still_holds(&plan)?;
        }
        let prepared = self.prepare(&self.project.root.join(&plan.run.playbook))?;
        if !lenient {
            self.selects_the_same(&plan, &prepared)?;
        }
        let contract = Some(Contract::new(plan.hosts, lenient));
        Ok(self.once(&prepared, Order { contract, ..Order::of(Mode::Apply) })?.exit)
    }

    /// A dynamic inventory, a setting of the environment or a new file may select other hosts, or give them other data.
    fn selects_the_same(&self, plan: &SavedPlan, prepared: &Prepared) -> Result<(), CommandError> {
        let (planned, now) = (&plan.run.hosts, prepared.hosts());
        let other = planned.iter().find(|host| !now.contains(host)).map(|host| (host, "not selected any more"));
        let other = other.or(now.iter().find(|host| !planned.contains(host)).map(|host| (host, "selected now")));
        if let Some((host, how)) = other {
            return Err(stale(format!("`{host}` is {how}, other than when the plan was made")));
        }
        match plan.new_file(&files(&self.project, prepared.inventory.files_read())?) {
            Some(file) => Err(stale(format!("`{file}` was not read when the plan was made"))),
            None => Ok(()),
        }
    }

    /// What the plan stands on is as it was, as far as that can be told without the hosts.
    fn still_holds(&self, plan: &SavedPlan) -> Result<(), CommandError> {
        if let Some(file) = plan.changed_file(&self.project.root) {
            return Err(stale(format!("`{file}` is another one than when the plan was made")));
        }
        if self.revision()? != plan.revision {
            return Err(stale("something was applied to this inventory since the plan was made".into()));
        }
        Ok(())
    }
}
