//! A state store of either kind, with nothing in it.

use super::postgres::Database;
use rhapsode::state::Store;
use std::path::PathBuf;

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database on a server.
    Postgres,
}

/// Where a store is.
#[derive(Debug)]
pub struct Bed {
    dir: tempfile::TempDir,
    database: Option<Database>,
}

impl Bed {
    /// A place for a store; there is none yet.
    pub fn new(kind: Kind) -> Self {
        let database = (kind == Kind::Postgres).then(Database::new);
        Self { dir: tempfile::tempdir().expect("a temp dir"), database }
    }

    /// Opens the store, as another process would.
    pub fn open(&self) -> Store {
        Store::open_url(&self.url()).expect("the store opens")
    }

    /// What to open it by.
    pub fn url(&self) -> String {
        match &self.database {
            Some(database) => database.url(),
            None => self.path().to_str().expect("a plain path").to_owned(),
        }
    }

    /// Path of the file.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(Store::PATH)
    }

    /// A folder for other files of the test.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Asks the database for one number behind the store's back.
    pub fn number(&self, sql: &str) -> i64 {
        match &self.database {
            Some(database) => database.sql(sql).parse().expect("a number"),
            None => sqlite_number(&self.path(), sql),
        }
    }
}

fn sqlite_number(path: &std::path::Path, sql: &str) -> i64 {
    use sqlx::Connection;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("a database");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.expect("an answer")
    })
}
