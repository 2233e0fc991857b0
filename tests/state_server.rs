//! A PostgreSQL store that cannot be used: what is said, with which exit code, and never the password.

use crate::history::start;
use crate::support::events::Story;
use crate::support::postgres::{Database, PASSWORD, USER, server};
use rhapsode::event::Mode;
use rhapsode::state::{Location, Place, StateError, Store, shown};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

fn refused(url: &str) -> StateError {
    let error = Store::open_url(url).err().expect("refused");
    let mut all = format!("{error} {error:?} {:?}", error.hint());
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        all.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    for secret in [PASSWORD, "corr%40ct", "hunter22"] {
        assert!(!all.contains(secret), "{all}");
    }
    error
}

#[test]
fn a_wrong_password_is_refused_and_not_repeated() {
    let error = refused(&server().url(USER, "hunter22", "postgres"));
    assert!(matches!(error, StateError::Denied { .. }), "{error:?}");
    let shown = format!("postgres://{USER}@{}/postgres", server().address());
    assert_eq!(error.to_string(), format!("the state store `{shown}` refused the login"));
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(cause, format!("password authentication failed for user \"{USER}\""));
    assert!(error.hint().expect("a hint").contains("`PGPASSWORD`"));
}

#[test]
fn a_database_that_is_missing_is_named() {
    let error = refused(&server().url(USER, PASSWORD, "nowhere"));
    assert!(matches!(error, StateError::NoDatabase { .. }), "{error:?}");
    assert!(error.to_string().ends_with("/nowhere`"), "{error}");
    assert!(error.hint().expect("a hint").contains("createdb"));
}

#[test]
fn a_server_that_does_not_answer_or_hangs_up_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let error = refused(&format!("postgres://ada:hunter22@127.0.0.1:{port}/state"));
    assert!(matches!(error, StateError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot reach the state store `postgres://ada@127.0.0.1:{port}/state`"));

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let hangs_up = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let _ = stream.read(&mut [0; 8]);
    });
    let error = refused(&format!("postgres://ada:hunter22@127.0.0.1:{port}/state?sslmode=disable"));
    hangs_up.join().expect("no panic");
    assert!(matches!(error, StateError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_demanded() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        stream.read_exact(&mut [0; 8]).expect("a request for TLS");
        stream.write_all(b"N").expect("answered");
    });
    let error = refused(&format!("postgres://ada:hunter22@127.0.0.1:{port}/state?sslmode=require"));
    plain.join().expect("no panic");
    assert!(matches!(error, StateError::Unreachable { .. }), "{error:?}");
    assert!(error.hint().expect("a hint").contains("`sslmode`"));
}

#[test]
fn a_server_is_known_by_its_certificate() {
    let database = Database::new();
    let certificate = server().certificate();
    let store = Store::open_url(&database.tls_url("verify-full", Some(&certificate))).expect("the store opens");
    assert!(store.runs(1).expect("runs").is_empty());
    assert_eq!(database.sql("SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND datname = current_database() AND application_name = 'rhapsode'"), "t");
    let error = refused(&database.tls_url("verify-full", None));
    assert!(matches!(error, StateError::Unreachable { .. }), "{error:?}");
    Store::open_url(&database.tls_url("require", None)).expect("encrypted, whoever it is");
}

#[test]
fn a_store_of_a_newer_rhapsode_is_left_alone() {
    let database = Database::new();
    drop(Store::open_url(&database.url()).expect("the store opens"));
    database.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'of the future', true, '', 1)",
    );
    let error = refused(&database.url());
    assert!(matches!(error, StateError::Newer { version: 9999, .. }), "{error:?}");
}

#[test]
fn a_user_who_may_not_write_is_told_so() {
    let database = Database::new();
    drop(Store::open_url(&database.url()).expect("the store opens"));
    let reader = format!("reader_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {reader} LOGIN PASSWORD 'hunter22'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
    ));
    let error = refused(&server().url(&reader, "hunter22", &database.name));
    database.sql(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
    assert!(matches!(error, StateError::ReadOnly { .. }), "{error:?}");
    assert!(error.hint().expect("a hint").starts_with("name the primary, and a user that may create tables"));
}

#[test]
fn a_database_that_only_reads_is_told_so() {
    let database = Database::new();
    drop(Store::open_url(&database.url()).expect("the store opens"));
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    let error = refused(&database.url());
    assert!(matches!(error, StateError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn the_unix_socket_serves_as_well() {
    let database = Database::new();
    let store = Store::open_url(&database.socket_url()).expect("the store opens");
    assert!(store.runs(1).expect("runs").is_empty());
    let Place::Server(shown) = store.place() else { panic!("a server") };
    assert!(shown.starts_with(&format!("postgres://{USER}@/{}?host=/", database.name)), "{shown}");
}

#[test]
fn a_connection_that_was_cut_is_made_again() {
    let database = Database::new();
    let store = Store::open_url(&database.url()).expect("the store opens");
    assert!(store.runs(1).expect("runs").is_empty());
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'rhapsode'",
    );
    assert!(store.runs(1).expect("the pool connects again").is_empty());
}

#[test]
fn a_setting_is_a_url_or_a_path_from_the_root() {
    let root = Path::new("/project");
    let place = |setting: &str| Location::of(setting, root).expect("a location").place();
    assert_eq!(place(".rhapsode/state.db"), Place::File("/project/.rhapsode/state.db".into()));
    assert_eq!(place("/var/state.db"), Place::File("/var/state.db".into()));
    assert_eq!(place("postgres://ada:hunter22@db/x"), Place::Server("postgres://ada@db:5432/x".into()));
    assert_eq!(shown("postgres://ada:hunter22@db/x"), "postgres://ada@db:5432/x");
    assert_eq!(shown("postgres://ada:hunter/22@db/x"), "postgres://…");
    assert_eq!(shown("state.db"), "state.db");
}

/// Makes the server answer the first write of a run with an error of its own making.
fn answering(database: &Database, code: &str, message: &str) -> StateError {
    let store = Store::open_url(&database.url()).expect("the store opens");
    database.sql(&format!(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = {message}; END $$; \
         CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION refuse()"
    ));
    let events = Story::new(Mode::Apply, &["a"]).finish(0);
    store.begin(start(&events)).err().expect("no run begins, so no host is touched")
}

#[test]
fn what_the_server_says_is_sorted_by_what_can_be_done() {
    let database = Database::new();
    let said = |code| answering(&database, code, "'no'");
    assert!(matches!(said("53100"), StateError::Full { .. }));
    assert_eq!(said("53100").hint().as_deref(), Some("free some space on the server"));
    assert!(matches!(said("XX001"), StateError::Corrupt { .. }));
    assert!(matches!(said("57P03"), StateError::Unreachable { .. }));
    assert!(matches!(said("55P03"), StateError::Busy { .. }));
    assert!(matches!(said("42501"), StateError::ReadOnly { .. }));
    assert!(matches!(said("22012"), StateError::Database { .. }));
}

/// Otherwise a process that is stopped in the middle of a transaction would keep the lock from all others for ever.
#[test]
fn a_transaction_of_a_frozen_process_ends_by_itself() {
    let database = Database::new();
    let setting = "current_setting('idle_in_transaction_session_timeout')";
    let error = answering(&database, "22012", setting);
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(cause, "20s");
}
