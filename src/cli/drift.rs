//! `drift --all`: every playbook that was applied to an inventory, as it was applied last.

use super::commands::say_json;
use super::failure::{CommandError, Exit};
use super::recorded::{Recorded, selected};
use super::resume::brief;
use super::run::Order;
use super::session::Session;
use crate::event::{Failure, Mode};
use crate::state::{RunFilter, RunRecord};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// A document on its way into a larger one.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn value(&self) -> Value {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

impl Session {
    /// `drift --all`
    ///
    /// # Errors
    /// No playbook was applied to the inventory; the store cannot be read. A playbook that cannot be asked is told,
    /// and the others are asked.
    pub fn drift_of_all(&mut self) -> Result<Exit, CommandError> {
        if selected(&self.flags) {
            let failure = Failure::new("every playbook is asked with the selection and data of its last apply");
            return Err(CommandError::new(Exit::Usage, failure).hint("`drift PLAYBOOK` takes others"));
        }
        let (mut worst, mut documents) = (Exit::Done, Vec::new());
        for run in self.last_applies()? {
            let page = Page::default();
            let exit = self.drift_of(&run, &page).unwrap_or_else(|error| {
                documents.push(json!({ "playbook": run.playbook, "error": *error.failure }));
                error.print(&mut std::io::stderr(), self.look().paint)
            });
            documents.extend(Some(page.value()).filter(Value::is_object));
            worst = worse(worst, exit);
            if exit == Exit::Interrupted {
                break;
            }
        }
        if self.flags.json {
            say_json(&json!({ "mode": "drift", "exit": i32::from(worst), "playbooks": documents }));
        }
        Ok(worst)
    }

    fn drift_of(&mut self, run: &RunRecord, page: &Page) -> Result<Exit, CommandError> {
        self.ruled_by(&Recorded::of(run))?;
        // What is declared no more is told; nothing is taken away here.
        self.flags.prune = false;
        let mut prepared = self.prepare(&self.project.root.join(&run.playbook))?;
        if Recorded::of(run).selects_by_history() {
            prepared = prepared.on(&self.hosts_of(run)?, &format!("run {}", brief(&run.run)))?;
        }
        let order = Order { document: Some(Box::new(page.clone())), ..Order::of(Mode::Drift) };
        Ok(self.once(&prepared, order)?.exit)
    }

    /// The hosts that a run was about.
    pub(super) fn hosts_of(&self, run: &RunRecord) -> Result<Vec<String>, CommandError> {
        let hosts = self.state()?.open()?.hosts(&run.run)?;
        Ok(hosts.into_iter().map(|host| host.host).collect())
    }

    /// The newest apply of each playbook, in the order of their names.
    fn last_applies(&self) -> Result<Vec<RunRecord>, CommandError> {
        let inventory = self.config.inventory.value.join(" ");
        if inventory.is_empty() {
            return Err(CommandError::no_inventory());
        }
        let store = self.state()?.open_existing()?;
        let filter = RunFilter { inventory: Some(inventory.clone()), playbook: None };
        let mut runs = store.map_or(Ok(Vec::new()), |store| store.applies(&filter))?;
        let mut seen = HashSet::new();
        runs.retain(|run| seen.insert(run.playbook.clone()));
        runs.sort_by(|one, other| one.playbook.cmp(&other.playbook));
        match runs.is_empty() {
            true => Err(CommandError::mistake(format!("no playbook was applied to `{inventory}` yet"))
                .hint("`drift PLAYBOOK` asks one that was not")),
            false => Ok(runs),
        }
    }
}

/// What says more about the whole.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Done => 0,
        Exit::Pending => 1,
        Exit::Unreachable => 2,
        Exit::Failed => 3,
        Exit::Interrupted => 5,
        _ => 4,
    };
    std::cmp::max_by_key(one, other, rank)
}
