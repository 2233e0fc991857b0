//! What all hosts of a run share on the side of the scripts.

use super::project::Project;
use crate::event::Failure;
use std::collections::HashSet;
use std::sync::Arc;

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
    /// Against endless scripts.
    pub limits: Limits,
    /// Keys of the data of all hosts: names that templates may use.
    pub data_keys: HashSet<String>,
}

impl World {
    /// The files of the project, without any inventory: for `check` and documentation.
    pub fn alone(project: Arc<Project>) -> Self {
        Self { project, select: Box::new(|_| Ok(Vec::new())), limits: Limits::default(), data_keys: HashSet::new() }
    }
}
