//! Where a store is.

use super::postgres::Address;
use super::{StateError, Store};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a store is, as people may read it: no password is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database: `postgres://ada@db.example.com:5432/rhapsode`.
    Server(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(address) => f.write_str(address),
        }
    }
}

impl From<&str> for Place {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// Where to open a store: a path, or a URL with all that a login needs.
#[derive(Debug, Clone)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server(Box<Address>),
}

impl Location {
    /// Reads a setting: `postgres://` or `postgresql://` begins a URL, all else is a path from `root`.
    ///
    /// Spec of the URL: <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>. What it
    /// leaves out comes from `PGHOST`, `PGUSER`, `PGPASSWORD`, `~/.pgpass` and the like.
    ///
    /// # Errors
    /// [`StateError::Address`] when it is no such URL.
    pub fn of(setting: &str, root: &Path) -> Result<Self, StateError> {
        match Address::is_one(setting) {
            true => Ok(Self::Server(Box::new(Address::parse(setting)?))),
            false => Ok(Self::File(root.join(setting))),
        }
    }

    /// The place without what only a login needs.
    pub fn place(&self) -> Place {
        match self {
            Self::File(path) => Place::File(path.clone()),
            Self::Server(address) => Place::Server(address.shown()),
        }
    }

    /// Opens the store, see [`Store::open`] and [`Store::open_server`].
    ///
    /// # Errors
    /// Every way in which it cannot be used, see [`StateError`].
    pub fn open(&self) -> Result<Store, StateError> {
        match self {
            Self::File(path) => Store::open(path),
            Self::Server(address) => Store::open_server(address),
        }
    }

    /// Opens the store if there is one: a question about the past makes no file. A server is always asked.
    ///
    /// # Errors
    /// As [`Location::open`].
    pub fn open_existing(&self) -> Result<Option<Store>, StateError> {
        match self {
            Self::File(path) => Store::open_existing(path),
            Self::Server(address) => Store::open_server(address).map(Some),
        }
    }
}

/// A setting as it may be shown: a URL without its password.
pub fn shown(setting: &str) -> String {
    match Address::is_one(setting) {
        true => Address::parse(setting).map_or_else(|_| "postgres://…".to_owned(), |address| address.shown()),
        false => setting.to_owned(),
    }
}
