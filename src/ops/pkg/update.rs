//! `pkg::update`

use super::manager::{lists_are_planned, manager_of};
use super::metadata;
use crate::event::Sign;
use crate::ops::resource::apt_index::AptIndex;
use crate::ops::resource::package::Manager;
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;
use std::time::Duration;

/// Keeps the package lists of a host at what its repositories offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    cache_time: Option<u64>,
    lock_wait: Option<u64>,
    manager: Option<Manager>,
}

/// The repositories that offer other lists than the host has.
pub struct Seen {
    manager: Manager,
    stale: Vec<String>,
}

impl Operation for Update {
    const NAME: &'static str = "pkg::update";
    const TARGET: &'static str = "";
    type Seen = Seen;

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let manager = manager_of(view, self.manager)?;
        let is_recent = match self.cache_time {
            Some(limit) => !view.see::<AptIndex>(AptIndex::KEY)?.is_older_than(limit),
            None => false,
        };
        let stale = if lists_are_planned(view) {
            vec!["the changed repositories".to_owned()]
        } else if is_recent {
            Vec::new()
        } else {
            metadata::stale(view, manager)?
        };
        Ok(Seen { manager, stale })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if seen.stale.is_empty() {
            return Ok(Plan::new());
        }
        let lock_wait = self.lock_wait.unwrap_or(super::LOCK_WAIT_SECS);
        let command = Command::script(seen.manager.update(lock_wait)).env("LC_ALL", "C");
        let change = Change::new(Sign::Update, format!("package lists of {}", seen.stale.join(", ")))
            .run(command.timeout(Duration::from_secs(lock_wait.saturating_add(600))))
            .makes_unknown::<AptIndex>(AptIndex::KEY, "the package lists are read anew before");
        Ok(change.into())
    }
}
