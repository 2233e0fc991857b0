//! The URL of a database.

use super::super::{Place, StateError};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fmt;

/// What sqlx takes behind the `?`; it would log any other name with its value, a mistyped `passwd=` among them.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// How to reach a PostgreSQL database. Shown without the password, whichever way.
#[derive(Clone)]
pub struct Address {
    pub(super) options: PgConnectOptions,
}

impl Address {
    /// True when the text begins like such a URL.
    pub fn is_one(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| ["postgres", "postgresql"].iter().any(|name| scheme.eq_ignore_ascii_case(name)))
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// [`StateError::Address`], which repeats no part of the URL that may be a password.
    pub fn parse(url: &str) -> Result<Self, StateError> {
        if let Some(name) = parameters(url).find(|name| !known(name)) {
            return Err(StateError::Address(format!("`{name}` is no parameter of a connection")));
        }
        let options: PgConnectOptions = with_host(url).parse().map_err(|error| StateError::Address(reason(&error)))?;
        // A password with a `/` of its own ends the host too early, and the rest of it would be shown as the database.
        if options.get_database().is_some_and(|name| name.contains('@')) {
            return Err(StateError::Address("the name of the database holds `@`".to_owned()));
        }
        Ok(Self { options: options.application_name("rhapsode").disable_statement_logging() })
    }

    /// `postgres://ada@db.example.com:5432/rhapsode`
    pub fn shown(&self) -> String {
        let options = &self.options;
        let (user, port) = (options.get_username(), options.get_port());
        let database = options.get_database().unwrap_or(user);
        match options.get_socket() {
            Some(folder) => format!("postgres://{user}@/{database}?host={}&port={port}", folder.display()),
            None => format!("postgres://{user}@{}:{port}/{database}", options.get_host()),
        }
    }

    /// The place without the login.
    pub(super) fn place(&self) -> Place {
        Place::Server(self.shown())
    }

    /// True when TLS is not left to chance.
    pub(super) fn demands_tls(&self) -> bool {
        matches!(self.options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    // Behind the last `@`, as a password may hold anything.
    let rest = url.rsplit('@').next().unwrap_or(url);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap_or(pair))
}

/// libpq takes a user without a host, `postgres://ada@/state?host=/run/postgresql`; a URL by the book does not.
fn with_host(url: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let before = before.replacen("@/", "@localhost/", usize::from(before.matches('@').count() == 1));
    query.map_or(before.clone(), |query| format!("{before}?{query}"))
}

fn known(name: &str) -> bool {
    PARAMETERS.contains(&name) || name.starts_with("options[")
}

/// The reason alone: the error of a parameter repeats its value.
fn reason(error: &sqlx::Error) -> String {
    let text = error.to_string();
    let told = ["invalid port number", "empty host", "invalid international domain name", "invalid IPv4 address"];
    let found = told.iter().find(|told| text.contains(**told));
    found.map_or_else(|| "it cannot be read".to_owned(), |told| (*told).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://ada:hunter22@db:6543/state", "postgres://ada@db:6543/state"),
            ("postgresql://ada:hunter%4022@db/state", "postgres://ada@db:5432/state"),
            ("postgres://db/state?user=ada&password=hunter22", "postgres://ada@db:5432/state"),
            ("postgres://ada:hunter22@/state?host=/run/pg", "postgres://ada@/state?host=/run/pg&port=5432"),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.shown(), shown);
            assert_eq!(format!("{address:?}"), shown);
        }
    }

    #[test]
    fn an_error_about_a_url_repeats_nothing_of_a_password() {
        for (url, message) in [
            ("postgres://ada:hunter/22@db/state", "invalid port number"),
            ("postgres://ada:5/hunter22@db/state", "the name of the database holds `@`"),
            ("postgres://ada@db/state?passwd=hunter22", "`passwd` is no parameter of a connection"),
            ("postgres://ada@db/state?sslmode=hunter22", "it cannot be read"),
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(error.to_string().ends_with(message), "{error}");
            let all = format!("{error} {error:?} {:?}", error.hint());
            assert!(!all.contains("hunter"), "{all}");
        }
    }

    #[test]
    fn only_the_scheme_of_postgresql_begins_a_url() {
        assert!(Address::is_one("postgres://db/x") && Address::is_one("PostgreSQL://db/x"));
        assert!(!Address::is_one(".rhapsode/state.db") && !Address::is_one("postgres/state.db"));
    }
}
