//! The commands that are a few lines each.

use super::args::{InventoryVerb, StagingVerb};
use super::failure::{CommandError, Exit};
use super::run::Order;
use super::session::{Session, shared_hosts};
use super::staging::Staging;
use super::state::{self, StateVerb};
use super::{inventory, table};
use crate::event::Mode;
use crate::inventory::{Host, Inventory};
use indexmap::IndexMap;
use serde_json::json;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Prints a line of results.
pub fn say(text: impl AsRef<str>) {
    print(&crate::secret::redact(text.as_ref()));
}

/// Prints a JSON document.
pub fn say_json(value: &serde_json::Value) {
    // Text by text: a secret that is a number elsewhere must not make it something else than JSON.
    let value = super::scrub::scrubbed_json(value.clone());
    print(&serde_json::to_string_pretty(&value).expect("JSON values have a text"));
}

/// Prints a line beside the results.
pub fn tell(text: impl AsRef<str>) {
    // Nobody is left to be told when stderr is gone.
    let _ = writeln!(anstream::stderr(), "{}", crate::secret::scrub(text.as_ref()));
}

fn print(text: &str) {
    let mut out = anstream::stdout();
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    if let Err(error) = write!(out, "{text}{end}").and_then(|()| out.flush()) {
        UNWRITTEN.get_or_init(|| error);
    }
}

/// Why results could not be printed. A reader that closed the pipe has seen enough.
static UNWRITTEN: OnceLock<std::io::Error> = OnceLock::new();

/// Fails a command that went well and whose results nobody has.
///
/// # Errors
/// They could not be printed.
pub fn all_said(exit: Exit) -> Result<Exit, CommandError> {
    match UNWRITTEN.get().filter(|error| exit.is_good() && error.kind() != ErrorKind::BrokenPipe) {
        Some(error) => Err(CommandError::unwritten("output", error)),
        None => Ok(exit),
    }
}

