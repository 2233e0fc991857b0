//! What is remembered of runs, in a database.
//!
//! The meaning is written once, in portable SQL over plain values ([`statement`]); a database is a [`backend::Backend`]
//! that carries statements out. SQLite is the one there is.

mod backend;
mod error;
mod history;
mod record;
mod runs;
mod sqlite;
mod statement;
mod store;

pub use error::StateError;
pub use history::HistorySink;
pub use record::{HostRecord, RunRecord};
pub use store::Store;
