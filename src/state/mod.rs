//! What is remembered of runs, in a database.
//!
//! The meaning is written once, in portable SQL over plain values ([`statement`]); a database is a [`backend::Backend`]
//! that carries statements out: SQLite, one file in the project, or PostgreSQL, for more than one controller. A store
//! belongs to one project.

mod backend;
mod batch;
mod contents;
mod error;
mod history;
mod intents;
mod journal;
mod ledger;
mod lock;
mod notifications;
mod outputs;
mod place;
mod plans;
mod postgres;
mod record;
mod runs;
mod sqlite;
mod statement;
mod store;
mod tidy;
mod traces;
mod transfer;

pub use contents::Content;
pub use error::StateError;
pub use history::HistorySink;
pub use intents::{Intent, Unfinished};
pub use journal::{Intended, Intending, Journal};
pub use ledger::{Author, Declared, LedgerEntry, LedgerFilter, Prior, ResourceId, Scope};
pub use lock::{Holder, Lease, LockRequest};
pub use notifications::Pending;
pub use outputs::Output;
pub use place::{Location, Place, shown};
pub use plans::PlanRecord;
pub use postgres::Address;
pub use record::{HostRecord, RunRecord};
pub use runs::RunFilter;
pub use store::Store;
pub use traces::Trace;
