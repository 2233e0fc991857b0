//! Room for the streams of many hosts.

use super::failure::CommandError;
use crate::event::Failure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Streams of the shells of one host, those of a second user and of a control socket among them.
const A_HOST: u64 = 10;

/// What the process itself and its state store keep open.
const OURS: u64 = 128;

/// What a command needs that has no hosts.
const LEAST: u64 = 64;

/// Makes sure of the few open files without which nothing can be told or recorded.
///
/// # Errors
/// The system allows fewer.
pub fn make_least_room() -> Result<(), CommandError> {
    raise_to(LEAST);
    match getrlimit(Resource::Nofile).current {
        Some(current) if current < LEAST => {
            let failure = Failure::new(format!("only {current} files may be open at the same time"));
            Err(CommandError::from(failure).hint(format!("raise the limit to {LEAST} at least: `ulimit -n`")))
        }
        _ => Ok(()),
    }
}

/// Raises the limit of open files where this many hosts need more; most systems give 1024 and allow more. Programs
/// that we start get the raised limit too, hence only then.
pub fn make_room(hosts: usize) {
    raise_to(OURS + A_HOST * hosts as u64);
}

fn raise_to(needed: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        let current = Some(limit.maximum.map_or(needed, |maximum| needed.min(maximum)));
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum }) {
            tracing::debug!(%error, "the limit of open files stays");
        }
    }
}
