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

    /// The playbooks in its `playbooks/`, in the order of their names.
    pub fn playbooks(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.root.join(FOLDER)).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "rhai"));
        files.sort();
        files
    }

    fn missing(&self, named: &Path) -> Failure {
        let failure = Failure::new(format!("no playbook `{}`", named.display()));
        let known: Vec<String> = self.playbooks().iter().map(|path| self.shown(path)).collect();
        if known.is_empty() {
            return failure.hint("name a file; `rhapsode init` makes a project with a first playbook");
        }
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stems: Vec<String> = known.iter().map(|path| stem(Path::new(path))).collect();
        let near = nearest(&stem(named), stems.iter().map(String::as_str));
        if let Some(at) = near.and_then(|near| stems.iter().position(|stem| stem == near)) {
            return failure.hint(format!("did you mean `{}`?", known[at]));
        }
        let more = if known.len() > LISTED { ", …" } else { "" };
        failure.hint(format!("the project has {}{more}", known[..known.len().min(LISTED)].join(", ")))
    }
}