impl Session {
    /// `check`
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self, playbooks: &[PathBuf]) -> Result<Exit, CommandError> {
        // Nothing is asked, not for secrets either: they are unknown.
        crate::secret::install(None);
        let inventory = match self.config.inventory.value.is_empty() {
            true => Inventory::default(),
            false => self.inventory()?,
        };
        let inventory = Arc::new(inventory);
        let world = self.world(&inventory);
        let all = if playbooks.is_empty() { self.project.playbooks() } else { playbooks.to_vec() };
        if all.is_empty() {
            let folder = self.project.root.join("playbooks");
            return Err(CommandError::mistake(format!("there is no playbook in `{}`", folder.display()))
                .hint("name one, or begin with `rhapsode init`"));
        }
        let mut failures = Vec::new();
        for playbook in &all {
            let checked = crate::script::check(&world, playbook);
            let rehearsed =
                checked.and_then(|script| crate::script::rehearse(&world, rehearsed_hosts(&inventory), &script));
            failures.extend(rehearsed.err());
        }
        let good = all.len() - failures.len();
        if let Some(last) = failures.pop() {
            for failure in failures {
                CommandError::from(failure).print(&mut std::io::stderr(), self.look().paint);
            }
            return Err(last.into());
        }
        if !self.flags.quiet {
            say(format!("{good} playbook{}: no mistakes found", if good == 1 { "" } else { "s" }));
        }
        Ok(Exit::Done)
    }

    /// `inventory ...`
    ///
    /// # Errors
    /// What is wrong with the inventory.
    pub fn show_inventory(&self, verb: &InventoryVerb) -> Result<Exit, CommandError> {
        let known = self.inventory()?;
        match (verb, self.flags.json) {
            (InventoryVerb::List, json) => {
                let hosts = self.selected(&known)?;
                if json {
                    say_json(&inventory::list_json(&known, &hosts))
                } else {
                    say(inventory::list(&known, &hosts))
                }
            }
            (InventoryVerb::Graph, true) => say_json(&inventory::graph_json(&known)),
            (InventoryVerb::Graph, false) => say(inventory::graph(&known)),
            (InventoryVerb::Explain { host, key }, true) => {
                say_json(&inventory::explain_json(&known, host, key.as_deref())?);
            }
            (InventoryVerb::Explain { host, key }, false) => say(inventory::explain(&known, host, key.as_deref())?),
        }
        Ok(Exit::Done)
    }

    /// `exec -- COMMAND`
    ///
    /// # Errors
    /// What keeps the run from starting.
    pub fn exec(&self, command: &[String], sudo: bool) -> Result<Exit, CommandError> {
        let words = command.iter().map(|word| json!(word).to_string()).collect::<Vec<_>>().join(", ");
        let sudo = if sudo { ", sudo: true" } else { "" };
        // One word is a line of shell, several are a command with its arguments.
        let command = if command.len() == 1 { words } else { format!("[{words}]") };
        let script = format!("cmd::run({command}, #{{ loud: true{sudo} }});");
        let prepared = self.prepare_text(&script, "exec")?;
        Ok(self.once(&prepared, Order { outputs: true, ..Order::of(Mode::Apply) })?.exit)
    }

    /// `op 'SCRIPT'`
    ///
    /// # Errors
    /// What keeps the run from starting.
    pub fn op(&self, script: &str, plan: bool) -> Result<Exit, CommandError> {
        let prepared = self.prepare_text(script, "op")?;
        let finished = match plan {
            true => self.once(&prepared, Order::of(Mode::Plan))?,
            false => self.agree_and_apply(&prepared)?,
        };
        Ok(finished.exit)
    }

    /// `staging ...`
    ///
    /// # Errors
    /// What docker says.
    pub fn staging(&self, verb: &StagingVerb) -> Result<Exit, CommandError> {
        let known = self.inventory()?;
        let hosts: Vec<_> = self.selected(&known)?.iter().filter_map(|name| known.host(name)).cloned().collect();
        let named = self.config.inventory.value.join(" ");
        let staging = Staging { hosts: &hosts, inventory: Path::new(&named), project: &self.project.root };
        let mut out = std::io::stdout();
        match verb {
            StagingVerb::Up => staging.up(&mut out)?,
            StagingVerb::Down => staging.down(&mut out)?,
            StagingVerb::Reset => staging.reset(&mut out)?,
            StagingVerb::Shell { host } => {
                staging.shell(host)?;
            }
        }
        Ok(Exit::Done)
    }

    /// `state ...`
    ///
    /// # Errors
    /// The store cannot be used; no such resource.
    pub fn manage_state(&self, verb: &StateVerb) -> Result<Exit, CommandError> {
        let (user, host) = super::who::whoami();
        let named = self.config.inventory.value.join(" ");
        let call = state::Call {
            location: &self.state()?,
            inventory: (!named.is_empty()).then_some(named.as_str()),
            user: &user,
            host: &host,
            lock_wait: std::time::Duration::from_secs(self.flags.lock_wait),
            json: self.flags.json,
        };
        let (mut input, mut out, mut err) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        state::state(&call, verb, &mut input, &mut out, &mut err)
    }

    /// `config`
    pub fn show_config(&self) -> Exit {
        let rows = self.config.rows();
        if self.flags.json {
            let all = rows.iter().map(|(name, value, origin)| {
                ((*name).to_owned(), json!({ "value": value, "source": origin.to_string() }))
            });
            say_json(&serde_json::Value::Object(all.collect()));
            return Exit::Done;
        }
        let cells = rows.iter().map(|(name, value, origin)| [(*name).to_owned(), shown(value), origin.to_string()]);
        say(table::aligned(cells));
        Exit::Done
    }
}

/// The hosts for a rehearsal; a stand-in where there is no inventory.
fn rehearsed_hosts(inventory: &Inventory) -> IndexMap<String, Arc<Host>> {
    let hosts = shared_hosts(inventory);
    if !hosts.is_empty() {
        return hosts;
    }
    let stand_in = Host {
        name: "any-host".into(),
        groups: vec!["all".into()],
        connection: Default::default(),
        data: IndexMap::new(),
    };
    IndexMap::from([(stand_in.name.clone(), Arc::new(stand_in))])
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".into(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.is_empty() => "-".into(),
        serde_json::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
