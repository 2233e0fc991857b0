//! What hosts are expected to be asked: traces of earlier runs, from and to the state store.

use crate::engine::{Expected, Run, Traces};
use crate::inventory::{Host, Inventory};
use crate::script::{World, foresee};
use crate::state::{Store, Trace};
use indexmap::IndexMap;
use rhai::AST;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All rehearsals of a run together take no longer.
const REHEARSAL: Duration = Duration::from_millis(200);

/// The traces of these hosts of earlier runs; a host without one takes that of another host of its groups.
///
/// What cannot be read is left out: it could only have saved time.
pub fn traces(store: &Store, playbook: &str, inventory: &Inventory, hosts: &[String]) -> HashMap<String, Traces> {
    let known = hosts.iter().filter_map(|name| inventory.host(name));
    let traces = store.traces(playbook, known.map(|host| (host.name.as_str(), host.groups.as_slice())));
    let traces = traces.unwrap_or_else(|error| {
        tracing::debug!(%error, "no traces of earlier runs");
        HashMap::new()
    });
    // Hosts of a group share most traces.
    let mut parsed: HashMap<Arc<str>, Option<Traces>> = HashMap::new();
    let of_host = traces.into_iter().filter_map(|(host, json)| {
        let trace = parsed.entry(json).or_insert_with_key(|json| parse(json)).clone()?;
        Some((host, trace))
    });
    of_host.collect()
}

fn parse(json: &str) -> Option<Traces> {
    let parsed = serde_json::from_str(json);
    parsed.inspect_err(|error| tracing::debug!(%error, "left out a trace that is none of ours")).ok()
}

/// Adds a trace for every host without one: that of a rehearsal on one host of the same groups.
pub fn expected(
    mut traces: HashMap<String, Traces>,
    world: &Arc<World>,
    inventory: &IndexMap<String, Arc<Host>>,
    hosts: &[String],
    script: &Arc<AST>,
) -> Expected {
    let started = Instant::now();
    let mut rehearsed: HashMap<&[String], Traces> = HashMap::new();
    for name in hosts.iter().filter(|name| !traces.contains_key(*name)).collect::<Vec<_>>() {
        let Some(host) = inventory.get(name) else { continue };
        let left = REHEARSAL.saturating_sub(started.elapsed());
        if left.is_zero() && !rehearsed.contains_key(host.groups.as_slice()) {
            continue;
        }
        let found = rehearsed.entry(&host.groups).or_insert_with(|| foresee(world, inventory, name, script, left));
        traces.insert(name.clone(), found.clone());
    }
    Expected::new(traces)
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
