//! Saved plans: what `plan --save` writes and `apply PLANFILE` is held to.

use super::args::Common;
use super::failure::{CommandError, Exit};
use super::recorded::{self, Recorded};
use super::stamp;
use crate::engine::{HostPromises, Promise};
use crate::event::{Event, Failure, RunStart, Sink, SinkError};
use crate::inventory::FileRead;
use crate::script::Project;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The form of the file; a newer one is refused.
const FORM: u32 = 1;

/// A plan as it is saved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SavedPlan {
    /// Version of this form.
    pub rhapsode_plan: u32,
    /// The run that made it.
    pub run: RunStart,
    /// Inventories, as `-i` takes them.
    pub inventory: Vec<String>,
    /// Counts the applies of the inventory: one in between makes the plan stale.
    pub revision: u64,
    /// Every script, template, inventory and data file that was read, with its SHA-256.
    pub files: BTreeMap<String, String>,
    /// What was announced.
    pub hosts: BTreeMap<String, HostPromises>,
}

/// Collects what a plan announces.
#[derive(Clone, Default)]
pub struct Announced(Arc<Mutex<BTreeMap<String, HostPromises>>>);

impl Announced {
    /// What was announced so far.
    pub fn take(&self) -> BTreeMap<String, HostPromises> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Announced {
    fn name(&self) -> &str {
        "saved plan"
    }

    fn emit(&mut self, event: &Event) -> Result<(), SinkError> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RunStarted(start) => {
                hosts.extend(start.hosts.iter().map(|host| (host.clone(), HostPromises::default())));
            }
            Event::OperationFinished { host, end } => {
                let promise = Promise { status: end.status, changes: end.changes.clone(), diff: end.diff.clone() };
                hosts.entry(host.clone()).or_default().operations.insert(end.id.clone(), promise);
            }
            Event::NotPredictable { host, at, .. } => {
                hosts.entry(host.clone()).or_default().ends_at = Some(at.clone());
            }
            _ => {}
        }
        Ok(())
    }
}

impl SavedPlan {
    /// A plan with all that it stands on.
    pub fn new(
        run: RunStart,
        inventory: Vec<String>,
        revision: u64,
        files: BTreeMap<String, String>,
        hosts: BTreeMap<String, HostPromises>,
    ) -> Self {
        Self { rhapsode_plan: FORM, run, inventory, revision, files, hosts }
    }

    /// Writes it, readable by its owner alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CommandError> {
        use std::os::unix::fs::OpenOptionsExt;
        let text = serde_json::to_string_pretty(self).expect("a plan has a JSON form");
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.map_err(|error| unusable(format!("cannot write the plan `{}`", path.display()), &error))
    }

    /// Reads a file, when it is a saved plan; a playbook is none.
    ///
    /// # Errors
    /// A plan that is broken or of a newer form.
    pub fn read(path: &Path) -> Result<Option<Self>, CommandError> {
        let Ok(text) = std::fs::read_to_string(path) else {
            return Ok(None);
        };
        if !text.trim_start().starts_with('{') || path.extension().is_some_and(|ending| ending == "rhai") {
            return Ok(None);
        }
        let plan: Self = serde_json::from_str(&text)
            .map_err(|error| unusable(format!("`{}` is no saved plan", path.display()), &error))?;
        if plan.rhapsode_plan > FORM {
            let message = format!("the plan `{}` was made by a newer rhapsode", path.display());
            return Err(CommandError::mistake(message).hint("make it again with this one"));
        }
        Ok(Some(plan))
    }

    /// Takes inventory, selection and data from the plan; the command line must not name others.
    ///
    /// # Errors
    /// When it does.
    pub fn rule(&self, flags: &mut Common) -> Result<(), CommandError> {
        if recorded::named(flags) {
            let failure = Failure::new("a saved plan brings its own inventory, selection and data");
            return Err(
                CommandError::new(Exit::Usage, failure).hint("leave out `-i`, `--limit`, `--tags` and `--data`")
            );
        }
        Recorded::new(self.inventory.clone(), self.run.arguments.clone()).rule(flags);
        Ok(())
    }

    /// The first file that is another one than when the plan was made.
    pub fn changed_file(&self, root: &Path) -> Option<&str> {
        let changed = |(path, hash): &(&String, &String)| {
            !path.contains(':') && stamp::whole(&root.join(path)).ok().as_ref() != Some(*hash)
        };
        self.files.iter().find(changed).map(|(path, _)| path.as_str())
    }

    /// The first file that is read now and was not when the plan was made.
    pub fn new_file<'a>(&self, now: &'a BTreeMap<String, String>) -> Option<&'a str> {
        now.keys().find(|path| !self.files.contains_key(*path)).map(String::as_str)
    }
}

/// Paths from the project's root with their digests: scripts and templates, what operations send, inventories and data.
///
/// # Errors
/// A file that cannot be read any more.
pub fn files(project: &Project, inventories: &[FileRead]) -> Result<BTreeMap<String, String>, CommandError> {
    let shown = |path: &Path| path.strip_prefix(&project.root).unwrap_or(path).display().to_string();
    let scripts = project.files_read();
    let mut files: BTreeMap<String, String> = scripts.into_iter().map(|(path, hash)| (shown(&path), hash)).collect();
    files.extend(inventories.iter().map(|file| (file.path.clone(), file.sha256.clone())));
    let settings = project.root.join("rhapsode.yaml");
    let locals = project.locals().into_iter().chain(settings.exists().then_some(settings));
    for path in locals {
        let unreadable = |error| unusable(format!("cannot read `{}`", path.display()), &error);
        files.insert(shown(&path), stamp::whole(&path).map_err(unreadable)?);
    }
    Ok(files)
}

/// A plan that does not hold any more, before any host is asked.
pub fn stale(message: String) -> CommandError {
    CommandError::new(Exit::Deviated, Failure::new(message))
        .hint("make a new plan; `--allow-deviation` applies all the same")
}

fn unusable(message: String, error: &dyn std::error::Error) -> CommandError {
    CommandError::new(Exit::Invalid, Failure { causes: vec![error.to_string()], ..Failure::new(message) })
}
