//! The door to the state store.

use super::backend::Backend;
use super::postgres::{Address, Postgres};
use super::sqlite::Sqlite;
use super::{HistorySink, Location, Place, StateError};
use crate::event::RunStart;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Where runs are remembered. Cheap to clone, shared by threads; every call blocks.
#[derive(Clone)]
pub struct Store {
    pub(super) backend: Arc<dyn Backend>,
}

impl Store {
    /// Path of the store below the project root.
    pub const PATH: &str = ".rhapsode/state.db";

    /// Opens the store, makes it when it is not there (directory 0700, file 0600), brings its schema up to date, and
    /// proves that it can be written. Must not be called from an async task.
    ///
    /// # Errors
    /// Every way in which it cannot be used, see [`StateError`].
    pub fn open(path: &Path) -> Result<Self, StateError> {
        make(path).map_err(|error| StateError::io(path, error))?;
        Ok(Self { backend: Arc::new(Sqlite::open(path)?) })
    }

    /// Opens the store at a URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or at a path from the working directory.
    ///
    /// # Errors
    /// Every way in which it cannot be used, see [`StateError`].
    pub fn open_url(url: &str) -> Result<Self, StateError> {
        Location::of(url, Path::new(""))?.open()
    }

    /// Opens the store in a PostgreSQL database, which must be there and belongs to one project; makes its tables and
    /// proves that they can be written. Must not be called from an async task.
    ///
    /// # Errors
    /// Every way in which it cannot be used, see [`StateError`].
    pub fn open_server(address: &Address) -> Result<Self, StateError> {
        Ok(Self { backend: Arc::new(Postgres::open(address)?) })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        self.backend.place()
    }

    /// Opens the store if there is one: a question about the past makes no file.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, StateError> {
        match path.try_exists() {
            Ok(true) => Self::open(path).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(StateError::io(path, error)),
        }
    }

    /// Records that a run begins, at once, and gives back the sink that takes its events.
    ///
    /// # Errors
    /// The store cannot be written; no host shall be touched then.
    pub fn begin(&self, start: &RunStart) -> Result<HistorySink, StateError> {
        HistorySink::begin(self.backend.clone(), start)
    }
}

fn make(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        ignore_in_git(folder)?;
    }
    // SQLite gives its write-ahead log the mode of the file it belongs to.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Otherwise the store itself would make every work tree dirty.
fn ignore_in_git(folder: &Path) -> std::io::Result<()> {
    if folder.file_name().is_none_or(|name| name != ".rhapsode") {
        return Ok(());
    }
    match std::fs::File::create_new(folder.join(".gitignore")) {
        Ok(mut file) => std::io::Write::write_all(&mut file, b"*\n"),
        // Another process was first, or the directory is not ours to write: the database will say so better.
        Err(_) => Ok(()),
    }
}
