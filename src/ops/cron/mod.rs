//! Jobs in the crontabs of users.

mod job;
mod table;

pub use job::Job;
pub(super) use table::job_of;
