//! SQLite: one file in the project, many processes.

use super::StateError;
use super::backend::Backend;
use super::statement::{Row, Statement, Value};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Column, Connection, Row as _, SqliteConnection, TypeInfo, ValueRef};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

static MIGRATIONS: Migrator = sqlx::migrate!("src/state/migrations");

/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(10);

pub(super) struct Sqlite {
    path: PathBuf,
    pool: SqlitePool,
    // Every connection of sqlx lives on a thread of its own, so the runtime only wakes the caller.
    runtime: Runtime,
}

impl Sqlite {
    /// Opens the file, which must be there, and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| StateError::io(path, error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        runtime.block_on(prepare(path, &options))?;
        // Made inside the runtime, as the pool starts a task that closes idle connections.
        let pool = {
            let _guard = runtime.enter();
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(BUSY * 2).connect_lazy_with(options)
        };
        Ok(Self { path: path.to_owned(), pool, runtime })
    }
}

/// Two processes may open a new file at the same time, and SQLite does not wait for its turn when the journal mode is
/// changed: "database is locked" at once, whatever the busy timeout. Hence the second try.
async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<(), StateError> {
    let started = Instant::now();
    loop {
        match migrate(path, options).await {
            Err(StateError::Busy { .. }) if started.elapsed() < BUSY => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => return done,
        }
    }
}

async fn migrate(path: &Path, options: &SqliteConnectOptions) -> Result<(), StateError> {
    let fail = |error| explain(path, error);
    let mut connection = SqliteConnection::connect_with(options).await.map_err(fail)?;
    // The migrator takes no lock on SQLite; an outer transaction that writes is one.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(|error| refused(path, error))?;
    // A full disk shall be found here, before any host is touched, and not with the first row of the run.
    sqlx::query("CREATE TABLE room (page BLOB)").execute(&mut *transaction).await.map_err(fail)?;
    sqlx::query("INSERT INTO room VALUES (zeroblob(65536))").execute(&mut *transaction).await.map_err(fail)?;
    sqlx::query("DROP TABLE room").execute(&mut *transaction).await.map_err(fail)?;
    transaction.commit().await.map_err(fail)?;
    connection.close().await.map_err(fail)
}

fn refused(path: &Path, error: MigrateError) -> StateError {
    match error {
        MigrateError::VersionMissing(version) => StateError::Newer { path: path.to_owned(), version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain(path, error),
        other => StateError::Corrupt { path: path.to_owned(), source: other.into() },
    }
}

/// Sorts an error by its primary result code.
///
/// Spec: <https://www.sqlite.org/rescode.html>
fn explain(path: &Path, error: sqlx::Error) -> StateError {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    let (path, source) = (path.to_owned(), error.into());
    // 778, 1034 and 4874: a write, an fsync or a growing of the shared memory failed, most often for want of room.
    match code.map(|code| (code & 0xff, code)) {
        Some((13, _) | (_, 778 | 1034 | 4874)) => StateError::Full { path, source },
        Some((8 | 14 | 3, _)) => StateError::ReadOnly { path, source },
        Some((11 | 26, _)) => StateError::Corrupt { path, source },
        Some((5 | 6, _)) => StateError::Busy { path, source },
        _ => StateError::Database { path, source },
    }
}

impl Backend for Sqlite {
    fn write(&self, statements: Vec<Statement>) -> Result<(), StateError> {
        let work = async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            for statement in statements {
                bound(statement).execute(&mut *transaction).await?;
            }
            transaction.commit().await
        };
        self.runtime.block_on(work).map_err(|error| explain(&self.path, error))
    }

    fn read(&self, question: Statement) -> Result<Vec<Row>, StateError> {
        let rows = self.runtime.block_on(bound(question).fetch_all(&self.pool));
        let rows = rows.map_err(|error| explain(&self.path, error))?;
        rows.iter().map(plain).collect::<Result<_, _>>().map_err(|error| explain(&self.path, error))
    }
}

fn bound(statement: Statement) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    statement.values.into_iter().fold(sqlx::query(statement.sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Int(number) => query.bind(number),
    })
}

fn plain(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let value = |index: usize| match row.try_get_raw(index)?.type_info().name() {
        "INTEGER" => row.try_get_unchecked(index).map(Value::Int),
        _ => row.try_get_unchecked(index).map(Value::Text),
    };
    let values = row.columns().iter().map(|column| value(column.ordinal())).collect::<Result<_, _>>()?;
    Ok(Row { values })
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Closing folds the write-ahead log into the file. Blocking inside another runtime would panic; there the
        // connections close by themselves, and the next open does the folding.
        if tokio::runtime::Handle::try_current().is_err() {
            self.runtime.block_on(self.pool.close());
        }
    }
}
