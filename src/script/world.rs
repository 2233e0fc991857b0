//! What all hosts of a run share on the side of the scripts.

use super::dns::Keys;
use super::project::Project;
use crate::event::Failure;
use crate::pki::ssh::Ssh;
use crate::pki::{Custody, Pki};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Finds the hosts of a selector, in inventory order.
pub type Select = dyn Fn(&str) -> Result<Vec<String>, Failure> + Send + Sync;

/// Limits against endless scripts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps of the interpreter for one host.
    pub operations: u64,
    /// Calls inside calls.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations: 5_000_000, depth: 64 }
    }
}

/// See the module.
pub struct World {
    /// The project of the playbook.
    pub project: Arc<Project>,
    /// Finds hosts.
    pub select: Box<Select>,
    /// What was found already: every host asks.
    pub selected: Mutex<HashMap<String, Arc<[String]>>>,
    /// Against endless scripts.
    pub limits: Limits,
    /// Keys of the data of all hosts: names that templates may use.
    pub data_keys: HashSet<String>,
    /// Its certificates.
    pub authority: Authority,
}

/// The certificates of the project, and its keys of DNS.
pub struct Authority {
    /// The folder that they are kept in: in a rollback the scripts are those of another folder, which goes afterwards.
    home: PathBuf,
    /// The folder of the scripts.
    root: PathBuf,
    own: OnceLock<Arc<Pki>>,
    current: OnceLock<Arc<Pki>>,
    ssh: OnceLock<Arc<Ssh>>,
    current_ssh: OnceLock<Arc<Ssh>>,
    /// Names that a plan would issue.
    pending: Mutex<HashSet<String>>,
    keys: Keys,
    custody: Custody,
}

impl Authority {
    /// Those of a project at `home`, with scripts at `root`.
    pub fn new(home: impl Into<PathBuf>, root: impl Into<PathBuf>) -> Self {
        let (own, current, ssh, current_ssh, pending) = Default::default();
        let (home, root) = (home.into(), root.into());
        let keys = Keys::new(&home, &root);
        let custody = Custody::of_projects([root.clone(), home.clone()]);
        Self { home, root, own, current, ssh, current_ssh, pending, keys, custody }
    }

    /// The keys and serials of DNS: those of the project as it is now.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Who sees that the keys of authorities go nowhere.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }

    /// The folder of the project as it is now.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder of the scripts.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Those that belong to the scripts.
    pub fn own(&self) -> Arc<Pki> {
        Arc::clone(self.own.get_or_init(|| Arc::new(Pki::of_project(&self.root))))
    }

    /// Keys and authorities of OpenSSH that belong to the scripts.
    pub fn ssh(&self) -> Arc<Ssh> {
        Arc::clone(self.ssh.get_or_init(|| Arc::new(Ssh::of_project(&self.root))))
    }

    /// In a rollback those of the project as it is now.
    pub fn ssh_elsewhere(&self) -> Option<Arc<Ssh>> {
        let current = || Arc::clone(self.current_ssh.get_or_init(|| Arc::new(Ssh::of_project(&self.home))));
        (self.home != self.root).then(current)
    }

    /// A plan would issue this.
    pub fn pends(&self, name: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// It was issued.
    pub fn settles(&self, name: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Whether a plan would issue this.
    pub fn is_pending(&self, name: &str) -> bool {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// In a rollback, where nothing can be kept, those of the project as it is now.
    pub fn elsewhere(&self) -> Option<Arc<Pki>> {
        let current = || Arc::clone(self.current.get_or_init(|| Arc::new(Pki::of_project(&self.home))));
        (self.home != self.root).then(current)
    }
}

impl World {
    /// The files of the project, without any inventory: for `check` and documentation.
    pub fn alone(project: Arc<Project>) -> Self {
        let authority = Authority::new(&project.root, &project.root);
        let (limits, data_keys) = (Limits::default(), HashSet::new());
        let selected = Mutex::default();
        Self { project, select: Box::new(|_| Ok(Vec::new())), selected, limits, data_keys, authority }
    }

    /// The hosts of a selector, looked for once a run.
    ///
    /// # Errors
    /// A selector that is wrong.
    pub fn hosts_of(&self, selector: &str) -> Result<Arc<[String]>, Failure> {
        let mut selected = self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hosts) = selected.get(selector) {
            return Ok(Arc::clone(hosts));
        }
        let hosts: Arc<[String]> = (self.select)(selector)?.into();
        selected.insert(selector.to_owned(), Arc::clone(&hosts));
        Ok(hosts)
    }
}
