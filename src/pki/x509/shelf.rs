//! The folder `pki` of a project: its names, its files, and the lock on it.

use super::record::Record;
use crate::pki::PkiError;
use crate::secret::committed::{Locked, write_whole};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where the folders of certificates are, from the project.
const FOLDER: &str = "pki";
/// There while the files of a folder change: a run that ended in between is told from a file that was changed by hand.
const UNFINISHED: &str = ".unfinished";

pub(super) const CERTIFICATE: &str = "certificate.pem";
pub(super) const CHAIN: &str = "chain.pem";
pub(in crate::pki) const RECORD: &str = "record.json";
pub(in crate::pki) const CRL: &str = "crl.pem";
/// In the folder of a root that rotates.
pub(super) const NEXT: &str = "next.pem";
pub(super) const CROSS: &str = "cross.pem";
pub(super) const PREVIOUS: &str = "previous";

pub(super) struct Shelf {
    root: PathBuf,
    /// Records by name, with the text they were read from: that of an authority grows long, and each certificate asks it.
    pub(super) known: Mutex<HashMap<String, (String, Record)>>,
}

/// Looks at a name: parts of letters, digits, `.`, `_` and `-`, joined by `/`.
pub(super) fn check_name(name: &str) -> Result<(), PkiError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let taken = [CERTIFICATE, CHAIN, RECORD, CRL, NEXT, CROSS, PREVIOUS];
    if name.len() > 200 || !name.split('/').all(|part| plain(part) && !taken.contains(&part)) {
        let hint = "write letters, digits, `.`, `_` and `-`, with `/` for folders: `home/web1`";
        return Err(PkiError::invalid_hint(format!("`{name}` is no name of a certificate"), hint));
    }
    if name == "ssh" || name.starts_with("ssh/") {
        let problem = format!("`{name}` is no name of a certificate: `pki/ssh` is for keys of OpenSSH");
        return Err(PkiError::invalid_hint(problem, "take a name that does not begin with `ssh/`"));
    }
    Ok(())
}

impl Shelf {
    pub fn of_project(root: &Path) -> Self {
        Self { root: root.to_owned(), known: Mutex::default() }
    }

    /// Waits until nobody else changes anything, and keeps others from it.
    pub fn lock(&self) -> Result<Locked, PkiError> {
        Locked::to_change(&self.root.join(FOLDER)).map_err(failed("lock", FOLDER))
    }

    /// Waits until nobody changes anything; others may read. Where nothing is, nobody is waited for.
    pub fn lock_to_read(&self) -> Result<Option<Locked>, PkiError> {
        let folder = self.root.join(FOLDER);
        if !folder.exists() {
            return Ok(None);
        }
        Locked::to_read(&folder).map(Some).map_err(failed("lock", FOLDER))
    }

    /// A file's path from the project.
    pub fn shown(name: &str, file: &str) -> String {
        format!("{FOLDER}/{name}/{file}")
    }

    fn path(&self, name: &str, file: &str) -> PathBuf {
        self.root.join(Self::shown(name, file))
    }

    /// The text of a file; `None` when there is none.
    pub fn read(&self, name: &str, file: &str) -> Result<Option<String>, PkiError> {
        let shown = Self::shown(name, file);
        match std::fs::read(self.path(name, file)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                // What git makes of line ends on other systems.
                Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
                Err(_) => Err(PkiError::Damaged { path: shown, problem: "it is no text".into() }),
            },
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(failed("read", &shown)(error)),
        }
    }

    /// Writes a file whole, or not at all.
    pub fn write(&self, name: &str, file: &str, text: &str) -> Result<(), PkiError> {
        write_whole(&self.path(name, file), text.as_bytes()).map_err(failed("write", &Self::shown(name, file)))
    }

    /// Removes a file, where there is one.
    pub fn remove(&self, name: &str, file: &str) -> Result<(), PkiError> {
        match std::fs::remove_file(self.path(name, file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &Self::shown(name, file))(error)),
            _ => Ok(()),
        }
    }

    /// Says that the files of a folder are about to change.
    pub fn begin(&self, name: &str) -> Result<(), PkiError> {
        self.write(
            name,
            UNFINISHED,
            "rhapsode is issuing this certificate, or was interrupted; the next run finishes it\n",
        )
    }

    /// Says that they fit again.
    pub fn finish(&self, name: &str) -> Result<(), PkiError> {
        self.remove(name, UNFINISHED)
    }

    /// Whether a run ended between the two.
    pub fn is_unfinished(&self, name: &str) -> bool {
        self.path(name, UNFINISHED).exists()
    }

    /// The files of former roots, sorted.
    pub fn previous(&self, name: &str) -> Result<Vec<String>, PkiError> {
        let shown = Self::shown(name, PREVIOUS);
        let entries = match std::fs::read_dir(self.path(name, PREVIOUS)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed("list", &shown))?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut files: Vec<String> = names.map(|file| format!("{PREVIOUS}/{file}")).collect();
        files.retain(|file| file.ends_with(".pem"));
        files.sort();
        Ok(files)
    }

    /// Every name with a record, sorted.
    pub fn names(&self) -> Result<Vec<String>, PkiError> {
        let folder = self.root.join(FOLDER);
        let mut found = Vec::new();
        walk(&folder, &mut found).map_err(failed("list", FOLDER))?;
        let name = |path: &PathBuf| Some(path.strip_prefix(&folder).ok()?.to_str()?.to_owned());
        let mut names: Vec<String> = found.iter().filter_map(name).filter(|name| check_name(name).is_ok()).collect();
        names.sort();
        Ok(names)
    }
}

fn failed(doing: &'static str, path: &str) -> impl FnOnce(std::io::Error) -> PkiError {
    let path = path.to_owned();
    move |source| PkiError::File { doing, path, source }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else if entry.file_name() == RECORD {
            found.push(folder.to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_folder_and_off_its_files() {
        for good in ["home", "home/web1", "a.b/c_d-e", "home/previous1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in
            ["", "/", "a/", "../a", "a/../b", ".a", "-a", "a b", "a//b", "home/previous", "home/record.json", "ä"]
        {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
