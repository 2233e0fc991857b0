//! The files that a run stands on: what they were when it read them, and whether they still are.

use super::prepared::Prepared;
use super::stamp;
use crate::engine::Run;
use crate::event::Event;
use crate::inventory::FileRead;
use crate::script::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Has a run tell what it reads: what was read before it began, and each other file once a host asks for it. Before
/// anything made of it reaches a host, so that a run that is killed has told it too.
pub(super) fn tell(run: &Arc<Run>, prepared: &Prepared) {
    let project = &prepared.world.project;
    let root = project.root.clone();
    let weak = Arc::downgrade(run);
    let tell = move |path: &Path| {
        // One that is not there any more fails the operation that wants it.
        if let (Some(run), Ok(stamp)) = (weak.upgrade(), stamp::quick(path)) {
            let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
            run.emit(Event::SourceRead { path, stamp });
        }
    };
    known(project, prepared.inventory.files_read()).iter().for_each(|path| tell(path));
    project.listen(tell);
}

/// What was read so far; what a command printed is no file.
fn known(project: &Project, inventories: &[FileRead]) -> BTreeSet<PathBuf> {
    let inventories = inventories.iter().filter(|file| !file.path.contains(':')).map(|file| &file.path);
    let settings = project.root.join("rhapsode.yaml");
    let below_root = inventories.map(|path| project.root.join(path)).chain(settings.exists().then_some(settings));
    below_root.chain(project.files_read().into_keys()).chain(project.locals()).collect()
}

/// The first of the files that is another one now.
pub(super) fn changed<'a>(root: &Path, read: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let other = |(path, known): &(&String, &String)| stamp::quick(&root.join(path)).ok().as_ref() != Some(*known);
    read.iter().find(other).map(|(path, _)| path.as_str())
}
