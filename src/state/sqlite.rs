//! SQLite: one file in the project, many processes.

use super::backend::{Backend, Statements, Stop, Take};
use super::batch::batched;
use super::statement::{Row, Statement, Value, json};
use super::{Place, StateError};
use futures_util::TryStreamExt;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row as _, SqliteConnection, TypeInfo, ValueRef};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/state/migrations");

/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// Threads of a run that read at the same time.
const CONNECTIONS: u32 = 4;

pub(super) struct Sqlite {
    place: Place,
    pool: SqlitePool,
    // Threads of one process take turns here: SQLite itself lets them poll, with sleeps in between.
    writing: Mutex<()>,
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
            .synchronous(SqliteSynchronous::Normal)
            .disable_statement_logging();
        runtime.block_on(prepare(path, &options))?;
        // All of them at once and for good: later, the hosts of a run may have taken what files and threads there are.
        let pool = SqlitePoolOptions::new().min_connections(CONNECTIONS).max_connections(CONNECTIONS);
        let pool = pool.acquire_timeout(BUSY * 2).idle_timeout(None).max_lifetime(None);
        let pool = runtime.block_on(pool.connect_with(options)).map_err(|error| explain(path, error))?;
        Ok(Self { place: path.into(), pool, writing: Mutex::new(()), runtime })
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
        MigrateError::VersionMissing(version) => StateError::Newer { path: path.into(), version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain(path, error),
        other => StateError::Corrupt { path: path.into(), source: other.into() },
    }
}

/// Sorts an error by its primary result code.
///
/// Spec: <https://www.sqlite.org/rescode.html>
fn explain(path: &Path, error: sqlx::Error) -> StateError {
    let error = match error {
        // Of a database that is a file only the start of the thread of a connection.
        sqlx::Error::Io(error) => return StateError::Thread(error),
        error => error,
    };
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    let (path, source) = (Place::from(path), error.into());
    // 778, 1034 and 4874: a write, an fsync or a growing of the shared memory failed, most often for want of room.
    match code.map(|code| (code & 0xff, code)) {
        Some((13, _) | (_, 778 | 1034 | 4874)) => StateError::Full { path, source },
        Some((8 | 14 | 3, _)) => StateError::ReadOnly { path, source },
        Some((11 | 26, _)) => StateError::Corrupt { path, source },
        Some((5 | 6, _)) => StateError::Busy { path, source },
        _ => StateError::Database { path, source },
    }
}

impl Sqlite {
    fn ask<T>(&self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, StateError> {
        let Place::File(path) = &self.place else { unreachable!("a SQLite store is a file") };
        self.runtime.block_on(work).map_err(|stop| match stop {
            Stop::Sql(error) => explain(path, error),
            Stop::State(error) => error,
        })
    }
}

impl Backend for Sqlite {
    fn carry_out(&self, statements: Statements<'_>) -> Result<u64, StateError> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.ask(async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut written = 0;
            for statement in batched(statements) {
                let statement = statement?;
                let required = statement.required;
                let rows = bound(statement).execute(&mut *transaction).await?.rows_affected();
                if required && rows == 0 {
                    return Err(StateError::fenced().into());
                }
                written += rows;
            }
            transaction.commit().await?;
            Ok(written)
        })
    }

    fn read(&self, question: Statement) -> Result<Vec<Row>, StateError> {
        self.ask(async {
            let rows = bound(question).fetch_all(&self.pool).await?;
            Ok(rows.iter().map(plain).collect::<Result<_, _>>()?)
        })
    }

    fn snapshot(&self, questions: Vec<Statement>, take: Take<'_>) -> Result<(), StateError> {
        self.ask(async {
            let mut transaction = self.pool.begin().await?;
            for (number, question) in questions.into_iter().enumerate() {
                let mut rows = bound(question).fetch(&mut *transaction);
                while let Some(row) = rows.try_next().await? {
                    take(number, plain(&row)?)?;
                }
            }
            Ok(())
        })
    }

    /// All who share the file share the machine.
    fn now_ms(&self) -> Result<i64, StateError> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn place(&self) -> &Place {
        &self.place
    }
}

fn bound(statement: Statement) -> sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    let sql = AssertSqlSafe(statement.spelled("SELECT value FROM json_each(", ")"));
    statement.values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Int(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Texts(texts) => query.bind(json(&texts)),
    })
}

fn plain(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let value = |index: usize| match row.try_get_raw(index)?.type_info().name() {
        "INTEGER" => row.try_get_unchecked(index).map(Value::Int),
        "BLOB" => row.try_get_unchecked(index).map(Value::Bytes),
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
