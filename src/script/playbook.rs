//! Which file a word on the command line means.

use super::project::Project;
use crate::event::Failure;
use crate::inventory::nearest;
use std::path::{Path, PathBuf};

/// Where a project keeps its playbooks.
const FOLDER: &str = "playbooks";

/// Names that a hint lists.
const LISTED: usize = 6;

impl Project {
    /// The playbook of that name: from where the user stands, from the root of the project, or in its `playbooks/`; the
    /// first that is there.
    ///
    /// # Errors
    /// There is none; the hint names the nearest, or those there are.
    pub fn playbook(&self, named: &Path) -> Result<PathBuf, Failure> {
        let tried = [named.to_owned(), self.root.join(named), self.root.join(FOLDER).join(named)];
        match tried.into_iter().find(|path| path.is_file()) {
            Some(path) => Ok(path.canonicalize().unwrap_or(path)),
            None => Err(self.missing(named)),
        }
    }

    fn missing(&self, named: &Path) -> Failure {
        let mut known = self.playbooks();
        let wanted = named.file_name().unwrap_or_default().to_string_lossy();
        let hint = match nearest(&wanted, known.iter().map(String::as_str)) {
            Some(near) => Some(format!("did you mean `{FOLDER}/{near}`?")),
            None if known.is_empty() => None,
            None => {
                let more = if known.len() > LISTED { ", …" } else { "" };
                known.truncate(LISTED);
                Some(format!("`{FOLDER}/` has {}{more}", known.join(", ")))
            }
        };
        Failure { hint, ..Failure::new(format!("no playbook `{}`", named.display())) }
    }

    /// Names in its `playbooks/`, in their order.
    fn playbooks(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.root.join(FOLDER)).into_iter().flatten().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".rhai")).collect();
        names.sort();
        names
    }
}
