//! What hosts are expected to be asked: traces of earlier runs, from and to the state store.

use crate::engine::{Expected, Run, Traces};
use crate::inventory::Inventory;
use crate::state::{Store, Trace};
use std::collections::HashMap;

/// The traces of these hosts; a host without one takes that of another host of its groups.
///
/// What cannot be read is left out: it could only have saved time.
pub fn expected(store: &Store, playbook: &str, inventory: &Inventory, hosts: &[String]) -> Expected {
    let known = hosts.iter().filter_map(|name| inventory.host(name));
    let traces = store.traces(playbook, known.map(|host| (host.name.as_str(), host.groups.as_slice())));
    let traces = traces.unwrap_or_else(|error| {
        tracing::debug!(%error, "no traces of earlier runs");
        HashMap::new()
    });
    let parsed = traces.into_iter().filter_map(|(host, json)| match serde_json::from_str::<Traces>(&json) {
        Ok(trace) => Some((host, trace)),
        Err(error) => {
            tracing::debug!(host, %error, "left out a trace that is none of ours");
            None
        }
    });
    Expected::new(parsed.collect())
}

/// Keeps what was asked for the next run.
pub fn keep(store: &Store, playbook: &str, inventory: &Inventory, run: &Run) {
    let traces = run.asked().into_iter().filter_map(|(host, asked)| {
        let groups = inventory.host(&host)?.groups.clone();
        let json = serde_json::to_string(&asked).ok()?;
        Some(Trace { host, groups, json })
    });
    if let Err(error) = store.save_traces(playbook, &traces.collect::<Vec<_>>()) {
        tracing::debug!(%error, "the traces of this run are not kept");
    }
}
