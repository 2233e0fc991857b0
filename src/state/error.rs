//! Why the state store refused.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

type Source = Box<dyn Error + Send + Sync>;

/// Why the state store refused, split by what the user can do. All of them end a command with exit code 5.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No room for another row.
    #[error("no space left for the state store `{}`", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The file or its directory cannot be written.
    #[error("cannot write the state store `{}`", path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The file is damaged, or no database at all.
    #[error("the state store `{}` is damaged", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// Written by a newer rhapsode.
    #[error("the state store `{}` has schema {version}, newer than this rhapsode knows", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Version of the schema found there.
        version: i64,
    },
    /// Another process holds it for too long.
    #[error("the state store `{}` is locked by another process", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// Anything else the database or the disk said.
    #[error("the state store `{}` failed", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Source,
    },
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
        match self {
            Self::Full { path, .. } => Some(format!("free some space on the file system of `{}`", folder(path))),
            Self::ReadOnly { path, .. } => {
                Some(format!("make `{}` and the files in it writable for this user", folder(path)))
            }
            Self::Corrupt { path, .. } => {
                let path = path.display();
                Some(format!("move `{path}` away to start afresh; `sqlite3 {path} .recover` may save its rows"))
            }
            Self::Newer { .. } => Some("use the rhapsode that wrote it, or a newer one".to_owned()),
            Self::Busy { .. } => Some("wait for the other run to end, then try again".to_owned()),
            Self::NoRun(_) => Some("`rhapsode history` lists the runs; `last` is the newest".to_owned()),
            Self::Ambiguous { runs, .. } => Some(format!("give more of it: {}", backticked(runs))),
            Self::Database { .. } | Self::Record(_) | Self::Stopped => None,
        }
    }

    pub(super) fn record(source: impl Into<Source>) -> Self {
        Self::Record(source.into())
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
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
