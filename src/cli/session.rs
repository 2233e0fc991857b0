//! What commands share: settings, project, inventory, selected hosts, state store.

use super::args::Common;
use super::config::{Config, ConfigError};
use super::failure::CommandError;
use super::git::Checkout;
use crate::event::Failure;
use crate::inventory::{Host, Inventory, Loader, Selector, SelectorError};
use crate::pki::Custody;
use crate::script::{Authority, Limits, Project, RhaiInventories, World};
use crate::secret::{Providers, Resolve};
use crate::state::{Location, StateError};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// One command line at work.
pub struct Session {
    /// Its options.
    pub flags: Common,
    /// Settings from everywhere.
    pub config: Config,
    /// Where scripts and inventories are read.
    pub project: Arc<Project>,
    /// Where its secrets come from.
    pub secrets: Arc<Providers>,
    /// The folder of the project that the state belongs to: in a rollback the scripts are those of another folder.
    pub home: PathBuf,
    /// The commit of the scripts, where it is not the one that is checked out.
    pub pinned: Option<Checkout>,
    /// Whether pending changes of a plan make its exit code.
    pub pending_counts: bool,
}

impl Session {
    /// Finds the project and reads its settings.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(flags: Common) -> Result<Self, ConfigError> {
        let project = match &flags.project {
            Some(folder) if !folder.is_dir() => return Err(ConfigError::Folder(folder.clone())),
            Some(folder) => Project::new(folder),
            None => Project::around(&std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))),
        };
        let mut config = Config::load(&flags, &project.root)?;
        config.inventory.value = named_from_here(&flags, &project, &config.inventory.value);
        let home = project.root.clone();
        let secrets = Arc::new(Providers::of_project(&home));
        let mut session = Self { flags, config, project, secrets, home, pinned: None, pending_counts: false };
        session.take_secrets_of_project();
        Ok(session)
    }

    /// Secrets come from the folder of the scripts: those of an earlier commit are used with its playbooks.
    pub fn take_secrets_of_project(&mut self) {
        let custody = Custody::of_projects([self.project.root.clone(), self.home.clone()]);
        self.secrets = Arc::new(Providers::of_project(&self.project.root).inspected_by(custody));
        crate::secret::install(Some(Arc::clone(&self.secrets) as Arc<dyn Resolve>));
    }

    /// Loads the inventory.
    ///
    /// # Errors
    /// What is wrong with it; that none is named.
    pub fn inventory(&self) -> Result<Inventory, CommandError> {
        let named = &self.config.inventory.value;
        if named.is_empty() {
            return Err(CommandError::no_inventory());
        }
        let mut scripts = RhaiInventories::new(Arc::clone(&self.project));
        let loader = Loader::new(&self.project.root).data(self.flags.data.iter().cloned()).rhai(&mut scripts);
        Ok(loader.load(named)?)
    }

    /// The hosts that `--limit` and `--exclude` leave.
    ///
    /// # Errors
    /// A selector that is wrong, or that matches nothing.
    pub fn selected(&self, inventory: &Inventory) -> Result<Vec<String>, CommandError> {
        let limit = self.config.limit.value.as_deref().unwrap_or("all");
        let selected = self.select(inventory, limit)?;
        let excluded = match &self.flags.exclude {
            Some(exclude) => match Selector::parse(exclude)?.select(inventory, &*self.failed_hosts()) {
                Err(error) if error.is_no_match() => Vec::new(),
                excluded => excluded?,
            },
            None => Vec::new(),
        };
        let excluded: HashSet<String> = excluded.into_iter().collect();
        let left: Vec<String> = selected.into_iter().filter(|host| !excluded.contains(host)).collect();
        if left.is_empty() {
            return Err(CommandError::no_host());
        }
        Ok(left)
    }

    /// The hosts of a selector.
    ///
    /// # Errors
    /// A selector that is wrong, or that matches nothing.
    pub fn select(&self, inventory: &Inventory, selector: &str) -> Result<Vec<String>, CommandError> {
        Ok(Selector::parse(selector)?.select(inventory, &*self.failed_hosts())?)
    }

    /// Where the state store is.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn state(&self) -> Result<Location, StateError> {
        Location::of(&self.config.state.value, &self.home)
    }

    /// What scripts share.
    pub fn world(&self, inventory: &Arc<Inventory>) -> Arc<World> {
        let known = Arc::clone(inventory);
        let failed = self.failed_hosts();
        let select = move |selector: &str| -> Result<Vec<String>, Failure> {
            let parsed = Selector::parse(selector);
            match parsed.and_then(|parsed| parsed.select(&known, &*failed)) {
                Ok(hosts) => Ok(hosts),
                Err(SelectorError::NoMatch { .. }) => Ok(Vec::new()),
                Err(error) => Err(Failure::new(error.to_string()).hint(error.hint())),
            }
        };
        let limits = Limits { operations: self.config.max_operations.value, depth: self.config.max_depth.value };
        let data_keys = inventory.hosts().flat_map(|host| host.data.keys().cloned()).collect();
        let (project, authority) = (Arc::clone(&self.project), Authority::new(&self.home, &self.project.root));
        let selected = Mutex::default();
        Arc::new(World { project, select: Box::new(select), selected, limits, data_keys, authority })
    }

    fn failed_hosts(&self) -> Box<dyn Fn() -> Vec<String> + Send + Sync> {
        let state = self.state().ok();
        Box::new(move || {
            let store = state.as_ref().and_then(|state| state.open_existing().ok().flatten());
            store.and_then(|store| store.failed_hosts_of_last_run(None).ok()).unwrap_or_default()
        })
    }
}

/// A path on the command line starts where the user stands; one in a file at the project's root.
fn named_from_here(flags: &Common, project: &Project, named: &[String]) -> Vec<String> {
    let here = |name: &String| {
        let path = Path::new(name);
        match flags.inventory.contains(name) && path.exists() {
            true => path.canonicalize().map_or_else(|_| name.clone(), |path| project.shown(&path)),
            false => name.clone(),
        }
    };
    named.iter().map(here).collect()
}

/// The hosts as the engine takes them.
pub fn shared_hosts(inventory: &Inventory) -> IndexMap<String, Arc<Host>> {
    inventory.hosts().map(|host| (host.name.clone(), Arc::new(host.clone()))).collect()
}
