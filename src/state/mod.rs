//! What is remembered of runs, in a database.
//!
//! The meaning is written once, in portable SQL over plain values ([`statement`]); a database is a [`backend::Backend`]
//! that carries statements out: SQLite, one file in the project, or PostgreSQL, for more than one controller. A store
//! belongs to one project.

mod backend;
mod error;
mod history;
mod lock;
mod place;
mod postgres;
mod record;
mod runs;
mod sqlite;
mod statement;
mod store;

pub use error::StateError;
pub use history::HistorySink;
pub use lock::{Holder, Lease, LockRequest};
pub use place::{Location, Place, shown};
pub use postgres::Address;
pub use record::{HostRecord, RunRecord};
pub use store::Store;
