//! `group_data/<group>.yaml` and `host_data/<host>.yaml` beside an inventory.

use super::data::Block;
use super::files::Files;
use super::{ALL, InventoryError, InventoryWarning, Spot, nearest};
use indexmap::{IndexMap, IndexSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// The data files of one kind, by group or host.
#[derive(Debug, Default)]
pub(super) struct DataFiles {
    /// One a folder, in the order of the folders.
    blocks: IndexMap<String, Vec<Arc<Block>>>,
}

impl DataFiles {
    /// The blocks for a group or host, lowest first.
    pub fn of(&self, name: &str) -> &[Arc<Block>] {
        self.blocks.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Looks for data files of one kind, `group_data` or `host_data`.
pub(super) struct Search<'a> {
    pub kind: &'static str,
    pub folders: &'a [PathBuf],
    /// Every group or host of the inventory.
    pub known: IndexSet<&'a str>,
}

impl Search<'_> {
    /// Reads the files of known names; a file nobody asks for is left unread, with a warning where it looks mistaken.
    pub fn run(&self, files: &mut Files, warnings: &mut Vec<InventoryWarning>) -> Result<DataFiles, InventoryError> {
        let mut found = DataFiles::default();
        for folder in self.folders {
            let mut seen: IndexMap<String, PathBuf> = IndexMap::new();
            for path in listed(files, &folder.join(self.kind))? {
                let Some(name) = data_name(&path) else {
                    warnings.push(self.stray(&path));
                    continue;
                };
                if let Some(first) = seen.insert(name.clone(), path.clone()) {
                    return Err(two_files(&path, &first));
                }
                if !self.known.contains(name.as_str()) {
                    warnings.extend(self.unasked(&name, &path, &files.real(folder)));
                    continue;
                }
                let node = files.document(&path)?;
                let block = Block::read(format!("{} of `{name}`", self.kind), node)?;
                found.blocks.entry(name).or_default().push(Arc::new(block));
            }
        }
        Ok(found)
    }

    fn stray(&self, path: &Path) -> InventoryWarning {
        let message = format!("`{}` is no data file and is not read", path.display());
        InventoryError::at(&spot(path), message).hint(format!("data files are named `{}/NAME.yaml`", self.kind))
    }

    /// A file for a name that other inventories of the folder know is as it should be.
    fn unasked(&self, name: &str, path: &Path, folder: &Path) -> Option<InventoryWarning> {
        let near = nearest(name, self.known.iter().copied());
        let of_host = self.kind == "host_data";
        // A range or a command of another inventory may well give that host.
        if (of_host && near.is_none()) || mentioned(name, folder) {
            return None;
        }
        let what = if of_host { "host" } else { "group" };
        let warning = InventoryError::at(&spot(path), format!("no inventory here has the {what} `{name}`"));
        Some(match near.filter(|near| *near != ALL) {
            Some(near) => warning.hint(format!("did you mean `{near}`?")),
            None => warning.hint("remove the file, or declare what it is for"),
        })
    }
}

fn spot(path: &Path) -> Spot {
    Spot::whole(path.display().to_string())
}

/// The name that a data file is for.
fn data_name(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?;
    let stem = path.file_stem()?.to_str()?;
    EXTENSIONS.contains(&extension).then(|| stem.to_owned())
}

/// The visible files of a folder in name order; none when there is no such folder.
fn listed(files: &Files, folder: &Path) -> Result<Vec<PathBuf>, InventoryError> {
    let entries = match std::fs::read_dir(files.real(folder)) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => {
            let shown = folder.display();
            let error = InventoryError::at(&spot(folder), format!("cannot list `{shown}`"));
            return Err(error.hint("check that it is a folder, and its permissions").because(cause));
        }
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut paths: Vec<PathBuf> = names.filter(|name| !is_hidden(name)).map(|name| folder.join(name)).collect();
    paths.sort();
    Ok(paths)
}

/// Dot files, and what editors leave behind.
pub(super) fn is_hidden(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~')
}

fn two_files(path: &Path, first: &Path) -> InventoryError {
    let message = format!("`{}` is for the same as `{}`", path.display(), first.display());
    InventoryError::at(&spot(path), message).hint("put both into one file")
}

/// True when any inventory in the folder holds the name as a word of its own.
fn mentioned(name: &str, folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let texts = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let part = |c: char| c.is_alphanumeric() || "._-".contains(c);
    texts.into_iter().any(|text| text.split(|c| !part(c)).any(|word| word == name))
}
