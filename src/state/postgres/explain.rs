//! What an error of the database means to the user.

use super::super::{Place, StateError};
use sqlx::migrate::MigrateError;

/// Sorts an error by its SQLSTATE.
///
/// Spec: <https://www.postgresql.org/docs/current/errcodes-appendix.html>
pub(super) fn explain(place: &Place, error: sqlx::Error) -> StateError {
    let path = place.clone();
    let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    let unreachable = matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut);
    // What sqlx makes of it ends with a line number in the source of the server.
    let source = match &error {
        sqlx::Error::Database(told) => told.message().to_owned().into(),
        _ => error.into(),
    };
    match code.as_deref() {
        None if unreachable => StateError::Unreachable { path, source },
        // A server that stops or starts, one that has no place left, and a session that was ended.
        Some("25P03" | "57P01" | "57P02" | "57P03" | "53300" | "08000" | "08001" | "08003" | "08004" | "08006") => {
            StateError::Unreachable { path, source }
        }
        Some("28P01" | "28000") => StateError::Denied { path, source },
        Some("3D000") => StateError::NoDatabase { path, source },
        Some("53100") => StateError::Full { path, source },
        Some("25006" | "42501") => StateError::ReadOnly { path, source },
        Some("XX001" | "XX002") => StateError::Corrupt { path, source },
        Some("55P03") => StateError::Busy { path, source },
        _ => StateError::Database { path, source },
    }
}

pub(super) fn refused(place: &Place, error: MigrateError) -> StateError {
    match error {
        MigrateError::VersionMissing(version) => StateError::Newer { path: place.clone(), version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain(place, error),
        other => StateError::Corrupt { path: place.clone(), source: other.into() },
    }
}
