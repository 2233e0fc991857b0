//! Why the state store refused.

use super::{Holder, Place};
use crate::event::remedy;
use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

type Source = Box<dyn Error + Send + Sync>;

/// Why the state store refused, split by what the user can do. All of them end a command with exit code 5.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No room for another row.
    #[error("no space left for the state store `{path}`")]
    Full {
        /// Where it is.
        path: Place,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The file or its directory cannot be written.
    #[error("cannot write the state store `{path}`")]
    ReadOnly {
        /// Where it is.
        path: Place,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The file is damaged, or no database at all.
    #[error("the state store `{path}` is damaged")]
    Corrupt {
        /// Where it is.
        path: Place,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// Written by a newer rhapsode.
    #[error("the state store `{path}` has schema {version}, newer than this rhapsode knows")]
    Newer {
        /// Where it is.
        path: Place,
        /// Version of the schema found there.
        version: i64,
    },
    /// Another process holds it for too long.
    #[error("the state store `{path}` is locked by another process")]
    Busy {
        /// Where it is.
        path: Place,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// No server answers there, or it broke off.
    #[error("cannot reach the state store `{path}`")]
    Unreachable {
        /// Where it is.
        path: Place,
        /// What the network or the server said.
        #[source]
        source: Source,
    },
    /// The server does not let this user in.
    #[error("the state store `{path}` refused the login")]
    Denied {
        /// Where it is.
        path: Place,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// The server has no database of that name.
    #[error("there is no database for the state store `{path}`")]
    NoDatabase {
        /// Where it should be.
        path: Place,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// A URL that cannot be read. It is not repeated, as it may hold a password.
    #[error("the URL of the state store is wrong: {0}")]
    Address(String),
    /// Another run holds the lock.
    #[error("inventory `{}` is in use by {}, {}", .0.inventory, .0.who(), .0.doing())]
    Locked(Box<Holder>),
    /// The lock of this run was lost, so it must not write any more.
    #[error("this run lost its lock{}", taken(.0.as_deref()))]
    Fenced(Option<Box<Holder>>),
    /// No resource of that address.
    #[error("no resource `{0}` is recorded")]
    NoResource(String),
    /// A resource is already recorded under that address.
    #[error("a resource `{0}` is recorded already")]
    ResourceExists(String),
    /// An import into a store that holds something.
    #[error("the state store `{path}` is not empty: it holds rows in `{table}`")]
    NotEmpty {
        /// Where it is.
        path: Place,
        /// The first table with rows.
        table: &'static str,
    },
    /// A line of an import that no export wrote.
    #[error("line {line} of the import {what}")]
    Import {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A stream of an export or import failed.
    #[error("cannot {0}")]
    Stream(&'static str, #[source] std::io::Error),
    /// Anything else the database or the disk said.
    #[error("the state store `{path}` failed")]
    Database {
        /// Where it is.
        path: Place,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The system gives no thread for the work of the store.
    #[error("cannot start a thread for the state store")]
    Thread(#[source] std::io::Error),
    /// A row holds what no rhapsode wrote.
    #[error("a record of the state store makes no sense")]
    Record(#[source] Source),
    /// No run of that name.
    #[error("no run `{0}` is recorded")]
    NoRun(String),
    /// The beginning of more than one run.
    #[error("`{prefix}` is the beginning of {} runs", runs.len())]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The runs that begin with it, newest first.
        runs: Vec<String>,
    },
    /// An earlier write failed, so this one was not tried.
    #[error("the history ended early")]
    Stopped,
}

impl StateError {
    /// Something to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Full { path, .. } => match path {
                Place::File(file) => format!("free some space on the file system of `{}`", folder(file)),
                Place::Server(_) => "free some space on the server".to_owned(),
            },
            Self::ReadOnly { path, .. } => match path {
                Place::File(file) => format!("make `{}` and the files in it writable for this user", folder(file)),
                Place::Server(_) => "name the primary, and a user that may create tables and write".to_owned(),
            },
            Self::Corrupt { path: Place::File(file), .. } => {
                let path = file.display();
                format!("move `{path}` away to start afresh; `sqlite3 {path} .recover` may save its rows")
            }
            Self::Corrupt { .. } => "restore the database from a backup, or name an empty one".to_owned(),
            Self::Newer { .. } => "use the rhapsode that wrote it, or a newer one".to_owned(),
            Self::Busy { .. } => "wait for the other run to end, then try again".to_owned(),
            Self::Unreachable { .. } => {
                "see that the server runs and that host, port and `sslmode` are right".to_owned()
            }
            Self::Denied { .. } => "give user and password in the URL, in `PGPASSWORD`, or in `~/.pgpass`".to_owned(),
            Self::NoDatabase { .. } => "`createdb NAME` on the server makes one; rhapsode makes its tables".to_owned(),
            Self::Address(_) => {
                "write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `%40` for `@` and `%2F` for `/`".to_owned()
            }
            Self::Locked(holder) => holder.hint(),
            Self::Fenced(_) => {
                "wait for the other run to end, then run again: what is done is not done twice".to_owned()
            }
            Self::NoRun(_) => "`rhapsode history` lists the runs; `last` is the newest".to_owned(),
            Self::NoResource(_) => "`rhapsode state list` shows the addresses".to_owned(),
            Self::ResourceExists(_) => "`rhapsode state rm` forgets it".to_owned(),
            Self::NotEmpty { .. } => "name a new store: an import only fills one that holds nothing".to_owned(),
            Self::Ambiguous { runs, .. } => format!("give more of it: {}", backticked(runs)),
            Self::Import { .. } => "take the file as `rhapsode state export` wrote it, whole".to_owned(),
            Self::Thread(error) | Self::Stream(_, error) => remedy(error)?.to_owned(),
            // The database wraps what the system said.
            Self::Database { source, .. } => source.downcast_ref().and_then(remedy)?.to_owned(),
            Self::Record(_) | Self::Stopped => return None,
        })
    }

    pub(super) fn fenced() -> Self {
        Self::Fenced(None)
    }

    pub(super) fn record(source: impl Into<Source>) -> Self {
        Self::Record(source.into())
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        let path = Place::from(path);
        let kind = source.kind();
        let source = source.into();
        match kind {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full { path, source },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            _ => Self::Database { path, source },
        }
    }
}

fn folder(path: &Path) -> String {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.display().to_string(),
        _ => ".".to_owned(),
    }
}

fn backticked(runs: &[String]) -> String {
    let shown: Vec<String> = runs.iter().take(5).map(|run| format!("`{run}`")).collect();
    shown.join(", ")
}

fn taken(by: Option<&Holder>) -> String {
    by.map_or_else(String::new, |holder| format!(" to {}, {}", holder.who(), holder.doing()))
}
