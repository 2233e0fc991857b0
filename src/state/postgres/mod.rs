//! PostgreSQL: one database for all controllers of a project.

mod address;
mod explain;
mod text;

pub use address::Address;

use super::StateError;
use super::backend::{Backend, Statements, Stop, Take};
use super::batch::batched;
use super::place::Place;
use super::sqlite;
use super::statement::{Row, Statement, Value};
use explain::{explain, refused};
use futures_util::TryStreamExt;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Column, Connection, Row as _, SqlSafeStr, TypeInfo, ValueRef};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long a server may take to answer a login.
const LOGIN: Duration = Duration::from_secs(10);

pub(super) struct Postgres {
    place: Place,
    pool: PgPool,
    runtime: Runtime,
}

impl Postgres {
    /// Connects and brings the schema up to date.
    pub fn open(address: &Address) -> Result<Self, StateError> {
        let place = address.place();
        let fail = |error| StateError::Database { path: place.clone(), source: Box::new(error) };
        // A thread of its own reads the sockets, whichever thread waits for an answer.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(fail)?;
        let options = settings(&address.options);
        runtime.block_on(prepare(&place, &options, address.demands_tls()))?;
        let pool = {
            let _guard = runtime.enter();
            PgPoolOptions::new().max_connections(4).acquire_timeout(LOGIN).connect_lazy_with(options)
        };
        Ok(Self { place, pool, runtime })
    }

    fn ask<T>(&self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, StateError> {
        self.runtime.block_on(work).map_err(|stop| match stop {
            Stop::Sql(error) => explain(&self.place, error),
            Stop::State(error) => error,
        })
    }
}

fn settings(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        // A process that is stopped in the middle of a transaction must not keep others from taking over.
        ("idle_in_transaction_session_timeout", "20s"),
        ("lock_timeout", "30s"),
        ("statement_timeout", "0"),
    ])
}

async fn prepare(place: &Place, options: &PgConnectOptions, tls: bool) -> Result<(), StateError> {
    let work = async {
        let mut connection =
            PgConnection::connect_with(options).await.map_err(|error| explain(place, untold(error, tls)))?;
        migrator().run_direct(None, &mut connection, false).await.map_err(|error| refused(place, error))?;
        // Finds a standby and missing rights before any host is touched.
        let probe = sqlx::query("UPDATE runs SET run = run WHERE 1 = 0").execute(&mut connection).await;
        probe.map_err(|error| explain(place, error))?;
        connection.close().await.map_err(|error| explain(place, error))
    };
    match tokio::time::timeout(LOGIN, work).await {
        Ok(done) => done,
        Err(_) => {
            let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within 10 s");
            Err(StateError::Unreachable { path: place.clone(), source: late.into() })
        }
    }
}

/// A server without TLS is reported as a wrong configuration, which would read as if the URL were wrong.
fn untold(error: sqlx::Error, tls: bool) -> sqlx::Error {
    match error {
        sqlx::Error::Configuration(source) if tls => sqlx::Error::Tls(source),
        other => other,
    }
}

/// The migrations of SQLite in the words of PostgreSQL, so that both always mean the same.
///
/// Texts compare by their bytes, as in SQLite, whatever the locale of the database: both answer in the same order.
fn migrator() -> Migrator {
    let translated = sqlite::MIGRATIONS.iter().map(|migration| {
        let sql = migration.sql.as_str().replace("TEXT", "TEXT COLLATE \"C\"").replace("BLOB", "BYTEA");
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(migration.version, migration.description.clone(), migration.migration_type, sql, false)
    });
    Migrator::with_migrations(translated.collect())
}

impl Backend for Postgres {
    fn carry_out(&self, statements: Statements<'_>) -> Result<u64, StateError> {
        self.ask(async {
            let mut transaction = self.pool.begin().await?;
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
            rows.iter().map(plain).collect()
        })
    }

    fn snapshot(&self, questions: Vec<Statement>, take: Take<'_>) -> Result<(), StateError> {
        self.ask(async {
            let mut transaction = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            for (number, question) in questions.into_iter().enumerate() {
                let mut rows = bound(question).fetch(&mut *transaction);
                while let Some(row) = rows.try_next().await? {
                    take(number, plain(&row)?)?;
                }
            }
            Ok(())
        })
    }

    fn now_ms(&self) -> Result<i64, StateError> {
        let sql = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";
        let mut rows = self.read(Statement::new(sql, []))?;
        rows.pop().ok_or_else(|| StateError::record("a clock without an answer"))?.int(0)
    }

    fn place(&self) -> &Place {
        &self.place
    }
}

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bound(statement: Statement) -> Query {
    let sql = AssertSqlSafe(statement.spelled("SELECT unnest(", ")"));
    statement.values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text.map(text::stored)),
        Value::Int(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Texts(texts) => query.bind(texts.into_iter().map(text::stored).collect::<Vec<_>>()),
    })
}

fn plain(row: &PgRow) -> Result<Row, Stop> {
    let value = |index: usize| {
        Ok(match row.try_get_raw(index)?.type_info().name() {
            "INT8" => Value::Int(row.try_get(index)?),
            "INT4" => Value::Int(row.try_get::<Option<i32>, _>(index)?.map(i64::from)),
            "BYTEA" => Value::Bytes(row.try_get(index)?),
            _ => Value::Text(row.try_get::<Option<String>, _>(index)?.map(text::read)),
        })
    };
    let values = row.columns().iter().map(|column| value(column.ordinal()));
    Ok(Row { values: values.collect::<Result<_, sqlx::Error>>()? })
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // As for SQLite: blocking inside another runtime would panic, and the server ends the sessions anyway.
        if tokio::runtime::Handle::try_current().is_err() {
            self.runtime.block_on(self.pool.close());
        }
    }
}
